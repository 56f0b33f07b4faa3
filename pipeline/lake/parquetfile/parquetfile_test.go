package parquetfile

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

var update = flag.Bool("update", false, "write the golden file of the current version")

// allTypes has a required and a nullable column of every type.
func allTypes() []contract.Column {
	var out []contract.Column
	for t := contract.String; t <= contract.JSON; t++ {
		out = append(out,
			contract.Column{Name: fmt.Sprintf("r%d", t), Type: t},
			contract.Column{Name: fmt.Sprintf("n%d", t), Type: t, Nullable: true})
	}
	return out
}

func vectorsOf(columns []contract.Column) []contract.Vector {
	out := make([]contract.Vector, len(columns))
	for i, c := range columns {
		out[i] = contract.NewVector(c.Type, 0)
	}
	return out
}

func pointers(v []contract.Vector) []*contract.Vector {
	out := make([]*contract.Vector, len(v))
	for i := range v {
		out[i] = &v[i]
	}
	return out
}

// value returns a row of a vector as a Go value, nil for null.
func value(v *contract.Vector, i int) any {
	switch {
	case !v.Valid[i]:
		return nil
	case v.Offsets != nil:
		return string(v.Bytes(i))
	case v.Type == contract.Bool:
		return v.Bools[i]
	case v.Type == contract.Float64:
		return v.Floats[i]
	default:
		return v.Ints[i]
	}
}

func rowsOf(v []contract.Vector) [][]any {
	out := make([][]any, v[0].Len())
	for i := range out {
		for c := range v {
			out[i] = append(out[i], value(&v[c], i))
		}
	}
	return out
}

// slice returns rows from..to as vectors of their own.
func slice(v []contract.Vector, columns []contract.Column, from, to int) []contract.Vector {
	out := vectorsOf(columns)
	for c := range v {
		appendRows(&out[c], &v[c], from, to)
	}
	return out
}

// encodeAll writes rows in batches that end at the given cuts.
func encodeAll(t testing.TB, columns []contract.Column, v []contract.Vector, cuts ...int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, "t", columns)
	from := 0
	for _, to := range append(cuts, v[0].Len()) {
		part := slice(v, columns, from, to)
		if err := w.Append(to-from, pointers(part)); err != nil {
			t.Fatal(err)
		}
		from = to
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openBytes(t testing.TB, content []byte) *File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.parquet")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func readAll(t testing.TB, f *File, columns []contract.Column) []contract.Vector {
	t.Helper()
	out, group := vectorsOf(columns), vectorsOf(columns)
	for g := range f.Groups() {
		for i, c := range columns {
			if err := f.Read(g, c, &group[i]); err != nil {
				t.Fatal(err)
			}
			appendRows(&out[i], &group[i], 0, group[i].Len())
		}
	}
	return out
}

// draw fills vectors with random rows; few decides whether values repeat.
func draw(r *rand.Rand, columns []contract.Column, n int) []contract.Vector {
	out := vectorsOf(columns)
	for c := range columns {
		v := &out[c]
		nulls, distinct := r.IntN(5), 1+r.IntN(2*n+1)
		for range n {
			x := int64(r.IntN(distinct)) - 3
			switch {
			case columns[c].Nullable && r.IntN(4) < nulls:
				v.AppendNull()
			case v.Offsets != nil:
				v.AppendBytes([]byte(strings.Repeat("é", int(x&3)) + fmt.Sprint(x)))
			case v.Type == contract.Bool:
				v.AppendBool(x&1 == 0)
			case v.Type == contract.Float64:
				v.AppendFloat(float64(x) / 7)
			case v.Type == contract.Date:
				v.AppendInt(x)
			default:
				v.AppendInt(x * 1_000_000_007 * int64(distinct))
			}
		}
	}
	return out
}

func TestRowsComeBackAsWritten(t *testing.T) {
	columns := allTypes()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 700).Draw(t, "rows")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rows := draw(r, columns, n)
		var out bytes.Buffer
		w := NewWriter(&out, "t", columns)
		if err := w.Append(n, pointers(rows)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil || w.Rows() != int64(n) {
			t.Fatalf("%d rows written of %d: %v", w.Rows(), n, err)
		}
		parsed, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		f := &File{parsed: parsed, groups: parsed.RowGroups(), values: make([]parquet.Value, 64)}
		for i, c := range columns {
			got := contract.NewVector(c.Type, 0)
			for g := range f.Groups() {
				if err := f.Read(g, c, &got); err != nil {
					t.Fatal(err)
				}
			}
			for j := range n {
				if value(&got, j) != value(&rows[i], j) {
					t.Fatalf("%s row %d: wrote %v, read %v", c.Name, j, value(&rows[i], j), value(&got, j))
				}
			}
		}
	})
}

func TestExtremeValuesComeBack(t *testing.T) {
	columns := allTypes()
	rows := vectorsOf(columns)
	for i := range rows {
		v := &rows[i]
		switch {
		case v.Offsets != nil:
			for _, s := range []string{"", "\x00", "日本", strings.Repeat("x", 100_000), "", "\"'\r\n"} {
				v.AppendBytes([]byte(s))
			}
		case v.Type == contract.Bool:
			for i := range 6 {
				v.AppendBool(i == 3)
			}
		case v.Type == contract.Float64:
			for _, x := range []float64{0, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, -0.1} {
				v.AppendFloat(x)
			}
		case v.Type == contract.Date:
			for _, x := range []int64{0, math.MaxInt32, math.MinInt32, -1, 1, 0} {
				v.AppendInt(x)
			}
		default:
			for _, x := range []int64{0, math.MaxInt64, math.MinInt64, -1, 1, 0} {
				v.AppendInt(x)
			}
		}
	}
	got := readAll(t, openBytes(t, encodeAll(t, columns, rows)), columns)
	if diff := cmp.Diff(rowsOf(rows), rowsOf(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestSameRowsSameBytes(t *testing.T) {
	columns := allTypes()
	r := rand.New(rand.NewPCG(7, 7))
	// Enough for several row groups, by rows.
	rows := draw(r, columns, 2*groupRows+777)
	want := encodeAll(t, columns, rows)
	if groups := openBytes(t, want).Groups(); groups < 3 {
		t.Fatalf("%d row groups: the test needs several", groups)
	}
	for _, cuts := range [][]int{{1}, {sliceRows, groupRows}, {groupRows - 1, groupRows + 1}, {5000, 5000, 70_001, 131_072}} {
		if !bytes.Equal(encodeAll(t, columns, rows, cuts...), want) {
			t.Errorf("rows in batches cut at %v give other bytes", cuts)
		}
	}
	got := readAll(t, openBytes(t, want), columns)
	for i := range got[0].Valid {
		for c := range columns {
			if value(&got[c], i) != value(&rows[c], i) {
				t.Fatalf("row %d column %s: wrote %v, read %v", i, columns[c].Name, value(&rows[c], i), value(&got[c], i))
			}
		}
	}
}

func TestRowGroupsAreBoundedByBytes(t *testing.T) {
	columns := []contract.Column{{Name: "raw", Type: contract.String}}
	rows := vectorsOf(columns)
	for i := range 2000 {
		rows[0].AppendBytes([]byte(strings.Repeat(string(rune('a'+i%20)), 40_000)))
	}
	f := openBytes(t, encodeAll(t, columns, rows))
	if f.Groups() < 4 {
		t.Errorf("80 MB of text are in %d row groups", f.Groups())
	}
	for g := range f.Groups() {
		if size := f.GroupRows(g) * 40_000; size > groupBytes+sliceRows*40_000 {
			t.Errorf("row group %d holds %d bytes", g, size)
		}
	}
}

func TestConstantColumns(t *testing.T) {
	columns := []contract.Column{
		{Name: "source", Type: contract.String}, {Name: "row", Type: contract.Int64}, {Name: "loaded", Type: contract.Timestamp},
	}
	write := func(n int) []byte {
		var out bytes.Buffer
		w := NewWriter(&out, "t", columns)
		w.SetText(0, "crm-é")
		w.SetInt(2, -5)
		row := contract.NewVector(contract.Int64, n)
		for i := range n {
			row.AppendInt(int64(i))
		}
		if err := w.Append(n, []*contract.Vector{nil, &row, nil}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	got := readAll(t, openBytes(t, write(groupRows+10)), columns)
	for i := range groupRows + 10 {
		if value(&got[0], i) != "crm-é" || value(&got[1], i) != int64(i) || value(&got[2], i) != int64(-5) {
			t.Fatalf("row %d: %v %v %v", i, value(&got[0], i), value(&got[1], i), value(&got[2], i))
		}
	}
	if small, large := len(write(1000)), len(write(60_000)); large > small+2000 {
		t.Errorf("60 times the rows of constants and a counter cost %d bytes more", large-small)
	}
}

func TestEmptyFile(t *testing.T) {
	columns := allTypes()
	f := openBytes(t, encodeAll(t, columns, vectorsOf(columns)))
	if f.Rows() != 0 || f.Groups() != 0 {
		t.Errorf("%d rows in %d groups, want none", f.Rows(), f.Groups())
	}
}

func TestWriterRefuses(t *testing.T) {
	text := func(values ...string) *contract.Vector {
		v := contract.NewVector(contract.String, 0)
		for _, s := range values {
			v.AppendBytes([]byte(s))
		}
		return &v
	}
	null := contract.NewVector(contract.String, 0)
	null.AppendNull()
	number := contract.NewVector(contract.Int64, 0)
	number.AppendInt(1)
	day := contract.NewVector(contract.Date, 0)
	day.AppendInt(math.MaxInt32 + 1)
	for name, c := range map[string]struct {
		column  contract.Type
		n       int
		vectors []*contract.Vector
		want    string
	}{
		"null in a required column": {contract.String, 1, []*contract.Vector{&null}, "requires values"},
		"text that is not UTF-8":    {contract.String, 1, []*contract.Vector{text("caf\xe9")}, "not UTF-8"},
		"a character cut in two":    {contract.String, 2, []*contract.Vector{text("\xc3", "\xa9")}, "not UTF-8"},
		"a day out of range":        {contract.Date, 1, []*contract.Vector{&day}, "out of range"},
		"another number of rows":    {contract.String, 2, []*contract.Vector{text("a")}, "1 rows"},
		"another type":              {contract.String, 1, []*contract.Vector{&number}, "int64"},
		"another number of columns": {contract.String, 1, nil, "0 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWriter(&bytes.Buffer{}, "t", []contract.Column{{Name: "c", Type: c.column}})
			err := w.Append(c.n, c.vectors)
			if err == nil {
				err = w.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want an error with %q", err, c.want)
			}
			if again := w.Close(); again == nil {
				t.Error("a writer that failed must not close well")
			}
		})
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, os.ErrClosed
	}
	return len(p), nil
}

func TestWriterReportsWriteErrors(t *testing.T) {
	columns := allTypes()
	rows := draw(rand.New(rand.NewPCG(1, 1)), columns, 500)
	size := len(encodeAll(t, columns, rows))
	for after := 0; after < size; after += 97 {
		w := NewWriter(&failing{after: after}, "t", columns)
		err := w.Append(500, pointers(rows))
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			t.Fatalf("no error though the disk was full after %d of %d bytes", after, size)
		}
	}
}

func TestReaderFindsDamage(t *testing.T) {
	columns := allTypes()
	content := encodeAll(t, columns, draw(rand.New(rand.NewPCG(1, 2)), columns, 300))
	read := func(content []byte) error {
		path := filepath.Join(t.TempDir(), "t.parquet")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		for i := range columns {
			v := contract.NewVector(columns[i].Type, 0)
			if err := f.Read(0, columns[i], &v); err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(content); err != nil {
		t.Fatal(err)
	}
	if err := read(content[:len(content)-1]); err == nil {
		t.Error("a truncated file was read")
	}
	flipped := bytes.Clone(content)
	flipped[60] ^= 0x10 // In the first page.
	if err := read(flipped); err == nil {
		t.Error("a flipped bit was not seen")
	}
}

func TestReaderTakesColumnsByName(t *testing.T) {
	columns := allTypes()
	rows := draw(rand.New(rand.NewPCG(1, 3)), columns, 50)
	f := openBytes(t, encodeAll(t, columns, rows))
	v := contract.NewVector(contract.Decimal, 0)
	if err := f.Read(0, contract.Column{Name: "later", Type: contract.Decimal, Nullable: true}, &v); err != nil {
		t.Fatal(err)
	}
	if v.Len() != 50 || v.Valid[0] || f.Has("later") || !f.Has("r1") {
		t.Error("a column that was declared later must read as nulls")
	}
	if err := f.Read(0, contract.Column{Name: "r1", Type: contract.Decimal}, &v); err == nil {
		t.Error("a column was read as another type")
	}
}

// What other readers go by, as parquet-go sees it.
func TestSchemaAsOtherReadersSeeIt(t *testing.T) {
	columns := allTypes()
	content := encodeAll(t, columns, draw(rand.New(rand.NewPCG(1, 4)), columns, 10))
	parsed, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[contract.Type]string{
		contract.String: "BYTE_ARRAY STRING", contract.JSON: "BYTE_ARRAY STRING", contract.Bool: "BOOLEAN", contract.Int64: "INT64 INT(64,true)",
		contract.Float64: "DOUBLE", contract.Decimal: "INT64 DECIMAL(18,4)", contract.Date: "INT32 DATE",
		contract.Timestamp: "INT64 TIMESTAMP(isAdjustedToUTC=false,unit=MICROS)",
	}
	for i, column := range parsed.Root().Columns() {
		if column.Name() != columns[i].Name || column.Optional() != columns[i].Nullable {
			t.Errorf("column %d is %s (optional %v), want %s (%v)", i, column.Name(), column.Optional(), columns[i].Name, columns[i].Nullable)
		}
		got := column.Type().Kind().String()
		if logical := column.Type().LogicalType(); logical != nil && logical.Value != nil {
			got += " " + logical.Value.String()
		}
		if got != want[columns[i].Type] {
			t.Errorf("column %s of type %v is stored as %s, want %s", columns[i].Name, columns[i].Type, got, want[columns[i].Type])
		}
	}
	for _, chunk := range parsed.Metadata().RowGroups[0].Columns {
		if chunk.MetaData.Codec != format.Zstd {
			t.Errorf("%v is compressed with %v", chunk.MetaData.PathInSchema, chunk.MetaData.Codec)
		}
	}
}

// golden holds rows that every version of the layout must give back.
func golden() ([]contract.Column, []contract.Vector) {
	columns := allTypes()
	return columns, draw(rand.New(rand.NewPCG(2026, 10)), columns, 40)
}

func TestFilesOfEveryVersionStayReadable(t *testing.T) {
	columns, want := golden()
	current := filepath.Join("testdata", "v"+Version+".parquet")
	if *update {
		if err := os.WriteFile(current, encodeAll(t, columns, want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "v*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range files {
		f, err := Open(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(rowsOf(want), rowsOf(readAll(t, f, columns))); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", path, diff)
		}
		f.Close()
	}
}

func TestFileOfAnotherVersionIsRefused(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "v1.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Replace(content, []byte(VersionKey+"\x18\x01"+"1"), []byte(VersionKey+"\x18\x01"+"9"), 1)
	if bytes.Equal(newer, content) {
		t.Fatal("the version is not where this test looks for it")
	}
	path := filepath.Join(t.TempDir(), "newer.parquet")
	if err := os.WriteFile(path, newer, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), `"9"`) {
		t.Errorf("%v, want an error that names version 9", err)
	}
}
