package score

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// frame reads the columns of a record by name. The first problem is kept in err and later reads return nothing, so that
// a caller reads all its columns and looks once.
type frame struct {
	table string
	rec   arrow.RecordBatch
	err   error
}

func newFrame(table string, rec arrow.RecordBatch) *frame {
	f := &frame{table: table, rec: rec}
	if rec == nil {
		f.err = &InputError{Table: table, Reason: "no record"}
	}
	return f
}

func (f *frame) rows() int {
	if f.err != nil {
		return 0
	}
	return int(f.rec.NumRows())
}

func (f *frame) fail(column, reason string) {
	if f.err == nil {
		f.err = &InputError{Table: f.table, Column: column, Reason: reason}
	}
}

// column returns the column's array, nil after a problem.
func (f *frame) column(name string) arrow.Array {
	if f.err != nil {
		return nil
	}
	idx := f.rec.Schema().FieldIndices(name)
	if len(idx) != 1 {
		f.fail(name, "the record does not have it once")
		return nil
	}
	return f.rec.Column(idx[0])
}

// texts reads a VARCHAR column; null is "".
func (f *frame) texts(name string) []string {
	out := make([]string, f.rows())
	switch a := f.column(name).(type) {
	case nil:
	case *array.String:
		for i := range out {
			if a.IsValid(i) {
				out[i] = a.Value(i)
			}
		}
	case *array.LargeString:
		for i := range out {
			if a.IsValid(i) {
				out[i] = a.Value(i)
			}
		}
	default:
		f.fail(name, "type "+a.DataType().String()+" is not text")
	}
	return out
}

// keys reads a VARCHAR column that must not be null or empty.
func (f *frame) keys(name string) []string {
	out := f.texts(name)
	for _, s := range out {
		if s == "" {
			f.fail(name, "a value is missing")
			break
		}
	}
	return out
}

// noDate stands for a null date: far in the past, so that no comparison with it finds anything recent.
const noDate = arrow.Date32(math.MinInt32)

// dates reads a DATE column; null is noDate.
func (f *frame) dates(name string) []arrow.Date32 {
	out := make([]arrow.Date32, f.rows())
	switch a := f.column(name).(type) {
	case nil:
	case *array.Date32:
		for i := range out {
			if out[i] = noDate; a.IsValid(i) {
				out[i] = a.Value(i)
			}
		}
	default:
		f.fail(name, "type "+a.DataType().String()+" is not a date")
	}
	return out
}

// bools reads a BOOLEAN column; null is false.
func (f *frame) bools(name string) []bool {
	out := make([]bool, f.rows())
	switch a := f.column(name).(type) {
	case nil:
	case *array.Boolean:
		for i := range out {
			out[i] = a.IsValid(i) && a.Value(i)
		}
	default:
		f.fail(name, "type "+a.DataType().String()+" is not boolean")
	}
	return out
}

// numbers reads a numeric column; null, and a double that is no finite number, is NaN.
func (f *frame) numbers(name string) []float64 {
	out := make([]float64, f.rows())
	var at func(i int) float64
	a := f.column(name)
	switch a := a.(type) {
	case nil:
		return out
	case *array.Float64:
		at = a.Value
	case *array.Int32:
		at = func(i int) float64 { return float64(a.Value(i)) }
	case *array.Int64:
		at = func(i int) float64 { return float64(a.Value(i)) }
	case *array.Boolean:
		at = func(i int) float64 {
			if a.Value(i) {
				return 1
			}
			return 0
		}
	default:
		f.fail(name, "type "+a.DataType().String()+" is not a number")
		return out
	}
	for i := range out {
		if out[i] = math.NaN(); a.IsValid(i) {
			if v := at(i); v-v == 0 {
				out[i] = v
			}
		}
	}
	return out
}

// counts reads an integer column whose values must be known and at least 0.
func (f *frame) counts(name string) []int64 {
	out := make([]int64, f.rows())
	for i, v := range f.numbers(name) {
		if !(v >= 0 && v == math.Trunc(v)) {
			f.fail(name, "a value is not a count")
			return out
		}
		out[i] = int64(v)
	}
	return out
}
