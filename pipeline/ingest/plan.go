package ingest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

// plan is an object compiled for the header of one file. It holds buffers, so it serves one goroutine.
type plan struct {
	header *header
	nulls  nulls
	tables []tablePlan
	// order is that in which tables are offered a record: those that read most columns of the export first. The
	// first that takes the record also takes extra, the columns that no table names: its rows are closest to the
	// records. In a table that several records make the same row of, as order lines do of their order, columns
	// that differ from record to record would make each of them a new version.
	order []int
	extra []extraColumn
}

// tablePlan makes rows of one table.
type tablePlan struct {
	table    *contract.Table
	isAppend bool
	where    []condition
	deleted  *condition
	// columns has those of the key first, in its order, then the required ones, then the others: when one that can
	// be refused alone is met, it is certain that the row will be written.
	columns []column
	keys    int
	// unfilled are the positions of the columns that stay null.
	unfilled []int
	hash     *contract.RowHasher
}

// extraColumn is an unmapped column with the beginning of its JSON member.
type extraColumn struct {
	at    int
	label []byte
}

// compile binds the object to a header and reports what is not in the file.
func (f *file) compile(h *header) (*plan, error) {
	zone, err := f.zone()
	if err != nil {
		return nil, err
	}
	p := &plan{header: h, nulls: newNulls(f.obj.Read.NullValues)}
	b := &binder{file: f, header: h, zone: zone, used: make([]bool, len(h.names))}
	for i := range f.obj.Tables {
		t, err := b.table(&f.obj.Tables[i])
		if err != nil {
			return nil, fmt.Errorf("compile table %s of %s: %w", f.obj.Tables[i].Name, f.obj.Name, err)
		}
		p.tables = append(p.tables, t)
		p.order = append(p.order, i)
	}
	slices.SortStableFunc(p.order, func(x, y int) int { return p.tables[y].reads() - p.tables[x].reads() })
	for _, name := range sourceColumns(f.obj) {
		if i := h.find(name); i >= 0 {
			b.used[i] = true
		} else if len(h.names) > 0 {
			f.result.MissingColumns = append(f.result.MissingColumns, name)
		}
	}
	for i, name := range h.names {
		if b.used[i] {
			continue
		}
		f.result.ExtraColumns = append(f.result.ExtraColumns, name)
		label, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("encode column name: %w", err)
		}
		p.extra = append(p.extra, extraColumn{at: i, label: append(label, ':')})
	}
	return p, nil
}

// binder compiles tables against a header.
type binder struct {
	file   *file
	header *header
	zone   *transform.Zone
	used   []bool
}

func (b *binder) table(m *preset.Table) (tablePlan, error) {
	declared, ok := contract.Lookup(m.Name)
	if !ok {
		return tablePlan{}, fmt.Errorf("unknown table")
	}
	t := tablePlan{table: declared, isAppend: m.Mode == contract.Append, keys: len(declared.Key), hash: contract.NewRowHasher(declared)}
	for i := range m.Where {
		c, err := b.condition(&m.Where[i])
		if err != nil {
			return t, err
		}
		t.where = append(t.where, c)
	}
	if m.Deleted != nil && b.header.find(m.Deleted.From) >= 0 {
		c, err := b.condition(m.Deleted)
		if err != nil {
			return t, err
		}
		t.deleted = &c
	}
	for _, c := range withRaw(m, declared) {
		col, err := b.column(declared, &c)
		if err != nil {
			return t, fmt.Errorf("column %s: %w", c.Name, err)
		}
		t.columns = append(t.columns, col)
	}
	for i := range declared.Columns {
		if !slices.ContainsFunc(t.columns, func(c column) bool { return c.at == i }) {
			t.unfilled = append(t.unfilled, i)
			if !declared.Columns[i].Nullable {
				return t, fmt.Errorf("nothing fills the required column %s", declared.Columns[i].Name)
			}
		}
	}
	slices.SortStableFunc(t.columns, func(x, y column) int { return x.rank(declared) - y.rank(declared) })
	return t, nil
}

// reads counts the columns of the export that the table is made of.
func (t *tablePlan) reads() int {
	used := map[int]bool{}
	for _, c := range t.columns {
		for _, i := range c.src {
			used[i] = true
		}
	}
	return len(used)
}

// withRaw returns the mapped columns and, for those from a closed list that come from the export, the columns that
// keep their source text, unless the mapping fills these itself.
func withRaw(m *preset.Table, declared *contract.Table) []preset.Column {
	out := slices.Clone(m.Columns)
	for i := range m.Columns {
		c := &m.Columns[i]
		column, _ := declared.Column(c.Name)
		raw, ok := preset.RawSibling(declared, column)
		if _, mapped := m.Column(raw.Name); !ok || mapped || c.Const != nil {
			continue
		}
		keep := preset.Column{Name: raw.Name, From: c.From}
		for _, t := range c.Transforms {
			if t.Name == preset.Concat || t.Name == preset.FromFilename {
				keep.Transforms = append(keep.Transforms, t)
			}
		}
		out = append(out, keep)
	}
	return out
}

// rank orders columns: those of the key in its order, the required, the others.
func (c *column) rank(t *contract.Table) int {
	if i := slices.Index(t.Key, t.Columns[c.at].Name); i >= 0 {
		return i
	}
	if c.required {
		return len(t.Key)
	}
	return len(t.Key) + 1
}

// condition is a compiled test of one column; at is -1 where the file does not have it.
type condition struct {
	at      int
	in, not map[string]bool
	matches *regexp.Regexp
	empty   *bool
}

func (b *binder) condition(c *preset.Condition) (condition, error) {
	out := condition{at: b.header.find(c.From), empty: c.Empty}
	if len(c.In) > 0 {
		out.in = set(c.In)
	}
	if len(c.NotIn) > 0 {
		out.not = set(c.NotIn)
	}
	if c.Matches != "" {
		re, err := regexp.Compile(c.Matches)
		if err != nil {
			return out, fmt.Errorf("compile pattern: %w", err)
		}
		out.matches = re
	}
	return out, nil
}

func set(texts []string) map[string]bool {
	m := make(map[string]bool, len(texts))
	for _, t := range texts {
		m[t] = true
	}
	return m
}

// holds reports whether a record meets the condition.
func (c *condition) holds(rec *record, n *nulls) bool {
	var text []byte
	if c.at >= 0 {
		if text = rec.field(c.at); n.has(text) {
			text = nil
		}
		text = transform.Trim(text)
	}
	switch {
	case c.in != nil:
		return c.in[string(text)]
	case c.not != nil:
		return !c.not[string(text)]
	case c.matches != nil:
		return c.matches.Match(text)
	case c.empty != nil:
		return (len(text) == 0) == *c.empty
	}
	return true
}

// nulls are the texts that mean null.
type nulls struct {
	empty bool
	other []string
}

func newNulls(texts []string) nulls {
	var n nulls
	for _, t := range texts {
		if t == "" {
			n.empty = true
		} else {
			n.other = append(n.other, strings.Clone(t))
		}
	}
	return n
}

func (n *nulls) has(text []byte) bool {
	if len(text) == 0 {
		return n.empty
	}
	for _, t := range n.other {
		if string(text) == t {
			return true
		}
	}
	return false
}
