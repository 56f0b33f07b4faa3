package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openFile writes a database with statements and opens it as a reader.
func openFile(t *testing.T, statements ...string) *Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.duckdb")
	s, err := openSession(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := s.exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	s.close()
	r, err := OpenReader(t.Context(), Options{Path: path, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestReaderRendersValuesExactly(t *testing.T) {
	r := openFile(t)
	for value, want := range map[string]struct {
		typ  Type
		cell Cell
	}{
		"CAST('12345678901234.5600' AS DECIMAL(18,4))":                     {"DECIMAL(18,4)", Cell{Text: "12345678901234.5600"}},
		"CAST('99999999999999999999999999999999.999999' AS DECIMAL(38,6))": {"DECIMAL(38,6)", Cell{Text: "99999999999999999999999999999999.999999"}},
		"CAST(0.1 AS DOUBLE) + CAST(0.2 AS DOUBLE)":                        {"DOUBLE", Cell{Text: "0.30000000000000004"}},
		"170141183460469231731687303715884105727":                          {"HUGEINT", Cell{Text: "170141183460469231731687303715884105727"}},
		"''":                                     {"VARCHAR", Cell{}},
		"CAST(NULL AS VARCHAR)":                  {"VARCHAR", Cell{Null: true}},
		"'NULL'":                                 {"VARCHAR", Cell{Text: "NULL"}},
		"'a\nb\"c'":                              {"VARCHAR", Cell{Text: "a\nb\"c"}},
		"true":                                   {"BOOLEAN", Cell{Text: "true"}},
		"DATE '2026-10-31'":                      {"DATE", Cell{Text: "2026-10-31"}},
		"TIMESTAMP '2026-10-31 01:02:03.000004'": {"TIMESTAMP", Cell{Text: "2026-10-31 01:02:03.000004"}},
		"[1.50, NULL]":                           {"DECIMAL(3,2)[]", Cell{Text: "[1.50, NULL]"}},
		"{'a': 1, 'b': 'x'}":                     {"STRUCT(a INTEGER, b VARCHAR)", Cell{Text: "{'a': 1, 'b': x}"}},
		"INTERVAL '3' DAY":                       {"INTERVAL", Cell{Text: "3 days"}},
		"$1 || 'b' -- a comment":                 {"VARCHAR", Cell{Text: "ab"}},
	} {
		query := "SELECT " + value + "\n AS v;\n"
		if strings.Contains(value, "--") {
			query = "SELECT " + value
		}
		var args []any
		if strings.Contains(value, "$1") {
			args = []any{"a"}
		}
		got, err := r.Query(t.Context(), query, args...)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if got.Columns[0].Type != want.typ || got.Rows[0][0] != want.cell {
			t.Errorf("%s: %s %+v, want %s %+v", value, got.Columns[0].Type, got.Rows[0][0], want.typ, want.cell)
		}
	}
}

func TestReaderKeepsNamesAndOrder(t *testing.T) {
	r := openFile(t, "CREATE TABLE t AS SELECT i, hash(i) AS h FROM range(20000) r(i)")
	got, err := r.Query(t.Context(), "SELECT i AS a, i AS a, h AS \"H h\" FROM t ORDER BY h DESC, i")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ResultColumn{{"a", BigInt}, {"a", BigInt}, {"H h", "UBIGINT"}}, got.Columns); diff != "" {
		t.Error(diff)
	}
	if len(got.Rows) != 20000 || !slices.IsSortedFunc(got.Rows, func(a, b []Cell) int {
		return strings.Compare(fmt.Sprintf("%020s", b[2].Text), fmt.Sprintf("%020s", a[2].Text))
	}) {
		t.Error("the rows are not in the order that was asked for")
	}
	empty, err := r.Query(t.Context(), "SELECT i FROM t WHERE false")
	if err != nil || len(empty.Rows) != 0 || len(empty.Columns) != 1 {
		t.Errorf("no rows: %+v, %v", empty, err)
	}
}

func TestReaderAnswersQuestionsAboutItself(t *testing.T) {
	r := openFile(t, "CREATE TABLE t AS SELECT 1 AS a")
	for _, query := range []string{"FROM t", "SHOW TABLES", "DESCRIBE t", "SUMMARIZE t", "EXPLAIN SELECT * FROM t", "VALUES (1)", "WITH x AS (SELECT 1) FROM x", "TABLE t"} {
		if got, err := r.Query(t.Context(), query); err != nil || len(got.Rows) == 0 {
			t.Errorf("%s: %v, %v", query, got, err)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	r := openFile(t, "CREATE TABLE t AS SELECT 1 AS a")
	other := filepath.Join(t.TempDir(), "other")
	for _, statement := range []string{
		"INSERT INTO t VALUES (2)", "DELETE FROM t", "UPDATE t SET a = 2", "DROP TABLE t", "CREATE TABLE u (a INTEGER)", "ALTER TABLE t ADD COLUMN b INTEGER",
		"CREATE TEMP TABLE u (a INTEGER)", "COMMENT ON TABLE t IS 'x'", "CHECKPOINT", "VACUUM",
		"ATTACH " + literal(other), "ATTACH ':memory:' AS m", "COPY t TO " + literal(other), "EXPORT DATABASE " + literal(other),
		"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/etc/*')",
		"INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true", "SET threads = 9", "PRAGMA enable_profiling",
		"SELECT 1; SELECT 2", "SELECT 1; DROP TABLE t", "SELECT nothing", "FORM t", "", ";", "BEGIN TRANSACTION",
		"EXPLAIN ANALYZE COPY t TO " + literal(other), "EXPLAIN ANALYZE INSERT INTO t VALUES (3)",
	} {
		var e *StatementError
		if got, err := r.Query(t.Context(), statement); !errors.As(err, &e) {
			t.Errorf("%s: %v, %v; want a StatementError", statement, got, err)
		}
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a file was written")
	}
	got, err := r.Query(t.Context(), "SELECT count(*) FROM t")
	if err != nil || got.Rows[0][0].Text != "1" {
		t.Errorf("after all this: %v, %v", got, err)
	}
}

func TestManyReadersOfOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	s, err := openSession(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.exec(t.Context(), "CREATE TABLE t AS SELECT 1 AS a"); err != nil {
		t.Fatal(err)
	}
	s.close()
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r, err := OpenReader(t.Context(), Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		if got, err := r.Query(t.Context(), "FROM t"); err != nil || got.Rows[0][0].Text != "1" {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestOpenReaderProblems(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.duckdb")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(t.Context(), Options{Path: filepath.Join(dir, "nothing.duckdb")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := OpenReader(t.Context(), Options{Path: garbage}); err == nil || !strings.Contains(err.Error(), garbage) {
		t.Errorf("no database: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openFile(t).Query(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
