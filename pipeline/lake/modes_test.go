package lake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// line returns a product line whose key is its deal, and whose product code is its version.
func line(deal, version string) record {
	return record{"opportunity_id": deal, "line_no": "1", "product_code": version}
}

// manyLines returns lines of deals d<from>..d<to-1>.
func manyLines(from, to int, version string) []record {
	var out []record
	for i := from; i < to; i++ {
		out = append(out, line(fmt.Sprintf("d%d", i), version))
	}
	return out
}

func nightly(object string, mode contract.Mode) export {
	return export{source: "crm", object: object, path: object + ".csv", modes: map[string]contract.Mode{"opportunity_line": mode}}
}

func wantState(t *testing.T, l *Lake, want string) {
	t.Helper()
	got := state(t, l, "opportunity_line", "product_code")
	if diff := cmp.Diff(parseState(want), got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// parseState turns "d1=a d2=b" into what state returns.
func parseState(s string) map[string]string {
	out := map[string]string{}
	for pair := range strings.FieldsSeq(s) {
		deal, version, _ := strings.Cut(pair, "=")
		out["crm|"+deal+"|1|"] = version + " "
	}
	return out
}

// wantLast checks rows, unchanged, deleted and held of the newest load.
func wantLast(t *testing.T, l *Lake, rows, unchanged, deleted, held int64) {
	t.Helper()
	got := last(t, l, "opportunity_line")
	if got.Rows != rows || got.Unchanged != unchanged || got.Deleted != deleted || got.Held != held {
		t.Errorf("rows, unchanged, deleted, held are %d %d %d %d, want %d %d %d %d",
			got.Rows, got.Unchanged, got.Deleted, got.Held, rows, unchanged, deleted, held)
	}
}

func TestUpsertWritesChangesOnly(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Upsert)
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), line("d2", "a"), line("d3", "a")))
	wantLast(t, l, 3, 0, 0, 0)
	mustLoad(t, l, e.with(2, "opportunity_line", line("d1", "a"), line("d2", "b")))
	wantLast(t, l, 1, 1, 0, 0)
	wantState(t, l, "d1=a d2=b d3=a")
	// Back to an older version is a change as well.
	mustLoad(t, l, e.with(3, "opportunity_line", line("d2", "a")))
	wantLast(t, l, 1, 0, 0, 0)
	wantState(t, l, "d1=a d2=a d3=a")
	// A key twice in one export: the later record wins, in the next export too.
	mustLoad(t, l, e.with(4, "opportunity_line", line("d3", "b"), line("d3", "c")))
	wantLast(t, l, 2, 0, 0, 0)
	mustLoad(t, l, e.with(5, "opportunity_line", line("d3", "c")))
	wantLast(t, l, 0, 1, 0, 0)
	wantState(t, l, "d1=a d2=a d3=c")
	if n := len(l.Files("opportunity_line")); n != 4 {
		t.Errorf("%d files: an export without changes must write none", n)
	}
	// Unmapped columns are part of a version.
	extra := line("d3", "c")
	extra["_extra"] = `{"Note":"new"}`
	mustLoad(t, l, e.with(6, "opportunity_line", extra))
	wantLast(t, l, 1, 0, 0, 0)
}

func TestAppendWritesEverything(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Append)
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), line("d1", "a")))
	wantLast(t, l, 2, 0, 0, 0)
	mustLoad(t, l, e.with(2, "opportunity_line", line("d1", "a")))
	wantLast(t, l, 1, 0, 0, 0)
	if n := len(rows(t, l, "opportunity_line")); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func TestRecordsMayDeleteTheirKey(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Upsert)
	gone := line("d1", "a")
	gone["_deleted"] = true
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), line("d2", "a")), e.with(2, "opportunity_line", gone))
	wantState(t, l, "d2=a")
	mustLoad(t, l, e.with(3, "opportunity_line", gone))
	wantLast(t, l, 0, 1, 0, 0)
	mustLoad(t, l, e.with(4, "opportunity_line", line("d1", "a")))
	wantState(t, l, "d1=a d2=a")
	// Within one export the last word counts.
	mustLoad(t, l, e.with(5, "opportunity_line", gone, line("d1", "b"), gone, line("d2", "b")))
	wantState(t, l, "d2=b")
}

func TestSnapshotDeletesWhatItNoLongerHas(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	first := line("d2", "a")
	first["amount"], first["_extra"], first["source_modified_at"] = 77, `{"x":1}`, 5
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), first, line("d3", "a")))
	mustLoad(t, l, e.with(2, "opportunity_line", line("d1", "a"), line("d3", "b")))
	wantLast(t, l, 1, 1, 1, 0)
	wantState(t, l, "d1=a d3=b")

	all := rows(t, l, "opportunity_line")
	deletion := all[len(all)-1].values
	want := record{}
	for k, v := range all[1].values { // The last version, repeated.
		want[k] = v
	}
	want["_deleted"], want["_row"], want["_row_hash"] = true, 0, int(^uint64(all[1].values["_row_hash"].(int)))
	want["_loaded_at"], want["_file_sha256"] = int(micros(2)), l.Inputs()[1].SHA256
	if diff := cmp.Diff(want, deletion); diff != "" {
		t.Errorf("deletion (-want +got):\n%s", diff)
	}

	// It is deleted once.
	mustLoad(t, l, e.with(3, "opportunity_line", line("d1", "a"), line("d3", "b")))
	wantLast(t, l, 0, 2, 0, 0)
	// It comes back, unchanged, and that is a change.
	mustLoad(t, l, e.with(4, "opportunity_line", line("d1", "a"), first, line("d3", "b")))
	wantLast(t, l, 1, 2, 0, 0)
	wantState(t, l, "d1=a d2=a d3=b")
	mustLoad(t, l, e.with(5, "opportunity_line", line("d1", "a"), line("d3", "b")))
	wantLast(t, l, 0, 2, 1, 0)
	wantState(t, l, "d1=a d3=b")
}

func TestSnapshotFindsLastVersionsInManyFiles(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(1, "opportunity_line", manyLines(0, 40, "a")...))
	mustLoad(t, l, e.with(2, "opportunity_line", append(manyLines(0, 10, "b"), manyLines(10, 40, "a")...)...))
	mustLoad(t, l, e.with(3, "opportunity_line", append(append(manyLines(0, 5, "a"), manyLines(5, 10, "c")...), manyLines(10, 40, "a")...)...))
	l = openLake(t, dir)
	mustLoad(t, l, e.with(4, "opportunity_line", manyLines(12, 40, "a")...))
	wantLast(t, l, 0, 28, 12, 0)
	versions := map[string]int{}
	for _, r := range rows(t, l, "opportunity_line") {
		if r.values["_deleted"] == true {
			versions[r.values["product_code"].(string)]++
		}
	}
	if versions["a"] != 7 || versions["b"] != 0 || versions["c"] != 5 {
		t.Errorf("deletions repeat %v, want 7 of version a and 5 of c", versions)
	}
}

func TestShrinkingSnapshotIsRefused(t *testing.T) {
	for _, c := range []struct {
		known, kept int
		refused     bool
	}{{20, 10, false}, {20, 9, true}, {20, 0, true}, {19, 0, false}, {100, 49, true}, {100, 50, false}} {
		l := openLake(t, t.TempDir())
		e := nightly("lines", contract.Snapshot)
		mustLoad(t, l, e.with(1, "opportunity_line", manyLines(0, c.known, "a")...))
		before := l.Inputs()
		small := e.with(2, "opportunity_line", manyLines(0, c.kept, "a")...)
		err := small.load(t.Context(), l)
		var shrink *ShrinkError
		if errors.As(err, &shrink) != c.refused || (err == nil) == c.refused {
			t.Errorf("%d of %d keys kept: %v, want refused %v", c.kept, c.known, err, c.refused)
			continue
		}
		if !c.refused {
			continue
		}
		if shrink.Known != c.known || shrink.Gone != c.known-c.kept || shrink.Table != "opportunity_line" {
			t.Errorf("%+v", shrink)
		}
		if diff := cmp.Diff(before, l.Inputs()); diff != "" {
			t.Errorf("a refused load changed the lake:\n%s", diff)
		}
		small.allowShrink = true
		mustLoad(t, l, small)
		wantLast(t, l, 0, int64(c.kept), int64(c.known-c.kept), 0)
	}
}

func TestSnapshotDeletesItsOwnObjectOnly(t *testing.T) {
	l := openLake(t, t.TempDir())
	a, b := nightly("a", contract.Snapshot), nightly("b", contract.Snapshot)
	mustLoad(t, l, a.with(1, "opportunity_line", line("d1", "a"), line("d2", "a")))
	mustLoad(t, l, b.with(2, "opportunity_line", line("d2", "b"), line("d3", "b")))
	wantState(t, l, "d1=a d2=b d3=b")
	// d2 came with a first: b does not delete it, a does.
	mustLoad(t, l, b.with(3, "opportunity_line", line("d3", "b")))
	wantLast(t, l, 0, 1, 0, 0)
	mustLoad(t, l, a.with(4, "opportunity_line", line("d1", "a")))
	wantState(t, l, "d1=a d3=b")
	// Once deleted it belongs to whoever brings it back.
	mustLoad(t, l, b.with(5, "opportunity_line", line("d2", "b"), line("d3", "b")))
	mustLoad(t, l, a.with(6, "opportunity_line", line("d1", "c")))
	wantState(t, l, "d1=c d2=b d3=b")
	mustLoad(t, l, b.with(7, "opportunity_line", line("d3", "b")))
	wantState(t, l, "d1=c d3=b")
	// The same key of another source is another key.
	other := nightly("a", contract.Snapshot)
	other.source = "erp"
	mustLoad(t, l, other.with(8, "opportunity_line", line("d1", "z")))
	wantLast(t, l, 1, 0, 0, 0)
	if n := len(state(t, l, "opportunity_line")); n != 3 {
		t.Errorf("%d living rows, want 3", n)
	}
}

func TestBrokenRecordsAreNotTakenForDeleted(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), line("d2", "a"), line("d3", "a")))
	// Somewhere in the file is a record that nobody could read: any of the missing keys may be its.
	broken := e.with(2, "opportunity_line", line("d1", "b"))
	broken.rejected = map[string]int64{"opportunity_line": 1}
	mustLoad(t, l, broken)
	wantLast(t, l, 1, 0, 0, 2)
	wantState(t, l, "d1=b d2=a d3=a")
	// Where its key could be read, only that is spared.
	broken = e.with(3, "opportunity_line", line("d1", "b"))
	broken.rejected = map[string]int64{"opportunity_line": 1}
	broken.kept = map[string][]record{"opportunity_line": {line("d2", "?")}}
	mustLoad(t, l, broken)
	wantLast(t, l, 0, 1, 1, 0)
	wantState(t, l, "d1=b d2=a")
}

func TestOlderSnapshotIsRefused(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(5, "opportunity_line", line("d1", "b")))
	err := e.with(4, "opportunity_line", line("d1", "a"), line("d2", "a")).load(t.Context(), l)
	var order *OrderError
	if !errors.As(err, &order) || order.Newest != time.UnixMicro(micros(5)).UTC() {
		t.Errorf("%v, want an *OrderError", err)
	}
	wantState(t, l, "d1=b")
	// Another object may be older.
	mustLoad(t, l, nightly("other", contract.Snapshot).with(3, "opportunity_line", line("d9", "a")))
	wantState(t, l, "d1=b d9=a")
}

func TestLateUpsertDoesNotHideNewerVersions(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	e := nightly("lines", contract.Upsert)
	mustLoad(t, l, e.with(5, "opportunity_line", line("d1", "new"), line("d2", "new")))
	// What repeats a version that was received later is written as well: it was known before that.
	mustLoad(t, l, e.with(3, "opportunity_line", line("d1", "old"), line("d2", "new"), line("d3", "old")))
	wantLast(t, l, 3, 0, 0, 0)
	wantState(t, l, "d1=new d2=new d3=old")
	for _, reopen := range []bool{false, true} {
		if reopen {
			l = openLake(t, dir)
		}
		// The newest version is still the one of hour 5, so that only a version that differs from it is new.
		mustLoad(t, l, e.with(6, "opportunity_line", line("d1", "new"), line("d3", "old")))
		wantLast(t, l, 0, 2, 0, 0)
		e.path = "again.csv"
	}
	mustLoad(t, l, e.with(7, "opportunity_line", line("d1", "old")))
	wantLast(t, l, 1, 0, 0, 0)
	wantState(t, l, "d1=old d2=new d3=old")
}

func TestLateDeletionDoesNotHideNewerVersions(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(5, "opportunity_line", line("d1", "new"), line("d2", "new")))
	gone := line("d1", "old")
	gone["_deleted"] = true
	late := nightly("lines", contract.Upsert)
	late.path = "late.csv"
	mustLoad(t, l, late.with(3, "opportunity_line", gone))
	wantState(t, l, "d1=new d2=new")
	// The key is known to live, so that the next snapshot without it deletes it.
	mustLoad(t, l, e.with(6, "opportunity_line", line("d2", "new")))
	wantLast(t, l, 0, 1, 1, 0)
	wantState(t, l, "d2=new")
}

func TestContentThatComesBackIsLoaded(t *testing.T) {
	l := openLake(t, t.TempDir())
	at := func(hour int) time.Time { return time.UnixMicro(micros(hour)) }
	e := nightly("lines", contract.Snapshot)
	first := e.with(1, "opportunity_line", line("d1", "a"))
	second := e.with(2, "opportunity_line", line("d1", "a"), line("d2", "a"))
	key := first.input().Key
	if l.Loaded(key, at(1)) {
		t.Error("nothing is loaded yet")
	}
	mustLoad(t, l, first)
	if !l.Loaded(key, at(1)) || !l.Loaded(key, at(9)) {
		t.Error("the same content, touched or not, says nothing new")
	}
	mustLoad(t, l, second)
	back := first
	back.hour = 3
	if !l.Loaded(key, at(1)) {
		t.Error("the first export, still lying there, must not be loaded again")
	}
	if l.Loaded(key, at(3)) {
		t.Error("the old content came back after another: that is a change")
	}
	mustLoad(t, l, back)
	wantState(t, l, "d1=a")
	if !l.Loaded(key, at(3)) || !l.Loaded(key, at(1)) || !l.Loaded(second.input().Key, at(2)) {
		t.Error("now everything is loaded")
	}
	if n := len(l.Inputs()); n != 3 {
		t.Errorf("%d inputs, want 3", n)
	}
	// Facts do not come back.
	events := nightly("events", contract.Append)
	one, two := events.with(1, "opportunity_line", line("e1", "a")), events.with(2, "opportunity_line", line("e2", "a"))
	mustLoad(t, l, one, two)
	if !l.Loaded(one.input().Key, at(9)) {
		t.Error("facts that were loaded stay loaded")
	}
}

// under returns the export as another mapping reads it: with versions in upper case and, if keys is set,
// other keys.
func (e export) under(mapping string, keys bool) export {
	e.mapping = mapping
	tables := map[string][]record{}
	for name, records := range e.tables {
		for _, r := range records {
			r = line(r["opportunity_id"].(string), strings.ToUpper(r["product_code"].(string)))
			if keys {
				r["opportunity_id"] = "crm:deal:" + r["opportunity_id"].(string)
			}
			tables[name] = append(tables[name], r)
		}
	}
	e.tables = tables
	return e
}

func TestAnotherMappingReadsEverythingAnew(t *testing.T) {
	for name, keys := range map[string]bool{"other values": false, "other keys": true} {
		t.Run(name, func(t *testing.T) {
			snapshots, upserts, facts := nightly("a", contract.Snapshot), nightly("b", contract.Upsert), nightly("c", contract.Append)
			exports := []export{
				snapshots.with(1, "opportunity_line", manyLines(0, 30, "a")...),
				upserts.with(2, "opportunity_line", manyLines(100, 110, "a")...),
				facts.with(3, "opportunity_line", manyLines(200, 203, "a")...),
				snapshots.with(4, "opportunity_line", append(manyLines(0, 5, "b"), manyLines(5, 25, "a")...)...),
				upserts.with(5, "opportunity_line", manyLines(105, 115, "b")...),
				snapshots.with(6, "opportunity_line", append(manyLines(0, 5, "b"), manyLines(5, 29, "a")...)...),
			}
			changed, fresh := t.TempDir(), t.TempDir()
			l := openLake(t, changed)
			mustLoad(t, l, exports...)
			var again []export
			for _, e := range exports {
				again = append(again, e.under("v2", keys))
			}
			mustLoad(t, l, again[:4]...)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openLake(t, changed) // Interrupted half-way, and gone on.
			mustLoad(t, l, again[4:]...)
			other := openLake(t, fresh)
			mustLoad(t, other, again...)
			for _, lake := range []*Lake{l, other} {
				if err := lake.Close(); err != nil {
					t.Fatal(err)
				}
			}
			rewrite(t, filepath.Join(changed, manifestName), `"generation": 12`, `"generation": 6`)
			if diff := cmp.Diff(snapshotOf(t, fresh), snapshotOf(t, changed)); diff != "" {
				t.Errorf("a lake read anew differs from one that was never read otherwise:\n%s", diff)
			}
		})
	}
}

func TestOtherKeysAreNoShrinking(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	// The first two exports are gone from the folder when the mapping changes; only the last is read anew.
	mustLoad(t, l, e.with(1, "opportunity_line", manyLines(0, 40, "a")...), e.with(2, "opportunity_line", manyLines(0, 41, "a")...))
	latest := e.with(3, "opportunity_line", manyLines(0, 42, "a")...)
	mustLoad(t, l, latest)
	mustLoad(t, l, latest.under("v2", true))
	if got := last(t, l, "opportunity_line"); got.Rows != 42 || got.Deleted != 41 {
		t.Errorf("%d rows and %d deletions, want 42 and 41", got.Rows, got.Deleted)
	}
	if n := len(state(t, l, "opportunity_line")); n != 42 {
		t.Errorf("%d living rows, want 42", n)
	}
	// Half of the keys missing is still refused.
	var shrink *ShrinkError
	if err := e.with(4, "opportunity_line", manyLines(0, 20, "a")...).under("v3", true).load(t.Context(), l); !errors.As(err, &shrink) {
		t.Errorf("%v, want a *ShrinkError", err)
	}
}

func TestOldFilesOfAReadingAreRemoved(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	e := nightly("lines", contract.Append).with(1, "opportunity_line", line("d1", "a"))
	mustLoad(t, l, e)
	old := l.Files("opportunity_line")[0]
	// Facts are replaced even where the export was received anew.
	touched := e.under("v2", false)
	touched.hour = 7
	mustLoad(t, l, touched)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) || len(l.Files("opportunity_line")) != 1 {
		t.Errorf("the file of the old reading is still there: %v", err)
	}
	if l.Has(e.input().Key) || !l.Has(touched.input().Key) {
		t.Error("the export counts as loaded under the new mapping only")
	}
}

func TestSameContentOfTwoObjectsIsTwoExports(t *testing.T) {
	l := openLake(t, t.TempDir())
	a, b := nightly("a", contract.Snapshot).with(1, "opportunity_line", line("d1", "a")), nightly("b", contract.Upsert)
	b.hour, b.content, b.mapping, b.tables = a.hour, a.content, "v2", a.tables
	mustLoad(t, l, a, b)
	if len(l.Inputs()) != 2 || !l.Has(a.input().Key) || !l.Has(b.input().Key) {
		t.Error("the export of one object took the place of the other's")
	}
}

func TestOneFileFeedsSeveralTables(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := export{source: "crm", object: "deals", path: "deals.csv", content: "x", hour: 1,
		modes: map[string]contract.Mode{"opportunity": contract.Snapshot, "opportunity_line": contract.Upsert, "ledger_entry": contract.Append},
		tables: map[string][]record{
			"opportunity":      {{"opportunity_id": "d1", "created_at": 1_000_000}, {"opportunity_id": "d2", "created_at": -1}},
			"opportunity_line": {line("d1", "a")},
			"ledger_entry":     {},
		}}
	mustLoad(t, l, e)
	in := l.Inputs()[0]
	var tables []string
	for _, tr := range in.Tables {
		tables = append(tables, fmt.Sprintf("%s %s %d %v", tr.Table, tr.Mode, tr.Rows, tr.File.Path != ""))
	}
	want := []string{"opportunity snapshot 2 true", "opportunity_line upsert 1 true", "ledger_entry append 0 false"}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if tr := in.Tables[0]; !tr.MinEvent.Equal(time.UnixMicro(-1)) || !tr.MaxEvent.Equal(time.UnixMicro(1_000_000)) {
		t.Errorf("events from %v to %v", tr.MinEvent, tr.MaxEvent)
	}
	if !in.Tables[1].MinEvent.IsZero() {
		t.Error("a table without event time has no range of it")
	}
}

func TestEventTimesBeyondTheCalendar(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	e := ledger
	e.tables = map[string][]record{"ledger_entry": {{"entry_id": "1", "incurred_on": 1 << 30}, {"entry_id": "2", "incurred_on": -1 << 30}}}
	mustLoad(t, l, e)
	tr := last(t, openLake(t, dir), "ledger_entry")
	if tr.MinEvent.Year() != 1 || tr.MaxEvent.Year() != 9999 {
		t.Errorf("events from %v to %v", tr.MinEvent, tr.MaxEvent)
	}
}
