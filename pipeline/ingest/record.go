package ingest

import (
	"bytes"
	"slices"
)

// reader hands out the records of one export, whatever its format is.
type reader interface {
	// next returns the next record, which is valid until the call after, or io.EOF, or the error of the reader beneath,
	// or a *FileError where the file as a whole turns out to be damaged. The record may have a fault.
	next() (*record, error)
	// describe says why a record that next returned has a fault.
	describe(rec *record) complaint
	// count is the number of records so far.
	count() int64
}

// fault says why a record cannot be read.
type fault uint8

const (
	sound fault = iota
	// openQuote: a quoted field does not end.
	openQuote
	// strayQuote: text follows the quote that ends a field, or a quote stands in a record behind a broken one.
	strayQuote
	// tooLong: the record is longer than maxRecord.
	tooLong
	// fieldCount: the record has more or fewer fields than the header.
	fieldCount
	// nulByte and badUTF8: the record is no text.
	nulByte
	badUTF8
	// damagedJSON: the record is not one JSON value.
	damagedJSON
	// badCell: a cell of the record is not what its format allows.
	badCell
)

// span is a field: bytes of the record, or, where from is negative, bytes ^from to to of the unescaped texts. One
// whose end is negative is null.
type span struct{ from, to int32 }

// nullSpan is a field that the record does not have, which is null whatever texts mean null.
var nullSpan = span{0, -1}

// record is one record of a file, valid until the next is read.
type record struct {
	// number is 1 for the first record behind the header, line that on which the record begins (the row of a sheet, the
	// number of the record where the format has no lines), offset the byte of the decoded text.
	number, line, offset int64
	// raw is the record without its line end, as text where the format is none.
	raw       []byte
	fields    []span
	unescaped []byte
	quoted    bool // whether a field is quoted
	fault     fault
	// why says in words what the fault is, for records that were copied.
	why *complaint
	// rest holds as a JSON object what a JSON record has beside its fields, empty where there is nothing.
	rest []byte
	// broken are the positions of fields whose cell holds an error in place of a value; their text says which.
	broken []int32
	// place says where the record is in words, where line alone does not: the sheet and row.
	place string
	// lets are the texts that the mapping names, by letPosition; nil for null.
	lets [][]byte
}

// field returns field i without its quotes, nil for null.
func (r *record) field(i int) []byte {
	s := r.fields[i]
	switch {
	case s.to < 0:
		return nil
	case s.from < 0:
		return r.unescaped[^s.from:s.to]
	}
	return r.raw[s.from:s.to]
}

// clone returns a copy that outlives the next record.
func (r *record) clone() record {
	c := *r
	c.raw, c.fields, c.unescaped = bytes.Clone(r.raw), slices.Clone(r.fields), bytes.Clone(r.unescaped)
	c.rest, c.broken = bytes.Clone(r.rest), slices.Clone(r.broken)
	return c
}

// cells copies the fields of a record.
func cells(rec *record) []string {
	out := make([]string, len(rec.fields))
	for i := range out {
		out[i] = string(rec.field(i))
	}
	return out
}
