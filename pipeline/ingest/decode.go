package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

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
	encoding string
}

// start returns the first bytes of the text, and a reader of all of it.
func (t *text) start() ([]byte, io.Reader, error) {
	buffered := bufio.NewReaderSize(t.Reader, 64<<10)
	start, err := peek(buffered, 4<<10)
	return start, buffered, err
}

// The byte order marks.
const (
	bomUTF8    = "\xef\xbb\xbf"
	bomUTF16LE = "\xff\xfe"
	bomUTF16BE = "\xfe\xff"
)

// decode returns the UTF-8 text of an export that begins with start, decoded by its byte order mark or the declared
// encoding. What is no text of that encoding comes out as bytes that are not UTF-8, so that the record which holds them
// is refused. A UTF-8 byte order mark is left in place.
func decode(raw io.Reader, start []byte, encoding string) (text, error) {
	var t text
	var err error
	if t.encoding, err = chooseEncoding(start, encoding); err != nil {
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
