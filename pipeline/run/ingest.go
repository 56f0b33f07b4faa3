package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// ingest reads every export that the lake does not have. A file that cannot be read, or that lacks a column
// it must have, is set aside with the reason, and the night goes on with the rest.
func (n *night) ingest(ctx context.Context) error {
	var total int64
	for i := range n.found.deliveries {
		if d := &n.found.deliveries[i]; !n.lake.Loaded(d.key(), d.receivedAt()) {
			total += d.size()
		}
	}
	return n.stage("ingest", total, func() (string, map[string]int64, error) {
		rekeyed := n.rekeyed()
		for i := range n.found.deliveries {
			d := &n.found.deliveries[i]
			if n.lake.Loaded(d.key(), d.receivedAt()) {
				n.remember(d, false, nil)
				continue
			}
			if err := n.load(ctx, d); err != nil {
				return "", nil, err
			}
			n.observer.StageAdvanced(d.size())
		}
		if err := n.lake.Close(); err != nil {
			return "", nil, err
		}
		n.warnOfIngest()
		n.tellRekeyed(rekeyed)
		s := &n.summary.Ingest
		return fmt.Sprintf("%s   %s, %d unchanged, %d refused", count(s.Records, "record"), count(s.Rows, "row"), s.Unchanged, s.Rejected),
			map[string]int64{"records": s.Records, "rows": s.Rows, "unchanged": s.Unchanged, "filtered": s.Filtered, "deleted": s.Deleted,
				"rejected": s.Rejected, "values": s.Values, "quarantined": int64(len(s.Quarantined))}, n.log.Update(func(r *runlog.Run) { r.Inputs = n.inputs })
	})
}

// warnOfIngest says what was refused, and where to look.
func (n *night) warnOfIngest() {
	s := &n.summary.Ingest
	// What only looks keeps no rejects to show.
	where := "`partnerhealth rejects`"
	if n.summary.DryRun {
		where = "`partnerhealth check`"
	}
	if s.Rejected+s.Values > 0 {
		n.warn("%s refused and %s dropped: %s shows each with its next step",
			plural(s.Rejected, "record was", "records were"), plural(s.Values, "value was", "values were"), where)
	}
	for _, q := range s.Quarantined {
		n.warn("%s/%s was not loaded: %s%s", q.Source, q.File, q.Reason, q.more(where))
	}
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// load takes one delivery into the lake, whole or not at all.
func (n *night) load(ctx context.Context, d *delivery) (err error) {
	load, err := n.lake.BeginDelivery(n.delivery(d))
	var late *lake.OrderError
	if errors.As(err, &late) {
		n.quarantine(d, late)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, load.Abort()) }()
	results, err := n.readAll(ctx, d, load)
	if err == nil {
		first := d.first()
		err = n.checkVolume(d, results, shapeOf(n.last(first.source.Name, first.object.Name)))
	}
	if err != nil {
		return n.setAside(ctx, d, load, results, err)
	}
	outcomes := make([]lake.Outcome, len(results))
	for i := range results {
		outcomes[i] = outcomeOf(&results[i])
	}
	if err := load.Commit(ctx, outcomes...); err != nil {
		var shrink *lake.ShrinkError
		if errors.As(err, &shrink) {
			return n.setAside(ctx, d, load, results, shrunk(d, shrink))
		}
		return err
	}
	n.remember(d, true, results)
	n.tellParts(d)
	n.tellUnmapped(d, results)
	return nil
}

// ruleShrink is the rule of snapshots that lack most of the rows that were there.
const ruleShrink = "shrink"

// shrunk refuses such a snapshot.
func shrunk(d *delivery, e *lake.ShrinkError) *ingest.FileError {
	return &ingest.FileError{
		Source: e.Source, Object: e.Object, File: d.first().path, SHA256: d.first().sha256, Rule: ruleShrink,
		Message:  fmt.Sprintf("as a complete export it would delete %d of %d known rows of %s", e.Gone, e.Known, e.Table),
		NextStep: "export it again in full; if these rows are gone indeed, run the night once with --allow-shrink",
		Err:      e,
	}
}

// delivery is what the lake is told of a delivery.
func (n *night) delivery(d *delivery) lake.Delivery {
	out := lake.Delivery{Modes: map[string]contract.Mode{}, AllowShrink: n.allowShrink}
	first := d.first()
	name, version := "", ""
	if first.object != nil {
		name, version = first.object.Name, "@"+first.key().MappingVersion
		for i := range first.object.Tables {
			out.Modes[first.object.Tables[i].Name] = first.object.Tables[i].Mode
		}
	}
	for i := range d.parts {
		p := &d.parts[i]
		out.Parts = append(out.Parts, lake.Part{
			Key:    p.key(),
			Copies: p.copies,
			Provenance: contract.Provenance{
				Source: first.source.Name, Preset: first.source.Mapping.Name + version, Object: name, File: p.path,
				SHA256: p.sha256, RunID: n.id, LoadedAt: d.receivedAt().UnixMicro(),
			},
		})
	}
	return out
}

// outcomeOf is what the lake keeps of a reading.
func outcomeOf(r *ingest.Result) lake.Outcome {
	o := lake.Outcome{Reading: readingOf(r)}
	for _, t := range r.Tables {
		o.Counts = append(o.Counts, lake.TableCount{Table: t.Table, Rows: t.Rows, Unchanged: t.Unchanged, Filtered: t.Filtered, Rejected: t.Rejected})
	}
	return o
}

func readingOf(r *ingest.Result) lake.Reading {
	notes := slices.Clone(r.Notes)
	for _, column := range slices.Sorted(maps.Keys(r.UnmappedValues)) {
		notes = append(notes, fmt.Sprintf("the mapping does not know these words of %s: %s", column, listUnmapped(r.UnmappedValues[column])))
	}
	return lake.Reading{
		Format: r.Format, Records: r.Records, Values: r.Values, Columns: r.Columns,
		Unmapped: r.ExtraColumns, Absent: r.MissingColumns, Notes: notes,
	}
}

// readAll types the records of all parts into load. It returns the results of the parts that were read, the
// one that is refused among them, as far as it was read.
func (n *night) readAll(ctx context.Context, d *delivery, load *lake.Load) ([]ingest.Result, error) {
	if r := d.refused(); r != nil {
		return nil, r
	}
	var results []ingest.Result
	for i := range d.parts {
		if i > 0 {
			if err := load.NextPart(); err != nil {
				return results, err
			}
		}
		result, err := n.read(ctx, d.parts[i].export, load)
		results = append(results, result)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// read types the records of one file into sink.
func (n *night) read(ctx context.Context, e *export, sink ingest.Sink) (_ ingest.Result, err error) {
	r, err := n.lister.open(ctx, e)
	if err != nil {
		return ingest.Result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return ingest.File(ctx, r, e.path, e.sha256, e.object,
		ingest.Options{Source: e.source.Name, TimeZone: e.source.Timezone, EmailKey: n.emailKey}, sink)
}

// setAside keeps the reason why a delivery was refused whole. Errors that are not the files' end the night.
func (n *night) setAside(ctx context.Context, d *delivery, load *lake.Load, results []ingest.Result, cause error) error {
	var (
		refused *ingest.FileError
		changed *source.ChangedError
	)
	if ctx.Err() != nil || !errors.As(cause, &refused) && !errors.As(cause, &changed) {
		return fmt.Errorf("ingest %s: %w", d.name(), cause)
	}
	n.quarantine(d, cause, results...)
	if refused != nil {
		if err := load.Reject(ctx, refused.Reject()); err != nil {
			return err
		}
	}
	readings := make([]lake.Reading, len(results))
	for i := range results {
		readings[i] = readingOf(&results[i])
	}
	return load.Quarantine(ctx, cause.Error(), readings...)
}

// quarantine remembers that a delivery was refused, what was refused in it, and what stays in its place.
func (n *night) quarantine(d *delivery, cause error, results ...ingest.Result) {
	q := Quarantine{Source: d.first().source.Name, File: d.first().path, Reason: cause.Error()}
	var refused *ingest.FileError
	if errors.As(cause, &refused) {
		q.File, q.Rule = refused.File, refused.Rule
	}
	for i := range results {
		q.Refused += results[i].Refused
	}
	if o := d.first().object; o != nil {
		q.Object = o.Name
		for i := range o.Tables {
			q.Tables = append(q.Tables, o.Tables[i].Name)
		}
		if last := n.last(d.first().source.Name, o.Name); len(last) > 0 {
			q.LastGood = last[0].ReceivedAt
		}
	}
	n.summary.Ingest.Quarantined = append(n.summary.Ingest.Quarantined, q)
}

// last returns the last good export of an object, none where there is none or no lake.
func (n *night) last(sourceName, object string) []lake.InputRecord {
	switch {
	case n.lake != nil:
		return n.lake.Last(sourceName, object)
	case n.known != nil:
		return n.known.Last(sourceName, object)
	}
	return nil
}

// tellParts says what is special about a delivery of several files.
func (n *night) tellParts(d *delivery) {
	for i := range d.parts {
		for _, c := range d.parts[i].copies {
			n.note("%s/%s has the bytes of %s and was read once", d.first().source.Name, c, d.parts[i].path)
		}
	}
	if len(d.parts) == 1 {
		return
	}
	for _, in := range n.last(d.first().source.Name, d.first().object.Name) {
		for _, t := range in.Tables {
			if t.Conflicting > 0 {
				n.warn("the parts of %s overlap: %s of %s with an id that another part has in another version; the version modified last counts",
					d.name(), count(t.Conflicting, "record"), t.Table)
			}
		}
	}
}

// remember adds what became of a delivery to summary and manifest; results are those of its parts, none where it
// was known.
func (n *night) remember(d *delivery, isNew bool, results []ingest.Result) {
	for i := range d.parts {
		var result ingest.Result
		if i < len(results) {
			result = results[i]
		}
		n.rememberFile(d.parts[i].export, isNew, &result)
	}
}

func (n *night) rememberFile(e *export, isNew bool, result *ingest.Result) {
	s := &n.summary.Ingest
	in := runlog.Input{Source: e.source.Name, Path: e.path, SHA256: e.sha256, Mapping: e.key().MappingVersion, Bytes: e.size,
		IsNew: isNew, Records: result.Records}
	s.Records += result.Records
	s.Values += result.Values
	for _, t := range result.Tables {
		s.Files = append(s.Files, FileCount{Source: e.source.Name, File: e.path, Table: t.Table, Records: result.Records, Units: t.Units,
			Rows: t.Rows, Unchanged: t.Unchanged, Filtered: t.Filtered, Rejected: t.Rejected})
		s.Rows += t.Rows
		s.Unchanged += t.Unchanged
		s.Filtered += t.Filtered
		s.Rejected += t.Rejected
		in.Rows += t.Rows
		in.Unchanged += t.Unchanged
		in.Filtered += t.Filtered
		in.Rejected += t.Rejected
	}
	n.inputs = append(n.inputs, in)
}
