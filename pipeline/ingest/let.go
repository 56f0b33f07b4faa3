package ingest

import (
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// lets makes the texts that the object names, once for each record. It holds buffers, so it serves one goroutine.
type lets struct {
	columns []column
	// values are those of the record at hand, nil for null.
	values [][]byte
}

// lowestUnit is below the position of any value of a unit: lets are read by the positions from it downwards.
const lowestUnit = -1 << 20

// letPosition is the position by which columns read let k.
func letPosition(k int) int { return lowestUnit - k }

// lets compiles the lets of the object. Each may read those before it.
func (b *binder) lets() (*lets, error) {
	declared := b.file.obj.Let
	l := &lets{values: make([][]byte, len(declared))}
	for i := range declared {
		m := declared[i].Column()
		c := column{at: -1, name: declared[i].Virtual(), typ: contract.String, onType: preset.DiscardValue, onValue: preset.Unknown}
		if err := b.origin(&c, &m); err != nil {
			return nil, fmt.Errorf("compile %s: %w", c.name, err)
		}
		l.columns = append(l.columns, c)
		b.let = append(b.let, c.name)
	}
	return l, nil
}

// fill sets the lets of a record. They stand until the next one. A text that a transform does not take stays as it is,
// for the column that reads it to refuse.
func (l *lets) fill(rec *record, n *nulls) {
	rec.lets = l.values
	for i := range l.columns {
		text, isNull, _, _ := l.columns[i].text(rec, n)
		switch {
		case isNull:
			text = nil
		case text == nil:
			text = []byte{}
		}
		l.values[i] = text
	}
}
