package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// header is the columns of a file by name.
type header struct {
	names []string
	exact map[string]int
	// folded finds columns whatever their case and spacing; -1 where several are alike.
	folded map[string]int
}

// newHeader names the columns: without white space around, a column without a name by its position, and one whose
// name occurred before by that name and the next free number, as in Amount_2.
func newHeader(cells []string) *header {
	h := &header{names: make([]string, len(cells)), exact: make(map[string]int, len(cells)), folded: make(map[string]int, len(cells))}
	for i, cell := range cells {
		name := strings.TrimSpace(cell)
		if name == "" {
			name = "column_" + strconv.Itoa(i+1)
		}
		base := name
		for n := 2; ; n++ {
			if _, taken := h.exact[name]; !taken {
				break
			}
			name = base + "_" + strconv.Itoa(n)
		}
		h.names[i] = name
		h.exact[name] = i
		f := preset.Fold(name)
		if _, taken := h.folded[f]; taken {
			h.folded[f] = -1
		} else {
			h.folded[f] = i
		}
	}
	return h
}

// isNameless reports whether column i has no name but its position.
func (h *header) isNameless(i int) bool { return h.names[i] == "column_"+strconv.Itoa(i+1) }

// newPaths names the fields of JSON records by their paths, as they are written.
func newPaths(paths []string) *header {
	h := &header{names: paths, exact: make(map[string]int, len(paths)), folded: map[string]int{}}
	for i, path := range paths {
		h.exact[strings.TrimSpace(path)] = i
	}
	return h
}

// find returns the position of the column that a mapping calls name, or -1. Where no column is called exactly
// so, the only one that differs in nothing but case and spacing is meant.
func (h *header) find(name string) int {
	if i, ok := h.exact[strings.TrimSpace(name)]; ok {
		return i
	}
	if i, ok := h.folded[preset.Fold(name)]; ok {
		return i
	}
	return -1
}

// missing returns what obj requires and the header does not have.
func (h *header) missing(obj *preset.Object) []preset.Requirement {
	var out []preset.Requirement
	for _, r := range preset.Required(obj) {
		if !slices.ContainsFunc(r.AnyOf, func(name string) bool { return h.find(name) >= 0 }) {
			out = append(out, r)
		}
	}
	return out
}

// missingError refuses a file for the columns that it lacks.
func (h *header) missingError(missing []preset.Requirement) *FileError {
	e := &FileError{Rule: RuleMissingColumns, Header: h.names}
	var wanted []string
	for _, r := range missing {
		e.Missing = append(e.Missing, r.String())
		wanted = append(wanted, fmt.Sprintf("%q (for %s)", r.String(), r.For))
	}
	e.Message = fmt.Sprintf("the header has no %s; it has %s", strings.Join(wanted, ", "), quoteList(h.names))
	e.NextStep = "export the missing columns, or name in the mapping the columns that stand for them"
	if len(h.names) == 1 {
		e.NextStep = "check the delimiter of the export: the whole header was read as one column"
	}
	return e
}

// quoteList lists the first names of a header.
func quoteList(names []string) string {
	const most = 50
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(name))
	}
	return b.String()
}
