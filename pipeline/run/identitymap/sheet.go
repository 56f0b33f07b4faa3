// Package identitymap keeps the sheet in which a person says which partner an identifier of some system means.
//
// The program writes a line for every identifier that nobody could be found for, with what hangs on it and whom it may
// mean; the person fills in a partner's id. The built-in mapping identity-map reads the completed lines, the others are
// left out. A sheet is written again and again: what a person decided stays, what is resolved otherwise goes.
package identitymap

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Line is one identifier. Source, Type and Value name it; Partner is empty until a person has decided, Note is theirs.
type Line struct {
	Source, Type, Value string
	Partner, Note       string
	// Evidence is what the program knows of it, in the order of evidenceColumns; it is written for the person and
	// never read back.
	Evidence Evidence
}

// Evidence says what hangs on an identifier and whom it may mean, as text.
type Evidence struct{ Records, Amount, FirstOn, LastOn, Reason, Candidates string }

// key tells identifiers apart.
func (l Line) key() [3]string { return [3]string{l.Source, l.Type, l.Value} }

// decided reports whether a person has written something into the line.
func (l Line) decided() bool { return l.Partner != "" || l.Note != "" }

var (
	keptColumns     = []string{"id_source", "id_type", "id_value", "partner_id", "note"}
	evidenceColumns = []string{"records", "amount", "first_on", "last_on", "reason", "candidates"}
)

const byteOrderMark = "\ufeff"

// SheetError says why a sheet cannot be read, and so must not be written over.
type SheetError struct {
	// Line is the line of the file, 0 for the sheet as a whole.
	Line    int
	Problem string
}

func (e *SheetError) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

// Read reads a sheet as Write makes it, also after a spreadsheet has saved it: columns in any order, separated by commas
// or semicolons. A column of its own that a person added is a *SheetError, since writing the sheet again would lose it.
func Read(r io.Reader) ([]Line, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read identity map: %w", err)
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	in := csv.NewReader(bytes.NewReader(data))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		in.Comma = ';'
	}
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read identity map: %w", err)
	}
	columns, err := places(header)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read identity map: %w", err)
		}
		cell := func(name string) string { return strings.TrimSpace(record[columns[name]]) }
		line := Line{
			Source: unguarded(cell("id_source")), Type: cell("id_type"), Value: unguarded(cell("id_value")),
			Partner: unguarded(cell("partner_id")), Note: unguarded(cell("note")),
		}
		if line.Source == "" || line.Type == "" || line.Value == "" {
			at, _ := in.FieldPos(0)
			return nil, &SheetError{Line: at, Problem: "id_source, id_type and id_value must all be there"}
		}
		lines = append(lines, line)
	}
}

// places returns where each column that is kept stands.
func places(header []string) (map[string]int, error) {
	columns := make(map[string]int, len(header))
	for i, name := range header {
		name = strings.TrimSpace(name)
		if !slices.Contains(keptColumns, name) && !slices.Contains(evidenceColumns, name) {
			return nil, &SheetError{Problem: fmt.Sprintf("the column %q would be lost: take it out, or write to another file", name)}
		}
		columns[name] = i
	}
	for _, name := range keptColumns {
		if _, ok := columns[name]; !ok {
			return nil, &SheetError{Problem: fmt.Sprintf("the column %q is missing: this is no identity map", name)}
		}
	}
	return columns, nil
}

// Merge returns the sheet for tonight: the open identifiers in their order, with what a person wrote about them, then the
// other lines that a person decided. Lines that nobody touched and that are no longer open are gone.
func Merge(sheet, open []Line) []Line {
	written := make(map[[3]string]Line, len(sheet))
	for _, l := range sheet {
		if l.decided() {
			written[l.key()] = l
		}
	}
	out := make([]Line, 0, len(open)+len(written))
	for _, l := range open {
		if w, ok := written[l.key()]; ok {
			l.Partner, l.Note = w.Partner, w.Note
			delete(written, l.key())
		}
		out = append(out, l)
	}
	for _, l := range sheet {
		if w, ok := written[l.key()]; ok {
			out = append(out, w)
			delete(written, l.key())
		}
	}
	return out
}

// Write writes a sheet: UTF-8 with a byte-order mark, so that Excel reads the letters right, and with every text that a
// spreadsheet would run as a formula led by an apostrophe, which Read and the mapping take off again.
func Write(w io.Writer, lines []Line) error {
	buffered := bufio.NewWriter(w)
	if _, err := buffered.WriteString(byteOrderMark); err != nil {
		return fmt.Errorf("write identity map: %w", err)
	}
	out := csv.NewWriter(buffered)
	if err := out.Write(slices.Concat(keptColumns, evidenceColumns)); err != nil {
		return fmt.Errorf("write identity map: %w", err)
	}
	for _, l := range lines {
		e := l.Evidence
		if err := out.Write([]string{
			guarded(l.Source), l.Type, guarded(l.Value), guarded(l.Partner), guarded(l.Note),
			e.Records, e.Amount, e.FirstOn, e.LastOn, guarded(e.Reason), guarded(e.Candidates),
		}); err != nil {
			return fmt.Errorf("write identity map: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write identity map: %w", err)
	}
	return buffered.Flush()
}

// guarded leads a text that a spreadsheet would run as a formula with an apostrophe (OWASP, CSV injection), and one that
// begins with an apostrophe itself, so that unguarded always gives the text back.
func guarded(s string) string {
	if s != "" && strings.ContainsRune("=+-@|\t\r'", rune(s[0])) {
		return "'" + s
	}
	return s
}

func unguarded(s string) string { return strings.TrimPrefix(s, "'") }
