package preset

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// reader walks the nodes of a YAML file and collects what is wrong. It decodes by hand, because a decoder into
// structs stops at the first problem and forgets the lines.
type reader struct {
	file     string
	lines    []string
	lineOf   map[string]int
	anchors  map[string]ast.Node
	problems Problems
}

// load parses data and returns its root; nil where there is none, which is then a problem.
func (r *reader) load(data []byte) ast.Node {
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		line, message := 0, err.Error()
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			line, message = syntax.GetToken().Position.Line, syntax.GetMessage()
		}
		r.add("", line, "is not valid YAML: "+message, "")
		return nil
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		r.add("", 0, "must hold one YAML document with the key objects", "")
		return nil
	}
	root := tree.Docs[0].Body
	for _, n := range ast.Filter(ast.AnchorType, root) {
		if a, ok := n.(*ast.AnchorNode); ok {
			r.anchors[a.Name.GetToken().Value] = a.Value
		}
	}
	return root
}

// add reports a problem at a line.
func (r *reader) add(path string, line int, message, hint string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Path: path, Line: line, Message: message, Hint: hint, Snippet: snippet(r.lines, line),
	})
}

// report reports a problem of the setting at path, on its line or on that of the nearest setting around it.
func (r *reader) report(path, message, hint string) {
	for at := path; ; {
		if line, ok := r.lineOf[at]; ok {
			r.add(path, line, message, hint)
			return
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			r.add(path, 0, message, hint)
			return
		}
		at = at[:cut]
	}
}

// plain follows anchors, aliases and tags to the node itself. An alias that leads to itself ends at once.
func (r *reader) plain(n ast.Node) ast.Node {
	for range 100 {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.TagNode:
			n = x.Value
		case *ast.AliasNode:
			n = r.anchors[x.Value.GetToken().Value]
		default:
			return n
		}
	}
	return nil
}

// member is one key of a mapping.
type member struct {
	key, path string
	value     ast.Node
}

// members returns the keys of the mapping at path in the order of the file. Where known is not nil, keys that it does
// not hold are problems.
func (r *reader) members(path string, n ast.Node, known []string) []member {
	m, ok := r.plain(n).(*ast.MappingNode)
	if !ok {
		r.report(path, "must be a mapping of keys to values", "")
		return nil
	}
	out := make([]member, 0, len(m.Values))
	for _, v := range m.Values {
		key, ok := r.scalar(v.Key)
		if !ok {
			r.add(path, v.GetToken().Position.Line, "has a key that is no plain text", "")
			continue
		}
		at := key
		if path != "" {
			at = path + "." + key
		}
		r.lineOf[at] = v.Key.GetToken().Position.Line
		if known != nil && !slices.Contains(known, key) {
			hint := nearest(key, known)
			if hint == "" {
				hint = "known are " + strings.Join(known, ", ")
			}
			r.report(at, "unknown key", hint)
			continue
		}
		out = append(out, member{key, at, v.Value})
	}
	return out
}

// items returns the elements of the list at path.
func (r *reader) items(path string, n ast.Node) []member {
	s, ok := r.plain(n).(*ast.SequenceNode)
	if !ok {
		r.report(path, "must be a list", "")
		return nil
	}
	out := make([]member, len(s.Values))
	for i, v := range s.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if v != nil {
			r.lineOf[at] = v.GetToken().Position.Line
		}
		out[i] = member{path: at, value: v}
	}
	return out
}

// scalar returns the text of a plain value as it stands in the file, so that 1.10 stays "1.10" and yes stays "yes".
func (r *reader) scalar(n ast.Node) (string, bool) {
	switch x := r.plain(n).(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return x.GetToken().Value, true
	}
	return "", false
}

// text returns the text of the value at path.
func (r *reader) text(m member) string {
	s, ok := r.scalar(m.value)
	if !ok {
		r.report(m.path, "must be one text", "")
	}
	return s
}

// optionalText returns a pointer to the text at path, so that an empty text is not an absent one.
func (r *reader) optionalText(m member) *string {
	s := r.text(m)
	return &s
}

// texts returns the list of texts at path; one text stands for a list of one.
func (r *reader) texts(m member) []string {
	if s, ok := r.scalar(m.value); ok {
		return []string{s}
	}
	items := r.items(m.path, m.value)
	out := make([]string, 0, len(items))
	for _, it := range items {
		out = append(out, r.text(it))
	}
	return out
}

// whole returns the whole number at path.
func (r *reader) whole(m member) int {
	n, err := strconv.Atoi(r.text(m))
	if err != nil {
		r.report(m.path, "must be a whole number", "")
	}
	return n
}

// truth returns the bool at path.
func (r *reader) truth(m member) bool {
	switch r.text(m) {
	case "true":
		return true
	case "false":
	default:
		r.report(m.path, "must be true or false", "")
	}
	return false
}
