package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// stages reads the cells of a pivot, called cell, and up to two more values of each unit.
func stages(t testing.TB, each string, more ...string) *preset.Object {
	t.Helper()
	columns := ""
	for i, name := range more {
		columns += "\n\t\t\t\t\t" + []string{"from_stage", "pipeline"}[i] + `: {from: "@` + name + `"}`
	}
	return mapping(t, `
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: opportunity_stage_event
				each: `+each+`
				columns:
					opportunity_id: {key: deal, from: Id}
					changed_at: {from: At, default: 2026-01-01T00:00:00Z}
					seq: {from: "@cell", transform: hash}
					to_stage: {from: "@cell"}
					stage_class: {const: open}
					basis: {const: wide_columns}`+columns)
}

func TestEachSplitsACell(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		read: {null_values: ["", none]}
		tables:
			- table: opportunity
				columns: {opportunity_id: {key: deal, from: Id}, stage_class: {from: Stage}, created_at: {const: 2026-01-01T00:00:00Z}, deal_type: {const: new}}
			- table: opportunity_partner
				each: {split: [Partners, partner_ids], sep: ";", as: partner}
				where: [{from: "@partner", not_in: [own]}]
				columns: {opportunity_id: {key: deal, from: Id}, partner_id: {resolve: crm_account, from: "@partner", transform: upper}, role: {const: sourced}, basis: {const: association_label}}
`)
	result, sink := mustLoad(t, obj, "Id,Stage,partner_ids,More\n1,open,a; b ;;a,x\n2,open,,x\n3,open,none,x\n4,open,own;c,x\n,open,d;e,x\n6,open,;,x\n")
	want := []string{"crm:deal:1 crm:crm_account:A", "crm:deal:1 crm:crm_account:B", "crm:deal:4 crm:crm_account:C"}
	if diff := cmp.Diff(want, sink.values("opportunity_partner", "opportunity_id", "partner_id")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	counts := []ingest.TableCount{
		{Table: "opportunity", Units: 6, Rows: 5, Rejected: 1},
		// a, b and a again; none; none; own and c; d and e without a deal; none.
		{Table: "opportunity_partner", Units: 10, Rows: 3, Unchanged: 1, Filtered: 4, Rejected: 2},
	}
	if diff := cmp.Diff(counts, result.Tables); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if result.Refused != 1 {
		t.Errorf("%d records are refused, want 1, however many units it has", result.Refused)
	}
	for _, r := range sink.rows {
		if (r.Extra != "") != (r.Table == "opportunity") {
			t.Errorf("%s has the unmapped columns %q: they stay with the row of the record itself", r.Table, r.Extra)
		}
	}
}

func TestEachOfTheColumnsThatMatch(t *testing.T) {
	for _, c := range []struct {
		name, each, header, record string
		more, want, extra          []string
	}{
		{"groups of the name", `{columns: '^Date entered ["“](.+) \((.+)\)["”]$', names: [stage, pipeline], as: cell}`,
			`Id,"Date entered ""Demo (Sales)""",Date entered “Won (New)”,Other`, "1,a,b,y",
			[]string{"stage", "pipeline"}, []string{"a Demo Sales", "b Won New"}, []string{"Other"}},
		{"a cell that is null", `{columns: '^S(\d)$', names: [stage], as: cell, before: near}`,
			"Id,S1,S2,S3", "1,a,,c", []string{"stage", "near"}, []string{"a 1 1", "c 3 -"}, nil},
		{"cells to both sides", `{columns: ' - Completion date$', as: cell, before: state, beside: near}`,
			"Id,Quiz,Quiz - Completion date,Film,Film - Completion date", "1,done,a,open,", []string{"state", "near"}, []string{"a done open"}, nil},
		{"pairs, with what identifies left out", `{columns: '^(.*)$', names: [stage], as: cell, beside: near, pairs: true, except: [Department]}`,
			",Id,DEPARTMENT,Quiz,,Film,2026-03-01", "Jo,1,Sales,done,a,open,", []string{"stage", "near"}, []string{"done Quiz a", "open Film -"}, []string{"column_1", "DEPARTMENT"}},
		{"an odd column at the end", `{columns: '^(Q.)$', names: [stage], as: cell, beside: near, pairs: true}`,
			"Id,Q1,x,Q2", "1,a,b,c", []string{"stage", "near"}, []string{"a Q1 b", "c Q2 -"}, nil},
		{"cells of several", `{columns: '^Companies \((.+)\)$', names: [label], as: cell, sep: ";", before: near}`,
			"Id,Companies (Partner),Companies (Agent)", "1,8001;8002,8003;", []string{"label", "near"},
			[]string{"8001 Partner 1", "8002 Partner 1", "8003 Agent 8001;8002"}, nil},
	} {
		result, sink := mustLoad(t, stages(t, c.each, c.more...), c.header+"\n"+c.record+"\n")
		if diff := cmp.Diff(c.want, sink.values("opportunity_stage_event", "to_stage", "from_stage", "pipeline")); diff != "" {
			t.Errorf("%s (-want +got):\n%s%v", c.name, diff, sink.refusals())
		}
		if diff := cmp.Diff(c.extra, result.ExtraColumns); diff != "" {
			t.Errorf("%s: extra columns (-want +got):\n%s", c.name, diff)
		}
	}
}

// What no unit can come from is told, for otherwise the table would be empty without a word.
func TestEachWithoutItsColumns(t *testing.T) {
	for each, note := range map[string]string{
		`{split: [Partners, Partner IDs], sep: ";", as: cell}`: `table opportunity_stage_event gets no rows: its units come from the column "Partners or Partner IDs", which the file does not have`,
		`{columns: '^Date (.+)', names: [stage], as: cell}`:    `table opportunity_stage_event gets no rows: no column of the file matches "^Date (.+)"`,
	} {
		result, _ := mustLoad(t, stages(t, each), "Id,At\n1,2026-01-01T00:00:00Z\n")
		if diff := cmp.Diff([]string{note}, result.Notes); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		if c := result.Tables[0]; c.Units != 1 || c.Filtered != 1 {
			t.Errorf("a record without a unit counts as one that is filtered: %+v", c)
		}
	}
}

// A refused value of a unit is told with the column that it comes from.
func TestRefusalOfAUnit(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: progress
		files: ["*.csv"]
		mode: append
		tables:
			- table: engagement_event
				each: {columns: '^(Q.)$', names: [quiz], as: at}
				columns: {event_id: {key: quiz, from: [Id, "@quiz"]}, occurred_at: {from: "@at"}, kind: {const: course_activity}, channel: {const: lms}}
`)
	_, sink := mustLoad(t, obj, "Id,Q1,Q2\n1,2026-01-01T00:00:00Z,soon\n")
	if diff := cmp.Diff([]string{"1 line 2 byte 9: Q2 not_a_timestamp refused"}, sink.refusals()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

// The parts of every cell are units: each is a row, unchanged, filtered or refused, and none is two of them.
func TestUnitsAreCounted(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		contract: {budget: {rows: 100%, values: 100%}}
		tables:
			- table: opportunity_partner
				each: {split: Partners, sep: ";", as: partner}
				where: [{from: "@partner", matches: "^[a-z]"}]
				columns: {opportunity_id: {key: deal, from: Id}, partner_id: {resolve: crm_account, from: "@partner"}, role: {const: sourced}, basis: {const: association_label}}
`)
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		text.WriteString("Id,Partners\n")
		var want ingest.TableCount
		seen := map[string]bool{}
		records := rapid.IntRange(0, 20).Draw(t, "records")
		for range records {
			id := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "id")
			parts := rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "X", "", " "})).Draw(t, "parts")
			text.WriteString(id + ",\"" + strings.Join(parts, ";") + "\"\n")
			units := int64(0)
			for _, p := range parts {
				switch {
				case strings.TrimSpace(p) == "":
					continue
				case p == "X":
					want.Filtered++
				case id == "":
					want.Rejected++
				case seen[id+p]:
					want.Unchanged++
				default:
					seen[id+p] = true
					want.Rows++
				}
				units++
			}
			if units == 0 {
				want.Filtered++
				units = 1
			}
			want.Units += units
		}
		want.Table = "opportunity_partner"
		sink := &memory{}
		result, err := loadInto(sink, obj, text.String())
		if err != nil {
			t.Fatal(err)
		}
		if result.Records != int64(records) || result.Tables[0] != want {
			t.Fatalf("%q: %d records, %+v; want %d, %+v", text.String(), result.Records, result.Tables[0], records, want)
		}
	})
}
