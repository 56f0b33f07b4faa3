package preset

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// reader walks the nodes of a YAML file and collects what is wrong. It decodes by hand, because a decoder into
// structs stops at the first problem and forgets the lines.
type reader struct {
	file     string
	lines    []string
	lineOf   map[string]int
	anchors  map[string]ast.Node
	problems Problems
	merges   int     // how many mappings were merged into others
	columnAt []place // where the object at hand names columns of the export

	// params are the declared parameters by name, declared the same in their order, aliases the further names of
	// columns by the folded name.
	params   map[string]parameter
	declared []Parameter
	aliases  map[string][]string
	// setBy tells by path which values come from a parameter that the source sets.
	setBy map[string]string
	// lets are the names of the texts that the object at hand makes, each with its @.
	lets []string
}

func newReader(file string, data []byte, with With) *reader {
	r := &reader{
		file: file, lines: yamltext.Lines(data), lineOf: map[string]int{}, anchors: map[string]ast.Node{},
		params: map[string]parameter{}, aliases: map[string][]string{}, setBy: map[string]string{},
	}
	source := Texts(with.Source)
	r.params[sourceParameter] = parameter{Parameter: Parameter{Name: sourceParameter, About: "the name of the source"}, value: &source}
	for _, name := range slices.Sorted(maps.Keys(with.Aliases)) {
		r.aliases[Fold(name)] = append(r.aliases[Fold(name)], with.Aliases[name]...)
	}
	return r
}

// load parses the file and returns its root; nil where there is none, which is then a problem.
func (r *reader) load() ast.Node {
	documents, err := yamltext.Parse(r.lines)
	var syntax *yamltext.SyntaxError
	if errors.As(err, &syntax) {
		r.add("", syntax.Line, "is not valid YAML: "+syntax.Message, "")
		return nil
	}
	if len(documents) != 1 {
		r.add("", 0, "must hold one YAML document with the key objects", "")
		return nil
	}
	root := documents[0]
	for _, n := range ast.Filter(ast.AnchorType, root) {
		if a, ok := n.(*ast.AnchorNode); ok {
			r.anchors[a.Name.GetToken().Value] = a.Value
		}
	}
	return root
}

// snippet returns a line below the line before it, unless that is blank.
func (r *reader) snippet(line int) string {
	above := line - 1
	if above > 0 && above <= len(r.lines) && strings.TrimSpace(r.lines[above-1]) == "" {
		above = 0
	}
	return yamltext.Snippet(r.lines, above, line)
}

// add reports a problem at a line.
func (r *reader) add(path string, line int, message, hint string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Path: path, Line: line, Message: message, Hint: hint, Snippet: r.snippet(line),
	})
}

// report reports a problem of the setting at path, on its line or on that of the nearest setting around it. What comes
// from a parameter that the source sets is for the source to mend.
func (r *reader) report(path, message, hint string) {
	line, parameter := 0, ""
	for at := path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if line == 0 {
			line = r.lineOf[at]
		}
		if parameter == "" {
			parameter = r.setBy[at]
		}
	}
	r.add(path, line, message, hint)
	r.problems[len(r.problems)-1].Parameter = parameter
}

// followed follows anchors, aliases and tags to the node itself. An alias that leads to itself ends at once.
func (r *reader) followed(n ast.Node) ast.Node {
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

// plain returns the node that n stands for, through anchors, aliases, tags and parameters.
func (r *reader) plain(n ast.Node) ast.Node { return r.given(r.followed(n)) }

// plainAt is plain for the value at path, of which it remembers the parameter that it comes from.
func (r *reader) plainAt(path string, n ast.Node) ast.Node {
	n = r.followed(n)
	if p, ok := r.named(n); ok && p.isSet {
		r.setBy[path] = p.Name
	}
	return r.given(n)
}

// member is one key of a mapping.
type member struct {
	key, path string
	value     ast.Node
}

// members returns the keys of the mapping at path in the order of the file. Where known is not nil, keys that it does
// not hold are problems. A mapping that is merged into it by << stands behind its own keys, which win.
func (r *reader) members(path string, n ast.Node, known []string) []member {
	m, ok := r.plainAt(path, n).(*ast.MappingNode)
	if !ok {
		r.report(path, "must be a mapping of keys to values", "")
		return nil
	}
	out := make([]member, 0, len(m.Values))
	var merged []ast.Node
	for _, v := range m.Values {
		if v.Key.IsMergeKey() {
			merged = append(merged, r.merged(path, v)...)
			continue
		}
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
			hint := yamltext.Suggest(key, known)
			if hint == "" {
				hint = "known are " + strings.Join(known, ", ")
			}
			r.report(at, "unknown key", hint)
			continue
		}
		out = append(out, member{key, at, v.Value})
	}
	for _, other := range merged {
		for _, f := range r.nested(path, other, known) {
			if !slices.ContainsFunc(out, func(own member) bool { return own.key == f.key }) {
				out = append(out, f)
			}
		}
	}
	return out
}

// merged returns the mappings that stand behind <<.
func (r *reader) merged(path string, v *ast.MappingValueNode) []ast.Node {
	value := r.plain(v.Value)
	nodes := []ast.Node{value}
	if list, ok := value.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	for _, n := range nodes {
		if _, ok := r.plain(n).(*ast.MappingNode); !ok {
			r.add(path, v.Key.GetToken().Position.Line, "merges what is no mapping", "write <<: *name, where &name stands before a mapping")
			return nil
		}
	}
	return nodes
}

// maxMerges is how often a file may merge a mapping into another: one that holds itself would never end doing so.
const maxMerges = 10_000

// nested returns the members of a mapping that is merged at path.
func (r *reader) nested(path string, n ast.Node, known []string) []member {
	if r.merges++; r.merges > maxMerges {
		if r.merges == maxMerges+1 {
			r.report(path, "merges mappings into each other without end", "")
		}
		return nil
	}
	return r.members(path, n, known)
}

// items returns the elements of the list at path. In the place of a parameter that is a list stand its elements.
func (r *reader) items(path string, n ast.Node) []member {
	s, ok := r.plainAt(path, n).(*ast.SequenceNode)
	if !ok {
		r.report(path, "must be a list", "")
		return nil
	}
	out := make([]member, 0, len(s.Values))
	for i, v := range s.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if v != nil {
			r.lineOf[at] = v.GetToken().Position.Line
		}
		values := []ast.Node{v}
		if p, ok := r.named(r.followed(v)); ok && p.List {
			values = nil
			if list, ok := r.plainAt(at, v).(*ast.SequenceNode); ok {
				values = list.Values
			}
		}
		for _, value := range values {
			out = append(out, member{path: at, value: value})
		}
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
	s, ok := r.scalar(r.plainAt(m.path, m.value))
	if !ok {
		r.report(m.path, "must be one text", "")
	}
	return r.literal(m.path, s)
}

// optionalText returns a pointer to the text at path, so that an empty text is not an absent one.
func (r *reader) optionalText(m member) *string {
	s := r.text(m)
	return &s
}

// texts returns the list of texts at path; one text stands for a list of one.
func (r *reader) texts(m member) []string {
	if s, ok := r.scalar(m.value); ok {
		return []string{r.literal(m.path, s)}
	}
	items := r.items(m.path, m.value)
	out := make([]string, 0, len(items))
	for _, it := range items {
		out = append(out, r.text(it))
	}
	return out
}

// textMap returns the mapping of texts to texts at path.
func (r *reader) textMap(m member) map[string]string {
	out := map[string]string{}
	for _, e := range r.members(m.path, m.value, nil) {
		out[r.literal(e.path, e.key)] = r.text(e)
	}
	return out
}

// names returns the names of one column at path, its aliases included.
func (r *reader) names(m member) Names {
	return r.columnNames(m.path, r.texts(m))
}

// columns returns the columns at path: a list whose elements are names, or lists of the names of one column.
func (r *reader) columns(m member) []Names {
	if s, ok := r.scalar(m.value); ok {
		return []Names{r.columnNames(m.path, []string{r.literal(m.path, s)})}
	}
	var out []Names
	for _, it := range r.items(m.path, m.value) {
		out = append(out, r.names(it))
	}
	return out
}

// columnNames reports names that name nothing, and adds the aliases.
func (r *reader) columnNames(path string, names []string) Names {
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			r.report(path, "must name columns of the export", "")
			break
		}
		r.columnAt = append(r.columnAt, place{path, name})
	}
	return r.aliased(names)
}

// place is where a column of the export is named.
type place struct{ path, name string }

// checkPaths reports the names of columns that are no paths, for an object that is JSON.
func (r *reader) checkPaths() {
	for _, c := range r.columnAt {
		if IsVirtual(c.name) {
			continue
		}
		if _, err := jsonpath.Parse(c.name); err != nil {
			r.report(c.path, fmt.Sprintf("%q is no path in JSON: %v", c.name, err), `write it like context.page.path, tags[0] or extensions["https://x.y/z"]`)
		}
	}
}

// pattern returns the regular expression at path.
func (r *reader) pattern(m member) string {
	text := r.text(m)
	if _, err := regexp.Compile(text); err != nil {
		r.report(m.path, "is no regular expression: "+err.Error(), "")
	}
	return text
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
