package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// opened is an export whose format is known and whose header is read.
type opened struct {
	reader
	// header is nil where the file is empty. In JSON files it holds the paths that the mapping reads.
	header                        *header
	format, encoding, compression string
	// how says how the file is read beyond that, for lineage.
	how    string
	sheets []string
	delim  byte
	// json is set for JSON files, sheet for workbooks, footer where a footer may be.
	json *jsonReader
	// fields tell, behind the last record, which fields of JSON records occurred.
	fields *jsonFields
	sheet  *sheet
	footer *footed
	// zeroes counts the zero bytes that were taken out, nil where they are left in.
	zeroes  *zeroStripper
	closers []func()
	packed  *packed
}

func (o *opened) close() {
	for i := range o.closers {
		o.closers[len(o.closers)-1-i]()
	}
}

// damaged makes an error of the reader one of the file, where it is.
func (o *opened) damaged(err error) error { return o.packed.damaged(err) }

// empty says that there is nothing in the file.
func (o *opened) empty() string {
	if o.json != nil {
		return "the file is empty"
	}
	return "the file is empty: it has no header"
}

// none says that there are no records.
func (o *opened) none() string {
	if o.json != nil {
		return "the file has no records"
	}
	return "the file has a header and no records"
}

// dialect says how the file is read.
func (o *opened) dialect(name string) string {
	text := fmt.Sprintf("%s encoding=%s compression=%s", o.how, o.encoding, o.compression)
	if name != "" {
		text = name + " " + text
	}
	return text
}

// opening is what is known before a file is opened.
type opening struct {
	read   preset.ReadOptions
	format string
	// names are the columns that the mapping reads.
	names []string
	note  func(string)
}

// The first bytes of formats that are no text.
const (
	magicZip     = "PK\x03\x04"
	magicZipNone = "PK\x05\x06" // a zip without members
	magicParquet = "PAR1"
)

// foreign are formats by their first bytes that cannot be read.
var foreign = []struct{ magic, name, next string }{
	{"\xd0\xcf\x11\xe0", "an old Excel workbook, or one with a password", "save it as .xlsx without a password, or as CSV"},
	{"\xfd7zXZ\x00", "compressed with xz", "unpack it, or compress it with gzip or zstd"},
	{"BZh", "compressed with bzip2", "unpack it, or compress it with gzip or zstd"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, or send a zip archive"},
	{"Rar!", "a rar archive", "unpack it, or send a zip archive"},
	{"%PDF-", "a PDF document", "export the data as CSV"},
}

// open finds out what src is, by its content, and reads its header. close is to be called whatever the error.
func open(src *source, want opening) (_ *opened, err error) {
	p, err := unpack(src)
	o := &opened{packed: p, compression: p.compression, encoding: "binary", closers: []func(){p.close}}
	if err != nil {
		return o, p.damaged(err)
	}
	if want.read.Header == 0 && len(want.read.Columns) == 0 {
		want.read.Header = 1
	}
	sniffed, err := peek(p.Reader, 512)
	if err != nil {
		return o, p.damaged(err)
	}
	found, err := detectFormat(sniffed)
	if err != nil {
		return o, err
	}
	if err := o.agree(want.format, found, sniffed); err != nil {
		return o, err
	}
	switch o.format {
	case preset.FormatXLSX:
		err = o.openSheet(&want)
	case preset.FormatParquet:
		err = o.openParquet()
	default:
		err = o.openText(&want, sniffed)
	}
	if err != nil {
		return o, p.damaged(err)
	}
	if len(want.read.Footer) > 0 && o.json == nil {
		if o.footer, err = newFooted(o.reader, want.read.Footer); err != nil {
			return o, err
		}
		o.reader = o.footer
	}
	return o, nil
}

// detectFormat tells a format by the first bytes; "" for text.
func detectFormat(start []byte) (string, error) {
	for _, f := range foreign {
		if bytes.HasPrefix(start, []byte(f.magic)) {
			return "", &FileError{Rule: RuleNotCSV, Message: "the file is " + f.name, NextStep: f.next}
		}
	}
	switch {
	case bytes.HasPrefix(start, []byte(magicZip)), bytes.HasPrefix(start, []byte(magicZipNone)):
		return preset.FormatXLSX, nil
	case bytes.HasPrefix(start, []byte(magicParquet)):
		return preset.FormatParquet, nil
	}
	return "", nil
}

// agree decides on the format: what the content says, which must be what the mapping says where it says something.
func (o *opened) agree(wanted, found string, start []byte) error {
	isAuto := wanted == "" || wanted == preset.FormatAuto
	isText := wanted == preset.FormatCSV || wanted == preset.FormatJSON
	switch {
	case found == "" && isText:
		o.format = wanted
	case found == "" && isAuto:
		o.format = preset.FormatCSV // or JSON, which shows when it is decoded
	case isAuto || found == wanted:
		o.format = found
	case len(start) == 0:
		o.format = preset.FormatCSV // an empty file is one in every format
	default:
		if found == "" {
			found = "text"
		}
		return &FileError{Rule: RuleFormat, Message: fmt.Sprintf("its content is %s, the mapping says %s", found, wanted),
			NextStep: "correct format: in the mapping, or leave it out: formats are told by their content"}
	}
	return nil
}

// openText decodes delimited text or JSON.
func (o *opened) openText(want *opening, sniffed []byte) error {
	t, err := decode(o.packed, sniffed, want.read.Encoding)
	if err != nil {
		return err
	}
	o.encoding = t.encoding
	if o.format == preset.FormatCSV && want.format != preset.FormatCSV {
		start, whole, err := t.start()
		if err != nil {
			return err
		}
		t.Reader = whole
		if looksLikeJSON(start) {
			o.format = preset.FormatJSON
		}
	}
	if o.format == preset.FormatJSON {
		return o.openJSON(want, t)
	}
	if want.read.StripNUL {
		o.zeroes = &zeroStripper{Reader: t.Reader}
		t.Reader = o.zeroes
	}
	s := newScanner(t, want.read.Quote, startBuffer)
	s.skipBOM()
	if s.delim = want.read.Delimiter; s.delim == 0 {
		s.delim = detectDelimiter(linesFrom(s.sample(sampleSize), want.read.SkipRows), s.quote, want)
	}
	o.reader, o.delim = s, s.delim
	o.how = fmt.Sprintf("delimiter=%q quote=%q", s.delim, quoteText(s))
	o.header, err = readHeader(s, &want.read, want.note)
	return err
}

func (o *opened) openJSON(want *opening, t io.Reader) error {
	var err error
	o.header, o.how = newPaths(want.names), "format=json"
	o.json, err = newJSONReader(t, want.names, want.read.Records)
	o.reader = o.json
	if err != nil {
		return err
	}
	if o.json.pos == o.json.end && o.json.eof {
		o.header = nil
	}
	if len(o.json.within) > 0 {
		o.how += fmt.Sprintf(" records=%q", o.json.within)
	}
	return nil
}

// looksLikeJSON reports whether text begins with a bracket that an array or object has.
func looksLikeJSON(start []byte) bool {
	start = bytes.TrimPrefix(start, []byte(bomUTF8))
	at := skipSpace(start, 0)
	if at == len(start) || start[at] != '[' && start[at] != '{' {
		return false
	}
	// A header such as [Name],[City] begins so, too. JSON goes on with a value, a name, or the end.
	next := skipSpace(start, at+1)
	if next == len(start) {
		return true
	}
	if start[at] == '{' {
		return start[next] == '"' || start[next] == '}'
	}
	return bytes.IndexByte([]byte(`{["]-0123456789tfn`), start[next]) >= 0
}

func quoteText(s *scanner) string {
	if !s.quotes {
		return ""
	}
	return string(rune(s.quote))
}

// maxSpool is the size of the largest workbook or Parquet file that is read.
const maxSpool = 8 << 30

// spool copies what is left of the file to a scratch file, since its format is read from several places at once.
func (o *opened) spool() (*os.File, int64, error) {
	f, err := os.CreateTemp("", "partnerhealth-*")
	if err != nil {
		return nil, 0, fmt.Errorf("make scratch file: %w", err)
	}
	// It is read under its handle alone, so that a run that is killed leaves no export behind. Where an open file keeps its
	// name, that goes at the end.
	unnamed := os.Remove(f.Name()) == nil
	o.closers = append(o.closers, func() {
		// The content is elsewhere, so that nothing is lost with a scratch file that cannot be closed or removed.
		_ = f.Close()
		if !unnamed {
			_ = os.Remove(f.Name())
		}
	})
	n, err := io.Copy(f, io.LimitReader(o.packed, maxSpool+1))
	if err == nil && n > maxSpool {
		err = &FileError{Rule: RuleLimit, Message: fmt.Sprintf("it is larger than %d bytes", int64(maxSpool)), NextStep: "export it in several files, or as CSV"}
	}
	var refused *FileError
	if errors.As(err, &refused) {
		return nil, 0, err
	}
	return f, n, err
}
