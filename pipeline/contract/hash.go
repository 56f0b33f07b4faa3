package contract

import (
	"encoding/binary"
	"math"

	"github.com/zeebo/xxh3"
)

// Hasher hashes a sequence of typed values with XXH3. Every value is written with its type and, for text,
// its length, so that ("a", "bc") and ("ab", "c"), or null and "", never hash alike. Hashes are kept in
// the lake: the encoding may not change. The zero Hasher is ready to use; it is not safe for concurrent use.
type Hasher struct {
	buf []byte
}

// The tags that begin the encoding of a value.
const (
	hashNull byte = iota
	hashFalse
	hashTrue
	hashInt
	hashFloat
	hashBytes
)

// Reset forgets what was written.
func (h *Hasher) Reset() { h.buf = h.buf[:0] }

// WriteNull adds a null.
func (h *Hasher) WriteNull() { h.buf = append(h.buf, hashNull) }

// WriteBool adds a truth value.
func (h *Hasher) WriteBool(x bool) {
	tag := hashFalse
	if x {
		tag = hashTrue
	}
	h.buf = append(h.buf, tag)
}

// WriteInt adds an integer, date, timestamp or unscaled decimal.
func (h *Hasher) WriteInt(x int64) {
	h.buf = binary.LittleEndian.AppendUint64(append(h.buf, hashInt), uint64(x))
}

// WriteFloat adds a number. Minus zero counts as zero, and every NaN as the same.
func (h *Hasher) WriteFloat(x float64) {
	switch {
	case x == 0:
		x = 0
	case math.IsNaN(x):
		x = math.NaN()
	}
	h.buf = binary.LittleEndian.AppendUint64(append(h.buf, hashFloat), math.Float64bits(x))
}

// WriteBytes adds a text.
func (h *Hasher) WriteBytes(x []byte) {
	h.buf = binary.AppendUvarint(append(h.buf, hashBytes), uint64(len(x)))
	h.buf = append(h.buf, x...)
}

// WriteValue adds row i of v.
func (h *Hasher) WriteValue(v *Vector, i int) {
	if !v.Valid[i] {
		h.WriteNull()
		return
	}
	switch v.Type {
	case Bool:
		h.WriteBool(v.Bools[i])
	case Int64, Date, Timestamp, Decimal:
		h.WriteInt(v.Ints[i])
	case Float64:
		h.WriteFloat(v.Floats[i])
	default:
		h.WriteBytes(v.Bytes(i))
	}
}

// Sum64 returns the 64-bit hash of what was written since the last Reset.
func (h *Hasher) Sum64() uint64 { return xxh3.Hash(h.buf) }

// Sum128 returns the 128-bit hash of what was written since the last Reset, high half first.
func (h *Hasher) Sum128() KeyHash {
	u := xxh3.Hash128(h.buf)
	return KeyHash{u.Hi, u.Lo}
}

// RowHasher computes the hashes of the rows of one table. Ingest writes them into a batch, the lake
// computes those of keys again when it rebuilds its index from its files. Not safe for concurrent use.
type RowHasher struct {
	h   Hasher
	key []int
}

// NewRowHasher returns a hasher for rows of table t.
func NewRowHasher(t *Table) *RowHasher {
	r := &RowHasher{key: make([]int, len(t.Key))}
	for i, name := range t.Key {
		r.key[i] = t.Index(name)
	}
	return r
}

// Key returns the hash of row i's key columns, in the order of Table.Key.
func (r *RowHasher) Key(b *Batch, i int) KeyHash {
	r.h.Reset()
	for _, c := range r.key {
		r.h.WriteValue(&b.Columns[c], i)
	}
	return r.h.Sum128()
}

// Row returns the hash of all that row i says: its columns, its unmapped columns, and whether it is deleted.
func (r *RowHasher) Row(b *Batch, i int) uint64 {
	r.h.Reset()
	for c := range b.Columns {
		r.h.WriteValue(&b.Columns[c], i)
	}
	r.h.WriteValue(&b.Extra, i)
	r.h.WriteBool(b.Deleted[i])
	return r.h.Sum64()
}
