// Package parquetfile writes and reads the Parquet files of the lake, column by column.
//
// The writer stands on the building blocks of parquet-go (Thrift metadata, encodings, compression) but not on
// its row or value writers: those take every value through a 24-byte parquet.Value, sort the columns of a
// schema by name, and fix a column's encoding for the whole file. Written from typed vectors a row of a lake
// table costs less than half (see the benchmarks), a constant column costs nothing, and each column chunk
// takes the encoding that suits it. Files are plain Parquet: data page V1, zstd, page checksums, read by
// DuckDB, Arrow and parquet-go.
//
// A file depends on its rows alone, not on the batches in which they came: same rows, same bytes.
package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Version is the version of the layout, kept in each file under VersionKey. The writer writes this one only.
// Readers take every version that was ever written; testdata holds a file of each.
const (
	Version    = "1"
	VersionKey = "partnerhealth.lake.version"
)

// A row group ends when it is full by rows or by buffered bytes, seen at every sliceRows rows, so that it
// ends at the same row however the rows were handed over.
const (
	groupRows  = 64 << 10
	groupBytes = 16 << 20
	sliceRows  = 128
)

// reserveAt is the number of rows from which the size of a whole row group is foreseen and reserved.
const reserveAt = 4096

const magic = "PAR1"

var errClosed = errors.New("parquet file is closed")

// Writer writes one file. It holds at most one row group in memory. Not safe for concurrent use.
type Writer struct {
	out     io.Writer
	name    string
	columns []contract.Column
	// constants holds, for columns with one value in all rows, a vector of one row.
	constants []*contract.Vector
	buffers   []contract.Vector

	offset   int64
	rows     int64
	buffered int
	groups   []format.RowGroup

	enc        encoder
	codec      zstd.Codec
	compressed []byte
	err        error
}

// NewWriter begins a file of table name with the given columns. It writes to out in few large pieces.
func NewWriter(out io.Writer, name string, columns []contract.Column) *Writer {
	w := &Writer{
		out:       out,
		name:      name,
		columns:   columns,
		constants: make([]*contract.Vector, len(columns)),
		buffers:   make([]contract.Vector, len(columns)),
		codec:     zstd.Codec{Level: zstd.SpeedFastest},
	}
	for i, c := range columns {
		w.buffers[i] = contract.NewVector(c.Type, 0)
	}
	return w
}

// SetText makes text the value of column i in all rows. Call it before the first Append.
func (w *Writer) SetText(i int, text string) {
	v := contract.NewVector(contract.String, 1)
	v.AppendBytes([]byte(text))
	w.constants[i] = &v
}

// SetInt makes x the value of the 64-bit column i in all rows. Call it before the first Append.
func (w *Writer) SetInt(i int, x int64) {
	v := contract.NewVector(contract.Int64, 1)
	v.AppendInt(x)
	w.constants[i] = &v
}

// Rows returns the number of rows appended so far.
func (w *Writer) Rows() int64 { return w.rows }

// Append adds n rows. Vectors has one entry for each column, with n rows of the column's type; entries of
// constant columns are ignored. The vectors are copied. After an error the file is of no use.
func (w *Writer) Append(n int, vectors []*contract.Vector) error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.check(n, vectors); w.err != nil {
		return w.err
	}
	for from := 0; from < n; {
		to := min(n, from+sliceRows-w.buffered%sliceRows)
		size := 0
		for i := range w.buffers {
			if w.constants[i] == nil {
				appendRows(&w.buffers[i], vectors[i], from, to)
				size += vectorBytes(&w.buffers[i])
			}
		}
		w.buffered += to - from
		from = to
		if w.buffered == reserveAt && len(w.groups) == 0 {
			w.reserve(size)
		}
		if w.buffered%sliceRows == 0 && (w.buffered >= groupRows || size >= groupBytes) {
			if w.err = w.flush(); w.err != nil {
				return w.err
			}
		}
	}
	w.rows += int64(n)
	return nil
}

func (w *Writer) check(n int, vectors []*contract.Vector) error {
	if len(vectors) != len(w.columns) {
		return fmt.Errorf("write %s: %d columns given for %d", w.name, len(vectors), len(w.columns))
	}
	for i, v := range vectors {
		if w.constants[i] != nil {
			continue
		}
		if v.Len() != n || (v.Offsets != nil) != (w.buffers[i].Offsets != nil) || physicalType(v.Type) != physicalType(w.columns[i].Type) {
			return fmt.Errorf("write %s: column %s: got %d rows of %v for %d of %v", w.name, w.columns[i].Name, v.Len(), v.Type, n, w.columns[i].Type)
		}
	}
	return nil
}

// reserve makes room for a whole row group, going by the size of its first rows, so that buffers of large
// files do not grow by doubling.
func (w *Writer) reserve(size int) {
	rows := min(groupRows, reserveAt*(groupBytes/max(size, 1)+1)) - reserveAt
	for i := range w.buffers {
		if w.constants[i] != nil {
			continue
		}
		v := &w.buffers[i]
		v.Valid = slices.Grow(v.Valid, rows)
		switch {
		case v.Offsets != nil:
			v.Offsets = slices.Grow(v.Offsets, rows)
			v.Data = slices.Grow(v.Data, len(v.Data)*rows/reserveAt)
		case v.Type == contract.Bool:
			v.Bools = slices.Grow(v.Bools, rows)
		case v.Type == contract.Float64:
			v.Floats = slices.Grow(v.Floats, rows)
		default:
			v.Ints = slices.Grow(v.Ints, rows)
		}
	}
}

// appendRows copies rows from..to of src behind dst.
func appendRows(dst, src *contract.Vector, from, to int) {
	dst.Valid = append(dst.Valid, src.Valid[from:to]...)
	switch {
	case src.Offsets != nil:
		shift := len(dst.Data) - src.Offsets[from]
		dst.Data = append(dst.Data, src.Data[src.Offsets[from]:src.Offsets[to]]...)
		at := len(dst.Offsets)
		dst.Offsets = append(dst.Offsets, src.Offsets[from+1:to+1]...)
		for i := range dst.Offsets[at:] {
			dst.Offsets[at+i] += shift
		}
	case src.Type == contract.Bool:
		dst.Bools = append(dst.Bools, src.Bools[from:to]...)
	case src.Type == contract.Float64:
		dst.Floats = append(dst.Floats, src.Floats[from:to]...)
	default:
		dst.Ints = append(dst.Ints, src.Ints[from:to]...)
	}
}

func vectorBytes(v *contract.Vector) int {
	return len(v.Valid) + len(v.Bools) + 8*(len(v.Ints)+len(v.Floats)+len(v.Offsets)) + len(v.Data)
}

// Close writes the last row group and the footer. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.buffered > 0 {
		if w.err = w.flush(); w.err != nil {
			return w.err
		}
	}
	if w.err = w.writeFooter(); w.err != nil {
		return w.err
	}
	w.err = errClosed
	return nil
}

func (w *Writer) write(b []byte) error {
	n, err := w.out.Write(b)
	w.offset += int64(n)
	if err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	return nil
}

func (w *Writer) begin() error {
	if w.offset > 0 {
		return nil
	}
	return w.write([]byte(magic))
}

// flush writes the buffered rows as one row group.
func (w *Writer) flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	group := format.RowGroup{
		Columns:    make([]format.ColumnChunk, len(w.columns)),
		NumRows:    int64(w.buffered),
		FileOffset: w.offset,
		Ordinal:    int16(min(len(w.groups), 1<<15-1)),
	}
	for i := range w.columns {
		meta, err := w.writeChunk(i)
		if err != nil {
			return err
		}
		group.Columns[i] = format.ColumnChunk{MetaData: meta}
		group.TotalByteSize += meta.TotalUncompressedSize
		group.TotalCompressedSize += meta.TotalCompressedSize
		w.buffers[i].Reset()
	}
	w.groups = append(w.groups, group)
	w.buffered = 0
	return nil
}

// writeChunk writes one column of the row group: a dictionary page where it pays, and one data page.
func (w *Writer) writeChunk(i int) (format.ColumnMetaData, error) {
	c := &w.columns[i]
	var chunk encoded
	if v := w.constants[i]; v != nil {
		chunk = w.enc.encodeConstant(v, w.buffered)
	} else {
		var err error
		if chunk, err = w.enc.encode(c, &w.buffers[i]); err != nil {
			return format.ColumnMetaData{}, fmt.Errorf("write %s: %w", w.name, err)
		}
	}
	meta := format.ColumnMetaData{
		Type:         physicalType(c.Type),
		Encoding:     []format.Encoding{chunk.encoding},
		PathInSchema: []string{c.Name},
		Codec:        format.Zstd,
		NumValues:    int64(w.buffered),
		Statistics:   format.Statistics{NullCount: int64(chunk.nulls), MinValue: chunk.low, MaxValue: chunk.high},
	}
	if chunk.distinct > 0 {
		meta.Encoding = append(meta.Encoding, format.Plain)
		meta.DictionaryPageOffset = w.offset
		header := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: int32(chunk.distinct), Encoding: format.Plain,
		})}
		if err := w.writePage(header, chunk.values, &meta); err != nil {
			return meta, err
		}
	}
	if c.Nullable {
		meta.Encoding = append(meta.Encoding, format.RLE)
	}
	meta.DataPageOffset = w.offset
	header := format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues:               int32(w.buffered),
		Encoding:                chunk.encoding,
		DefinitionLevelEncoding: format.RLE,
		RepetitionLevelEncoding: format.RLE,
		Statistics:              format.Statistics{NullCount: int64(chunk.nulls)},
	})}
	err := w.writePage(header, chunk.body, &meta)
	return meta, err
}

// writePage compresses a page, writes it with its header and adds its size to the chunk.
func (w *Writer) writePage(header format.PageHeader, body []byte, meta *format.ColumnMetaData) error {
	var err error
	if w.compressed, err = w.codec.Encode(w.compressed, body); err != nil {
		return fmt.Errorf("compress page of %s: %w", w.name, err)
	}
	header.UncompressedPageSize, header.CompressedPageSize = int32(len(body)), int32(len(w.compressed))
	header.CRC = int32(crc32.ChecksumIEEE(w.compressed))
	head, err := thrift.Marshal(new(thrift.CompactProtocol), &header)
	if err != nil {
		return fmt.Errorf("write page header of %s: %w", w.name, err)
	}
	meta.TotalUncompressedSize += int64(len(head) + len(body))
	meta.TotalCompressedSize += int64(len(head) + len(w.compressed))
	if err := w.write(head); err != nil {
		return err
	}
	return w.write(w.compressed)
}

func (w *Writer) writeFooter() error {
	if err := w.begin(); err != nil {
		return err
	}
	orders := make([]format.ColumnOrder, len(w.columns))
	for i := range orders {
		orders[i].Value = &format.TypeDefinedOrder{}
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &format.FileMetaData{
		Version:          2,
		Schema:           schemaElements(w.name, w.columns),
		NumRows:          w.rows,
		RowGroups:        w.groups,
		KeyValueMetadata: []format.KeyValue{{Key: VersionKey, Value: Version}},
		CreatedBy:        "partnerhealth version " + Version + " (build lake)",
		ColumnOrders:     orders,
	})
	if err != nil {
		return fmt.Errorf("write footer of %s: %w", w.name, err)
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	return w.write(append(footer, magic...))
}
