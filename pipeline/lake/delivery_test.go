package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// part returns a part of an export: its own file with its own records.
func (e export) part(n int, records ...record) export {
	hour := e.hour
	e = e.with(hour, "opportunity_line", records...)
	e.path = fmt.Sprintf("%s_%d.csv", e.object, n)
	e.content = fmt.Sprint(e.path, hour, records)
	return e
}

// at returns the export as received at another hour.
func (e export) at(hour int) export {
	e.hour = hour
	return e
}

func delivery(parts ...export) Delivery {
	d := Delivery{Modes: parts[0].modes, AllowShrink: parts[0].allowShrink}
	for _, p := range parts {
		in := p.input()
		d.Parts = append(d.Parts, Part{Key: in.Key, Provenance: in.Provenance})
	}
	return d
}

// deliver loads exports as the parts of one delivery.
func deliver(ctx context.Context, l *Lake, parts ...export) (err error) {
	ld, err := l.BeginDelivery(delivery(parts...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ld.Abort()) }()
	outcomes := make([]Outcome, len(parts))
	for i, p := range parts {
		if i > 0 {
			if err := ld.NextPart(); err != nil {
				return err
			}
		}
		if err := ld.SetDialect(fmt.Sprint("part ", i+1)); err != nil {
			return err
		}
		if outcomes[i].Counts, err = p.feed(ctx, ld); err != nil {
			return err
		}
		outcomes[i].Records = int64(len(p.tables["opportunity_line"]))
	}
	return ld.Commit(ctx, outcomes...)
}

func mustDeliver(t testing.TB, l *Lake, parts ...export) {
	t.Helper()
	if err := deliver(t.Context(), l, parts...); err != nil {
		t.Fatal(err)
	}
}

// weekly is a snapshot that comes in parts.
func weekly(hour int) export { return nightly("week", contract.Snapshot).at(hour) }

func TestPartsAreOneSnapshot(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	mustDeliver(t, l, weekly(1).part(1, line("d1", "a"), line("d2", "a")), weekly(1).part(2, line("d3", "a")))
	wantState(t, l, "d1=a d2=a d3=a")
	// The same next week, one key gone and one moved to the other part: one deletion, looked for behind the last part.
	mustDeliver(t, l, weekly(2).part(1, line("d1", "b")), weekly(2).part(2, line("d2", "a")))
	wantState(t, l, "d1=b d2=a")
	wantLast(t, l, 0, 1, 1, 0)
	inputs := l.Inputs()
	if len(inputs) != 4 || inputs[2].Delivery == "" || inputs[2].Delivery != inputs[3].Delivery || inputs[2].Delivery == inputs[0].Delivery {
		t.Fatalf("inputs %+v", inputs)
	}
	for i, want := range []string{"week_1.csv part 1 1", "week_2.csv part 2 1"} {
		in := inputs[2+i]
		if got := fmt.Sprintf("%s %s %d", in.Path, in.Dialect, in.Records); got != want {
			t.Errorf("part %d is %s, want %s", i+1, got, want)
		}
	}
	for _, r := range rows(t, l, "opportunity_line") {
		if r.key == "crm|d3|1|" && r.values["_deleted"] == true && r.values["_file"] != "week_2.csv" {
			t.Errorf("the deletion lies in %v, want the last part", r.values["_file"])
		}
		if r.key == "crm|d1|1|" && r.values["_dialect"] != "part 1" {
			t.Errorf("d1 was read as %v", r.values["_dialect"])
		}
	}
	// An index that is read back from the files is the one that was kept.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contentOf(t, dir), contentOf(t, withoutIndex(t, dir))); diff != "" {
		t.Errorf("index (-kept +rebuilt):\n%s", diff)
	}
}

func withoutIndex(t *testing.T, dir string) string {
	t.Helper()
	dir = copyOf(t, dir)
	if err := os.RemoveAll(dir + "/" + indexFolder); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestADeliveryIsLoadedOnce(t *testing.T) {
	l := openLake(t, t.TempDir())
	one, two := weekly(1).part(1, line("d1", "a")), weekly(1).part(2, line("d2", "a"))
	mustDeliver(t, l, one, two)
	whole, swapped := delivery(one, two), delivery(two, one)
	if whole.Key() != swapped.Key() {
		t.Error("the order of the parts makes another delivery")
	}
	if !l.Has(whole.Key()) || !l.Loaded(swapped.Key(), l.Inputs()[0].ReceivedAt) {
		t.Error("the delivery is not there")
	}
	if l.Has(one.input().Key) {
		t.Error("one part alone is another snapshot, which nobody loaded")
	}
	if err := deliver(t.Context(), l, two, one); err == nil || !strings.Contains(err.Error(), "loaded already") {
		t.Errorf("loading it again: %v", err)
	}
	// A part that came late makes a new delivery; what it repeats costs nothing.
	mustDeliver(t, l, one.at(2), two.at(2), weekly(2).part(3, line("d3", "a")))
	wantState(t, l, "d1=a d2=a d3=a")
	if n := len(rows(t, l, "opportunity_line")); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	if got := l.Last("crm", "week"); len(got) != 3 {
		t.Errorf("the last delivery has %d parts, want 3", len(got))
	}
}

func TestPartsThatOverlap(t *testing.T) {
	l := openLake(t, t.TempDir())
	mustDeliver(t, l, weekly(1).part(1, line("d1", "a"), line("d2", "a")), weekly(1).part(2, line("d2", "b"), line("d1", "a"), line("d3", "a")))
	if got := last(t, l, "opportunity_line"); got.Conflicting != 1 || got.Unchanged != 1 || got.Rows != 2 {
		t.Errorf("%+v: want 1 conflicting record, 1 unchanged, 2 rows of the second part", got)
	}
	// Known keys overlap as new ones do, and both versions are in the lake for whoever decides.
	mustDeliver(t, l, weekly(2).part(1, line("d1", "c")), weekly(2).part(2, line("d1", "d"), line("d2", "b"), line("d3", "a")))
	if got := last(t, l, "opportunity_line"); got.Conflicting != 1 || got.Rows != 1 {
		t.Errorf("%+v: want 1 conflicting record and 1 row of the second part", got)
	}
}

func TestPartsAreRefusedTogether(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	mustDeliver(t, l, weekly(1).part(1, manyLines(0, 20, "a")...), weekly(1).part(2, manyLines(20, 40, "a")...))
	before := snapshotOf(t, dir)
	var shrink *ShrinkError
	err := deliver(t.Context(), l, weekly(2).part(1, manyLines(0, 5, "b")...), weekly(2).part(2, manyLines(20, 24, "b")...))
	if !errors.As(err, &shrink) || shrink.Known != 40 || shrink.Gone != 31 {
		t.Errorf("%v, want a *ShrinkError with 31 of 40", err)
	}
	if diff := cmp.Diff(before, snapshotOf(t, dir)); diff != "" {
		t.Errorf("a refused delivery left something:\n%s", diff)
	}
	// Quarantine keeps what was refused in the part that was read, and says why of all.
	one, two := weekly(3).part(1, line("d1", "z")), weekly(3).part(2, line("d2", "z"))
	ld, err := l.BeginDelivery(delivery(one, two))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.feed(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if err := ld.Reject(t.Context(), contract.Reject{Rule: "damaged"}); err != nil {
		t.Fatal(err)
	}
	if err := ld.Quarantine(t.Context(), "cut off", Reading{Columns: []string{"Id"}}); err != nil {
		t.Fatal(err)
	}
	inputs := l.Inputs()[2:]
	if len(inputs) != 2 || inputs[0].Quarantined != "cut off" || inputs[1].Quarantined != "cut off" || inputs[0].Rejects.Rows != 1 || len(inputs[0].Columns) != 1 {
		t.Errorf("quarantined %+v", inputs)
	}
	// Tried again it takes the place that it had.
	mustDeliver(t, l, one, two, one.part(3, manyLines(0, 40, "a")...))
	if n := len(l.Inputs()); n != 7 {
		t.Errorf("%d inputs, want those 4 and another delivery of 3 parts", n)
	}
}

func TestQuarantinedDeliveryIsReplaced(t *testing.T) {
	l := openLake(t, t.TempDir())
	one, two := weekly(1).part(1, line("d1", "a")), weekly(1).part(2, line("d2", "a"))
	ld, err := l.BeginDelivery(delivery(one, two))
	if err != nil {
		t.Fatal(err)
	}
	if err := ld.Quarantine(t.Context(), "no header"); err != nil {
		t.Fatal(err)
	}
	mustDeliver(t, l, one, two)
	if inputs := l.Inputs(); len(inputs) != 2 || inputs[0].Quarantined != "" || len(inputs[1].Tables) != 1 {
		t.Errorf("inputs %+v", inputs)
	}
	// So is one that another mapping reads.
	one.mapping, two.mapping = "v2", "v2"
	mustDeliver(t, l, two, one)
	if inputs := l.Inputs(); len(inputs) != 2 || inputs[0].Path != "week_2.csv" || inputs[1].MappingVersion != "v2" {
		t.Errorf("inputs %+v", inputs)
	}
}

func TestDeliveriesThatMakeNoSense(t *testing.T) {
	l := openLake(t, t.TempDir())
	one, two := weekly(1).part(1, line("d1", "a")), weekly(1).part(2, line("d2", "a"))
	other := two
	other.object = "other"
	twice := one
	twice.path = "copy.csv"
	for want, d := range map[string]Delivery{
		"it has no parts":            {Modes: one.modes},
		"differs from":               delivery(one, two.at(2)),
		"differs from week_1.csv in": delivery(one, other),
		"the content of another":     delivery(one, twice),
	} {
		if _, err := l.BeginDelivery(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	ld, err := l.BeginDelivery(delivery(one, two))
	if err != nil {
		t.Fatal(err)
	}
	if err := ld.Commit(t.Context(), Outcome{}, Outcome{}); err == nil || !strings.Contains(err.Error(), "1 readings of 2 parts") {
		t.Errorf("commit before the last part: %v", err)
	}
	if err := ld.NextPart(); err != nil {
		t.Fatal(err)
	}
	if err := ld.NextPart(); err == nil {
		t.Error("a third part of two began")
	}
	if err := ld.Commit(t.Context(), Outcome{}); err == nil || !strings.Contains(err.Error(), "1 outcomes") {
		t.Errorf("commit with one outcome: %v", err)
	}
	if err := ld.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := ld.NextPart(); !errors.Is(err, errDone) {
		t.Errorf("a part after the end: %v", err)
	}
}

func TestManifestKeepsReadings(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	reading := Reading{Format: "csv", Records: 3, Values: 1, Columns: []string{"Id", "Na\xffme"}, Unmapped: []string{"Name"}, Absent: []string{"Owner"}, Notes: []string{"footer"}}
	for hour := 1; hour <= 3; hour++ {
		e := nightly("a", contract.Upsert).with(hour, "opportunity_line", line("d1", fmt.Sprint(hour)))
		ld, err := l.Begin(e.input())
		if err != nil {
			t.Fatal(err)
		}
		counts, err := e.feed(t.Context(), ld)
		if err != nil {
			t.Fatal(err)
		}
		if err := ld.Commit(t.Context(), Outcome{Counts: counts, Reading: reading}); err != nil {
			t.Fatal(err)
		}
	}
	want := reading
	want.Columns = []string{"Id", `Na\xffme`}
	again := openLake(t, dir)
	for _, in := range append(l.Inputs(), again.Inputs()...) {
		if diff := cmp.Diff(want, in.Reading); diff != "" {
			t.Errorf("reading (-want +got):\n%s", diff)
		}
	}
	manifest, err := os.ReadFile(l.d.path(manifestName))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(manifest), `"Id"`); n != 1 {
		t.Errorf("the header stands %d times in the manifest, want once", n)
	}
}
