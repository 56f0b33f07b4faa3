package preset

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Parse decodes and checks a mapping. name is what problems call the file. The error is of type Problems and holds
// all of them.
func Parse(name string, data []byte) (*Mapping, error) {
	r := &reader{file: name, lines: strings.Split(string(data), "\n"), lineOf: map[string]int{}, anchors: map[string]ast.Node{}}
	for i, line := range r.lines {
		r.lines[i] = strings.TrimSuffix(line, "\r")
	}
	m := &Mapping{Name: name}
	if root := r.load(data); root != nil {
		r.mapping(m, root)
		r.checkMapping(m)
	}
	if len(r.problems) > 0 {
		return nil, r.problems.sorted()
	}
	return m, nil
}

func (r *reader) mapping(m *Mapping, n ast.Node) {
	for _, f := range r.members("", n, []string{"objects"}) {
		for _, it := range r.items(f.path, f.value) {
			m.Objects = append(m.Objects, r.object(it))
		}
	}
}

func (r *reader) object(m member) Object {
	o := Object{Read: DefaultRead()}
	var tables []member
	for _, f := range r.members(m.path, m.value, []string{"object", "files", "mode", "read", "required", "tables"}) {
		switch f.key {
		case "object":
			o.Name = r.text(f)
		case "files":
			o.Files = r.texts(f)
		case "mode":
			o.Mode = contract.Mode(r.text(f))
		case "read":
			o.Read = r.readOptions(f)
		case "required":
			o.RequiredColumns = r.texts(f)
		case "tables":
			tables = r.items(f.path, f.value)
		}
	}
	// A table needs what the object says, wherever the file says it.
	for _, t := range tables {
		o.Tables = append(o.Tables, r.table(t, &o))
	}
	return o
}

func (r *reader) readOptions(m member) ReadOptions {
	o := DefaultRead()
	for _, f := range r.members(m.path, m.value, []string{"delimiter", "quote", "encoding", "null_values", "timezone"}) {
		switch f.key {
		case "delimiter":
			o.Delimiter = r.delimiter(f)
		case "quote":
			switch s := r.text(f); len(s) {
			case 0:
				o.Quote = 0
			case 1:
				o.Quote = s[0]
			default:
				r.report(f.path, "must be one ASCII character, or empty for files without quotes", "")
			}
		case "encoding":
			o.Encoding = strings.ToLower(r.text(f))
		case "null_values":
			o.NullValues = r.texts(f)
		case "timezone":
			o.TimeZone = r.text(f)
		}
	}
	return o
}

func (r *reader) delimiter(m member) byte {
	switch s := r.text(m); s {
	case "auto":
		return 0
	case ",", ";", "|", "\t":
		return s[0]
	case `\t`, "tab":
		return '\t'
	default:
		r.report(m.path, `must be auto, ",", ";", "|" or "\t"`, "")
		return 0
	}
}

func (r *reader) table(m member, o *Object) Table {
	t := Table{Mode: o.Mode}
	for _, f := range r.members(m.path, m.value, []string{"table", "mode", "where", "deleted", "columns"}) {
		switch f.key {
		case "table":
			t.Name = r.text(f)
		case "mode":
			t.Mode = contract.Mode(r.text(f))
		case "where":
			for _, it := range r.items(f.path, f.value) {
				t.Where = append(t.Where, r.condition(it))
			}
		case "deleted":
			c := r.condition(f)
			t.Deleted = &c
		case "columns":
			for _, c := range r.members(f.path, f.value, nil) {
				t.Columns = append(t.Columns, r.column(c, o))
			}
		}
	}
	if declared, ok := contract.Lookup(t.Name); ok {
		slices.SortStableFunc(t.Columns, func(a, b Column) int { return declared.Index(a.Name) - declared.Index(b.Name) })
	}
	return t
}

func (r *reader) condition(m member) Condition {
	var c Condition
	for _, f := range r.members(m.path, m.value, []string{"from", "in", "not_in", "matches", "empty"}) {
		switch f.key {
		case "from":
			c.From = r.text(f)
		case "in":
			c.In = r.texts(f)
		case "not_in":
			c.NotIn = r.texts(f)
		case "matches":
			c.Matches = r.text(f)
		case "empty":
			empty := r.truth(f)
			c.Empty = &empty
		}
	}
	return c
}

func (r *reader) column(m member, o *Object) Column {
	c := Column{Name: m.key}
	known := []string{"from", "const", "key", "resolve", "source", "transform", "map", "else", "default"}
	for _, f := range r.members(m.path, m.value, known) {
		switch f.key {
		case "from":
			c.From = r.texts(f)
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
			c.Map = map[string]string{}
			for _, e := range r.members(f.path, f.value, nil) {
				c.Map[e.key] = r.text(e)
			}
		case "else":
			c.Else = r.optionalText(f)
		case "default":
			c.Default = r.optionalText(f)
		}
	}
	return c
}

// resolve reads {id_type: ..., source: ...}, or the id_type alone.
func (r *reader) resolve(m member, c *Column) {
	if s, ok := r.scalar(m.value); ok {
		c.Resolve = s
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
