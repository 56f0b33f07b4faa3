// Package contract declares the canonical tables: their columns, types, keys and meaning.
//
// It is data without I/O. Ingest types records by it, the lake writes files by it, the warehouse
// creates the lake views by it, and the data dictionary prints it. A mapping can only fill what is
// declared here, so that no reader downstream ever meets a column that it does not know.
package contract

import (
	"strings"
	"sync"
)

// Type is the type of a column, independent of any storage.
type Type uint8

// The types that a column can have. Decimal is DECIMAL(18,4) and carried as its unscaled int64,
// Date as days since 1970-01-01, Timestamp as microseconds since 1970-01-01T00:00:00Z, JSON as text.
const (
	String Type = iota + 1
	Bool
	Int64
	Float64
	Decimal
	Date
	Timestamp
	JSON
)

// DecimalScale is the number of decimals of every Decimal column.
const DecimalScale = 4

// String returns the type's name as mappings and the data dictionary write it.
func (t Type) String() string {
	switch t {
	case String:
		return "string"
	case Bool:
		return "bool"
	case Int64:
		return "int64"
	case Float64:
		return "float64"
	case Decimal:
		return "decimal(18,4)"
	case Date:
		return "date"
	case Timestamp:
		return "timestamp"
	case JSON:
		return "json"
	}
	return "invalid"
}

// SQL returns the DuckDB type of the column.
func (t Type) SQL() string {
	switch t {
	case Bool:
		return "BOOLEAN"
	case Int64:
		return "BIGINT"
	case Float64:
		return "DOUBLE"
	case Decimal:
		return "DECIMAL(18,4)"
	case Date:
		return "DATE"
	case Timestamp:
		return "TIMESTAMP"
	default:
		return "VARCHAR"
	}
}

// Mode says how a file's records meet what was loaded before.
type Mode string

// The write modes of exports.md section 7.1.
const (
	// Snapshot: the file is the whole truth; a key that is absent was deleted.
	Snapshot Mode = "snapshot"
	// Upsert: the newest version of a key wins.
	Upsert Mode = "upsert"
	// Append: records are facts that never change; a key seen twice is the same fact.
	Append Mode = "append"
)

// Valid reports whether m is one of the declared modes.
func (m Mode) Valid() bool { return m == Snapshot || m == Upsert || m == Append }

// Column is one column of a canonical table.
type Column struct {
	Name     string
	Type     Type
	Nullable bool
	// Enum lists the closed set of values; empty for free columns. Every mapped enum keeps its
	// source text in the sibling column Name+"_raw".
	Enum []string
	// Tag marks an enum that says how a row was made; it has no source text and so no _raw sibling.
	Tag bool
	// Ref names the canonical table whose key this column holds, or "" for none. In the lake it
	// holds the readable native key `<source>:<object>:<native id>`; sql/canonical resolves it.
	Ref     string
	Meaning string
}

// Table is one canonical table as the lake keeps it.
type Table struct {
	Name  string
	Grain string
	// Key names the columns that identify a row.
	Key []string
	// EventTime names the Date or Timestamp column by which facts are ordered in time; "" for dimensions.
	EventTime string
	Columns   []Column
}

// Column returns the declared column called name.
func (t *Table) Column(name string) (Column, bool) {
	if i := t.Index(name); i >= 0 {
		return t.Columns[i], true
	}
	return Column{}, false
}

// Index returns the position of the column called name, or -1.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// IsKey reports whether the column called name is part of the key.
func (t *Table) IsKey(name string) bool {
	for _, k := range t.Key {
		if k == name {
			return true
		}
	}
	return false
}

// Tables returns all canonical tables, in the order of exports.md section 7.2. They are declared once and shared:
// nobody may change them.
func Tables() []*Table { return declared() }

var declared = sync.OnceValue(declare)

func declare() []*Table {
	out := make([]*Table, 0, 26)
	out = append(out, partnerTables()...)
	out = append(out, dealTables()...)
	out = append(out, engagementTables()...)
	out = append(out, moneyTables()...)
	out = append(out, referenceTables()...)
	for _, t := range out {
		t.Columns = withRaw(t.Columns)
	}
	return out
}

// Lookup returns the table called name.
func Lookup(name string) (*Table, bool) {
	for _, t := range Tables() {
		if t.Name == name {
			return t, true
		}
	}
	return nil, false
}

// Lineage returns the columns that every lake row carries behind its own, in file order.
func Lineage() []Column {
	return []Column{
		{Name: "_source", Type: String, Meaning: "configured name of the source instance"},
		{Name: "_preset", Type: String, Meaning: "mapping that typed the row, with its version"},
		{Name: "_object", Type: String, Meaning: "object of the source that the file holds"},
		{Name: "_file", Type: String, Meaning: "path of the export inside its source"},
		{Name: "_file_sha256", Type: String, Meaning: "content hash of the export"},
		{Name: "_row", Type: Int64, Meaning: "record number in the export, 1 for the first record after the header"},
		{Name: "_dialect", Type: String, Meaning: "how the file was read: delimiter, quote, encoding, compression"},
		{Name: "_loaded_at", Type: Timestamp, Meaning: "when the export was received: its modification time at the source"},
		{Name: "_run_id", Type: String, Meaning: "run that wrote the row"},
		{Name: "_row_hash", Type: Int64, Meaning: "hash of the typed values; equal hashes are the same version of a record"},
		{Name: "_extra", Type: JSON, Nullable: true, Meaning: "columns of the record that no mapping names, as a JSON object"},
		{Name: "_deleted", Type: Bool, Meaning: "true where the record says, or its absence from a snapshot says, that the key is gone"},
	}
}

// withRaw inserts, behind every enum column that has none, its `<name>_raw` sibling.
func withRaw(cols []Column) []Column {
	declared := make(map[string]bool, len(cols))
	for _, c := range cols {
		declared[c.Name] = true
	}
	out := make([]Column, 0, len(cols)+4)
	for _, c := range cols {
		out = append(out, c)
		if raw := c.Name + "_raw"; len(c.Enum) > 0 && !c.Tag && !declared[raw] && !isClass(c.Name, declared) {
			out = append(out, Column{Name: raw, Type: String, Nullable: true, Meaning: "source text of " + c.Name})
		}
	}
	return out
}

// isClass reports whether a `<x>_class` enum already has its source text in a declared `<x>_raw`.
func isClass(name string, declared map[string]bool) bool {
	stem, ok := strings.CutSuffix(name, "_class")
	return ok && declared[stem+"_raw"]
}

// The short constructors below keep the declarations one line a column.

func req(name string, t Type, meaning string) Column {
	return Column{Name: name, Type: t, Meaning: meaning}
}

func opt(name string, t Type, meaning string) Column {
	return Column{Name: name, Type: t, Nullable: true, Meaning: meaning}
}

func enum(name, meaning, values string) Column {
	return Column{Name: name, Type: String, Meaning: meaning, Enum: strings.Fields(values)}
}

func optEnum(name, meaning, values string) Column {
	return Column{Name: name, Type: String, Nullable: true, Meaning: meaning, Enum: strings.Fields(values)}
}

func tag(name, meaning, values string) Column {
	c := enum(name, meaning, values)
	c.Tag = true
	return c
}

func optTag(name, meaning, values string) Column {
	c := optEnum(name, meaning, values)
	c.Tag = true
	return c
}

func ref(table string, c Column) Column {
	c.Ref = table
	return c
}
