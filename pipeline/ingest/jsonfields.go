package ingest

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

// jsonTyper is the part of the work on JSON records that typers do: it reads their fields.
type jsonTyper struct {
	fields *jsonFields
	rec    record
}

// read returns a record with its fields, valid until the next, which has a fault where it is no JSON.
func (t *jsonTyper) read(cut *record) *record {
	rec := &t.rec
	fields, unescaped, rest := rec.fields, rec.unescaped, rec.rest
	*rec = *cut
	if rec.fields, rec.unescaped, rec.rest = fields, unescaped, rest; rec.fault != sound {
		return rec
	}
	if err := t.fields.read(rec); err != nil {
		why := describeJSON(err)
		rec.fault, rec.why = damagedJSON, &why
	}
	return rec
}

// jsonFields takes the fields of a mapping out of records, in one pass that also proves the record to be strict JSON
// (RFC 8259): one value, UTF-8, no name twice in an object.
type jsonFields struct {
	root jsonNode
	// blank are the fields of a record without any.
	blank []span
	// found says which fields occurred.
	found []bool
	proof jsonProof
	rec   *record
	// objects counts the objects that paths lead into, which numbers them.
	objects uint64
	// hasZero is set where a field of the record holds a zero byte.
	hasZero bool
	// others are members of records that no path reads, up to maxOthers.
	others map[string]bool
}

// maxOthers is how many members are told that no path reads.
const maxOthers = 1000

// newJSONFields compiles names as paths. A name that is no path is a member.
func newJSONFields(names []string) *jsonFields {
	x := &jsonFields{found: make([]bool, len(names)), others: map[string]bool{}}
	for i, name := range names {
		path, err := jsonpath.Parse(name)
		if err != nil {
			path = jsonpath.Literal(name)
		}
		x.root.add(path, i)
		x.blank = append(x.blank, nullSpan)
	}
	return x
}

// errZeroByte is an escaped zero byte in a field: no text of a table holds one.
var errZeroByte = errors.New("a zero byte")

// read fills the fields of rec from its raw text, and rest with what no field takes.
func (x *jsonFields) read(rec *record) error {
	rec.fields = append(rec.fields[:0], x.blank...)
	rec.unescaped, rec.rest = rec.unescaped[:0], rec.rest[:0]
	x.rec, x.hasZero = rec, false
	x.proof.names.reset()
	end := x.record(rec.raw)
	if x.hasZero {
		return errZeroByte
	}
	if end != notJSON {
		end, _ = behindSpace(rec.raw, end)
	}
	if end != len(rec.raw) {
		return whyNoJSON(rec.raw)
	}
	return nil
}

// record reads the value of a record and returns what follows it, or notJSON.
func (x *jsonFields) record(b []byte) int {
	i, c := behindSpace(b, 0)
	if c == '{' && len(x.root.steps) == 0 {
		end, _ := x.object(b, i+1, 1, &x.root)
		return end
	}
	end := x.proof.value(b, i, 0)
	if end == notJSON || !x.pick(&x.root, span{int32(i), int32(end)}) {
		return notJSON
	}
	rec := x.rec
	switch c {
	case 'n':
	case '{':
		rec.rest = append(rec.rest, b[i:end]...)
	default:
		rec.rest = append(append(append(rec.rest, `{"value":`...), b[i:end]...), '}')
	}
	return end
}

// object reads the object whose bracket is before i, and returns what follows it. Members that no path reads go to
// rest; kept tells whether there were any.
func (x *jsonFields) object(b []byte, i, depth int, n *jsonNode) (end int, kept bool) {
	rec := x.rec
	begin := len(rec.rest)
	rec.rest = append(rec.rest, '{')
	x.objects++
	names := objectNames{number: x.objects, last: unknown}
	i, c := behindSpace(b, i)
	for c != '}' {
		if c != '"' {
			return notJSON, false
		}
		child, nameEnd := x.name(b, i, n, &names)
		if nameEnd == notJSON {
			return notJSON, false
		}
		name := b[i:nameEnd]
		if i, c = behindSpace(b, nameEnd); c != ':' {
			return notJSON, false
		}
		i, _ = behindSpace(b, i+1)
		if child.isLeaf() {
			end = x.leaf(b, i, depth, child)
		} else {
			var isKept bool
			end, isKept = x.member(b, i, depth, child, name, kept)
			kept = kept || isKept
		}
		if end == notJSON {
			return notJSON, false
		}
		if i, c = behindSpace(b, end); c == ',' {
			if i, c = behindSpace(b, i+1); c == '}' {
				return notJSON, false
			}
		} else if c != '}' {
			return notJSON, false
		}
	}
	if names.hasStrange {
		x.proof.names.close(names.strange)
	}
	if !kept {
		rec.rest = rec.rest[:begin]
		return i + 1, false
	}
	rec.rest = append(rec.rest, '}')
	return i + 1, true
}

// objectNames is what an object on its way needs to tell that a name occurs twice.
type objectNames struct {
	number uint64
	// last is the member before.
	last int
	// strange are the names that are too many to be known at the place.
	strange    openObject
	hasStrange bool
}

// name proves the name at i of an object at n. It returns where the member leads, nil for nowhere, and what follows
// the name.
func (x *jsonFields) name(b []byte, i int, n *jsonNode, names *objectNames) (child *jsonNode, end int) {
	at := n.met.after(names.last)
	if size, ok := n.met.is(at, b[i:]); ok {
		end = i + size
	} else {
		var isEscaped, isNew bool
		if end, isEscaped = proveText(b, i+1); end == notJSON {
			return nil, notJSON
		}
		at, isNew = n.met.find(n, b[i:end], isEscaped)
		if isNew && n == &x.root && n.find(b[i:end]) == nil {
			x.meet(b[i:end])
		}
		if at == unknown {
			return n.find(b[i:end]), x.strangeName(b, i, end, isEscaped, names)
		}
		n.met.foresee(names.last, at)
	}
	member := &n.met.known[at]
	if member.object == names.number {
		return nil, notJSON
	}
	member.object, names.last = names.number, at
	return member.node, end
}

// strangeName proves that a name that is not among the known ones occurs once.
func (x *jsonFields) strangeName(b []byte, i, end int, isEscaped bool, names *objectNames) int {
	if !names.hasStrange {
		names.strange, names.hasStrange = x.proof.names.open(), true
	}
	if !x.proof.names.add(names.strange, b[i:end], isEscaped) {
		return notJSON
	}
	return end
}

// leaf reads a value of which all is wanted.
func (x *jsonFields) leaf(b []byte, i, depth int, n *jsonNode) (end int) {
	isEscaped := false
	if i < len(b) && b[i] == '"' {
		end, isEscaped = proveText(b, i+1)
	} else {
		end = x.proof.value(b, i, depth)
	}
	if end == notJSON || !x.set(n.fields, span{int32(i), int32(end)}, isEscaped) {
		return notJSON
	}
	return end
}

// member reads the value of a member, nil where no path leads to it, and adds what of it no field takes to rest.
func (x *jsonFields) member(b []byte, i, depth int, n *jsonNode, name []byte, isSecond bool) (end int, kept bool) {
	rec := x.rec
	mark := len(rec.rest)
	if isSecond {
		rec.rest = append(rec.rest, ',')
	}
	rec.rest = append(append(rec.rest, name...), ':')
	if n != nil && len(n.fields) == 0 && len(n.steps) == 0 && i < len(b) && b[i] == '{' {
		end, kept = x.object(b, i+1, depth+1, n)
	} else if end = x.proof.value(b, i, depth); end != notJSON {
		if n != nil && !x.pick(n, span{int32(i), int32(end)}) {
			return notJSON, false
		}
		if kept = (n == nil || len(n.fields) == 0) && b[i] != 'n'; kept {
			rec.rest = append(rec.rest, b[i:end]...)
		}
	}
	if !kept {
		rec.rest = rec.rest[:mark]
	}
	return end, kept
}

// set makes the value at a place the value of fields. It answers false where it holds a zero byte.
func (x *jsonFields) set(fields []int, at span, isEscaped bool) bool {
	rec := x.rec
	for _, i := range fields {
		x.found[i] = true
		switch c := rec.raw[at.from]; {
		case c == 'n':
		case c != '"':
			rec.fields[i] = at
		case !isEscaped:
			rec.fields[i] = span{at.from + 1, at.to - 1}
		default:
			copied := len(rec.unescaped)
			rec.unescaped = unquote(rec.unescaped, rec.raw[at.from:at.to])
			if bytes.IndexByte(rec.unescaped[copied:], 0) >= 0 {
				x.hasZero = true
				return false
			}
			rec.fields[i] = span{^int32(copied), int32(len(rec.unescaped))}
		}
	}
	return true
}

// meet remembers a member, by its quoted name, that no path reads.
func (x *jsonFields) meet(quoted []byte) {
	if !x.others[string(quoted)] && len(x.others) < maxOthers {
		x.others[string(quoted)] = true
	}
}

// merge adds what another one met.
func (x *jsonFields) merge(other *jsonFields) {
	for i, found := range other.found {
		x.found[i] = x.found[i] || found
	}
	for quoted := range other.others {
		x.others[quoted] = true
	}
}

// unread returns the members that occurred and that no path reads, in alphabetical order.
func (x *jsonFields) unread() []string {
	var names []string
	quoted := slices.Sorted(maps.Keys(x.others))
	for _, quoted := range quoted[:min(len(quoted), maxOthers)] {
		names = append(names, jsonText([]byte(quoted)))
	}
	return names
}
