package lake

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// knownAt returns the lake as it was known at an hour, for the helpers that read one.
func knownAt(l *Lake, hour int) *Lake { return &Lake{View: *l.KnownAt(time.UnixMicro(micros(hour)))} }

func TestKnownAtLeavesOutWhatCameLater(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), line("d2", "a")),
		e.with(2, "opportunity_line", line("d1", "b"), line("d2", "a")), e.with(3, "opportunity_line", line("d1", "b")))
	for hour, want := range map[int]string{0: "", 1: "d1=a d2=a", 2: "d1=b d2=a", 3: "d1=b", 9: "d1=b"} {
		known := knownAt(l, hour)
		wantState(t, known, want)
		if n := len(known.Inputs()); n != min(hour, 3) {
			t.Errorf("at %d there are %d inputs", hour, n)
		}
	}
	if got := knownAt(l, 2).Last("crm", "lines"); len(got) != 1 || got[0].ReceivedAt.Hour() != 2 {
		t.Errorf("the last export at hour 2 is %+v", got)
	}
}

func TestFactsReadAgainCountFromTheirFirstReceipt(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("events", contract.Append).with(1, "opportunity_line", line("e1", "a"))
	mustLoad(t, l, e)
	touched := e.under("v2", false)
	touched.hour = 7
	mustLoad(t, l, touched)
	wantState(t, knownAt(l, 1), "e1=A")
	// Where the first receipt becomes known late, it is the first all the same.
	early := e.under("v3", false)
	early.hour = 0
	mustLoad(t, l, early)
	wantState(t, knownAt(l, 0), "e1=A")
}

func TestAViewStaysAsItWas(t *testing.T) {
	dir := t.TempDir()
	if v, err := OpenView(dir + "/none"); err != nil || len(v.Inputs()) != 0 {
		t.Errorf("a folder without a lake: %v", err)
	}
	l := openLake(t, dir)
	mustLoad(t, l, lines)
	before, err := OpenView(dir)
	if err != nil {
		t.Fatal(err)
	}
	copied := l.View
	mustLoad(t, l, ledger)
	if len(before.Inputs()) != 1 || len(copied.Inputs()) != 1 || len(l.Inputs()) != 2 {
		t.Error("a view changed with the lake")
	}
	if err := os.WriteFile(l.d.path(manifestName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenView(dir); err == nil {
		t.Error("a broken manifest must be told")
	}
}

// Whatever comes late, deletions included: leaving out what was received after a
// moment gives the state that the exports up to that moment give on their own.
func TestKnownAtIsTheLakeOfTheEarlierExports(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Two ascending sequences, merged: late exports come in the order of their receipt.
		var streams [2][]export
		for hour := 1; hour <= 7; hour++ {
			object, mode := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "object"), contract.Upsert
			stream := rapid.IntRange(0, 1).Draw(rt, "stream")
			if rapid.IntRange(0, 2).Draw(rt, "snapshot") == 0 {
				object, mode = "c", contract.Snapshot
			}
			e := nightly(object, mode).with(hour, "opportunity_line", drawRecords(rt)...)
			e.allowShrink = true
			streams[stream] = append(streams[stream], e)
		}
		var exports []export
		for len(streams[0])+len(streams[1]) > 0 {
			next := rapid.IntRange(0, 1).Draw(rt, "next")
			if len(streams[next]) == 0 {
				next = 1 - next
			}
			e := streams[next][0]
			streams[next] = streams[next][1:]
			if slices.ContainsFunc(exports, func(before export) bool { return before.hour > e.hour }) {
				e.modes = map[string]contract.Mode{"opportunity_line": contract.Upsert} // Snapshots are never late.
			}
			exports = append(exports, e)
		}
		all := openLake(t, rapidDir(rt, t))
		for _, e := range exports {
			if err := e.load(t.Context(), all); err != nil {
				rt.Fatal(err)
			}
		}
		moment := rapid.IntRange(0, 8).Draw(rt, "moment")
		early := openLake(t, rapidDir(rt, t))
		for _, e := range exports {
			if e.hour > moment {
				continue
			}
			if err := e.load(t.Context(), early); err != nil {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(state(t, early, "opportunity_line", "product_code"), state(t, knownAt(all, moment), "opportunity_line", "product_code")); diff != "" {
			rt.Fatalf("known at %d (-alone +left out):\n%s", moment, diff)
		}
	})
}

func rapidDir(rt *rapid.T, t *testing.T) string {
	dir, err := os.MkdirTemp(t.TempDir(), "lake")
	if err != nil {
		rt.Fatal(err)
	}
	return dir
}
