package warehouse

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTablesAreReadInTheOrderOfTheirKey(t *testing.T) {
	dir := t.TempDir()
	r := published(t, night(t, dir, 2, "c", "a", "B", "ab", "b"), filepath.Join(dir, "x.duckdb"))
	firstColumn := func(rows *Rows, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, row := range rows.Rows {
			out = append(out, row[0].Text)
		}
		return out
	}
	if diff := cmp.Diff([]string{"B", "a", "ab", "b", "c"}, firstColumn(r.Table(t.Context(), "score"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a1"}, firstColumn(r.Table(t.Context(), "canonical.agreement"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "ab", "b"}, firstColumn(r.Between(t.Context(), "score", "k", "a", "b"))); diff != "" {
		t.Error(diff)
	}
	for _, table := range []string{"nothing", "a;b", `score" --`} {
		if _, err := r.Table(t.Context(), table); err == nil {
			t.Errorf("%s was read", table)
		}
	}
	if _, err := r.Between(t.Context(), "score", `k" IS NULL --`, "a", "b"); err == nil {
		t.Error("a column that does not exist was read")
	}
}

func TestExportParquet(t *testing.T) {
	dir := t.TempDir()
	b := night(t, dir, 2, "y", "x")
	path := filepath.Join(dir, "sub", "it's [1].parquet")
	if err := b.ExportParquet(t.Context(), "fct", path); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, b.db, "SELECT k, amount, n FROM read_parquet("+literal(globEscape(path))+")")
	if diff := cmp.Diff([]string{"x 0.0000 NULL", "y 0.0000 NULL"}, got); diff != "" {
		t.Error(diff)
	}
	if err := b.ExportParquet(t.Context(), "fct", path); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if err := b.ExportParquet(t.Context(), "nothing", filepath.Join(dir, "a")); err == nil || !strings.Contains(err.Error(), "there is no such table") {
		t.Errorf("no table: %v", err)
	}
	if err := b.ExportParquet(t.Context(), "fct", filepath.Join(t.TempDir(), "a")); err == nil {
		t.Error("outside of the allowed folder")
	}
}
