package ingest

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sheet reads the rows of a sheet one by one. A row without any text is no record. Dates come as ISO text and numbers
// as the sheet stores them.
type sheet struct {
	book    *workbook
	name    string
	part    io.ReadCloser
	xml     *xml.Decoder
	row     int
	records int64
	width   int // 0 while not known
	rec     record
	cells   []cell
	texts   []byte // of the cells of the row
	detail  string
	isDone  bool
	isRead  bool // whether the cells are those of the row that comes next
	// what a person should know of the sheet
	hiddenRows, merged int64
	hiddenColumns      bool
}

// cell is a cell that is not empty: its column, from 0, and its text among the texts of the row.
type cell struct {
	at, from, to int
	isError      bool
}

// maxColumns is the number of columns of a sheet.
const maxColumns = 16384

// openSheet opens a workbook.
func (o *opened) openSheet(want *opening) error {
	f, size, err := o.spool()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return fmt.Errorf("read as zip archive: %w", err)
	}
	if len(z.File) == 0 {
		return &FileError{Rule: RuleNotCSV, Message: "the file is a zip archive with nothing in it", NextStep: "export it again"}
	}
	if !isWorkbook(z) {
		return &FileError{Rule: RuleNotCSV, Message: "the file is a zip archive within which no Excel workbook is",
			NextStep: "send the archive with its own name, so that its members are read, or unpack it"}
	}
	book, err := newWorkbook(z)
	if err != nil {
		return err
	}
	info, err := book.choose(want.read.Sheet)
	if err != nil {
		return err
	}
	for _, s := range book.sheets {
		o.sheets = append(o.sheets, s.name)
	}
	if len(book.sheets) > 1 && want.read.Sheet == "" {
		others := slices.DeleteFunc(slices.Clone(o.sheets), func(name string) bool { return name == info.name })
		hidden := ""
		if info.isHidden {
			hidden = ", which is hidden,"
		}
		want.note(fmt.Sprintf("the sheet %q%s is read; the workbook also has %s", info.name, hidden, quoteList(others)))
	}
	part, err := book.part(info.part)
	if err != nil {
		return err
	}
	o.closers = append(o.closers, func() { _ = part.Close() })
	s := &sheet{book: book, name: info.name, part: part, xml: xml.NewDecoder(part)}
	o.reader, o.sheet = s, s
	o.how = fmt.Sprintf("format=xlsx sheet=%q", info.name)
	o.header, err = readHeader(s, &want.read, want.note)
	return err
}

// choose returns the sheet by name, or by number from 1; the first that has cells where it is not stated.
func (w *workbook) choose(wanted string) (sheetInfo, error) {
	var names []string
	for i, s := range w.sheets {
		if s.name == wanted || wanted == "" && s.hasCells || wanted == strconv.Itoa(i+1) && !slices.ContainsFunc(w.sheets, func(s sheetInfo) bool { return s.name == wanted }) {
			return s, nil
		}
		names = append(names, s.name)
	}
	if len(names) == 0 {
		return sheetInfo{}, errors.New("the workbook has no sheets")
	}
	return sheetInfo{}, &FileError{Rule: RuleFormat, Message: fmt.Sprintf("the workbook has no sheet %q; it has %s", wanted, quoteList(names)),
		NextStep: "correct read: {sheet: ...} in the mapping: a name, or a number from 1"}
}

func (s *sheet) count() int64 { return s.records }

// begin implements table.
func (s *sheet) begin(width int) { s.width, s.records = width, 0 }

// pass implements table: it passes over the rows up to row n, whether they are empty or not.
func (s *sheet) pass(n int) (first string, err error) {
	for s.row < n {
		isRow, err := s.nextRow()
		if err != nil || !isRow {
			return first, err
		}
		if first == "" {
			first = s.text()
		}
	}
	if s.row > n { // the row behind those that are passed over; the empty ones between are not in the file
		s.isRead = true
	}
	return first, nil
}

// text is the row as text, with tabs between the cells.
func (s *sheet) text() string {
	s.fields()
	return string(s.rec.raw)
}

func (s *sheet) describe(rec *record) complaint {
	switch rec.fault {
	case tooLong:
		return complaint{"record_too_long", fmt.Sprintf("is longer than %d bytes", maxRecord), "leave long texts out of the export"}
	case fieldCount:
		return complaint{"field_count", fmt.Sprintf("has %d cells where the header has %d", len(rec.fields), s.width),
			"name all columns in the header, and keep remarks out of the table"}
	case nulByte:
		return complaint{"nul_byte", "holds a zero byte", "remove it in the source"}
	case badUTF8:
		return complaint{"invalid_text", "holds bytes that are no text", "save the workbook again"}
	}
	return complaint{"bad_cell", s.detail, "save the workbook again, or correct the cell"}
}

// next returns the next row that is not empty.
func (s *sheet) next() (*record, error) {
	for {
		if !s.isRead {
			isRow, err := s.nextRow()
			if err != nil {
				return nil, err
			}
			if !isRow {
				return nil, io.EOF
			}
		}
		s.isRead = false
		if len(s.cells) == 0 && s.detail == "" {
			continue
		}
		s.records++
		rec := &s.rec
		rec.number, rec.line, rec.offset = s.records, int64(s.row), s.xml.InputOffset()
		rec.place = fmt.Sprintf("sheet %s, row %d", s.name, s.row)
		s.fields()
		switch {
		case s.detail != "":
			rec.fault = badCell
		case len(rec.raw) > maxRecord:
			rec.fault = tooLong
			rec.raw = rec.raw[:maxRecord]
		case bytes.IndexByte(rec.raw, 0) >= 0:
			rec.fault = nulByte
		case !utf8.Valid(rec.raw):
			rec.fault = badUTF8
		case s.width > 0 && len(rec.fields) > s.width:
			rec.fault = fieldCount
		}
		return rec, nil
	}
}

// fields makes the cells of the row a record, as wide as the header or as the row.
func (s *sheet) fields() {
	rec := &s.rec
	rec.raw, rec.fields, rec.broken, rec.fault = rec.raw[:0], rec.fields[:0], rec.broken[:0], sound
	width := s.width
	if n := len(s.cells); n > 0 {
		width = max(width, s.cells[n-1].at+1)
	}
	next := 0
	for i := range width {
		if i > 0 {
			rec.raw = append(rec.raw, '\t')
		}
		from := len(rec.raw)
		if next < len(s.cells) && s.cells[next].at == i {
			c := s.cells[next]
			rec.raw = append(rec.raw, s.texts[c.from:c.to]...)
			if c.isError {
				rec.broken = append(rec.broken, int32(i))
			}
			next++
		}
		rec.fields = append(rec.fields, span{int32(from), int32(len(rec.raw))})
	}
}

// nextRow reads the cells of the next row, and reports whether there was one. Behind the last it reads the part to its
// end, where its checksum is compared.
func (s *sheet) nextRow() (bool, error) {
	if s.isDone {
		return false, nil
	}
	for {
		token, err := s.xml.Token()
		if errors.Is(err, io.EOF) {
			s.isDone = true
			return false, nil
		}
		if err != nil {
			return false, s.broken(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "row":
			if err := s.readRow(&e); err != nil {
				return false, s.broken(err)
			}
			return true, nil
		case "mergeCell":
			s.merged++
		case "col":
			s.hiddenColumns = s.hiddenColumns || isTrue(attribute(&e, "hidden"))
		}
	}
}

func (s *sheet) broken(err error) error {
	return fmt.Errorf("sheet %q, behind row %d: %w", s.name, s.row, err)
}

func (s *sheet) readRow(e *xml.StartElement) error {
	s.cells, s.texts, s.detail = s.cells[:0], s.texts[:0], ""
	row := s.row + 1
	if text := attribute(e, "r"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= s.row {
			return fmt.Errorf("row %q stands behind row %d", text, s.row)
		}
		row = n
	}
	s.row = row
	if isTrue(attribute(e, "hidden")) {
		s.hiddenRows++
	}
	for at := 0; ; at++ {
		token, err := s.xml.Token()
		if err != nil {
			return noEOF(err)
		}
		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local == "row" {
				return nil
			}
			at--
		case xml.StartElement:
			if e.Name.Local != "c" {
				if err := s.xml.Skip(); err != nil {
					return noEOF(err)
				}
				at--
				continue
			}
			if at, err = s.readCell(&e, at); err != nil {
				return err
			}
		default:
			at--
		}
	}
}

// readCell reads the cell that stands at column at if it does not say otherwise, and returns its column.
func (s *sheet) readCell(e *xml.StartElement, at int) (int, error) {
	var reference, kind, style string
	for _, a := range e.Attr {
		switch a.Name.Local {
		case "r":
			reference = a.Value
		case "t":
			kind = a.Value
		case "s":
			style = a.Value
		}
	}
	if reference != "" {
		stated, ok := columnOf(reference)
		if !ok || stated < at || stated >= maxColumns {
			return at, fmt.Errorf("cell %q stands where it cannot be", reference)
		}
		at = stated
	}
	from := len(s.texts)
	value, hasValue, hasFormula, err := s.content(from)
	if err != nil {
		return at, err
	}
	c := cell{at: at, from: from}
	switch {
	case hasFormula && (!hasValue || kind != "str" && len(bytes.TrimSpace(value)) == 0):
		// Only a text can be an empty result; some writers put an empty value where they calculate nothing.
		s.texts = append(s.texts[:from], "a formula that was never calculated"...)
		c.isError = true
	default:
		if err := s.show(value, kind, style, from, &c); err != nil {
			s.detail = fmt.Sprintf("has a cell %s%d that cannot be read: %v", columnName(at), s.row, err)
		}
	}
	if c.to = len(s.texts); c.to > c.from {
		s.cells = append(s.cells, c)
	}
	return at, nil
}

// content reads what the cell holds: its value, which lies behind the texts, and whether it has one and a formula.
func (s *sheet) content(from int) (value []byte, hasValue, hasFormula bool, err error) {
	inValue := false
	for {
		token, err := s.xml.Token()
		if err != nil {
			return nil, false, false, noEOF(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				inValue, hasValue = true, true
			case "f":
				hasFormula = true
			case "is":
				if s.texts, err = appendRichText(s.texts, s.xml, "is"); err != nil {
					return nil, false, false, err
				}
			}
		case xml.CharData:
			if inValue {
				s.texts = append(s.texts, t...)
			}
		case xml.EndElement:
			if inValue = false; t.Name.Local == "c" {
				return s.texts[from:], hasValue, hasFormula, nil
			}
		}
	}
}

// show puts the text that a value means in its place behind the other texts.
func (s *sheet) show(value []byte, kind, style string, from int, c *cell) error {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(string(value)))
		text, ok := s.book.texts.get(i)
		if err != nil || !ok {
			return fmt.Errorf("its text %q is not among the %d of the workbook", value, len(s.book.texts.ends))
		}
		s.texts = append(s.texts[:from], text...)
	case "str":
		s.texts = appendUnescaped(s.texts[:from], bytes.Clone(value))
	case "inlineStr", "d":
	case "b":
		text := map[string]string{"1": "true", "0": "false"}[string(value)]
		if text == "" && len(value) > 0 {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		s.texts = append(s.texts[:from], text...)
	case "e":
		c.isError = len(value) > 0
	case "", "n":
		text := strings.TrimSpace(string(value))
		if text == "" {
			s.texts = s.texts[:from]
			return nil
		}
		date := noDate
		if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.book.styles) {
			date = s.book.styles[i]
		}
		shown, err := showNumber(text, date, s.book.is1904)
		if err != nil {
			shown, c.isError = err.Error(), true
		}
		s.texts = append(s.texts[:from], shown...)
	default:
		return fmt.Errorf("its kind %q is not known", kind)
	}
	return nil
}

// notes are remarks on the sheet, known behind its last row.
func (s *sheet) notes() []string {
	var out []string
	if s.hiddenRows > 0 {
		out = append(out, fmt.Sprintf("%d hidden rows of the sheet were read like the others", s.hiddenRows))
	}
	if s.hiddenColumns {
		out = append(out, "hidden columns of the sheet were read like the others")
	}
	if s.merged > 0 {
		out = append(out, fmt.Sprintf("%d merged ranges of the sheet have their value in the first cell alone", s.merged))
	}
	return out
}

// columnOf returns the column, from 0, of a reference such as AB12.
func columnOf(reference string) (int, bool) {
	n := 0
	for i := range len(reference) {
		c := reference[i]
		switch {
		case c >= 'A' && c <= 'Z' && n <= maxColumns:
			n = n*26 + int(c-'A') + 1
		case c >= '0' && c <= '9' && i > 0 && n > 0:
			return n - 1, true
		default:
			return 0, false
		}
	}
	return 0, false
}

// columnName is the name of a column, from 0, as sheets show it.
func columnName(at int) string {
	name := ""
	for at++; at > 0; at = (at - 1) / 26 {
		name = string(rune('A'+(at-1)%26)) + name
	}
	return name
}
