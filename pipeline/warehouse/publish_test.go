package warehouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nightTree is a small night: canonical, an unpublished step, a mart with every type, an input.
func nightTree(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{
		"inputs/score.sql": input("score"),
		"canonical/agreement.sql": "-- agreement: one agreement.\n-- grain: agreement\n-- key: agreement_id\n-- agreement_id VARCHAR\n-- signed_on DATE: its day\n" +
			"SELECT 'a1' AS agreement_id, DATE '2026-01-02' AS signed_on",
		"canonical/engagement_event.sql": "-- engagement_event: one event.\n-- grain: event\n-- key: event_id\n-- event_id VARCHAR\nSELECT 'e1' AS event_id",
		"intermediate/int_step.sql":      model("int_step", "SELECT CAST(hash(i) AS VARCHAR) AS k FROM range(9000) r(i)"),
		"marts/fct.sql": `-- fct: one row per thing; it's exact.
-- grain: thing
-- key: k
-- k VARCHAR: name of the "thing"
-- amount DECIMAL(18,4): amount, it's exact
-- x DOUBLE: a double
-- is_odd BOOLEAN: odd
-- n INTEGER: number; null for every third
-- at TIMESTAMP: moment
-- note: from int_step
SELECT k, CAST(length(k) AS DECIMAL(18,4)) AS amount,
    CAST(length(k) AS DOUBLE) / 3 AS x, length(k) % 2 = 1 AS is_odd,
    CASE WHEN k LIKE '%3' THEN NULL ELSE CAST(length(k) AS INTEGER) END AS n, TIMESTAMP '2026-01-02 03:04:05.6' AS at
FROM intermediate.int_step JOIN score USING (k)
UNION ALL SELECT k, 0, 0, false, NULL, NULL FROM score`,
	}
	for _, name := range []string{"data_dictionary", "data_quality"} {
		text, err := treeFile("inputs/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		files["inputs/"+name+".sql"] = text
	}
	return files
}

// night builds the tree with a number of threads and score rows in the given order, ready to publish.
func night(t *testing.T, dir string, threads int, scores ...string) *Build {
	t.Helper()
	g, err := Load(t.Context(), tree(nightTree(t)))
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), Options{Threads: threads, AllowedDirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	b := NewBuild(db, g, stoppedClock)
	var rows []Row
	for _, s := range scores {
		rows = append(rows, Row{"k": s})
	}
	if err := b.Fill(t.Context(), "score", rows); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RunReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// published publishes a night and opens the file.
func published(t *testing.T, b *Build, path string) *Reader {
	t.Helper()
	if _, err := b.Publish(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func lines(t *testing.T, r *Reader, query string) []string {
	t.Helper()
	return rowsOf(t, &DB{session: r.session}, query)
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "o'k [x] *.duckdb")
	b := night(t, dir, 2, "x", "y")
	tables, err := b.Publish(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := []PublishedTable{
		{Name{"canonical", "agreement"}, 1}, {Name{"main", "data_dictionary"}, 25}, {Name{"main", "data_quality"}, 5}, {Name{"main", "fct"}, 2}, {Name{"main", "score"}, 2},
	}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Error(diff)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("beside the published file lies %v", left)
	}
	r, err := OpenReader(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	for query, want := range map[string][]string{
		"SELECT comment FROM duckdb_tables() WHERE table_name = 'fct'":                       {"one row per thing; it's exact. Grain: thing. Key: k. from int_step"},
		"SELECT comment FROM duckdb_columns() WHERE table_name = 'fct' AND column_index < 3": {`name of the "thing"`, "amount, it's exact"},
		"SELECT comment FROM duckdb_columns() WHERE table_name = 'agreement'":                {"native key of the agreement", "its day"},
		"SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal":          {"v1.0.0+"},
		"SELECT DISTINCT schema_name FROM duckdb_tables() ORDER BY 1":                        {"canonical", "main"},
		"SELECT k FROM fct": {"x", "y"},
		"SELECT column_name, column_type, meaning, table_grain, table_key FROM data_dictionary WHERE table_name = 'canonical.agreement' ORDER BY column_position": {
			"agreement_id VARCHAR native key of the agreement agreement agreement_id", "signed_on DATE its day agreement agreement_id"},
		"SELECT count(*) FROM data_dictionary WHERE table_name = 'data_dictionary'":               {"8"},
		"SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''": {"0"},
	} {
		if diff := cmp.Diff(want, lines(t, r, query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	there := filepath.Join(dir, "there.duckdb")
	if err := os.WriteFile(there, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := night(t, dir, 1, "x")
	if _, err := b.Publish(t.Context(), there); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file that exists: %v", err)
	}
	if data, _ := os.ReadFile(there); string(data) != "old" {
		t.Error("the file that was there is changed")
	}
	if _, err := b.Publish(t.Context(), filepath.Join(dir, "a?b.duckdb")); !errors.Is(err, ErrPath) {
		t.Errorf("a path with a question mark: %v", err)
	}
	if _, err := b.Publish(t.Context(), filepath.Join(outside, "x.duckdb")); err == nil {
		t.Error("outside of the allowed folder")
	}
	waiting := build(t, nightTree(t))
	if _, err := waiting.Publish(t.Context(), filepath.Join(dir, "x.duckdb")); err == nil || !strings.Contains(err.Error(), "models are not made") {
		t.Errorf("an unfinished build: %v", err)
	}
}

func TestAFailedPublishLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.duckdb")
	b := night(t, dir, 1, "x")
	if err := b.db.Exec(t.Context(), "DROP TABLE fct"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), path); err == nil || !strings.Contains(err.Error(), "copy fct") {
		t.Fatalf("error %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := night(t, dir, 1, "x").Publish(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEqualNightsHaveEqualHashes: threads, the order in which rows came in, and the file do not matter.
func TestEqualNightsHaveEqualHashes(t *testing.T) {
	dir := t.TempDir()
	var first map[string]string
	for i, b := range []*Build{
		night(t, dir, 1, "x", "y", "z"), night(t, dir, 2, "z", "y", "x"), night(t, dir, 4, "y", "x", "z"),
	} {
		got, err := published(t, b, filepath.Join(dir, fmt.Sprint(i, ".duckdb"))).LogicalHashes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Error(diff)
		}
	}
	want := []string{"canonical.agreement", "data_dictionary", "data_quality", "fct", "score"}
	if got := slices.Sorted(maps.Keys(first)); !slices.Equal(got, want) {
		t.Errorf("tables %v, want %v", got, want)
	}
}

func TestLogicalHashSeesEveryChange(t *testing.T) {
	db := openTest(t)
	hash := func(query string) string {
		t.Helper()
		if err := db.Exec(t.Context(), "CREATE OR REPLACE TABLE h AS "+query); err != nil {
			t.Fatal(err)
		}
		h, err := db.session.logicalHash(t.Context(), Name{mainSchema, "h"})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	base := "SELECT 'a' AS k, '' AS s, CAST(1.5 AS DECIMAL(18,4)) AS d, CAST(0.1 AS DOUBLE) AS x, 1 AS i, CAST(2 AS BIGINT) AS l, true AS b, DATE '2026-01-01' AS day, TIMESTAMP '2026-01-01 00:00:00' AS at"
	other := " UNION ALL SELECT 'b', 'x', 2, 0.2, 3, 4, NULL, NULL, NULL"
	want := hash(base + other)
	if got := hash("SELECT * FROM (" + base + other + ") ORDER BY k DESC"); got != want {
		t.Error("the order of rows changes the hash")
	}
	seen := map[string]string{want: "base"}
	for name, query := range map[string]string{
		"empty text to null":            strings.Replace(base, "'' AS s", "CAST(NULL AS VARCHAR) AS s", 1) + other,
		"text":                          strings.Replace(base, "'' AS s", "' ' AS s", 1) + other,
		"text moves to the next column": strings.Replace(base, "'a' AS k, '' AS s", "'' AS k, 'a' AS s", 1) + other,
		"the last digit of a decimal":   strings.Replace(base, "1.5", "1.5001", 1) + other,
		"the last bit of a double":      strings.Replace(base, "CAST(0.1 AS DOUBLE)", "CAST(0.1 AS DOUBLE) + 1.4e-17", 1) + other,
		"an integer":                    strings.Replace(base, "1 AS i", "2 AS i", 1) + other,
		"a boolean":                     strings.Replace(base, "true", "false", 1) + other,
		"a day":                         strings.Replace(base, "DATE '2026-01-01'", "DATE '2026-01-02'", 1) + other,
		"a microsecond":                 strings.Replace(base, "00:00:00'", "00:00:00.000001'", 1) + other,
		"a type":                        strings.Replace(base, "1 AS i", "CAST(1 AS BIGINT) AS i", 1) + other,
		"a column's name":               strings.Replace(base, "AS i", "AS j", 1) + other,
		"a row less":                    base,
		"a row twice":                   base + other + other,
		"rows that swap a value":        strings.Replace(base, "'' AS s", "'x' AS s", 1) + strings.Replace(other, "'x'", "''", 1),
		"no rows":                       "SELECT * FROM (" + base + ") WHERE false",
		"no rows, another type":         "SELECT * FROM (" + strings.Replace(base, "1 AS i", "CAST(1 AS BIGINT) AS i", 1) + ") WHERE false",
	} {
		h := hash(query)
		if twin, ok := seen[h]; ok {
			t.Errorf("%s: the same hash as %s", name, twin)
		}
		seen[h] = name
	}
}

func TestDictionary(t *testing.T) {
	g, err := Load(t.Context(), tree(nightTree(t)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range Dictionary(g) {
		if !strings.HasPrefix(e.Table, "data_") {
			got = append(got, fmt.Sprintf("%s.%s %d %s: %s (%s; %s; %s)", e.Table, e.Column, e.Position, e.Type, e.Meaning, e.TableMeaning, e.Grain, e.Key))
		}
	}
	want := []string{
		"canonical.agreement.agreement_id 1 VARCHAR: native key of the agreement (one agreement.; agreement; agreement_id)",
		"canonical.agreement.signed_on 2 DATE: its day (one agreement.; agreement; agreement_id)",
		`fct.k 1 VARCHAR: name of the "thing" (one row per thing; it's exact.; thing; k)`,
		"fct.amount 2 DECIMAL(18,4): amount, it's exact (one row per thing; it's exact.; thing; k)",
		"fct.x 3 DOUBLE: a double (one row per thing; it's exact.; thing; k)",
		"fct.is_odd 4 BOOLEAN: odd (one row per thing; it's exact.; thing; k)",
		"fct.n 5 INTEGER: number; null for every third (one row per thing; it's exact.; thing; k)",
		"fct.at 6 TIMESTAMP: moment (one row per thing; it's exact.; thing; k)",
		"score.k 1 VARCHAR: thing (what; thing; k)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
