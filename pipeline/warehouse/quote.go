package warehouse

import (
	"fmt"
	"regexp"
	"strings"
)

// Name is the name of a table, view or other relation within its schema.
type Name struct{ Schema, Table string }

// String returns the name as SQL files write it: tables of schema main are not qualified.
func (n Name) String() string {
	if n.Schema == mainSchema {
		return n.Table
	}
	return n.Schema + "." + n.Table
}

// sql returns the quoted, qualified name.
func (n Name) sql() string { return ident(n.Schema) + "." + ident(n.Table) }

// ParseName reads a name as String writes it.
func ParseName(s string) (Name, error) {
	n := Name{Schema: mainSchema, Table: s}
	if schema, table, ok := strings.Cut(s, "."); ok {
		n = Name{Schema: schema, Table: table}
	}
	if !declaredName.MatchString(n.Schema) || !declaredName.MatchString(n.Table) {
		return Name{}, fmt.Errorf("table name %q: want [schema.]table in lower case", s)
	}
	return n, nil
}

// declaredName is what a schema, table or column may be called.
var declaredName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// ident quotes an identifier. It is the only way by which a name gets into SQL text.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// idents quotes a list of identifiers.
func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = ident(n)
	}
	return strings.Join(quoted, ", ")
}

// literal quotes a string for the few statements in which DuckDB accepts no parameter: ATTACH, COMMENT
// ON, and the file list inside CREATE VIEW.
func literal(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// globEscape makes a path match itself only where DuckDB expands `*`, `?` and `[`: it has no escape
// character, but a one-character set matches literally.
func globEscape(path string) string {
	return globChars.Replace(path)
}

var globChars = strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`)
