package warehouse

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/mapping"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// record builds a record of one row a value list; nil is null.
func record(t interface{ Fatalf(string, ...any) }, schema *arrow.Schema, rows [][]any) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	for _, row := range rows {
		for i, v := range row {
			appendAny(t, b.Field(i), v)
		}
	}
	return b.NewRecordBatch()
}

func appendAny(t interface{ Fatalf(string, ...any) }, b array.Builder, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int32Builder:
		b.Append(v.(int32))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.Date32Builder:
		b.Append(v.(arrow.Date32))
	case *array.TimestampBuilder:
		b.Append(v.(arrow.Timestamp))
	case *array.Decimal128Builder:
		b.Append(v.(decimal128.Num))
	default:
		t.Fatalf("no values for %T", b)
	}
}

// values returns a record as one list of values a row; doubles as their bits, so that every NaN is itself.
func values(r arrow.RecordBatch) [][]any {
	rows := make([][]any, r.NumRows())
	for i := range rows {
		for _, column := range r.Columns() {
			var v any
			switch c := column.(type) {
			case *array.Boolean:
				v = c.Value(i)
			case *array.Int32:
				v = c.Value(i)
			case *array.Int64:
				v = c.Value(i)
			case *array.Float64:
				v = math.Float64bits(c.Value(i))
			case *array.String:
				v = c.Value(i)
			case *array.Date32:
				v = c.Value(i)
			case *array.Timestamp:
				v = c.Value(i)
			case *array.Decimal128:
				v = c.Value(i).BigInt().String()
			}
			if column.IsNull(i) {
				v = nil
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}

// drawColumn draws a column type and a generator of its values.
func drawColumn(t *rapid.T, i int) (arrow.Field, *rapid.Generator[any]) {
	type kind struct {
		t   arrow.DataType
		gen *rapid.Generator[any]
	}
	decimal := func(precision int32) kind {
		digits := rapid.StringMatching(fmt.Sprintf("-?[0-9]{1,%d}", precision))
		return kind{&arrow.Decimal128Type{Precision: precision, Scale: min(4, precision)}, rapid.Map(digits, func(s string) any {
			v, _ := new(big.Int).SetString(s, 10)
			return decimal128.FromBigInt(v)
		})}
	}
	kinds := []kind{
		{arrow.FixedWidthTypes.Boolean, rapid.Map(rapid.Bool(), func(v bool) any { return v })},
		{arrow.PrimitiveTypes.Int32, rapid.Map(rapid.Int32(), func(v int32) any { return v })},
		{arrow.PrimitiveTypes.Int64, rapid.Map(rapid.Int64(), func(v int64) any { return v })},
		{arrow.PrimitiveTypes.Float64, rapid.Map(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN()})), func(v float64) any { return v })},
		{arrow.BinaryTypes.String, rapid.Map(rapid.OneOf(rapid.String(), rapid.StringN(11, 14, 14), rapid.SampledFrom([]string{"", "\x00", "twelve bytes", "thirteen byte", "a\x00b"})), func(v string) any { return v })},
		{arrow.FixedWidthTypes.Date32, rapid.Map(rapid.Int32Range(-1000000, 1000000), func(v int32) any { return arrow.Date32(v) })},
		{&arrow.TimestampType{Unit: arrow.Microsecond}, rapid.Map(rapid.Int64Range(-1e17, 1e17), func(v int64) any { return arrow.Timestamp(v) })},
		decimal(3), decimal(4), decimal(9), decimal(18), decimal(19), decimal(38),
	}
	k := rapid.SampledFrom(kinds).Draw(t, "type")
	field := arrow.Field{Name: fmt.Sprintf("c%d", i), Type: k.t, Nullable: true}
	if rapid.Bool().Draw(t, "nullable") {
		return field, rapid.OneOf(k.gen, rapid.Just[any](nil))
	}
	return field, k.gen
}

// TestRecordsRoundTrip inserts random records, whole and sliced, and reads them back.
func TestRecordsRoundTrip(t *testing.T) {
	db := openTest(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		name := Name{mainSchema, fmt.Sprintf("t%d", n)}
		var fields []arrow.Field
		var gens []*rapid.Generator[any]
		for i := range rapid.IntRange(1, 5).Draw(t, "columns") {
			f, g := drawColumn(t, i)
			fields, gens = append(fields, f), append(gens, g)
		}
		distinct := make([][]any, rapid.IntRange(1, 5).Draw(t, "distinct rows"))
		for r := range distinct {
			for _, g := range gens {
				distinct[r] = append(distinct[r], g.Draw(t, "value"))
			}
		}
		// More rows than a chunk holds, and a last chunk that is not full.
		rows := make([][]any, rapid.SampledFrom([]int{0, 1, 3, 64, 65, 2048, 2049, 5000}).Draw(t, "rows"))
		for r := range rows {
			rows[r] = distinct[r*7919%len(distinct)]
		}
		schema := arrow.NewSchema(fields, nil)
		whole := record(t, schema, rows)
		cut := int64(rapid.IntRange(0, len(rows)).Draw(t, "cut"))
		columns, err := columnsOf(schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.createEmpty(t.Context(), name, columns); err != nil {
			t.Fatal(err)
		}
		for _, part := range []arrow.RecordBatch{whole.NewSlice(0, cut), whole.NewSlice(cut, whole.NumRows())} {
			if err := db.appendRecord(t.Context(), name, columns, part); err != nil {
				t.Fatal(err)
			}
		}
		got, err := db.Query(t.Context(), "SELECT * FROM "+name.sql())
		if err != nil {
			t.Fatal(err)
		}
		if !got.Schema().Equal(schema) {
			t.Fatalf("schema %v, want %v", got.Schema(), schema)
		}
		if diff := cmp.Diff(values(whole), values(got)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestBooleansBesideNulls reads booleans whose nulls have any byte behind them, as DuckDB leaves it: no byte
// changes the rows beside it, wherever it stands among the eight that arrow packs into one.
func TestBooleansBesideNulls(t *testing.T) {
	var reader chunkReader
	for stale := range 256 {
		for at := range 8 {
			data, valid := make([]byte, 2048+9), make([]bool, 2048+9)
			want := make([]string, len(data))
			for i := range data {
				switch {
				case i%8 == at:
					data[i], want[i] = byte(stale), array.NullValueStr
				default:
					data[i], valid[i], want[i] = byte(i/8%2), true, strconv.FormatBool(i/8%2 == 1)
				}
			}
			b := array.NewBooleanBuilder(memory.NewGoAllocator())
			b.AppendValues(reader.booleans(data, valid), valid)
			got := b.NewBooleanArray()
			for i := range want {
				if got.ValueStr(i) != want[i] {
					t.Fatalf("byte %#x at row %d of 8: row %d is %s, want %s", stale, at, i, got.ValueStr(i), want[i])
				}
			}
		}
	}
}

// TestQueryTypes pins what each SQL type becomes; the round trip alone would not see a value that is wrong
// on both ways.
func TestQueryTypes(t *testing.T) {
	db := openTest(t)
	r, err := db.Query(t.Context(), `SELECT true AS b, CAST(-7 AS INTEGER) AS i, CAST(8 AS BIGINT) AS l, CAST(0.5 AS DOUBLE) AS d,
		'a longer text than twelve bytes' AS s, DATE '1969-12-31' AS day, TIMESTAMP '1970-01-01 00:00:01.5' AS at,
		CAST(1.5 AS DECIMAL(4,1)) AS d4, CAST(-1.25 AS DECIMAL(9,2)) AS d9, CAST(12345678901234.5678 AS DECIMAL(18,4)) AS d18,
		CAST('-12345678901234567890123456789012.345678' AS DECIMAL(38,6)) AS d38, CAST(NULL AS VARCHAR) AS n WHERE ? = 1`, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{
		true, int32(-7), int64(8), math.Float64bits(0.5), "a longer text than twelve bytes", arrow.Date32(-1), arrow.Timestamp(1500000),
		"15", "-125", "123456789012345678", "-12345678901234567890123456789012345678", nil,
	}}
	if diff := cmp.Diff(want, values(r)); diff != "" {
		t.Error(diff)
	}
	if got := r.Schema().Field(9).Type.String(); got != "decimal(18, 4)" {
		t.Errorf("DECIMAL(18,4) is %s", got)
	}
}

func TestQueryRefusesTypesThatDoNotTravel(t *testing.T) {
	db := openTest(t)
	for _, value := range []string{"[1]", "{'a': 1}", "CAST(1 AS HUGEINT)", "CAST(1 AS FLOAT)", "INTERVAL 1 DAY", "TIMESTAMPTZ '2026-01-01'", "NULL::BLOB"} {
		_, err := db.Query(t.Context(), "SELECT "+value+" AS v")
		var e *TypeError
		if !errors.As(err, &e) || e.Column != "v" {
			t.Errorf("%s: error %v, want a TypeError", value, err)
		}
	}
}

func TestInsert(t *testing.T) {
	declared := "-- score: what\n-- grain: g\n-- key: k\n-- k VARCHAR: k\n-- v DOUBLE: v"
	files := map[string]string{"inputs/score.sql": declared, "marts/m.sql": model("m", "SELECT k FROM score")}
	k := arrow.Field{Name: "k", Type: arrow.BinaryTypes.String}
	v := arrow.Field{Name: "v", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	good := record(t, arrow.NewSchema([]arrow.Field{k, v}, nil), [][]any{{"b", 0.5}, {"a", nil}})

	b := build(t, files)
	if err := b.Insert(t.Context(), "score", good, record(t, good.Schema(), [][]any{{"c", 1.0}})); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RunReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a NULL", "b 0.5", "c 1.0"}, rowsOf(t, b.db, "SELECT * FROM score ORDER BY k")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, rowsOf(t, b.db, "SELECT * FROM m")); diff != "" {
		t.Error(diff)
	}

	invalid := record(t, good.Schema(), [][]any{{"not UTF-8: \xff", 1.0}})
	meta := arrow.NewMetadata([]string{MetaKey}, []string{"z"})
	wide := arrow.NewSchema([]arrow.Field{k, {Name: "d", Type: &arrow.Decimal128Type{Precision: 4, Scale: 0}}}, ptr(arrow.NewMetadata([]string{MetaKey}, []string{"k"})))
	for _, c := range []struct {
		name, table string
		records     []arrow.RecordBatch
		want        string
	}{
		{"no record", "score", nil, "no record says which columns it has"},
		{"other columns", "score", []arrow.RecordBatch{record(t, arrow.NewSchema([]arrow.Field{v, k}, nil), nil)}, "inputs/score.sql: the records given differ: column 1 is v DOUBLE, declared is k VARCHAR"},
		{"a column less", "score", []arrow.RecordBatch{record(t, arrow.NewSchema([]arrow.Field{k}, nil), nil)}, "column v is missing"},
		{"two schemas", "score", []arrow.RecordBatch{good, record(t, arrow.NewSchema([]arrow.Field{k}, nil), nil)}, "column v is missing"},
		{"text that is not UTF-8", "score", []arrow.RecordBatch{invalid}, "column k, row 1: the text is not UTF-8"},
		{"a model's table", "m", []arrow.RecordBatch{good}, "a model makes it"},
		{"neither declared nor keyed", "new", []arrow.RecordBatch{good}, "no file inputs/new.sql declares it, and the schema's metadata names no key"},
		{"a key that is no column", "new", []arrow.RecordBatch{record(t, arrow.NewSchema([]arrow.Field{k}, &meta), nil)}, "key column z is not in the record"},
		{"more digits than declared", "new", []arrow.RecordBatch{record(t, wide, [][]any{{"x", decimal128.FromI64(12345)}})}, "column d, row 1: 12345 has more than 4 digits"},
		{"a type without SQL type", "new", []arrow.RecordBatch{record(t, arrow.NewSchema([]arrow.Field{{Name: "f", Type: arrow.PrimitiveTypes.Float32}}, nil), nil)}, "column f has type float32"},
		{"a name", "New Table", []arrow.RecordBatch{good}, `table name "New Table"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := build(t, files).Insert(t.Context(), c.table, c.records...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestInsertTakesMeaningsFromTheSchema(t *testing.T) {
	meta := arrow.NewMetadata([]string{MetaComment, MetaGrain, MetaKey}, []string{"the models fitted.", "model", "model_id"})
	comment := func(s string) arrow.Metadata { return arrow.NewMetadata([]string{MetaComment}, []string{s}) }
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "model_id", Type: arrow.BinaryTypes.String, Metadata: comment("name of the model")},
		{Name: "fitted_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Metadata: comment("when")},
	}, &meta)
	b := build(t, map[string]string{"marts/m.sql": model("m", "SELECT 'x' AS k")})
	at := arrow.Timestamp(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro())
	if err := b.Insert(t.Context(), "model_card", record(t, schema, [][]any{{"m1", at}})); err != nil {
		t.Fatal(err)
	}
	m := b.inserted[Name{mainSchema, "model_card"}]
	want := Header{Name: "model_card", Summary: "the models fitted.", Grain: "model", Key: []string{"model_id"},
		Columns: []Column{{"model_id", Varchar, "name of the model"}, {"fitted_at", Timestamp, "when"}}}
	if diff := cmp.Diff(want, m.Header); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"m1 2026-01-02 03:04:05"}, rowsOf(t, b.db, "SELECT * FROM model_card")); diff != "" {
		t.Error(diff)
	}
}

// TestResultThatEndsEarly holds the chunks that were read against those that there are: DuckDB answers the end of a
// result and a failure on the way with the same nothing, and half a table must not pass for the whole.
func TestResultThatEndsEarly(t *testing.T) {
	db := openTest(t)
	for _, lost := range []int{0, 1, 3} {
		rows := 0
		err := db.session.query(t.Context(), "SELECT range AS i FROM range(7000)", nil, func(r *result) error {
			for range lost {
				chunk := mapping.FetchChunk(r.native)
				mapping.DestroyDataChunk(&chunk)
			}
			return r.chunks(func(_ mapping.DataChunk, n int) error {
				rows += n
				return nil
			})
		})
		if (err != nil) != (lost > 0) {
			t.Errorf("%d chunks lost: error %v", lost, err)
		}
		if lost == 0 && rows != 7000 {
			t.Errorf("%d rows, want 7000", rows)
		}
	}
	for _, query := range []string{"SELECT 1 WHERE false", "CREATE TABLE t (i INTEGER)", "INSERT INTO t VALUES (1)", "EXPLAIN SELECT 1", "SELECT 1"} {
		if err := db.session.query(t.Context(), query, nil, func(r *result) error {
			return r.chunks(func(mapping.DataChunk, int) error { return nil })
		}); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}
