package warehouse

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Reader is a published database, opened to be read and locked: it writes nothing, attaches nothing and
// reads no other file. Many readers may have one file open, in one process or in several.
type Reader struct{ session *session }

// ResultColumn is the name and SQL type of one column of a query.
type ResultColumn struct {
	Name string
	Type Type
}

// Rows is the answer to a query, as text.
type Rows struct {
	Columns []ResultColumn
	Rows    [][]Cell
}

// OpenReader opens a published database. Of the options only Threads and MemoryLimit are used beside Path.
func OpenReader(ctx context.Context, opt Options) (*Reader, error) {
	if err := checkDatabasePath(opt.Path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(opt.Path); err != nil {
		return nil, fmt.Errorf("open published database: %w", err)
	}
	globals := Options{Threads: opt.Threads, MemoryLimit: opt.MemoryLimit}.globals()
	s, err := openSession(opt.Path, append(globals, [2]string{"access_mode", "READ_ONLY"}))
	if err != nil {
		return nil, fmt.Errorf("open published database %s: %w", opt.Path, err)
	}
	if err := lockDown(ctx, s, nil); err != nil {
		s.close()
		return nil, err
	}
	return &Reader{s}, nil
}

// Close closes the database.
func (r *Reader) Close() { r.session.close() }

// errReadOnly answers statements that are no queries.
var errReadOnly = &StatementError{Message: "a published database is only read: SELECT, FROM, SHOW, DESCRIBE, SUMMARIZE and EXPLAIN are answered"}

// Query runs one statement and returns all its rows. Values are bound to its parameters in order. The text
// of a value is DuckDB's own, so that a DECIMAL shows all its digits; a *StatementError says what DuckDB
// refuses.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	query = strings.TrimRight(query, "; \t\r\n")
	described, err := r.session.describe(ctx, query)
	if err != nil {
		return nil, err
	}
	out := &Rows{Columns: make([]ResultColumn, len(described.columns))}
	for i, c := range described.columns {
		out.Columns[i] = ResultColumn(c)
	}
	switch described.kind {
	case mapping.StatementTypeSelect:
		if err := r.resolveTypes(ctx, out, query, args); err != nil {
			return nil, err
		}
		out.Rows, err = r.session.texts(ctx, query, args)
	case mapping.StatementTypeExplain:
		out.Rows, err = r.session.plainTexts(ctx, query, args)
	default:
		err = errReadOnly
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// resolveTypes finds the types that depend on those of parameters.
func (r *Reader) resolveTypes(ctx context.Context, rows *Rows, query string, args []any) error {
	if len(args) == 0 {
		return nil
	}
	return r.session.query(ctx, "SELECT * FROM (\n"+query+"\n) LIMIT 0", args, func(result *result) error {
		for i := range rows.Columns {
			rows.Columns[i].Type = result.columns[i].Type
		}
		return nil
	})
}

// Tables lists the tables of the schemas main and canonical, by name.
func (r *Reader) Tables(ctx context.Context) ([]Name, error) {
	rows, err := r.session.texts(ctx, "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary ORDER BY ALL", nil)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	names := make([]Name, len(rows))
	for i, row := range rows {
		names[i] = Name{row[0].Text, row[1].Text}
	}
	return names, nil
}

// LogicalHashes returns a hash for each table. Two databases whose hashes are equal hold the same rows,
// whatever their bytes: it does not depend on threads, row order or storage.
func (r *Reader) LogicalHashes(ctx context.Context) (map[string]string, error) {
	names, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	hashes := make(map[string]string, len(names))
	for _, n := range names {
		if hashes[n.String()], err = r.session.logicalHash(ctx, n); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}
