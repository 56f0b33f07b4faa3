package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// decoder fills a Config from the YAML syntax tree and goes on after a problem, so that all are found at once.
// goccy/go-yaml's own strict decoding stops at the first.
type decoder struct {
	file  string
	lines []string
	// line is the line of every setting that the file states, by path.
	line    map[string]int
	anchors map[string]ast.Node
	// broken marks settings that have a problem, below which no further one is worth reporting.
	broken   map[string]bool
	problems Problems
	// inMappings are the problems of mapping files, by file, which two sources may share.
	inMappings map[string]preset.Problems
}

func newDecoder(file string, data []byte) *decoder {
	return &decoder{
		file:    file,
		lines:   yamltext.Lines(data),
		line:    make(map[string]int),
		anchors: make(map[string]ast.Node),
		broken:  make(map[string]bool),

		inMappings: make(map[string]preset.Problems),
	}
}

// decode parses the file into c, on top of what c already holds.
func (d *decoder) decode(c *Config) {
	documents, err := yamltext.Parse(d.lines, parser.AllowDuplicateMapKey())
	var syntax *yamltext.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Line > 0:
		d.reportLine("", syntax.Line, "no valid YAML: "+syntax.Message)
	case err != nil:
		d.add(Problem{Message: "no valid YAML: " + err.Error()})
	case len(documents) > 1:
		d.reportLine("", yamltext.FirstLine(documents[1]), "a second YAML document; a configuration is one")
	case len(documents) == 1:
		d.value(documents[0], reflect.ValueOf(c).Elem(), "")
	}
}

// report adds a problem at the line of path, or of the nearest section above it that the file states. Below
// a setting that has a problem already nothing is reported: it would follow from the first.
func (d *decoder) report(path, message, hint string) {
	line, section := 0, 0
	for at := path; at != ""; at = parent(at) {
		if d.broken[at] {
			return
		}
		if line == 0 {
			line = d.line[at]
		} else if section == 0 || section == line {
			section = d.line[at]
		}
	}
	d.broken[path] = true
	d.add(Problem{Path: path, Line: line, Message: message, Hint: hint, Snippet: yamltext.Snippet(d.lines, section, line)})
}

// reportLine adds a problem that belongs to a line rather than to a setting; path may be empty.
func (d *decoder) reportLine(path string, line int, message string) {
	d.add(Problem{Path: path, Line: line, Message: message, Snippet: yamltext.Snippet(d.lines, line-1, line)})
}

func (d *decoder) add(p Problem) {
	p.File = d.file
	d.problems = append(d.problems, p)
}

// brokenBelow reports whether a setting inside the section at path has a problem.
func (d *decoder) brokenBelow(path string) bool {
	for at := range d.broken {
		if strings.HasPrefix(at, path+".") {
			return true
		}
	}
	return false
}

// value decodes node into dst. A null leaves dst as it is: a setting without a value is not set.
func (d *decoder) value(node ast.Node, dst reflect.Value, path string) {
	node = d.resolve(node, path)
	if node == nil || node.Type() == ast.NullType {
		return
	}
	switch {
	case dst.Type() == reflect.TypeFor[preset.Value]():
		d.parameter(node, dst, path)
		return
	case dst.Type() == reflect.TypeFor[time.Duration]():
		d.duration(node, dst, path)
		return
	}
	switch dst.Kind() {
	case reflect.Struct:
		d.section(node, dst, path)
	case reflect.Map:
		d.table(node, dst, path)
	case reflect.Slice:
		d.list(node, dst, path)
	case reflect.Pointer:
		v := reflect.New(dst.Type().Elem())
		d.value(node, v.Elem(), path)
		dst.Set(v)
	default:
		d.scalar(node, dst, path)
	}
}

// resolve follows anchors and aliases to the node that they stand for.
func (d *decoder) resolve(node ast.Node, path string) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			d.anchors[n.Name.GetToken().Value] = n.Value
			node = n.Value
		case *ast.AliasNode:
			target, ok := d.anchors[n.Value.GetToken().Value]
			if !ok {
				d.report(path, "refers to *"+n.Value.GetToken().Value+", which is not defined above", "")
				return nil
			}
			node = target
		case *ast.TagNode:
			d.report(path, "carries the tag "+n.GetToken().Value, "remove the tag")
			return nil
		default:
			return node
		}
	}
}

// section decodes a mapping into a struct: every key must be one of its settings.
func (d *decoder) section(node ast.Node, dst reflect.Value, path string) {
	fields := make(map[string]reflect.Value)
	var names []string
	for i := range dst.NumField() {
		if name := dst.Type().Field(i).Tag.Get("yaml"); name != "-" {
			fields[name] = dst.Field(i)
			names = append(names, name)
		}
	}
	d.entries(node, path, names[0], func(key string, value ast.Node) {
		at := join(path, key)
		field, ok := fields[key]
		if !ok {
			d.unknown(at, path, key, names)
			return
		}
		d.value(value, field, at)
	})
}

// table decodes a mapping with free keys; an entry replaces the default of the same key as a whole.
func (d *decoder) table(node ast.Node, dst reflect.Value, path string) {
	if dst.IsNil() {
		dst.Set(reflect.MakeMap(dst.Type()))
	}
	d.entries(node, path, "name", func(key string, value ast.Node) {
		v := reflect.New(dst.Type().Elem()).Elem()
		if v.Kind() == reflect.Map {
			v.Set(reflect.MakeMap(v.Type()))
		}
		d.value(value, v, join(path, key))
		dst.SetMapIndex(reflect.ValueOf(key), v)
	})
}

// entries calls f for each key of a mapping, and reports keys that are stated twice.
func (d *decoder) entries(node ast.Node, path, example string, f func(key string, value ast.Node)) {
	m, ok := node.(ast.MapNode)
	if !ok {
		d.wants(path, "a section of settings, like "+example+": value", node)
		return
	}
	for it := m.MapRange(); it.Next(); {
		tok := it.Key().GetToken()
		if it.Key().IsMergeKey() {
			d.reportLine(join(path, "<<"), tok.Position.Line, "merging sections is not supported, write the settings out")
			continue
		}
		key := strings.TrimSpace(tok.Value)
		at := join(path, key)
		if first, again := d.line[at]; again {
			d.reportLine(at, tok.Position.Line, fmt.Sprintf("stated twice, first in line %d", first))
			continue
		}
		d.line[at] = tok.Position.Line
		f(key, it.Value())
	}
}

// list decodes a sequence; it replaces the default list.
func (d *decoder) list(node ast.Node, dst reflect.Value, path string) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		d.wants(path, "a list", node)
		return
	}
	out := reflect.MakeSlice(dst.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.line[at] = yamltext.FirstLine(item)
		d.value(item, out.Index(i), at)
	}
	dst.Set(out)
}

// parameter decodes the value of a parameter of a mapping: a text, a list of texts, or a map of texts. A number or a
// truth value is the text that stands in the file.
func (d *decoder) parameter(node ast.Node, dst reflect.Value, path string) {
	var value preset.Value
	switch n := node.(type) {
	case ast.MapNode:
		value.Map = make(map[string]string)
		d.entries(node, path, "name", func(key string, item ast.Node) {
			value.Map[key] = d.plainText(item, join(path, key))
		})
	case *ast.SequenceNode:
		value.List = make([]string, len(n.Values))
		for i, item := range n.Values {
			at := fmt.Sprintf("%s[%d]", path, i)
			d.line[at] = yamltext.FirstLine(item)
			value.List[i] = d.plainText(item, at)
		}
	default:
		value = preset.Texts(d.plainText(node, path))
	}
	dst.Set(reflect.ValueOf(value))
}

// plainText returns the text of a value as it stands in the file.
func (d *decoder) plainText(node ast.Node, path string) string {
	switch n := d.resolve(node, path).(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	case nil:
	default:
		d.wants(path, "text", n)
	}
	return ""
}

// duration decodes a time span such as 5m or 90s.
func (d *decoder) duration(node ast.Node, dst reflect.Value, path string) {
	if n, ok := node.(*ast.StringNode); ok {
		if span, err := time.ParseDuration(n.Value); err == nil && span >= 0 {
			dst.SetInt(int64(span))
			return
		}
	}
	d.wants(path, "a time span such as 5m or 90s", node)
}

func (d *decoder) scalar(node ast.Node, dst reflect.Value, path string) {
	switch dst.Kind() {
	case reflect.String:
		switch n := node.(type) {
		case *ast.StringNode:
			dst.SetString(n.Value)
			return
		case *ast.LiteralNode:
			dst.SetString(n.Value.Value)
			return
		case ast.ScalarNode:
			d.report(path, fmt.Sprintf("wants text, found %s", describe(node)),
				fmt.Sprintf("put it in quotes: %q", n.GetToken().Value))
			return
		}
		d.wants(path, "text", node)
	case reflect.Bool:
		if n, ok := node.(*ast.BoolNode); ok {
			dst.SetBool(n.Value)
			return
		}
		d.wants(path, "true or false", node)
	case reflect.Float64:
		if f, ok := number(node); ok {
			dst.SetFloat(f)
			return
		}
		d.wants(path, "a number", node)
	case reflect.Int:
		// Nine digits are more than any setting means, and fit an INTEGER of the database.
		if f, ok := number(node); ok && node.Type() == ast.IntegerType && f < 1e9 && f > -1e9 {
			dst.SetInt(int64(f))
			return
		}
		d.wants(path, "a whole number", node)
	default:
		panic("config: a setting of kind " + dst.Kind().String() + " cannot be decoded")
	}
}

func (d *decoder) wants(path, what string, node ast.Node) {
	d.report(path, fmt.Sprintf("wants %s, found %s", what, describe(node)), "")
}

// unknown reports a key that is no setting, with the nearest that is one.
func (d *decoder) unknown(at, section, key string, siblings []string) {
	if message, hint := elsewhere(at); message != "" {
		d.report(at, message, hint)
		return
	}
	hint := yamltext.Suggest(key, siblings)
	if hint != "" {
		hint = yamltext.DidYouMean + join(section, strings.TrimPrefix(hint, yamltext.DidYouMean))
	} else if full := settingsNamed(key); len(full) == 1 {
		hint = yamltext.DidYouMean + full[0] + "?"
	} else {
		slices.Sort(siblings)
		hint = "settings here: " + strings.Join(siblings, ", ")
	}
	d.report(at, "unknown setting", hint)
}

// number returns the value of an integer or float node.
func number(node ast.Node) (float64, bool) {
	switch n := node.(type) {
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return float64(v), true
		case uint64:
			return float64(v), true
		}
	case *ast.FloatNode:
		return n.Value, true
	}
	return 0, false
}

// describe names what the file holds instead of what was wanted.
func describe(node ast.Node) string {
	switch n := node.(type) {
	case ast.MapNode:
		return "a section"
	case ast.ArrayNode:
		return "a list"
	case ast.ScalarNode:
		text := []rune(n.GetToken().Value)
		if len(text) > 40 {
			text = append(text[:40], '…')
		}
		return fmt.Sprintf("%q", string(text))
	default:
		return "something else"
	}
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}

// parent returns the section that holds path, "" for the file.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}
