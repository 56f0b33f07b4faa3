package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// rehearse reads and types every export as a night would, and writes nothing, not even the state folder: so
// it also reads what an earlier night has loaded. What it counts as rows may be unchanged for a real night.
func (n *night) rehearse(ctx context.Context) error {
	if err := n.list(ctx); err != nil {
		return err
	}
	_, err := n.inspect(ctx, 0)
	return err
}

// Inspection is what is wrong with the exports of a configuration.
type Inspection struct {
	Summary *Summary
	// Rejects are the first refused records and dropped values of each file.
	Rejects []contract.Reject
}

// Check reads every export without writing anything and returns what a night would refuse, at most `most`
// records a file.
func Check(ctx context.Context, opt Options, most int) (*Inspection, error) {
	n := newNight(opt)
	n.summary.DryRun = true
	if err := n.list(ctx); err != nil {
		return nil, err
	}
	rejects, err := n.inspect(ctx, most)
	return &Inspection{Summary: n.summary, Rejects: rejects}, err
}

// inspect types all exports into a sink that only counts.
func (n *night) inspect(ctx context.Context, most int) ([]contract.Reject, error) {
	var total int64
	for i := range n.found.exports {
		total += n.found.exports[i].file.Size
	}
	var rejects []contract.Reject
	err := n.stage("ingest", total, func() (string, map[string]int64, error) {
		for i := range n.found.exports {
			e := &n.found.exports[i]
			sink := &counter{most: most}
			result, err := n.read(ctx, e, sink)
			var (
				refused *ingest.FileError
				changed *source.ChangedError
			)
			switch {
			case err == nil:
				n.remember(e, true, result)
			case ctx.Err() == nil && (errors.As(err, &refused) || errors.As(err, &changed)):
				n.quarantine(e, err)
			default:
				return "", nil, fmt.Errorf("read %s/%s: %w", e.source.Name, e.file.Path, err)
			}
			rejects = append(rejects, sink.rejects...)
			n.observer.StageAdvanced(e.file.Size)
		}
		n.warnOfIngest()
		s := &n.summary.Ingest
		return fmt.Sprintf("%s read, %d refused", count(s.Records, "record"), s.Rejected), nil, nil
	})
	return rejects, err
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
