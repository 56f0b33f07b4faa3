package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/dialect"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// The same facts, exported by different systems in different ways, are the same canonical tables: for every two dialects
// of the generator, over the tables, columns and rows that both carry, with native keys replaced by what they name.
func TestTheSameFactsInEveryTwoDialects(t *testing.T) {
	SkipRaced(t)
	p, err := programme.Generate(programme.Options{Partners: 20, Months: 12, Seed: 23, EventsPerPartnerMonth: 2})
	if err != nil {
		t.Fatal(err)
	}
	told := make([]*telling, 0, 11)
	for _, d := range fixtures.Dialects() {
		told = append(told, &telling{dialect: d})
	}
	pairs := 0
	for i, a := range told {
		for _, b := range told[i+1:] {
			t.Run(a.dialect.Name()+" and "+b.dialect.Name(), func(t *testing.T) {
				// Each dialect is loaded once, by the first comparison that needs it.
				a.tell(t, p)
				b.tell(t, p)
				if !a.ready || !b.ready {
					t.Skip("one of the two could not be loaded")
				}
				for k, x := range a.dialect.Carries() {
					for l, y := range b.dialect.Carries() {
						n := a.compare(t, b, x, y)
						a.compared[k] += n
						b.compared[l] += n
					}
				}
				pairs++
			})
		}
	}
	if pairs != len(told)*(len(told)-1)/2 {
		return // only some were asked for, or could be loaded
	}
	// What a dialect says to carry has been compared with somebody, row for row.
	for _, x := range told {
		for k, part := range x.dialect.Carries() {
			if x.compared[k] == 0 && !x.isPlain() {
				t.Errorf("%s: no row of %s %v was compared with another dialect", x.dialect.Name(), part.Table, part.Columns)
			}
		}
	}
}

// telling is a programme as one dialect told it.
type telling struct {
	dialect     dialect.Dialect
	once, ready bool
	// compared counts the rows of each part that were compared with another dialect's.
	compared map[int]int
	// neutral has the neutral names of native keys, names the set of them.
	neutral map[string]string
	names   map[string]bool
	// tables has the canonical rows of the tables that the dialect carries.
	tables map[string]canonicalTable
}

type canonicalTable struct {
	columns []string
	rows    [][]string
}

func (x *telling) isPlain() bool { return x.dialect.Source().Name == "" }

// tell writes p in the dialect, loads it, and reads the canonical tables with neutral names, once.
func (x *telling) tell(t *testing.T, p *programme.Programme) {
	t.Helper()
	if x.once {
		return
	}
	x.once = true
	d, dir := x.dialect, t.TempDir()
	made, err := fixtures.WritePart(context.Background(), dir, d, p)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(made.Config)
	if err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	only := []string{"partner_reference"} // by which events find their partner
	for _, part := range d.Carries() {
		if part.Table != "engagement_event" {
			only = append(only, part.Table)
		}
	}
	l := loadExports(t, c, p.Until.Time(), true, only...)
	x.neutral, x.names, x.tables, x.compared = d.Keys(p), map[string]bool{}, map[string]canonicalTable{}, map[int]int{}
	for key, name := range x.neutral {
		if x.names[name] {
			t.Errorf("%s: two native keys mean %s, one is %s", d.Name(), name, key)
		}
		x.names[name] = true
	}
	for _, warning := range l.summary.Warnings {
		t.Errorf("%s: the night warns: %s", d.Name(), warning)
	}
	for _, part := range d.Carries() {
		if _, ok := x.tables[part.Table]; ok {
			continue
		}
		table, ok := contract.Lookup(part.Table)
		if !ok {
			t.Fatalf("%s carries %s, which is no canonical table", d.Name(), part.Table)
		}
		columns, rows := l.texts(t, canonicalRows(table.Name), "∅")
		for _, row := range rows {
			for i, cell := range row {
				if name, ok := x.neutral[cell]; ok {
					row[i] = name
				} else if c, ok := table.Column(columns[i]); ok && isRecordKey(table, c) && strings.HasPrefix(cell, d.Source().Name+":") {
					t.Errorf("%s: %s.%s is %s, which is nothing that the programme has", d.Name(), table.Name, c.Name, cell)
				}
			}
		}
		x.tables[part.Table] = canonicalTable{columns, rows}
	}
	x.ready = true
}

// canonicalRows is the query for the canonical rows of a table. Events are too many for a canonical table of their own:
// the night counts them by day, so here they are taken from the lake, each once, with their partner.
func canonicalRows(table string) string {
	if table != "engagement_event" {
		return "SELECT * FROM canonical." + table
	}
	return `
		SELECT event.* REPLACE (reference.partner_id AS partner_id)
		FROM (
			SELECT * FROM lake.engagement_event
			QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY _loaded_at DESC, _file DESC, _row DESC) = 1
		) AS event
		LEFT JOIN canonical.partner_reference AS reference ON event.partner_id = reference.ref AND reference.is_current`
}

// compare compares what two parts tell of one table, and returns the number of rows.
func (x *telling) compare(t *testing.T, y *telling, a, b dialect.Part) int {
	t.Helper()
	if a.Table != b.Table {
		return 0
	}
	var both []string
	for _, column := range a.Columns {
		if slices.Contains(b.Columns, column) {
			both = append(both, column)
		}
	}
	if len(both) == 0 || !shared(a.Only, both) || !shared(b.Only, both) {
		return 0
	}
	limits := []map[string][]string{a.Only, b.Only}
	units := coarser(a.Coarse, b.Coarse)
	want, got := x.project(t, a.Table, both, limits, units, y), y.project(t, b.Table, both, limits, units, x)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %v: %d rows of %s, %d rows of %s (-%s +%s):\n%s", a.Table, both, len(want), x.dialect.Name(), len(got), y.dialect.Name(),
			x.dialect.Name(), y.dialect.Name(), firstLines(diff, 40))
	}
	return min(len(want), len(got))
}

// coarser returns the units that two dialects are compared in: of each column the larger.
func coarser(a, b map[string]time.Duration) map[string]time.Duration {
	units := maps.Clone(a)
	if units == nil {
		units = map[string]time.Duration{}
	}
	for column, unit := range b {
		units[column] = max(units[column], unit)
	}
	return units
}

// cutOff cuts a timestamp off to a unit; other texts, and those of columns without a unit, stay.
func cutOff(cell string, unit time.Duration) string {
	at, err := time.Parse("2006-01-02 15:04:05.999999", cell)
	if unit == 0 || err != nil {
		return cell
	}
	return at.Truncate(unit).Format(time.DateTime)
}

// shared reports whether every column that limits rows is among the compared ones.
func shared(only map[string][]string, columns []string) bool {
	for column := range only {
		if !slices.Contains(columns, column) {
			return false
		}
	}
	return true
}

// project returns the rows of a table that both dialects carry, over some columns, sorted.
func (x *telling) project(t *testing.T, name string, columns []string, limits []map[string][]string, units map[string]time.Duration, other *telling) []string {
	t.Helper()
	table := x.tables[name]
	declared, _ := contract.Lookup(name)
	at := make([]int, len(columns))
	for i, column := range columns {
		if at[i] = slices.Index(table.columns, column); at[i] < 0 {
			t.Fatalf("%s carries %s.%s, which the canonical table does not have", x.dialect.Name(), name, column)
		}
	}
	var out []string
rows:
	for _, row := range table.rows {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = cutOff(row[at[i]], units[column])
			for _, only := range limits {
				if allowed, ok := only[column]; ok && !slices.Contains(allowed, cells[i]) {
					continue rows
				}
			}
			if c, ok := declared.Column(column); ok && isRecordKey(declared, c) && !other.names[cells[i]] {
				continue rows // the other dialect does not know it at all
			}
		}
		out = append(out, strings.Join(cells, " | "))
	}
	slices.Sort(out)
	return out
}

// isRecordKey reports whether the column tells which record a row is of: its own native key, or what it belongs to.
func isRecordKey(t *contract.Table, c contract.Column) bool {
	return t.IsKey(c.Name) && c.Type == contract.String && len(c.Enum) == 0 && (c.Ref != "" || strings.HasSuffix(c.Name, "_id"))
}

func firstLines(text string, n int) string {
	lines := strings.SplitAfterN(text, "\n", n+1)
	if len(lines) > n {
		lines[n] = fmt.Sprintf("... and %d more lines\n", strings.Count(lines[n], "\n"))
	}
	return strings.Join(lines, "")
}

// What `synth --dialect` writes goes in whole: every file is recognised, and nothing is refused or set aside.
func TestEveryDialectIsReadWhole(t *testing.T) {
	for _, d := range fixtures.Dialects() {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			c, until := synthesised(t, d.Name())
			s := loadExports(t, c, until, false).summary
			if s.Ingest.Rows == 0 || s.Ingest.Rejected+s.Ingest.Values > 0 || len(s.Ingest.Quarantined)+len(s.Exports.Unmatched) > 0 {
				t.Errorf("%d rows, %d records and %d values refused, set aside %v, unmatched %v", s.Ingest.Rows, s.Ingest.Rejected, s.Ingest.Values,
					s.Ingest.Quarantined, s.Exports.Unmatched)
			}
		})
	}
}

// A vendor's CRM beside plain systems makes a night like any other, up to the published folder.
func TestANightOnAVendorsExports(t *testing.T) {
	t.Parallel()
	SkipRaced(t)
	c, until := synthesised(t, "salesforce-weekly")
	s, err := Night(context.Background(), Options{Config: c, AsOf: until, Version: "test", EmailKey: []byte("test"), Now: time.Now})
	if err != nil || s.Published == "" {
		t.Fatalf("published %q, %v", s.Published, err)
	}
}

// synthesised writes a small whole programme in a dialect and loads its configuration.
func synthesised(t *testing.T, name string) (*config.Config, time.Time) {
	t.Helper()
	world := programme.Options{Partners: 12, Months: 9, Seed: 11, EventsPerPartnerMonth: 2}
	made, err := fixtures.WriteDialect(context.Background(), t.TempDir(), name, world)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(made.Config)
	if err != nil {
		t.Fatal(err)
	}
	return c, made.Programme.Until.Time()
}
