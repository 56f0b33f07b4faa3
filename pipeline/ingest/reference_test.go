package ingest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

func people(t testing.TB, contract string) *preset.Object {
	t.Helper()
	return mapping(t, `
objects:
	- object: people
		files: ["*.csv"]
		mode: upsert
		contract: {`+contract+`}
		tables:
			- table: person
				columns:
					person_id: {key: person, from: Id}
					role: {const: unknown}
					partner_id:
						resolve:
							- {id_type: crm_account, from: [Account, AccountId], transform: [id18]}
							- {id_type: lms_branch, from: Branches, sep: ";"}
							- {id_type: person, key: Contact, source: sf, from: Contact}
							- {id_type: email_domain, from: Email, transform: [domain]}
`)
}

// A row keeps all references that it has, in their order, one a line; the night takes the first that leads anywhere.
func TestReferencesInOrder(t *testing.T) {
	const header = "Id,AccountId,Branches,Contact,Email\n"
	const account = "crm:crm_account:0017Q00000KGhjMQAT"
	for _, c := range []struct{ name, record, want, refusal string }{
		{"all", "1,0017Q00000KGhjM,EMEA/DACH,003,jo@mail.example.com", account + "\ncrm:lms_branch:EMEA/DACH\nsf:person:sf:Contact:003\ncrm:email_domain:example.com", ""},
		{"some", "1,,,003,", "sf:person:sf:Contact:003", ""},
		{"several of a cell", "1,,A; B;;C ,,", "crm:lms_branch:A\ncrm:lms_branch:B\ncrm:lms_branch:C", ""},
		{"none", "1,,,,", "-", ""},
		{"a broken one beside another", "1,0017q00000KGhjMQAT,B,,", "crm:lms_branch:B", "1 line 2 byte 36: AccountId id_checksum kept"},
		{"a broken one alone", "1,0017q00000KGhjMQAT,,,", "-", "1 line 2 byte 36: AccountId id_checksum kept"},
		{"a line break would be two", "1,,\"A\nB\",003,", "sf:person:sf:Contact:003", "1 line 2 byte 36: Branches line_break kept"},
	} {
		_, sink := mustLoad(t, people(t, ""), header+c.record+"\n")
		if diff := cmp.Diff([]string{c.want}, sink.values("person", "partner_id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		var refusals []string
		if c.refusal != "" {
			refusals = []string{c.refusal}
		}
		if diff := cmp.Diff(refusals, sink.refusals()); diff != "" {
			t.Errorf("%s: refusals (-want +got):\n%s", c.name, diff)
		}
	}
	_, sink := mustLoad(t, people(t, "types: discard_row"), header+"1,0017q00000KGhjMQAT,B,,\n")
	if len(sink.rows) != 0 || len(sink.rejects) != 1 {
		t.Errorf("under types: discard_row a broken reference refuses its row: %v", sink.refusals())
	}
}

// A column that every row needs is filled by what is left, and missed where nothing is.
func TestReferencesThatRowsNeed(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: roles
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: opportunity_partner
				columns:
					opportunity_id: {key: deal, from: Id}
					partner_id: {resolve: [{id_type: crm_account, from: Account, transform: id18}, {id_type: duns, from: Duns}]}
					role: {const: sourced}
					basis: {const: owner}
`)
	_, sink := mustLoad(t, obj, "Id,Account,Duns\n1,x,123\n2,,\n3,x,\n")
	if diff := cmp.Diff([]string{"crm:deal:1 crm:duns:123"}, sink.values("opportunity_partner", "opportunity_id", "partner_id")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want := []string{"1 line 2 byte 16: Account not_an_id kept", "2 line 3 byte 24: Account missing_value refused", "3 line 4 byte 28: Account not_an_id refused"}
	if diff := cmp.Diff(want, sink.refusals()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	if _, _, err := load(t, obj, "Id,Name\n1,x\n"); ruleOf(err) != ingest.RuleMissingColumns {
		t.Errorf("error %v: a file without any of the references can fill no row", err)
	}
}

// A row that is refused for a later column tells that alone: the broken reference beside it dropped no value.
func TestRefusedRowTellsOneRefusal(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: roles
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: opportunity_partner
				columns:
					opportunity_id: {key: deal, from: Id}
					partner_id: {resolve: [{id_type: crm_account, from: Account, transform: id18}, {id_type: duns, from: Duns}]}
					role: {const: sourced}
					basis: {from: Basis}
`)
	result, sink := mustLoad(t, obj, "Id,Account,Duns,Basis\n1,x,123,guess\n")
	if diff := cmp.Diff([]string{"1 line 2 byte 22: Basis not_in_list refused"}, sink.refusals()); diff != "" || result.Values != 0 {
		t.Errorf("%d values are dropped, refusals (-want +got):\n%s", result.Values, diff)
	}
}

// Patterns come behind the map, in their order, and before else.
func TestMatch(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: opportunity
				columns:
					opportunity_id: {key: deal, from: Id}
					stage_class: {from: Stage, map: {won but not paid: open}, match: [{matches: '(?i)\bwon\b', to: won}, {matches: '(?i)lost|won', to: lost}]}
					is_closed: {from: Stage, match: [{matches: '(?i)lost|won', to: "true"}], else: "false"}
					created_at: {const: 2026-01-01T00:00:00Z}
					deal_type: {const: new}
`)
	result, sink := mustLoad(t, obj, "Id,Stage\n1,won but not paid\n2, Closed WON \n3,wonderful\n4,Open\n5,\n")
	// An empty stage is no source text, which the contract requires.
	want := []string{"open true", "won true", "lost true", "unknown false"}
	if diff := cmp.Diff(want, sink.values("opportunity", "stage_class", "is_closed")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]map[string]int64{"opportunity.stage_class": {"": 1, "Open": 1}}, result.UnmappedValues); diff != "" {
		t.Errorf("unmapped values (-want +got):\n%s", diff)
	}
}

// One of several conditions is enough; what tests a column that the file lacks is told.
func TestAnyOfSeveralConditions(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: accounts
		files: ["*.csv"]
		mode: snapshot
		tables:
			- table: partner
				where:
					- any: [{from: IsPartner, in: ["true", "1"]}, {from: [Type, Account Type], in: [Partner]}]
					- {from: Test, not_in: ["1"], optional: true}
				columns: {partner_id: {key: account, from: Id}, name: {from: Id}, partner_type: {const: other}, status: {const: active}}
`)
	for _, c := range []struct {
		header, records string
		want, notes     []string
	}{
		{"Id,IsPartner,Type,Test", "1,true,,\n2,0,Partner,\n3,0,Customer,\n4,1,,1\n", []string{"1", "2"}, nil},
		{"Id,account type", "1,Partner\n2,Customer\n", []string{"1"}, []string{
			`a condition of table partner tests the column "IsPartner", which the file does not have: it sees an empty text in every record`,
			`a condition of table partner tests the column "Test", which the file does not have: it sees an empty text in every record`}},
	} {
		result, sink := mustLoad(t, obj, c.header+"\n"+c.records)
		if diff := cmp.Diff(c.want, sink.values("partner", "name")); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", c.header, diff)
		}
		if diff := cmp.Diff(c.notes, result.Notes); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", c.header, diff)
		}
	}
	_, _, err := load(t, obj, "Id,Test\n1,\n")
	if ruleOf(err) != ingest.RuleMissingColumns {
		t.Errorf("error %v: a file in which no condition can hold would load nothing without a word", err)
	}
}

// The parts of a key may have several names each; a null part is one of which all are null.
func TestPartsOfAKeyUnderSeveralNames(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: lines
		files: ["*.csv"]
		mode: append
		tables:
			- table: opportunity_line
				columns:
					opportunity_id: {key: order, from: [[Order, Order No], [Plant, Site]]}
					line_no: {from: Line}
					product_code: {const: A}
`)
	_, sink := mustLoad(t, obj, "Order No,Site,Plant,Line\n1,a,,1\n2,a,b,1\n3,,,1\n")
	if diff := cmp.Diff([]string{"crm:order:1|a", "crm:order:2|b"}, sink.values("opportunity_line", "opportunity_id")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"3 line 4 byte 40: Plant missing_value refused"}, sink.refusals()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}
