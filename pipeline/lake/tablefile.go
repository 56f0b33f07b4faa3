package lake

import (
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/lake/parquetfile"
)

// tableFile is a Parquet file of the lake while it is written.
type tableFile struct {
	draft   *draft
	w       *parquetfile.Writer
	columns []contract.Column
	vectors []*contract.Vector
}

// newTableFile begins the file rel with the given columns.
func (d *disk) newTableFile(rel, name string, columns []contract.Column) (*tableFile, error) {
	draft, err := d.create(rel)
	if err != nil {
		return nil, err
	}
	return &tableFile{
		draft:   draft,
		w:       parquetfile.NewWriter(draft, name, columns),
		columns: columns,
		vectors: make([]*contract.Vector, len(columns)),
	}, nil
}

func (f *tableFile) column(name string) int {
	return slices.IndexFunc(f.columns, func(c contract.Column) bool { return c.Name == name })
}

// finish completes the file and makes it durable, still under its temporary name.
func (f *tableFile) finish() error {
	if err := f.w.Close(); err != nil {
		return err
	}
	return f.draft.finish(true)
}

// record describes the finished file.
func (f *tableFile) record() FileRecord {
	return FileRecord{Path: f.draft.rel, Rows: f.w.Rows(), Bytes: f.draft.size, Checksum: f.draft.checksum()}
}

// rowFile is the file of one table in one load: the table's columns and the lineage of each row.
type rowFile struct {
	*tableFile
	table *contract.Table
	// Positions of the columns that differ from row to row; eventAt is -1 for a table without event time.
	rowAt, hashAt, extraAt, deletedAt, eventAt int
	row, hash, deleted                         contract.Vector
	valid                                      []bool // always true
	// The range of the event time, in the unit of its column.
	minEvent, maxEvent int64
	hasEvents          bool
}

// newRowFile begins the file of a table. What all rows have in common costs nothing a row.
func (d *disk) newRowFile(rel string, table *contract.Table, p contract.Provenance) (*rowFile, error) {
	columns := slices.Clone(table.Columns)
	for i := range columns {
		// A deletion repeats a row that may be older than a column.
		columns[i].Nullable = !table.IsKey(columns[i].Name)
	}
	columns = append(columns, contract.Lineage()...)
	file, err := d.newTableFile(rel, table.Name, columns)
	if err != nil {
		return nil, err
	}
	f := &rowFile{
		tableFile: file,
		table:     table,
		row:       contract.Vector{Type: contract.Int64},
		hash:      contract.Vector{Type: contract.Int64},
		deleted:   contract.Vector{Type: contract.Bool},
		rowAt:     file.column("_row"), hashAt: file.column("_row_hash"),
		extraAt: file.column("_extra"), deletedAt: file.column("_deleted"),
		eventAt: -1,
	}
	for name, text := range map[string]string{
		"_source": p.Source, "_preset": p.Preset, "_object": p.Object, "_file": p.File,
		"_file_sha256": p.SHA256, "_dialect": p.Dialect, "_run_id": p.RunID,
	} {
		file.w.SetText(file.column(name), text)
	}
	file.w.SetInt(file.column("_loaded_at"), p.LoadedAt)
	if table.EventTime != "" {
		f.eventAt = table.Index(table.EventTime)
	}
	return f, nil
}

// append adds the rows of a batch.
func (f *rowFile) append(b *contract.Batch) error {
	n := b.Len()
	for len(f.valid) < n {
		f.valid = append(f.valid, true)
	}
	f.hash.Ints = f.hash.Ints[:0]
	for _, h := range b.RowHash {
		f.hash.Ints = append(f.hash.Ints, int64(h))
	}
	f.row.Valid, f.hash.Valid, f.deleted.Valid = f.valid[:n], f.valid[:n], f.valid[:n]
	f.row.Ints, f.deleted.Bools = b.Row, b.Deleted
	for i := range b.Columns {
		f.vectors[i] = &b.Columns[i]
	}
	f.vectors[f.rowAt], f.vectors[f.hashAt] = &f.row, &f.hash
	f.vectors[f.extraAt], f.vectors[f.deletedAt] = &b.Extra, &f.deleted
	if err := f.w.Append(n, f.vectors); err != nil {
		return err
	}
	f.bound(b)
	return nil
}

// bound widens the range of event times.
func (f *rowFile) bound(b *contract.Batch) {
	if f.eventAt < 0 {
		return
	}
	v := &b.Columns[f.eventAt]
	for i, ok := range v.Valid {
		if !ok {
			continue
		}
		x := v.Ints[i]
		if !f.hasEvents {
			f.minEvent, f.maxEvent, f.hasEvents = x, x, true
			continue
		}
		f.minEvent, f.maxEvent = min(f.minEvent, x), max(f.maxEvent, x)
	}
}

// events returns the range of event times, zero where there are none.
func (f *rowFile) events() (from, to time.Time) {
	if !f.hasEvents {
		return from, to
	}
	instant := func(x int64) time.Time { return time.UnixMicro(x).UTC() }
	if f.table.Columns[f.eventAt].Type == contract.Date {
		instant = func(x int64) time.Time { return time.Unix(x*86400, 0).UTC() }
	}
	return jsonTime(instant(f.minEvent)), jsonTime(instant(f.maxEvent))
}

// jsonTime returns t within the years that JSON can carry.
func jsonTime(t time.Time) time.Time {
	switch {
	case t.Year() < 1:
		return time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC) // The first instant would mean none.
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}
