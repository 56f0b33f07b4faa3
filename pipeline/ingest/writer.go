package ingest

import (
	"context"
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// writer hands blocks to the sink, in the order of the records, and adds up what became of them.
type writer struct {
	file   *file
	plan   *plan
	keep   []bool
	typers []*typer
	// counts has an entry for each table of the plan.
	counts          []TableCount
	values, refused int64
	unmapped        map[string]map[string]int64
}

// run writes the blocks of the typers until they are done: those of a chunk, then those of the next, which is with
// the next typer.
func (w *writer) run(ctx context.Context) error {
	for turn := 0; ; {
		t := w.typers[turn%len(w.typers)]
		select {
		case b, ok := <-t.full:
			if !ok {
				return nil // and so are the others, since there is no next chunk
			}
			if err := w.write(ctx, b); err != nil {
				return err
			}
			if b.isLast {
				turn++
			}
			t.free <- b // never blocks: it holds as many as there are
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tally adds what a block counted.
func (w *writer) tally(b *block) {
	for i := range b.counts {
		w.counts[i].Units += b.counts[i].Units
		w.counts[i].Filtered += b.counts[i].Filtered
		w.counts[i].Rejected += b.counts[i].Rejected
	}
	w.values += b.values
	w.refused += b.refused
	w.file.frozen.merge(b.frozen)
	b.unmapped.mergeInto(w.unmapped)
}

func (w *writer) write(ctx context.Context, b *block) error {
	w.tally(b)
	for i, batch := range b.batches {
		if err := w.rows(ctx, i, batch); err != nil {
			return fmt.Errorf("write rows of %s: %w", w.file.path, err)
		}
	}
	for _, k := range b.keeps {
		w.file.sink.Keep(w.plan.tables[k.table].table.Name, k.key)
	}
	for _, r := range b.rejects {
		if err := w.file.sink.Reject(ctx, r); err != nil {
			return fmt.Errorf("write rejects of %s: %w", w.file.path, err)
		}
	}
	return nil
}

// rows writes those rows of a batch that say something new.
func (w *writer) rows(ctx context.Context, i int, b *contract.Batch) error {
	t := &w.plan.tables[i]
	if !t.isAppend {
		w.keep = w.keep[:0]
		unchanged := 0
		for r, key := range b.KeyHash {
			same := w.file.sink.Unchanged(t.table.Name, key, b.RowHash[r])
			if same {
				unchanged++
			}
			w.keep = append(w.keep, !same)
		}
		w.counts[i].Unchanged += int64(unchanged)
		if unchanged > 0 {
			compact(b, w.keep)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := w.file.sink.Write(ctx, b); err != nil {
		return err
	}
	w.counts[i].Rows += int64(b.Len())
	return nil
}
