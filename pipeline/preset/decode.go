package preset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Parse decodes and checks a mapping. name is what problems call the file; with, of which there is one at most, holds
// what the source adds that uses it. The error is of type Problems and holds all of them; where a required parameter
// is not set it holds only these, because nothing else can then be judged.
func Parse(name string, data []byte, with ...With) (*Mapping, error) {
	var w With
	if len(with) > 0 {
		w = with[0]
	}
	r := newReader(name, data, w)
	m := &Mapping{Name: name}
	if root := r.load(); root != nil {
		r.mapping(m, root, w)
	}
	if len(r.problems) > 0 {
		return nil, r.problems.sorted()
	}
	return m, nil
}

func (r *reader) mapping(m *Mapping, n ast.Node, with With) {
	var objects []member
	for _, f := range r.members("", n, []string{"title", "about", "parameters", "objects"}) {
		switch f.key {
		case "title":
			m.Title = r.text(f)
		case "about":
			m.About = strings.TrimSpace(r.text(f))
		case "parameters":
			if !r.parameters(f, with) {
				return
			}
			m.Parameters = r.declared
		case "objects":
			objects = r.items(f.path, f.value)
		}
	}
	if len(objects) == 0 {
		r.report("objects", "must list at least one object", "")
	}
	seen := map[string]bool{}
	for _, it := range objects {
		if !r.wanted(it) {
			continue
		}
		o := r.object(it)
		if seen[o.Name] && o.Name != "" {
			r.report(it.path+".object", fmt.Sprintf("names %q a second time", o.Name),
				"one object has one list of files: a snapshot of one would delete what the other loaded")
		}
		seen[o.Name] = true
		m.Objects = append(m.Objects, o)
	}
}

func (r *reader) object(m member) Object {
	o := Object{Format: FormatAuto, Read: DefaultRead(), Contract: DefaultContract()}
	r.columnAt = r.columnAt[:0]
	var tables, dialects []member
	r.lets = nil
	known := []string{"object", "files", "header", "format", "mode", "needs", "parts", "read", "dialects", "contract", "required", "let", "drop", "tables"}
	for _, f := range r.members(m.path, m.value, known) {
		switch f.key {
		case "object":
			o.Name = r.text(f)
		case "files":
			o.Files = r.texts(f)
		case "header":
			o.Header = r.columns(f)
		case "format":
			o.Format = r.text(f)
		case "mode":
			o.Mode = contract.Mode(r.text(f))
		case "parts":
			o.Parts = r.pattern(f)
		case "read":
			o.Read = r.readOptions(f, o.Read)
		case "dialects":
			dialects = r.items(f.path, f.value)
		case "contract":
			o.Contract = r.contract(f)
		case "required":
			o.RequiredColumns = r.columns(f)
		case "let":
			o.Let = r.let(f)
		case "drop":
			o.Drop = r.columns(f)
		case "tables":
			tables = r.items(f.path, f.value)
		}
	}
	// Dialects and tables need what the object says, wherever the file says it.
	for _, d := range dialects {
		if r.wanted(d) {
			o.Dialects = append(o.Dialects, r.dialect(d, &o))
		}
	}
	r.checkObject(m.path, &o)
	if len(tables) == 0 {
		r.report(m.path+".tables", "must list at least one table", "")
	}
	modes := map[string]contract.Mode{}
	for _, it := range tables {
		if !r.wanted(it) {
			continue
		}
		t := r.table(it, &o)
		r.checkMode(it.path, &t, &o, modes)
		r.checkTable(it.path, &t)
		o.Tables = append(o.Tables, t)
	}
	if o.Format == FormatJSON {
		r.checkPaths()
	}
	return o
}

func (r *reader) table(m member, o *Object) Table {
	t := Table{Mode: o.Mode}
	for _, f := range r.members(m.path, m.value, []string{"table", "mode", "needs", "each", "where", "deleted", "contract", "columns"}) {
		switch f.key {
		case "table":
			t.Name = r.text(f)
		case "mode":
			t.Mode = contract.Mode(r.text(f))
		case "each":
			t.Each = r.each(f)
		case "where":
			t.Where = r.conditions(f)
		case "deleted":
			c := r.condition(f, true)
			t.Deleted = &c
		case "contract":
			t.Types, t.Values = r.reactions(f)
		case "columns":
			for _, c := range r.members(f.path, f.value, nil) {
				if r.wanted(c) {
					t.Columns = append(t.Columns, r.column(c, o))
				}
			}
		}
	}
	if declared, ok := contract.Lookup(t.Name); ok {
		slices.SortStableFunc(t.Columns, func(a, b Column) int { return declared.Index(a.Name) - declared.Index(b.Name) })
	}
	return t
}

func (r *reader) conditions(m member) []Condition {
	var out []Condition
	for _, it := range r.items(m.path, m.value) {
		if r.wanted(it) {
			out = append(out, r.condition(it, false))
		}
	}
	return out
}

// condition decodes a condition; alone says that it stands for itself, so that it may not have alternatives.
func (r *reader) condition(m member, alone bool) Condition {
	var c Condition
	known := []string{"from", "in", "not_in", "matches", "empty", "optional", "needs", "any"}
	if alone {
		known = known[:len(known)-1]
	}
	for _, f := range r.members(m.path, m.value, known) {
		switch f.key {
		case "from":
			c.From = r.names(f)
		case "in":
			c.In = r.texts(f)
		case "not_in":
			c.NotIn = r.texts(f)
		case "matches":
			c.Matches = r.pattern(f)
		case "empty":
			empty := r.truth(f)
			c.Empty = &empty
		case "optional":
			c.Optional = r.truth(f)
		case "any":
			if c.Any = r.conditions(f); len(c.Any) == 0 {
				r.report(f.path, "must list at least one condition", "")
			}
		}
	}
	r.checkCondition(m.path, &c)
	return c
}

func (r *reader) column(m member, o *Object) Column {
	c := Column{Name: m.key}
	known := []string{"from", "const", "key", "resolve", "source", "transform", "map", "match", "else", "default", "contract", "needs"}
	for _, f := range r.members(m.path, m.value, known) {
		switch f.key {
		case "from":
			c.From = r.columns(f)
		case "const":
			c.Const = r.optionalText(f)
		case "key":
			if c.Key = r.text(f); c.Key == "true" {
				c.Key = o.Name
			}
		case "resolve":
			r.resolve(f, &c)
		case "source":
			c.Source = r.text(f)
		case "transform":
			c.Transforms = r.transforms(f)
		case "map":
			c.Map = r.textMap(f)
		case "match":
			c.Match = r.patterns(f)
		case "else":
			c.Else = r.optionalText(f)
		case "default":
			c.Default = r.optionalText(f)
		case "contract":
			c.Types, c.Values = r.reactions(f)
		}
	}
	// Only now is it known whether the columns are parts, or names of one.
	if !c.JoinsAll() && len(c.From) > 1 {
		c.From = []Names{slices.Concat(c.From...)}
	}
	return c
}

func (r *reader) patterns(m member) []Pattern {
	var out []Pattern
	for _, it := range r.items(m.path, m.value) {
		var p Pattern
		for _, f := range r.members(it.path, it.value, []string{"matches", "to"}) {
			switch f.key {
			case "matches":
				p.Matches = r.pattern(f)
			case "to":
				p.To = r.text(f)
			}
		}
		if p.Matches == "" {
			r.report(it.path, "needs matches, a pattern, and to, the value of the texts that it matches", "")
		}
		out = append(out, p)
	}
	return out
}

// resolve reads {id_type: ..., source: ...}, the id_type alone, or a list of references.
func (r *reader) resolve(m member, c *Column) {
	switch r.plain(m.value).(type) {
	case *ast.SequenceNode:
		for _, it := range r.items(m.path, m.value) {
			if r.wanted(it) {
				c.References = append(c.References, r.partnerReference(it))
			}
		}
		if len(c.References) == 0 {
			r.report(m.path, "must list at least one reference", "")
		}
		return
	case *ast.MappingNode:
	default:
		c.Resolve = r.text(m)
		return
	}
	for _, f := range r.members(m.path, m.value, []string{"id_type", "source"}) {
		switch f.key {
		case "id_type":
			c.Resolve = r.text(f)
		case "source":
			c.Source = r.text(f)
		}
	}
	if c.Resolve == "" {
		r.report(m.path, "needs id_type, the kind of identifier", "")
	}
}

func (r *reader) partnerReference(m member) Reference {
	var ref Reference
	for _, f := range r.members(m.path, m.value, []string{"id_type", "key", "source", "from", "sep", "transform", "needs"}) {
		switch f.key {
		case "sep":
			ref.Sep = r.text(f)
		case "id_type":
			ref.IDType = r.text(f)
		case "key":
			ref.Key = r.text(f)
		case "source":
			ref.Source = r.text(f)
		case "from":
			ref.From = r.names(f)
		case "transform":
			ref.Transforms = r.transforms(f)
		}
	}
	r.checkReference(m.path, &ref)
	return ref
}
