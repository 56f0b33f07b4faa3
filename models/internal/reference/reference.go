// Package reference lets tests compare an estimator with the independent reference numbers of
// shared/reference: values from R, NIST and exact arithmetic, each with the tolerance that a float64
// implementation can reach.
//
// A case is `<folder>/<name>.expected.json` with the data file that it names beside it. It is looked for in the
// testing package's testdata/reference first (data that are free to copy) and then in the shared folder: the one
// that PARTNERHEALTH_REFERENCE names, else ../shared/reference beside the module. A case in neither is skipped
// with the reason.
package reference

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Tolerance is how far a number may lie from the expected one: Abs on |got-want|, Rel on |got-want|/|want|.
// Zero means that this kind of error is not limited; a case sets at least one.
type Tolerance struct {
	Rel float64 `json:"rel"`
	Abs float64 `json:"abs"`
	// RelQR takes the place of Rel in cases whose tolerance depends on the method: it is that of a QR decomposition.
	RelQR float64 `json:"rel_QR"`
}

// Case is one reference case.
type Case struct {
	// Name is the case's name, as in the file name.
	Name      string
	Tolerance Tolerance

	t     testing.TB
	dir   string
	body  map[string]json.RawMessage
	worst float64
	where string
}

// Open reads a case of a folder such as "01_logistic". The test is skipped when neither testdata nor the shared
// folder has it, and fails when the file cannot be understood. On success the worst error seen is logged when the
// test ends.
func Open(t testing.TB, folder, name string) *Case {
	t.Helper()
	dir := locate(t, folder, name+".expected.json")
	raw, err := os.ReadFile(filepath.Join(dir, name+".expected.json"))
	if err != nil {
		t.Fatalf("read reference case: %v", err)
	}
	c := &Case{Name: name, t: t, dir: dir}
	if err := json.Unmarshal(raw, &c.body); err != nil {
		t.Fatalf("decode reference case %s: %v", name, err)
	}
	if err := json.Unmarshal(c.body["tolerance"], &c.Tolerance); err != nil {
		t.Fatalf("decode tolerance of %s: %v", name, err)
	}
	if c.Tolerance.Rel == 0 {
		c.Tolerance.Rel = c.Tolerance.RelQR
	}
	if c.Tolerance.Rel == 0 && c.Tolerance.Abs == 0 {
		t.Fatalf("reference case %s has no tolerance", name)
	}
	t.Cleanup(func() { t.Logf("%s: worst error %.2g at %s", c.Name, c.worst, c.where) })
	return c
}

// locate returns the folder that holds the file.
func locate(t testing.TB, folder, file string) string {
	t.Helper()
	dirs := []string{filepath.Join("testdata", "reference", folder)}
	if shared := Shared(); shared != "" {
		dirs = append(dirs, filepath.Join(shared, folder))
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return dir
		}
	}
	t.Skipf("%s/%s: its data may not be copied into the repository, and no shared reference folder is present", folder, file)
	return ""
}

// Shared returns the shared reference folder, or "" when there is none.
func Shared() string {
	if dir := os.Getenv("PARTNERHEALTH_REFERENCE"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	for err == nil {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			shared := filepath.Join(dir, "..", "shared", "reference")
			if info, statErr := os.Stat(shared); statErr == nil && info.IsDir() {
				return shared
			}
			return ""
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
	return ""
}

// Complete fails the test when the shared folder has a case that is not among the names, so that none is forgotten. It
// checks nothing where there is no shared folder.
func Complete(t testing.TB, folder string, names ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Shared(), folder, "*.expected.json"))
	if err != nil {
		t.Fatalf("list reference cases: %v", err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".expected.json"); !slices.Contains(names, name) {
			t.Errorf("reference case %s/%s has no test", folder, name)
		}
	}
}

// TB returns the test that opened the case.
func (c *Case) TB() testing.TB { return c.t }

// Field decodes one top-level field of the case into v; "expected" holds the numbers.
func (c *Case) Field(name string, v any) {
	c.t.Helper()
	raw, ok := c.body[name]
	if !ok {
		c.t.Fatalf("reference case %s has no field %q", c.Name, name)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		c.t.Fatalf("decode %s of %s: %v", name, c.Name, err)
	}
}

// Close fails the test when got lies outside the case's tolerance of want.
func (c *Case) Close(what string, got, want float64) {
	c.t.Helper()
	c.within(what, got, want, c.Tolerance)
}

// AllClose compares two lists of numbers element by element.
func (c *Case) AllClose(what string, got, want []float64) {
	c.t.Helper()
	if len(got) != len(want) {
		c.t.Errorf("%s: %s has %d values, want %d", c.Name, what, len(got), len(want))
		return
	}
	for i := range want {
		c.within(what+"["+strconv.Itoa(i)+"]", got[i], want[i], c.Tolerance)
	}
}

func (c *Case) within(what string, got, want float64, tol Tolerance) {
	c.t.Helper()
	diff := math.Abs(got - want)
	size := diff
	if tol.Abs == 0 && want != 0 {
		size = diff / math.Abs(want)
	}
	if size > c.worst {
		c.worst, c.where = size, what
	}
	// A want of exactly zero has no relative error; float64 noise of the sums behind it is allowed.
	bad := tol.Abs > 0 && diff > tol.Abs
	bad = bad || tol.Rel > 0 && want != 0 && diff > tol.Rel*math.Abs(want)
	bad = bad || tol.Abs == 0 && want == 0 && diff > 1e-12
	if bad || math.IsNaN(got) {
		c.t.Errorf("%s: %s = %.17g, want %.17g (off by %.3g, tolerance %+v)", c.Name, what, got, want, size, tol)
	}
}

// File returns the path of a file of the case's folder.
func (c *Case) File(name string) string { return filepath.Join(c.dir, name) }

// Table is a CSV file of a case, addressed by column name.
type Table struct {
	t       testing.TB
	name    string
	columns map[string]int
	rows    [][]string
}

// Table reads a CSV file of the case's folder.
func (c *Case) Table(file string) *Table {
	c.t.Helper()
	raw, err := os.ReadFile(c.File(file))
	if err != nil {
		c.t.Fatalf("read reference data: %v", err)
	}
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		c.t.Fatalf("read reference data %s: %v", file, err)
	}
	tab := &Table{t: c.t, name: file, columns: map[string]int{}, rows: records[1:]}
	for i, name := range records[0] {
		tab.columns[name] = i
	}
	return tab
}

// Rows returns the number of data rows.
func (t *Table) Rows() int { return len(t.rows) }

// Has reports whether the table has the column.
func (t *Table) Has(column string) bool {
	_, ok := t.columns[column]
	return ok
}

// Text returns a column as written.
func (t *Table) Text(column string) []string {
	t.t.Helper()
	j, ok := t.columns[column]
	if !ok {
		t.t.Fatalf("%s has no column %q", t.name, column)
	}
	out := make([]string, len(t.rows))
	for i, row := range t.rows {
		out[i] = row[j]
	}
	return out
}

// Floats returns a column as numbers; an empty field is NaN.
func (t *Table) Floats(column string) []float64 {
	t.t.Helper()
	text := t.Text(column)
	out := make([]float64, len(text))
	for i, s := range text {
		if s == "" {
			out[i] = math.NaN()
			continue
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.t.Fatalf("%s, column %s, row %d: %v", t.name, column, i, err)
		}
		out[i] = v
	}
	return out
}

// Design returns the named columns as a row-major matrix.
func (t *Table) Design(columns []string) []float64 {
	t.t.Helper()
	out := make([]float64, len(t.rows)*len(columns))
	for j, name := range columns {
		for i, v := range t.Floats(name) {
			out[i*len(columns)+j] = v
		}
	}
	return out
}
