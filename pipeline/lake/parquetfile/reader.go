package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// File is an open Parquet file of the lake.
type File struct {
	f      *os.File
	parsed *parquet.File
	groups []parquet.RowGroup
	values []parquet.Value
}

// Open opens the file at path, whatever version of the layout it has.
func Open(path string) (_ *File, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open lake file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open lake file: %w", err)
	}
	parsed, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("open lake file %s: %w", path, err)
	}
	if v, ok := parsed.Lookup(VersionKey); !ok || v != Version {
		return nil, fmt.Errorf("open lake file %s: layout version %q, this program reads %q", path, v, Version)
	}
	return &File{f: f, parsed: parsed, groups: parsed.RowGroups(), values: make([]parquet.Value, 1024)}, nil
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// Rows returns the number of rows in the file.
func (f *File) Rows() int64 { return f.parsed.NumRows() }

// Groups returns the number of row groups.
func (f *File) Groups() int { return len(f.groups) }

// GroupRows returns the number of rows in row group g.
func (f *File) GroupRows(g int) int { return int(f.groups[g].NumRows()) }

// Has reports whether the file has a column called name.
func (f *File) Has(name string) bool { return f.parsed.Root().Column(name) != nil }

// Read replaces the rows of dst with column c of row group g. A column that the file does not have, since it
// was declared later, reads as nulls. The file's column must have c's type.
func (f *File) Read(g int, c contract.Column, dst *contract.Vector) (err error) {
	dst.Reset()
	dst.Type = c.Type
	column := f.parsed.Root().Column(c.Name)
	if column == nil {
		for range f.GroupRows(g) {
			dst.AppendNull()
		}
		return nil
	}
	if got, want := format.Type(column.Type().Kind()), physicalType(c.Type); got != want {
		return fmt.Errorf("read %s of %s: column holds %v, not %v", c.Name, f.f.Name(), got, want)
	}
	pages := f.groups[g].ColumnChunks()[column.Index()].Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s of %s: %w", c.Name, f.f.Name(), err)
		}
		err = f.appendPage(page, dst)
		parquet.Release(page)
		if err != nil {
			return fmt.Errorf("read %s of %s: %w", c.Name, f.f.Name(), err)
		}
	}
	if dst.Len() != f.GroupRows(g) {
		return fmt.Errorf("read %s of %s: %d values for %d rows", c.Name, f.f.Name(), dst.Len(), f.GroupRows(g))
	}
	return nil
}

func (f *File) appendPage(page parquet.Page, dst *contract.Vector) error {
	values := page.Values()
	for {
		n, err := values.ReadValues(f.values)
		for _, x := range f.values[:n] {
			switch {
			case x.IsNull():
				dst.AppendNull()
			case dst.Offsets != nil:
				dst.AppendBytes(x.ByteArray())
			case dst.Type == contract.Bool:
				dst.AppendBool(x.Boolean())
			case dst.Type == contract.Float64:
				dst.AppendFloat(x.Double())
			case dst.Type == contract.Date:
				dst.AppendInt(int64(x.Int32()))
			default:
				dst.AppendInt(x.Int64())
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
