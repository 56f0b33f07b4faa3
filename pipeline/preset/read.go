package preset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// ReadOptions say how the bytes of a file become records.
type ReadOptions struct {
	// Delimiter is one of the bytes , ; tab | ^ and `, or 0 to detect it from the header.
	Delimiter byte `json:"delimiter,omitempty"`
	// Quote is the quote sign, 0 for none.
	Quote byte `json:"quote,omitempty"`
	// Encoding is an IANA name, or auto: by byte order mark, else UTF-8.
	Encoding string `json:"encoding"`
	// NullValues are the texts that mean null.
	NullValues []string `json:"null_values"`
	// TimeZone is the IANA zone of local times; "" leaves it to the source's configuration.
	TimeZone string `json:"timezone,omitempty"`
	// StripNUL takes zero bytes out of delimited text, counted and told, instead of refusing the records that hold one.
	StripNUL bool `json:"strip_nul,omitempty"`
	// Header is the number of header rows, 0 where there is none and Columns names the columns. HeaderIndex is the
	// header row that names the columns, 0 for the first.
	Header      int      `json:"header,omitempty"`
	HeaderIndex int      `json:"header_index,omitempty"`
	Columns     []string `json:"columns,omitempty"`
	// SkipRows is the number of lines before the header that are passed over.
	SkipRows int `json:"skip_rows,omitempty"`
	// Footer holds regular expressions on raw records. Records at the end of the file that match one are its footer:
	// they are no records, but counted and told.
	Footer []string `json:"footer,omitempty"`
	// Sheet is the name or number, from 1, of the sheet of a workbook; "" for the first.
	Sheet string `json:"sheet,omitempty"`
	// Records is the path of the array of records inside one JSON object; "" for an array, lines, or an object that
	// holds one array.
	Records string `json:"records,omitempty"`
}

// DefaultRead returns the options that hold where a mapping says nothing.
func DefaultRead() ReadOptions {
	return ReadOptions{Quote: '"', Encoding: EncodingAuto, NullValues: []string{""}, Header: 1}
}

// maxHeaderRows and maxSkipRows keep a typing error from being taken for the shape of a file.
const (
	maxHeaderRows = 20
	maxSkipRows   = 1000
)

// readOptions decodes a read section on top of options.
func (r *reader) readOptions(m member, o ReadOptions) ReadOptions {
	known := []string{"delimiter", "quote", "encoding", "null_values", "timezone", "header", "header_index", "columns", "skip_rows",
		"footer", "sheet", "records", "strip_nul"}
	for _, f := range r.members(m.path, m.value, known) {
		switch f.key {
		case "delimiter":
			o.Delimiter = r.delimiter(f)
		case "quote":
			switch s := r.text(f); len(s) {
			case 0:
				o.Quote = 0
			case 1:
				o.Quote = s[0]
			default:
				r.report(f.path, "must be one ASCII character, or empty for files without quotes", "")
			}
		case "encoding":
			o.Encoding = strings.ToLower(r.text(f))
		case "null_values":
			o.NullValues = r.texts(f)
		case "timezone":
			o.TimeZone = r.text(f)
		case "strip_nul":
			o.StripNUL = r.truth(f)
		case "header":
			o.Header = r.headerRows(f)
		case "header_index":
			o.HeaderIndex = r.whole(f)
		case "columns":
			o.Columns = r.texts(f)
		case "skip_rows":
			o.SkipRows = r.whole(f)
		case "footer":
			o.Footer = r.texts(f)
		case "sheet":
			o.Sheet = r.text(f)
		case "records":
			o.Records = r.text(f)
		}
	}
	r.checkRead(m.path, &o)
	return o
}

// headerRows reads a number of rows, or none.
func (r *reader) headerRows(m member) int {
	if s, ok := r.scalar(m.value); ok && s == "none" {
		return 0
	}
	if _, ok := r.plain(m.value).(*ast.NullNode); ok {
		return 0
	}
	return r.whole(m)
}

func (r *reader) delimiter(m member) byte {
	switch s := r.text(m); s {
	case "auto":
		return 0
	case ",", ";", "|", "\t", "^", "`":
		return s[0]
	case `\t`, "tab":
		return '\t'
	default:
		r.report(m.path, `must be auto, ",", ";", "|", "^" or "\t"`, "")
		return 0
	}
}

func (r *reader) checkRead(path string, o *ReadOptions) {
	switch q := o.Quote; {
	case q == 0:
	case q >= 0x80 || q < ' ' || q == ' ' || nameForm.MatchString(string(q)):
		r.report(path+".quote", "must be a sign such as \" or '", "")
	case q == o.Delimiter:
		r.report(path+".quote", "is the delimiter as well", "")
	}
	if !KnownEncoding(o.Encoding) {
		r.report(path+".encoding", fmt.Sprintf("unknown encoding %q", o.Encoding),
			"known are auto, utf-8, utf-16le, utf-16be and single-byte encodings such as windows-1252, iso-8859-1 and iso-8859-15")
	}
	if o.TimeZone != "" {
		if _, err := time.LoadLocation(o.TimeZone); err != nil || o.TimeZone == "Local" {
			r.report(path+".timezone", fmt.Sprintf("unknown time zone %q", o.TimeZone), "use a name such as Europe/Berlin or UTC")
		}
	}
	for i, pattern := range o.Footer {
		if _, err := regexp.Compile(pattern); err != nil {
			r.report(fmt.Sprintf("%s.footer[%d]", path, i), "is no regular expression: "+err.Error(), "")
		}
	}
	r.checkHeaderRows(path, o)
}

func (r *reader) checkHeaderRows(path string, o *ReadOptions) {
	switch {
	case o.Header < 0 || o.Header > maxHeaderRows:
		r.report(path+".header", fmt.Sprintf("is %d, wants 0 to %d header rows", o.Header, maxHeaderRows), "")
	case o.Header == 0 && len(o.Columns) == 0:
		r.report(path+".header", "is none, so the columns have no names", "add columns: [...], the names in the order of the file")
	case o.Header > 0 && len(o.Columns) > 0:
		r.report(path+".columns", "is not read, since the file has a header", "remove it, or state header: none")
	case o.HeaderIndex < 0 || o.HeaderIndex > 0 && o.HeaderIndex >= o.Header:
		r.report(path+".header_index", fmt.Sprintf("is %d, but there are %d header rows", o.HeaderIndex, o.Header), "0 is the first")
	}
	for i, name := range o.Columns {
		if slices.ContainsFunc(o.Columns[:i], func(other string) bool { return Fold(other) == Fold(name) }) {
			r.report(fmt.Sprintf("%s.columns[%d]", path, i), fmt.Sprintf("names %q a second time", name), "")
		}
	}
	if o.SkipRows < 0 || o.SkipRows > maxSkipRows {
		r.report(path+".skip_rows", fmt.Sprintf("is %d, wants 0 to %d", o.SkipRows, maxSkipRows), "")
	}
}
