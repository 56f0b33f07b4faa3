package run

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const partnerHeader = "Account,Account Name,Type,Status,Tier,Owner,Region,Parent,Joined,Modified\n"

// partnerLine is a partner of the office with a tier, changed on a night.
func partnerLine(id, tier string, night int) string {
	return fmt.Sprintf("%s,Partner %s,reseller,active,%s,ann,emea,,2025-01-01,2026-03-%02dT00:00:00Z\n", id, id, tier, 2+night)
}

func partnerLines(from, to int, tier string, night int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(partnerLine(fmt.Sprintf("p%03d", i), tier, night))
	}
	return b.String()
}

const dealHeader = "Deal,Deal Name,Stage,Amount,Currency,Created,Kind,Partner,Modified,Deleted\n"

func dealLine(id, stage string, night, deleted int) string {
	return fmt.Sprintf("%s,Deal %s,%s,100,EUR,2026-01-05T00:00:00Z,new,p001,2026-03-%02dT00:00:00Z,%d\n", id, id, stage, 2+night, deleted)
}

// zipped is an archive of the given members, in order: name, text, name, text.
func zipped(tb testing.TB, members ...string) string {
	tb.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err == nil {
			_, err = f.Write([]byte(members[i+1]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// inputsOf lists the files of the lake: path, object, records, and the state of each.
func (o *office) inputsOf() []string {
	var out []string
	for _, in := range o.view().Inputs() {
		line := fmt.Sprintf("%s %s %d", in.Path, in.Object, in.Records)
		for _, t := range in.Tables {
			line += fmt.Sprintf(" rows=%d deleted=%d", t.Rows, t.Deleted)
		}
		if in.Quarantined != "" {
			line += " refused"
		}
		out = append(out, line)
	}
	return out
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestArchivesAreLookedInto(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	inner := zipped(t, "deals.csv", dealHeader+dealLine("d1", "Open", 0, 0))
	o.send("week.zip", zipped(t, "partners.csv", partnerHeader+partnerLines(0, 3, "gold", 0), "more/inner.zip", inner, "readme.txt", "hello"), 0, 0)
	s := o.take(0)
	wantLines(t, "inputs", o.inputsOf(), "week.zip/more/inner.zip/deals.csv deals 1 rows=1 deleted=0", "week.zip/partners.csv partners 3 rows=3 deleted=0")
	wantLines(t, "unmatched", s.Exports.Unmatched, "crm/week.zip/readme.txt")
	if again := o.take(1); again.Exports.New != 0 || again.Ingest.Records != 0 {
		t.Errorf("the second night found %d new files and read %d records", again.Exports.New, again.Ingest.Records)
	}
}

func TestADamagedArchiveIsRefusedWhole(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	whole := zipped(t, "partners.csv", partnerHeader+partnerLines(0, 300, "gold", 0), "deals.csv", dealHeader+dealLine("d1", "Open", 0, 0))
	o.send("week.zip", whole[:len(whole)/2], 0, 0)
	s := o.take(0)
	if len(s.Ingest.Quarantined) != 1 || s.Ingest.Quarantined[0].Rule != "archive_damaged" || s.Ingest.Records != 0 {
		t.Errorf("quarantined %+v", s.Ingest.Quarantined)
	}
	wantLines(t, "inputs", o.inputsOf(), "week.zip  0 refused")
	// The night after it is told again, and nothing else happens.
	generation := o.view().Generation()
	if s := o.take(1); len(s.Ingest.Quarantined) != 1 || o.view().Generation() != generation {
		t.Errorf("the second night refused %d files, generation %d after %d", len(s.Ingest.Quarantined), o.view().Generation(), generation)
	}
	o.send("week.zip", whole, 2, 0)
	if s := o.take(2); len(s.Ingest.Quarantined) != 0 || s.Ingest.Records != 301 {
		t.Errorf("the whole archive: %+v, %d records", s.Ingest.Quarantined, s.Ingest.Records)
	}
}

// What is known of a file by its bytes is not found out again: the lister that knows them opens nothing.
func TestKnownFilesAreNotInspectedAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("week.zip", zipped(t, "partners.csv", partnerHeader+partnerLine("p1", "gold", 0)), 0, 0)
	o.send("deals.csv", dealHeader+dealLine("d1", "Open", 0, 0), 0, 1)
	o.take(0)
	catalog, err := openCatalog(filepath.Join(o.config.State, catalogFile), "test")
	if err != nil {
		t.Fatal(err)
	}
	if len(catalog.known.Objects) != 2 || len(catalog.known.Archives) != 2 {
		t.Fatalf("the catalog knows %d files and %d archives", len(catalog.known.Objects), len(catalog.known.Archives))
	}
	for _, question := range []string{"one", "two"} {
		if _, err := remember(catalog.known.Objects, catalog.asked.Objects, question, func() (recognition, error) { return recognition{}, os.ErrInvalid }); err == nil {
			t.Error("what nobody knows was not looked for")
		}
	}
	for key, want := range catalog.known.Objects {
		got, err := remember(catalog.known.Objects, catalog.asked.Objects, key, func() (recognition, error) { return recognition{}, os.ErrInvalid })
		if err != nil || got.Object != want.Object {
			t.Errorf("%s was looked for again: %v", key, err)
		}
	}
	// Another program may see more in a file, and a damaged catalog is none.
	if other, err := openCatalog(catalog.path, "newer"); err != nil || len(other.known.Objects) != 0 {
		t.Errorf("a newer program took over %d answers (%v)", len(other.known.Objects), err)
	}
	o.write("state/"+catalogFile, "{")
	if s := o.take(1); s.Exports.New != 0 {
		t.Errorf("a lost catalog made %d files new", s.Exports.New)
	}
}

func TestPartsOfASnapshotAreOneDelivery(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	one, two := partnerHeader+partnerLines(0, 3, "gold", 0), partnerHeader+partnerLines(3, 5, "gold", 0)
	o.send("a/partners-w1-1.csv", one, 0, 0)
	o.send("a/partners-w1-2.csv", two, 0, 5)
	o.send("a/partners-w1-3.csv", one, 0, 2)
	s := o.take(0)
	wantLines(t, "inputs", o.inputsOf(), "a/partners-w1-1.csv partners 3 rows=3 deleted=0", "a/partners-w1-2.csv partners 2 rows=2 deleted=0")
	wantLines(t, "notes", s.Notes, "crm/a/partners-w1-3.csv has the bytes of a/partners-w1-1.csv and was read once")
	if in := o.view().Inputs()[0]; !in.ReceivedAt.Equal(officeStart.Add(5*60e9)) || len(in.Copies) != 1 {
		t.Errorf("received %v with copies %v, want the time of the last part and one copy", in.ReceivedAt, in.Copies)
	}
	// The next week overlaps and misses a key; the header of the second part is in another order.
	o.send("b/partners-w2-1.csv", partnerHeader+partnerLine("p000", "gold", 0)+partnerLine("p001", "gold", 0), 7, 0)
	o.send("b/partners-w2-2.csv", "Modified,Account,Account Name,Type,Status,Tier\n"+
		"2026-03-09T00:00:00Z,p001,Partner p001,reseller,active,platinum\n2026-03-02T00:00:00Z,p002,Partner p002,reseller,active,gold\n2026-03-02T00:00:00Z,p003,Partner p003,reseller,active,gold\n", 7, 1)
	s = o.take(7)
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "overlap: 1 record of partner") {
		t.Errorf("warnings %q, want one of the overlap", s.Warnings)
	}
	l := o.canonical(t, 7)
	_, rows := l.texts(t, "SELECT partner_id, tier_code, _deleted FROM canonical.partner ORDER BY 1", "")
	want := [][]string{{"crm:crm_account:p000", "gold", "false"}, {"crm:crm_account:p001", "platinum", "false"}, {"crm:crm_account:p002", "gold", "false"},
		{"crm:crm_account:p003", "gold", "false"}, {"crm:crm_account:p004", "gold", "true"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("partners (-want +got):\n%s", diff)
	}
}

func TestAFileThatIsCalledLikeAnObjectAndIsNone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 0), 0, 0)
	o.take(0)
	o.send("partners.csv", "Account,Kontoname\np1,Partner\n", 1, 0)
	o.send("strange.csv", "A,B\n1,2\n", 1, 0)
	s := o.take(1)
	wantLines(t, "unmatched", s.Exports.Unmatched, "crm/strange.csv")
	if len(s.Ingest.Quarantined) != 1 {
		t.Fatalf("quarantined %+v", s.Ingest.Quarantined)
	}
	q := s.Ingest.Quarantined[0]
	if q.Rule != ruleSignature || q.Object != "partners" || !q.LastGood.Equal(officeStart) || !strings.Contains(q.Reason, "Account Name") {
		t.Errorf("%+v", q)
	}
	if !strings.Contains(strings.Join(s.Warnings, "\n"), "partner stays as of 2026-03-02 01:00 UTC") {
		t.Errorf("warnings %q do not say what stays", s.Warnings)
	}
}

func TestSourcesThatShareAFolder(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	partners, _, _ := strings.Cut(officeMapping, "  - object: deals\n")
	o.write("two.yaml", strings.ReplaceAll(partners, "partners", "others"))
	o.write("partnerhealth.yaml", officeConfig+"  - { name: two, path: exports, mapping: two.yaml, timezone: UTC }\n")
	o.load()
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 0), 0, 0)
	o.send("others.csv", partnerHeader+partnerLine("p2", "gold", 0), 0, 0)
	o.send("nobody.csv", "A\n", 0, 0)
	s := o.take(0)
	wantLines(t, "inputs", o.inputsOf(), "partners.csv partners 1 rows=1 deleted=0", "others.csv others 1 rows=1 deleted=0")
	wantLines(t, "unmatched", s.Exports.Unmatched, "crm/nobody.csv")
}

func TestUnfinishedFilesAreLeftToTheNextNight(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.write("partnerhealth.yaml", strings.Replace(officeConfig, "mapping: crm.yaml, ", "mapping: crm.yaml, complete: { marker: _SUCCESS }, ", 1))
	o.load()
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 0), 0, 0)
	s := o.take(0)
	if len(s.Exports.Waiting) != 1 || s.Exports.Waiting[0].Rule != "marker" || s.Ingest.Records != 0 || len(s.Warnings) != 1 {
		t.Errorf("waiting %+v, %d records, warnings %q", s.Exports.Waiting, s.Ingest.Records, s.Warnings)
	}
	o.send("_SUCCESS", "", 0, 1)
	if s := o.take(1); len(s.Exports.Waiting) != 0 || s.Ingest.Records != 1 || len(s.Warnings) != 0 {
		t.Errorf("waiting %+v, %d records, warnings %q", s.Exports.Waiting, s.Ingest.Records, s.Warnings)
	}
}
