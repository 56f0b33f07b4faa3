package warehouse

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var leakagePrograms = flag.Int("leakage", 6, "number of random programmes in the leakage test")

// featureMart is the table that must not know its future.
var featureMart = Name{mainSchema, "fct_partner_month_feature"}

// What was known at the cut of each snapshot up to it: all columns but the outcome, and of the rows whose horizon was over
// the label that the night of the cut had to believe.
const knownAtCut = `
	SELECT
		* EXCLUDE (is_usable, label, churned_on, outcome_known_on),
		is_usable AND snapshot_on + 180 <= CAST($1 AS DATE) AS may_train,
		CASE
			WHEN NOT (is_usable AND snapshot_on + 180 <= CAST($1 AS DATE)) THEN NULL
			WHEN outcome_known_on > CAST($1 AS DATE) THEN 1
			ELSE label
		END AS believed_label
	FROM fct_partner_month_feature
	WHERE snapshot_on <= CAST($1 AS DATE)
	ORDER BY partner_id, snapshot_on`

// TestNoRecordChangesAnEarlierSnapshot adds records to random programmes, dated on or after a month start or received after
// its day, and closes open deals after it: no feature of any snapshot up to then, and no label that the night of that day
// could have learned from, may change, but where a partner stayed by business that was taken from it since. Records are
// added in every table that feeds a feature.
func TestNoRecordChangesAnEarlierSnapshot(t *testing.T) {
	g, _ := loadTree(t)
	l := newLeakageTest(t, g, nil)
	programmes, rows := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		if programmes == *leakagePrograms {
			return // enough; rapid's own number of cases is meant for cheaper ones
		}
		programmes++
		diff, compared, err := l.leak(context.Background(), worlds().Draw(t, "programme"))
		if err != nil {
			t.Fatal(err)
		}
		rows += compared
		if diff != "" {
			programmes = -1 << 30 // smaller programmes are looked for
			t.Fatalf("what was known changes (-before +after the records came):\n%s", diff)
		}
	})
	if rows < 10*programmes {
		t.Errorf("only %d rows of %d programmes were compared", rows, programmes)
	}
}

// TestLeakingModelsAreCaught plants the usual leaks in the models, one at a time: the property must fail on each, on a
// programme on which it holds without the leak to the last label. seed is the first programme on which it does; where a
// later change of the generator moves it, the next forty are tried. That a claim counts from its approval only is no matter
// of records that are added: the cases of int_deal_claim hold it.
func TestLeakingModelsAreCaught(t *testing.T) {
	g, _ := loadTree(t)
	for _, leak := range []struct {
		name, model, was, is string
		seed                 int
	}{
		{"late receipt of deals is ignored", "int_commercial_window", "f.day = w.day AND f.known_on <= w.known_until", "f.day = w.day", 0},
		{"the month in progress is looked at", "int_snapshot_day", "snapshots.snapshot_on - ages.age_days AS day", "snapshots.snapshot_on - ages.age_days + 20 AS day", 10},
		{"deals are open that are open today", "int_open_deal", "WHERE deals.is_revenue", "WHERE deals.is_revenue AND deals.closed_on IS NULL", 6},
		{"today's source is joined to old deals", "int_deal_claim", "coalesce(seen_on < better_seen_on, TRUE)", "place = 1", 3},
		{"a deal that turned out not to be real never was one", "int_deal_role_seen", "WHERE deal.is_excluded IS NOT TRUE OR deal.outcome = 'lost'", "WHERE deal.is_excluded IS NOT TRUE", 6},
		{"a certificate counts before it is known", "int_enablement_window", "AND views.snapshot_on >= awards.seen_on", "", 0},
		{"the newest tier is used", "int_enablement_window", "AND views.snapshot_on >= ended_tiers.known_on", "", 1},
		{"the label hides what came late", "int_churn_label", "greatest(horizon_end_on, event_known_on)", "horizon_end_on", 5},
		{"the rhythm knows later days", "int_partner_rhythm", "AND views.snapshot_on >= last_days.seen_on", "AND views.snapshot_on >= last_days.seen_on - 45", 0},
	} {
		t.Run(leak.name, func(t *testing.T) {
			t.Parallel()
			m := findModel(g, leak.model)
			if strings.Count(m.SQL, leak.was) != 1 {
				t.Fatalf("%s has not one place %q to break", leak.model, leak.was)
			}
			broken := *m
			broken.SQL = strings.Replace(m.SQL, leak.was, leak.is, 1)
			leaking, sound := newLeakageTest(t, g, &broken), newLeakageTest(t, g, nil)
			for seed := leak.seed; seed < leak.seed+40; seed++ {
				w := worlds().Example(seed)
				if leaking.changes(t, w) && !sound.changes(t, w) {
					t.Logf("programme %d shows it", seed)
					return
				}
			}
			t.Error("no programme shows it")
		})
	}
}

// leakageTest makes the feature mart from canonical rows.
type leakageTest struct {
	db     *DB
	graph  *Graph
	models []*Model // those that the mart is made of, in order
	given  []Name   // what they read and no model of theirs makes
}

// newLeakageTest finds what the mart is made of; broken takes the place of the model of its name.
func newLeakageTest(t *testing.T, g *Graph, broken *Model) *leakageTest {
	// The tables are tiny: what a build costs is planning, and a second thread would only wait for the first.
	db, err := Open(t.Context(), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for _, schema := range []string{lakeSchema, rollupSchema, canonicalSchema, intermediateSchema} {
		if err := db.createSchema(t.Context(), schema); err != nil {
			t.Fatal(err)
		}
	}
	l := &leakageTest{db: db, graph: g}
	needed := map[Name]bool{}
	var walk func(n Name)
	walk = func(n Name) {
		if needed[n] {
			return
		}
		needed[n] = true
		m, made := g.models[n]
		if !made || n.Schema == canonicalSchema {
			l.given = append(l.given, n)
			return
		}
		for _, up := range m.Upstream {
			walk(up)
		}
	}
	walk(featureMart)
	for _, m := range g.order {
		if !needed[m.Relation] || m.Relation.Schema == canonicalSchema {
			continue
		}
		if broken != nil && m.Relation == broken.Relation {
			m = broken
		}
		l.models = append(l.models, m)
	}
	slices.SortFunc(l.given, compareNames)
	return l
}

// changes reports whether the additions of a programme change anything of what was known at its cut, labels and all.
func (l *leakageTest) changes(t *testing.T, w world) bool {
	before, after, err := l.compare(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return !slices.Equal(before, after)
}

// compare returns what was known at the cut of a programme, without its additions and with them.
func (l *leakageTest) compare(ctx context.Context, w world) (before, after []string, err error) {
	if before, err = l.known(ctx, w, false); err != nil {
		return nil, nil, err
	}
	after, err = l.known(ctx, w, true)
	return before, after, err
}

// leak returns what the additions of a programme change of what was known at its cut, and how many rows were compared.
func (l *leakageTest) leak(ctx context.Context, w world) (diff string, rows int, err error) {
	before, after, err := l.compare(ctx, w)
	if err != nil {
		return "", 0, err
	}
	for i := range min(len(before), len(after)) {
		if isTakenBack(before[i], after[i]) {
			after[i] = before[i]
		}
	}
	return cmp.Diff(before, after), len(before), nil
}

// isTakenBack reports whether two rows differ only in that a partner that stayed did not: what it stayed by was given to
// another partner since, or turned out not to be real. Labels are tonight's truth (see the mart); features must not differ.
func isTakenBack(before, after string) bool {
	row, stayed := strings.CutSuffix(before, " 0")
	return stayed && after == row+" 1"
}

// known returns what was known at the cut, column by column, one line a row.
func (l *leakageTest) known(ctx context.Context, w world, after bool) (_ []string, err error) {
	if err := l.db.Exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return nil, err
	}
	defer func() {
		if e := l.db.Exec(ctx, "ROLLBACK"); e != nil && err == nil {
			err = e
		}
	}()
	tables := w.tables(after)
	for _, n := range l.given {
		if err := l.provide(ctx, n, tables[n.Schema+"."+n.Table]); err != nil {
			return nil, err
		}
	}
	for _, m := range l.models {
		if err := l.db.Exec(ctx, "CREATE TABLE "+m.Relation.sql()+" AS\n"+m.SQL); err != nil {
			return nil, modelFailure(m, "run", err, 1)
		}
	}
	rows, err := l.db.session.texts(ctx, strings.ReplaceAll(knownAtCut, "$1", "'"+w.cut.Format("2006-01-02")+"'"), nil)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			lines[i] += " " + cell.Text
		}
	}
	return lines, nil
}

// provide makes one table that the models read; columns that a row does not name are null.
func (l *leakageTest) provide(ctx context.Context, n Name, given []Row) error {
	columns := l.graph.columns(n)
	rows := make([]Row, len(given))
	for i, g := range given {
		row := Row{}
		for _, c := range columns {
			row[c.Name] = nil
		}
		for name, v := range g {
			if !hasColumn(columns, name) {
				return fmt.Errorf("%s has no column %s", n, name)
			}
			row[name] = v
		}
		rows[i] = row
	}
	if err := l.db.createEmpty(ctx, n, columns); err != nil {
		return err
	}
	return l.db.insertRows(ctx, n, columns, rows)
}
