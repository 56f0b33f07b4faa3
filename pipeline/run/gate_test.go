package run

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
	"github.com/partnerhealth/partnerhealth/sql"
)

// A check of severity error that fails stops publication: yesterday stays current, nothing is left behind, and
// the run says so. Every shipped check guards something that no export can break, so that one is added here.
func TestAFailedGateKeepsYesterdayCurrent(t *testing.T) {
	t.Parallel()
	SkipRaced(t)
	ctx := context.Background()
	made, err := fixtures.Write(ctx, t.TempDir(), programme.Options{Partners: 12, Months: 9, Seed: 11, EventsPerPartnerMonth: 4}, plain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(made.Config)
	if err != nil {
		t.Fatal(err)
	}
	opt := Options{Config: c, AsOf: time.Date(2026, time.October, 30, 0, 0, 0, 0, time.UTC), Version: "test", Now: time.Now}
	yesterday, err := Night(ctx, opt)
	if err != nil {
		t.Fatal(err)
	}

	opt.AsOf = opt.AsOf.AddDate(0, 0, 1)
	n := newNight(opt)
	n.models = withCheck(t, "-- no_partner: there is no partner.\n-- severity: error\n-- table: dim_partner\nSELECT partner_id FROM dim_partner\n")
	lock, err := publish.Acquire(ctx, c.State, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = n.locked(ctx, lock)
	if e := lock.Release(); e != nil {
		t.Fatal(e)
	}
	var gate *GateError
	if !errors.As(err, &gate) || len(gate.Failed) != 1 || gate.Failed[0].Check != "no_partner" || gate.Failed[0].FailedRows != 12 {
		t.Fatalf("the night ended with %v", err)
	}
	if current, err := publish.Current(c.State); err != nil || current != yesterday.Published {
		t.Errorf("current is %s (%v), want %s", current, err, yesterday.Published)
	}
	runs, err := publish.List(c.State)
	if err != nil || len(runs) != 2 || runs[0].Status != runlog.Stopped {
		t.Errorf("runs %+v (%v): the newest must be stopped", runs, err)
	}
}

// withCheck returns the shipped SQL files and one more check.
func withCheck(t *testing.T, text string) fs.FS {
	t.Helper()
	out := fstest.MapFS{"checks/no_partner.sql": {Data: []byte(text)}}
	err := fs.WalkDir(sql.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sql.Files, path)
		out[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
