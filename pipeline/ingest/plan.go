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
	lets   *lets
	tables []tablePlan
	// order is that in which tables are offered a record: those of whole records before those of units, and of these
	// the ones that read most columns of the export first. The first that takes the record also takes extra, the
	// columns that no table names: its rows are closest to the records. In a table that several records make the same row of, as order lines do of their order, columns
	// that differ from record to record would make each of them a new version.
	order []int
	extra []extraColumn
	// dropsRest is set where the contract keeps no members that a JSON record has beside what the mapping reads.
	dropsRest bool
}

// tablePlan makes rows of one table.
type tablePlan struct {
	table    *contract.Table
	isAppend bool
	// units cuts records where they make several rows, nil where the record is the unit.
	units   *units
	where   []condition
	deleted *condition
	// columns has those of the key first, in its order, then those that refuse the row with their value, then the
	// others: when one that can be refused alone is met, it is certain that the row will be written.
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
	b := &binder{file: f, header: h, zone: zone, used: make([]bool, len(h.names)), read: make([]bool, len(h.names))}
	if err := b.columnsRead(); err != nil {
		return nil, err
	}
	if p.lets, err = b.lets(); err != nil {
		return nil, err
	}
	for i := range f.obj.Tables {
		t, err := b.table(&f.obj.Tables[i])
		if err != nil {
			return nil, fmt.Errorf("compile table %s of %s: %w", f.obj.Tables[i].Name, f.obj.Name, err)
		}
		p.tables = append(p.tables, t)
		p.order = append(p.order, i)
	}
	slices.SortStableFunc(p.order, func(x, y int) int {
		a, b := &p.tables[x], &p.tables[y]
		if (a.units == nil) != (b.units == nil) {
			if a.units == nil {
				return -1
			}
			return 1
		}
		return b.reads() - a.reads()
	})
	p.extra, err = b.columnsNew()
	p.dropsRest = f.obj.Contract.ColumnsNew == preset.DiscardValue
	return p, err
}

// columnsRead marks the columns that the object reads by name and reports those that the file lacks.
func (b *binder) columnsRead() error {
	f := b.file
	for _, names := range f.obj.Reads() {
		found := b.find(names)
		for _, i := range found {
			b.read[i], b.used[i] = true, true
		}
		if len(found) == 0 && len(b.header.names) > 0 {
			f.result.MissingColumns = append(f.result.MissingColumns, names.String())
		}
	}
	for _, names := range f.obj.Drop {
		for _, i := range b.find(names) {
			b.read[i], b.used[i] = true, true
		}
	}
	if len(f.result.MissingColumns) > 0 && f.obj.Contract.ColumnsMissing == preset.Freeze {
		return &FileError{Rule: RuleAbsentColumns, Missing: f.result.MissingColumns, Header: b.header.names,
			Message:  fmt.Sprintf("it lacks %s, and its contract freezes files with columns missing", quoteList(f.result.MissingColumns)),
			NextStep: "export the columns, or state columns_missing: \"null\" in the contract of the mapping to load the file without them"}
	}
	return nil
}

// columnsNew reports the columns that nothing reads, and returns those that are kept beside the rows.
func (b *binder) columnsNew() ([]extraColumn, error) {
	f := b.file
	var extra []extraColumn
	for i, name := range b.header.names {
		if b.used[i] {
			continue
		}
		f.result.ExtraColumns = append(f.result.ExtraColumns, name)
		label, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("encode column name: %w", err)
		}
		extra = append(extra, extraColumn{at: i, label: append(label, ':')})
	}
	if len(extra) == 0 {
		return nil, nil
	}
	switch f.obj.Contract.ColumnsNew {
	case preset.Freeze:
		return nil, &FileError{Rule: RuleNewColumns, Header: b.header.names,
			Message:  fmt.Sprintf("it has %s, which its mapping does not name, and its contract freezes files with new columns", quoteList(f.result.ExtraColumns)),
			NextStep: "map the columns, or state columns_new: evolve in the contract of the mapping to keep them unmapped"}
	case preset.DiscardValue:
		f.note(fmt.Sprintf("%s: not kept, as the contract says of new columns", quoteList(f.result.ExtraColumns)))
		return nil, nil
	}
	return extra, nil
}

// binder compiles tables against a header.
type binder struct {
	file   *file
	header *header
	zone   *transform.Zone
	// read marks the columns that the object reads by name, used those and the ones that units come from.
	read, used []bool
	// unit is what cuts records for the table at hand, made the names of its values; nil where records are not cut.
	unit *units
	made []string
	// let are the names of the texts that the object makes.
	let []string
}

// find returns the positions of the columns that have one of the names, in the order of the names. Those of values of
// a unit are negative.
func (b *binder) find(names preset.Names) []int {
	var out []int
	for _, name := range names {
		i := b.header.find(name)
		found := i >= 0
		if preset.IsVirtual(name) {
			k := slices.Index(b.made, name)
			if i, found = virtual(k), k >= 0; !found {
				k = slices.Index(b.let, name)
				i, found = letPosition(k), k >= 0
			}
		}
		if found && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}

func (b *binder) table(m *preset.Table) (tablePlan, error) {
	declared, ok := contract.Lookup(m.Name)
	if !ok {
		return tablePlan{}, fmt.Errorf("unknown table")
	}
	t := tablePlan{table: declared, isAppend: m.Mode == contract.Append, keys: len(declared.Key), hash: contract.NewRowHasher(declared)}
	b.unit, b.made = nil, nil
	if m.Each != nil {
		var err error
		if t.units, err = b.units(m.Name, m.Each); err != nil {
			return t, err
		}
		b.unit, b.made = t.units, m.Each.Virtual()
	}
	for i := range m.Where {
		c, err := b.condition(m.Name, &m.Where[i])
		if err != nil {
			return t, err
		}
		t.where = append(t.where, c)
	}
	if m.Deleted != nil && len(b.find(m.Deleted.From)) > 0 {
		c, err := b.condition(m.Name, m.Deleted)
		if err != nil {
			return t, err
		}
		t.deleted = &c
	}
	for _, c := range withRaw(m, declared) {
		col, err := b.column(m, declared, &c)
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
	for i := range t.columns {
		for _, part := range t.columns[i].origins() {
			for _, at := range part {
				used[at] = true
			}
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

// rank orders columns: those of the key in its order, those that refuse the row, the others.
func (c *column) rank(t *contract.Table) int {
	if i := slices.Index(t.Key, t.Columns[c.at].Name); i >= 0 {
		return i
	}
	if c.required || c.onType != preset.DiscardValue || c.onValue != preset.Unknown {
		return len(t.Key)
	}
	return len(t.Key) + 1
}

// condition is a compiled test of one column, or of several of which one is enough.
type condition struct {
	src     []int
	unit    *units
	in, not map[string]bool
	matches *regexp.Regexp
	empty   *bool
	any     []condition
}

func (b *binder) condition(table string, c *preset.Condition) (condition, error) {
	out := condition{src: b.find(c.From), unit: b.unit, empty: c.Empty}
	if len(c.From) > 0 && len(out.src) == 0 && len(b.header.names) > 0 {
		b.file.note(fmt.Sprintf("a condition of table %s tests the column %q, which the file does not have: it sees an empty text in every record", table, c.From))
	}
	for i := range c.Any {
		one, err := b.condition(table, &c.Any[i])
		if err != nil {
			return out, err
		}
		out.any = append(out.any, one)
	}
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
	if c.any != nil {
		for i := range c.any {
			if c.any[i].holds(rec, n) {
				return true
			}
		}
		return false
	}
	text, _, isNull := firstOf(c.src, rec, c.unit, n)
	if isNull {
		text = nil
	}
	text = transform.Trim(text)
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

// firstOf returns the first of some columns that is not null, and its position.
func firstOf(src []int, rec *record, unit *units, n *nulls) (text []byte, at int, isNull bool) {
	for _, i := range src {
		field := fieldOf(i, rec, unit)
		if !n.has(field) {
			return field, i, false
		}
	}
	return nil, 0, true
}

// fieldOf returns field i of a record, or value of the unit at hand where i is negative.
func fieldOf(i int, rec *record, unit *units) []byte {
	switch {
	case i <= lowestUnit:
		return rec.lets[lowestUnit-i]
	case i < 0:
		return unit.values[virtual(i)]
	}
	return rec.field(i)
}

// typed counts the values that had a form to keep.
func (p *plan) typed() int64 {
	var n int64
	for i := range p.tables {
		for k := range p.tables[i].columns {
			n += p.tables[i].columns[k].typed
		}
	}
	return n
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
	switch {
	case text == nil:
		return true
	case len(text) == 0:
		return n.empty
	}
	for _, t := range n.other {
		if string(text) == t {
			return true
		}
	}
	return false
}
