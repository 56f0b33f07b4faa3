package lake

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Commit makes the load part of the lake: it writes the deletions of snapshots, makes the files durable and
// replaces the manifest. Counts has what became of the records, several entries for a table adding up; rows and
// unchanged must agree with what was written (*CountError). A *ShrinkError refuses the load. After an error
// the load is still to be aborted, which does nothing if the manifest was replaced all the same; the lake then
// takes no more loads and has to be opened again.
func (ld *Load) Commit(ctx context.Context, counts []TableCount) error {
	if ld.done {
		return fmt.Errorf("commit load: %w", errDone)
	}
	wrap := func(err error) error { return fmt.Errorf("commit load of %s: %w", ld.in.Provenance.File, err) }
	totals, err := ld.total(counts)
	if err != nil {
		return wrap(err)
	}
	for _, t := range ld.order {
		if t.mode != contract.Snapshot {
			continue
		}
		if err := ld.deleteVanished(ctx, t, totals[t.table.Name].Rejected); err != nil {
			return wrap(err)
		}
	}
	record := ld.record()
	for _, t := range ld.order {
		tr := TableRecord{TableCount: totals[t.table.Name], Mode: t.mode, Deleted: t.deleted, Held: t.held}
		if t.out != nil {
			if err := t.out.finish(); err != nil {
				return wrap(err)
			}
			tr.File = t.out.record()
			tr.MinEvent, tr.MaxEvent = t.out.events()
		}
		record.Tables = append(record.Tables, tr)
	}
	if err := ld.publish(ctx, record); err != nil {
		return wrap(err)
	}
	return nil
}

// Quarantine ends a load whose file was refused as a whole: its rejects are kept, its rows are not, and the
// manifest says why. The export is not Has, so that it is tried again.
func (ld *Load) Quarantine(ctx context.Context, reason string) error {
	if ld.done {
		return fmt.Errorf("quarantine: %w", errDone)
	}
	err := ld.discardRows()
	if err == nil {
		record := ld.record()
		record.Quarantined = readable(reason)
		err = ld.publish(ctx, record)
	}
	if err != nil {
		return fmt.Errorf("quarantine %s: %w", ld.in.Provenance.File, err)
	}
	return nil
}

// Abort ends a load without a trace. After Commit or Quarantine it does nothing, so that it can be deferred.
func (ld *Load) Abort() error {
	if ld.done {
		return nil
	}
	err := ld.discardRows()
	if ld.rejects != nil {
		err = errors.Join(err, ld.rejects.draft.discard())
	}
	ld.done, ld.l.open = true, nil
	if err != nil {
		return fmt.Errorf("abort load of %s: %w", ld.in.Provenance.File, err)
	}
	return nil
}

// discardRows removes what was written of the tables, and indexes that have seen it.
func (ld *Load) discardRows() error {
	var err error
	for _, t := range ld.order {
		if t.changed > 0 || t.deleting {
			ld.l.forget(t.key)
		}
		if t.out != nil {
			err = errors.Join(err, t.out.draft.discard())
			t.out = nil
		}
	}
	return err
}

func (ld *Load) record() InputRecord {
	p := ld.in.Provenance
	return InputRecord{
		SHA256: ld.in.Key.SHA256, MappingVersion: ld.in.Key.MappingVersion, Source: ld.in.Key.Source,
		Object: p.Object, Path: p.File, Preset: p.Preset, Dialect: p.Dialect, RunID: p.RunID,
		ReceivedAt: time.UnixMicro(p.LoadedAt).UTC(), Tables: []TableRecord{},
	}
}

// total adds up the counts by table and compares them with what came by.
func (ld *Load) total(counts []TableCount) (map[string]TableCount, error) {
	totals := map[string]TableCount{}
	for _, t := range ld.order {
		totals[t.table.Name] = TableCount{Table: t.table.Name}
	}
	for _, c := range counts {
		sum, ok := totals[c.Table]
		if !ok {
			return nil, fmt.Errorf("records of %s are counted, which is not among the tables of the load", c.Table)
		}
		sum.Rows += c.Rows
		sum.Unchanged += c.Unchanged
		sum.Filtered += c.Filtered
		sum.Rejected += c.Rejected
		totals[c.Table] = sum
	}
	for _, t := range ld.order {
		sum := totals[t.table.Name]
		if sum.Rows != t.rows {
			return nil, &CountError{Path: ld.in.Provenance.File, Table: sum.Table, What: "rows", Counted: sum.Rows, Actual: t.rows}
		}
		if sum.Unchanged != t.unchanged {
			return nil, &CountError{Path: ld.in.Provenance.File, Table: sum.Table, What: "unchanged", Counted: sum.Unchanged, Actual: t.unchanged}
		}
		if t.arrival != nil && t.changed != t.rows {
			return nil, &CountError{Path: ld.in.Provenance.File, Table: sum.Table, What: "changed", Counted: t.changed, Actual: t.rows}
		}
	}
	return totals, nil
}

// publish gives the finished files their names and replaces the manifest.
func (ld *Load) publish(ctx context.Context, record InputRecord) error {
	l := ld.l
	drafts := make([]*draft, 0, len(ld.order)+1)
	for _, t := range ld.order {
		if t.out != nil {
			drafts = append(drafts, t.out.draft)
		}
	}
	if ld.rejects != nil {
		if err := ld.flushRejects(); err != nil {
			return err
		}
		if err := ld.rejects.finish(); err != nil {
			return err
		}
		record.Rejects = ld.rejects.record()
		drafts = append(drafts, ld.rejects.draft)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, d := range drafts {
		if err := d.publish(); err != nil {
			return err
		}
	}
	for _, d := range drafts {
		if err := l.d.syncDir(path.Dir(d.rel)); err != nil {
			return err
		}
	}
	next := l.m.put(record, ld.at, ld.replaces)
	replaced, err := next.write(l.d)
	if !replaced {
		return err
	}
	ld.done, l.open = true, nil
	if err != nil {
		l.broken = err
		return err
	}
	var old []FileRecord
	if ld.replaces {
		was := manifest{Inputs: l.m.Inputs[ld.at : ld.at+1]}
		old = was.files()
	}
	l.m = next
	ld.advance(record)
	for _, f := range old {
		// Not part of the lake any more; what stays is swept by the next Open.
		_ = l.d.remove(f.Path)
	}
	return nil
}

// advance brings the indexes behind the load that was committed.
func (ld *Load) advance(record InputRecord) {
	for i := range record.Tables {
		t := ld.tables[record.Tables[i].Table]
		if t.arrival == nil || t.out == nil {
			continue
		}
		t.arrival.finish()
		t.h.covered = t.h.covered.extend(chapter{
			file: record.Tables[i].File, loadedAt: record.ReceivedAt.UnixMicro(), object: record.Object,
		})
		t.h.files++
		t.h.saved = false
	}
}
