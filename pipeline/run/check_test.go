package run

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// check looks at the exports as a night would and returns the differences, a line each.
func (o *office) check(t *testing.T, night int) (*Inspection, []string) {
	t.Helper()
	found, err := Check(context.Background(), o.options(night), 5)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range found.Files {
		for _, d := range f.Differences {
			line := fmt.Sprintf("%s %s: %s: %s", f.File, d.Kind, d.Message, d.Effect)
			if d.Kind == "dialect" { // How a dialect is written is not for this test.
				line = f.File + " dialect: " + d.Effect
			}
			if d.IsRefusal {
				line += " (refused)"
			}
			lines = append(lines, line)
		}
	}
	return found, lines
}

func TestCheckTellsHowAnExportDiffersFromTheLast(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("partners.csv", partnerHeader+partnerLines(0, 30, "gold", 0), 0, 0)
	if _, lines := o.check(t, 0); len(lines) != 0 {
		t.Errorf("the first export of an object differs from nothing: %q", lines)
	}
	if _, err := os.Stat(o.config.State); err == nil {
		t.Error("a check made the state folder")
	}
	o.take(0)
	if found, lines := o.check(t, 1); len(lines) != 0 || !found.Files[0].IsKnown {
		t.Errorf("a known export differs: %q", lines)
	}
	var b strings.Builder
	b.WriteString("Account;Account Name;Type;Status;Tier;Account Owner;Regions;Joined;Modified;Note\n")
	for i := range 12 {
		fmt.Fprintf(&b, "p%03d;Partner;reseller;active;gold;ann;emea;2025-01-01;2026-03-02T00:00:00Z;hello\n", i)
	}
	o.send("partners.csv", b.String(), 1, 0)
	found, lines := o.check(t, 1)
	wantLines(t, "differences", lines,
		`partners.csv new_column: column "Account Owner" is new: kept in _extra until a mapping names it`,
		`partners.csv new_column: column "Note" is new: kept in _extra until a mapping names it`,
		`partners.csv missing_column: column "Owner" is gone: null in every new row`,
		`partners.csv missing_column: column "Parent" is gone: null in every new row`,
		`partners.csv renamed_column: column "Regions" looks like "Region", which is gone: null in every new row; if it is the same column, add to the source: aliases: {"Region": ["Regions"]}`,
		`partners.csv dialect: read as it is written`,
		`partners.csv volume: it has 12 records, the last good export had 30: less than 50 % of it: loaded, with a warning`)
	if f := found.Files[0]; f.LastRecords != 30 || !f.LastReceived.Equal(officeStart) || f.Records != 12 {
		t.Errorf("%+v", f)
	}
	if n := len(o.view().Inputs()); n != 1 {
		t.Errorf("a check loaded something: %d inputs", n)
	}
}

func TestCheckTellsWhatTheContractRefuses(t *testing.T) {
	t.Parallel()
	strict := strings.Replace(officeMapping, "    mode: snapshot\n", "    mode: snapshot\n    contract: { columns_new: freeze, volume: { below: 90%, above: 110%, mode: freeze } }\n", 1)
	o := newOffice(t, strict)
	o.send("partners.csv", partnerHeader+partnerLines(0, 30, "gold", 0), 0, 0)
	o.take(0)
	o.send("partners.csv", partnerHeader+partnerLines(0, 20, "gold", 0), 1, 0)
	found, lines := o.check(t, 1)
	wantLines(t, "volume", lines, "partners.csv volume: it has 20 records, the last good export had 30: less than 90 % of it: the file is refused whole and the last good one stays (refused)")
	if q := found.Summary.Ingest.Quarantined; len(q) != 1 || q[0].Rule != ruleVolume {
		t.Errorf("quarantined %+v", q)
	}
	o.send("partners.csv", strings.Replace(partnerHeader, "Tier,Owner,Region,Parent,Joined", "Level,Owner,Region,Parent,Joined", 1)+partnerLines(0, 30, "gold", 1), 1, 0)
	_, lines = o.check(t, 1)
	wantLines(t, "columns", lines,
		`partners.csv new_column: column "Level" is new: the file is refused whole and the last good one stays (refused)`,
		`partners.csv missing_column: column "Tier" is gone: null in every new row`)
}

// A file that a contract refuses changes nothing: the night goes on with the last good one, and says so.
func TestAFrozenFileKeepsTheLastGoodData(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{
		"budget": partnerHeader + partnerLines(0, 70, "gold", 1) + strings.Repeat(",no id,reseller,active,gold,ann,emea,,2025-01-01,2026-03-03T00:00:00Z\n", 30),
		"key":    strings.Replace(partnerHeader, "Type,Status", "Kind,State", 1) + partnerLines(0, 100, "gold", 1),
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, officeMapping)
			o.send("partners.csv", partnerHeader+partnerLines(0, 100, "silver", 0), 0, 0)
			o.take(0)
			o.send("partners.csv", broken, 1, 0)
			o.send("deals.csv", dealHeader+dealLine("d1", "Won", 0, 0), 1, 0)
			l := o.canonical(t, 1)
			l.wantRows(t, "SELECT tier_code, count(*) FROM canonical.partner WHERE NOT _deleted GROUP BY 1", "silver 100")
			l.wantRows(t, livingDeals, "crm:deal:d1")
			l.wantRows(t, "SELECT count(*) FROM lake.input WHERE quarantined IS NOT NULL AND table_name IS NULL", "1")
			s := l.summary
			if name == "budget" { // What was refused in it is kept, so that it can be corrected.
				l.wantRows(t, "SELECT rule, count(*) FROM lake.reject GROUP BY ALL ORDER BY 1", "budget_rows 1", "missing_value 30")
				if !strings.Contains(strings.Join(s.Warnings, "\n"), "`partnerhealth rejects` shows 30 records of it") {
					t.Errorf("warnings %q do not say where the refused records are", s.Warnings)
				}
			}
			if len(s.Ingest.Quarantined) != 1 || !strings.Contains(strings.Join(s.Warnings, "\n"), "partner stays as of 2026-03-02 01:00 UTC") {
				t.Errorf("quarantined %+v, warnings %q", s.Ingest.Quarantined, s.Warnings)
			}
		})
	}
}

// A column that is gone matters less where the mapping names another for the same, and where records need not have it.
func TestAMissingColumnThatIsMade(t *testing.T) {
	t.Parallel()
	m, err := preset.Parse("calls.yaml", []byte(`
objects:
  - object: calls
    files: ["**/*"]
    mode: append
    tables:
      - table: engagement_event
        columns:
          event_id: { key: call, from: [[Id, Number]] }
          occurred_at: { from: At }
          occurred_basis: { const: event }
          kind: { from: What, map: { in: login }, else: other }
          channel: { const: portal }
`))
	if err != nil {
		t.Fatal(err)
	}
	o := &m.Objects[0]
	before := &shape{columns: []string{"Id", "Number", "At", "What"}}
	for _, tt := range []struct {
		name    string
		now     *shape
		want    string
		refused bool
	}{
		{"another column", &shape{columns: []string{"Number", "At", "What"}}, "null in every new row", false},
		{"no other", &shape{columns: []string{"Id", "Number", "What"}}, refusedWhole, true},
		{"records", &shape{columns: []string{"Id", "Number", "At"}, isRecords: true}, "no record has it; those that cannot do without are refused", false},
	} {
		found := differences(o, tt.now, before)
		if len(found) != 1 || found[0].Effect != tt.want || found[0].IsRefusal != tt.refused {
			t.Errorf("%s: %+v, want %q", tt.name, found, tt.want)
		}
	}
}
