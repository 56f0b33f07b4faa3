package lake

import (
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// keyIndex knows the newest version of every key of one (source, table): key hash to row hash, and which
// load that version came from. It costs 28 bytes a key and about 4 to 8 more for finding it: keys are kept
// in blocks in the order of their first arrival, and found through an open-addressing table of positions.
//
// Its state is a function of the rows in the lake, taken in the order of the manifest, so that an index that
// was kept up to date and one that was rebuilt are the same to the byte.
type keyIndex struct {
	// slots holds position+1 in its low width bits and bits of the key hash above them; 0 is empty.
	slots []uint32
	width uint
	n     int
	// blocks of blockKeys keys each, in order of arrival.
	blocks []*keyBlock
	// origins are the distinct origins, referred to by number.
	origins []origin
	numbers map[origin]uint32
}

const blockKeys = 4096

type keyBlock struct {
	key    [blockKeys]contract.KeyHash
	row    [blockKeys]uint64
	origin [blockKeys]uint32
}

// origin is where the newest version of a key comes from.
type origin struct {
	// loadedAt is when its export was received, in microseconds.
	loadedAt int64
	// object is the source object that owns the key: only its snapshots can delete it.
	object string
	// deleted is set where that version says that the key is gone.
	deleted bool
}

const minIndexWidth = 6

func newKeyIndex() *keyIndex {
	return &keyIndex{
		slots:   make([]uint32, 1<<minIndexWidth),
		width:   minIndexWidth,
		numbers: map[origin]uint32{},
	}
}

func (x *keyIndex) at(i int) (*keyBlock, int) { return x.blocks[i/blockKeys], i % blockKeys }

// slot returns where a key is, or where it would go, and the mark that its slot carries.
func (x *keyIndex) slot(key contract.KeyHash) (slot uint64, mark uint32, found bool) {
	mask := uint64(len(x.slots) - 1)
	mark = uint32(key[0]) << x.width
	for slot = key[1] & mask; ; slot = (slot + 1) & mask {
		v := x.slots[slot]
		if v == 0 {
			return slot, mark, false
		}
		if (v^mark)>>x.width != 0 {
			continue
		}
		if block, j := x.at(int(v&uint32(mask)) - 1); block.key[j] == key {
			return slot, mark, true
		}
	}
}

// find returns the position of a key.
func (x *keyIndex) find(key contract.KeyHash) (int, bool) {
	slot, _, found := x.slot(key)
	if !found {
		return 0, false
	}
	return int(x.slots[slot]&uint32(len(x.slots)-1)) - 1, true
}

// add appends a key that is not there yet; slot and mark are those of slot().
func (x *keyIndex) add(slot uint64, mark uint32, key contract.KeyHash, row uint64, from uint32) int {
	i := x.n
	if i == len(x.blocks)*blockKeys {
		x.blocks = append(x.blocks, new(keyBlock))
	}
	block, j := x.at(i)
	block.key[j], block.row[j], block.origin[j] = key, row, from
	x.slots[slot] = mark | uint32(i+1)
	x.n++
	if 4*x.n >= 3*len(x.slots) {
		x.spread(x.width + 1)
	}
	return i
}

// spread builds the table of positions anew, with 2^width slots.
func (x *keyIndex) spread(width uint) {
	x.width = width
	x.slots = make([]uint32, 1<<width)
	mask := uint64(len(x.slots) - 1)
	for i := range x.n {
		block, j := x.at(i)
		key := block.key[j]
		slot := key[1] & mask
		for x.slots[slot] != 0 {
			slot = (slot + 1) & mask
		}
		x.slots[slot] = uint32(key[0])<<width | uint32(i+1)
	}
}

// number returns the number of an origin, a new one where it was not seen before.
func (x *keyIndex) number(o origin) uint32 {
	n, ok := x.numbers[o]
	if !ok {
		n = uint32(len(x.origins))
		x.origins = append(x.origins, o)
		x.numbers[o] = n
	}
	return n
}

// bytes returns about how much memory the index holds.
func (x *keyIndex) bytes() int {
	return 4*len(x.slots) + len(x.blocks)*blockKeys*28
}

// arrival is one load, live or read back from a file, as it passes through the index.
type arrival struct {
	x        *keyIndex
	loadedAt int64
	object   string
	// fresh is the origin of keys that this load brings, -1 before the first.
	fresh int64
	// before and after: the last origin that was replaced, and by what.
	before, after int64
	// existing is the number of keys at the start, seen those of them that came by (a bit each). Live only.
	existing int
	seen     []uint64
	// conflicting counts the versions of keys that had come by with another version. Live only.
	conflicting int64
	// deletions of the file that is read, by key: what the last row said.
	deletions map[contract.KeyHash]bool
}

// arrive begins a load. Keys that come by are remembered where track is set.
func (x *keyIndex) arrive(loadedAt int64, object string, track bool) *arrival {
	a := &arrival{x: x, loadedAt: loadedAt, object: object, fresh: -1, before: -1, existing: x.n}
	if track {
		a.seen = make([]uint64, (x.n+63)/64)
	}
	return a
}

// put takes note of a version and reports whether it is the newest one already.
func (a *arrival) put(key contract.KeyHash, row uint64) (unchanged bool) {
	slot, mark, found := a.x.slot(key)
	if !found {
		if a.fresh < 0 {
			a.fresh = int64(a.x.number(origin{loadedAt: a.loadedAt, object: a.object}))
		}
		a.x.add(slot, mark, key, row, uint32(a.fresh))
		return false
	}
	i := int(a.x.slots[slot]&uint32(len(a.x.slots)-1)) - 1
	again := a.see(i)
	block, j := a.x.at(i)
	// A version that was received later is no reason to leave this one out: whoever asks what was known in between
	// does not have it (see View.KnownAt).
	if block.row[j] == row && a.x.origins[block.origin[j]].loadedAt <= a.loadedAt {
		return true
	}
	if again {
		a.conflicting++
	}
	if from := block.origin[j]; int64(from) == a.before {
		block.row[j], block.origin[j] = row, uint32(a.after)
	} else if old := a.x.origins[from]; old.loadedAt <= a.loadedAt {
		// A key belongs to the object that brought it, until that deletes it.
		next := origin{loadedAt: a.loadedAt, object: old.object}
		if old.deleted {
			next.object = a.object
		}
		a.before, a.after = int64(from), int64(a.x.number(next))
		block.row[j], block.origin[j] = row, uint32(a.after)
	}
	return false
}

// keep takes note that a key is still there, whatever its version.
func (a *arrival) keep(key contract.KeyHash) {
	if i, ok := a.x.find(key); ok {
		a.see(i)
	}
}

// see takes note that key i came by and reports whether it did so before.
func (a *arrival) see(i int) (again bool) {
	if a.seen == nil || i >= a.existing {
		return i >= a.existing
	}
	word, bit := &a.seen[i/64], uint64(1)<<(i%64)
	again = *word&bit != 0
	*word |= bit
	return again
}

// deletes takes note of whether a written row says that its key is gone.
func (a *arrival) deletes(key contract.KeyHash, deleted bool) {
	if !deleted && len(a.deletions) == 0 {
		return
	}
	if a.deletions == nil {
		a.deletions = map[contract.KeyHash]bool{}
	}
	a.deletions[key] = deleted
}

// owned returns how many of the keys that were there at the start are alive and belong to this load's object,
// and the positions of those that did not come by.
func (a *arrival) owned() (known int, gone []int) {
	alive := make([]bool, len(a.x.origins))
	for n, o := range a.x.origins {
		alive[n] = o.object == a.object && !o.deleted
	}
	for i := range a.existing {
		block, j := a.x.at(i)
		if !alive[block.origin[j]] {
			continue
		}
		known++
		if a.seen[i/64]&(1<<(i%64)) == 0 {
			gone = append(gone, i)
		}
	}
	return known, gone
}

// finish ends a file of the load: keys whose last row said so are deleted.
func (a *arrival) finish() {
	var gone []int
	for key, deleted := range a.deletions {
		if i, ok := a.x.find(key); ok && deleted {
			gone = append(gone, i)
		}
	}
	slices.Sort(gone) // The order of origins must not depend on the map's.
	for _, i := range gone {
		block, j := a.x.at(i)
		// An older file that arrives late says nothing about a newer version.
		if o := a.x.origins[block.origin[j]]; o.loadedAt <= a.loadedAt {
			o.deleted = true
			block.origin[j] = a.x.number(o)
		}
	}
	clear(a.deletions)
}
