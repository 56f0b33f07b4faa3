package run_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

var kills = flag.Int("kills", 10, "how many nights are killed")

// A night is killed at random moments, every other time with an emptied lake so that all stages are hit.
// The next run ends in the tables of a night that nobody disturbed, and a reader that opens `current` all the
// while never fails.
func TestKilledNightsLeaveNothingBroken(t *testing.T) {
	t.Parallel()
	if run.Raced {
		t.Skip("child processes are not what the race detector looks at, and it makes them slow")
	}
	world, form := tiny()
	want := hashes(t, calmTiny(t).config)

	m, c := made(t, world, form)
	yesterday := options(c)
	yesterday.AsOf = until.AddDate(0, 0, -1)
	night(t, yesterday)

	stop := make(chan struct{})
	var reader sync.WaitGroup
	reads := 0
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := readCurrent(c.State); err != nil {
					t.Errorf("a reader failed: %v", err)
					return
				}
				reads++
				time.Sleep(50 * time.Millisecond)
			}
		}
	})

	start := time.Now()
	if err := child(t, "night", m.Config).Run(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	moments := rand.New(rand.NewPCG(20261121, 10))
	killed := 0
	for round := range *kills {
		if round%2 == 1 {
			for _, folder := range []string{"lake", "rollup"} {
				if err := os.RemoveAll(filepath.Join(c.State, folder)); err != nil {
					t.Fatal(err)
				}
			}
		}
		cmd := child(t, "night", m.Config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(moments.Float64() * float64(whole)))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
	}
	if killed == 0 {
		t.Error("no night was killed: nothing was tried")
	}
	night(t, options(c))
	close(stop)
	reader.Wait()
	if diff := cmp.Diff(want, hashes(t, c)); diff != "" {
		t.Errorf("after %d kills the tables differ:\n%s", *kills, diff)
	}
	t.Logf("%d of %d nights were killed, %d readers saw a whole database", killed, *kills, reads)
	if leftovers, _ := filepath.Glob(filepath.Join(c.State, "published", ".tmp-*")); len(leftovers) > 0 {
		t.Errorf("left behind: %v", leftovers)
	}
}

// readCurrent does what an analyst does: opens the current database and asks it something.
func readCurrent(state string) error {
	folder, err := publish.Current(state)
	if err != nil {
		return err
	}
	db, err := warehouse.OpenReader(context.Background(), warehouse.Options{Path: filepath.Join(folder, run.DatabaseFile), Threads: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Query(context.Background(), "SELECT count(*) FROM fct_metric")
	return err
}

// child prepares a process of this test binary that does one task.
func child(tb testing.TB, task, argument string) *exec.Cmd {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childTask+"="+task, childConfig+"="+argument)
	cmd.Stderr = os.Stderr
	return cmd
}
