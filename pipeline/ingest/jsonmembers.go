package ingest

import "bytes"

// jsonMembers are the members that objects at a place had so far. Most records name the same members in the same order,
// so that each name is foretold by the one before it: a comparison then finds its end, proves it, and tells what it is
// and whether the object has it already.
type jsonMembers struct {
	known []jsonMember
	// byName holds the positions of known. Names are told apart by their texts, however they are written.
	byName map[string]int
	// first is the member that the last object began with.
	first int
}

type jsonMember struct {
	quoted []byte
	node   *jsonNode // where paths lead from here, nil where none does
	// object is the number of the object that had the member last, next the member that followed it there.
	object uint64
	next   int
}

// maxKnown is how many members of a place are known, and maxKnownName how long their names are at most. Others are proven
// as names that nobody reads are.
const (
	maxKnown     = 1024
	maxKnownName = 256
)

// unknown is the position of a member that is not among the known.
const unknown = -1

// after returns the position of the member that is foretold behind the one at a position, unknown for the first.
func (m *jsonMembers) after(at int) int {
	if at == unknown {
		return m.first
	}
	return m.known[at].next
}

// foresee makes next the member that is foretold behind the one at a position, unknown for the first.
func (m *jsonMembers) foresee(at, next int) {
	if at == unknown {
		m.first = next
	} else {
		m.known[at].next = next
	}
}

// is reports whether the member at a position is the one whose name begins at b, and the length of that name.
func (m *jsonMembers) is(at int, b []byte) (size int, ok bool) {
	if at >= len(m.known) {
		return 0, false
	}
	quoted := m.known[at].quoted
	return len(quoted), bytes.HasPrefix(b, quoted)
}

// find returns the position of the member with a proven name, which it adds where there is room, unknown else.
// isNew is set where the name was met for the first time.
func (m *jsonMembers) find(n *jsonNode, quoted []byte, isEscaped bool) (at int, isNew bool) {
	text := quoted[1 : len(quoted)-1]
	if isEscaped {
		text = unquote(nil, quoted)
	}
	if at, ok := m.byName[string(text)]; ok {
		return at, false
	}
	if len(m.known) == maxKnown || len(quoted) > maxKnownName {
		return unknown, true
	}
	if m.byName == nil {
		m.byName = map[string]int{}
	}
	at = len(m.known)
	m.byName[string(text)] = at
	m.known = append(m.known, jsonMember{quoted: bytes.Clone(quoted), node: n.members[string(text)]})
	return at, true
}
