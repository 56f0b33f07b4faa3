package reference

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// notCopied are the cases whose data may not be part of the repository.
var notCopied = []string{"04_metrics/asah_s100b", "07_market_basket/groceries"}

// casesIn lists the cases of a folder, `folder/name`.
func casesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		rel, err := filepath.Rel(dir, f)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(filepath.ToSlash(rel), ".expected.json"))
	}
	return names
}

func TestEveryCaseHasATest(t *testing.T) {
	module := module(t)
	inside := casesIn(t, testdata(module))
	all := inside
	if dir := shared(t, module); dir != "" {
		all = append(slices.Clone(inside), casesIn(t, dir)...)
	}
	if len(inside) == 0 {
		t.Fatal("testdata holds no cases")
	}
	for _, name := range all {
		if len(claims[name]) == 0 {
			t.Errorf("%s: no package claims the case", name)
		}
	}
	for name, packages := range claims {
		if here := slices.Contains(inside, name); here == slices.Contains(notCopied, name) {
			t.Errorf("%s: in testdata: %v, may be: %v", name, here, !here)
		}
		if len(all) > len(inside) && !slices.Contains(all[len(inside):], name) {
			t.Errorf("%s: the reference folder has no such case", name)
		}
		for _, pkg := range packages {
			if !runs(t, filepath.Join(module, "models", pkg), pkg) {
				t.Errorf("%s: package %s claims it and does not call reference.Test", name, pkg)
			}
		}
	}
}

// runs tells whether a package's tests run the cases that it claims.
func runs(t *testing.T, dir, pkg string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(source, []byte(`reference.Test(t, "`+pkg+`"`)) {
			return true
		}
	}
	return false
}

// The copies in testdata are those of the reference folder, to the byte.
func TestCopiesAreUnchanged(t *testing.T) {
	module := module(t)
	dir := shared(t, module)
	if dir == "" {
		t.Skip("no reference folder is present to compare testdata with")
	}
	own := testdata(module)
	err := filepath.WalkDir(own, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "README.md" {
			return err
		}
		rel, err := filepath.Rel(own, path)
		if err != nil {
			return err
		}
		copied, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		original, err := os.ReadFile(filepath.Join(dir, rel))
		if err != nil || !bytes.Equal(copied, original) {
			t.Errorf("%s differs from the reference folder: %v", rel, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recorder is a test that only notes whether it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestClose(t *testing.T) {
	for _, c := range []struct {
		name      string
		tolerance Tolerance
		got, want float64
		bad       bool
	}{
		{"relative, within", Tolerance{Rel: 1e-8}, 1e6 * (1 + 9e-9), 1e6, false},
		{"relative, beyond", Tolerance{Rel: 1e-8}, 1e6 * (1 + 2e-8), 1e6, true},
		{"relative, of a zero", Tolerance{Rel: 1e-8}, 1e-13, 0, false},
		{"absolute, within", Tolerance{Abs: 1e-9}, 5 + 9e-10, 5, false},
		{"absolute, beyond", Tolerance{Abs: 1e-9}, 5 + 2e-9, 5, true},
		{"both, one beyond", Tolerance{Rel: 1e-8, Abs: 1e-10}, 1 + 1e-9, 1, true},
		{"none, equal", Tolerance{}, 3, 3, false},
		{"none, different", Tolerance{}, 3 + 1e-15, 3, true},
		{"no number", Tolerance{Abs: 1}, math.NaN(), 1, true},
	} {
		r := &recorder{TB: t}
		reference := &Case{t: r, Tolerance: c.tolerance}
		reference.Close(c.name, c.got, c.want)
		if r.failed != c.bad || reference.compared != 1 {
			t.Errorf("%s: failed %v, want %v", c.name, r.failed, c.bad)
		}
	}
}
