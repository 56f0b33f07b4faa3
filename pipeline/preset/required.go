package preset

import (
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Requirement is what the header of a file must have: at least one of some columns.
type Requirement struct {
	// AnyOf are the columns, of which one is enough.
	AnyOf []string
	// For names what needs them, for example opportunity.opportunity_id.
	For string
}

// String returns the columns, as a person would write them.
func (r Requirement) String() string { return strings.Join(r.AnyOf, " or ") }

// Required returns the columns of the export without which a file of object o is not read: those that the mapping
// names, those that keys and required canonical columns come from unless they have a default, and those by
// which records are filtered.
func Required(o *Object) []Requirement {
	var out []Requirement
	add := func(why string, anyOf ...string) {
		same := func(r Requirement) bool { return slices.Equal(r.AnyOf, anyOf) }
		if len(anyOf) > 0 && !slices.ContainsFunc(out, same) {
			out = append(out, Requirement{AnyOf: anyOf, For: why})
		}
	}
	for _, name := range o.RequiredColumns {
		add("required", name)
	}
	for i := range o.Tables {
		t := &o.Tables[i]
		declared, ok := contract.Lookup(t.Name)
		if !ok {
			continue
		}
		for _, w := range t.Where {
			add(t.Name+".where", w.From)
		}
		for j := range t.Columns {
			c := &t.Columns[j]
			column, ok := declared.Column(c.Name)
			if !ok || !needed(t, declared, column) || c.Default != nil {
				continue
			}
			why := t.Name + "." + c.Name
			_, concat := c.Transform(Concat)
			if concat || !c.JoinsAll() {
				add(why, c.From...)
				continue
			}
			for _, part := range c.From {
				add(why, part)
			}
		}
	}
	return out
}

// needed reports whether a row cannot be without column c, or without the source text that c alone provides.
func needed(t *Table, declared *contract.Table, c contract.Column) bool {
	if !c.Nullable {
		return true
	}
	raw, ok := RawSibling(declared, c)
	if !ok || raw.Nullable {
		return false
	}
	_, mapped := t.Column(raw.Name)
	return !mapped
}

// RawSibling returns the column that keeps the source text of the enum column c: `<name>_raw`, or `<stem>_raw` for
// `<stem>_class`.
func RawSibling(t *contract.Table, c contract.Column) (contract.Column, bool) {
	if len(c.Enum) == 0 || c.Tag {
		return contract.Column{}, false
	}
	if raw, ok := t.Column(c.Name + "_raw"); ok {
		return raw, true
	}
	stem, ok := strings.CutSuffix(c.Name, "_class")
	if !ok {
		return contract.Column{}, false
	}
	return t.Column(stem + "_raw")
}
