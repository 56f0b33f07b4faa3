package ingest

import (
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// table reads rows of cells, before and behind the header alike.
type table interface {
	reader
	// begin says that records begin here, each with the given number of fields.
	begin(width int)
	// pass passes over n lines or rows, and returns the text of the first, "" where there is none.
	pass(n int) (first string, err error)
}

// maxNote is how much of a text a remark repeats.
const maxNote = 200

// readHeader passes over the lines before the header and returns the header: that of the file, or the one that the
// mapping declares. It is nil where the file is empty.
func readHeader(t table, read *preset.ReadOptions, note func(string)) (*header, error) {
	if read.SkipRows > 0 {
		first, err := t.pass(read.SkipRows)
		if err != nil {
			return nil, err
		}
		note(fmt.Sprintf("%d lines before the header are not read, the first is %q", read.SkipRows, head([]byte(first), maxNote)))
	}
	if read.Header == 0 && len(read.Columns) > 0 {
		t.begin(len(read.Columns))
		return newHeader(read.Columns), nil
	}
	var names []string
	for i := range max(1, read.Header) {
		rec, err := t.next()
		switch {
		case errors.Is(err, io.EOF) && i == 0:
			return nil, nil
		case errors.Is(err, io.EOF):
			return nil, &FileError{Rule: RuleBadHeader, Message: fmt.Sprintf("it ends after %d of its %d header rows", i, read.Header), NextStep: "correct read: {header: ...} in the mapping"}
		case err != nil:
			return nil, err
		case rec.fault != sound:
			return nil, badHeader(rec, t.describe(rec))
		}
		if i == read.HeaderIndex {
			names = cells(rec)
		} else {
			note(fmt.Sprintf("header row %d is not read: %q", i+1, head(rec.raw, maxNote)))
		}
	}
	h := newHeader(names)
	t.begin(len(h.names))
	return h, nil
}

func badHeader(rec *record, c complaint) *FileError {
	next := c.next
	if rec.fault == nulByte || rec.fault == badUTF8 {
		next = "declare the encoding in the mapping, for example read: {encoding: windows-1252}, or utf-16le where every second byte is zero"
	}
	return &FileError{Rule: RuleBadHeader, Message: "the header cannot be read: it " + c.message, NextStep: next}
}

// maxFooter is how many records in a row may be a footer. So many that look like one are records.
const maxFooter = 100

// footed takes the footer off the end of a file: the last records, as far as they match one of the patterns. A record
// that matches and is followed by another one that does not is a record.
type footed struct {
	reader
	patterns []*regexp.Regexp
	// held may be the footer, ready is to be handed out; both were copied.
	held, ready []heldRecord
	current     complaint
	isHeld      bool
	footer      []string
}

type heldRecord struct {
	record
	complaint complaint
}

func newFooted(r reader, patterns []string) (*footed, error) {
	f := &footed{reader: r}
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("compile footer: %w", err)
		}
		f.patterns = append(f.patterns, re)
	}
	return f, nil
}

func (f *footed) next() (*record, error) {
	for len(f.ready) == 0 {
		f.isHeld = false
		rec, err := f.reader.next()
		switch {
		case errors.Is(err, io.EOF):
			for i := range f.held {
				f.footer = append(f.footer, string(f.held[i].raw))
			}
			f.held = nil
			return nil, err
		case err != nil:
			return nil, err
		case !f.matches(rec.raw):
			if len(f.held) == 0 {
				return rec, nil
			}
			f.release(rec)
		default:
			f.held = append(f.held, f.hold(rec))
			if len(f.held) > maxFooter {
				f.ready, f.held = f.held, nil
			}
		}
	}
	first := &f.ready[0]
	f.ready = f.ready[1:]
	f.current, f.isHeld = first.complaint, true
	return &first.record, nil
}

// release says that what was held was no footer, since rec follows it.
func (f *footed) release(rec *record) {
	f.held = append(f.held, f.hold(rec))
	f.ready, f.held = f.held, nil
}

func (f *footed) matches(raw []byte) bool {
	for _, p := range f.patterns {
		if p.Match(raw) {
			return true
		}
	}
	return false
}

// hold copies a record, which is overwritten when the next is read.
func (f *footed) hold(rec *record) heldRecord {
	h := heldRecord{record: rec.clone()}
	if rec.fault != sound {
		h.complaint = f.reader.describe(rec)
	}
	return h
}

func (f *footed) describe(rec *record) complaint {
	if f.isHeld {
		return f.current
	}
	return f.reader.describe(rec)
}

func (f *footed) count() int64 { return f.reader.count() - int64(len(f.footer)) }
