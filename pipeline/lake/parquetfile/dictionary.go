package parquetfile

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// A dictionary pays while values repeat: it is given up where more than half of the values seen are
// distinct, looked at every dictionaryCheck values, or where the values themselves outgrow dictionaryBytes.
const (
	dictionaryCheck = 16 << 10
	dictionaryBytes = 1 << 20
)

// dictionary numbers the distinct texts of a column chunk in the order in which they first occur. It keeps
// positions in the chunk's own data and copies nothing.
type dictionary struct {
	table   []uint32 // open addressing, code+1; 0 is empty
	entries []span
	codes   []int32
	bytes   int
}

type span struct{ from, to int }

// build numbers the values of v that are not null and reports whether a dictionary pays.
func (d *dictionary) build(v *contract.Vector) bool {
	d.entries, d.codes, d.bytes = d.entries[:0], d.codes[:0], 0
	if len(d.table) == 0 {
		d.table = make([]uint32, 4096)
	}
	clear(d.table)
	last := -1
	for i, ok := range v.Valid {
		if !ok {
			continue
		}
		at := span{v.Offsets[i], v.Offsets[i+1]}
		value := v.Data[at.from:at.to]
		if last >= 0 && bytes.Equal(value, d.value(v, last)) {
			d.codes = append(d.codes, int32(last))
			continue
		}
		last = d.code(v, at, value)
		d.codes = append(d.codes, int32(last))
		if len(d.codes)%dictionaryCheck == 0 && 2*len(d.entries) > len(d.codes) || d.bytes > dictionaryBytes {
			return false
		}
	}
	return 2*len(d.entries) <= len(d.codes)
}

func (d *dictionary) value(v *contract.Vector, code int) []byte {
	return v.Data[d.entries[code].from:d.entries[code].to]
}

// code returns the number of a value, a new one where it was not seen before.
func (d *dictionary) code(v *contract.Vector, at span, value []byte) int {
	mask := uint64(len(d.table) - 1)
	slot := xxh3.Hash(value) & mask
	for ; d.table[slot] != 0; slot = (slot + 1) & mask {
		if code := int(d.table[slot] - 1); bytes.Equal(value, d.value(v, code)) {
			return code
		}
	}
	code := len(d.entries)
	d.table[slot] = uint32(code + 1)
	d.entries = append(d.entries, at)
	d.bytes += len(value) + 4
	if 2*len(d.entries) > len(d.table) {
		d.grow(v)
	}
	return code
}

func (d *dictionary) grow(v *contract.Vector) {
	d.table = make([]uint32, 2*len(d.table))
	mask := uint64(len(d.table) - 1)
	for code := range d.entries {
		slot := xxh3.Hash(d.value(v, code)) & mask
		for d.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		d.table[slot] = uint32(code + 1)
	}
}
