package preset

import (
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Requirement is what the header of a file must have: at least one of some columns.
type Requirement struct {
	// AnyOf are the names, of which one is enough.
	AnyOf Names
	// For names what needs them, for example opportunity.opportunity_id.
	For string
}

// String returns the columns, as a person would write them.
func (r Requirement) String() string { return r.AnyOf.String() }

// Required returns the columns of the export without which a file of object o is not read: those that the mapping
// names, those that keys and required canonical columns come from unless they have a default, and those by
// which records are filtered, unless the condition is optional. What is read from a unit requires nothing, and neither
// does what an optional condition of the same table wants not to be empty.
func Required(o *Object) []Requirement {
	var out []Requirement
	add := func(why string, anyOf Names) {
		anyOf = o.behind(anyOf)
		same := func(r Requirement) bool { return slices.Equal(r.AnyOf, anyOf) }
		if len(anyOf) > 0 && !slices.ContainsFunc(anyOf, IsVirtual) && !slices.ContainsFunc(out, same) {
			out = append(out, Requirement{AnyOf: anyOf, For: why})
		}
	}
	for _, names := range o.RequiredColumns {
		add("required", names)
	}
	for i := range o.Tables {
		t := &o.Tables[i]
		declared, ok := contract.Lookup(t.Name)
		if !ok {
			continue
		}
		for j := range t.Where {
			add(t.Name+".where", t.Where[j].required())
		}
		guarded := t.guarded()
		for j := range t.Columns {
			c := &t.Columns[j]
			column, ok := declared.Column(c.Name)
			if !ok || !needed(t, declared, column) || c.Default != nil {
				continue
			}
			why := t.Name + "." + c.Name
			switch _, concat := c.Transform(Concat); {
			case c.References != nil:
				var all Names
				for _, ref := range c.References {
					all = append(all, ref.From...)
				}
				if !containsAll(guarded, all) {
					add(why, all)
				}
			case concat:
				add(why, slices.Concat(c.From...))
			default:
				for _, part := range c.From {
					if !containsAll(guarded, part) {
						add(why, part)
					}
				}
			}
		}
	}
	return out
}

// guarded returns the columns without which the table takes no record anyway: those that an optional condition wants not
// to be empty. A file that lacks them feeds the object's other tables.
func (t *Table) guarded() Names {
	var out Names
	for i := range t.Where {
		if c := &t.Where[i]; c.Optional && c.Empty != nil && !*c.Empty {
			out = append(out, c.From...)
		}
	}
	return out
}

func containsAll(names, some Names) bool {
	return !slices.ContainsFunc(some, func(name string) bool { return !slices.Contains(names, name) })
}

// required returns the columns of which a file must have one for the condition to say anything.
func (c *Condition) required() Names {
	if c.Optional {
		return nil
	}
	if len(c.Any) == 0 {
		return c.From
	}
	var out Names
	for i := range c.Any {
		names := c.Any[i].required()
		if len(names) == 0 {
			return nil
		}
		out = append(out, names...)
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
