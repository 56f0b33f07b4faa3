package ingest

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

// jsonNode is a place in a record to which paths lead.
type jsonNode struct {
	fields  []int // the fields that are the value here
	members map[string]*jsonNode
	steps   []jsonStep // into arrays, and to any member
	met     jsonMembers
}

// isLeaf reports whether all that paths want of a place is its value.
func (n *jsonNode) isLeaf() bool {
	return n != nil && len(n.fields) > 0 && len(n.members) == 0 && len(n.steps) == 0
}

// jsonStep is a step that is no member by name.
type jsonStep struct {
	jsonpath.Step
	node *jsonNode
}

// add makes field the value at path.
func (n *jsonNode) add(path jsonpath.Path, field int) {
	for _, step := range path {
		n = n.child(step)
	}
	n.fields = append(n.fields, field)
}

func (n *jsonNode) child(step jsonpath.Step) *jsonNode {
	if step.Kind == jsonpath.Member {
		if n.members == nil {
			n.members = map[string]*jsonNode{}
		}
		if n.members[step.Name] == nil {
			n.members[step.Name] = &jsonNode{}
		}
		return n.members[step.Name]
	}
	for i := range n.steps {
		if n.steps[i].Step == step {
			return n.steps[i].node
		}
	}
	n.steps = append(n.steps, jsonStep{step, &jsonNode{}})
	return n.steps[len(n.steps)-1].node
}

// find returns the node of the member with this quoted name, nil where no path goes there.
func (n *jsonNode) find(quoted []byte) *jsonNode {
	if len(n.members) == 0 {
		return nil
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return n.members[string(quoted[1:len(quoted)-1])]
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil
	}
	return n.members[string(name)]
}
