package lake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// night returns the exports that the crash tests load: every write mode, several tables from one file,
// rejects, deletions, a file without changes, and one that another mapping reads anew.
func night() []export {
	deals := export{source: "crm", object: "deals", path: "deals.csv", hour: 11, content: "deals",
		modes: map[string]contract.Mode{"opportunity": contract.Snapshot, "opportunity_line": contract.Append},
		tables: map[string][]record{
			"opportunity":      {{"opportunity_id": "d1", "created_at": 1}, {"opportunity_id": "d2", "created_at": 2}},
			"opportunity_line": manyLines(0, 7, "x"),
		}}
	snapshot := nightly("a", contract.Snapshot).with(12, "opportunity_line", manyLines(5, 20, "a")...)
	same := snapshot
	same.hour, same.content = 13, "same records, other bytes"
	facts := ledger
	facts.hour = 14
	return []export{deals, snapshot, same, facts, yesterday()[1].under("v2", false)}
}

// yesterday returns what was loaded before the night.
func yesterday() []export {
	return []export{
		nightly("a", contract.Snapshot).with(1, "opportunity_line", manyLines(0, 20, "a")...),
		nightly("b", contract.Upsert).with(2, "opportunity_line", manyLines(100, 105, "a")...),
	}
}

// runNight opens the lake, loads what it does not have, and closes it.
func runNight(ctx context.Context, d *disk) error {
	l, err := open(d)
	if err != nil {
		return err
	}
	for _, e := range night() {
		if l.Has(e.input().Key) {
			continue
		}
		if err := e.load(ctx, l); err != nil {
			return err
		}
	}
	return l.Close()
}

// prepare makes a lake with yesterday's exports, and returns the files it has after an undisturbed night.
func prepare(t *testing.T) (template string, want map[string]string, steps []string) {
	t.Helper()
	template = t.TempDir()
	l := openLake(t, template)
	mustLoad(t, l, yesterday()...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := copyOf(t, template)
	d := &disk{dir: dir, volatile: true, step: func(op, path string) error {
		steps = append(steps, op+" "+path)
		return nil
	}}
	if err := runNight(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return template, contentOf(t, dir), steps
}

// contentOf returns every file of a lake and, in place of index files, which may be missing or behind, what
// the indexes are once they are brought up to date.
func contentOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	l := openLake(t, dir)
	out := snapshotOf(t, dir)
	maps.DeleteFunc(out, func(name, _ string) bool { return strings.HasPrefix(name, indexFolder+"/") })
	for _, in := range l.Inputs() {
		for _, tr := range in.Tables {
			k := historyKey{source: in.Source, table: tr.Table}
			h, err := l.history(k, len(l.m.Inputs))
			if err != nil {
				t.Fatal(err)
			}
			var saved bytes.Buffer
			if err := h.x.save(&saved, h.covered); err != nil {
				t.Fatal(err)
			}
			out[k.file()] = fmt.Sprintf("%x", sha256.Sum256(saved.Bytes()))
		}
	}
	return out
}

func copyOf(t *testing.T, template string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// recoverNight opens a lake after an interruption, checks that every load is in it wholly or not at all,
// finishes the night and compares the lake with that of an undisturbed night.
func recoverNight(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatalf("open after the interruption: %v", err)
	}
	loaded := 0
	for _, e := range night() {
		if !l.Has(e.input().Key) {
			break
		}
		loaded++
	}
	// The last export of the night takes the place of one of yesterday.
	wantInputs := len(yesterday()) + min(loaded, len(night())-1)
	if n := len(l.Inputs()); n != wantInputs {
		t.Errorf("%d inputs after %d loads, want %d", n, loaded, wantInputs)
	}
	if len(rows(t, l, "opportunity_line")) == 0 {
		t.Error("yesterday's rows are gone")
	}
	for name := range snapshotOf(t, dir) {
		if strings.HasSuffix(name, tempSuffix) {
			t.Errorf("%s was not swept", name)
		}
	}
	if err := runNight(t.Context(), &disk{dir: dir, volatile: true}); err != nil {
		t.Fatalf("run again: %v", err)
	}
	if diff := cmp.Diff(want, contentOf(t, dir)); diff != "" {
		t.Errorf("lake (-undisturbed +recovered):\n%s", diff)
	}
}

var errCrash = errors.New("crash")

func TestCrashAtEveryStep(t *testing.T) {
	template, want, steps := prepare(t)
	for n := range steps {
		t.Run(fmt.Sprintf("%03d %s", n, steps[n]), func(t *testing.T) {
			dir := copyOf(t, template)
			i := 0
			d := &disk{dir: dir, volatile: true, step: func(string, string) error {
				if i++; i > n { // From here on nothing happens any more, the clean-up neither.
					return errCrash
				}
				return nil
			}}
			err := runNight(t.Context(), d)
			// The removal of a replaced file is the one step that a committed load does without.
			if !errors.Is(err, errCrash) && !strings.HasPrefix(steps[n], "remove ") {
				t.Fatalf("the night ended with %v", err)
			}
			recoverNight(t, dir, want)
		})
	}
}

// A single step that fails (a full disk, say) must leave a lake that can be used on, or that says it cannot.
func TestFailureOfOneStep(t *testing.T) {
	template, want, steps := prepare(t)
	for n := range steps {
		t.Run(fmt.Sprintf("%03d %s", n, steps[n]), func(t *testing.T) {
			dir := copyOf(t, template)
			i := 0
			d := &disk{dir: dir, volatile: true, step: func(string, string) error {
				if i++; i == n+1 {
					return errCrash
				}
				return nil
			}}
			l, err := open(d)
			if err != nil {
				recoverNight(t, dir, want)
				return
			}
			for _, e := range night() {
				for range 2 {
					if err = e.load(t.Context(), l); err == nil || l.broken != nil {
						break
					}
					openLake(t, copyOf(t, dir)) // What the load left behind is a lake as it is.
				}
				if l.broken != nil {
					break
				}
				if err != nil {
					t.Fatalf("load again: %v", err)
				}
			}
			if l.broken == nil {
				if err := l.Close(); err != nil && !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
			recoverNight(t, dir, want)
		})
	}
}

// What a loss of power would show: no name may be given to what is not on the disk, and the manifest must not
// name what has no durable name.
func TestFilesAreDurableBeforeTheyAreNamed(t *testing.T) {
	_, _, steps := prepare(t)
	synced, unsyncedFolders := map[string]bool{}, map[string]bool{}
	renames := 0
	for _, step := range steps {
		op, name, _ := strings.Cut(step, " ")
		if strings.HasPrefix(name, indexFolder+"/") {
			continue // Indexes are checked when they are read.
		}
		switch op {
		case "write":
			synced[name] = false
		case "sync":
			synced[name] = true
		case "syncdir":
			delete(unsyncedFolders, name)
		case "rename":
			renames++
			if !synced[name] {
				t.Errorf("%s is renamed before it is synced", name)
			}
			if name == manifestName && len(unsyncedFolders) > 0 {
				t.Errorf("the manifest is replaced before %v are synced", slices.Collect(maps.Keys(unsyncedFolders)))
			}
			unsyncedFolders[path.Dir(name)] = true
		}
	}
	if renames < 10 || len(unsyncedFolders) > 0 {
		t.Errorf("%d renames, folders %v not synced at the end", renames, unsyncedFolders)
	}
}

const (
	childDir  = "LAKE_TEST_NIGHT_DIR"
	childStep = "LAKE_TEST_KILL_AT_STEP"
)

// TestMain lets the test binary run a night as a process of its own, which is then killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	killAt, err := strconv.Atoi(os.Getenv(childStep))
	if err != nil {
		killAt = -1
	}
	i := 0
	err = runNight(context.Background(), &disk{dir: dir, step: func(string, string) error {
		if i++; i == killAt {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err == nil {
				select {} // The signal is on its way.
			}
			return err
		}
		return nil
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child starts a night in another process.
func child(t *testing.T, dir string, killAt int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childStep+"="+strconv.Itoa(killAt))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestKilledProcess(t *testing.T) {
	template, want, steps := prepare(t)
	t.Run("not at all", func(t *testing.T) {
		dir := copyOf(t, template)
		if err := child(t, dir, -1).Wait(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, contentOf(t, dir)); diff != "" {
			t.Errorf("lake (-this process +child):\n%s", diff)
		}
	})
	for n := 3; n < len(steps); n += len(steps) / 8 {
		t.Run(fmt.Sprintf("before step %d, %s", n, steps[n]), func(t *testing.T) {
			dir := copyOf(t, template)
			if err := child(t, dir, n+1).Wait(); err == nil {
				t.Fatal("the process lived to the end")
			}
			recoverNight(t, dir, want)
		})
	}
	for after := time.Millisecond; after < 64*time.Millisecond; after *= 2 {
		t.Run("after "+after.String(), func(t *testing.T) {
			dir := copyOf(t, template)
			cmd := child(t, dir, -1)
			time.Sleep(after)
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			_ = cmd.Wait() // Killed, or done before: both are to be recovered from.
			recoverNight(t, dir, want)
		})
	}
}
