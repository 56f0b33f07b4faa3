package warehouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// logicalHash returns a hash of a table's columns and rows: two tables have the same one if and only if
// they have the same columns, in order, and the same rows, in any order. It does not depend on threads, on
// insertion order, or on how a file stores the rows.
//
// Each row is hashed by SHA-256 over an unambiguous encoding of its values; the digests are added modulo
// 2^256, so that no sort is needed and a row that is there twice counts twice. The sum, the number of rows
// and the columns are hashed once more.
func (s *session) logicalHash(ctx context.Context, n Name) (string, error) {
	var sum digestSum
	var rows uint64
	var columns []resultColumn
	err := s.query(ctx, "SELECT * FROM "+n.sql(), nil, func(r *result) error {
		columns = r.columns
		schema, err := schemaOf(columns)
		if err != nil {
			return err
		}
		builder := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		defer builder.Release()
		var reader chunkReader
		var row []byte
		return r.chunks(func(chunk mapping.DataChunk, size int) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := reader.appendChunk(builder, columns, chunk, size); err != nil {
				return err
			}
			record := builder.NewRecordBatch()
			defer record.Release()
			for i := range size {
				row = row[:0]
				for _, column := range record.Columns() {
					row = appendValue(row, column, i)
				}
				sum.add(sha256.Sum256(row))
			}
			rows += uint64(size)
			return nil
		})
	})
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", n, err)
	}
	final := binary.BigEndian.AppendUint64(nil, rows)
	for _, word := range sum {
		final = binary.BigEndian.AppendUint64(final, word)
	}
	for _, c := range columns {
		final = appendText(appendText(final, c.Name), string(c.Type))
	}
	digest := sha256.Sum256(final)
	return hex.EncodeToString(digest[:]), nil
}

// digestSum is a sum of digests modulo 2^256, least significant word first.
type digestSum [4]uint64

func (s *digestSum) add(digest [sha256.Size]byte) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], binary.BigEndian.Uint64(digest[8*i:]), carry)
	}
}

// appendValue encodes one value: a byte that says null or not, then its fixed width or its length and text.
func appendValue(b []byte, column arrow.Array, i int) []byte {
	if column.IsNull(i) {
		return append(b, 0)
	}
	b = append(b, 1)
	switch a := column.(type) {
	case *array.Boolean:
		if a.Value(i) {
			return append(b, 1)
		}
		return append(b, 0)
	case *array.Int32:
		return binary.BigEndian.AppendUint32(b, uint32(a.Value(i)))
	case *array.Int64:
		return binary.BigEndian.AppendUint64(b, uint64(a.Value(i)))
	case *array.Float64:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(a.Value(i)))
	case *array.Date32:
		return binary.BigEndian.AppendUint32(b, uint32(a.Value(i)))
	case *array.Timestamp:
		return binary.BigEndian.AppendUint64(b, uint64(a.Value(i)))
	case *array.Decimal128:
		v := a.Value(i)
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, uint64(v.HighBits())), v.LowBits())
	default:
		return appendText(b, column.ValueStr(i))
	}
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}
