package ingest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// deals uses every way to fill a column.
const deals = `
objects:
	- object: deals
		files: ["*.csv"]
		mode: upsert
		read: {timezone: Europe/Berlin, null_values: ["", NA]}
		tables:
			- table: opportunity
				columns:
					opportunity_id: {key: deal, from: [Deal ID]}
					name: {from: [Deal Name, Name], transform: [trim, upper]}
					customer_key: {key: account, source: erp, from: [Country, Account]}
					customer_domain: {from: Website, transform: domain}
					pipeline: {transform: [{from_filename: "^(.+)\\.csv"}, lower]}
					stage_class: {from: Stage, map: {Closed Won: won, Closed Lost: lost}, else: open}
					stage_order: {from: Stage, map: {Open: 1, Closed Won: 5}}
					is_closed: {from: Closed}
					is_won: {from: Closed, transform: {bool: {"true": [won], "false": ["true", "false"]}}, default: false}
					amount: {from: Amount, transform: [{dec: {decimal: comma, group: "."}}]}
					amount_at_creation: {from: Cents, transform: [{minor_units: 2}]}
					currency: {from: Currency, default: USD}
					probability: {from: Probability, transform: [pct]}
					created_at: {from: Created, transform: [{ts: ["2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00"]}]}
					expected_close_on: {from: Close, transform: [{date: ["02.01.2006"]}]}
					lost_reason: {from: [Reason, Detail], transform: [{concat: ": "}]}
					deal_type: {from: Type}
					lead_source: {from: Source, map: {WEB: Website}}
					deal_reg_id: {key: true, from: Registration, transform: [id18]}
					source_partner_id: {from: Partner, resolve: {id_type: crm_account, source: crm}}
					owner_key: {from: Owner, transform: [hmac_email]}
					push_count: {from: Pushes, transform: [{split: {sep: ";", index: 1}}, int]}
					source_modified_at: {from: Modified}
`

func TestValues(t *testing.T) {
	const header = "Deal ID,Name,Deal Name,Account,Country,Website,Stage,Closed,Amount,Cents,Currency,Probability,Created,Close,Reason,Detail,Type,Source,Registration,Partner,Owner,Pushes,Modified\n"
	result, sink := mustLoad(t, mapping(t, deals), header+
		`7,second choice, first choice ,A|1,DE\AT,https://www.example.co.uk/x,Closed Won,true,"1.234,5",199,EUR,75 %,2026-07-01 12:00:00,31.10.2026,price,too high,new,WEB,0017Q00000KGhjM,P1,Jo@Example.com,a;3;b,2026-07-01T12:00:00.5+02:00`+"\n"+
		`8,second choice,,A1,,,NA,false,,,,,2026-01-15T10:00:00Z,,,too late,new,Phone,,,,,`+"\n")
	mac := hmac.New(sha256.New, []byte("k"))
	mac.Write([]byte("jo@example.com"))
	want := []map[string]string{
		{
			"opportunity_id": "crm:deal:7", "name": "FIRST CHOICE", "customer_key": `erp:account:DE\\AT|A\|1`, "customer_domain": "example.co.uk", "pipeline": "test",
			"stage_class": "won", "stage_raw": "Closed Won", "stage_order": "5", "is_closed": "true", "is_won": "false", "amount": "1234.5", "amount_at_creation": "1.99",
			"currency": "EUR", "probability": "0.75", "created_at": "2026-07-01T10:00:00Z", "expected_close_on": "2026-10-31", "lost_reason": "price: too high",
			"deal_type": "new", "deal_type_raw": "new", "lead_source": "Website", "deal_reg_id": "crm:deals:0017Q00000KGhjMQAT", "source_partner_id": "crm:crm_account:P1",
			"owner_key": hex.EncodeToString(mac.Sum(nil)), "push_count": "3", "source_modified_at": "2026-07-01T10:00:00.5Z",
		},
	}
	var got []map[string]string
	for _, r := range sink.rows {
		got = append(got, r.Values)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	// Without a stage there is no source text of it, which the contract requires.
	if diff := cmp.Diff([]string{"2 line 3 byte 407: Stage missing_value refused"}, sink.refusals()); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	if len(result.UnmappedValues) != 0 {
		t.Errorf("unmapped values %v", result.UnmappedValues)
	}
}

func TestNullsAndDefaults(t *testing.T) {
	_, sink := mustLoad(t, mapping(t, deals), "Deal ID,Name,Country,Account,Stage,Closed,Created,Detail,Type,Source\n"+
		"8,NA,DE,,Open,no,2026-01-15T10:00:00Z,too late,,Phone\n")
	want := map[string]string{
		"opportunity_id": "crm:deal:8", "pipeline": "test", "stage_class": "open", "stage_raw": "Open", "stage_order": "1", "is_closed": "false",
		"currency": "USD", "created_at": "2026-01-15T10:00:00Z", "lost_reason": "too late", "deal_type": "unknown", "lead_source": "Phone",
	}
	// "no" is no declared word for is_won, without which a row can be.
	if diff := cmp.Diff([]string{"1 line 2 byte 69: Closed not_a_bool kept"}, sink.refusals()); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	want["is_won"] = "false"
	result, sink := mustLoad(t, mapping(t, strings.ReplaceAll(deals, `"false": ["true", "false"]`, `"false": ["no"]`)), "Deal ID,Name,Country,Account,Stage,Closed,Created,Detail,Type,Source\n"+
		"8,NA,DE,,Open,no,2026-01-15T10:00:00Z,too late,,Phone\n")
	if diff := cmp.Diff(want, sink.rows[0].Values); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	unmapped := map[string]map[string]int64{"opportunity.deal_type": {"": 1}, "opportunity.lead_source": {"Phone": 1}}
	if diff := cmp.Diff(unmapped, result.UnmappedValues); diff != "" {
		t.Errorf("unmapped values (-want +got):\n%s", diff)
	}
	missing := []string{"Website", "Amount", "Cents", "Currency", "Probability", "Close", "Reason", "Registration", "Partner", "Owner", "Pushes", "Modified"}
	if diff := cmp.Diff(missing, result.MissingColumns); diff != "" {
		t.Errorf("missing columns (-want +got):\n%s", diff)
	}
}

func TestClosedLists(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: partners
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: partner
				columns:
					partner_id: {key: partner, from: Id}
					name: {from: Id}
					partner_type: {from: Type, map: {Reseller: reseller, Reference: referral}}
					status: {from: Status}
			- table: partner_history
				columns:
					partner_id: {key: partner, from: Id}
					attribute: {from: Attribute}
					valid_from: {const: "2026-01-01T00:00:00Z"}
					basis: {const: declared}
			- table: activity
				columns:
					activity_id: {key: note, from: Id}
					kind: {from: Type, map: {Call: call}}
					status: {from: Status, map: {active: held}, else: planned}
`)
	result, sink := mustLoad(t, obj, "Id,Type,Status,Attribute\n1,Reseller,active,tier\n2, Reference ,Active,status\n3,Call,,\n4,Fax,done,shoe size\n")
	want := map[string][]string{
		"partner": {"reseller Reseller active active", "referral  Reference  unknown Active", "unknown Call unknown -", "unknown Fax unknown done"},
		"activity": {
			"other Reseller held active", "other  Reference  planned Active", "call Call planned -", "other Fax planned done",
		},
		"partner_history": {"tier", "status"},
	}
	for table, columns := range map[string][]string{
		"partner":  {"partner_type", "partner_type_raw", "status", "status_raw"},
		"activity": {"kind", "kind_raw", "status", "status_raw"}, "partner_history": {"attribute"},
	} {
		if diff := cmp.Diff(want[table], sink.values(table, columns...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table, diff)
		}
	}
	unmapped := map[string]map[string]int64{
		"partner.partner_type": {"Call": 1, "Fax": 1}, "partner.status": {"Active": 1, "": 1, "done": 1},
		"activity.kind": {"Reseller": 1, "Reference": 1, "Fax": 1},
	}
	if diff := cmp.Diff(unmapped, result.UnmappedValues); diff != "" {
		t.Errorf("unmapped values (-want +got):\n%s", diff)
	}
	refused := []string{"3 line 4 byte 76: Attribute missing_value refused", "4 line 5 byte 85: Attribute not_in_list refused"}
	if diff := cmp.Diff(refused, sink.refusals()); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

// A list of many values, and an enum made of two columns, whose source text is kept as it was joined.
func TestLongMapsAndJoinedTexts(t *testing.T) {
	var stages strings.Builder
	for i := range 30 {
		fmt.Fprintf(&stages, "p/s%d: won, ", i)
	}
	obj := mapping(t, `
objects:
	- object: changes
		files: ["*.csv"]
		mode: append
		tables:
			- table: opportunity_stage_event
				columns:
					opportunity_id: {key: deal, from: Deal}
					changed_at: {const: "2026-01-01T00:00:00Z"}
					seq: {const: 1}
					to_stage: {from: Stage}
					stage_class: {from: [Pipeline, Stage], transform: [{concat: /}, lower], map: {`+stages.String()+`}}
					basis: {const: history_object}
`)
	_, sink := mustLoad(t, obj, "Deal,Pipeline,Stage\n1,P,S7\n2,,s7\n3,P,S29\n")
	want := []string{"won P/S7", "unknown s7", "won P/S29"}
	if diff := cmp.Diff(want, sink.values("opportunity_stage_event", "stage_class", "stage_class_raw")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmappedValuesAreBounded(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: codes
		files: ["*.csv"]
		mode: append
		tables:
			- table: code_map
				columns: {source: {const: crm}, domain: {const: x}, raw_value: {from: A}, canonical: {from: A, map: {a: b}}}
`)
	var text strings.Builder
	text.WriteString("A\n")
	for i := range 150 {
		text.WriteString(strings.Repeat("x", i+1) + "\n" + strings.Repeat("x", i+1) + "\n")
	}
	result, _ := mustLoad(t, obj, text.String())
	counts := result.UnmappedValues["code_map.canonical"]
	if len(counts) != 101 || counts["x"] != 2 || counts[ingest.OtherValues] != 100 {
		t.Errorf("%d values, x %d times, others %d times", len(counts), counts["x"], counts[ingest.OtherValues])
	}
}

func TestConditions(t *testing.T) {
	const text = "Id,Type\n1,Partner\n2, Partner \n3,Customer\n4,\n5,NA\n6,partner\n"
	for condition, want := range map[string]string{
		"in: [Partner, Reseller]":  "1 2",
		`in: ["", Customer]`:       "3 4 5",
		"not_in: [Partner]":        "3 4 5 6",
		`matches: "^(?i)partner$"`: "1 2 6",
		`matches: "art"`:           "1 2 6",
		"empty: true":              "4 5",
		"empty: false":             "1 2 3 6",
		`not_in: ["", Partner]`:    "3 6",
	} {
		obj := mapping(t, `
objects:
	- object: partners
		files: ["*.csv"]
		mode: append
		read: {null_values: ["", NA]}
		tables:
			- table: code_map
				where: [{from: Type, `+condition+`}, {from: Id, not_in: ["9"]}]
				columns: {source: {const: crm}, domain: {const: x}, raw_value: {from: Id}, canonical: {const: y}}
`)
		result, sink := mustLoad(t, obj, text)
		if got := strings.Join(sink.values("code_map", "raw_value"), " "); got != want {
			t.Errorf("%s takes %s, want %s", condition, got, want)
		}
		if c := result.Tables[0]; c.Filtered != 6-c.Rows {
			t.Errorf("%s: %+v", condition, c)
		}
	}
}

func TestDeletedRecords(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: rates
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: fx_rate
				deleted: {from: IsDeleted, not_in: ["0", "false"]}
				columns: {currency: {from: C}, base_currency: {const: EUR}, valid_from: {from: D}, rate: {from: R}}
`)
	_, sink := mustLoad(t, obj, "C,D,R,IsDeleted\nUSD,2026-01-01,1.1,0\nUSD,2026-01-01,1.1,1\n")
	if len(sink.rows) != 2 || sink.rows[0].Deleted || !sink.rows[1].Deleted {
		t.Fatalf("rows %+v", sink.rows)
	}
	if sink.rows[0].Hash == sink.rows[1].Hash || sink.rows[0].Key != sink.rows[1].Key {
		t.Error("a deletion is another version of the same key")
	}
	if _, sink = mustLoad(t, obj, "C,D,R\nUSD,2026-01-01,1.1\n"); sink.rows[0].Deleted {
		t.Error("without the column nothing is deleted")
	}
}

// Several records that say the same of one key are one row, whatever the columns say that nothing maps.
func TestRecordsOfOneKey(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: orders
		files: ["*.csv"]
		mode: snapshot
		tables:
			- table: opportunity_partner
				columns: {opportunity_id: {key: order, from: Order}, partner_id: {from: Partner, resolve: duns}, role: {const: resold}, basis: {const: owner}}
			- table: opportunity_line
				columns: {opportunity_id: {key: order, from: Order}, line_no: {from: Line}, product_code: {from: Product}}
`)
	result, sink := mustLoad(t, obj, "Order,Line,Partner,Product,Note,Tax\n1,1,P,A,\"say \"\"hi\"\",\t\n\x01ü\\\",3\n1,2,P,B,,NULL\n2,1,P,A,,\n")
	want := []ingest.TableCount{{Table: "opportunity_partner", Units: 3, Rows: 2, Unchanged: 1}, {Table: "opportunity_line", Units: 3, Rows: 3}}
	if diff := cmp.Diff(want, result.Tables); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Note", "Tax"}, result.ExtraColumns); diff != "" {
		t.Errorf("extra columns (-want +got):\n%s", diff)
	}
	extra := map[string][]string{}
	for _, r := range sink.rows {
		extra[r.Table] = append(extra[r.Table], r.Extra)
	}
	wantExtra := map[string][]string{
		"opportunity_partner": {"", ""},
		"opportunity_line":    {`{"Note":"say \"hi\",\t\n\u0001ü\\","Tax":"3"}`, `{"Tax":"NULL"}`, ""},
	}
	if diff := cmp.Diff(wantExtra, extra); diff != "" {
		t.Errorf("unmapped columns (-want +got):\n%s", diff)
	}
}

func TestUnchangedRowsAreNotWrittenAgain(t *testing.T) {
	obj := rates(t, "")
	obj.Mode, obj.Tables[0].Mode = "upsert", "upsert"
	sink := &memory{}
	run := func(text string) ingest.TableCount {
		t.Helper()
		sink.rows, sink.written = nil, nil
		result, err := ingest.File(t.Context(), strings.NewReader(text), "in/test.csv", "abc", obj, ingest.Options{Source: "crm", BatchRows: 2}, sink)
		if err != nil {
			t.Fatal(err)
		}
		checkResult(t, result, sink)
		return result.Tables[0]
	}
	const day = "Currency,Day,Rate\nUSD,2026-01-01,1.1\nGBP,2026-01-01,0.85\nCHF,2026-01-01,0.95\nSEK,2026-01-01,11\nNOK,2026-01-01,11.5\n"
	if c := run(day); c.Rows != 5 {
		t.Errorf("first night: %+v", c)
	}
	if c := run(day); c.Rows != 0 || c.Unchanged != 5 {
		t.Errorf("same file: %+v", c)
	}
	if c := run(strings.ReplaceAll(strings.ReplaceAll(day, "0.85", "0.86"), "11.5", "11.6")); c.Rows != 2 || c.Unchanged != 3 {
		t.Errorf("two changes: %+v", c)
	}
	if got := strings.Join(sink.values("fx_rate", "currency", "rate"), ", "); got != "GBP 0.86, NOK 11.6" {
		t.Errorf("rows are %s", got)
	}
	obj.Tables[0].Mode = "append"
	if c := run(day); c.Rows != 5 {
		t.Errorf("facts that are appended are always written: %+v", c)
	}
}

// A key whose record was refused is not gone.
func TestKeysOfRefusedRecordsAreKept(t *testing.T) {
	obj := rates(t, "")
	obj.Tables[0].Mode = "snapshot"
	_, sink := mustLoad(t, obj, "Currency,Day,Rate\nUSD,2026-01-01,1.1\nGBP,2026-01-01,none\n,2026-01-01,1\nCHF,2026-01-01\n")
	if len(sink.rows) != 1 || len(sink.rejects) != 3 || sink.kept["fx_rate"] != 1 {
		t.Errorf("%d rows, %d rejects, %d keys kept; want 1, 3 and 1: only one refused record has a key that could be read", len(sink.rows), len(sink.rejects), sink.kept["fx_rate"])
	}
}

func TestTimeZoneOfTheRun(t *testing.T) {
	obj := mapping(t, strings.ReplaceAll(deals, "timezone: Europe/Berlin, ", ""))
	const text = "Deal ID,Country,Account,Stage,Closed,Created,Type\n7,DE,A,Open,true,2026-07-01 12:00:00,new\n"
	for zone, want := range map[string]string{"": "", "UTC": "2026-07-01T12:00:00Z", "Asia/Tokyo": "2026-07-01T03:00:00Z"} {
		sink := &memory{}
		if _, err := ingest.File(t.Context(), strings.NewReader(text), "test.csv", "abc", obj, ingest.Options{Source: "crm", TimeZone: zone, EmailKey: []byte("k")}, sink); err != nil {
			t.Fatal(err)
		}
		switch {
		case want == "":
			if len(sink.rejects) != 1 || sink.rejects[0].Rule != "no_zone" {
				t.Errorf("without a zone: %v", sink.refusals())
			}
		case len(sink.rows) != 1 || sink.rows[0].Values["created_at"] != want:
			t.Errorf("%s: %v", zone, sink.values("opportunity", "created_at"))
		}
	}
	if _, err := ingest.File(t.Context(), strings.NewReader(text), "test.csv", "abc", obj, ingest.Options{Source: "crm", TimeZone: "Berlin", EmailKey: []byte("k")}, &memory{}); err == nil {
		t.Error("an unknown zone must be an error")
	}
}

// Without a key an address is not kept in any form; where a row cannot do without, nothing is read.
func TestAddressesWithoutAKey(t *testing.T) {
	person := func(email string) *preset.Object {
		return mapping(t, `
objects:
	- object: people
		files: ["*.csv"]
		mode: upsert
		tables:
			- table: person
				columns: {person_id: `+email+`, email_hash: {from: Email, transform: hmac_email}, role: {const: sales}}
`)
	}
	sink := &memory{}
	result, err := ingest.File(t.Context(), strings.NewReader("Id,Email\n1,jo@example.com\n"), "test.csv", "abc", person("{key: user, from: Id}"), ingest.Options{Source: "crm"}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"crm:user:1 -"}, sink.values("person", "person_id", "email_hash")); diff != "" || len(result.Notes) != 1 {
		t.Errorf("notes %v, rows (-want +got):\n%s", result.Notes, diff)
	}
	_, err = ingest.File(t.Context(), strings.NewReader("Id,Email\n1,jo@example.com\n"), "test.csv", "abc", person("{key: user, from: Email, transform: hmac_email}"), ingest.Options{Source: "crm"}, &memory{})
	if err == nil || !strings.Contains(err.Error(), "needs a key") {
		t.Errorf("a key made of addresses without a key: %v", err)
	}
}

// A mapping that was not checked by Parse is refused with an error.
func TestUncheckedMappings(t *testing.T) {
	column := func(c preset.Column) *preset.Object {
		obj := rates(t, "")
		for i := range obj.Tables[0].Columns {
			if obj.Tables[0].Columns[i].Name == c.Name {
				obj.Tables[0].Columns[i] = c
				return obj
			}
		}
		obj.Tables[0].Columns = append(obj.Tables[0].Columns, c)
		return obj
	}
	bad := "x"
	for name, obj := range map[string]*preset.Object{
		"table":    {Name: "x", Tables: []preset.Table{{Name: "nothing"}}},
		"column":   column(preset.Column{Name: "nothing", Const: &bad}),
		"const":    column(preset.Column{Name: "rate", Const: &bad}),
		"default":  column(preset.Column{Name: "rate", From: []preset.Names{{"Rate"}}, Default: &bad}),
		"map":      column(preset.Column{Name: "rate", From: []preset.Names{{"Rate"}}, Map: map[string]string{"a": "b"}}),
		"else":     column(preset.Column{Name: "rate", From: []preset.Names{{"Rate"}}, Map: map[string]string{"a": "1"}, Else: &bad}),
		"layout":   column(preset.Column{Name: "valid_from", From: []preset.Names{{"Day"}}, Transforms: []preset.Transform{{Name: preset.Date, Layouts: []string{"x"}}}}),
		"filename": column(preset.Column{Name: "currency", Transforms: []preset.Transform{{Name: preset.FromFilename, Pattern: "("}}}),
		"unfilled": {Name: "x", Tables: []preset.Table{{Name: "fx_rate"}}},
		"where":    {Name: "x", Tables: []preset.Table{{Name: "fx_rate", Where: []preset.Condition{{From: preset.Names{"Currency"}, Matches: "("}}}}},
		"deleted":  {Name: "x", Tables: []preset.Table{{Name: "fx_rate", Deleted: &preset.Condition{From: preset.Names{"Currency"}, Matches: "("}}}},
	} {
		obj.Read = preset.DefaultRead()
		if _, _, err := load(t, obj, "Currency,Day,Rate\nUSD,2026-01-01,1\n"); err == nil || !strings.Contains(err.Error(), "compile") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
