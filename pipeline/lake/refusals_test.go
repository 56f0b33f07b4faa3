package lake

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

func TestCountsAreChecked(t *testing.T) {
	for name, change := range map[string]func(c *TableCount){
		"rows":      func(c *TableCount) { c.Rows++ },
		"unchanged": func(c *TableCount) { c.Unchanged++ },
	} {
		l := openLake(t, t.TempDir())
		ld, err := l.Begin(lines.input())
		if err != nil {
			t.Fatal(err)
		}
		counts, err := lines.feed(t.Context(), ld)
		if err != nil {
			t.Fatal(err)
		}
		change(&counts[0])
		var count *CountError
		if err := ld.Commit(t.Context(), Outcome{Counts: counts}); !errors.As(err, &count) || count.What != name || count.Actual+1 != count.Counted {
			t.Errorf("%s: %v, want a *CountError", name, err)
		}
	}
	// A row that was called changed but never written would be lost for good.
	l := openLake(t, t.TempDir())
	ld, err := l.Begin(lines.input())
	if err != nil {
		t.Fatal(err)
	}
	counts, err := lines.feed(t.Context(), ld)
	if err != nil {
		t.Fatal(err)
	}
	ld.Unchanged("opportunity_line", contract.KeyHash{1, 2}, 3)
	var count *CountError
	if err := ld.Commit(t.Context(), Outcome{Counts: counts}); !errors.As(err, &count) || count.What != "changed" {
		t.Errorf("%v, want a *CountError", err)
	}
	if err := ld.Commit(t.Context(), Outcome{Counts: append(counts, TableCount{Table: "partner"})}); err == nil {
		t.Error("a count of another table was taken")
	}
	// Two entries of one table add up: a mapping may feed it twice from one file.
	l = openLake(t, t.TempDir())
	if ld, err = l.Begin(lines.input()); err != nil {
		t.Fatal(err)
	}
	if counts, err = lines.feed(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	counts[0].Rows -= 2
	if err := ld.Commit(t.Context(), Outcome{Counts: append(counts, TableCount{Table: "opportunity_line", Rows: 2})}); err != nil {
		t.Error(err)
	}
}

func TestInputsThatMakeNoSense(t *testing.T) {
	l := openLake(t, t.TempDir())
	for name, change := range map[string]func(in *Input){
		"sha256 is no hash":     func(in *Input) { in.Key.SHA256 = "x"; in.Provenance.SHA256 = "x" },
		"mapping version":       func(in *Input) { in.Key.MappingVersion = "../x" },
		"no mapping version":    func(in *Input) { in.Key.MappingVersion = "" },
		"another source":        func(in *Input) { in.Provenance.Source = "erp" },
		"another sha256":        func(in *Input) { in.Provenance.SHA256 = strings.Repeat("0", 64) },
		"unknown table":         func(in *Input) { in.Modes = map[string]contract.Mode{"secrets": contract.Append} },
		"unknown mode":          func(in *Input) { in.Modes = map[string]contract.Mode{"partner": "replace"} },
		"path that is no UTF-8": func(in *Input) { in.Provenance.File = "caf\xe9.csv" },
	} {
		in := lines.input()
		change(&in)
		if _, err := l.Begin(in); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestBatchesThatMakeNoSense(t *testing.T) {
	table, _ := contract.Lookup("opportunity_line")
	other, _ := contract.Lookup("partner")
	for name, change := range map[string]func(b *contract.Batch){
		"another table":        func(b *contract.Batch) { b.Table = other },
		"a row hash too few":   func(b *contract.Batch) { b.RowHash = nil },
		"a key hash too few":   func(b *contract.Batch) { b.KeyHash = nil },
		"a mark too few":       func(b *contract.Batch) { b.Deleted = nil },
		"null in required":     func(b *contract.Batch) { b.Columns[2].Valid[0] = false },
		"null in a key":        func(b *contract.Batch) { b.Columns[0].Valid[0] = false },
		"a column is too long": func(b *contract.Batch) { b.Columns[3].AppendNull() },
	} {
		l := openLake(t, t.TempDir())
		ld, err := l.Begin(lines.input())
		if err != nil {
			t.Fatal(err)
		}
		b := contract.NewBatch(table, 1)
		appendRecord(b, contract.NewRowHasher(table), lines.tables["opportunity_line"][0], 1)
		change(b)
		if err := ld.Write(t.Context(), b); err == nil {
			t.Errorf("%s: was taken", name)
		}
		if err := ld.Abort(); err != nil {
			t.Error(err)
		}
	}
}

func TestDialectMayComeLate(t *testing.T) {
	l := openLake(t, t.TempDir())
	ld, err := l.Begin(lines.input())
	if err != nil {
		t.Fatal(err)
	}
	if err := ld.SetDialect("csv,tab"); err != nil {
		t.Fatal(err)
	}
	counts, err := lines.feed(t.Context(), ld)
	if err != nil {
		t.Fatal(err)
	}
	if err := ld.SetDialect("too late"); err == nil {
		t.Error("the dialect was changed behind rows that were written")
	}
	if err := ld.Commit(t.Context(), Outcome{Counts: counts}); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, l, "opportunity_line")[0].values["_dialect"]; got != "csv,tab" || l.Inputs()[0].Dialect != "csv,tab" {
		t.Errorf("dialect %v", got)
	}
}

func TestCancelledLoad(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	before := snapshotOf(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	ld, err := l.Begin(ledger.input())
	if err != nil {
		t.Fatal(err)
	}
	counts, err := ledger.feed(ctx, ld)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := ledger.feed(ctx, ld); !errors.Is(err, context.Canceled) {
		t.Errorf("writing on: %v", err)
	}
	if err := ld.Commit(ctx, Outcome{Counts: counts}); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if err := ld.Abort(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshotOf(t, dir)); diff != "" {
		t.Errorf("folder (-before +after):\n%s", diff)
	}
}

func TestOpenSweepsLeftoversOnly(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	mustLoad(t, l, lines, ledger)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := snapshotOf(t, dir)
	put := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{
		"partner/0123456789ab-abcdef01.parquet", "opportunity_line/0123456789ab-v1-2.parquet", "rejects/0123456789ab-v1.parquet",
		"partner/0123456789ab-abcdef01.parquet.tmp", "manifest.json.tmp", "index/partner-0123456789ab.idx.tmp",
	} {
		put(path)
	}
	for _, path := range []string{"partner/notes.txt", "partner/mine.parquet", "README", "elsewhere/0123456789ab-v1.parquet"} {
		put(path)
		before[path] = "kept"
	}
	openLake(t, dir)
	after := snapshotOf(t, dir)
	for path := range before {
		if before[path] == "kept" && after[path] != "" {
			after[path] = "kept"
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("folder (-before +after):\n%s", diff)
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir, manifest string) string{
		"lost": func(t *testing.T, dir, manifest string) string {
			if err := os.Remove(manifest); err != nil {
				t.Fatal(err)
			}
			return "is missing, but there are 1 Parquet files"
		},
		"no JSON": func(t *testing.T, dir, manifest string) string {
			rewrite(t, manifest, "{\"version", "{")
			return "is no JSON"
		},
		"newer": func(t *testing.T, dir, manifest string) string {
			rewrite(t, manifest, `"version": 2`, `"version": 3`)
			return "has version 3"
		},
		"other field": func(t *testing.T, dir, manifest string) string {
			rewrite(t, manifest, `"preset"`, `"colour"`)
			return "colour"
		},
		"header is lost": func(t *testing.T, dir, manifest string) string {
			rewrite(t, manifest, `"preset"`, `"header":"beef","preset"`)
			return "has header beef, which is not there"
		},
		"file is lost": func(t *testing.T, dir, manifest string) string {
			if err := os.Remove(openLake(t, dir).Files("opportunity_line")[0]); err != nil {
				t.Fatal(err)
			}
			return "not there"
		},
		"file is shorter": func(t *testing.T, dir, manifest string) string {
			if err := os.Truncate(openLake(t, dir).Files("opportunity_line")[0], 100); err != nil {
				t.Fatal(err)
			}
			return "it has 100"
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustLoad(t, openLake(t, dir), lines)
			want := damage(t, dir, filepath.Join(dir, manifestName))
			before := snapshotOf(t, dir)
			_, err := Open(dir)
			var manifest *ManifestError
			if !errors.As(err, &manifest) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want a *ManifestError with %q", err, want)
			}
			if diff := cmp.Diff(before, snapshotOf(t, dir)); diff != "" {
				t.Errorf("the folder was touched:\n%s", diff)
			}
		})
	}
}

func rewrite(t *testing.T, path, old, replacement string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(content), old, replacement, 1)
	if changed == string(content) {
		t.Fatalf("%s has no %s", path, old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}
