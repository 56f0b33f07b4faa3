package lake

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

var lines = export{
	source: "crm", object: "deal_lines", path: "crm/deal_lines.csv", content: "lines-1", hour: 1,
	modes: map[string]contract.Mode{"opportunity_line": contract.Upsert},
	tables: map[string][]record{"opportunity_line": {
		{"opportunity_id": "crm:deal:1", "line_no": "1", "product_code": "A", "amount": 1_000_000, "partner_product": true},
		{"opportunity_id": "crm:deal:1", "line_no": "2", "product_code": "B", "_extra": `{"Note":"é"}`},
		{"opportunity_id": "crm:deal:2", "line_no": "1", "product_code": "A"},
	}},
}

var ledger = export{
	source: "finance", object: "ledger", path: "finance/ledger.csv.gz", content: "ledger-1", hour: 2,
	modes: map[string]contract.Mode{"ledger_entry": contract.Append},
	tables: map[string][]record{"ledger_entry": {
		{"entry_id": "finance:ledger:1", "kind": "revenue", "amount": 12_345_6789, "currency": "EUR", "incurred_on": 20_000},
		{"entry_id": "finance:ledger:2", "kind": "commission", "amount": -5, "currency": "EUR", "incurred_on": 19_990},
	}},
	rejects: []contract.Reject{{
		Source: "finance", Object: "ledger", Table: "ledger_entry", File: "finance/ledger.csv.gz", SHA256: "ab", Record: 3, Line: 5, Offset: 120,
		Column: "Amount", Rule: "dec", Message: "1,2,3 is no decimal number", NextStep: "correct the amount", Value: "1,2,3", Raw: "3;1,2,3;caf\xe9\x00\ufffd", RowKept: true,
	}},
	rejected: map[string]int64{"ledger_entry": 1},
}

func TestLoadedRowsAreInTheLakeWithLineage(t *testing.T) {
	l := openLake(t, t.TempDir())
	mustLoad(t, l, lines, ledger)
	got := rows(t, l, "opportunity_line")
	if len(got) != 3 {
		t.Fatalf("%d rows, want 3", len(got))
	}
	want := record{
		"opportunity_id": "crm:deal:1", "line_no": "2", "product_code": "B",
		"_source": "crm", "_preset": "plain@abcdef0123456789", "_object": "deal_lines", "_file": "crm/deal_lines.csv",
		"_file_sha256": lines.input().Key.SHA256, "_row": 2, "_dialect": "csv;utf-8", "_loaded_at": int(micros(1)), "_run_id": "run-1",
		"_row_hash": got[1].values["_row_hash"], "_extra": `{"Note":"é"}`, "_deleted": false,
	}
	if diff := cmp.Diff(want, got[1].values); diff != "" {
		t.Errorf("row 2 (-want +got):\n%s", diff)
	}
	if got[0].values["amount"] != 1_000_000 || got[0].values["partner_product"] != true {
		t.Errorf("row 1 is %v", got[0].values)
	}
}

func TestManifestTellsWhatWasLoaded(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	mustLoad(t, l, lines, ledger)
	inputs := l.Inputs()
	if len(inputs) != 2 || l.Generation() != 2 {
		t.Fatalf("%d inputs in generation %d", len(inputs), l.Generation())
	}
	in := inputs[1]
	file, rejects := in.Tables[0].File, in.Rejects
	if file.Bytes == 0 || file.Checksum == "" || rejects.Bytes == 0 {
		t.Errorf("files %+v and %+v must have size and checksum", file, rejects)
	}
	in.Tables[0].File, in.Rejects = FileRecord{}, FileRecord{}
	want := InputRecord{
		SHA256: ledger.input().Key.SHA256, MappingVersion: "abcdef0123456789", Source: "finance", Object: "ledger", Path: "finance/ledger.csv.gz",
		Preset: "plain@abcdef0123456789", Dialect: "csv;utf-8", RunID: "run-1", ReceivedAt: time.Date(2026, 10, 1, 2, 0, 0, 0, time.UTC),
		Tables: []TableRecord{{
			TableCount: TableCount{Table: "ledger_entry", Rows: 2, Rejected: 1}, Mode: contract.Append,
			MinEvent: time.Unix(19_990*86400, 0).UTC(), MaxEvent: time.Unix(20_000*86400, 0).UTC(),
		}},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	sha := ledger.input().Key.SHA256[:12]
	if want := "ledger_entry/" + sha + "-abcdef01.parquet"; file.Path != want || file.Rows != 2 {
		t.Errorf("file %+v, want %s with 2 rows", file, want)
	}
	if got := l.Files("ledger_entry"); !reflect.DeepEqual(got, []string{filepath.Join(dir, filepath.FromSlash(file.Path))}) {
		t.Errorf("files of ledger_entry: %v", got)
	}
	if got := l.Files("partner"); len(got) != 0 {
		t.Errorf("files of partner: %v", got)
	}
	// A caller may do with the records as it likes.
	inputs[0].Tables[0].Rows = 99
	if l.Inputs()[0].Tables[0].Rows != 3 {
		t.Error("the manifest was changed from outside")
	}
	again := openLake(t, dir)
	if diff := cmp.Diff(l.Inputs(), again.Inputs()); diff != "" {
		t.Errorf("after opening again (-before +after):\n%s", diff)
	}
}

func TestRejectsAreKept(t *testing.T) {
	l := openLake(t, t.TempDir())
	many := ledger
	for i := range 1000 {
		many.rejects = append(many.rejects, contract.Reject{Record: int64(i), Rule: "utf8"})
	}
	mustLoad(t, l, many)
	files := l.Rejects()
	if len(files) != 1 {
		t.Fatalf("%d files of rejects, want 1", len(files))
	}
	got := readFile(t, files[0], RejectColumns())
	if len(got) != 1001 || got[1000]["record"] != 999 {
		t.Fatalf("%d rejects, want 1001", len(got))
	}
	want := record{
		"source": "finance", "object": "ledger", "table": "ledger_entry", "file": "finance/ledger.csv.gz", "sha256": "ab", "record": 3, "line": 5,
		"offset": 120, "column": "Amount", "rule": "dec", "message": "1,2,3 is no decimal number", "next_step": "correct the amount",
		"value": "1,2,3", "raw": "3;1,2,3;caf\\xe9\x00\ufffd", "row_kept": true, "_run_id": "run-1", "_loaded_at": int(micros(2)),
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("reject (-want +got):\n%s", diff)
	}
}

func TestColumnsOfRejectsAreThoseOfTheContract(t *testing.T) {
	fields := reflect.TypeFor[contract.Reject]()
	var want []string
	for i := range fields.NumField() {
		name := ""
		for j, c := range fields.Field(i).Name {
			if j > 0 && c >= 'A' && c <= 'Z' {
				name += "_"
			}
			name += strings.ToLower(string(c))
		}
		if name == "s_h_a256" {
			name = "sha256"
		}
		want = append(want, name)
	}
	var got []string
	for _, c := range RejectColumns() {
		got = append(got, c.Name)
	}
	if diff := cmp.Diff(append(want, "_run_id", "_loaded_at"), got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestExportIsReadOnce(t *testing.T) {
	l := openLake(t, t.TempDir())
	key := lines.input().Key
	if l.Has(key) {
		t.Error("an empty lake has nothing")
	}
	mustLoad(t, l, lines)
	if !l.Has(key) {
		t.Error("the export is not there")
	}
	for name, other := range map[string]InputKey{
		"other mapping": {SHA256: key.SHA256, MappingVersion: "v2", Source: key.Source},
		"other source":  {SHA256: key.SHA256, MappingVersion: key.MappingVersion, Source: "erp"},
		"other content": {SHA256: strings.Repeat("0", 64), MappingVersion: key.MappingVersion, Source: key.Source},
	} {
		if l.Has(other) {
			t.Errorf("%s: must not be there", name)
		}
	}
	if err := lines.load(t.Context(), l); err == nil || !strings.Contains(err.Error(), "loaded already") {
		t.Errorf("loading it again: %v", err)
	}
}

func TestSameExportsSameBytes(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		l := openLake(t, dir)
		mustLoad(t, l, lines, ledger, lines.with(3, "opportunity_line", lines.tables["opportunity_line"][1:]...))
		if dir == second {
			l = openLake(t, dir) // The index is built again on the way.
		}
		mustLoad(t, l, lines.with(4, "opportunity_line", record{"opportunity_id": "x", "line_no": "4"}))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(snapshotOf(t, first), snapshotOf(t, second)); diff != "" {
		t.Errorf("two lakes of the same exports differ:\n%s", diff)
	}
}

func TestAbortLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	mustLoad(t, l, lines)
	before := snapshotOf(t, dir)
	ld, err := l.Begin(ledger.input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.feed(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if err := ld.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := ld.Abort(); err != nil {
		t.Errorf("aborting twice: %v", err)
	}
	if diff := cmp.Diff(before, snapshotOf(t, dir)); diff != "" {
		t.Errorf("folder (-before +after):\n%s", diff)
	}
	if err := ld.Write(t.Context(), contract.NewBatch(l.tables["ledger_entry"], 0)); err == nil {
		t.Error("a load that is over took rows")
	}
	if err := ld.Commit(t.Context(), Outcome{}); err == nil {
		t.Error("a load that is over was committed")
	}
	// What the aborted load had told the index is forgotten.
	changed := lines.with(2, "opportunity_line", record{"opportunity_id": "crm:deal:9", "line_no": "1"})
	if ld, err = l.Begin(changed.input()); err != nil {
		t.Fatal(err)
	}
	if _, err := changed.feed(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if err := ld.Abort(); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, l, changed)
	if got := last(t, l, "opportunity_line"); got.Rows != 1 || got.Unchanged != 0 {
		t.Errorf("after an abort the same export has %d rows and %d unchanged", got.Rows, got.Unchanged)
	}
}

func quarantine(t *testing.T, l *Lake, e export, reason string) {
	t.Helper()
	ld, err := l.Begin(e.input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.feed(t.Context(), ld); err != nil {
		t.Fatal(err)
	}
	if err := ld.Quarantine(t.Context(), reason); err != nil {
		t.Fatal(err)
	}
}

func TestQuarantineKeepsRejectsOnly(t *testing.T) {
	l := openLake(t, t.TempDir())
	quarantine(t, l, ledger, "the gzip stream ends early \xff")
	if len(l.Files("ledger_entry")) != 0 || len(l.Rejects()) != 1 || l.Has(ledger.input().Key) {
		t.Error("a quarantined export must leave its rejects and nothing else, and be tried again")
	}
	if got := l.Inputs()[0].Quarantined; got != `the gzip stream ends early \xff` {
		t.Errorf("reason %q", got)
	}
	quarantine(t, l, ledger, "still")
	if n := len(l.Inputs()); n != 1 {
		t.Errorf("%d records of one quarantined export, want 1", n)
	}
	before := l.Generation()
	quarantine(t, l, ledger, "still")
	if l.Generation() != before {
		t.Error("being refused for the same reason again must change nothing")
	}
	mustLoad(t, l, ledger)
	if in := l.Inputs(); len(in) != 1 || in[0].Quarantined != "" || len(l.Files("ledger_entry")) != 1 {
		t.Error("a corrected reading must take the place of the quarantined one")
	}
}

// An archive that cannot be opened is of no object and feeds no table; that it was refused is kept all the same.
func TestWhatFeedsNoTableCanBeQuarantined(t *testing.T) {
	l := openLake(t, t.TempDir())
	box := export{source: "crm", path: "box.zip", content: "box", hour: 1, rejects: []contract.Reject{{Rule: "archive_damaged"}}}
	quarantine(t, l, box, "cut off")
	if in := l.Inputs(); len(in) != 1 || in[0].Quarantined != "cut off" || in[0].Rejects.Rows != 1 {
		t.Errorf("inputs %+v", in)
	}
	box.content = "another"
	if err := box.load(t.Context(), l); err == nil || !strings.Contains(err.Error(), "it feeds no table") {
		t.Errorf("it was committed: %v", err)
	}
}

// Once other exports of the object were loaded, one that was quarantined before them is a late one: what they left
// out as unchanged was compared without it.
func TestQuarantinedExportThatComesLate(t *testing.T) {
	l := openLake(t, t.TempDir())
	for _, mode := range []contract.Mode{contract.Snapshot, contract.Upsert} {
		e := nightly(string(mode), mode)
		broken := e.with(2, "opportunity_line", line(string(mode), "b"))
		mustLoad(t, l, e.with(1, "opportunity_line", line(string(mode), "a")))
		quarantine(t, l, broken, "cut off")
		mustLoad(t, l, e.with(3, "opportunity_line", line(string(mode), "a"), line(string(mode)+"-new", "a")))
		err := broken.load(t.Context(), l)
		var order *OrderError
		if errors.As(err, &order) != (mode == contract.Snapshot) || (err == nil) != (mode == contract.Upsert) {
			t.Errorf("%s: %v", mode, err)
		}
		if inputs := l.Inputs(); mode == contract.Upsert && inputs[len(inputs)-1].SHA256 != broken.input().Key.SHA256 {
			t.Error("a late upsert goes to the end")
		}
	}
}

// Ingest types records in one goroutine and writes them in another.
func TestUnchangedBesideWrite(t *testing.T) {
	l := openLake(t, t.TempDir())
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(1, "opportunity_line", manyLines(0, 500, "a")...))
	records := append(manyLines(0, 300, "a"), manyLines(300, 900, "b")...)
	for i := 700; i < 900; i++ {
		records[i]["_deleted"] = true
	}
	next := e.with(2, "opportunity_line", records...)
	ld, err := l.Begin(next.input())
	if err != nil {
		t.Fatal(err)
	}
	table := l.tables["opportunity_line"]
	batches, written := make(chan *contract.Batch, 2), make(chan error)
	go func() {
		var err error
		for b := range batches {
			err = errors.Join(err, ld.Write(t.Context(), b), ld.Reject(t.Context(), contract.Reject{RowKept: true}))
		}
		written <- err
	}()
	h, count := contract.NewRowHasher(table), TableCount{Table: "opportunity_line"}
	for i, r := range records {
		b := contract.NewBatch(table, 1)
		appendRecord(b, h, r, i+1)
		if ld.Unchanged(table.Name, b.KeyHash[0], b.RowHash[0]) {
			count.Unchanged++
			continue
		}
		count.Rows++
		batches <- b
	}
	close(batches)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if err := ld.Commit(t.Context(), Outcome{Counts: []TableCount{count}}); err != nil {
		t.Fatal(err)
	}
	wantLast(t, l, 600, 300, 0, 0)
	if n := len(state(t, l, "opportunity_line")); n != 700 {
		t.Errorf("%d living rows, want 700", n)
	}
}

func TestOneLoadAtATime(t *testing.T) {
	l := openLake(t, t.TempDir())
	ld, err := l.Begin(lines.input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(ledger.input()); err == nil {
		t.Error("a second load was begun")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ld.Commit(t.Context(), Outcome{}); err == nil {
		t.Error("a load of a closed lake was committed")
	}
	if _, err := l.Begin(ledger.input()); err == nil {
		t.Error("a closed lake took a load")
	}
}
