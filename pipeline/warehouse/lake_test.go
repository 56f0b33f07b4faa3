package warehouse

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// buildIn is build with a database that may use a folder.
func buildIn(t *testing.T, dir string, files map[string]string) *Build {
	t.Helper()
	g, err := Load(t.Context(), tree(files))
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), Options{Threads: 2, AllowedDirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return NewBuild(db, g, stoppedClock)
}

// writeParquet writes the rows of a query to a file; the columns of a lake table that it lacks are added as
// nulls where full is true.
func writeParquet(t *testing.T, path, table, query string, full bool) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// A session without lock-down: the file plays the part of pipeline/lake.
	s, err := openSession("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if full {
		nulls := []string{}
		for _, c := range lakeColumns(Name{lakeSchema, table}) {
			nulls = append(nulls, "CAST(NULL AS "+string(c.Type)+") AS "+ident(c.Name))
		}
		query = "SELECT * FROM (SELECT " + strings.Join(nulls, ", ") + " WHERE false) UNION ALL BY NAME " + query
	}
	// The name is given by rename, since DuckDB would expand it.
	temp := filepath.Join(t.TempDir(), "out")
	if _, err := s.exec(t.Context(), "COPY ("+query+") TO "+literal(temp)+" (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLakeViewsReadExactlyTheGivenFiles(t *testing.T) {
	// Each of these folders and files is a glob that matches others.
	for _, c := range []struct{ name, file, decoy string }{
		{"star", "st*te/a*.parquet", "stxxte/abc.parquet"},
		{"two stars", "**/a.parquet", "x/a.parquet"},
		{"question mark", "st?te/a?.parquet", "state/ab.parquet"},
		{"brackets", "st[ab]te/[a].parquet", "state/a.parquet"},
		{"quotes", `o'k "x"/it's.parquet`, "other.parquet"},
		{"blanks, percent, backslash", `a b/100%\n#;.parquet`, "other.parquet"},
		{"a partition folder", "dt=2026-01/a.parquet", "dt=2026-02/a.parquet"},
		{"a comma and braces", "{a,b}/c.parquet", "a/c.parquet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := writeParquet(t, filepath.Join(dir, c.file), "partner", "SELECT 'p1' AS partner_id", true)
			writeParquet(t, filepath.Join(dir, c.decoy), "partner", "SELECT 'decoy' AS partner_id", true)
			b := buildIn(t, filepath.Dir(file), nil)
			if err := b.ProvideLake(t.Context(), LakeFiles{Tables: map[string][]string{"partner": {file}}}); err != nil {
				t.Fatal(err)
			}
			if got := rowsOf(t, b.db, "SELECT partner_id FROM lake.partner"); !slices.Equal(got, []string{"p1"}) {
				t.Errorf("rows %v", got)
			}
		})
	}
}

func TestLakeViewsHaveTheDeclaredColumns(t *testing.T) {
	dir := t.TempDir()
	older := writeParquet(t, filepath.Join(dir, "older.parquet"), "partner", "SELECT 'p1' AS partner_id, 'x' AS no_longer_declared", false)
	newer := writeParquet(t, filepath.Join(dir, "newer.parquet"), "partner", "SELECT 'p2' AS partner_id, 'Name' AS name, CAST(3 AS INTEGER) AS tier_rank", true)
	b := buildIn(t, dir, map[string]string{"rollup/day.sql": model("day", "SELECT event_id AS k FROM lake.engagement_event")})
	input := Row{}
	for _, c := range lakeInput.Columns {
		input[c.Name] = nil
	}
	maps.Copy(input, Row{"source": "crm", "file": "partners.csv", "received_at": "2026-10-31 06:00:00", "rows": 2})
	err := b.ProvideLake(t.Context(), LakeFiles{Tables: map[string][]string{"partner": {older, newer}}, Inputs: []Row{input}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rowsOf(t, b.db, "SELECT partner_id, name, tier_rank FROM lake.partner ORDER BY 1"), []string{"p1 NULL NULL", "p2 Name 3"}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if got := rowsOf(t, b.db, "SELECT source, file, rows, received_at FROM lake.input"); !slices.Equal(got, []string{"crm partners.csv 2 2026-10-31 06:00:00"}) {
		t.Errorf("inputs %v", got)
	}
	names := append(lakeNames(), Name{rollupSchema, "day"})
	for _, n := range names {
		declared := b.graph.columns(n)
		described, err := b.db.session.describe(t.Context(), "SELECT * FROM "+n.sql())
		if err != nil {
			t.Fatal(err)
		}
		var want []resultColumn
		for _, c := range declared {
			want = append(want, resultColumn{c.Name, c.Type})
		}
		if diff := cmp.Diff(want, described.columns); diff != "" {
			t.Errorf("%s: %s", n, diff)
		}
	}
	if len(names) != len(contract.Tables())+3 {
		t.Errorf("%d relations", len(names))
	}
}

func TestLakeRefusesRelativePaths(t *testing.T) {
	b := build(t, nil)
	err := b.ProvideLake(t.Context(), LakeFiles{Tables: map[string][]string{"partner": {"a.parquet"}}})
	if err == nil || !strings.Contains(err.Error(), "not an absolute path") {
		t.Errorf("error %v", err)
	}
}

func TestALostLakeFileIsAnError(t *testing.T) {
	dir := t.TempDir()
	b := buildIn(t, dir, nil)
	err := b.ProvideLake(t.Context(), LakeFiles{Tables: map[string][]string{"partner": {filepath.Join(dir, "lost.parquet")}}})
	if err == nil || !strings.Contains(err.Error(), "create view lake.partner over 1 files") {
		t.Errorf("error %v", err)
	}
}
