package score

import (
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The metadata keys under which a schema carries what a row is, its key, and each column's meaning, for the comments of
// the published database.
const (
	metaComment = "comment"
	metaGrain   = "grain"
	metaKey     = "key"
)

// The column types of published tables.
var (
	text    = arrow.BinaryTypes.String
	double  = arrow.PrimitiveTypes.Float64
	bigint  = arrow.PrimitiveTypes.Int64
	boolean = arrow.FixedWidthTypes.Boolean
	date    = arrow.FixedWidthTypes.Date32
)

// column declares one column of a published table.
type column struct {
	name    string
	kind    arrow.DataType
	meaning string
}

// newSchema declares a published table.
func newSchema(comment, grain, key string, columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{
			Name: c.name, Type: c.kind, Nullable: true,
			Metadata: arrow.NewMetadata([]string{metaComment}, []string{c.meaning}),
		}
	}
	meta := arrow.NewMetadata([]string{metaComment, metaGrain, metaKey}, []string{comment, grain, key})
	return arrow.NewSchema(fields, &meta)
}

// table fills a record row by row.
type table struct {
	b *array.RecordBuilder
}

func newTable(schema *arrow.Schema) *table {
	return &table{array.NewRecordBuilder(memory.DefaultAllocator, schema)}
}

// add appends one row. Values are string, float64, int, int64, bool, arrow.Date32 or nil for null; *float64 may be nil
// too. Numbers are rounded to published precision; one that is not finite is an error, so that none ever leaves.
func (t *table) add(values ...any) error {
	fields := t.b.Fields()
	if len(values) != len(fields) {
		return fmt.Errorf("%d values for %d columns", len(values), len(fields))
	}
	for i, v := range values {
		if p, ok := v.(*float64); ok {
			if v = nil; p != nil {
				v = *p
			}
		}
		if err := appendValue(fields[i], v); err != nil {
			return fmt.Errorf("column %s: %w", t.b.Schema().Field(i).Name, err)
		}
	}
	return nil
}

func appendValue(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	ok := false
	switch b := b.(type) {
	case *array.StringBuilder:
		var s string
		if s, ok = v.(string); ok {
			b.Append(s)
		}
	case *array.Float64Builder:
		var x float64
		if x, ok = v.(float64); ok {
			if x-x != 0 {
				return fmt.Errorf("%v is not a number to publish", x)
			}
			b.Append(published(x))
		}
	case *array.Int64Builder:
		switch n := v.(type) {
		case int:
			ok = true
			b.Append(int64(n))
		case int64:
			ok = true
			b.Append(n)
		}
	case *array.BooleanBuilder:
		var x bool
		if x, ok = v.(bool); ok {
			b.Append(x)
		}
	case *array.Date32Builder:
		var d arrow.Date32
		if d, ok = v.(arrow.Date32); ok {
			if d == noDate {
				b.AppendNull()
				break
			}
			b.Append(d)
		}
	}
	if !ok {
		return fmt.Errorf("%T does not fit the column", v)
	}
	return nil
}

// record returns the rows added.
func (t *table) record() arrow.RecordBatch {
	defer t.b.Release()
	return t.b.NewRecordBatch()
}

// emptyRecord returns a table without rows.
func emptyRecord(schema *arrow.Schema) arrow.RecordBatch { return newTable(schema).record() }

// published rounds to ten significant digits: what a float64 fit determines on any processor.
func published(x float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 10, 64), 64)
	if err != nil || r == 0 {
		return 0 // also turns -0 into 0
	}
	return r
}

// optional returns a pointer to the value, nil for NaN.
func optional(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// nullable returns the text, nil when it is empty.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
