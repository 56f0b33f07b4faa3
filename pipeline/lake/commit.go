package lake

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Outcome is what reading one part came to.
type Outcome struct {
	// Counts has what became of the records, several entries for a table adding up.
	Counts []TableCount
	Reading
}

// Commit makes the load part of the lake: it writes the deletions of snapshots, makes the files durable and
// replaces the manifest. There is one outcome for each part, in their order; rows and unchanged must agree with
// what was written (*CountError). A *ShrinkError refuses the load. After an error the load is still to be aborted,
// which does nothing if the manifest was replaced all the same; the lake then takes no more loads and has to be
// opened again.
func (ld *Load) Commit(ctx context.Context, outcomes ...Outcome) error {
	if ld.done {
		return fmt.Errorf("commit load: %w", errDone)
	}
	wrap := func(err error) error { return fmt.Errorf("commit load of %s: %w", ld.d.path(), err) }
	if len(ld.order) == 0 {
		return wrap(errors.New("it feeds no table"))
	}
	if len(outcomes) != len(ld.d.Parts) || len(ld.parts) != len(ld.d.Parts) {
		return wrap(fmt.Errorf("%d outcomes and %d readings of %d parts", len(outcomes), len(ld.parts), len(ld.d.Parts)))
	}
	totals, err := ld.total(outcomes)
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
	records := make([]InputRecord, len(ld.parts))
	for i, part := range ld.parts {
		if records[i], err = ld.committed(part, outcomes[i]); err != nil {
			return wrap(err)
		}
	}
	if err := ld.publish(ctx, records); err != nil {
		return wrap(err)
	}
	return nil
}

// committed completes the files of a part and returns its record. What concerns the delivery as a whole stands
// with its last part.
func (ld *Load) committed(part *loadPart, outcome Outcome) (InputRecord, error) {
	record := ld.record(part)
	record.Reading = outcome.Reading.readable()
	for _, t := range ld.order {
		tr := TableRecord{TableCount: TableCount{Table: t.table.Name}, Mode: t.mode}
		for _, c := range outcome.Counts {
			if c.Table == t.table.Name {
				tr.TableCount.add(c)
			}
		}
		if part == ld.part() {
			tr.Deleted, tr.Held = t.deleted, t.held
			if t.arrival != nil {
				tr.Conflicting = t.arrival.conflicting
			}
		}
		if out := part.outs[t.table.Name]; out != nil {
			if err := out.finish(); err != nil {
				return record, err
			}
			tr.File = out.record()
			tr.MinEvent, tr.MaxEvent = out.events()
		}
		record.Tables = append(record.Tables, tr)
	}
	return record, nil
}

// Quarantine ends a load whose export was refused as a whole: the rejects of its parts are kept, its rows are not,
// and the manifest says why, with what is known of the parts that were read. The export is not Has, so that it is
// tried again; being refused for the same reason once more changes nothing.
func (ld *Load) Quarantine(ctx context.Context, reason string, readings ...Reading) error {
	if ld.done {
		return fmt.Errorf("quarantine: %w", errDone)
	}
	reason = readable(reason)
	if ld.isRefused(reason) {
		return ld.Abort()
	}
	err := ld.discardRows()
	for err == nil && len(ld.parts) < len(ld.d.Parts) {
		err = ld.NextPart()
	}
	if err == nil {
		records := make([]InputRecord, len(ld.parts))
		for i, part := range ld.parts {
			records[i] = ld.record(part)
			records[i].Quarantined = reason
			if i < len(readings) {
				records[i].Reading = readings[i].readable()
			}
		}
		err = ld.publish(ctx, records)
	}
	if err != nil {
		return fmt.Errorf("quarantine %s: %w", ld.d.path(), err)
	}
	return nil
}

// isRefused reports whether the manifest says already that this delivery is refused for this reason.
func (ld *Load) isRefused(reason string) bool {
	received := time.UnixMicro(ld.d.Parts[0].Provenance.LoadedAt).UTC()
	return slices.ContainsFunc(ld.l.m.Inputs, func(r InputRecord) bool {
		return r.Quarantined == reason && r.Content() == ld.key && r.ReceivedAt.Equal(received) && r.Path == ld.d.Parts[0].Provenance.File
	})
}

// readable returns the reading with texts that JSON can carry.
func (r Reading) readable() Reading {
	for _, texts := range []*[]string{&r.Columns, &r.Unmapped, &r.Absent, &r.Notes} {
		*texts = slices.Clone(*texts)
		for i, s := range *texts {
			(*texts)[i] = readable(s)
		}
	}
	r.Format = readable(r.Format)
	return r
}

// Abort ends a load without a trace. After Commit or Quarantine it does nothing, so that it can be deferred.
func (ld *Load) Abort() error {
	if ld.done {
		return nil
	}
	err := ld.discardRows()
	for _, part := range ld.parts {
		if part.rejects != nil {
			err = errors.Join(err, part.rejects.draft.discard())
		}
	}
	ld.done, ld.l.open = true, nil
	if err != nil {
		return fmt.Errorf("abort load of %s: %w", ld.d.path(), err)
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
		for _, part := range ld.parts {
			if out := part.outs[t.table.Name]; out != nil {
				err = errors.Join(err, out.draft.discard())
				delete(part.outs, t.table.Name)
			}
		}
	}
	return err
}

// record returns the record of a part, without what became of it.
func (ld *Load) record(part *loadPart) InputRecord {
	p := part.Provenance
	r := InputRecord{
		SHA256: part.Key.SHA256, MappingVersion: part.Key.MappingVersion, Source: part.Key.Source,
		Object: p.Object, Path: p.File, Preset: p.Preset, Dialect: p.Dialect, Copies: slices.Clone(part.Copies), RunID: p.RunID,
		ReceivedAt: time.UnixMicro(p.LoadedAt).UTC(), Tables: []TableRecord{},
	}
	if len(ld.d.Parts) > 1 {
		r.Delivery = ld.key.SHA256
	}
	return r
}

// add adds up what became of records.
func (c *TableCount) add(more TableCount) {
	c.Rows += more.Rows
	c.Unchanged += more.Unchanged
	c.Filtered += more.Filtered
	c.Rejected += more.Rejected
}

// total adds up the counts of all parts by table and compares them with what came by.
func (ld *Load) total(outcomes []Outcome) (map[string]TableCount, error) {
	totals := map[string]TableCount{}
	for _, t := range ld.order {
		totals[t.table.Name] = TableCount{Table: t.table.Name}
	}
	for _, o := range outcomes {
		for _, c := range o.Counts {
			sum, ok := totals[c.Table]
			if !ok {
				return nil, fmt.Errorf("records of %s are counted, which is not among the tables of the load", c.Table)
			}
			sum.add(c)
			totals[c.Table] = sum
		}
	}
	for _, t := range ld.order {
		sum := totals[t.table.Name]
		differs := func(what string, counted, actual int64) error {
			return &CountError{Path: ld.d.path(), Table: sum.Table, What: what, Counted: counted, Actual: actual}
		}
		if sum.Rows != t.rows {
			return nil, differs("rows", sum.Rows, t.rows)
		}
		if sum.Unchanged != t.unchanged {
			return nil, differs("unchanged", sum.Unchanged, t.unchanged)
		}
		if t.arrival != nil && t.changed != t.rows {
			return nil, differs("changed", t.changed, t.rows)
		}
	}
	return totals, nil
}

// publish gives the finished files their names and replaces the manifest.
func (ld *Load) publish(ctx context.Context, records []InputRecord) error {
	l := ld.l
	for i, part := range ld.parts {
		if part.rejects == nil {
			continue
		}
		if err := part.flushRejects(); err != nil {
			return err
		}
		if err := part.rejects.finish(); err != nil {
			return err
		}
		records[i].Rejects = part.rejects.record()
	}
	drafts := ld.drafts()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, d := range drafts {
		if err := d.publish(); err != nil {
			return err
		}
	}
	synced := map[string]bool{}
	for _, d := range drafts {
		folder := path.Dir(d.rel)
		if synced[folder] {
			continue
		}
		if err := l.d.syncDir(folder); err != nil {
			return err
		}
		synced[folder] = true
	}
	next := l.m.put(records, ld.at, ld.replaces)
	replaced, err := next.write(l.d)
	if !replaced {
		return err
	}
	ld.done, l.open = true, nil
	if err != nil {
		l.broken = err
		return err
	}
	was := manifest{Inputs: l.m.Inputs[ld.at : ld.at+ld.replaces]}
	l.m = next
	ld.advance(records)
	for _, f := range was.files() {
		// Not part of the lake any more; what stays is swept by the next Open.
		_ = l.d.remove(f.Path)
	}
	return nil
}

// advance brings the indexes behind the load that was committed.
func (ld *Load) advance(records []InputRecord) {
	for i, record := range records {
		for j := range record.Tables {
			tr := &record.Tables[j]
			t := ld.tables[tr.Table]
			if t.arrival == nil || ld.parts[i].outs[tr.Table] == nil {
				continue
			}
			t.arrival.finish()
			t.h.covered = t.h.covered.extend(chapter{
				file: tr.File, loadedAt: record.ReceivedAt.UnixMicro(), object: record.Object,
			})
			t.h.files++
			t.h.saved = false
		}
	}
}
