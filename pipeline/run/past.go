package run

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
)

// rebuiltFolder is where nights of the past are published, in the state folder.
const rebuiltFolder = "rebuilt"

// NothingKnownError says that no export had been received at the moment that a past night asks for.
type NothingKnownError struct {
	KnownAt time.Time
	// First is when the first export was received, zero where the lake is empty.
	First time.Time
}

func (e *NothingKnownError) Error() string {
	text := fmt.Sprintf("nothing had been received at %s", e.KnownAt.UTC().Format(time.RFC3339))
	if e.First.IsZero() {
		return text + ": the lake is empty; run a night first"
	}
	return text + ": the first export came " + e.First.UTC().Format(time.RFC3339)
}

// past is a night of the past while it holds the state folder.
func (n *night) past(ctx context.Context, lock *publish.Lock) (err error) {
	all, err := lake.OpenView(filepath.Join(n.config.State, "lake"))
	if err != nil {
		return err
	}
	n.known = all.KnownAt(n.knownAt)
	if len(n.known.Inputs()) == 0 {
		nothing := &NothingKnownError{KnownAt: n.knownAt}
		for _, in := range all.Inputs() {
			if nothing.First.IsZero() || in.ReceivedAt.Before(nothing.First) {
				nothing.First = in.ReceivedAt
			}
		}
		return nothing
	}
	if n.store, err = publish.OpenApart(lock, rebuiltFolder); err != nil {
		return err
	}
	if err := n.begin(); err != nil {
		return err
	}
	if err = n.lookBack(); err == nil {
		err = n.stages(ctx)
	}
	return n.finish(ctx, err)
}

// lookBack tells what counts.
func (n *night) lookBack() error {
	return n.stage("exports", 0, func() (string, map[string]int64, error) {
		e := &n.summary.Exports
		e.Sources, e.Files = len(n.config.Sources), len(n.known.Inputs())
		return fmt.Sprintf("%s received up to %s", count(e.Files, "file"), n.knownAt.UTC().Format(time.RFC3339)), nil, nil
	})
}
