package ingest

import (
	"context"
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// writer hands blocks to the sink and counts what becomes of their rows.
type writer struct {
	file   *file
	plan   *plan
	counts []TableCount
	keep   []bool

	free chan<- *block
	full <-chan *block
}

// run writes blocks until the typer is done.
func (w *writer) run(ctx context.Context) error {
	for {
		select {
		case b, ok := <-w.full:
			if !ok {
				return nil
			}
			if err := w.write(ctx, b); err != nil {
				return err
			}
			w.free <- b // never blocks: it holds as many as there are
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *writer) write(ctx context.Context, b *block) error {
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
