package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

const (
	// blocks circulate between typer and writer, so that typing goes on while the writer packs a group of rows.
	blocks = 8
	// A block is handed on when a batch is full, or it holds maxRejects rejects or maxBlockBytes of text.
	maxRejects    = 1024
	maxBlockBytes = 8 << 20
	// checkEvery is after how many records it is looked whether the run was cancelled.
	checkEvery = 1024
	// maxRaw is how much of a refused record, maxValue how much of a refused value is kept.
	maxRaw   = 64 << 10
	maxValue = 1 << 10
	// maxUnmapped is how many different unmapped values of a column are told apart.
	maxUnmapped = 100
)

// OtherValues counts in UnmappedValues the texts beyond those that are told apart.
const OtherValues = "(other values)"

// block is what goes from the typer to the writer at a time.
type block struct {
	batches []*contract.Batch // one a table of the plan
	rejects []contract.Reject
	keeps   []keep
	bytes   int
}

// keep is the key of a refused record.
type keep struct {
	table int
	key   contract.KeyHash
}

// newBlock returns a block with room for a few rows; it grows to that of a batch where there are so many.
func newBlock(p *plan) *block {
	const fewRows = 64
	b := &block{batches: make([]*contract.Batch, len(p.tables))}
	for i := range b.batches {
		b.batches[i] = contract.NewBatch(p.tables[i].table, fewRows)
	}
	return b
}

func (b *block) reset() {
	for _, batch := range b.batches {
		batch.Reset()
	}
	b.rejects, b.keeps, b.bytes = b.rejects[:0], b.keeps[:0], 0
}

// typer reads records and turns them into rows and rejects.
type typer struct {
	file   *file
	s      *scanner
	plan   *plan
	counts []TableCount
	values int64
	// unmapped counts texts by column; a pointer, so that counting one more allocates nothing.
	unmapped map[string]map[string]*int64
	block    *block
	extra    []byte

	free <-chan *block
	full chan<- *block
}

// run types records until the file ends.
func (t *typer) run(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	for {
		rec, err := t.s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damaged(err)
		}
		t.record(rec)
		switch {
		case t.isFull():
			if err := t.give(ctx); err != nil {
				return err
			}
			if err := t.take(ctx); err != nil {
				return err
			}
		case rec.number%checkEvery == 0 && ctx.Err() != nil:
			return ctx.Err()
		}
	}
	t.note()
	return t.give(ctx)
}

func (t *typer) isFull() bool {
	b := t.block
	if len(b.rejects) >= maxRejects || b.bytes >= maxBlockBytes {
		return true
	}
	for _, batch := range b.batches {
		if batch.Len() >= t.file.batchRows() {
			return true
		}
	}
	return false
}

// take waits for an empty block.
func (t *typer) take(ctx context.Context) error {
	select {
	case t.block = <-t.free:
		t.block.reset()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give hands the block to the writer.
func (t *typer) give(ctx context.Context) error {
	select {
	case t.full <- t.block:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *typer) note() {
	if t.s.records == 0 && len(t.plan.header.names) > 0 {
		t.file.note("the file has a header and no records")
	}
}

// record types one record for every table.
func (t *typer) record(rec *record) {
	t.block.bytes += len(rec.raw)
	if rec.fault != sound {
		c := describeFault(rec, t.s)
		t.reject(rec, contract.Reject{Rule: c.rule, Message: "the record " + c.message, NextStep: c.next})
		for i := range t.counts {
			t.counts[i].Rejected++
		}
		return
	}
	isTaken := false
	for _, i := range t.plan.order {
		tp := &t.plan.tables[i]
		if !tp.takes(rec, &t.plan.nulls) {
			t.counts[i].Filtered++
			continue
		}
		if t.row(i, rec, !isTaken) {
			isTaken = true
		} else {
			t.counts[i].Rejected++
		}
	}
}

// takes reports whether a record meets the conditions of the table.
func (tp *tablePlan) takes(rec *record, n *nulls) bool {
	for i := range tp.where {
		if !tp.where[i].holds(rec, n) {
			return false
		}
	}
	return true
}

// row appends the row that a record makes in table i, or refuses the record.
func (t *typer) row(i int, rec *record, withExtra bool) bool {
	tp, b := &t.plan.tables[i], t.block.batches[i]
	n := b.Len()
	for k := range tp.columns {
		c := &tp.columns[k]
		refused, unmapped := c.fill(rec, &t.plan.nulls, &b.Columns[c.at])
		if unmapped != nil {
			t.count(c.name, unmapped)
		}
		if refused == nil {
			continue
		}
		if c.required {
			if k >= tp.keys && !tp.isAppend {
				t.block.keeps = append(t.block.keeps, keep{i, tp.hash.Key(b, n)})
			}
			truncate(b, n)
			t.refuse(tp, c, rec, refused, false)
			return false
		}
		b.Columns[c.at].AppendNull()
		t.values++
		t.refuse(tp, c, rec, refused, true)
	}
	for _, at := range tp.unfilled {
		b.Columns[at].AppendNull()
	}
	t.appendExtra(b, rec, withExtra)
	b.Deleted = append(b.Deleted, tp.deleted != nil && tp.deleted.holds(rec, &t.plan.nulls))
	b.Row = append(b.Row, rec.number)
	b.KeyHash = append(b.KeyHash, tp.hash.Key(b, n))
	b.RowHash = append(b.RowHash, tp.hash.Row(b, n))
	return true
}

// appendExtra appends the unmapped columns that are not null as a JSON object, null where there are none.
func (t *typer) appendExtra(b *contract.Batch, rec *record, wanted bool) {
	t.extra = t.extra[:0]
	if wanted {
		for i := range t.plan.extra {
			x := &t.plan.extra[i]
			field := rec.field(x.at)
			if t.plan.nulls.has(field) {
				continue
			}
			if len(t.extra) == 0 {
				t.extra = append(t.extra, '{')
			} else {
				t.extra = append(t.extra, ',')
			}
			t.extra = append(t.extra, x.label...)
			t.extra = appendJSONText(t.extra, field)
		}
	}
	if len(t.extra) == 0 {
		b.Extra.AppendNull()
		return
	}
	t.extra = append(t.extra, '}')
	b.Extra.AppendBytes(t.extra)
}

// refuse reports a value that column c does not take.
func (t *typer) refuse(tp *tablePlan, c *column, rec *record, r *refusal, rowKept bool) {
	name := tp.table.Columns[c.at].Name
	if r.src >= 0 {
		name = t.plan.header.names[r.src]
	}
	message := fmt.Sprintf("%s %q %s", name, head(r.text, 80), r.rule.Message)
	if r.rule == errMissing {
		message = fmt.Sprintf("%s %s: %s of %s", name, r.rule.Message, tp.table.Columns[c.at].Name, tp.table.Name)
	}
	t.reject(rec, contract.Reject{
		Table: tp.table.Name, Column: name, Rule: r.rule.Rule, Message: message, NextStep: r.rule.Next, Value: head(r.text, maxValue), RowKept: rowKept,
	})
}

// reject adds where the record is and hands it on.
func (t *typer) reject(rec *record, r contract.Reject) {
	f := t.file
	r.Source, r.Object, r.File, r.SHA256 = f.opt.Source, f.obj.Name, f.path, f.sha256
	r.Record, r.Line, r.Offset = rec.number, rec.line, rec.offset
	r.Raw = head(rec.raw, maxRaw)
	t.block.bytes += len(r.Raw)
	t.block.rejects = append(t.block.rejects, r)
}

// head copies up to n bytes, and no half character.
func head(b []byte, n int) string {
	if len(b) > n {
		for n > 0 && !utf8.RuneStart(b[n]) {
			n--
		}
		b = b[:n]
	}
	return string(b)
}

// count notes a text that a column's map does not know.
func (t *typer) count(column string, text []byte) {
	values := t.unmapped[column]
	if values == nil {
		values = map[string]*int64{}
		t.unmapped[column] = values
	}
	n := values[string(text)]
	if n == nil {
		key := head(text, maxValue)
		if len(values) >= maxUnmapped {
			key = OtherValues
		}
		if n = values[key]; n == nil {
			n = new(int64)
			values[key] = n
		}
	}
	*n++
}

// unmappedValues returns what was counted.
func (t *typer) unmappedValues() map[string]map[string]int64 {
	out := make(map[string]map[string]int64, len(t.unmapped))
	for column, values := range t.unmapped {
		out[column] = make(map[string]int64, len(values))
		for text, n := range values {
			out[column][text] = *n
		}
	}
	return out
}
