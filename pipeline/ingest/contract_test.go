package ingest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// deal has a value of every kind that a contract reacts to: one that rows need, one that they can do without, a
// list with a word for what it does not know, one without, and a free text with a map.
func deal(t testing.TB, object, table, column string) *preset.Object {
	t.Helper()
	return mapping(t, `
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		contract: {`+object+`}
		tables:
			- table: opportunity
				contract: {`+table+`}
				columns:
					opportunity_id: {key: deal, from: Id}
					stage_class: {from: Stage, map: {Open: open, Won: won}}
					created_at: {from: Created}
					amount: {from: Amount, contract: {`+column+`}}
					deal_type: {const: new}
					lead_source: {from: Lead, map: {Web: web}}
`)
}

const (
	dealHeader = "Id,Stage,Created,Amount,Lead\n"
	soundDeal  = "1,Open,2026-01-01T00:00:00Z,1,Web\n"
)

// What happens to a file, its rows and its values under every reaction of the contract.
func TestReactions(t *testing.T) {
	const (
		badAmount  = "2,Open,2026-01-01T00:00:00Z,much,Web\n"
		badCreated = "2,Open,soon,1,Web\n"
		badStage   = "2,Offen,2026-01-01T00:00:00Z,1,Web\n"
		badLead    = "2,Open,2026-01-01T00:00:00Z,1,Fax\n"
	)
	for _, c := range []struct {
		name, object, table, column, record string
		rows                                []string // id, stage, amount, lead
		refusals                            []string
		rule                                string
	}{
		{name: "a bad value", record: badAmount,
			rows: []string{"1 open 1 web", "2 open - web"}, refusals: []string{"2 line 3 byte 63: Amount not_a_number kept"}},
		{name: "a bad value, of the object", object: "types: discard_row", record: badAmount,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Amount not_a_number refused"}},
		{name: "a bad value, of the table", object: "types: freeze", table: "types: discard_row", record: badAmount,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Amount not_a_number refused"}},
		{name: "a bad value, of the column", object: "types: freeze", table: "types: freeze", column: "types: discard_value", record: badAmount,
			rows: []string{"1 open 1 web", "2 open - web"}, refusals: []string{"2 line 3 byte 63: Amount not_a_number kept"}},
		{name: "a bad value that freezes", object: "types: freeze", record: badAmount,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Amount not_a_number refused"}, rule: ingest.RuleTypes},
		{name: "a bad value that rows need", record: badCreated,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Created not_a_timestamp refused"}},
		{name: "a bad value that rows need, and that freezes", object: "types: freeze", record: badCreated,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Created not_a_timestamp refused"}, rule: ingest.RuleTypes},
		{name: "an unknown word", record: badStage, rows: []string{"1 open 1 web", "2 unknown 1 web"}},
		{name: "an unknown word that refuses", object: "values: discard_row", record: badStage,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Stage not_in_list refused"}},
		{name: "an unknown word that freezes", object: "values: freeze", record: badStage,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Stage not_in_list refused"}, rule: ingest.RuleValues},
		{name: "an unknown text", record: badLead, rows: []string{"1 open 1 web", "2 open 1 Fax"}},
		{name: "an unknown text that refuses", table: "values: discard_row", record: badLead,
			rows: []string{"1 open 1 web"}, refusals: []string{"2 line 3 byte 63: Lead not_in_list refused"}},
	} {
		result, sink, err := load(t, deal(t, c.object, c.table, c.column), dealHeader+soundDeal+c.record)
		checkResult(t, result, sink)
		if diff := cmp.Diff(c.rows, sink.values("opportunity", "opportunity_id", "stage_class", "amount", "lead_source"), trimmedKeys); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.refusals, sink.refusals()); diff != "" {
			t.Errorf("%s: refusals (-want +got):\n%s", c.name, diff)
		}
		if rule := ruleOf(err); rule != c.rule {
			t.Errorf("%s: error %v, want rule %q", c.name, err, c.rule)
		}
	}
}

var trimmedKeys = cmp.Transformer("keys", func(row string) string { return strings.TrimPrefix(row, "crm:deal:") })

func ruleOf(err error) string {
	var refused *ingest.FileError
	if errors.As(err, &refused) {
		return refused.Rule
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// A frozen file says how much froze it and where to look first.
func TestFrozenFileTellsTheCounts(t *testing.T) {
	_, _, err := load(t, deal(t, "types: freeze, values: freeze", "", ""),
		dealHeader+soundDeal+"2,Open,2026-01-01T00:00:00Z,much,Web\n3,Open,2026-01-01T00:00:00Z,more,Web\n4,Offen,2026-01-01T00:00:00Z,1,Web\n")
	var refused *ingest.FileError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v", err)
	}
	want := &ingest.FileError{Source: "crm", Object: "deals", File: "in/test.csv", SHA256: "abc", Rule: ingest.RuleTypes,
		Message:  `it has values that its contract freezes a file for: opportunity.amount (2, first in record 2: "much"), opportunity.stage_class (1, first in record 4: "Offen")`,
		NextStep: "correct the values in the source, map them, or relax types or values in the contract of the mapping"}
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColumnsThatTheMappingDoesNotName(t *testing.T) {
	const file = "Id,Stage,Created,Amount,Lead,Colour,Size\n1,Open,2026-01-01T00:00:00Z,1,Web,red,\n"
	for _, c := range []struct{ contract, extra, note, rule string }{
		{"columns_new: evolve", `{"Colour":"red"}`, "", ""},
		{"columns_new: discard_value", "", `"Colour", "Size": not kept, as the contract says of new columns`, ""},
		{"columns_new: freeze", "", "", ingest.RuleNewColumns},
	} {
		result, sink, err := load(t, deal(t, c.contract, "", ""), file)
		if rule := ruleOf(err); rule != c.rule {
			t.Errorf("%s: error %v", c.contract, err)
		}
		if diff := cmp.Diff([]string{"Colour", "Size"}, result.ExtraColumns); diff != "" {
			t.Errorf("%s: extra columns (-want +got):\n%s", c.contract, diff)
		}
		if got := strings.Join(result.Notes, "\n"); got != c.note {
			t.Errorf("%s: notes %q, want %q", c.contract, got, c.note)
		}
		if c.rule == "" && sink.rows[0].Extra != c.extra {
			t.Errorf("%s: keeps %s, want %s", c.contract, sink.rows[0].Extra, c.extra)
		}
	}
}

func TestColumnsThatTheFileLacks(t *testing.T) {
	const file = "Id,Stage,Created,Lead\n1,Open,2026-01-01T00:00:00Z,Web\n"
	result, _ := mustLoad(t, deal(t, "columns_missing: null", "", ""), file)
	if diff := cmp.Diff([]string{"Amount"}, result.MissingColumns); diff != "" {
		t.Errorf("missing columns (-want +got):\n%s", diff)
	}
	if _, _, err := load(t, deal(t, "columns_missing: freeze", "", ""), file); ruleOf(err) != ingest.RuleAbsentColumns {
		t.Errorf("error %v", err)
	}
}

// A share of a file may be refused, and a handful of any; then the file is refused with all that it holds.
func TestBudget(t *testing.T) {
	// file has sound records, then records whose amount is bad, then records without an id.
	file := func(sound, values, records int) string {
		return dealHeader + strings.Repeat(soundDeal, sound) + strings.Repeat("1,Open,2026-01-01T00:00:00Z,much,Web\n", values) +
			strings.Repeat(",Open,2026-01-01T00:00:00Z,1,Web\n", records)
	}
	for _, c := range []struct {
		budget                 string
		sound, values, records int
		rule                   string
	}{
		{"", 100, 0, 19, ""},
		{"", 100, 0, 20, ingest.RuleRowBudget},
		{"", 1980, 0, 20, ""},
		{"", 1979, 0, 20, ingest.RuleRowBudget},
		{"", 100, 19, 0, ""},
		{"", 100, 20, 0, ingest.RuleValueBudget},
		{"", 180, 20, 0, ""}, // a bad amount beside a sound date: 20 of 400 values
		{"", 179, 20, 0, ingest.RuleValueBudget},
		{"from: 0", 100, 0, 2, ingest.RuleRowBudget},
		{"from: 0", 100, 0, 1, ""},
		{"rows: 100%, values: 100%", 0, 30, 30, ""},
		{"rows: 0%, from: 0", 1000, 0, 1, ingest.RuleRowBudget},
		{"rows: 0%, from: 0", 1000, 0, 0, ""},
	} {
		result, sink, err := load(t, deal(t, "budget: {"+c.budget+"}", "", ""), file(c.sound, c.values, c.records))
		name := fmt.Sprintf("%s: %d sound, %d values, %d records", c.budget, c.sound, c.values, c.records)
		if rule := ruleOf(err); rule != c.rule {
			t.Errorf("%s: error %v, want rule %q", name, err, c.rule)
		}
		if result.Refused != int64(c.records) || result.Values != int64(c.values) || len(sink.rejects) != c.records+c.values {
			t.Errorf("%s: counts %d records and %d values, and the sink has %d refusals", name, result.Refused, result.Values, len(sink.rejects))
		}
	}
	_, _, err := load(t, deal(t, "", "", ""), file(100, 0, 20))
	const want = "in/test.csv is refused: 20 of its 120 records are refused, more than the 1% of its budget; " +
		"correct what the refusals of the file tell, or raise the budget in the contract of the mapping"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Whatever the contract says: every record is accounted for, what is refused is told, and a file is frozen only for
// what its contract freezes.
func TestEveryContractKeepsTheLaw(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(r, name) }
		types, values := pick("types", "discard_value", "discard_row", "freeze"), pick("values", "unknown", "discard_row", "freeze")
		obj := deal(t, fmt.Sprintf("types: %s, values: %s, budget: {rows: 100%%, values: 100%%}", types, values), "", "")
		text := dealHeader
		bad, unknown := false, false
		for i := range rapid.IntRange(0, 12).Draw(r, "records") {
			amount, stage := pick("amount", "1", "", "much"), pick("stage", "Open", "Won", "Offen")
			text += fmt.Sprintf("%d,%s,2026-01-01T00:00:00Z,%s,Web\n", i, stage, amount)
			// The stage comes first, since every row needs it: where it refuses the row, the amount is not looked at.
			unknown = unknown || stage == "Offen"
			bad = bad || amount == "much" && (stage != "Offen" || values == "unknown")
		}
		sink := &memory{}
		result, err := loadInto(sink, obj, text)
		checkResult(t, result, sink)
		frozen := bad && types == "freeze" || unknown && values == "freeze"
		rule := ruleOf(err)
		if (rule == ingest.RuleTypes || rule == ingest.RuleValues) != frozen || err != nil && !frozen {
			r.Errorf("types %s, values %s, bad %v, unknown %v: %v\n%s", types, values, bad, unknown, err, text)
		}
	})
}

// Files of any columns and cells under any contract: an export is read with every unit of every record accounted for,
// or refused as a whole with a rule, a reason and a next step.
func TestAnyFileUnderAnyContract(t *testing.T) {
	columns := []string{"Id", "Stage", "Created", "Amount", "Partners", "Date A", "Date B", "New"}
	cells := map[string][]string{
		"Id": {"1", "2", "3", ""}, "Stage": {"Open", "Offen", ""}, "Created": {"2026-01-01T00:00:00Z", "soon", ""}, "Amount": {"1", "much", ""},
		"Partners": {"", "a;b", "x;;a", ";"}, "Date A": {"2026-01-02", "never", ""}, "Date B": {"2026-01-03", ""}, "New": {"n", ""},
	}
	refused, read := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(r, name) }
		// The first choice of each is the one that refuses nothing: half of the files meet that contract with all columns.
		isLenient, fewest := rapid.Bool().Draw(r, "lenient"), 3
		contract := func(name string, from ...string) string {
			if isLenient {
				return from[0]
			}
			return pick(name, from...)
		}
		if isLenient {
			fewest = len(columns)
		}
		obj := mapping(t, fmt.Sprintf(`
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		read: {timezone: UTC}
		contract: {columns_new: %s, columns_missing: %q, types: %s, values: %s, budget: {rows: %s, values: %s, from: %s}}
		tables:
			- table: opportunity
				columns:
					opportunity_id: {key: deal, from: Id}
					stage_class: {from: Stage, map: {Open: open}}
					created_at: {from: Created}
					amount: {from: Amount}
					deal_type: {const: new}
			- table: opportunity_partner
				each: {split: Partners, sep: ";", as: partner}
				where: [{from: "@partner", not_in: [x]}]
				columns: {opportunity_id: {key: deal, from: Id}, partner_id: {resolve: crm_account, from: "@partner"}, role: {const: sourced}, basis: {const: association_label}}
			- table: opportunity_stage_event
				mode: append
				each: {columns: "^Date (.)$", names: [stage], as: day}
				columns:
					opportunity_id: {key: deal, from: Id}
					changed_at: {from: "@day", transform: {ts: 2006-01-02}}
					seq: {from: "@stage", transform: hash}
					to_stage: {from: "@stage"}
					stage_class: {const: open}
					basis: {const: wide_columns}
					expected_close_on: {from: "@day"}
`, contract("new", "evolve", "discard_value", "freeze"), contract("missing", "null", "freeze"), contract("types", "discard_value", "discard_row", "freeze"),
			contract("values", "unknown", "discard_row", "freeze"), contract("rows", "100%", "50%", "0%"), contract("share", "100%", "50%", "0%"), contract("from", "0", "3")))
		header := rapid.SliceOfNDistinct(rapid.SampledFrom(columns), fewest, len(columns), rapid.ID).Draw(r, "header")
		text := strings.Join(header, ",") + "\n"
		records := rapid.IntRange(0, 10).Draw(r, "records")
		isTidy := rapid.Bool().Draw(r, "tidy")
		for range records {
			record := make([]string, len(header))
			for i, name := range header {
				if record[i] = cells[name][0]; !isTidy {
					record[i] = pick(name, cells[name]...)
				}
			}
			text += strings.Join(record, ",") + "\n"
		}
		sink := &memory{}
		result, err := loadInto(sink, obj, text)
		var file *ingest.FileError
		switch {
		case err == nil:
			read++
		case !errors.As(err, &file):
			r.Fatalf("%q: %v", text, err)
		case file.Rule == "" || file.Message == "" || file.NextStep == "" || file.File == "":
			r.Fatalf("%q: incomplete refusal %+v", text, file)
		default:
			refused++
		}
		if len(result.Tables) > 0 {
			checkResult(t, result, sink)
			if result.Records != int64(records) {
				r.Fatalf("%q: %d records", text, result.Records)
			}
		}
	})
	t.Logf("%d files are refused, %d read", refused, read)
	if refused == 0 || read == 0 {
		t.Errorf("%d files are refused and %d read: the property tells nothing", refused, read)
	}
}
