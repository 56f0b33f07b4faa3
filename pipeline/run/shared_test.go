package run_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// played is a night that several tests look at and none changes: a night takes seconds even on a tiny programme.
type played struct {
	made    *fixtures.Made
	config  *config.Config
	summary *run.Summary
}

// playedFolders is where the shared nights lie; TestMain removes it.
var playedFolders = filepath.Join(os.TempDir(), fmt.Sprintf("partnerhealth-nights-%d", os.Getpid()))

var (
	calmTiny  = playOnce("tiny", tiny)
	calmSmall = playOnce("small", small)
	// ledgerNight is a programme of some history, with targets on more measures than the generator writes.
	ledgerNight = playOnce("ledger", func() (programme.Options, plain.Options) {
		return programme.Options{Partners: 60, Months: 24, Seed: 405, EventsPerPartnerMonth: 2}, plain.Options{}
	}, agreeMoreTargets)
)

// playOnce returns a function that plays a night when it is first called. prepare may change the exports before.
func playOnce(name string, world func() (programme.Options, plain.Options), prepare ...func(*fixtures.Made) error) func(testing.TB) *played {
	play := sync.OnceValues(func() (*played, error) {
		w, form := world()
		m, err := fixtures.Write(context.Background(), filepath.Join(playedFolders, name), w, form)
		if err != nil {
			return nil, err
		}
		for _, p := range prepare {
			if err := p(m); err != nil {
				return nil, err
			}
		}
		c, err := config.Load(m.Config)
		if err != nil {
			return nil, err
		}
		s, err := run.Night(context.Background(), options(c))
		return &played{m, c, s}, err
	})
	return func(tb testing.TB) *played {
		tb.Helper()
		p, err := play()
		if err != nil {
			tb.Fatal(err)
		}
		if p.summary.Published == "" {
			tb.Fatal("nothing was published")
		}
		return p
	}
}
