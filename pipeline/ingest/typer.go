package ingest

import (
	"bytes"
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

const (
	// checkEvery is after how many records it is looked whether the run was cancelled.
	checkEvery = 1024
	// maxRaw is how much of a refused record, maxValue how much of a refused value is kept.
	maxRaw   = 64 << 10
	maxValue = 1 << 10
)

// typer turns records into rows and rejects.
type typer struct {
	file  *file
	plan  *plan
	block *block
	extra []byte
	// json reads the fields of JSON records, nil for other formats.
	json *jsonTyper
	// dropped are the refused values of the row at hand, which are told when it is certain that the row is written.
	dropped []dropped

	chunks chan *chunk
	read   chan<- *chunk // takes chunks back
	free   chan *block
	full   chan *block
	made   int // blocks so far
}

// dropped is a value without which its row goes on.
type dropped struct {
	column  *column
	refusal *refusal
}

// newTyper returns a typer with blocks of its own, so that none waits for the blocks of another.
func newTyper(f *file, p *plan, read chan<- *chunk) *typer {
	return &typer{file: f, plan: p, read: read, chunks: make(chan *chunk, chunksEach), free: make(chan *block, blocksEach), full: make(chan *block, blocksEach)}
}

// run types chunks until there are no more.
func (t *typer) run(ctx context.Context) error {
	defer close(t.full)
	for {
		select {
		case c, ok := <-t.chunks:
			if !ok {
				return nil
			}
			if err := t.chunk(ctx, c); err != nil {
				return err
			}
			t.read <- c // never blocks: it holds as many as there are
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// chunk types the records of a chunk into one or more blocks.
func (t *typer) chunk(ctx context.Context, c *chunk) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	for i := range c.records {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if t.block.isFull(t.file.batchRows()) {
			if err := t.give(ctx); err != nil {
				return err
			}
			if err := t.take(ctx); err != nil {
				return err
			}
		}
		rec := &c.records[i]
		if t.json != nil {
			rec = t.json.read(rec)
		}
		t.record(rec)
	}
	t.block.isLast = true
	return t.give(ctx)
}

// take waits for an empty block, or makes one while there are few: a writer that keeps up needs two or three.
func (t *typer) take(ctx context.Context) error {
	if len(t.free) == 0 && t.made < blocksEach {
		t.made++
		t.free <- newBlock(t.plan)
	}
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

// record types one record for every table.
func (t *typer) record(rec *record) {
	t.block.bytes += len(rec.raw)
	if rec.fault != sound {
		c := rec.why
		t.reject(rec, contract.Reject{Rule: c.rule, Message: "the record " + c.message, NextStep: c.next})
		for i := range t.block.counts {
			t.block.counts[i].Units++
			t.block.counts[i].Rejected++
		}
		t.block.refused++
		return
	}
	t.plan.lets.fill(rec, &t.plan.nulls)
	isTaken, isRefused := false, false
	for _, i := range t.plan.order {
		tp, c := &t.plan.tables[i], &t.block.counts[i]
		if tp.units != nil {
			t.units(i, rec, &isTaken, &isRefused)
			continue
		}
		c.Units++
		t.unit(i, rec, &isTaken, &isRefused)
	}
	if isRefused {
		t.block.refused++
	}
}

// units types the units that a record makes for table i. A record without any counts as one that was filtered.
func (t *typer) units(i int, rec *record, isTaken, isRefused *bool) {
	u, c := t.plan.tables[i].units, &t.block.counts[i]
	before := c.Units
	for u.start(rec, &t.plan.nulls); u.next(rec, &t.plan.nulls); {
		c.Units++
		t.unit(i, rec, isTaken, isRefused)
	}
	if c.Units == before {
		c.Units++
		c.Filtered++
	}
}

// unit types a record, or the unit of it at hand, for table i.
func (t *typer) unit(i int, rec *record, isTaken, isRefused *bool) {
	switch {
	case !t.plan.tables[i].takes(rec, &t.plan.nulls):
		t.block.counts[i].Filtered++
	case t.row(i, rec, !*isTaken):
		*isTaken = true
	default:
		t.block.counts[i].Rejected++
		*isRefused = true
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
	t.dropped = t.dropped[:0]
	for k := range tp.columns {
		c := &tp.columns[k]
		refused, unmapped := c.fill(rec, &t.plan.nulls, &b.Columns[c.at])
		if unmapped != nil {
			t.block.unmapped.add(c.name, unmapped)
		}
		if refused == nil {
			continue
		}
		if refused.reaction == preset.Freeze {
			t.block.frozen.add(c.name, rec.number, refused)
		}
		if refused.reaction != preset.DiscardValue {
			if k >= tp.keys && !tp.isAppend {
				t.block.keeps = append(t.block.keeps, keep{i, tp.hash.Key(b, n)})
			}
			truncate(b, n)
			t.refuse(tp, c, rec, refused, false)
			return false
		}
		if !refused.isFilled {
			b.Columns[c.at].AppendNull()
		}
		t.dropped = append(t.dropped, dropped{c, refused})
	}
	for _, d := range t.dropped {
		t.block.values++
		t.refuse(tp, d.column, rec, d.refusal, true)
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
	if wanted && !t.plan.dropsRest && len(t.plan.extra) == 0 && len(rec.rest) > 0 {
		b.Extra.AppendBytes(rec.rest)
		return
	}
	t.extra = t.extra[:0]
	if wanted && !t.plan.dropsRest {
		t.extra = append(t.extra, bytes.TrimSuffix(rec.rest, []byte{'}'})...)
	}
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
	if rec.place != "" {
		r.Message = rec.place + ": " + r.Message
	}
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
