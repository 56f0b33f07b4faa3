package preset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// With is what a source adds to a mapping that it uses.
type With struct {
	// Source is the name of the source, for which $source stands.
	Source string
	// Parameters are the values of the mapping's parameters. Those that it does not declare are not looked at.
	Parameters map[string]Value
	// Aliases are further names of columns: wherever the mapping reads the column of the key, it reads those too.
	Aliases map[string][]string
}

// Value is the value of a parameter: a list of texts, which holds one for a single text, or a map.
type Value struct {
	List []string
	Map  map[string]string
}

// Texts returns the value that is a list of texts, or a single one.
func Texts(texts ...string) Value { return Value{List: texts} }

// isUnset reports whether the value says nothing.
func (v *Value) isUnset() bool {
	return v == nil || len(v.Map) == 0 && (len(v.List) == 0 || len(v.List) == 1 && v.List[0] == "")
}

// Parameter is something that a mapping leaves to the source that uses it.
type Parameter struct {
	Name, About string
	// List and Map say that its value is a list or a map; else it is one text.
	List, Map bool
	// Required says that the mapping cannot be used without it.
	Required bool
	// Default holds where the source states none, Example shows what a value looks like; nil for none.
	Default, Example *Value
}

// parameter is a declared parameter with the value that holds, nil where it is unset.
type parameter struct {
	Parameter
	value *Value
	// isSet is set where the source states the value.
	isSet bool
}

var parameterForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// parameters decodes the declarations and takes the values of with. It answers false where one that is required is
// not set, since the rest of the mapping can then not be judged.
func (r *reader) parameters(m member, with With) bool {
	complete := true
	for _, f := range r.members(m.path, m.value, nil) {
		p := parameter{Parameter: r.parameter(f)}
		if p.Name == sourceParameter {
			r.report(f.path, "is declared in every mapping: it is the name of the source", "choose another name")
			continue
		}
		if !parameterForm.MatchString(p.Name) {
			r.report(f.path, fmt.Sprintf("%q is no name of a parameter", p.Name), "use small letters, digits and _")
			continue
		}
		p.value = p.Default
		if v, ok := with.Parameters[p.Name]; ok {
			if wrong := p.misfit(v); wrong != "" {
				r.reportParameter(f.path, p.Name, wrong, p.About)
				complete = false
			}
			p.value, p.isSet = &v, true
		}
		if p.Required && p.value.isUnset() {
			r.reportParameter(f.path, p.Name, fmt.Sprintf("the parameter %s is not set", p.Name), p.About)
			complete = false
		}
		r.params[p.Name] = p
		r.declared = append(r.declared, p.Parameter)
	}
	return complete
}

func (r *reader) parameter(m member) Parameter {
	p := Parameter{Name: m.key}
	known := []string{"about", "list", "map", "required", "default", "example"}
	fields := r.members(m.path, m.value, known)
	for _, f := range fields {
		switch f.key {
		case "about":
			p.About = strings.TrimSpace(r.text(f))
		case "list":
			p.List = r.truth(f)
		case "map":
			p.Map = r.truth(f)
		case "required":
			p.Required = r.truth(f)
		}
	}
	for _, f := range fields {
		switch f.key {
		case "default":
			p.Default = r.value(f, &p)
		case "example":
			p.Example = r.value(f, &p)
		}
	}
	switch {
	case p.About == "":
		r.report(m.path+".about", "is missing: it is what a person is told who does not know the parameter", "")
	case p.List && p.Map:
		r.report(m.path, "cannot be a list and a map", "")
	case p.Required && p.Default != nil:
		r.report(m.path+".default", "is never used, since the parameter is required", "")
	}
	return p
}

// sourceParameter is declared in every mapping: the name of the source that uses it.
const sourceParameter = "source"

// value decodes a value of parameter p.
func (r *reader) value(m member, p *Parameter) *Value {
	v := Value{}
	switch {
	case p.Map:
		v.Map = r.textMap(m)
	case p.List:
		v.List = r.texts(m)
	default:
		v.List = []string{r.text(m)}
	}
	return &v
}

// misfit says why v is no value of the parameter, "" where it is one.
func (p *Parameter) misfit(v Value) string {
	switch {
	case p.Map && len(v.List) > 0:
		return fmt.Sprintf("the parameter %s wants a map of texts to texts", p.Name)
	case p.Map:
	case v.Map != nil:
		return fmt.Sprintf("the parameter %s wants %s, not a map", p.Name, map[bool]string{true: "a list of texts", false: "one text"}[p.List])
	case !p.List && len(v.List) > 1:
		return fmt.Sprintf("the parameter %s wants one text, not a list", p.Name)
	}
	return ""
}

// wanted reports whether all parameters that m names as its needs are set. What needs others is left out.
func (r *reader) wanted(m member) bool {
	mapping, ok := r.plain(m.value).(*ast.MappingNode)
	if !ok {
		return true
	}
	for _, v := range mapping.Values {
		if key, ok := r.scalar(v.Key); !ok || key != "needs" {
			continue
		}
		path := m.path + ".needs"
		r.lineOf[path] = v.Key.GetToken().Position.Line
		names := []ast.Node{v.Value}
		if list, ok := v.Value.(*ast.SequenceNode); ok {
			names = list.Values
		}
		for _, n := range names {
			text, ok := n.(*ast.StringNode)
			if !ok || !strings.HasPrefix(text.Value, "$") {
				r.report(path, "must name parameters", "for example needs: [$partner_types]")
				continue
			}
			p, ok := r.params[text.Value[1:]]
			if !ok {
				r.unknownParameter(path, text.Value[1:])
			} else if p.value.isUnset() {
				return false
			}
		}
	}
	return true
}

// named returns the parameter that n names.
func (r *reader) named(n ast.Node) (p parameter, ok bool) {
	text, isText := n.(*ast.StringNode)
	if !isText {
		return parameter{}, false
	}
	name, isName := strings.CutPrefix(text.Value, "$")
	p, ok = r.params[name]
	return p, ok && isName
}

// given returns the node that stands for n, which may be the name of a parameter that is set.
func (r *reader) given(n ast.Node) ast.Node {
	p, ok := r.named(n)
	if !ok || p.value.isUnset() && !p.List {
		return n
	}
	text := n
	at := text.GetToken().Position
	node := func(s string) ast.Node { return ast.String(token.String(s, s, at)) }
	switch {
	case p.Map:
		m := ast.Mapping(token.MappingStart("{", at), true)
		for _, key := range slices.Sorted(maps.Keys(p.value.Map)) {
			m.Values = append(m.Values, ast.MappingValue(token.MappingValue(at), node(escaped(key)).(*ast.StringNode), node(escaped(p.value.Map[key]))))
		}
		return m
	case p.List:
		s := ast.Sequence(token.SequenceStart("[", at), true)
		if p.value != nil {
			for _, item := range p.value.List {
				s.Values = append(s.Values, node(escaped(item)))
			}
		}
		return s
	}
	return node(escaped(p.value.List[0]))
}

// escaped writes a text so that it is read as it is, and not as the name of a parameter.
func escaped(text string) string {
	if strings.HasPrefix(text, "$") {
		return "$" + text
	}
	return text
}

// literal returns the text that s stands for at path, where it does not name a parameter that is set: $$ is $, and
// what else begins with $ and a letter names a parameter in vain.
func (r *reader) literal(path, s string) string {
	rest, ok := strings.CutPrefix(s, "$")
	switch {
	case !ok || !strings.HasPrefix(rest, "$") && !parameterForm.MatchString(rest):
		return s
	case strings.HasPrefix(rest, "$"):
		return rest
	}
	if p, ok := r.params[rest]; ok {
		r.reportParameter(path, rest, fmt.Sprintf("uses the parameter %s, which is not set", rest), p.About)
	} else {
		r.unknownParameter(path, rest)
	}
	return ""
}

func (r *reader) unknownParameter(path, name string) {
	hint := yamltext.Suggest(name, slices.Sorted(maps.Keys(r.params)))
	if hint == "" {
		hint = "declare it under parameters, or write $$" + name + " for the text itself"
	}
	r.report(path, fmt.Sprintf("uses the parameter %q, which is not declared", name), hint)
}

// reportParameter reports what the source that uses the mapping has to mend.
func (r *reader) reportParameter(path, name, message, about string) {
	r.report(path, message, fmt.Sprintf("set it where the mapping is used, by with: {%s: ...}: %s", name, about))
	r.problems[len(r.problems)-1].Parameter = name
}

// aliased returns names with the aliases of each behind it.
func (r *reader) aliased(names Names) Names {
	if len(r.aliases) == 0 {
		return names
	}
	out := make(Names, 0, len(names))
	for _, name := range names {
		out = append(out, name)
		for _, alias := range r.aliases[Fold(name)] {
			if !slices.Contains(names, alias) && !slices.Contains(out, alias) {
				out = append(out, alias)
			}
		}
	}
	return out
}

// Parameters returns what a mapping leaves to the sources that use it, in the order of the file, without judging the
// rest. The error is of type Problems.
func Parameters(name string, data []byte) ([]Parameter, error) {
	r := newReader(name, data, With{})
	if root := r.load(); root != nil {
		if m, ok := r.plain(root).(*ast.MappingNode); ok {
			for _, v := range m.Values {
				if key, _ := r.scalar(v.Key); key == "parameters" {
					r.parameters(member{key, key, v.Value}, With{})
				}
			}
		}
	}
	wrong := slices.DeleteFunc(r.problems, func(p Problem) bool { return p.Parameter != "" })
	if len(wrong) > 0 {
		return nil, wrong.sorted()
	}
	return r.declared, nil
}
