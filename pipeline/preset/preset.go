package preset

import (
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Mapping says how the files of one source become rows.
type Mapping struct {
	// Name is the file as the user named it. It is no part of the version, and neither are Title, About and Parameters:
	// the values of parameters are, where the objects use them.
	Name string `json:"-"`
	// Title and About describe the mapping to a person, in a line and at length.
	Title string `json:"-"`
	About string `json:"-"`
	// Parameters are declared in the order of the file.
	Parameters []Parameter `json:"-"`
	Objects    []Object    `json:"objects"`
}

// Merge returns the objects of own before those of base, without those of base that have the name of one of own.
// It is how a source changes a few objects of a built-in mapping.
func Merge(own, base *Mapping) *Mapping {
	m := &Mapping{Name: base.Name + "+" + own.Name, Title: base.Title, About: base.About}
	m.Parameters = slices.Concat(own.Parameters, base.Parameters)
	m.Objects = slices.Clone(own.Objects)
	for _, o := range base.Objects {
		if !slices.ContainsFunc(own.Objects, func(other Object) bool { return other.Name == o.Name }) {
			m.Objects = append(m.Objects, o)
		}
	}
	return m
}

// Object is one kind of file.
type Object struct {
	// Name is the object at the source, for example deals.
	Name string `json:"object"`
	// Files are the patterns of Match; none where the header alone tells what a file is.
	Files []string `json:"files,omitempty"`
	// Header is the signature: columns that a file of this object has.
	Header []Names `json:"header,omitempty"`
	// Format is one of the Format constants.
	Format string        `json:"format,omitempty"`
	Mode   contract.Mode `json:"mode"`
	// Parts is a regular expression on paths: files for which its groups are the same are parts of one snapshot.
	Parts string      `json:"parts,omitempty"`
	Read  ReadOptions `json:"read"`
	// Dialects are the ways in which the source writes this object, in the order in which they are tried.
	Dialects []Dialect `json:"dialects,omitempty"`
	Contract Contract  `json:"contract"`
	// RequiredColumns are named by the mapping; Required adds those that follow from the columns.
	RequiredColumns []Names `json:"required,omitempty"`
	// Let are texts that are made once for each record, in the order in which they are made.
	Let []Let `json:"let,omitempty"`
	// Drop are columns that are known and never kept, not even beside the rows: clear names, addresses of machines.
	Drop   []Names `json:"drop,omitempty"`
	Tables []Table `json:"tables"`

	// DialectName is the dialect that In chose, "" for none.
	DialectName string `json:"-"`
	// base is the object as it was declared, where this is the one that In returned.
	base *Object
}

// The formats of files. FormatAuto tells them by their content.
const (
	FormatAuto    = "auto"
	FormatCSV     = "csv"
	FormatJSON    = "json"
	FormatXLSX    = "xlsx"
	FormatParquet = "parquet"
)

// Names are the names under which an export may carry one column: its label, its internal name, what the
// configuration adds as aliases. The first that the record has and that is not null counts. In a JSON file a name is
// a path.
type Names []string

// String returns the names as a person would write them.
func (n Names) String() string { return strings.Join(n, " or ") }

// Fold is a name as names are compared: in lower case, with single blanks.
func Fold(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(name), " "))
}

// IsVirtual reports whether a name means a value of the unit that Each makes, not a column of the export.
func IsVirtual(name string) bool { return strings.HasPrefix(name, "@") }

// Table is a canonical table that an object feeds: one row or none for each record, or for each unit of Each.
type Table struct {
	Name string `json:"table"`
	// Mode is the object's unless the table states its own.
	Mode contract.Mode `json:"mode"`
	// Each cuts a record into units, of which each makes a row; nil where the record is the unit.
	Each *Each `json:"each,omitempty"`
	// Where holds the conditions that a record must all meet; others are counted as filtered.
	Where []Condition `json:"where,omitempty"`
	// Deleted says which records tell that their key is gone.
	Deleted *Condition `json:"deleted,omitempty"`
	// Types and Values are the contract's reactions where the table has its own.
	Types  Reaction `json:"types,omitempty"`
	Values Reaction `json:"values,omitempty"`
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
// Exactly one of the tests is set, or Any and nothing else.
type Condition struct {
	From    Names    `json:"from,omitempty"`
	In      []string `json:"in,omitempty"`
	NotIn   []string `json:"not_in,omitempty"`
	Matches string   `json:"matches,omitempty"`
	Empty   *bool    `json:"empty,omitempty"`
	// Optional is set where a file without the column is read all the same.
	Optional bool `json:"optional,omitempty"`
	// Any holds conditions of which one is enough.
	Any []Condition `json:"any,omitempty"`
}

// Column says how one canonical column is filled.
type Column struct {
	Name string `json:"name"`
	// From names columns of the export: one, under any of its names, or the parts of a key or concat.
	From []Names `json:"from,omitempty"`
	// Const fills the column with the same value in every row.
	Const *string `json:"const,omitempty"`
	// Key makes a native key `<source>:<Key>:<parts>`.
	Key string `json:"key,omitempty"`
	// Resolve makes a partner reference `<source>:<Resolve>:<value>` of that kind of identifier.
	Resolve string `json:"resolve,omitempty"`
	// References are several such references in the order in which they are tried; the row keeps them all.
	References []Reference `json:"references,omitempty"`
	// Source is the source instance of a key or reference, "" for the one that is read.
	Source     string      `json:"source,omitempty"`
	Transforms []Transform `json:"transform,omitempty"`
	// Map takes texts to canonical values, then Match the texts that its patterns fit, Else is for all others, the
	// empty one included.
	Map   map[string]string `json:"map,omitempty"`
	Match []Pattern         `json:"match,omitempty"`
	Else  *string           `json:"else,omitempty"`
	// Default takes the place of null.
	Default *string `json:"default,omitempty"`
	// Types and Values are the contract's reactions where the column has its own.
	Types  Reaction `json:"types,omitempty"`
	Values Reaction `json:"values,omitempty"`
}

// Reference is one way of naming a partner: `<source>:<IDType>:<value>`, where the value of a person is that
// person's native key `<source>:<Key>:<id>`.
type Reference struct {
	IDType string `json:"id_type"`
	Key    string `json:"key,omitempty"`
	Source string `json:"source,omitempty"`
	From   Names  `json:"from"`
	// Sep cuts a cell that holds several identifiers; "" for one that holds one.
	Sep        string      `json:"sep,omitempty"`
	Transforms []Transform `json:"transform,omitempty"`
}

// Pattern is a value for all texts that a regular expression finds a place in.
type Pattern struct {
	Matches string `json:"matches"`
	To      string `json:"to"`
}

// Transform is one step from text to value, with the options of its kind.
type Transform struct {
	Name TransformName `json:"name"`
	// Layouts are those of ts and date.
	Layouts []string `json:"layouts,omitempty"`
	// Point and Group are the decimal sign and the group sign of numbers.
	Point byte   `json:"point,omitempty"`
	Group string `json:"group,omitempty"`
	// Digits are those of minor_units and shift.
	Digits int `json:"digits,omitempty"`
	// Sep is that of split and concat, Index the part that split takes, -1 for the last.
	Sep   string `json:"sep,omitempty"`
	Index int    `json:"index,omitempty"`
	// Pattern is that of from_filename, regex and replace.
	Pattern string `json:"pattern,omitempty"`
	// Prefix is that of strip_prefix.
	Prefix string `json:"prefix,omitempty"`
	// With takes the place of what the pattern of replace matches.
	With string `json:"with,omitempty"`
	// Texts are those that null_if takes for null.
	Texts []string `json:"texts,omitempty"`
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

// Reads returns every column of the export that the object names, in order and once each. Values of units and lets are
// none.
func (o *Object) Reads() []Names {
	var out []Names
	known := map[string]bool{}
	o.eachNames(func(names Names) {
		names = slices.DeleteFunc(slices.Clone(names), IsVirtual)
		key := strings.Join(names, "\n")
		if len(names) > 0 && !known[key] {
			known[key] = true
			out = append(out, names)
		}
	})
	return out
}

// SourceColumns returns the names that Reads returns and those of dropped columns, all of them, once each.
func (o *Object) SourceColumns() []string {
	var out []string
	known := map[string]bool{}
	for _, names := range slices.Concat(o.Reads(), o.Drop) {
		for _, name := range names {
			if !known[name] {
				known[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

// eachNames calls visit for every column of the export that the object names.
func (o *Object) eachNames(visit func(Names)) {
	for _, names := range o.RequiredColumns {
		visit(names)
	}
	for i := range o.Let {
		for _, names := range o.Let[i].From {
			visit(names)
		}
	}
	for i := range o.Tables {
		t := &o.Tables[i]
		if t.Each != nil {
			visit(t.Each.Split)
		}
		for j := range t.Where {
			t.Where[j].eachNames(visit)
		}
		if t.Deleted != nil {
			t.Deleted.eachNames(visit)
		}
		for j := range t.Columns {
			for _, names := range t.Columns[j].From {
				visit(names)
			}
			for _, ref := range t.Columns[j].References {
				visit(ref.From)
			}
		}
	}
}

func (c *Condition) eachNames(visit func(Names)) {
	visit(c.From)
	for i := range c.Any {
		c.Any[i].eachNames(visit)
	}
}
