// Package reference lets tests compare an estimator with independent reference numbers: values from R, NIST and exact
// arithmetic, each with the tolerance that a float64 implementation can reach.
//
// A case is `<folder>/<name>.expected.json` with the data that it names beside it. Cases whose data are free to copy are
// in this package's testdata (its README has their sources and licences). The others are read from the folder that the
// flag -reference names, else the environment variable PARTNERHEALTH_REFERENCE, else ../shared/reference beside the
// module, and are skipped where it is not there. A folder that is named must exist.
package reference

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Only tests import this package, so that the flag is theirs alone.
var folder = flag.String("reference", "", "`folder` of the reference cases that are not in testdata")

// Tolerance is how far a number may lie from the expected one: Abs on |got-want|, Rel on |got-want|/|want|.
// Zero means that this kind of error is not limited; where both are, numbers must be equal.
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

	t        testing.TB
	dir      string
	body     map[string]json.RawMessage
	taken    map[string]bool // paths of the values that were asked for
	compared int
	worst    float64
	where    string
}

// Open reads a case that the test's package claims beside those of Test, for another look at the same data.
func Open(t testing.TB, name string) *Case {
	t.Helper()
	if claims[name] == nil {
		t.Fatalf("%s: no such case is claimed", name)
	}
	return open(t, name)
}

// open reads the case `folder/name`. The test is skipped when neither testdata nor the reference folder has it, and fails
// when the file cannot be understood. The worst error seen is logged when the test ends.
func open(t testing.TB, name string) *Case {
	t.Helper()
	path := locate(t, filepath.FromSlash(name)+".expected.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read reference case: %v", err)
	}
	c := &Case{Name: filepath.Base(name), t: t, dir: filepath.Dir(path)}
	if err := json.Unmarshal(raw, &c.body); err != nil {
		t.Fatalf("decode reference case %s: %v", name, err)
	}
	// A case of whole numbers and words has no tolerance: it is compared exactly.
	if limits, ok := c.body["tolerance"]; ok {
		if err := json.Unmarshal(limits, &c.Tolerance); err != nil {
			t.Fatalf("decode tolerance of %s: %v", name, err)
		}
		if c.Tolerance.Rel == 0 {
			c.Tolerance.Rel = c.Tolerance.RelQR
		}
		if c.Tolerance.Rel == 0 && c.Tolerance.Abs == 0 {
			t.Fatalf("the tolerance of reference case %s says nothing", name)
		}
	}
	t.Cleanup(func() {
		t.Logf("%s: %d numbers compared, worst error %.2g at %s", name, c.compared, c.worst, c.where)
	})
	return c
}

// locate returns the path of a file.
func locate(t testing.TB, file string) string {
	t.Helper()
	module := module(t)
	dirs := []string{testdata(module)}
	if shared := shared(t, module); shared != "" {
		dirs = append(dirs, shared)
	}
	for _, dir := range dirs {
		if path := filepath.Join(dir, file); exists(path) {
			return path
		}
	}
	t.Skipf("%s: its data may not be copied into the repository, and no reference folder is present", file)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// module returns the folder of the module that is being tested.
func module(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if exists(filepath.Join(dir, "go.mod")) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			err = errors.New("no go.mod above the test")
		}
		dir = parent
	}
	t.Fatalf("find the module: %v", err)
	return ""
}

// testdata returns the folder of the cases that are part of the repository.
func testdata(module string) string {
	return filepath.Join(module, "models", "internal", "reference", "testdata")
}

// shared returns the folder of all cases, or "" when there is none.
func shared(t testing.TB, module string) string {
	t.Helper()
	named := *folder
	if named == "" {
		named = os.Getenv("PARTNERHEALTH_REFERENCE")
	}
	dir := named
	if dir == "" {
		dir = filepath.Join(module, "..", "shared", "reference")
	}
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return dir
	case named != "":
		t.Fatalf("the reference folder %s cannot be read: %v", named, err)
	}
	return ""
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
	c.take(name, raw, v)
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

// Equal fails the test when two words differ.
func (c *Case) Equal(what, got, want string) {
	c.t.Helper()
	c.compared++
	if got != want {
		c.t.Errorf("%s: %s = %q, want %q", c.Name, what, got, want)
	}
}

func (c *Case) within(what string, got, want float64, tol Tolerance) {
	c.t.Helper()
	c.compared++
	diff := math.Abs(got - want)
	size := diff
	if tol.Abs == 0 && want != 0 {
		size = diff / math.Abs(want)
	}
	if size > c.worst {
		c.worst, c.where = size, what
	}
	// A want of exactly zero has no relative error; float64 noise of the sums behind it is allowed.
	exact := tol.Abs == 0 && tol.Rel == 0
	bad := exact && got != want || tol.Abs > 0 && diff > tol.Abs
	bad = bad || tol.Rel > 0 && want != 0 && diff > tol.Rel*math.Abs(want)
	bad = bad || tol.Abs == 0 && tol.Rel > 0 && want == 0 && diff > 1e-12
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
