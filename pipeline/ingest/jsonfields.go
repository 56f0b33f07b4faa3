package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

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
//
// Of the libraries that were measured only jsontext does so: it reads 135 MB/s by tokens and 190 MB/s where it skips
// values, and allocates nothing. fastjson reads 290 MB/s, but takes names that occur twice and bytes that are no text,
// and its error for 100,000 brackets takes minutes to write; goccy/go-json reads 64 MB/s into raw members.
type jsonFields struct {
	root  jsonNode
	width int
	// found says which fields occurred.
	found []bool
	// scanners[0] reads records, the others values within them.
	scanners []*jsonScanner
	rec      *record
	// others are members of records that no path reads, up to maxOthers.
	others map[string]bool
}

// maxOthers is how many members are told that no path reads.
const maxOthers = 1000

// jsonScanner is a decoder of bytes in memory; base is where these begin in the record.
type jsonScanner struct {
	*jsontext.Decoder
	buf  bytes.Buffer
	base int
}

// newJSONFields compiles names as paths. A name that is no path is a member.
func newJSONFields(names []string) *jsonFields {
	x := &jsonFields{width: len(names), found: make([]bool, len(names)), others: map[string]bool{}}
	for i, name := range names {
		path, err := jsonpath.Parse(name)
		if err != nil {
			path = jsonpath.Literal(name)
		}
		x.root.add(path, i)
	}
	return x
}

// scanner returns the decoder of depth, set to read b, which lies at base in the record.
func (x *jsonFields) scanner(depth int, b []byte, base int) *jsonScanner {
	if depth == len(x.scanners) {
		x.scanners = append(x.scanners, &jsonScanner{Decoder: jsontext.NewDecoder(&bytes.Buffer{})})
	}
	s := x.scanners[depth]
	s.buf = *bytes.NewBuffer(b)
	s.base = base
	s.Reset(&s.buf)
	return s
}

// value reads a value, and where it begins in the record.
func (s *jsonScanner) value() (v []byte, at int, err error) {
	v, err = s.ReadValue()
	return v, s.base + int(s.InputOffset()) - len(v), err
}

// errZeroByte is an escaped zero byte in a field: no text of a table holds one.
var errZeroByte = errors.New("a zero byte")

// read fills the fields of rec from its raw text, and rest with what no field takes.
func (x *jsonFields) read(rec *record) error {
	rec.fields = rec.fields[:0]
	for range x.width {
		rec.fields = append(rec.fields, nullSpan)
	}
	rec.unescaped, rec.rest = rec.unescaped[:0], rec.rest[:0]
	x.rec = rec
	s := x.scanner(0, rec.raw, 0)
	if s.PeekKind() == '{' && len(x.root.steps) == 0 {
		if _, err := x.object(s, &x.root); err != nil {
			return err
		}
	} else {
		v, at, err := s.value()
		if err != nil {
			return noEOF(err)
		}
		if err := x.pick(1, &x.root, v, at); err != nil {
			return err
		}
		switch v[0] {
		case 'n':
		case '{':
			rec.rest = append(rec.rest, v...)
		default:
			rec.rest = append(append(append(rec.rest, `{"value":`...), v...), '}')
		}
	}
	if _, err := s.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("something follows the value")
		}
		return err
	}
	return nil
}

// noEOF makes the end of the text within a value an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// object reads an object of the record. Members that no path reads go to rest; kept tells whether there were any.
func (x *jsonFields) object(s *jsonScanner, n *jsonNode) (kept bool, err error) {
	if _, err := s.ReadToken(); err != nil {
		return false, noEOF(err)
	}
	rec := x.rec
	begin := len(rec.rest)
	rec.rest = append(rec.rest, '{')
	for at := 0; s.PeekKind() != '}'; at++ {
		name, err := s.ReadValue()
		if err != nil {
			return false, noEOF(err)
		}
		child := x.child(n, at, name)
		if child.isLeaf() {
			if _, err := x.member(s, child); err != nil {
				return false, err
			}
			continue
		}
		mark := len(rec.rest)
		if kept {
			rec.rest = append(rec.rest, ',')
		}
		rec.rest = append(append(rec.rest, name...), ':')
		isKept, err := x.member(s, child)
		if err != nil {
			return false, err
		}
		if !isKept {
			rec.rest = rec.rest[:mark]
		}
		kept = kept || isKept
	}
	if _, err := s.ReadToken(); err != nil {
		return false, noEOF(err)
	}
	if !kept {
		rec.rest = rec.rest[:begin]
		return false, nil
	}
	rec.rest = append(rec.rest, '}')
	return true, nil
}

// child returns where the member at a position of an object leads.
func (x *jsonFields) child(n *jsonNode, at int, quoted []byte) *jsonNode {
	if at < len(n.last) && bytes.Equal(n.last[at].quoted, quoted) {
		return n.last[at].node
	}
	child := n.find(quoted)
	if child == nil && n == &x.root {
		x.meet(quoted)
	}
	if at == len(n.last) && at < maxLast {
		n.last = append(n.last, lastMember{})
	}
	if at < len(n.last) {
		n.last[at] = lastMember{append(n.last[at].quoted[:0], quoted...), child}
	}
	return child
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

// member reads the value of a member, nil where no path leads to it.
func (x *jsonFields) member(s *jsonScanner, n *jsonNode) (kept bool, err error) {
	if n != nil && len(n.fields) == 0 && len(n.steps) == 0 && s.PeekKind() == '{' {
		return x.object(s, n)
	}
	v, at, err := s.value()
	if err != nil {
		return false, noEOF(err)
	}
	if n != nil {
		if err := x.pick(1, n, v, at); err != nil {
			return false, err
		}
		if len(n.fields) > 0 {
			return false, nil
		}
	}
	if isJSONNull(v) {
		return false, nil
	}
	x.rec.rest = append(x.rec.rest, v...)
	return true, nil
}

func isJSONNull(v []byte) bool { return len(v) > 0 && v[0] == 'n' }

// pick takes the fields of n and of all below it from a value that is known to be sound.
func (x *jsonFields) pick(depth int, n *jsonNode, v []byte, at int) error {
	for _, i := range n.fields {
		if err := x.set(i, v, at); err != nil {
			return err
		}
	}
	if len(n.members) == 0 && len(n.steps) == 0 {
		return nil
	}
	switch v[0] {
	case '{':
		return x.pickMembers(depth, n, v, at)
	case '[':
		if len(n.steps) > 0 {
			return x.pickElements(depth, n, v, at)
		}
	}
	return nil
}

func (x *jsonFields) pickMembers(depth int, n *jsonNode, v []byte, at int) error {
	s := x.scanner(depth, v, at)
	if _, err := s.ReadToken(); err != nil {
		return err
	}
	isTaken := false
	for s.PeekKind() != '}' {
		name, err := s.ReadValue()
		if err != nil {
			return err
		}
		child := n.find(name)
		member, from, err := s.value()
		if err != nil {
			return err
		}
		if child != nil {
			if err := x.pick(depth+1, child, member, from); err != nil {
				return err
			}
		}
		for i := range n.steps {
			if n.steps[i].Kind == jsonpath.Any && !isTaken && !isJSONNull(member) {
				isTaken = true
				if err := x.pick(depth+1, n.steps[i].node, member, from); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (x *jsonFields) pickElements(depth int, n *jsonNode, v []byte, at int) error {
	s := x.scanner(depth, v, at)
	if _, err := s.ReadToken(); err != nil {
		return err
	}
	taken := make([]bool, len(n.steps))
	for index := 0; s.PeekKind() != ']'; index++ {
		element, from, err := s.value()
		if err != nil {
			return err
		}
		for i := range n.steps {
			step := &n.steps[i]
			if taken[i] || !x.selects(depth+1, &step.Step, index, element) {
				continue
			}
			taken[i] = true
			if err := x.pick(depth+1, step.node, element, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// selects reports whether a step goes to an element.
func (x *jsonFields) selects(depth int, step *jsonpath.Step, index int, element []byte) bool {
	switch step.Kind {
	case jsonpath.Index:
		return index == step.Index
	case jsonpath.Any:
		return !isJSONNull(element)
	}
	if element[0] != '{' {
		return false
	}
	s := x.scanner(depth, element, 0)
	if _, err := s.ReadToken(); err != nil {
		return false
	}
	for s.PeekKind() != '}' {
		name, err := s.ReadToken()
		if err != nil {
			return false
		}
		isMeant := name.String() == step.Name
		v, err := s.ReadValue()
		if err != nil {
			return false
		}
		if isMeant {
			return jsonText(v) == step.Value
		}
	}
	return false
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

// set makes v, which lies at from in the record, the value of field i.
func (x *jsonFields) set(i int, v []byte, from int) error {
	x.found[i] = true
	rec := x.rec
	switch {
	case isJSONNull(v):
	case v[0] != '"':
		rec.fields[i] = span{int32(from), int32(from + len(v))}
	case bytes.IndexByte(v, '\\') < 0:
		rec.fields[i] = span{int32(from + 1), int32(from + len(v) - 1)}
	default:
		copied := len(rec.unescaped)
		var err error
		if rec.unescaped, err = jsontext.AppendUnquote(rec.unescaped, v); err != nil {
			return err
		}
		if bytes.IndexByte(rec.unescaped[copied:], 0) >= 0 {
			return errZeroByte
		}
		rec.fields[i] = span{^int32(copied), int32(len(rec.unescaped))}
	}
	return nil
}

// describeJSON says in words why a record is refused.
func describeJSON(err error) complaint {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		switch {
		case errors.Is(err, errZeroByte):
			return complaint{"nul_byte", "holds a zero byte", "remove it in the source"}
		case errors.Is(err, io.ErrUnexpectedEOF):
			return complaint{"invalid_json", "ends within a JSON value", jsonNext}
		}
		return complaint{"invalid_json", "is no JSON: " + err.Error(), jsonNext}
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return complaint{"duplicate_member", fmt.Sprintf("names the member %s twice", syntax.JSONPointer), "export each member once: which of the two is meant cannot be known"}
	case syntax.Err != nil && syntax.Err.Error() == "invalid UTF-8":
		return complaint{"invalid_text", "holds bytes that are no text in the encoding of the file",
			"export as UTF-8, or declare the encoding in the mapping, for example read: {encoding: utf-16le}"}
	}
	return complaint{"invalid_json", fmt.Sprintf("is no JSON from byte %d on: %v", syntax.ByteOffset, syntax.Err), jsonNext}
}

const jsonNext = "export the record again: it is no JSON as RFC 8259 defines it"
