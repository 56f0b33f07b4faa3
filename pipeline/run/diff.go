package run

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// FileCheck is how an export would go in, and how it differs from the last one of its object that went in.
type FileCheck struct {
	Source string `json:"source"`
	File   string `json:"file"`
	Object string `json:"object"`
	// Dialect is how the file is read, Records are its records.
	Dialect string `json:"dialect"`
	Records int64  `json:"records"`
	// IsKnown is set for a file that an earlier night has loaded: a night does nothing with it.
	IsKnown bool `json:"is_known"`
	// LastReceived and LastRecords are of the export that it is compared with; zero for the first of its object.
	LastReceived time.Time `json:"last_received,omitzero"`
	LastRecords  int64     `json:"last_records"`
	// Differences are in the order new, missing and renamed columns, dialect, volume.
	Differences []Difference `json:"differences"`
}

// Difference is one thing in which an export differs from the last one.
type Difference struct {
	// Kind is new_column, missing_column, renamed_column, dialect or volume.
	Kind string `json:"kind"`
	// Column is the column of this file; for a missing one that of the last. For a renamed one Was is its old name.
	Column string `json:"column,omitempty"`
	Was    string `json:"was,omitempty"`
	// Message says what differs, Effect what the contract does about it.
	Message string `json:"message"`
	Effect  string `json:"effect"`
	// IsRefusal is set where the effect is that the file is refused whole.
	IsRefusal bool `json:"is_refusal"`
}

// history is what is known of the exports of each object while a check goes through them.
type history struct {
	known *lake.View
	last  map[string]*shape
	at    map[string]time.Time
}

func newHistory(known *lake.View) *history {
	return &history{known: known, last: map[string]*shape{}, at: map[string]time.Time{}}
}

// before returns the export that a delivery is compared with, nil where it is the first of its object.
func (h *history) before(d *delivery) (*shape, time.Time) {
	key := objectKey(d)
	if _, ok := h.last[key]; !ok {
		parts := h.known.Last(d.first().source.Name, d.first().object.Name)
		h.last[key] = shapeOf(parts)
		if len(parts) > 0 {
			h.at[key] = parts[0].ReceivedAt
		}
	}
	return h.last[key], h.at[key]
}

// good takes a delivery that would be loaded for the last of its object.
func (h *history) good(d *delivery, results []ingest.Result) {
	s := &shape{}
	for i := range results {
		s.add(&lake.InputRecord{Dialect: results[i].Dialect, Reading: readingOf(&results[i])})
	}
	h.last[objectKey(d)], h.at[objectKey(d)] = s, d.receivedAt()
}

func objectKey(d *delivery) string {
	return fmt.Sprintf("%q %q", d.first().source.Name, d.first().object.Name)
}

// differences compares one file of a delivery with the last export.
func differences(o *preset.Object, now *shape, before *shape) []Difference {
	if before == nil {
		return []Difference{}
	}
	out := []Difference{}
	if len(now.columns) > 0 && len(before.columns) > 0 {
		out = columnDifferences(o, now, before.columns)
	}
	if was := without(before.dialects, now.dialects); len(was) == len(before.dialects) && len(was) > 0 && len(now.dialects) > 0 {
		out = append(out, Difference{
			Kind:    "dialect",
			Message: fmt.Sprintf("it is written as %s, the last one was as %s", strings.Join(now.dialects, "; "), strings.Join(was, "; ")),
			Effect:  "read as it is written",
		})
	}
	if message := strange(o, now.records, before); message != "" {
		d := Difference{Kind: "volume", Message: "it " + message, Effect: "loaded, with a warning"}
		if o.Contract.Volume.Mode == preset.Freeze {
			d.Effect, d.IsRefusal = "the file is refused whole and the last good one stays", true
		}
		out = append(out, d)
	}
	return out
}

// columnDifferences compares two headers. A new column that looks like a missing one is told with it.
func columnDifferences(o *preset.Object, now *shape, before []string) []Difference {
	c := &columnCheck{object: o, has: folded(now.columns), reads: folded(o.SourceColumns()), isRecords: now.isRecords}
	added, gone := without(now.columns, before), without(before, now.columns)
	var fresh, missing, renamed []Difference
	for _, name := range added {
		was := ""
		for _, old := range gone {
			if alike(name, old) {
				was = old
				break
			}
		}
		if was == "" {
			fresh = append(fresh, c.added(name))
			continue
		}
		gone = without(gone, []string{was})
		renamed = append(renamed, c.renamed(name, was))
	}
	for _, name := range gone {
		missing = append(missing, c.missing(name))
	}
	return slices.Concat(fresh, missing, renamed)
}

// columnCheck tells what the contract of an object does about the columns of a file.
type columnCheck struct {
	object     *preset.Object
	has, reads map[string]bool // columns of the file, and of the mapping
	isRecords  bool
}

func folded(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[preset.Fold(name)] = true
	}
	return out
}

const refusedWhole = "the file is refused whole and the last good one stays"

func (c *columnCheck) added(name string) Difference {
	d := Difference{Kind: "new_column", Column: name, Message: fmt.Sprintf("column %q is new", name)}
	switch {
	case c.reads[preset.Fold(name)]:
		d.Effect = "read, as the mapping says"
	case c.object.Contract.ColumnsNew == preset.Freeze:
		d.Effect, d.IsRefusal = refusedWhole, true
	case c.object.Contract.ColumnsNew == preset.DiscardValue:
		d.Effect = "left out, as the mapping's contract says"
	default:
		d.Effect = "kept in _extra until a mapping names it"
	}
	return d
}

func (c *columnCheck) missing(name string) Difference {
	d := Difference{Kind: "missing_column", Column: name, Message: fmt.Sprintf("column %q is gone", name)}
	switch required := c.isRequired(name); {
	case !c.reads[preset.Fold(name)]:
		d.Effect = "nothing: no table reads it"
	case required && !c.isRecords, c.object.Contract.ColumnsMissing == preset.Freeze:
		d.Effect, d.IsRefusal = refusedWhole, true
	case required:
		d.Effect = "no record has it; those that cannot do without are refused"
	default:
		d.Effect = "null in every new row"
	}
	return d
}

func (c *columnCheck) renamed(name, was string) Difference {
	d := c.missing(was)
	d.Kind, d.Column, d.Was = "renamed_column", name, was
	d.Message = fmt.Sprintf("column %q looks like %q, which is gone", name, was)
	switch {
	case c.reads[preset.Fold(name)]:
		d.Effect, d.IsRefusal = "read, as the mapping says", false
	case c.reads[preset.Fold(was)]:
		d.Effect += fmt.Sprintf("; if it is the same column, add to the source: aliases: {%q: [%q]}", was, name)
	}
	return d
}

// isRequired reports whether the mapping wants the column, and the file has none that may take its place.
func (c *columnCheck) isRequired(name string) bool {
	return slices.ContainsFunc(preset.Required(c.object), func(r preset.Requirement) bool {
		named := func(n string) bool { return preset.Fold(n) == preset.Fold(name) }
		present := func(n string) bool { return c.has[preset.Fold(n)] }
		return slices.ContainsFunc(r.AnyOf, named) && !slices.ContainsFunc(r.AnyOf, present)
	})
}

// alike reports whether one name may be another one changed: equal but for signs and case, or by few letters.
func alike(a, b string) bool {
	x, y := letters(a), letters(b)
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	return edits(x, y) <= max(len(x), len(y))/4
}

// letters are the letters and digits of a name, in lower case.
func letters(name string) []rune {
	var out []rune
	for _, r := range strings.ToLower(name) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, r)
		}
	}
	return out
}

// edits is the number of letters that are put in, taken out or exchanged to get from a to b.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
