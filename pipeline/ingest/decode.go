package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// source is the bytes of an export as they arrive. It keeps the error of the reader beneath, so that a connection
// that broke can be told from a file that is damaged.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// text is the decoded text of an export.
type text struct {
	io.Reader
	encoding, compression string
}

// foreign are formats by their first bytes that a delimited file never has.
var foreign = []struct{ magic, name, next string }{
	{"PK\x03\x04", "a zip archive or an Excel workbook", "unpack the archive, or save the sheet as CSV"},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"},
	{"PAR1\x15", "a Parquet file", "export it as CSV"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it, or compress it with gzip"},
	{"\xfd7zXZ\x00", "compressed with xz", "unpack it, or compress it with gzip"},
	{"%PDF-", "a PDF document", "export the data as CSV"},
}

// The byte order marks.
const (
	bomUTF8    = "\xef\xbb\xbf"
	bomUTF16LE = "\xff\xfe"
	bomUTF16BE = "\xfe\xff"
)

// decode returns the UTF-8 text of an export: unpacked where its content says that it is gzip, and decoded by
// its byte order mark or the declared encoding. What is no text of that encoding comes out as bytes that are not
// UTF-8, so that the record which holds them is refused. A UTF-8 byte order mark is left in place.
func decode(s *source, encoding string) (text, error) {
	t := text{compression: "none"}
	raw := bufio.NewReaderSize(s, 64<<10)
	head, err := peek(raw, 8)
	if err != nil {
		return t, err
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(raw)
		if err != nil {
			return t, err
		}
		t.compression = "gzip"
		raw = bufio.NewReaderSize(unpacked, 64<<10)
		if head, err = peek(raw, 8); err != nil {
			return t, err
		}
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return t, &FileError{Rule: RuleNotCSV, Message: "the file is " + f.name, NextStep: f.next}
		}
	}
	if t.encoding, err = chooseEncoding(head, encoding); err != nil {
		return t, err
	}
	switch t.encoding {
	case preset.EncodingUTF8:
		t.Reader = raw
	case preset.EncodingUTF16LE, preset.EncodingUTF16BE:
		big := t.encoding == preset.EncodingUTF16BE
		t.Reader = newConverter(raw, func(dst, src []byte, last bool) ([]byte, int) { return decodeUTF16(dst, src, big, last) })
	default:
		table, ok := preset.SingleByte(t.encoding)
		if !ok {
			return t, &FileError{Rule: RuleEncoding, Message: fmt.Sprintf("the encoding %q is not known", t.encoding),
				NextStep: "declare one of those that the mapping allows"}
		}
		t.Reader = newConverter(raw, byteDecoder(table))
	}
	return t, nil
}

// peek returns up to n first bytes; fewer where the file is shorter.
func peek(r *bufio.Reader, n int) ([]byte, error) {
	head, err := r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head, err
}

// chooseEncoding decides by the byte order mark, which must agree with what is declared.
func chooseEncoding(head []byte, declared string) (string, error) {
	marked := ""
	switch {
	case bytes.HasPrefix(head, []byte(bomUTF8)):
		marked = preset.EncodingUTF8
	case bytes.HasPrefix(head, []byte(bomUTF16LE)):
		marked = preset.EncodingUTF16LE
	case bytes.HasPrefix(head, []byte(bomUTF16BE)):
		marked = preset.EncodingUTF16BE
	}
	switch {
	case marked == "" && (declared == preset.EncodingAuto || declared == ""):
		return preset.EncodingUTF8, nil
	case marked == "" || marked == declared:
		return declared, nil
	case declared == preset.EncodingAuto || declared == "":
		return marked, nil
	}
	return "", &FileError{
		Rule:     RuleEncoding,
		Message:  fmt.Sprintf("the byte order mark says %s, the mapping says %s", marked, declared),
		NextStep: "declare read: {encoding: auto}, or the encoding that the source really uses",
	}
}
