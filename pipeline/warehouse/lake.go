package warehouse

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// relation is a table or view that the graph reads and that no SQL file declares.
type relation struct {
	Name    Name
	Columns []Column
}

// lakeInput is the relation lake.input, one row an input file and table that it fed, or one row for a file that was
// refused whole. Its rows are LakeFiles.Inputs.
var lakeInput = relation{
	Name: Name{lakeSchema, "input"},
	Columns: []Column{
		{"input_no", BigInt, "number of the file among all that the night counts, 1 for the first"},
		{"source", Varchar, "configured name of the source instance"},
		{"object", Varchar, "object of the source that the file holds"},
		{"file", Varchar, "path of the export inside its source; a member of an archive is behind the archive's"},
		{"sha256", Varchar, "content hash of the export"},
		{"mapping_version", Varchar, "content hash of the mapping that typed it"},
		{"table_name", Varchar, "canonical table that the file fed; null where the file was refused whole"},
		{"received_at", Timestamp, "when the export was received: its modification time at the source"},
		{"run_id", Varchar, "run that read it"},
		{"delivery", Varchar, "what the parts of one export in several files have in common; null for an export of one file"},
		{"copies", Varchar, "paths of files with the same bytes that were not read again, one a line; null where there are none"},
		{"format", Varchar, "csv, json, xlsx or parquet; null where nobody knows"},
		{"dialect", Varchar, "how the file was read"},
		{"columns", Varchar, "columns of its header, one a line; null where nobody knows"},
		{"new_columns", Varchar, "columns that the last good export of the object did not have, one a line; null where there are none"},
		{"missing_columns", Varchar, "columns that only the last good export of the object had, one a line; null where there are none"},
		{"unmapped_columns", Varchar, "columns that no mapping names, kept in _extra, one a line; null where there are none"},
		{"absent_columns", Varchar, "columns that the mapping names and the file lacks, filled with null, one a line; null where there are none"},
		{"records", BigInt, "records in the file"},
		{"records_before", BigInt, "records in the last good export of the object, all its parts together; null for the first"},
		{"rows", BigInt, "rows written"},
		{"unchanged", BigInt, "records that repeat the last version of their key"},
		{"filtered", BigInt, "records that the mapping leaves out of this table"},
		{"rejected", BigInt, "records refused"},
		{"deleted", BigInt, "rows written for keys that a snapshot no longer has"},
		{"held", BigInt, "keys that a snapshot no longer has and that were not deleted, since it also had records whose keys nobody could read"},
		{"conflicting", BigInt, "records whose key an earlier record of the same export has with other values"},
		{"values_dropped", BigInt, "values refused while their row was kept, over all tables of the file"},
		{"quarantined", Varchar, "why the file was refused whole; null where it was not"},
		{"notes", Varchar, "remarks of the reader, one a line; null where there are none"},
		{"min_event_on", Date, "day of the first event written; null for tables without event time"},
		{"max_event_on", Date, "day of the last event written"},
	},
}

// lakeReject is the relation lake.reject, one row a refused record or value, as the lake's reject files hold
// it.
var lakeReject = relation{
	Name: Name{lakeSchema, "reject"},
	Columns: []Column{
		{"source", Varchar, "configured name of the source instance"},
		{"object", Varchar, "object of the source that the file holds"},
		{"table", Varchar, "canonical table that the record would have fed"},
		{"file", Varchar, "path of the export inside its source"},
		{"sha256", Varchar, "content hash of the export"},
		{"record", BigInt, "record number, 1 for the first after the header, 0 for the file as a whole"},
		{"line", BigInt, "line on which the record begins"},
		{"offset", BigInt, "byte at which the record begins in the decoded text"},
		{"column", Varchar, "column of the export; empty where the whole record is at fault"},
		{"rule", Varchar, "short name of the rule that was broken"},
		{"message", Varchar, "what is wrong, in words"},
		{"next_step", Varchar, "what a person can do about it"},
		{"value", Varchar, "the offending value"},
		{"raw", Varchar, "text of the record"},
		{"row_kept", Boolean, "true where only the value was dropped"},
		{"_run_id", Varchar, "run that refused it"},
		{"_loaded_at", Timestamp, "when the export was received"},
	},
}

// LakeFiles says which files of the lake are live. All paths are absolute.
type LakeFiles struct {
	// Tables has the Parquet files of each canonical table, Rejects those of the refused records.
	Tables  map[string][]string
	Rejects []string
	// Rollups has the Parquet files of each rollup, for example partner_day.
	Rollups map[string][]string
	// Inputs has one row for each input file and table that it fed; columns are those of lake.input.
	Inputs []Row
}

// ProvideLake makes the schemas lake and rollup: one view over exactly the given files for every canonical
// table, for the rejects and for every rollup of the graph, empty where there are none, and lake.input.
// Each view has all declared columns; a column that files written by an older version lack is null.
func (b *Build) ProvideLake(ctx context.Context, files LakeFiles) error {
	for _, t := range contract.Tables() {
		n := Name{lakeSchema, t.Name}
		if err := b.db.createFileView(ctx, n, lakeColumns(n), files.Tables[t.Name]); err != nil {
			return err
		}
	}
	if err := b.db.createFileView(ctx, lakeReject.Name, lakeReject.Columns, files.Rejects); err != nil {
		return err
	}
	for _, n := range slices.SortedFunc(maps.Keys(b.graph.rollup), compareNames) {
		if err := b.db.createFileView(ctx, n, b.graph.rollup[n].Columns, files.Rollups[n.Table]); err != nil {
			return err
		}
		b.provided[n] = true
	}
	if err := b.db.createEmpty(ctx, lakeInput.Name, lakeInput.Columns); err != nil {
		return err
	}
	for _, n := range lakeNames() {
		b.provided[n] = true
	}
	return b.db.insertRows(ctx, lakeInput.Name, lakeInput.Columns, files.Inputs)
}

// createFileView makes a view over exactly these Parquet files.
func (db *DB) createFileView(ctx context.Context, n Name, columns []Column, files []string) error {
	if len(files) == 0 {
		return db.createEmpty(ctx, n, columns)
	}
	all, err := fileSelect(n, columns, files)
	if err != nil {
		return err
	}
	if err := db.createSchema(ctx, n.Schema); err != nil {
		return err
	}
	if _, err := db.session.exec(ctx, "CREATE VIEW "+n.sql()+" AS "+all); err != nil {
		return fmt.Errorf("create view %s over %d files: %w", n, len(files), err)
	}
	return nil
}

// fileSelect returns a SELECT of all columns from exactly these files. The paths are part of the text, since
// a view takes no parameters; hive partitioning is off, so that a folder called dt=2026-01 adds no column.
func fileSelect(n Name, columns []Column, files []string) (string, error) {
	paths := make([]string, len(files))
	for i, f := range files {
		if !filepath.IsAbs(f) {
			return "", fmt.Errorf("create view %s: file %q is not an absolute path", n, f)
		}
		paths[i] = literal(globEscape(f))
	}
	names, nulls := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", ident(c.Name), c.Type, ident(c.Name))
		nulls[i] = fmt.Sprintf("CAST(NULL AS %s) AS %s", c.Type, ident(c.Name))
	}
	return fmt.Sprintf(
		"SELECT %s FROM ("+
			"SELECT * FROM read_parquet([%s], union_by_name=true, hive_partitioning=false, filename=false) "+
			"UNION ALL BY NAME SELECT %s WHERE false)",
		strings.Join(names, ", "), strings.Join(paths, ", "), strings.Join(nulls, ", ")), nil
}

// lakeColumns returns the columns of a relation of schema lake, nil where there is none.
func lakeColumns(n Name) []Column {
	switch n {
	case lakeInput.Name:
		return lakeInput.Columns
	case lakeReject.Name:
		return lakeReject.Columns
	}
	t, ok := contract.Lookup(n.Table)
	if n.Schema != lakeSchema || !ok {
		return nil
	}
	columns := make([]Column, 0, len(t.Columns)+12)
	for _, c := range append(slices.Clone(t.Columns), contract.Lineage()...) {
		columns = append(columns, Column{c.Name, Type(c.Type.SQL()), c.Meaning})
	}
	return columns
}

// lakeNames lists the relations of schema lake.
func lakeNames() []Name {
	names := []Name{lakeInput.Name, lakeReject.Name}
	for _, t := range contract.Tables() {
		names = append(names, Name{lakeSchema, t.Name})
	}
	return names
}
