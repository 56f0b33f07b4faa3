package warehouse

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Query runs one SELECT and returns all its rows as one Arrow record, which the caller releases. Values
// are bound to its parameters in order. A column whose type does not travel as Arrow is a *TypeError.
func (db *DB) Query(ctx context.Context, query string, args ...any) (arrow.RecordBatch, error) {
	return db.session.record(ctx, query, args)
}

// record runs a query and copies its chunks into one record.
func (s *session) record(ctx context.Context, query string, args []any) (arrow.RecordBatch, error) {
	var record arrow.RecordBatch
	err := s.query(ctx, query, args, func(r *result) error {
		schema, err := schemaOf(r.columns)
		if err != nil {
			return err
		}
		builder := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		defer builder.Release()
		var reader chunkReader
		if err := r.chunks(func(chunk mapping.DataChunk, rows int) error {
			return reader.appendChunk(builder, r.columns, chunk, rows)
		}); err != nil {
			return err
		}
		record = builder.NewRecordBatch()
		return nil
	})
	return record, err
}

// scalar returns the text in the first column of the first row, "" where it is null or there is no row.
func (s *session) scalar(ctx context.Context, query string, args ...any) (string, error) {
	record, err := s.record(ctx, query, args)
	if err != nil {
		return "", err
	}
	defer record.Release()
	if record.NumRows() == 0 || record.NumCols() == 0 || record.Column(0).IsNull(0) {
		return "", nil
	}
	return record.Column(0).ValueStr(0), nil
}

// count returns the number of rows of a table.
func (db *DB) count(ctx context.Context, n Name) (int64, error) {
	return db.session.integer(ctx, "SELECT count(*) FROM "+n.sql())
}

// integer returns the BIGINT in the first column of the first row.
func (s *session) integer(ctx context.Context, query string, args ...any) (int64, error) {
	record, err := s.record(ctx, query, args)
	if err != nil {
		return 0, err
	}
	defer record.Release()
	column, ok := record.Column(0).(*array.Int64)
	if !ok || column.Len() == 0 {
		return 0, fmt.Errorf("read a number: the query returns none")
	}
	return column.Value(0), nil
}

// chunkReader copies chunks into builders; it keeps its buffers between chunks.
type chunkReader struct{ valid, truth []bool }

func (c *chunkReader) appendChunk(builder *array.RecordBuilder, columns []resultColumn, chunk mapping.DataChunk, rows int) error {
	for i, column := range columns {
		vector := mapping.DataChunkGetVector(chunk, mapping.IdxT(i))
		data := mapping.VectorGetData(vector)
		valid := c.validity(mapping.VectorGetValidity(vector), rows)
		switch b := builder.Field(i).(type) {
		case *array.BooleanBuilder:
			b.AppendValues(c.booleans(unsafe.Slice((*byte)(data), rows), valid), valid)
		case *array.Int32Builder:
			b.AppendValues(unsafe.Slice((*int32)(data), rows), valid)
		case *array.Int64Builder:
			b.AppendValues(unsafe.Slice((*int64)(data), rows), valid)
		case *array.Float64Builder:
			b.AppendValues(unsafe.Slice((*float64)(data), rows), valid)
		case *array.Date32Builder:
			b.AppendValues(unsafe.Slice((*arrow.Date32)(data), rows), valid)
		case *array.TimestampBuilder:
			b.AppendValues(unsafe.Slice((*arrow.Timestamp)(data), rows), valid)
		case *array.StringBuilder:
			appendStrings(b, unsafe.Slice((*stringValue)(data), rows), valid)
		case *array.Decimal128Builder:
			appendDecimals(b, column.Type, data, rows, valid)
		default:
			return &TypeError{column.Name, string(column.Type)}
		}
	}
	return nil
}

// validity expands DuckDB's validity mask, one bit a row in words of 64; nil means that all are valid.
func (c *chunkReader) validity(mask unsafe.Pointer, rows int) []bool {
	if mask == nil {
		return nil
	}
	words := unsafe.Slice((*uint64)(mask), (rows+63)/64)
	c.valid = c.valid[:0]
	for row := range rows {
		c.valid = append(c.valid, words[row/64]&(1<<(row%64)) != 0)
	}
	return c.valid
}

// booleans returns DuckDB's booleans as Go's. DuckDB leaves any byte behind a null, and Go takes for granted
// that a bool is 0 or 1: arrow packs eight of them by shifts, where another byte would turn its neighbours.
func (c *chunkReader) booleans(data []byte, valid []bool) []bool {
	c.truth = c.truth[:0]
	for i, b := range data {
		c.truth = append(c.truth, b != 0 && (valid == nil || valid[i]))
	}
	return c.truth
}

// stringValue is DuckDB's string_t: up to 12 bytes inline, or a prefix and a pointer.
type stringValue struct {
	length uint32
	inline [inlineBytes]byte
}

const inlineBytes = 12

// text returns the bytes of a string without copying them; they live as long as the chunk.
func (s *stringValue) text() string {
	if s.length <= inlineBytes {
		return unsafe.String(&s.inline[0], int(s.length))
	}
	pointer := *(**byte)(unsafe.Pointer(&s.inline[4]))
	return unsafe.String(pointer, int(s.length))
}

// appendStrings copies the strings into the builder's buffer.
func appendStrings(b *array.StringBuilder, values []stringValue, valid []bool) {
	for i := range values {
		if valid != nil && !valid[i] {
			b.AppendNull()
			continue
		}
		b.Append(values[i].text())
	}
}

// appendDecimals widens the integers that DuckDB stores a DECIMAL of the given width in.
func appendDecimals(b *array.Decimal128Builder, t Type, data unsafe.Pointer, rows int, valid []bool) {
	width, _, _ := t.decimal()
	switch {
	case width <= 4:
		widen(b, unsafe.Slice((*int16)(data), rows), valid)
	case width <= 9:
		widen(b, unsafe.Slice((*int32)(data), rows), valid)
	case width <= 18:
		widen(b, unsafe.Slice((*int64)(data), rows), valid)
	default:
		for i, h := range unsafe.Slice((*hugeint)(data), rows) {
			if valid != nil && !valid[i] {
				b.AppendNull()
				continue
			}
			b.Append(decimal128.New(h.upper, h.lower))
		}
	}
}

func widen[T int16 | int32 | int64](b *array.Decimal128Builder, values []T, valid []bool) {
	for i, v := range values {
		if valid != nil && !valid[i] {
			b.AppendNull()
			continue
		}
		b.Append(decimal128.FromI64(int64(v)))
	}
}

// hugeint is DuckDB's 128-bit integer.
type hugeint struct {
	lower uint64
	upper int64
}
