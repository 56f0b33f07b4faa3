package warehouse

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Insert makes an input table from Arrow records, for example the scores, and lets models read it.
//
// Where a file in inputs/ declares the table, the records must have its columns; else the table takes
// names, types and meanings from the first record's schema and its metadata (MetaComment, MetaGrain,
// MetaKey, the last of which is required). All records must have the same schema; at least one must be
// given, be it empty.
func (b *Build) Insert(ctx context.Context, table string, records ...arrow.RecordBatch) error {
	n, err := ParseName(table)
	if err != nil {
		return err
	}
	if b.exists(n) {
		return fmt.Errorf("insert into %s: it was given before", n)
	}
	if _, ok := b.graph.models[n]; ok {
		return fmt.Errorf("insert into %s: a model makes it", n)
	}
	if len(records) == 0 {
		return fmt.Errorf("insert into %s: no record says which columns it has", n)
	}
	columns, err := columnsOf(records[0].Schema())
	if err != nil {
		return fmt.Errorf("insert into %s: %w", n, err)
	}
	m, declared := b.graph.inputs[n]
	if declared {
		if err := sameColumns(m, columns); err != nil {
			return err
		}
	} else if m, err = describedBy(n, columns, records[0].Schema()); err != nil {
		return err
	}
	if err := b.db.createEmpty(ctx, n, m.Columns); err != nil {
		return err
	}
	for _, r := range records {
		if err := b.db.appendRecord(ctx, n, columns, r); err != nil {
			return err
		}
	}
	b.inserted[n] = m
	return b.accept(ctx, m)
}

// sameColumns compares an Arrow schema with the declaration of the input.
func sameColumns(m *Model, got []Column) error {
	problem := ""
	for i := range max(len(got), len(m.Columns)) {
		switch {
		case i >= len(got):
			problem = "column " + m.Columns[i].Name + " is missing"
		case i >= len(m.Columns):
			problem = "column " + got[i].Name + " is not declared"
		case got[i].Name != m.Columns[i].Name || got[i].Type != m.Columns[i].Type:
			problem = fmt.Sprintf("column %d is %s %s, declared is %s %s", i+1, got[i].Name, got[i].Type, m.Columns[i].Name, m.Columns[i].Type)
		default:
			continue
		}
		return &ModelError{File: m.File, Problem: "the records given differ: " + problem}
	}
	return nil
}

// describedBy makes the declaration of a table from an Arrow schema.
func describedBy(n Name, columns []Column, schema *arrow.Schema) (*Model, error) {
	meta := schema.Metadata()
	m := &Model{Relation: n, Layer: Inputs, Header: Header{Name: n.Table, Columns: columns}}
	m.Summary, _ = meta.GetValue(MetaComment)
	m.Grain, _ = meta.GetValue(MetaGrain)
	key, ok := meta.GetValue(MetaKey)
	if !ok {
		return nil, fmt.Errorf("insert into %s: no file inputs/%s.sql declares it, and the schema's metadata names no key", n, n.Table)
	}
	for _, k := range strings.Split(key, ",") {
		k = strings.TrimSpace(k)
		if !hasColumn(columns, k) {
			return nil, fmt.Errorf("insert into %s: key column %s is not in the record", n, k)
		}
		m.Key = append(m.Key, k)
	}
	return m, nil
}

// appendRecord appends the rows of one record to an existing table with the same columns.
func (db *DB) appendRecord(ctx context.Context, n Name, columns []Column, record arrow.RecordBatch) error {
	got, err := columnsOf(record.Schema())
	if err != nil {
		return fmt.Errorf("insert into %s: %w", n, err)
	}
	if err := sameColumns(&Model{File: n.String(), Header: Header{Columns: columns}}, got); err != nil {
		return err
	}
	db.session.mu.Lock()
	defer db.session.mu.Unlock()
	err = db.session.interruptible(ctx, func() error { return db.session.appendRows(ctx, n, columns, record) })
	if err != nil {
		return fmt.Errorf("insert into %s: %w", n, err)
	}
	return nil
}

// appendRows appends a record chunk by chunk.
func (s *session) appendRows(ctx context.Context, n Name, columns []Column, record arrow.RecordBatch) (err error) {
	var appender mapping.Appender
	defer func() {
		// Destroying flushes what is left, so that its state counts as much as that of an append.
		if mapping.AppenderDestroy(&appender) == mapping.StateError && err == nil {
			err = fmt.Errorf("close appender")
		}
	}()
	if mapping.AppenderCreateExt(s.conn, "", n.Schema, n.Table, &appender) == mapping.StateError {
		return newStatementError(mapping.AppenderError(appender))
	}
	types := make([]mapping.LogicalType, len(columns))
	defer func() {
		for i := range types {
			mapping.DestroyLogicalType(&types[i])
		}
	}()
	for i, c := range columns {
		types[i] = logicalType(c.Type)
	}
	chunk := mapping.CreateDataChunk(types)
	defer mapping.DestroyDataChunk(&chunk)
	size := int64(mapping.VectorSize())
	for from := int64(0); from < record.NumRows(); from += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := int(min(size, record.NumRows()-from))
		mapping.DataChunkReset(chunk)
		for i, c := range columns {
			vector := mapping.DataChunkGetVector(chunk, mapping.IdxT(i))
			if err := fillVector(vector, c, record.Column(i), int(from), rows); err != nil {
				return err
			}
		}
		mapping.DataChunkSetSize(chunk, mapping.IdxT(rows))
		if mapping.AppendDataChunk(appender, chunk) == mapping.StateError {
			return newStatementError(mapping.AppenderError(appender))
		}
	}
	if mapping.AppenderClose(appender) == mapping.StateError {
		return newStatementError(mapping.AppenderError(appender))
	}
	return nil
}

// logicalType returns DuckDB's type of a column; the caller destroys it.
func logicalType(t Type) mapping.LogicalType {
	if width, scale, ok := t.decimal(); ok {
		return mapping.CreateDecimalType(uint8(width), uint8(scale))
	}
	ids := map[Type]mapping.Type{
		Boolean: mapping.TypeBoolean, Integer: mapping.TypeInteger, BigInt: mapping.TypeBigInt, Double: mapping.TypeDouble,
		Varchar: mapping.TypeVarchar, Date: mapping.TypeDate, Timestamp: mapping.TypeTimestamp,
	}
	return mapping.CreateLogicalType(ids[t])
}

// fillVector copies rows [from, from+rows) of an Arrow column into a DuckDB vector.
func fillVector(vector mapping.Vector, c Column, column arrow.Array, from, rows int) error {
	setNulls(vector, column, from, rows)
	data := mapping.VectorGetData(vector)
	switch a := column.(type) {
	case *array.Boolean:
		out := unsafe.Slice((*bool)(data), rows)
		for i := range out {
			out[i] = a.Value(from + i)
		}
	case *array.Int32:
		copy(unsafe.Slice((*int32)(data), rows), a.Int32Values()[from:])
	case *array.Int64:
		copy(unsafe.Slice((*int64)(data), rows), a.Int64Values()[from:])
	case *array.Float64:
		copy(unsafe.Slice((*float64)(data), rows), a.Float64Values()[from:])
	case *array.Date32:
		copy(unsafe.Slice((*arrow.Date32)(data), rows), a.Date32Values()[from:])
	case *array.Timestamp:
		copy(unsafe.Slice((*arrow.Timestamp)(data), rows), a.TimestampValues()[from:])
	case *array.String:
		return fillStrings(vector, data, c, a, from, rows)
	case *array.Decimal128:
		return fillDecimals(data, c, a, from, rows)
	default:
		return &TypeError{c.Name, column.DataType().String()}
	}
	return nil
}

// setNulls clears the validity bits of null rows.
func setNulls(vector mapping.Vector, column arrow.Array, from, rows int) {
	if column.NullN() == 0 {
		return
	}
	mapping.VectorEnsureValidityWritable(vector)
	words := unsafe.Slice((*uint64)(mapping.VectorGetValidity(vector)), (rows+63)/64)
	for i := range rows {
		if column.IsNull(from + i) {
			words[i/64] &^= 1 << (i % 64)
		}
	}
}

// fillStrings writes short strings in place and lets DuckDB copy long ones to its heap. DuckDB trusts the
// text of a chunk, so that it is checked here.
func fillStrings(vector mapping.Vector, data unsafe.Pointer, c Column, a *array.String, from, rows int) error {
	out := unsafe.Slice((*stringValue)(data), rows)
	for i := range out {
		out[i] = stringValue{}
		if a.IsNull(from + i) {
			continue
		}
		s := a.Value(from + i)
		if !utf8.ValidString(s) {
			return fmt.Errorf("column %s, row %d: the text is not UTF-8", c.Name, from+i+1)
		}
		if len(s) <= inlineBytes {
			out[i].length = uint32(len(s))
			copy(out[i].inline[:], s)
			continue
		}
		mapping.VectorAssignStringElement(vector, mapping.IdxT(i), s)
	}
	return nil
}

// fillDecimals narrows 128-bit integers to what DuckDB stores a DECIMAL of the given width in.
func fillDecimals(data unsafe.Pointer, c Column, a *array.Decimal128, from, rows int) error {
	width, _, _ := c.Type.decimal()
	for i := range rows {
		v := a.Value(from + i)
		if a.IsNull(from + i) {
			v = decimal128.Num{}
		} else if !v.FitsInPrecision(int32(width)) {
			return fmt.Errorf("column %s, row %d: %s has more than %d digits", c.Name, from+i+1, v.BigInt(), width)
		}
		switch {
		case width <= 4:
			unsafe.Slice((*int16)(data), rows)[i] = int16(v.LowBits())
		case width <= 9:
			unsafe.Slice((*int32)(data), rows)[i] = int32(v.LowBits())
		case width <= 18:
			unsafe.Slice((*int64)(data), rows)[i] = int64(v.LowBits())
		default:
			unsafe.Slice((*hugeint)(data), rows)[i] = hugeint{v.LowBits(), v.HighBits()}
		}
	}
	return nil
}
