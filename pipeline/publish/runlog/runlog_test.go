package runlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// clock is a clock that goes one second further whenever it is read.
func clock() func() time.Time {
	t := time.Date(2026, 11, 1, 2, 0, 0, 0, time.FixedZone("CET", 3600))
	return func() time.Time {
		t = t.Add(time.Second)
		return t
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever moment the run dies at, the file on disk says how far it came.
func TestTheFileFollowsTheRun(t *testing.T) {
	state := t.TempDir()
	l, err := Create(state, Run{ID: "7f3a", AsOf: "2026-10-31", ConfigHash: "c0ffee"}, clock())
	must(t, err)
	onDisk := func() Run {
		r, err := Read(filepath.Join(state, "runs", "7f3a"))
		must(t, err)
		return r
	}
	if r := onDisk(); r.Status != Running || r.Attempt != 1 || r.PID != os.Getpid() || r.Started.Location() != time.UTC {
		t.Errorf("after Create: %+v", r)
	}
	must(t, l.Begin("ingest"))
	if r := onDisk(); len(r.Stages) != 1 || r.Stages[0].Status != Running {
		t.Errorf("after Begin: %+v", r.Stages)
	}
	must(t, l.End(map[string]int64{"records": 10, "rows": 9, "rejected": 1}))
	must(t, l.Update(func(r *Run) {
		r.Inputs = []Input{{Source: "crm", Path: "deals.csv", Records: 10, Rows: 9, Rejected: 1}}
	}))
	must(t, l.Begin("marts"))
	must(t, l.Finish(Failed, errors.New("check failed")))

	start := time.Date(2026, 11, 1, 1, 0, 1, 0, time.UTC)
	want := Run{
		Format: 1, ID: "7f3a", AsOf: "2026-10-31", ConfigHash: "c0ffee", Attempt: 1, PID: os.Getpid(),
		Status: Failed, Error: "check failed", Started: start, Finished: start.Add(4 * time.Second),
		Inputs: []Input{{Source: "crm", Path: "deals.csv", Records: 10, Rows: 9, Rejected: 1}},
		Stages: []Stage{
			{Name: "ingest", Status: Done, Started: start.Add(time.Second), Seconds: 1, Counts: map[string]int64{"records": 10, "rows": 9, "rejected": 1}},
			{Name: "marts", Status: Failed, Started: start.Add(3 * time.Second), Seconds: 2, Error: "check failed"},
		},
	}
	if diff := cmp.Diff(want, onDisk()); diff != "" {
		t.Errorf("after Finish (-want +got):\n%s", diff)
	}
}

func TestASecondAttemptIsCounted(t *testing.T) {
	state := t.TempDir()
	for attempt := 1; attempt <= 3; attempt++ {
		l, err := Create(state, Run{ID: "7f3a"}, clock())
		must(t, err)
		must(t, l.Begin("ingest"))
		if r := l.Run(); r.Attempt != attempt || len(r.Stages) != 1 {
			t.Errorf("attempt %d: %+v", attempt, r)
		}
	}
	must(t, os.WriteFile(filepath.Join(state, "runs", "7f3a", FileName), []byte("{torn"), 0o644))
	if _, err := Create(state, Run{ID: "7f3a"}, clock()); err != nil {
		t.Errorf("a torn manifest stops the night: %v", err)
	}
}

func TestTheCopyIsACopy(t *testing.T) {
	l, err := Create(t.TempDir(), Run{ID: "a", Versions: map[string]string{"duckdb": "1.5.5"}}, clock())
	must(t, err)
	must(t, l.Begin("ingest"))
	r := l.Run()
	r.Stages[0].Name, r.Versions["duckdb"] = "changed", "changed"
	if got := l.Run(); got.Stages[0].Name != "ingest" || got.Versions["duckdb"] != "1.5.5" {
		t.Errorf("a change of the copy reached the log: %+v", got)
	}
}

func TestWhatARunKeepsLiesBesideItsManifest(t *testing.T) {
	state := t.TempDir()
	l, err := Create(state, Run{ID: "7f3a"}, clock())
	must(t, err)
	must(t, l.Keep("model.json", []byte("{}")))
	if got, err := Kept(state, "7f3a", "model.json"); err != nil || string(got) != "{}" {
		t.Errorf("kept %q, %v", got, err)
	}
	if _, err := Kept(state, "7f3a", "other.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was not kept: %v", err)
	}
	if _, err := Kept(state, "..", "model.json"); err == nil {
		t.Error("an id that leaves the folder is accepted")
	}
}

func TestCreateRefusesIDsThatLeaveTheFolder(t *testing.T) {
	for _, id := range []string{"", "..", "a/b", "-x", strings.Repeat("a", 65)} {
		if _, err := Create(t.TempDir(), Run{ID: id}, clock()); err == nil {
			t.Errorf("Create accepts run id %q", id)
		}
	}
}

func TestListIsNewestFirstAndNamesWhatItCannotRead(t *testing.T) {
	state := t.TempDir()
	if runs, err := List(state); err != nil || runs != nil {
		t.Errorf("List of an empty state = %v, %v", runs, err)
	}
	now := clock()
	for _, id := range []string{"old", "mid", "new"} {
		_, err := Create(state, Run{ID: id}, now)
		must(t, err)
	}
	must(t, os.MkdirAll(filepath.Join(state, "runs", "torn"), 0o755))
	must(t, os.WriteFile(filepath.Join(state, "runs", "torn", FileName), []byte("{"), 0o644))
	must(t, os.MkdirAll(filepath.Join(state, "runs", "later"), 0o755))
	must(t, os.WriteFile(filepath.Join(state, "runs", "later", FileName), []byte(`{"format": 99}`), 0o644))
	runs, err := List(state)
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"new", "mid", "old"}, ids); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "torn") || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("List error = %v", err)
	}
}

func TestMarkInterrupted(t *testing.T) {
	state := t.TempDir()
	now := clock()
	killed, err := Create(state, Run{ID: "killed"}, now)
	must(t, err)
	must(t, killed.Begin("lake"))
	must(t, killed.End(nil))
	must(t, killed.Begin("rollup"))
	ended, err := Create(state, Run{ID: "ended"}, now)
	must(t, err)
	must(t, ended.Finish(Published, nil))

	ids, err := MarkInterrupted(state)
	must(t, err)
	if diff := cmp.Diff([]string{"killed"}, ids); diff != "" {
		t.Errorf("marked (-want +got):\n%s", diff)
	}
	r, err := Read(killed.Dir())
	must(t, err)
	if r.Status != Interrupted || r.Stages[0].Status != Done || r.Stages[1].Status != Interrupted {
		t.Errorf("manifest of the killed run: %+v", r)
	}
	if ids, err := MarkInterrupted(state); err != nil || len(ids) != 0 {
		t.Errorf("marked again: %v, %v", ids, err)
	}
}

func TestReadReturnsWhatWriteWrote(t *testing.T) {
	dir := t.TempDir()
	text := rapid.StringN(0, 20, -1)
	rapid.Check(t, func(t *rapid.T) {
		want := Run{
			Format: 1, ID: text.Draw(t, "id"), Error: text.Draw(t, "error"), Content: text.Draw(t, "content"),
			Started:    time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "started")).UTC(),
			Parameters: rapid.MapOfN(text, text, 1, 3).Draw(t, "parameters"),
			Stages:     []Stage{{Name: text.Draw(t, "stage"), Seconds: rapid.Float64Range(0, 1e6).Draw(t, "seconds")}},
		}
		if err := Write(dir, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("manifest (-want +got):\n%s", diff)
		}
	})
}
