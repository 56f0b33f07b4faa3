package warehouse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// build loads a tree and joins it with a database in memory.
func build(t *testing.T, files map[string]string) *Build {
	t.Helper()
	g, err := Load(t.Context(), tree(files))
	if err != nil {
		t.Fatal(err)
	}
	return NewBuild(openTest(t), g, stoppedClock)
}

// rowsOf returns the rows of a query as lines of text.
func rowsOf(t *testing.T, db *DB, query string) []string {
	t.Helper()
	rows, err := db.session.texts(t.Context(), query, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, c := range row {
			if cells[j] = c.Text; c.Null {
				cells[j] = "NULL"
			}
		}
		lines[i] = strings.Join(cells, " ")
	}
	return lines
}

func TestModelsRunAsSoonAsTheirUpstreamIsThere(t *testing.T) {
	b := build(t, map[string]string{
		"inputs/early.sql":       input("early"),
		"inputs/late.sql":        input("late"),
		"intermediate/int_a.sql": model("int_a", "SELECT k || '1' AS k FROM early"),
		"marts/fct_a.sql":        model("fct_a", "SELECT k || '2' AS k FROM intermediate.int_a"),
		"marts/fct_b.sql":        model("fct_b", "SELECT a.k FROM fct_a AS a, late"),
		"reports/rpt.sql":        model("rpt", "SELECT k FROM fct_b"),
	})
	ticks := 0
	b.clock = func() time.Time { ticks++; return time.Unix(int64(ticks), 0) }
	if err := b.Fill(t.Context(), "early", []Row{{"k": "y"}, {"k": "x"}}); err != nil {
		t.Fatal(err)
	}
	runs, err := b.RunReady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []ModelRun{
		{Name{"intermediate", "int_a"}, "intermediate/int_a.sql", 2, time.Second},
		{Name{"main", "fct_a"}, "marts/fct_a.sql", 2, time.Second},
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Error(diff)
	}
	waiting := map[Name][]Name{{"main", "fct_b"}: {{"main", "late"}}, {"main", "rpt"}: {{"main", "fct_b"}}}
	if diff := cmp.Diff(waiting, b.Waiting()); diff != "" {
		t.Error(diff)
	}
	if err := b.Fill(t.Context(), "late", []Row{{"k": "z"}}); err != nil {
		t.Fatal(err)
	}
	if runs, err = b.RunReady(t.Context()); err != nil || len(runs) != 2 || len(b.Waiting()) != 0 {
		t.Errorf("second phase: %v, %v, waiting %v", runs, err, b.Waiting())
	}
	if runs, err = b.RunReady(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("third phase: %v, %v", runs, err)
	}
	if got := rowsOf(t, b.db, "SELECT * FROM rpt"); !slices.Equal(got, []string{"x12", "y12"}) {
		t.Errorf("rows %v", got)
	}
}

func TestModelErrorsNameFileAndLine(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"unknown column", "SELECT k,\n  nothing\nFROM early", "marts/a.sql:6: prepare: Binder Error"},
		{"at run time", "SELECT\n  CAST(CAST('x' || k AS INTEGER) AS VARCHAR) AS k FROM early", "marts/a.sql"},
		{"another type", "SELECT 1 AS k FROM early", "marts/a.sql: column 1 of the result is k INTEGER, the header declares k VARCHAR"},
		{"another name", "SELECT k AS l FROM early", "marts/a.sql: column 1 of the result is l VARCHAR, the header declares k VARCHAR"},
		{"one column more", "SELECT k, 1.5 AS l FROM early", "marts/a.sql: column 2 of the result, l DECIMAL(2,1), is not declared in the header"},
		{"a comment at the end, and a semicolon", "SELECT k FROM early -- all;", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, map[string]string{"inputs/early.sql": input("early"), "marts/a.sql": model("a", c.sql)})
			if err := b.Fill(t.Context(), "early", []Row{{"k": "y"}}); err != nil {
				t.Fatal(err)
			}
			_, err := b.RunReady(t.Context())
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *ModelError
			if !errors.As(err, &e) || e.File != "marts/a.sql" || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	two := "-- a: what\n-- grain: thing\n-- key: k\n-- k VARCHAR: thing\n-- l DATE: other\nSELECT 'x' AS k"
	b := build(t, map[string]string{"marts/a.sql": two})
	if _, err := b.RunReady(t.Context()); err == nil || !strings.Contains(err.Error(), "the header declares column 2 as l DATE, the result has only 1 columns") {
		t.Errorf("error %v", err)
	}
}

func TestTablesAreWrittenInTheOrderOfTheirKey(t *testing.T) {
	b := build(t, map[string]string{"marts/a.sql": model("a", "SELECT CAST(hash(i) AS VARCHAR) AS k FROM range(50000) r(i)")})
	if _, err := b.RunReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, b.db, "SELECT k FROM a")
	if len(got) != 50000 || !slices.IsSorted(got) {
		t.Errorf("%d rows, sorted %v", len(got), slices.IsSorted(got))
	}
}

func TestFill(t *testing.T) {
	files := map[string]string{
		"inputs/a.sql": "-- a: what\n-- grain: g\n-- key: k\n-- k VARCHAR: k\n-- n INTEGER: n\n-- m DECIMAL(18,4): m\n-- d DATE: d\n-- at TIMESTAMP: t\n-- b BOOLEAN: b\n-- x DOUBLE: x",
		"marts/m.sql":  model("m", "SELECT 'x' AS k"),
	}
	good := func() Row {
		return Row{"k": "x", "n": 1, "m": "12345678901234.5678", "d": "2026-10-31", "at": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "b": true, "x": 0.1}
	}
	b := build(t, files)
	if err := b.Fill(t.Context(), "a", []Row{good(), {"k": "y", "n": nil, "m": nil, "d": nil, "at": nil, "b": nil, "x": nil}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"x 1 12345678901234.5678 2026-10-31 2026-01-02 03:04:05 true 0.1", "y NULL NULL NULL NULL NULL NULL"}
	if diff := cmp.Diff(want, rowsOf(t, b.db, "SELECT * FROM a ORDER BY k")); diff != "" {
		t.Error(diff)
	}
	if err := b.Fill(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "it was given before") {
		t.Errorf("given twice: %v", err)
	}
	for _, c := range []struct {
		name, table string
		change      func(Row)
		want        string
	}{
		{"a column is missing", "a", func(r Row) { delete(r, "n") }, "fill a, row 1: column n is not given"},
		{"a column is unknown", "a", func(r Row) { r["z"] = 1 }, "fill a, row 1: column z is not declared"},
		{"a value does not fit", "a", func(r Row) { r["n"] = "one" }, "fill a: Conversion Error"},
		{"a value has no text", "a", func(r Row) { r["n"] = []int{1} }, "fill a, row 1: column n: a []int has no text"},
		{"the table is unknown", "z", func(Row) {}, "no file inputs/z.sql declares it"},
		{"a model makes the table", "m", func(Row) {}, "no file inputs/m.sql declares it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := good()
			c.change(row)
			if err := build(t, files).Fill(t.Context(), c.table, []Row{row}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestKeysAreChecked(t *testing.T) {
	for _, c := range []struct {
		name, rows string
		want       CheckResult
	}{
		{"unique and present", "VALUES ('a'), ('b')", CheckResult{}},
		{"no rows", "SELECT 'a' WHERE false", CheckResult{}},
		{"twice", "VALUES ('a'), ('b'), ('a'), ('c'), ('c'), ('c'), ('d'), ('d'), ('e'), ('e')",
			CheckResult{FailedRows: 4, Sample: "k=a, rows=2; k=c, rows=3; k=d, rows=2"}},
		{"null", "VALUES ('a'), (NULL)", CheckResult{FailedRows: 1, Sample: "k is null, rows=1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, map[string]string{"marts/a.sql": model("a", "SELECT CAST(v AS VARCHAR) AS k FROM ("+c.rows+") t(v)")})
			if _, err := b.RunReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.want.Check, c.want.Table, c.want.Severity = "key", "a", Error
			c.want.Meaning = "the key (k) is never null and never twice"
			if diff := cmp.Diff([]CheckResult{c.want}, b.results); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChecksFillDataQuality(t *testing.T) {
	check := func(name, severity, sql string) string {
		return fmt.Sprintf("-- %s: the rule of %s holds\n-- severity: %s\n-- table: a\n-- next: mend %s\n%s\n", name, name, severity, name, sql)
	}
	declaration, err := treeFile("inputs/data_quality.sql")
	if err != nil {
		t.Fatal(err)
	}
	b := build(t, map[string]string{
		"inputs/data_quality.sql": declaration,
		"marts/a.sql":             model("a", "SELECT CAST(i AS VARCHAR) AS k FROM range(5) r(i)"),
		"checks/holds.sql":        check("holds", "error", "SELECT * FROM a WHERE k = 'z'"),
		"checks/warns.sql":        check("warns", "warning", "SELECT k, NULL AS n, [1] AS l FROM a WHERE k = '3'"),
		"checks/fails.sql":        check("fails", "error", "SELECT k FROM a"),
		"reports/after.sql":       model("after", "SELECT check_name AS k FROM data_quality WHERE failed_rows > 0"),
	})
	if _, err := b.RunReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	results, err := b.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []CheckResult{
		{"fails", "a", Error, 5, "k=0; k=1; k=2", "the rule of fails holds", "mend fails"},
		{"holds", "a", Error, 0, "", "the rule of holds holds", "mend holds"},
		{"key", "a", Error, 0, "", "the key (k) is never null and never twice", ""},
		{"warns", "a", Warning, 1, "k=3, n is null, l=[1]", "the rule of warns holds", "mend warns"},
	}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Error(diff)
	}
	if results[0].Status() != "error" || results[1].Status() != "ok" || results[3].Status() != "warning" {
		t.Error("status is the severity of what failed, or ok")
	}
	rows := []string{
		"fails a error 5 k=0; k=1; k=2 error the rule of fails holds mend fails",
		"holds a error 0 NULL ok the rule of holds holds mend holds",
		"key a error 0 NULL ok the key (k) is never null and never twice NULL",
		"warns a warning 1 k=3, n is null, l=[1] warning the rule of warns holds mend warns",
	}
	if diff := cmp.Diff(rows, rowsOf(t, b.db, "SELECT * FROM data_quality ORDER BY ALL")); diff != "" {
		t.Error(diff)
	}
	if _, err := b.RunReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(t, b.db, "SELECT * FROM after"); !slices.Equal(got, []string{"fails", "warns"}) {
		t.Errorf("a report on the checks: %v", got)
	}
}

func TestAKeyThatFailsAfterTheChecksIsAnError(t *testing.T) {
	declaration, err := treeFile("inputs/data_quality.sql")
	if err != nil {
		t.Fatal(err)
	}
	b := build(t, map[string]string{
		"inputs/data_quality.sql": declaration,
		"reports/after.sql":       model("after", "SELECT 'x' AS k FROM range(2), (SELECT count(*) FROM data_quality)"),
	})
	if _, err := b.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	var e *ModelError
	if _, err := b.RunReady(t.Context()); !errors.As(err, &e) || !strings.Contains(err.Error(), "never twice, but: k=x, rows=2") {
		t.Errorf("error %v", err)
	}
}

func TestAFailingCheckQueryNamesItsFile(t *testing.T) {
	b := build(t, map[string]string{
		"marts/a.sql":    model("a", "SELECT 'x' AS k"),
		"checks/bad.sql": "-- bad: what\n-- severity: error\n-- table: a\nSELECT\n  nothing FROM a",
		"inputs/in.sql":  input("in"),
	})
	if _, err := b.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "checks/bad.sql: run before its upstream is there: a") {
		t.Errorf("before the model: %v", err)
	}
	if _, err := b.RunReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "checks/bad.sql:5: run: Binder Error") {
		t.Errorf("error %v", err)
	}
}
