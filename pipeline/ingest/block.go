package ingest

import "github.com/partnerhealth/partnerhealth/pipeline/contract"

const (
	// A block is handed on when a batch is full, or it holds maxRejects rejects or maxBlockBytes of text.
	maxRejects    = 1024
	maxBlockBytes = 8 << 20
	// maxUnmapped is how many different unmapped values of a column are told apart.
	maxUnmapped = 100
)

// OtherValues counts in UnmappedValues the texts beyond those that are told apart.
const OtherValues = "(other values)"

// block is what goes from a typer to the writer at a time: rows, what was refused, and what was counted.
type block struct {
	batches []*contract.Batch // one a table of the plan
	rejects []contract.Reject
	keeps   []keep
	bytes   int

	counts []TableCount // one a table of the plan
	// values and refused are those of Result.
	values, refused int64
	frozen          frozen
	unmapped        unmapped
	// isLast is set on the last block of a chunk.
	isLast bool
}

// keep is the key of a refused record.
type keep struct {
	table int
	key   contract.KeyHash
}

// newBlock returns a block with room for a few rows; it grows to that of a batch where there are so many.
func newBlock(p *plan) *block {
	const fewRows = 64
	b := &block{batches: make([]*contract.Batch, len(p.tables)), counts: make([]TableCount, len(p.tables)), unmapped: unmapped{known: map[string]*unmappedText{}}}
	for i := range b.batches {
		b.batches[i] = contract.NewBatch(p.tables[i].table, fewRows)
	}
	return b
}

func (b *block) reset() {
	for _, batch := range b.batches {
		batch.Reset()
	}
	clear(b.counts)
	b.rejects, b.keeps, b.bytes = b.rejects[:0], b.keeps[:0], 0
	b.values, b.refused, b.frozen, b.isLast = 0, 0, b.frozen[:0], false
	b.unmapped.reset()
}

// isFull reports whether the block is to be handed on, where a batch holds so many rows.
func (b *block) isFull(rows int) bool {
	if len(b.rejects) >= maxRejects || b.bytes >= maxBlockBytes {
		return true
	}
	for _, batch := range b.batches {
		if batch.Len() >= rows {
			return true
		}
	}
	return false
}

// unmapped counts texts that a column's map does not know, in the order in which they were met.
type unmapped struct {
	texts []*unmappedText
	known map[string]*unmappedText // by column and text
	key   []byte
}

type unmappedText struct {
	column, text string
	n            int64
}

// add counts a text of a column.
func (u *unmapped) add(column string, text []byte) {
	u.key = append(append(append(u.key[:0], column...), 0), text...)
	t := u.known[string(u.key)]
	if t == nil {
		t = &unmappedText{column: column, text: head(text, maxValue)}
		u.known[string(u.key)] = t
	}
	if t.n == 0 {
		u.texts = append(u.texts, t)
	}
	t.n++
}

// reset forgets the counts. A few texts are remembered, since those that occur once occur often.
func (u *unmapped) reset() {
	for _, t := range u.texts {
		t.n = 0
	}
	u.texts = u.texts[:0]
	if len(u.known) > 4*maxUnmapped {
		clear(u.known)
	}
}

// mergeInto adds the counts to those of a file by column and text.
func (u *unmapped) mergeInto(all map[string]map[string]int64) {
	for _, t := range u.texts {
		texts := all[t.column]
		if texts == nil {
			texts = map[string]int64{}
			all[t.column] = texts
		}
		text := t.text
		if _, known := texts[text]; !known && len(texts) >= maxUnmapped {
			text = OtherValues
		}
		texts[text] += t.n
	}
}
