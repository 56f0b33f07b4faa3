package run

import (
	"context"
	"errors"
	"fmt"

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
	for i := range n.found.exports {
		if e := &n.found.exports[i]; !n.lake.Loaded(e.key(), e.receivedAt()) {
			total += e.file.Size
		}
	}
	return n.stage("ingest", total, func() (string, map[string]int64, error) {
		for i := range n.found.exports {
			e := &n.found.exports[i]
			if n.lake.Loaded(e.key(), e.receivedAt()) {
				n.remember(e, false, ingest.Result{})
				continue
			}
			if err := n.load(ctx, e); err != nil {
				return "", nil, err
			}
			n.observer.StageAdvanced(e.file.Size)
		}
		if err := n.lake.Close(); err != nil {
			return "", nil, err
		}
		n.warnOfIngest()
		s := &n.summary.Ingest
		return fmt.Sprintf("%s   %s, %d unchanged, %d refused", count(s.Records, "record"), count(s.Rows, "row"), s.Unchanged, s.Rejected),
			map[string]int64{"records": s.Records, "rows": s.Rows, "unchanged": s.Unchanged, "filtered": s.Filtered, "deleted": s.Deleted,
				"rejected": s.Rejected, "values": s.Values, "quarantined": int64(len(s.Quarantined))}, n.log.Update(func(r *runlog.Run) { r.Inputs = n.inputs })
	})
}

// warnOfIngest says what was refused, and where to look.
func (n *night) warnOfIngest() {
	s := &n.summary.Ingest
	if s.Rejected+s.Values > 0 {
		// What only looks keeps no rejects to show.
		where := "`partnerhealth rejects`"
		if n.summary.DryRun {
			where = "`partnerhealth check`"
		}
		n.warn("%s refused and %s dropped: %s shows each with its next step",
			plural(s.Rejected, "record was", "records were"), plural(s.Values, "value was", "values were"), where)
	}
	for _, q := range s.Quarantined {
		n.warn("%s/%s was not loaded: %s", q.Source, q.File, q.Reason)
	}
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// load takes one export into the lake, whole or not at all.
func (n *night) load(ctx context.Context, e *export) (err error) {
	modes := map[string]contract.Mode{}
	for i := range e.object.Tables {
		modes[e.object.Tables[i].Name] = e.object.Tables[i].Mode
	}
	load, err := n.lake.Begin(lake.Input{
		Key:   e.key(),
		Modes: modes,
		Provenance: contract.Provenance{
			Source: e.source.Name, Preset: e.source.Mapping.Name + "@" + e.object.Version(), Object: e.object.Name, File: e.file.Path,
			SHA256: e.sha256, RunID: n.id, LoadedAt: e.receivedAt().UnixMicro(),
		},
	})
	var late *lake.OrderError
	if errors.As(err, &late) {
		n.quarantine(e, late)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, load.Abort()) }()
	result, err := n.read(ctx, e, load)
	if err != nil {
		return n.setAside(ctx, e, load, err)
	}
	counts := make([]lake.TableCount, len(result.Tables))
	for i, t := range result.Tables {
		counts[i] = lake.TableCount{Table: t.Table, Rows: t.Rows, Unchanged: t.Unchanged, Filtered: t.Filtered, Rejected: t.Rejected}
	}
	if err := load.Commit(ctx, counts); err != nil {
		var shrink *lake.ShrinkError
		if errors.As(err, &shrink) {
			n.quarantine(e, shrink)
			return nil
		}
		return err
	}
	n.remember(e, true, result)
	return nil
}

// read types the records of one export into sink.
func (n *night) read(ctx context.Context, e *export, sink ingest.Sink) (_ ingest.Result, err error) {
	r, err := e.store.Open(ctx, e.file)
	if err != nil {
		return ingest.Result{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return ingest.File(ctx, r, e.file.Path, e.sha256, e.object,
		ingest.Options{Source: e.source.Name, TimeZone: e.source.Timezone, EmailKey: n.emailKey}, sink)
}

// setAside keeps the reason why a file was refused whole. Errors that are not the file's end the night.
func (n *night) setAside(ctx context.Context, e *export, load *lake.Load, cause error) error {
	var (
		refused *ingest.FileError
		changed *source.ChangedError
	)
	if ctx.Err() != nil || !errors.As(cause, &refused) && !errors.As(cause, &changed) {
		return fmt.Errorf("ingest %s/%s: %w", e.source.Name, e.file.Path, cause)
	}
	n.quarantine(e, cause)
	if refused != nil {
		if err := load.Reject(ctx, refused.Reject()); err != nil {
			return err
		}
	}
	return load.Quarantine(ctx, cause.Error())
}

func (n *night) quarantine(e *export, cause error) {
	n.summary.Ingest.Quarantined = append(n.summary.Ingest.Quarantined, Quarantine{Source: e.source.Name, File: e.file.Path, Reason: cause.Error()})
}

// remember adds what became of an export to summary and manifest.
func (n *night) remember(e *export, isNew bool, result ingest.Result) {
	s := &n.summary.Ingest
	in := runlog.Input{Source: e.source.Name, Path: e.file.Path, SHA256: e.sha256, Mapping: e.object.Version(), Bytes: e.file.Size,
		IsNew: isNew, Records: result.Records}
	s.Records += result.Records
	s.Values += result.Values
	for _, t := range result.Tables {
		s.Files = append(s.Files, FileCount{Source: e.source.Name, File: e.file.Path, Table: t.Table, Records: result.Records,
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
