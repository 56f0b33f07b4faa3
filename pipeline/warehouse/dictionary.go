package warehouse

import (
	"slices"
	"strings"
)

// Entry is one line of the data dictionary: a column of a published table.
type Entry struct {
	Table, Column string
	Position      int
	Type          Type
	Meaning       string
	// TableMeaning, Grain and Key are those of the table.
	TableMeaning, Grain, Key string
}

// Dictionary returns the data dictionary of the declared tables that a night publishes, by table and
// position. A database that a Build published has the same in data_dictionary, and with it the tables
// that were inserted without a declaration.
func Dictionary(g *Graph) []Entry {
	var entries []Entry
	for _, m := range g.published() {
		entries = append(entries, m.entries()...)
	}
	return entries
}

// eventTable is canonical and not published: a row an event would be most of the file, and analysts read
// its days in fct_partner_day.
var eventTable = Name{canonicalSchema, "engagement_event"}

// isPublished reports whether tables of this name leave the working database.
func isPublished(n Name) bool {
	return (n.Schema == mainSchema || n.Schema == canonicalSchema) && n != eventTable
}

// published returns the declarations of the tables that are published, by name.
func (g *Graph) published() []*Model {
	var out []*Model
	for _, set := range []map[Name]*Model{g.models, g.inputs} {
		for n, m := range set {
			if isPublished(n) {
				out = append(out, m)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Model) int { return compareNames(a.Relation, b.Relation) })
	return out
}

// entries returns the dictionary of one table.
func (m *Model) entries() []Entry {
	entries := make([]Entry, len(m.Columns))
	for i, c := range m.Columns {
		entries[i] = Entry{
			Table: m.Relation.String(), Column: c.Name, Position: i + 1, Type: c.Type, Meaning: c.Meaning,
			TableMeaning: m.Summary, Grain: m.Grain, Key: strings.Join(m.Key, ", "),
		}
	}
	return entries
}

// row returns the entry as a row of data_dictionary.
func (e Entry) row() Row {
	return Row{
		"table_name": e.Table, "column_name": e.Column, "column_position": e.Position, "column_type": string(e.Type),
		"meaning": e.Meaning, "table_meaning": e.TableMeaning, "table_grain": e.Grain, "table_key": e.Key,
	}
}

// comment returns the text of COMMENT ON TABLE.
func (m *Model) comment() string {
	parts := []string{m.Summary, "Grain: " + m.Grain + ".", "Key: " + strings.Join(m.Key, ", ") + "."}
	return strings.Join(append(parts, m.Notes...), " ")
}
