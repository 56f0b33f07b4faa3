package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

// parquetRows is how many rows are read at a time.
const parquetRows = 128

// parquetReader reads the rows of a Parquet file as text. A column within others is called by its path, as in JSON. A
// column that repeats is a JSON array of its values.
type parquetReader struct {
	groups  []parquet.RowGroup
	rows    parquet.Rows
	batch   []parquet.Row
	ready   []parquet.Row
	columns []parquetColumn
	records int64
	rec     record
}

// parquetColumn is a column of values.
type parquetColumn struct {
	name string
	show func(dst []byte, v parquet.Value) ([]byte, error)
	// isText is set where the text is one of JSON, and is put in quotes in an array.
	isText bool
	// repeats is the number of lists around the values, lists the definition level from which each of them is one.
	repeats int
	lists   []int
}

// openParquet opens a Parquet file.
func (o *opened) openParquet() (err error) {
	f, size, err := o.spool()
	if err != nil {
		return err
	}
	// The library panics at some damaged files.
	defer recovered(&err)
	file, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	p := &parquetReader{groups: file.RowGroups(), batch: make([]parquet.Row, parquetRows)}
	var walk func(path string, fields []parquet.Field, def int, lists []int)
	walk = func(path string, fields []parquet.Field, def int, lists []int) {
		for _, field := range fields {
			p.walk(jsonpath.Join(path, field.Name()), field, def, lists, walk)
		}
	}
	walk("", file.Schema().Fields(), 0, nil)
	p.findHalves(file.Metadata().Schema)
	o.closers = append(o.closers, p.close)
	names := make([]string, len(p.columns))
	for i := range p.columns {
		names[i] = p.columns[i].name
	}
	o.reader, o.header, o.how = p, newHeader(names), "format=parquet"
	return nil
}

// walk adds the columns of a field, which lies in lists and is defined from level def on.
func (p *parquetReader) walk(name string, field parquet.Field, def int, lists []int, fields func(string, []parquet.Field, int, []int)) {
	if field.Optional() {
		def++
	}
	if field.Repeated() {
		lists = append(lists[:len(lists):len(lists)], def)
		def++
	}
	switch {
	case field.Leaf():
		show, isText := parquetText(field.Type())
		p.columns = append(p.columns, parquetColumn{name: name, show: show, isText: isText, repeats: len(lists), lists: lists})
	case isListOf(field):
		// The list is written as field.list.element; the two names say nothing.
		inner := field.Fields()[0]
		lists = append(lists[:len(lists):len(lists)], def)
		def++
		element := inner.Fields()[0]
		p.walk(name, element, def, lists, fields)
	default:
		fields(name, field.Fields(), def, lists)
	}
}

// findHalves finds the columns of numbers of two bytes in the schema as it is stored: to the library they are bytes.
func (p *parquetReader) findHalves(stored []format.SchemaElement) {
	leaf := 0
	for i := range stored {
		if stored[i].NumChildren.Valid {
			continue
		}
		if _, isHalf := stored[i].LogicalType.Value.(*format.Float16Type); isHalf && leaf < len(p.columns) {
			p.columns[leaf].show, p.columns[leaf].isText = appendHalf, false
		}
		leaf++
	}
}

// isListOf reports whether a group is a list in the form of three levels.
func isListOf(field parquet.Field) bool {
	t := field.Type().LogicalType()
	if t == nil || len(field.Fields()) != 1 {
		return false
	}
	_, isList := t.Value.(*format.ListType)
	inner := field.Fields()[0]
	return isList && inner.Repeated() && !inner.Leaf() && len(inner.Fields()) == 1
}

func (p *parquetReader) close() {
	if p.rows != nil {
		_ = p.rows.Close() // nothing was written
	}
}

// recovered makes a panic an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("read Parquet: %v", r)
	}
}

func (p *parquetReader) count() int64 { return p.records }

func (p *parquetReader) describe(rec *record) complaint {
	switch rec.fault {
	case tooLong:
		return complaint{"record_too_long", fmt.Sprintf("is longer than %d bytes", maxRecord), "leave long texts out of the export"}
	case nulByte:
		return complaint{"nul_byte", "holds a zero byte", "remove it in the source"}
	}
	return complaint{"invalid_text", "holds bytes that are no text", "export texts as UTF-8 and leave binary columns out"}
}

func (p *parquetReader) next() (_ *record, err error) {
	defer recovered(&err)
	for len(p.ready) == 0 {
		if p.rows == nil {
			if len(p.groups) == 0 {
				return nil, io.EOF
			}
			group := p.groups[0]
			if p.groups = p.groups[1:]; group.NumRows() == 0 {
				continue // it may have no pages, where the library finds no place to read from
			}
			p.rows = group.Rows()
		}
		n, err := p.rows.ReadRows(p.batch)
		p.ready = p.batch[:n]
		if n > 0 {
			break
		}
		if err == nil {
			err = io.ErrNoProgress
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		err, p.rows = p.rows.Close(), nil
		if err != nil {
			return nil, err
		}
	}
	row := p.ready[0]
	p.ready = p.ready[1:]
	p.fill(row)
	return &p.rec, nil
}

// fill makes a row the record.
func (p *parquetReader) fill(row parquet.Row) {
	rec := &p.rec
	p.records++
	rec.number, rec.line, rec.fault = p.records, p.records, sound
	rec.raw, rec.fields, rec.broken = rec.raw[:0], rec.fields[:0], rec.broken[:0]
	rec.place = fmt.Sprintf("row %d", p.records)
	isText := true
	for i := range p.columns {
		if i > 0 {
			rec.raw = append(rec.raw, '\t')
		}
		n := 0
		for n < len(row) && row[n].Column() == i {
			n++
		}
		from := len(rec.raw)
		isNull, err := p.cell(&p.columns[i], row[:n])
		row = row[n:]
		if err != nil {
			isNull, rec.raw, rec.broken = false, append(rec.raw[:from], err.Error()...), append(rec.broken, int32(i))
		}
		if isNull {
			rec.fields = append(rec.fields, nullSpan)
			continue
		}
		rec.fields = append(rec.fields, span{int32(from), int32(len(rec.raw))})
		isText = isText && utf8.Valid(rec.raw[from:])
	}
	switch {
	case len(rec.raw) > maxRecord:
		rec.fault, rec.raw = tooLong, rec.raw[:maxRecord]
	case !isText:
		rec.fault = badUTF8
	case bytes.IndexByte(rec.raw, 0) >= 0:
		rec.fault = nulByte
	}
	if rec.fault == badUTF8 {
		rec.raw = bytes.ToValidUTF8(rec.raw, []byte("\ufffd"))
	}
}

// cell appends the text of a column to the record.
func (p *parquetReader) cell(c *parquetColumn, values []parquet.Value) (isNull bool, err error) {
	rec := &p.rec
	if c.repeats > 0 {
		return p.list(c, values)
	}
	if len(values) != 1 || values[0].IsNull() {
		return true, nil
	}
	rec.raw, err = c.show(rec.raw, values[0])
	return false, err
}

// list appends the values of a column that repeats as JSON arrays within each other. A list that is null is null, one
// that is empty is [].
func (p *parquetReader) list(c *parquetColumn, values []parquet.Value) (isNull bool, err error) {
	if len(values) == 0 || values[0].DefinitionLevel() < c.lists[0] {
		return true, nil
	}
	rec, open := &p.rec, 0
	for i, v := range values {
		// The first value opens all lists, the others close those that end and open them anew.
		if i > 0 {
			for ; open > v.RepetitionLevel(); open-- {
				rec.raw = append(rec.raw, ']')
			}
			rec.raw = append(rec.raw, ',')
		}
		def := v.DefinitionLevel()
		for open < c.repeats && def >= c.lists[open] {
			rec.raw = append(rec.raw, '[')
			open++
			if def == c.lists[open-1] {
				break // an empty list
			}
		}
		switch {
		case !v.IsNull():
			if rec.raw, err = c.appendJSON(rec.raw, v); err != nil {
				return false, err
			}
		case open == 0 || def > c.lists[open-1]:
			rec.raw = append(rec.raw, "null"...)
		}
	}
	rec.raw = append(rec.raw, strings.Repeat("]", open)...)
	return false, nil
}

// appendJSON appends a value as an element of an array.
func (c *parquetColumn) appendJSON(dst []byte, v parquet.Value) ([]byte, error) {
	if !c.isText {
		return c.show(dst, v)
	}
	text, err := c.show(nil, v)
	return appendJSONText(dst, text), err
}
