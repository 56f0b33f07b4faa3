// Package warehouse runs the SQL tree on DuckDB. It is the only package that speaks to DuckDB.
//
// A night opens a private working database (Open), which is locked down: no file outside the allowed
// folders, no extension, no change of settings. A Build joins it with the Graph that Load reads from the
// SQL files: lake files become views (ProvideLake), tables that Go code makes come in as rows or Arrow
// records (Fill, Insert), RunReady makes every model whose upstream is there, Check runs the checks, and
// Publish writes a fresh database file. Columns leave as Arrow records (Query). Readers of a published
// database use OpenReader.
package warehouse

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Options says where a database lies and what it may use.
type Options struct {
	// Path is the private working file, which must not exist; "" keeps the database in memory.
	Path string
	// Threads is the number of worker threads; 0 is one for each core. Results do not depend on it.
	Threads int
	// MemoryLimit is what DuckDB may use before it spills, in its notation ("4GB"); "" is 80% of the machine.
	MemoryLimit string
	// TempDir is where operators spill; "" is beside Path, and nowhere for a database in memory.
	TempDir string
	// AllowedDirs are the folders whose files may be read and written. Everything else is refused.
	AllowedDirs []string
}

// DB is an open, locked-down DuckDB database. Exec and Query may be called from several goroutines; they
// run one after the other. A Build on it belongs to one goroutine.
type DB struct {
	session *session
	schemas map[string]bool // those that exist
}

// Open opens a working database.
func Open(ctx context.Context, opt Options) (*DB, error) {
	if err := checkDatabasePath(opt.Path); err != nil {
		return nil, err
	}
	s, err := openSession(opt.Path, opt.globals())
	if err != nil {
		return nil, fmt.Errorf("open working database %s: %w", opt.Path, err)
	}
	db := &DB{session: s, schemas: map[string]bool{mainSchema: true}}
	if err := lockDown(ctx, s, opt.AllowedDirs); err != nil {
		s.close()
		return nil, err
	}
	return db, nil
}

// Close closes the database. The working file stays; it belongs to the caller.
func (db *DB) Close() { db.session.close() }

// Exec runs one statement; values are bound to its parameters `?` or `$1` in order. It may be a statement
// of another package, for example of pipeline/rollup.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	_, err := db.session.exec(ctx, query, args...)
	return err
}

// globals returns the options that DuckDB takes when it opens a database.
func (opt Options) globals() [][2]string {
	options := [][2]string{
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		// Statements that write rows without ORDER BY keep the order of their input on any number of threads.
		{"preserve_insertion_order", "true"},
	}
	if opt.Threads > 0 {
		options = append(options, [2]string{"threads", strconv.Itoa(opt.Threads)})
	}
	if opt.MemoryLimit != "" {
		options = append(options, [2]string{"memory_limit", opt.MemoryLimit})
	}
	temp := opt.TempDir
	if temp == "" && opt.Path != "" {
		temp = opt.Path + ".tmp"
	}
	return append(options, [2]string{"temp_directory", temp})
}

// lockDown closes the session to everything but the allowed folders, for good. A folder whose name has
// glob characters is allowed under its escaped name too, by which views name the files in it.
func lockDown(ctx context.Context, s *session, dirs []string) error {
	var allowed []string
	for _, d := range dirs {
		if !filepath.IsAbs(d) {
			return fmt.Errorf("allow folder %q: the path is not absolute", d)
		}
		d = strings.TrimSuffix(filepath.Clean(d), "/") + "/"
		allowed = append(allowed, literal(d))
		if e := globEscape(d); e != d {
			allowed = append(allowed, literal(e))
		}
	}
	for _, statement := range []string{
		"SET TimeZone='UTC'",
		"SET allowed_directories=[" + strings.Join(allowed, ", ") + "]",
		"SET enable_external_access=false",
		"SET lock_configuration=true",
	} {
		if _, err := s.exec(ctx, statement); err != nil {
			return fmt.Errorf("lock DuckDB down: %w", err)
		}
	}
	return nil
}

// ErrPath is the reason why a database cannot lie at a path.
var ErrPath = errors.New("DuckDB takes what follows a question mark in a path for options; rename the folder")

// checkDatabasePath refuses paths that DuckDB would take for something else than a local file.
func checkDatabasePath(path string) error {
	if path == "" {
		return nil
	}
	if !filepath.IsAbs(path) {
		return fmt.Errorf("open database %q: the path is not absolute", path)
	}
	if strings.Contains(path, "?") {
		return fmt.Errorf("open database %q: %w", path, ErrPath)
	}
	return nil
}

// createSchema makes a schema once.
func (db *DB) createSchema(ctx context.Context, schema string) error {
	if db.schemas[schema] {
		return nil
	}
	if _, err := db.session.exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+ident(schema)); err != nil {
		return fmt.Errorf("create schema %s: %w", schema, err)
	}
	db.schemas[schema] = true
	return nil
}

// createEmpty makes an empty table with the declared columns.
func (db *DB) createEmpty(ctx context.Context, n Name, columns []Column) error {
	if err := db.createSchema(ctx, n.Schema); err != nil {
		return err
	}
	defs := make([]string, len(columns))
	for i, c := range columns {
		defs[i] = ident(c.Name) + " " + string(c.Type)
	}
	if _, err := db.session.exec(ctx, "CREATE TABLE "+n.sql()+" ("+strings.Join(defs, ", ")+")"); err != nil {
		return fmt.Errorf("create table %s: %w", n, err)
	}
	return nil
}
