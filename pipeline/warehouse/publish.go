package warehouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// storageVersion is that of the oldest DuckDB that shall open a published database.
const storageVersion = "v1.0.0"

// publishedCatalog is the name under which the new file is attached while it is written.
const publishedCatalog = "published"

// PublishedTable says what was published.
type PublishedTable struct {
	Name Name
	Rows int64
}

// Publish writes the tables of the schemas main and canonical into a fresh database file, in the order of
// their keys and with their headers as comments, and data_dictionary beside them. The folder must be an
// allowed one and the file must not exist. On success the file is closed and complete, without a .wal; on
// failure it is removed.
func (b *Build) Publish(ctx context.Context, path string) (tables []PublishedTable, err error) {
	if err := checkDatabasePath(path); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("publish %s: %w", path, os.ErrExist)
	}
	if waiting := b.Waiting(); len(waiting) > 0 {
		n := slices.SortedFunc(maps.Keys(waiting), compareNames)[0]
		return nil, fmt.Errorf("publish: %d models are not made; %s waits for %s", len(waiting), n, joinNames(waiting[n]))
	}
	models := b.publishable()
	if err := b.fillDictionary(ctx, models); err != nil {
		return nil, err
	}
	models = b.publishable() // data_dictionary is among them now
	attach := "ATTACH " + literal(path) + " AS " + ident(publishedCatalog) + " (STORAGE_VERSION " + literal(storageVersion) + ")"
	if err := b.db.Exec(ctx, attach); err != nil {
		_ = os.Remove(path)
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	tables, err = b.copyAll(ctx, models)
	if err == nil {
		err = b.db.Exec(ctx, "CHECKPOINT "+ident(publishedCatalog))
	}
	// A night that is interrupted here must let go of the file too.
	if e := b.db.Exec(context.WithoutCancel(ctx), "DETACH "+ident(publishedCatalog)); err == nil {
		err = e
	}
	if err == nil {
		if _, e := os.Lstat(path + ".wal"); e == nil {
			err = fmt.Errorf("a write-ahead log is left beside the file")
		}
	}
	if err != nil {
		_ = os.Remove(path)
		_ = os.Remove(path + ".wal")
		return nil, fmt.Errorf("publish %s: %w", path, err)
	}
	return tables, nil
}

// publishable returns the declarations of the tables that exist and leave the working database.
func (b *Build) publishable() []*Model {
	var out []*Model
	for _, n := range b.relations() {
		if m, ok := b.declaration(n); ok && isPublished(n) {
			out = append(out, m)
		}
	}
	return out
}

// declaration returns the header of a table, be it a file's or that of the records it came with.
func (b *Build) declaration(n Name) (*Model, bool) {
	if m, ok := b.inserted[n]; ok {
		return m, true
	}
	return b.graph.declared(n)
}

// fillDictionary fills data_dictionary with the columns of the given tables and its own.
func (b *Build) fillDictionary(ctx context.Context, models []*Model) error {
	self, err := b.input("data_dictionary")
	if err != nil {
		return err
	}
	var rows []Row
	for _, m := range append(slices.Clone(models), self) {
		for _, e := range m.entries() {
			rows = append(rows, e.row())
		}
	}
	return b.Fill(ctx, "data_dictionary", rows)
}

// copyAll copies tables and comments in one transaction: there are more than a thousand statements, and each that
// commits by itself flushes the log.
func (b *Build) copyAll(ctx context.Context, models []*Model) ([]PublishedTable, error) {
	if err := b.db.Exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return nil, err
	}
	tables, err := b.copyTables(ctx, models)
	if err != nil {
		return nil, errors.Join(err, b.db.Exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return tables, b.db.Exec(ctx, "COMMIT")
}

// copyTables writes tables and comments into the attached database.
func (b *Build) copyTables(ctx context.Context, models []*Model) ([]PublishedTable, error) {
	var tables []PublishedTable
	if err := b.db.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+ident(publishedCatalog)+"."+ident(canonicalSchema)); err != nil {
		return nil, err
	}
	for _, m := range models {
		copied := "CREATE TABLE " + m.target() + " AS SELECT * FROM " + m.Relation.sql() + " ORDER BY " + idents(m.Key)
		if err := b.db.Exec(ctx, copied); err != nil {
			return nil, fmt.Errorf("copy %s: %w", m.Relation, err)
		}
		rows, err := b.db.count(ctx, m.Relation)
		if err != nil {
			return nil, err
		}
		tables = append(tables, PublishedTable{m.Relation, rows})
	}
	return tables, b.comment(ctx, models)
}

// target returns the quoted name of a table in the attached database.
func (m *Model) target() string { return ident(publishedCatalog) + "." + m.Relation.sql() }

// comment writes the headers of the models as comments on the copied tables.
func (b *Build) comment(ctx context.Context, models []*Model) error {
	for _, m := range models {
		if err := b.db.Exec(ctx, "COMMENT ON TABLE "+m.target()+" IS "+literal(m.comment())); err != nil {
			return fmt.Errorf("comment on %s: %w", m.Relation, err)
		}
		for _, c := range m.Columns {
			if err := b.db.Exec(ctx, "COMMENT ON COLUMN "+m.target()+"."+ident(c.Name)+" IS "+literal(c.Meaning)); err != nil {
				return fmt.Errorf("comment on %s.%s: %w", m.Relation, c.Name, err)
			}
		}
	}
	return nil
}
