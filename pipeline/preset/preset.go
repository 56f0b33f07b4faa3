// Package preset holds mappings: which file of a source feeds which canonical tables, and how.
//
// A mapping is a YAML file. Parse decodes it strictly, checks it against the contract and reports everything that is
// wrong with it at once, each problem with its path, line and what to do. What it returns is plain data; ingest
// compiles it for the file at hand.
//
// A column is filled in this order: the text comes from the first of its `from` columns that is not null (or from
// all of them, for keys and concat), goes through the text transforms in turn, then through `map`, and is at last
// read as the column's type by the transform that is named or by the type's strict default. Constants, defaults and
// the values of a map are canonical: true, 12.5, 2026-10-31, 2026-10-31T09:00:00Z.
//
// A null takes `default`, else the `else` of a map, else it stays null. A text that the map or the closed list of a
// column does not hold takes `else`, else the list's own unknown or other, which is counted; in a free text column it
// stays as it is, in any other it is refused.
//
// A native key is `<source>:<key>:<id>`. The parts of a key of several columns are joined by |, and a | or \ within
// a part gets a \ before it, so that different parts never make the same key.
package preset

import (
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Mapping says how the files of one source become rows.
type Mapping struct {
	// Name is the file as the user named it. It is no part of the version.
	Name    string   `json:"-"`
	Objects []Object `json:"objects"`
}

// Find returns the first object whose file patterns match path, which is '/'-separated and relative to the source.
func (m *Mapping) Find(path string) (*Object, bool) {
	for i := range m.Objects {
		if slices.ContainsFunc(m.Objects[i].Files, func(glob string) bool { return Match(glob, path) }) {
			return &m.Objects[i], true
		}
	}
	return nil, false
}

// Object is one kind of file.
type Object struct {
	// Name is the object at the source, for example deals.
	Name string `json:"object"`
	// Files are the patterns of Match.
	Files []string      `json:"files"`
	Mode  contract.Mode `json:"mode"`
	Read  ReadOptions   `json:"read"`
	// RequiredColumns are named by the mapping; Required adds those that follow from the columns.
	RequiredColumns []string `json:"required,omitempty"`
	Tables          []Table  `json:"tables"`
}

// ReadOptions say how the bytes of a file become records.
type ReadOptions struct {
	// Delimiter is one of the bytes , ; tab and |, or 0 to detect it from the header.
	Delimiter byte `json:"delimiter,omitempty"`
	// Quote is the quote sign, 0 for none.
	Quote byte `json:"quote,omitempty"`
	// Encoding is an IANA name, or auto: by byte order mark, else UTF-8.
	Encoding string `json:"encoding"`
	// NullValues are the texts that mean null.
	NullValues []string `json:"null_values"`
	// TimeZone is the IANA zone of local times; "" leaves it to the source's configuration.
	TimeZone string `json:"timezone,omitempty"`
}

// DefaultRead returns the options that hold where a mapping says nothing.
func DefaultRead() ReadOptions {
	return ReadOptions{Quote: '"', Encoding: EncodingAuto, NullValues: []string{""}}
}

// Table is a canonical table that an object feeds, one row or none for each record.
type Table struct {
	Name string `json:"table"`
	// Mode is the object's unless the table states its own.
	Mode contract.Mode `json:"mode"`
	// Where holds the conditions that a record must all meet; others are counted as filtered.
	Where []Condition `json:"where,omitempty"`
	// Deleted says which records tell that their key is gone.
	Deleted *Condition `json:"deleted,omitempty"`
	// Columns are the mapped columns, in the order of the contract.
	Columns []Column `json:"columns"`
}

// Column returns the mapping of the column called name.
func (t *Table) Column(name string) (*Column, bool) {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i], true
		}
	}
	return nil, false
}

// Condition tests one column of the export: its text without blanks around it, "" where it is null or absent.
// Exactly one of the tests is set.
type Condition struct {
	From    string   `json:"from"`
	In      []string `json:"in,omitempty"`
	NotIn   []string `json:"not_in,omitempty"`
	Matches string   `json:"matches,omitempty"`
	Empty   *bool    `json:"empty,omitempty"`
}

// Column says how one canonical column is filled.
type Column struct {
	Name string `json:"name"`
	// From names columns of the export: alternatives, or the parts of a key or concat.
	From []string `json:"from,omitempty"`
	// Const fills the column with the same value in every row.
	Const *string `json:"const,omitempty"`
	// Key makes a native key `<source>:<Key>:<parts>`.
	Key string `json:"key,omitempty"`
	// Resolve makes a partner reference `<source>:<Resolve>:<value>` of that kind of identifier.
	Resolve string `json:"resolve,omitempty"`
	// Source is the source instance of a key or reference, "" for the one that is read.
	Source     string      `json:"source,omitempty"`
	Transforms []Transform `json:"transform,omitempty"`
	// Map takes texts to canonical values, Else is for all others, the empty one included.
	Map  map[string]string `json:"map,omitempty"`
	Else *string           `json:"else,omitempty"`
	// Default takes the place of null.
	Default *string `json:"default,omitempty"`
}

// Transform is one step from text to value, with the options of its kind.
type Transform struct {
	Name TransformName `json:"name"`
	// Layouts are those of ts and date.
	Layouts []string `json:"layouts,omitempty"`
	// Point and Group are the decimal sign and the group sign of numbers.
	Point byte   `json:"point,omitempty"`
	Group string `json:"group,omitempty"`
	// Digits are those of minor_units.
	Digits int `json:"digits,omitempty"`
	// Sep is that of split and concat, Index the part that split takes.
	Sep   string `json:"sep,omitempty"`
	Index int    `json:"index,omitempty"`
	// Pattern is that of from_filename.
	Pattern string `json:"pattern,omitempty"`
	// True and False are the words of bool.
	True  []string `json:"true,omitempty"`
	False []string `json:"false,omitempty"`
}

// Transform returns the column's transform called name.
func (c *Column) Transform(name TransformName) (*Transform, bool) {
	for i := range c.Transforms {
		if c.Transforms[i].Name == name {
			return &c.Transforms[i], true
		}
	}
	return nil, false
}

// JoinsAll reports whether the column is made of all of its From columns, not of the first that is not null: for
// concat, and for keys without coalesce.
func (c *Column) JoinsAll() bool {
	_, concat := c.Transform(Concat)
	_, coalesce := c.Transform(Coalesce)
	return concat || c.Key != "" && !coalesce
}
