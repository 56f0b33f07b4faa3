package warehouse

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLockDown(t *testing.T) {
	allowed, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.csv"), []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), Options{Path: filepath.Join(allowed, "work.duckdb"), AllowedDirs: []string{allowed}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for _, statement := range []string{
		"COPY (SELECT 1 AS a) TO " + literal(filepath.Join(allowed, "a.parquet")),
		"CREATE TABLE t AS SELECT * FROM read_parquet(" + literal(filepath.Join(allowed, "a.parquet")) + ")",
		"ATTACH " + literal(filepath.Join(allowed, "b.duckdb")) + " AS b",
	} {
		if err := db.Exec(t.Context(), statement); err != nil {
			t.Errorf("inside the allowed folder: %v", err)
		}
	}
	for _, statement := range []string{
		"SELECT * FROM read_csv(" + literal(filepath.Join(outside, "secret.csv")) + ")",
		"SELECT * FROM " + literal(filepath.Join(outside, "secret.csv")),
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM read_parquet('https://example.org/a.parquet')",
		"SELECT * FROM read_text(" + literal(filepath.Join(allowed, "..", filepath.Base(outside), "secret.csv")) + ")",
		"COPY (SELECT 1) TO " + literal(filepath.Join(outside, "a.csv")),
		"ATTACH " + literal(filepath.Join(outside, "c.duckdb")),
		"EXPORT DATABASE " + literal(filepath.Join(outside, "export")),
		"INSTALL httpfs", "LOAD httpfs",
		"SET threads = 1", "SET enable_external_access = true", "SET lock_configuration = false", "RESET allowed_directories",
		"SET TimeZone = 'Europe/Berlin'",
	} {
		if err := db.Exec(t.Context(), statement); err == nil {
			t.Errorf("not refused: %s", statement)
		}
	}
	zone, err := db.session.scalar(t.Context(), "SELECT CAST(TIMESTAMPTZ '2026-07-01 00:00:00+02' AS VARCHAR)")
	if err != nil || zone != "2026-06-30 22:00:00+00" {
		t.Errorf("an instant is written %s, %v; want UTC", zone, err)
	}
}

func TestOpenOptions(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Path: filepath.Join(dir, "work.duckdb"), Threads: 3, MemoryLimit: "321MB", TempDir: filepath.Join(dir, "spill")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for setting, want := range map[string]string{
		"threads": "3", "memory_limit": "306.1 MiB", "temp_directory": filepath.Join(dir, "spill"), "preserve_insertion_order": "true",
		"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "lock_configuration": "true",
	} {
		if got, err := db.session.scalar(t.Context(), "SELECT CAST(current_setting(?) AS VARCHAR)", setting); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", setting, got, want, err)
		}
	}
}

func TestOpenRefusesPathsThatDuckDBMisreads(t *testing.T) {
	dir := t.TempDir()
	for _, opt := range []Options{
		{Path: filepath.Join(dir, "a?b.duckdb")},
		{Path: "relative.duckdb"},
		{AllowedDirs: []string{"relative"}},
		{MemoryLimit: "a lot"},
	} {
		if db, err := Open(t.Context(), opt); err == nil {
			db.Close()
			t.Errorf("%+v was opened", opt)
		}
	}
	if _, err := Open(t.Context(), Options{Path: filepath.Join(dir, "a?b.duckdb")}); !errors.Is(err, ErrPath) {
		t.Errorf("error %v, want ErrPath", err)
	}
}

func TestSpill(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Path: filepath.Join(dir, "work.duckdb"), Threads: 1, MemoryLimit: "40MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	// 80 MB of strings are sorted in 40 MB.
	err = db.Exec(t.Context(), "CREATE TABLE t AS SELECT repeat(CAST(hash(i) AS VARCHAR), 10) AS v FROM range(400000) r(i) ORDER BY v")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.count(t.Context(), Name{mainSchema, "t"}); n != 400000 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestCancelStopsAStatement(t *testing.T) {
	db := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		time.Sleep(50 * time.Millisecond)
		cancel()
	}()
	err := db.Exec(ctx, "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)")
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if err := db.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the next statement: %v", err)
	}
	if err := db.Exec(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestBind(t *testing.T) {
	db := openTest(t)
	at := time.Date(2026, 10, 31, 22, 59, 58, 123456000, time.FixedZone("", 3600))
	got, err := db.session.texts(t.Context(), "SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, ? AS f, ? AS g, ? AS h",
		[]any{nil, true, 7, int64(-9), 0.1, "", "a'b\x00c", at})
	if err != nil {
		t.Fatal(err)
	}
	want := []Cell{{Null: true}, {Text: "true"}, {Text: "7"}, {Text: "-9"}, {Text: "0.1"}, {Text: ""}, {Text: "a'b\x00c"}, {Text: "2026-10-31 21:59:58.123456"}}
	for i := range want {
		if got[0][i] != want[i] {
			t.Errorf("parameter %d: %+v, want %+v", i+1, got[0][i], want[i])
		}
	}
	for _, c := range []struct {
		args []any
		want string
	}{
		{[]any{1}, "the statement has 2, 1 values are given"},
		{[]any{1, struct{}{}}, "bind parameter 2: a struct {} cannot be bound"},
	} {
		if err := db.Exec(t.Context(), "SELECT ?, ?", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestStatementErrorsHaveALine(t *testing.T) {
	err := openTest(t).Exec(t.Context(), "SELECT 1\n,\n  nothing + 1\n")
	var e *StatementError
	if !errors.As(err, &e) || e.Line != 3 || strings.Contains(e.Message, "LINE") || !strings.Contains(e.Message, "nothing") {
		t.Errorf("%#v", err)
	}
}
