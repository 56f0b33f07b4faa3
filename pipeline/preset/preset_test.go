package preset_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

func text(s string) *string { return &s }

// deals is testdata/deals.good.yml.
func deals(t *testing.T) *preset.Mapping {
	t.Helper()
	data, err := os.ReadFile("testdata/deals.good.yml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := preset.Parse("deals", data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseDecodesWhatTheFileSays(t *testing.T) {
	o := deals(t).Objects[0]
	read := preset.ReadOptions{Quote: '"', Encoding: "utf-8", NullValues: []string{"", "NA"}, TimeZone: "Europe/Berlin", Header: 1}
	if diff := cmp.Diff(read, o.Read); diff != "" {
		t.Errorf("read options (-want +got):\n%s", diff)
	}
	if o.Mode != contract.Snapshot || o.Tables[0].Mode != contract.Snapshot || o.Tables[1].Mode != contract.Upsert || o.Tables[2].Mode != contract.Append {
		t.Error("a table has the mode of its object unless it states its own")
	}
	if diff := cmp.Diff(&preset.Condition{From: preset.Names{"IsDeleted"}, In: []string{"true", "1"}}, o.Tables[0].Deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	want := map[string]preset.Column{
		"opportunity_id":    {From: []preset.Names{{"Deal ID"}}, Key: "deal"},
		"name":              {From: []preset.Names{{"Deal Name", "Name"}}, Transforms: []preset.Transform{{Name: preset.Trim}}},
		"stage_class":       {From: []preset.Names{{"Stage"}}, Map: map[string]string{"Closed Won": "won", "Closed Lost": "lost"}, Else: text("open")},
		"is_closed":         {From: []preset.Names{{"Stage"}}, Map: map[string]string{"Closed Won": "true", "Closed Lost": "true"}, Else: text("false")},
		"amount":            {From: []preset.Names{{"Amount"}}, Transforms: []preset.Transform{{Name: preset.Dec, Point: ',', Group: "."}}},
		"currency":          {From: []preset.Names{{"Currency"}}, Default: text("USD")},
		"expected_close_on": {From: []preset.Names{{"Close"}}, Transforms: []preset.Transform{{Name: preset.Date, Layouts: []string{"02.01.2006"}}}},
		"deal_type":         {Const: text("new")},
		"deal_reg_id":       {From: []preset.Names{{"Registration"}}, Key: "deals", Source: "portal"},
		"source_partner_id": {From: []preset.Names{{"Partner ID"}}, Resolve: "crm_account", Source: "crm", Transforms: []preset.Transform{{Name: preset.ID18}}},
	}
	for name, w := range want {
		w.Name = name
		c, ok := o.Tables[0].Column(name)
		if !ok {
			t.Errorf("column %s is gone", name)
		} else if diff := cmp.Diff(w, *c); diff != "" {
			t.Errorf("column %s (-want +got):\n%s", name, diff)
		}
	}
	if c, _ := o.Tables[2].Column("reference"); !c.JoinsAll() {
		t.Error("concat joins all of its columns")
	}
	if c, _ := o.Tables[0].Column("name"); c.JoinsAll() {
		t.Error("a list of columns without concat means the first that is not null")
	}
	tabs := deals(t).Objects[1].Read
	if tabs.Delimiter != '\t' || tabs.Quote != 0 || tabs.Encoding != preset.EncodingUTF16LE {
		t.Errorf("read options of a tab file: %+v", tabs)
	}
	if diff := cmp.Diff(tabs, deals(t).Objects[2].Read); diff != "" {
		t.Errorf("an alias must read as what it stands for (-want +got):\n%s", diff)
	}
}

func TestColumnsFollowTheContract(t *testing.T) {
	for _, o := range deals(t).Objects {
		for _, table := range o.Tables {
			declared, _ := contract.Lookup(table.Name)
			last := -1
			for _, c := range table.Columns {
				if at := declared.Index(c.Name); at <= last {
					t.Errorf("%s.%s is out of order", table.Name, c.Name)
				} else {
					last = at
				}
			}
		}
	}
}

func TestProblemShowsTheLine(t *testing.T) {
	_, err := preset.Parse("crm.yaml", []byte("objects:\n  - object: deals\n    fils: [a]\n"))
	problems, ok := err.(preset.Problems)
	if !ok {
		t.Fatalf("error is %T", err)
	}
	want := preset.Problem{
		File: "crm.yaml", Path: "objects[0].fils", Line: 3, Message: "unknown key", Hint: "did you mean files?",
		Snippet: "      2 |   - object: deals\n  >   3 |     fils: [a]\n",
	}
	for _, p := range problems {
		if p.Line == 3 {
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Errorf("no problem on line 3: %v", err)
}

func TestVersionIsOfTheContent(t *testing.T) {
	const one = "objects:\n- object: rates\n  files: [r.csv]\n  mode: append\n  tables:\n  - table: fx_rate\n    columns:\n" +
		"      currency: {from: C}\n      base_currency: {const: EUR}\n      valid_from: {from: D}\n      rate: {from: R}\n"
	const same = "# rates\nobjects:\n- files: [\"r.csv\"]\n  object: rates\n  tables:\n  - columns:\n" +
		"      rate: {from: [R]}\n      currency: {from: C}\n      base_currency: {const: EUR}\n      valid_from: {from: D}\n    table: fx_rate\n    mode: append\n  mode: append\n"
	parse := func(name, yaml string) *preset.Mapping {
		m, err := preset.Parse(name, []byte(yaml))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a, b := parse("a.yaml", one), parse("b.yaml", same)
	if a.Version() != b.Version() || a.Objects[0].Version() != b.Objects[0].Version() {
		t.Error("order of keys, comments and the file's name must not change the version")
	}
	if ok, _ := regexp.MatchString("^[0-9a-f]{16}$", a.Version()); !ok {
		t.Errorf("version is %q", a.Version())
	}
	for _, change := range [][2]string{{"EUR", "USD"}, {"{from: R}", "{from: S}"}, {"r.csv", "s.csv"}, {"append", "upsert"}, {"object: rates", "object: rate"}} {
		if other := parse("a.yaml", strings.Replace(one, change[0], change[1], 1)); other.Version() == a.Version() {
			t.Errorf("%v must change the version", change)
		}
	}
}

func TestFindTakesTheFirstObjectThatMatches(t *testing.T) {
	m := deals(t)
	for path, want := range map[string]string{
		"deals.csv": "deals", "deals-2026.csv": "deals", "crm/deals-1.csv.gz": "deals", "crm/eu/x/deals-1.csv.gz": "deals",
		"completion-a-20260101.csv": "completions", "courses/a.csv": "courses",
		"Deals.csv": "", "crm/deals.csv": "", "courses/x/a.csv": "",
	} {
		o, ok := m.Find(path)
		if ok != (want != "") || ok && o.Name != want {
			t.Errorf("%s: found %v, want %q", path, o, want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"*.csv", "a.csv", true}, {"*.csv", "x/a.csv", false}, {"**/*.csv", "a.csv", true}, {"**/*.csv", "x/y/a.csv", true},
		{"x/**", "x/y/a.csv", true}, {"x/**", "x", true}, {"x/**/a", "x/a", true}, {"x/**/a", "xa", false}, {"**", "anything/at/all", true},
		{"a?c", "abc", true}, {"a?c", "a/c", false}, {"[a-c].csv", "b.csv", true}, {"[a-c].csv", "d.csv", false},
		{"[[]x[*].csv", "[x*.csv", true}, {"A.csv", "a.csv", false}, {"ü*.csv", "über.csv", true}, {"", "", true}, {"[", "[", false},
	} {
		if got := preset.Match(c.glob, c.path); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.glob, c.path, got)
		}
	}
}

// Match agrees with a regular expression that says the same.
func TestMatchAgreesWithARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := rapid.SliceOfN(rapid.SampledFrom([]string{"**", "*", "a", "b", "a*", "*b", "a?", "[ab]"}), 1, 5).Draw(t, "glob")
		path := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[ab]{1,3}`), 1, 5).Draw(t, "path"), "/")
		var re strings.Builder
		re.WriteString("^/")
		for _, s := range segments {
			if s == "**" {
				re.WriteString("([^/]+/)*")
				continue
			}
			re.WriteString(strings.NewReplacer("*", "[^/]*", "?", "[^/]").Replace(s) + "/")
		}
		want := regexp.MustCompile(re.String() + "$").MatchString("/" + path + "/")
		if got := preset.Match(strings.Join(segments, "/"), path); got != want {
			t.Fatalf("Match(%q, %q) = %v, want %v", strings.Join(segments, "/"), path, got, want)
		}
	})
}

func TestRequiredColumns(t *testing.T) {
	var got []string
	for _, r := range preset.Required(&deals(t).Objects[0]) {
		got = append(got, r.For+": "+r.String())
	}
	want := []string{
		"required: Owner",
		"opportunity.where: Type",
		"opportunity.where: Deal ID",
		"opportunity.stage_class: Stage",
		"opportunity.created_at: Created",
		"opportunity_partner.where: Partner ID",
		"opportunity_partner.role: Role",
		"ledger_entry.entry_id: Line",
		"ledger_entry.amount: Cents",
		"ledger_entry.incurred_on: Close",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("required columns (-want +got):\n%s", diff)
	}
	alternatives := preset.Object{Tables: []preset.Table{{Name: "person", Columns: []preset.Column{
		{Name: "person_id", Key: "user", From: []preset.Names{{"Id"}, {"Org"}}},
		{Name: "partner_id", Key: "org", From: []preset.Names{{"Org"}, {"Company"}}},
		{Name: "role", From: []preset.Names{{"Role", "Function"}}},
		{Name: "title", From: []preset.Names{{"Title"}}},
	}}}}
	got = nil
	for _, r := range preset.Required(&alternatives) {
		got = append(got, r.String())
	}
	alternatives.Tables[0].Columns[0].From = []preset.Names{{"Id", "Org"}}
	for _, r := range preset.Required(&alternatives) {
		got = append(got, r.String())
	}
	if diff := cmp.Diff([]string{"Id", "Org", "Role or Function", "Id or Org", "Role or Function"}, got); diff != "" {
		t.Errorf("all parts of a key are required, one of the alternatives is enough (-want +got):\n%s", diff)
	}
	filled := false
	guarded := preset.Object{Tables: []preset.Table{{Name: "opportunity_partner",
		Where: []preset.Condition{{From: preset.Names{"Partner"}, Empty: &filled, Optional: true}},
		Columns: []preset.Column{
			{Name: "opportunity_id", Key: "deal", From: []preset.Names{{"Id"}}},
			{Name: "partner_id", Resolve: "crm_account", From: []preset.Names{{"Partner"}}},
		},
	}}}
	if got := preset.Required(&guarded); len(got) != 1 || got[0].String() != "Id" {
		t.Errorf("requires %v, want Id alone: without Partner the table takes no record, and the file may feed others", got)
	}
}

func TestRawSibling(t *testing.T) {
	for _, c := range []struct{ table, column, want string }{
		{"opportunity", "stage_class", "stage_raw"},
		{"opportunity_stage_event", "stage_class", "stage_class_raw"},
		{"partner", "status", "status_raw"},
		{"opportunity_partner", "basis", ""},
		{"partner", "name", ""},
	} {
		table, _ := contract.Lookup(c.table)
		column, _ := table.Column(c.column)
		if raw, _ := preset.RawSibling(table, column); raw.Name != c.want {
			t.Errorf("%s.%s keeps its text in %q, want %q", c.table, c.column, raw.Name, c.want)
		}
	}
}

func TestFallback(t *testing.T) {
	for _, c := range []struct{ enum, want string }{{"a other unknown", "unknown"}, {"a other", "other"}, {"a b", ""}} {
		if got, ok := preset.Fallback(strings.Fields(c.enum)); got != c.want || ok != (c.want != "") {
			t.Errorf("fallback of %q is %q", c.enum, got)
		}
	}
}

func TestEncodings(t *testing.T) {
	for name, want := range map[string]bool{
		"auto": true, "utf-8": true, "utf-16be": true, "windows-1252": true, "iso-8859-1": true, "ibm850": true, "koi8-r": true,
		"shift_jis": false, "ansi": false, "": false,
	} {
		if got := preset.KnownEncoding(name); got != want {
			t.Errorf("KnownEncoding(%q) = %v", name, got)
		}
	}
}

// Whatever a file holds, Parse answers a mapping or problems, each of them with a message.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"deals.good.yml", "exports.good.yml", "exports.bad.yml", "shape.bad.yml", "transforms.bad.yml", "keys.bad.yml"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("objects: &a [*a]"))
	f.Add([]byte("objects: [&a {<<: *a, object: x}]"))
	with := preset.With{
		Source: "crm", Aliases: map[string][]string{"Id": {"Nr"}},
		Parameters: map[string]preset.Value{"zone": preset.Texts("Europe/Berlin"), "types": preset.Texts("a", "$b"), "stages": {Map: map[string]string{"a": "won"}}},
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := preset.Parse("fuzz", data, with)
		if err == nil {
			if m.Version() == "" {
				t.Fatal("a mapping has a version")
			}
			return
		}
		problems, ok := err.(preset.Problems)
		if !ok || len(problems) == 0 {
			t.Fatalf("error %T: %v", err, err)
		}
		for _, p := range problems {
			if p.Message == "" || p.File != "fuzz" {
				t.Fatalf("empty problem %+v", p)
			}
		}
	})
}
