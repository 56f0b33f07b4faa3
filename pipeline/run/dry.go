package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// rehearse reads and types every export as a night would, and writes nothing, not even the state folder: so
// it also reads what an earlier night has loaded. What it counts as rows may be unchanged for a real night.
func (n *night) rehearse(ctx context.Context) error {
	_, err := n.look(ctx, 0)
	return err
}

// Inspection is what is wrong with the exports of a configuration.
type Inspection struct {
	Summary *Summary `json:"summary"`
	// Files are the exports in the order in which a night would read them, those that are refused included.
	Files []FileCheck `json:"files"`
	// Rejects are the first refused records and dropped values of each file.
	Rejects []contract.Reject `json:"rejects"`
	// Remarks are those of the summary's warnings that are about what would be loaded, such as words that no mapping knows.
	Remarks []string `json:"remarks"`
}

// Check reads every export without writing anything and returns what a night would refuse, at most `most`
// records a file, and how each file differs from the last good one of its object.
func Check(ctx context.Context, opt Options, most int) (*Inspection, error) {
	n := newNight(opt)
	n.summary.DryRun = true
	return n.look(ctx, most)
}

// look lists and types all exports into a sink that only counts.
func (n *night) look(ctx context.Context, most int) (out *Inspection, err error) {
	out = &Inspection{Summary: n.summary, Files: []FileCheck{}, Rejects: []contract.Reject{}, Remarks: []string{}}
	if n.known, err = lake.OpenView(filepath.Join(n.config.State, "lake")); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, n.closeLister()) }()
	if err := n.list(ctx); err != nil {
		return out, err
	}
	var total int64
	for i := range n.found.deliveries {
		total += n.found.deliveries[i].size()
	}
	past, listed := newHistory(n.known), len(n.summary.Warnings)
	return out, n.stage("ingest", total, func() (string, map[string]int64, error) {
		for i := range n.found.deliveries {
			d := &n.found.deliveries[i]
			if err := n.inspect(ctx, d, past, most, out); err != nil {
				return "", nil, err
			}
			n.observer.StageAdvanced(d.size())
		}
		out.Remarks = append(out.Remarks, n.summary.Warnings[listed:]...)
		n.warnOfIngest()
		s := &n.summary.Ingest
		return fmt.Sprintf("%s read, %d refused", count(s.Records, "record"), s.Rejected), nil, nil
	})
}

// inspect types one delivery and adds what is to be said of it.
func (n *night) inspect(ctx context.Context, d *delivery, past *history, most int, out *Inspection) error {
	if r := d.refused(); r != nil {
		n.quarantine(d, r)
		if d.first().object != nil {
			out.Files = append(out.Files, n.compare(d, 0, nil, r, past))
		}
		return nil
	}
	var results []ingest.Result
	var failed error
	for i := range d.parts {
		sink := &counter{most: most}
		result, err := n.read(ctx, d.parts[i].export, sink)
		results = append(results, result)
		out.Rejects = append(out.Rejects, sink.rejects...)
		var (
			refused *ingest.FileError
			changed *source.ChangedError
		)
		switch {
		case err == nil:
			out.Files = append(out.Files, n.compare(d, i, &result, nil, past))
			continue
		case ctx.Err() == nil && (errors.As(err, &refused) || errors.As(err, &changed)):
			out.Files = append(out.Files, n.compare(d, i, nil, refused, past))
			failed = err
		default:
			return fmt.Errorf("read %s: %w", d.name(), err)
		}
		break
	}
	if failed == nil && !n.known.Loaded(d.key(), d.receivedAt()) {
		before, _ := past.before(d)
		failed = n.checkVolume(d, results, before)
	}
	if failed != nil {
		n.quarantine(d, failed, results...)
		return nil
	}
	n.remember(d, true, results)
	n.tellUnmapped(d, results)
	past.good(d, results)
	return nil
}

// compare says how a file would go in. It has a result, or was refused.
func (n *night) compare(d *delivery, i int, result *ingest.Result, refused *ingest.FileError, past *history) FileCheck {
	e := d.parts[i].export
	before, at := past.before(d)
	c := FileCheck{Source: e.source.Name, File: e.path, Object: e.object.Name, IsKnown: n.known.Loaded(d.key(), d.receivedAt()), Differences: []Difference{}}
	if before != nil {
		c.LastReceived, c.LastRecords = at, before.records
	}
	now := &shape{}
	switch {
	case result != nil:
		now.add(&lake.InputRecord{Dialect: result.Dialect, Reading: readingOf(result)})
		c.Dialect, c.Records = result.Dialect, result.Records
	case refused != nil:
		now.columns = refused.Header
		if before != nil {
			now.records = before.records // Nobody counted them.
		}
	}
	if c.IsKnown {
		return c
	}
	if len(d.parts) > 1 && before != nil {
		now.records = before.records // A part is no fewer than the whole; the whole is compared behind the last.
	}
	c.Differences = differences(e.object, now, before)
	return c
}

// counter is the sink of those who only look: it keeps the first refusals and nothing else.
type counter struct {
	most    int
	rejects []contract.Reject
}

// SetDialect takes any.
func (*counter) SetDialect(string) error { return nil }

// Keep has nothing to keep.
func (*counter) Keep(string, contract.KeyHash) {}

// Unchanged knows no earlier version.
func (*counter) Unchanged(string, contract.KeyHash, uint64) bool { return false }

// Write forgets the rows.
func (*counter) Write(context.Context, *contract.Batch) error { return nil }

// Reject keeps the first refusals.
func (c *counter) Reject(_ context.Context, r contract.Reject) error {
	if len(c.rejects) < c.most {
		c.rejects = append(c.rejects, r)
	}
	return nil
}
