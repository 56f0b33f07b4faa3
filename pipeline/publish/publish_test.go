package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
)

var firstNight = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// open takes the lock of state for the test and returns its store.
func open(t *testing.T, state string) *Store {
	t.Helper()
	lock, err := Acquire(context.Background(), state, firstNight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(lock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// night builds night number n: two files that both hold its text.
func night(s *Store, n int, id, text string) (*Build, error) {
	b, err := s.Begin(firstNight.AddDate(0, 0, n), id)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(b.Dir(), "alerts"), 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"partnerhealth.duckdb", "alerts/list.csv"} {
		if err := os.WriteFile(filepath.Join(b.Dir(), name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// publish publishes night number n, finished n hours after the first.
func publish(t *testing.T, s *Store, n int, id, text string) runlog.Run {
	t.Helper()
	b, err := night(s, n, id, text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Publish(runlog.Run{ID: id, Finished: firstNight.Add(time.Duration(n) * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readCurrent reads a file as an analyst does.
func readCurrent(t *testing.T, state string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(state, "published", "current", "partnerhealth.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestPublishMakesTheNightCurrent(t *testing.T) {
	state := t.TempDir()
	if _, err := Current(state); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Current before the first night: %v, want fs.ErrNotExist", err)
	}
	s := open(t, state)
	publish(t, s, 0, "aaaa", "first")
	r := publish(t, s, 1, "bbbb", "second")

	if got := readCurrent(t, state); got != "second" {
		t.Errorf("current holds %q, want %q", got, "second")
	}
	dir, err := Current(state)
	if want := filepath.Join(state, "published", "2026-10-02_bbbb"); err != nil || dir != want {
		t.Errorf("Current = %q, %v, want %q", dir, err, want)
	}
	if target, err := os.Readlink(filepath.Join(state, "published", "current")); err != nil || target != "2026-10-02_bbbb" {
		t.Errorf("link names %q, %v; it must be relative so that the state folder can be moved", target, err)
	}
	want := []string{"2026-10-01_aaaa", "2026-10-02_bbbb", "current"}
	if diff := cmp.Diff(want, names(t, filepath.Join(state, "published"))); diff != "" {
		t.Errorf("published folder (-want +got):\n%s", diff)
	}
	onDisk, err := runlog.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if onDisk.Status != runlog.Published || onDisk.Folder != "2026-10-02_bbbb" || onDisk.Content == "" || onDisk.Content != r.Content {
		t.Errorf("manifest in the folder: %+v", onDisk)
	}
}

func TestSameRunWithSameContentKeepsItsFolder(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	first := publish(t, s, 0, "aaaa", "text")
	before, err := os.Stat(filepath.Join(state, "published", first.Folder))
	if err != nil {
		t.Fatal(err)
	}
	publish(t, s, 1, "bbbb", "other")

	b, err := night(s, 0, "aaaa", "text")
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Publish(runlog.Run{ID: "aaaa", Finished: firstNight.AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Format" }, cmp.Ignore())); diff != "" {
		t.Errorf("manifest (-first +again):\n%s", diff)
	}
	after, err := os.Stat(filepath.Join(state, "published", first.Folder))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the folder was replaced (%v)", err)
	}
	if got := readCurrent(t, state); got != "text" {
		t.Errorf("current holds %q, want the night published again", got)
	}
	if got := names(t, filepath.Join(state, "published")); len(got) != 3 {
		t.Errorf("published folder holds %v", got)
	}
}

// The bytes of a database differ from run to run though its tables are the same: then the caller's content decides.
func TestContentOfTheCallerOverridesTheBytes(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	for _, text := range []string{"bytes of the first writing", "other bytes"} {
		b, err := night(s, 0, "aaaa", text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(runlog.Run{Content: "same tables"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := readCurrent(t, state); got != "bytes of the first writing" {
		t.Errorf("current holds %q", got)
	}
}

func TestSameRunWithOtherOutputGetsItsOwnFolder(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	publish(t, s, 0, "aaaa", "one")
	if r := publish(t, s, 0, "aaaa", "two"); r.Folder != "2026-10-01_aaaa-2" {
		t.Errorf("other content: folder %s", r.Folder)
	}
	if r := publish(t, s, 0, "aaaa", "one"); r.Folder != "2026-10-01_aaaa" {
		t.Errorf("first content again: folder %s", r.Folder)
	}
	// A published folder from which a file went missing does not stand for the output any more.
	if err := os.Remove(filepath.Join(state, "published", "2026-10-01_aaaa", "alerts", "list.csv")); err != nil {
		t.Fatal(err)
	}
	if r := publish(t, s, 0, "aaaa", "one"); r.Folder != "2026-10-01_aaaa-3" {
		t.Errorf("after a file went missing: folder %s", r.Folder)
	}
	if got := readCurrent(t, state); got != "one" {
		t.Errorf("current holds %q", got)
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	b, err := night(s, 0, "aaaa", "text")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Discard(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(state, "published")); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestBeginRefusesIDsThatLeaveTheFolder(t *testing.T) {
	s := open(t, t.TempDir())
	for _, id := range []string{"", "..", "a/b", "../../etc", "a b", "ü"} {
		if _, err := s.Begin(firstNight, id); err == nil {
			t.Errorf("Begin accepts run id %q", id)
		}
	}
}

func TestOpenRefusesARealFolderNamedCurrent(t *testing.T) {
	state := t.TempDir()
	if err := os.MkdirAll(filepath.Join(state, "published", "current"), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := Acquire(context.Background(), state, firstNight)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if _, err := Open(lock); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("Open = %v", err)
	}
}

func TestPruneKeepsTheYoungestAndTheCurrent(t *testing.T) {
	for _, c := range []struct {
		name    string
		keep    int
		nights  int
		current int // night to which current is set back by hand, -1 for the last
		want    []int
	}{
		{"none to remove", 5, 3, -1, []int{0, 1, 2}},
		{"two others", 2, 6, -1, []int{3, 4, 5}},
		{"at least one other", 0, 4, -1, []int{2, 3}},
		{"negative is one", -3, 4, -1, []int{2, 3}},
		{"current set back stays", 2, 6, 0, []int{0, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := t.TempDir()
			s := open(t, state)
			for n := range c.nights {
				publish(t, s, n, "id", fmt.Sprint(n))
			}
			if c.current >= 0 {
				if err := s.point(firstNight.AddDate(0, 0, c.current).Format(time.DateOnly) + "_id"); err != nil {
					t.Fatal(err)
				}
			}
			removed, err := s.Prune(c.keep)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{}
			for _, n := range c.want {
				want = append(want, firstNight.AddDate(0, 0, n).Format(time.DateOnly)+"_id")
			}
			if diff := cmp.Diff(append(want, "current"), names(t, s.dir)); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
			if len(removed) != c.nights-len(c.want) {
				t.Errorf("removed %v", removed)
			}
		})
	}
}

// A night run today for a day long past is young: age is the time of publication.
func TestPruneGoesByTheTimeOfPublication(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	publish(t, s, 100, "late", "published first, for a late day")
	for n, id := range []string{"a", "b"} {
		b, err := night(s, n, id, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(runlog.Run{Finished: firstNight.AddDate(0, 0, 200+n)}); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := s.Prune(1)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"2027-01-09_late"}; !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}
}

func TestPruneLeavesWhatIsNotOurs(t *testing.T) {
	state := t.TempDir()
	s := open(t, state)
	for _, dir := range []string{"2026-01-01_copy-by-hand", "notes"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 4 {
		publish(t, s, n, "id", fmt.Sprint(n))
	}
	if _, err := s.Prune(1); err != nil {
		t.Fatal(err)
	}
	want := []string{"2026-01-01_copy-by-hand", "2026-10-03_id", "2026-10-04_id", "current", "notes"}
	if diff := cmp.Diff(want, names(t, s.dir)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestListMarksRunsThatNobodyRuns(t *testing.T) {
	state := t.TempDir()
	start := func(id string, at time.Time) *runlog.Log {
		l, err := runlog.Create(state, runlog.Run{ID: id}, func() time.Time { return at })
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Begin("ingest"); err != nil {
			t.Fatal(err)
		}
		return l
	}
	statuses := func() map[string]runlog.Status {
		runs, err := List(state)
		if err != nil {
			t.Fatal(err)
		}
		out := make(map[string]runlog.Status)
		for _, r := range runs {
			out[r.ID] = r.Status
		}
		return out
	}
	start("killed", firstNight.Add(-time.Hour))
	if got := statuses()["killed"]; got != runlog.Interrupted {
		t.Errorf("a run without a lock is %s", got)
	}

	lock, err := Acquire(context.Background(), state, firstNight)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	alive := start("alive", firstNight)
	want := map[string]runlog.Status{"killed": runlog.Interrupted, "alive": runlog.Running}
	if diff := cmp.Diff(want, statuses()); diff != "" {
		t.Errorf("while a run holds the lock (-want +got):\n%s", diff)
	}
	if err := alive.Finish(runlog.Published, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(lock); err != nil {
		t.Fatal(err)
	}
	r, err := runlog.Read(filepath.Join(state, "runs", "killed"))
	if err != nil || r.Status != runlog.Interrupted || r.Stages[0].Status != runlog.Interrupted {
		t.Errorf("Open leaves the manifest of a killed run as %+v, %v", r, err)
	}
}
