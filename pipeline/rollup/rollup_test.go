package rollup_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/rollup"
)

// lines is an engine without a database: a lake file has one event a line, "2026-10-31T23:30,name", and the
// rollup is the sorted events of the local day, one line each. A name with a minus before it takes the event of that
// name back. Local time is two hours ahead of UTC, so that events cross the ends of months.
type lines struct {
	version string
	written []string // months, in the order in which Write was called
	read    []string // files of which Days was asked
	fail    string   // month whose Write fails half-way
}

const eventLayout = "2006-01-02T15:04"

func (e *lines) Version(context.Context) (string, error) { return e.version, nil }

func (e *lines) Days(_ context.Context, file string) (days []time.Time, voids bool, err error) {
	e.read = append(e.read, filepath.Base(file))
	for _, ev := range readEvents(file) {
		days = append(days, ev.at.Truncate(24*time.Hour))
	}
	return days, len(voided(file)) > 0, nil
}

func (e *lines) Voided(_ context.Context, by string, in []string) ([]time.Time, error) {
	taken := voided(by)
	var days []time.Time
	for _, f := range in {
		for _, ev := range readEvents(f) {
			if taken[ev.name] {
				days = append(days, ev.at.Truncate(24*time.Hour))
			}
		}
	}
	return days, nil
}

// voided returns the names that the files take back.
func voided(files ...string) map[string]bool {
	taken := map[string]bool{}
	for _, f := range files {
		for _, ev := range readEvents(f) {
			if name, ok := strings.CutPrefix(ev.name, "-"); ok {
				taken[name] = true
			}
		}
	}
	return taken
}

func (e *lines) Write(_ context.Context, from, to time.Time, files []string, path string) (int64, error) {
	month := from.Format("2006-01")
	e.written = append(e.written, month)
	if month == e.fail {
		if err := os.WriteFile(path, []byte("half a mon"), 0o600); err != nil {
			return 0, err
		}
		return 0, errors.New("disk full")
	}
	var out []string
	taken := voided(files...)
	for _, f := range files {
		for _, ev := range readEvents(f) {
			if taken[ev.name] || strings.HasPrefix(ev.name, "-") {
				continue
			}
			if local := ev.at.Add(2 * time.Hour); !local.Before(from) && local.Before(to) {
				out = append(out, local.Format(time.DateOnly)+" "+ev.name)
			}
		}
	}
	sort.Strings(out)
	out = slices.Compact(out)
	return int64(len(out)), os.WriteFile(path, []byte(strings.Join(out, "\n")), 0o600)
}

type event struct {
	at   time.Time
	name string
}

func readEvents(file string) []event {
	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	var events []event
	for _, line := range strings.Fields(string(data)) {
		at, name, _ := strings.Cut(line, ",")
		when, err := time.Parse(eventLayout, at)
		if err != nil {
			panic(err)
		}
		events = append(events, event{when, name})
	}
	return events
}

// lake writes a lake file with events and returns its path.
func lake(t interface{ Fatal(...any) }, dir, name string, events ...string) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(strings.Join(events, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// contents returns the lines of all live files, by month.
func contents(t interface{ Fatal(...any) }, r *rollup.Rollup) map[string]string {
	out := map[string]string{}
	for _, f := range r.Files() {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 0 {
			out[strings.TrimPrefix(filepath.Base(filepath.Dir(f)), "dt=")] = string(data)
		}
	}
	return out
}

func open(t interface{ Fatal(...any) }, dir string, e rollup.Engine) *rollup.Rollup {
	r, err := rollup.Open(dir, e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func update(t interface{ Fatal(...any) }, r *rollup.Rollup, files ...string) rollup.Update {
	u, err := r.Update(context.Background(), live(files...))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// live are the files as the lake lists them.
func live(paths ...string) []rollup.File {
	var files []rollup.File
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		files = append(files, rollup.File{Path: path, Checksum: fmt.Sprintf("%x", sha256.Sum256(data))})
	}
	return files
}

func TestOnlyTouchedMonthsAreRebuilt(t *testing.T) {
	e := &lines{version: "1"}
	source, dir := t.TempDir(), t.TempDir()
	r := open(t, dir, e)

	first := lake(t, source, "a", "2026-08-10T12:00,x", "2026-09-10T12:00,y")
	if got, want := update(t, r, first), (rollup.Update{Rebuilt: []string{"2026-08", "2026-09"}, Rows: 2}); !cmp.Equal(got, want) {
		t.Errorf("first load: %s", cmp.Diff(want, got))
	}
	second := lake(t, source, "b", "2026-09-12T12:00,z", "2026-10-02T12:00,w")
	if got, want := update(t, r, first, second), (rollup.Update{Rebuilt: []string{"2026-09", "2026-10"}, Kept: 1, Rows: 4}); !cmp.Equal(got, want) {
		t.Errorf("second load: %s", cmp.Diff(want, got))
	}
	if got, want := update(t, r, first, second), (rollup.Update{Kept: 3, Rows: 4}); !cmp.Equal(got, want) {
		t.Errorf("no load: %s", cmp.Diff(want, got))
	}
	if want := []string{"a", "b"}; !cmp.Equal(e.read, want) {
		t.Errorf("event days were read of %v, want each file once: %v", e.read, want)
	}
	e.version = "2"
	if got, want := update(t, r, second), (rollup.Update{Rebuilt: []string{"2026-09", "2026-10"}, Removed: []string{"2026-08"}, Rows: 2}); !cmp.Equal(got, want) {
		t.Errorf("new version without the first file: %s", cmp.Diff(want, got))
	}
}

func TestEventsNearTheEndOfAMonthReachTheNext(t *testing.T) {
	r := open(t, t.TempDir(), &lines{})
	update(t, r, lake(t, t.TempDir(), "a", "2026-09-30T23:30,late", "2026-09-30T21:30,early"))
	want := map[string]string{"2026-09": "2026-09-30 early", "2026-10": "2026-10-01 late"}
	if got := contents(t, r); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

// An event of a day that stands for "never" is one like any other: it must not stop the night, though the month after
// the last one that has a year of four digits is looked at as well.
func TestEventsAtTheEndsOfTheCalendar(t *testing.T) {
	e := &lines{}
	r := open(t, t.TempDir(), e)
	file := lake(t, t.TempDir(), "a", "0001-01-01T00:00,first", "9999-12-31T23:30,last", "9999-12-31T20:00,before")
	update(t, r, file)
	want := map[string]string{"0001-01": "0001-01-01 first", "9999-12": "9999-12-31 before", "10000-01": "10000-01-01 last"}
	if got := contents(t, r); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if got, want := update(t, r, file), (rollup.Update{Kept: 4, Rows: 3}); !cmp.Equal(got, want) {
		t.Errorf("no load: %s", cmp.Diff(want, got))
	}
}

// An event is taken back by a file of another month, which comes after it or before it.
func TestEventsAreTakenBackAcrossMonths(t *testing.T) {
	source := t.TempDir()
	a := lake(t, source, "a", "2026-08-10T12:00,x", "2026-08-11T12:00,y", "2026-09-10T12:00,z")
	b := lake(t, source, "b", "2026-11-10T12:00,-x", "2026-11-10T12:00,-w")
	c := lake(t, source, "c", "2026-09-12T12:00,w", "2026-09-13T12:00,v")
	r := open(t, t.TempDir(), &lines{})
	update(t, r, a)
	if got := update(t, r, a, b); !cmp.Equal(got.Rebuilt, []string{"2026-08", "2026-11"}) {
		t.Errorf("%v were made again, want the month of the event and that of its end", got.Rebuilt)
	}
	if got := update(t, r, a, b, c); !cmp.Equal(got.Rebuilt, []string{"2026-09"}) {
		t.Errorf("%v were made again, want the month of the new file", got.Rebuilt)
	}
	want := map[string]string{"2026-08": "2026-08-11 y", "2026-09": "2026-09-10 z\n2026-09-13 v"}
	if got := contents(t, r); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

// TestAnySequenceOfLoadsEqualsAFullRebuild is the property that makes incremental work safe.
func TestAnySequenceOfLoadsEqualsAFullRebuild(t *testing.T) {
	start := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	root := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		source := filepath.Join(root, fmt.Sprint(run))
		if err := os.MkdirAll(source, 0o755); err != nil {
			t.Fatal(err)
		}
		e := &lines{}
		dir := filepath.Join(source, "rollup")
		var files []string
		for load := range rapid.IntRange(1, 4).Draw(t, "loads") {
			var events []string
			for i := range rapid.IntRange(0, 4).Draw(t, "events") {
				at := start.Add(time.Duration(rapid.IntRange(0, 100*24).Draw(t, "hour")) * time.Hour)
				back := rapid.SampledFrom([]string{"", "", "", "-"}).Draw(t, "back")
				events = append(events, fmt.Sprintf("%s,%se%d", at.Format(eventLayout), back, i))
			}
			files = append(files, lake(t, source, fmt.Sprintf("f%d", load), events...))
			r := open(t, dir, e)
			e.written = nil
			got := update(t, r, files...)
			if !cmp.Equal(e.written, got.Rebuilt) {
				t.Fatalf("computed %v, reported %v", e.written, got.Rebuilt)
			}
			whole := open(t, filepath.Join(source, fmt.Sprintf("whole%d", load)), &lines{})
			full := update(t, whole, files...)
			if want, got := contents(t, whole), contents(t, open(t, dir, e)); !cmp.Equal(want, got) {
				t.Fatalf("load %d: %s", load, cmp.Diff(want, got))
			}
			if full.Rows != got.Rows {
				t.Fatalf("%d rows, a full rebuild has %d", got.Rows, full.Rows)
			}
		}
	})
}

func TestAnInterruptedUpdateLeavesTheStateBefore(t *testing.T) {
	e := &lines{}
	source, dir := t.TempDir(), t.TempDir()
	r := open(t, dir, e)
	first := lake(t, source, "a", "2026-08-10T12:00,x", "2026-09-10T12:00,y")
	update(t, r, first)
	before := contents(t, r)

	second := lake(t, source, "b", "2026-08-11T12:00,z", "2026-09-11T12:00,z")
	e.fail = "2026-09"
	if _, err := r.Update(context.Background(), live(first, second)); err == nil || !strings.Contains(err.Error(), "roll up 2026-09: disk full") {
		t.Fatalf("error %v, want the month and the reason", err)
	}
	// The new August and half of September lie in the folder. A new process finds the old state, and sweeps.
	r = open(t, dir, e)
	if got := contents(t, r); !cmp.Equal(got, before) {
		t.Errorf("after the failure: %s", cmp.Diff(before, got))
	}
	found, err := filepath.Glob(filepath.Join(dir, "dt=*", "*"))
	if err != nil || len(found) != 2 {
		t.Errorf("files %v, want the two live ones", found)
	}
	e.fail = ""
	if got, want := update(t, r, first, second), (rollup.Update{Rebuilt: []string{"2026-08", "2026-09"}, Rows: 4}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestALostMonthIsMadeAgain(t *testing.T) {
	r := open(t, t.TempDir(), &lines{})
	f := lake(t, t.TempDir(), "a", "2026-08-10T12:00,x")
	update(t, r, f)
	if err := os.Remove(r.Files()[0]); err != nil {
		t.Fatal(err)
	}
	if got := update(t, r, f); len(got.Rebuilt) != 1 {
		t.Errorf("%+v, want the month rebuilt", got)
	}
}

// A rollup can be made again from the lake at any time, so that no manifest stops a night.
func TestManifest(t *testing.T) {
	for _, c := range []struct {
		name, text, damage string
	}{
		{"of another format", `{"format": 99, "months": {"2026-08": {"file": "x"}}}`, ""},
		{"that is cut off", `{"format": 3,`, "unexpected end of JSON input"},
		{"that is empty", ``, "unexpected end of JSON input"},
		{"of other things", `{"format": 3, "months": [1]}`, "cannot unmarshal array"},
		{"of nothing", `{"format": 3, "months": null, "touched": null}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := lake(t, t.TempDir(), "a", "2026-08-10T12:00,x")
			update(t, open(t, dir, &lines{}), file)
			if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := rollup.Open(dir, &lines{})
			if err != nil || len(r.Files()) != 0 {
				t.Fatalf("%v, %v: want an empty rollup", r, err)
			}
			got := update(t, r, file)
			if !cmp.Equal(got.Rebuilt, []string{"2026-08"}) || !strings.Contains(got.Damage, c.damage) || (got.Damage == "") != (c.damage == "") {
				t.Errorf("%+v, want the month rolled up anew and the damage told: %q", got, c.damage)
			}
			if again := update(t, open(t, dir, &lines{}), file); again.Kept != 1 || again.Damage != "" {
				t.Errorf("the next time: %+v", again)
			}
		})
	}
}

// The lake gives a name that became free to the next file of the same export, which may hold other events.
func TestAnotherFileOfTheSameNameIsAnother(t *testing.T) {
	source, dir := t.TempDir(), t.TempDir()
	keep := lake(t, source, "b", "2026-08-11T12:00,kept")
	update(t, open(t, dir, &lines{}), lake(t, source, "a", "2026-08-10T12:00,before"), keep)
	got := update(t, open(t, dir, &lines{}), lake(t, source, "a", "2026-08-10T12:00,after", "2026-09-10T12:00,new"), keep)
	if want := []string{"2026-08", "2026-09"}; !cmp.Equal(got.Rebuilt, want) {
		t.Errorf("%v were made again, want %v", got.Rebuilt, want)
	}
	want := map[string]string{"2026-08": "2026-08-10 after\n2026-08-11 kept", "2026-09": "2026-09-10 new"}
	if got := contents(t, open(t, dir, &lines{})); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestTwoFilesOfOneNameAreRefused(t *testing.T) {
	r := open(t, t.TempDir(), &lines{})
	a, b := lake(t, t.TempDir(), "a", "2026-08-10T12:00,x"), lake(t, t.TempDir(), "a")
	if _, err := r.Update(context.Background(), live(a, b)); err == nil {
		t.Error("two files called a were taken for one")
	}
}

func TestFolderNamesWithGlobCharactersAreSweptToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `st[a]te*?\`)
	r := open(t, dir, &lines{})
	update(t, r, lake(t, t.TempDir(), "a", "2026-08-10T12:00,x"))
	left := filepath.Join(dir, "dt=2026-08", "left.parquet.tmp")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, &lines{})
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("the leftover is still there")
	}
}
