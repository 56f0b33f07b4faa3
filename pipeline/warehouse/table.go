package warehouse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
)

// Table returns all rows of a published table, in the order of its key. The name is `table` or
// `schema.table`.
func (r *Reader) Table(ctx context.Context, table string) (*Rows, error) {
	n, err := ParseName(table)
	if err != nil {
		return nil, err
	}
	rows, err := r.Query(ctx, "SELECT * FROM "+n.sql()+" ORDER BY rowid")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", n, err)
	}
	return rows, nil
}

// Between returns the rows of a published table whose column lies between two texts, both included, in the
// order of the table's key. DuckDB compares texts byte by byte.
func (r *Reader) Between(ctx context.Context, table, column, from, to string) (*Rows, error) {
	n, err := ParseName(table)
	if err != nil {
		return nil, err
	}
	rows, err := r.Query(ctx, "SELECT * FROM "+n.sql()+" WHERE "+ident(column)+" BETWEEN ? AND ? ORDER BY rowid", from, to)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", n, err)
	}
	return rows, nil
}

// ExportParquet writes a table, in the order of its key, to a Parquet file that must not exist. Its folder
// is made; it must lie in an allowed one.
func (b *Build) ExportParquet(ctx context.Context, table, path string) error {
	n, err := ParseName(table)
	if err != nil {
		return err
	}
	m, ok := b.declaration(n)
	if !ok || !b.exists(n) {
		return fmt.Errorf("export %s: there is no such table", n)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("export %s: %w", n, err)
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("export %s to %s: %w", n, path, os.ErrExist)
	}
	statement := "COPY (SELECT * FROM " + n.sql() + " ORDER BY " + idents(m.Key) + ") TO " + literal(path) + " (FORMAT parquet, COMPRESSION zstd)"
	if err := b.db.Exec(ctx, statement); err != nil {
		return fmt.Errorf("export %s: %w", n, err)
	}
	return nil
}

// Record returns a table of the night as one Arrow record, in the order of its key. The caller releases it.
func (b *Build) Record(ctx context.Context, table string) (arrow.RecordBatch, error) {
	n, err := ParseName(table)
	if err != nil {
		return nil, err
	}
	m, ok := b.declaration(n)
	if !ok || !b.exists(n) {
		return nil, fmt.Errorf("read %s: there is no such table", n)
	}
	record, err := b.db.Query(ctx, "SELECT * FROM "+n.sql()+" ORDER BY "+idents(m.Key))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", n, err)
	}
	return record, nil
}

// Rows runs one query of the night's database and returns its rows as text, as Reader.Query does.
func (db *DB) Rows(ctx context.Context, query string, args ...any) (*Rows, error) {
	return (&Reader{db.session}).Query(ctx, query, args...)
}
