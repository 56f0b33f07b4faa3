package ingest

import (
	"bytes"
	"hash/maphash"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonNames tells the names of the objects that are open, so that none occurs twice in an object, whatever the number of
// its members is. All objects share a hash table, which stays small: the names of an object leave it when the object
// ends, in the opposite order of their coming, so that no search runs into a gap.
type jsonNames struct {
	seed  maphash.Seed
	names []jsonName
	slots []int32 // positions in names and 1, open addressing; 0 is empty
	// objects counts the objects, which numbers them.
	objects uint64
	// texts holds the names that had escapes.
	texts []byte
}

type jsonName struct {
	text   []byte
	hash   uint64 // of the text in its object
	object uint64
	slot   int
}

// openObject is an object on its way, and where its names begin.
type openObject struct {
	number uint64
	from   int
}

// spread is an odd number with bits all over: 2^64 by the golden ratio.
const spread = 0x9e3779b97f4a7c15

// open begins an object.
func (n *jsonNames) open() openObject {
	n.objects++
	return openObject{n.objects, len(n.names)}
}

// add takes a proven name in its quotes. It answers false where the object has it already.
func (n *jsonNames) add(o openObject, quoted []byte, isEscaped bool) bool {
	text := quoted[1 : len(quoted)-1]
	if isEscaped {
		from := len(n.texts)
		n.texts = unquote(n.texts, quoted)
		text = n.texts[from:]
	}
	if 2*len(n.names) >= len(n.slots) {
		n.grow()
	}
	name := jsonName{text: text, hash: maphash.Bytes(n.seed, text) ^ o.number*spread, object: o.number}
	name.slot = n.slot(name.hash)
	for mask := len(n.slots) - 1; n.slots[name.slot] != 0; name.slot = (name.slot + 1) & mask {
		other := &n.names[n.slots[name.slot]-1]
		if other.hash == name.hash && other.object == name.object && bytes.Equal(other.text, text) {
			return false
		}
	}
	n.names = append(n.names, name)
	n.slots[name.slot] = int32(len(n.names))
	return true
}

// slot is where the search for a hash begins.
func (n *jsonNames) slot(hash uint64) int { return int(hash>>32) & (len(n.slots) - 1) }

// grow doubles the table. Names enter it again in the order of their coming.
func (n *jsonNames) grow() {
	if n.slots == nil {
		n.seed = maphash.MakeSeed()
	}
	n.slots = make([]int32, max(256, 2*len(n.slots)))
	for i := range n.names {
		name := &n.names[i]
		name.slot = n.slot(name.hash)
		for n.slots[name.slot] != 0 {
			name.slot = (name.slot + 1) & (len(n.slots) - 1)
		}
		n.slots[name.slot] = int32(i + 1)
	}
}

// close ends the object that was opened last.
func (n *jsonNames) close(o openObject) { n.shrink(o.from) }

// reset ends all objects, also where a proof failed within some.
func (n *jsonNames) reset() {
	n.shrink(0)
	n.texts = n.texts[:0]
}

func (n *jsonNames) shrink(to int) {
	for i := len(n.names) - 1; i >= to; i-- {
		n.slots[n.names[i].slot] = 0
	}
	n.names = n.names[:to]
}

// unquote appends the text of a proven value in quotes.
func unquote(dst, quoted []byte) []byte {
	// A text that was proven cannot fail.
	dst, _ = jsontext.AppendUnquote(dst, quoted)
	return dst
}
