package ingest

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

// pick takes the fields of n and of all below it from a value that is proven. It answers false where one holds a zero
// byte.
func (x *jsonFields) pick(n *jsonNode, at span) bool {
	v := x.rec.raw[at.from:at.to]
	if len(n.fields) > 0 && !x.set(n.fields, at, bytes.IndexByte(v, '\\') >= 0) {
		return false
	}
	switch {
	case len(n.members) == 0 && len(n.steps) == 0:
	case v[0] == '{':
		return x.pickMembers(n, at)
	case v[0] == '[' && len(n.steps) > 0:
		return x.pickElements(n, at)
	}
	return true
}

func (x *jsonFields) pickMembers(n *jsonNode, at span) bool {
	raw, isTaken := x.rec.raw, false
	for name, value := range soundMembers(raw, int(at.from)) {
		if child := n.find(raw[name.from:name.to]); child != nil && !x.pick(child, value) {
			return false
		}
		for i := range n.steps {
			if n.steps[i].Kind == jsonpath.Any && !isTaken && raw[value.from] != 'n' {
				isTaken = true
				if !x.pick(n.steps[i].node, value) {
					return false
				}
			}
		}
	}
	return true
}

func (x *jsonFields) pickElements(n *jsonNode, at span) bool {
	taken := make([]bool, len(n.steps))
	index := 0
	for element := range soundElements(x.rec.raw, int(at.from)) {
		for i := range n.steps {
			step := &n.steps[i]
			if taken[i] || !selects(&step.Step, index, x.rec.raw, element) {
				continue
			}
			taken[i] = true
			if !x.pick(step.node, element) {
				return false
			}
		}
		index++
	}
	return true
}

// selects reports whether a step goes to an element of an array.
func selects(step *jsonpath.Step, index int, raw []byte, element span) bool {
	switch step.Kind {
	case jsonpath.Index:
		return index == step.Index
	case jsonpath.Any:
		return raw[element.from] != 'n'
	}
	if raw[element.from] != '{' {
		return false
	}
	for name, value := range soundMembers(raw, int(element.from)) {
		if isJSONText(raw[name.from:name.to], step.Name) {
			return isJSONText(raw[value.from:value.to], step.Value)
		}
	}
	return false
}

// isJSONText reports whether a value is a text as a field, without making a copy of it where it has no escapes.
func isJSONText(v []byte, text string) bool {
	if v[0] == '"' && bytes.IndexByte(v, '\\') < 0 {
		return string(v[1:len(v)-1]) == text
	}
	return jsonText(v) == text
}

// jsonText is a value as the text of a field.
func jsonText(v []byte) string {
	if v[0] != '"' {
		return string(v)
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return string(v)
	}
	return string(text)
}
