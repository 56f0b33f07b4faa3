package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
)

// The test binary plays the run that is killed when these are set.
const (
	killStateEnv = "PARTNERHEALTH_TEST_STATE"
	killAtEnv    = "PARTNERHEALTH_TEST_KILL_AT"
)

func TestMain(m *testing.M) {
	if state := os.Getenv(killStateEnv); state != "" {
		if err := doomedRun(state, os.Getenv(killAtEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// doomedRun publishes night 2 and prunes, and kills itself with SIGKILL ahead of the step with number at.
func doomedRun(state, at string) error {
	n, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	lock, err := Acquire(context.Background(), state, firstNight)
	if err != nil {
		return err
	}
	s, err := Open(lock)
	if err != nil {
		return err
	}
	s.before = func(string) error {
		if n--; n == 0 {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			if err := self.Kill(); err != nil {
				return err
			}
			select {}
		}
		return nil
	}
	b, err := night(s, 2, "id", "night 2")
	if err != nil {
		return err
	}
	if _, err := b.Publish(runlog.Run{Finished: firstNight.Add(2 * time.Hour)}); err != nil {
		return err
	}
	_, err = s.Prune(1)
	return err
}

// twoNights makes a state folder with night 0 and night 1.
func twoNights(t *testing.T) string {
	t.Helper()
	state := t.TempDir()
	lock, err := Acquire(context.Background(), state, firstNight)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	s, err := Open(lock)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		publish(t, s, n, "id", fmt.Sprintf("night %d", n))
	}
	return state
}

// checkAllNights fails unless every folder under a published name is whole, and current names one of them.
func checkAllNights(t *testing.T, state string) {
	t.Helper()
	dir := filepath.Join(state, "published")
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, tempPrefix) {
			continue
		}
		a, errA := os.ReadFile(filepath.Join(dir, name, "partnerhealth.duckdb"))
		b, errB := os.ReadFile(filepath.Join(dir, name, "alerts", "list.csv"))
		_, errC := runlog.Read(filepath.Join(dir, name))
		if err := errors.Join(errA, errB, errC); err != nil {
			t.Errorf("%s is not whole: %v", name, err)
		}
		if string(a) != string(b) {
			t.Errorf("%s mixes nights: %q and %q", name, a, b)
		}
	}
	readCurrent(t, state)
}

func TestKilledAtAnyStep(t *testing.T) {
	const enough = 100
	old, fresh := 0, 0
	for at := 1; at < enough; at++ {
		state := twoNights(t)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killStateEnv+"="+state, killAtEnv+"="+strconv.Itoa(at))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
			// The run came to its end before step number at: every step has been killed once.
			if old < 5 || fresh < 3 {
				t.Errorf("killed %d times before the switch and %d times after it; steps are missing", old, fresh)
			}
			return
		case !errors.As(err, &exit) || exit.ExitCode() != -1:
			t.Fatalf("step %d: %v\n%s", at, err, out)
		}
		checkAllNights(t, state)
		switch got := readCurrent(t, state); got {
		case "night 1":
			old++
		case "night 2":
			fresh++
		default:
			t.Errorf("step %d: current holds %q", at, got)
		}
		next := open(t, state)
		publish(t, next, 2, "id", "night 2")
		if _, err := next.Prune(1); err != nil {
			t.Errorf("step %d: %v", at, err)
		}
		checkAllNights(t, state)
		want := "2026-10-02_id 2026-10-03_id current"
		if got := strings.Join(names(t, next.dir), " "); got != want {
			t.Errorf("step %d: after the next run the folder holds %s, want %s", at, got, want)
		}
	}
	t.Fatalf("the run has more than %d steps", enough)
}

// A step that fails, on a full disk for example, leaves the night before current too, and the run can clean up.
func TestAnyStepFails(t *testing.T) {
	full := errors.New("no space left on device")
	for at := 1; ; at++ {
		state := twoNights(t)
		s := open(t, state)
		n := at
		s.before = func(string) error {
			if n--; n == 0 {
				return full
			}
			return nil
		}
		b, err := night(s, 2, "id", "night 2")
		if err == nil {
			_, err = b.Publish(runlog.Run{Finished: firstNight.Add(2 * time.Hour)})
		}
		if err == nil {
			return
		}
		if !errors.Is(err, full) {
			t.Errorf("step %d: error %v hides its cause", at, err)
		}
		checkAllNights(t, state)
		if b != nil {
			if err := b.Discard(); err != nil {
				t.Error(err)
			}
		}
		checkAllNights(t, state)
	}
}

func TestReadersNeverFailWhileNightsAreSwapped(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	publish(t, s, 0, "id", "night 0")
	stop := make(chan struct{})
	finished := make(chan int)
	const readers = 2
	for range readers {
		go func() {
			reads := 0
			defer func() { finished <- reads }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, name := range []string{"partnerhealth.duckdb", "alerts/list.csv", runlog.FileName} {
					data, err := os.ReadFile(filepath.Join(state, "published", "current", name))
					if err != nil || len(data) == 0 {
						t.Errorf("read current/%s: %d bytes, %v", name, len(data), err)
						return
					}
				}
				if _, err := Current(state); err != nil {
					t.Error(err)
					return
				}
				reads++
			}
		}()
	}
	const swaps = 200
	for n := 1; n <= swaps; n++ {
		publish(t, s, n, "id", fmt.Sprintf("night %d", n))
		if _, err := s.Prune(3); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	for range readers {
		if reads := <-finished; reads == 0 {
			t.Error("a reader never read")
		}
	}
	if got := readCurrent(t, state); got != fmt.Sprintf("night %d", swaps) {
		t.Errorf("current holds %q", got)
	}
}
