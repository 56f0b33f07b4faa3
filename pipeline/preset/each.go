package preset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Each cuts a record into units, of which every one makes a row of the table: the parts of one cell, or the columns
// whose names match a pattern. What a unit holds is read like a column whose name begins with @.
type Each struct {
	// Split is the column whose cell is cut at every Sep. Parts that are null are no units.
	Split Names  `json:"split,omitempty"`
	Sep   string `json:"sep,omitempty"`
	// Columns is a regular expression on the names of columns. Every column whose own name matches, and that the object
	// does not read by its name, makes a unit where its cell is not null, or one for each part where there is a Sep.
	Columns string `json:"columns,omitempty"`
	// Names are the values that the groups of Columns give.
	Names []string `json:"names,omitempty"`
	// Except are columns that make no unit although they match.
	Except []string `json:"except,omitempty"`
	// Before and Beside name the cells to the left and to the right of the unit's, "" where they do not matter. With
	// Pairs the column to the right belongs to the unit and makes none itself.
	Before string `json:"before,omitempty"`
	Beside string `json:"beside,omitempty"`
	Pairs  bool   `json:"pairs,omitempty"`
	// As names the part, or the cell.
	As string `json:"as"`
}

// Virtual returns the names by which columns read the values of a unit, each with its @.
func (e *Each) Virtual() []string {
	out := []string{"@" + e.As}
	for _, name := range e.Names {
		out = append(out, "@"+name)
	}
	for _, name := range []string{e.Before, e.Beside} {
		if name != "" {
			out = append(out, "@"+name)
		}
	}
	return out
}

func (r *reader) each(m member) *Each {
	e := &Each{}
	known := []string{"split", "sep", "columns", "names", "except", "before", "beside", "pairs", "as"}
	for _, f := range r.members(m.path, m.value, known) {
		switch f.key {
		case "split":
			e.Split = r.names(f)
		case "sep":
			e.Sep = r.text(f)
		case "columns":
			e.Columns = r.text(f)
		case "names":
			e.Names = r.texts(f)
		case "except":
			for _, name := range r.texts(f) {
				e.Except = append(e.Except, r.aliased(Names{name})...)
			}
		case "before":
			e.Before = r.text(f)
		case "beside":
			e.Beside = r.text(f)
		case "pairs":
			e.Pairs = r.truth(f)
		case "as":
			e.As = r.text(f)
		}
	}
	r.checkEach(m.path, e)
	return e
}

// virtualForm is what the names of a unit's values look like.
var virtualForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (r *reader) checkEach(path string, e *Each) {
	switch bySplit, byColumns := len(e.Split) > 0, e.Columns != ""; {
	case bySplit == byColumns:
		r.report(path, "needs either split or columns", `split: a column whose cell holds several, columns: "a pattern of names of columns"`)
	case bySplit:
		if e.Sep == "" {
			r.report(path+".sep", "is missing", `the sign between the parts, for example sep: ";"`)
		}
		if len(e.Names)+len(e.Except) > 0 || e.Before != "" || e.Beside != "" || e.Pairs {
			r.report(path, "splits a cell, so names, except, before, beside and pairs mean nothing", "leave them out")
		}
	default:
		if e.Pairs && e.Beside == "" {
			r.report(path+".pairs", "needs beside, the name of the column to the right", "")
		}
		r.checkEachPattern(path, e)
	}
	var seen []string
	for _, name := range e.Virtual() {
		switch {
		case !virtualForm.MatchString(name[1:]):
			r.report(path+".as", fmt.Sprintf("%q is no name of a value", name[1:]), "use small letters, digits and _; it is then read as from: [\"@name\"]")
		case slices.Contains(seen, name):
			r.report(path, fmt.Sprintf("names %q twice", name[1:]), "")
		}
		seen = append(seen, name)
	}
}

func (r *reader) checkEachPattern(path string, e *Each) {
	re, err := regexp.Compile(e.Columns)
	switch {
	case err != nil:
		r.report(path+".columns", "is no regular expression: "+err.Error(), "")
	case re.NumSubexp() != len(e.Names):
		r.report(path+".names", fmt.Sprintf("has %d names for %d groups of the pattern", len(e.Names), re.NumSubexp()),
			"give each group in brackets a name, and write (?:...) for brackets that are no group")
	}
}

// checkUnits reports values of units that no Each makes, and keys that do not tell the units of a record apart.
func (r *reader) checkUnits(path string, t *Table, declared *contract.Table) {
	made := slices.Clone(r.lets)
	var units []string
	if t.Each != nil {
		units = t.Each.Virtual()
		made = append(made, units...)
	}
	inKey := false
	visit := func(at string, names Names) {
		for _, name := range names {
			if !IsVirtual(name) {
				continue
			}
			if !slices.Contains(made, name) {
				hint := "name it by each: {as: ...} of the table, or by let of the object"
				if len(made) > 0 {
					hint = "there are " + strings.Join(made, ", ")
				}
				r.report(at, fmt.Sprintf("reads %s, which no unit holds", name), hint)
			}
		}
	}
	for i := range t.Where {
		t.Where[i].eachNames(func(n Names) { visit(fmt.Sprintf("%s.where[%d].from", path, i), n) })
	}
	if t.Deleted != nil {
		t.Deleted.eachNames(func(n Names) { visit(path+".deleted.from", n) })
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		names := slices.Clone(c.From)
		for _, ref := range c.References {
			names = append(names, ref.From)
		}
		for _, n := range names {
			visit(path+".columns."+c.Name+".from", n)
			if declared.IsKey(c.Name) && slices.ContainsFunc(n, func(name string) bool { return slices.Contains(units, name) }) {
				inKey = true
			}
		}
	}
	if t.Each != nil && !inKey {
		r.report(path+".each", "makes several rows of a record that all have the same key", "let a column of the key ("+
			strings.Join(declared.Key, ", ")+") come from "+strings.Join(units, " or "))
	}
}
