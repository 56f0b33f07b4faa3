package preset_test

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// exports is testdata/exports.good.yml for a source that looks partners up.
func exports(t *testing.T, with preset.With) *preset.Mapping {
	t.Helper()
	data, err := os.ReadFile("testdata/exports.good.yml")
	if err != nil {
		t.Fatal(err)
	}
	if with.Parameters == nil {
		with.Parameters = map[string]preset.Value{"zone": preset.Texts("Europe/Berlin"), "lookup": preset.Texts("Partner__c")}
	}
	with.Source = "crm"
	m, err := preset.Parse("exports", data, with)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func names(objects []*preset.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.Name)
	}
	return out
}

// A file is looked for by its path first, packed or not, and then among the objects that only their header tells.
func TestCandidates(t *testing.T) {
	m := exports(t, preset.With{})
	for path, want := range map[string][]string{
		"WE_1.zip/Deal.csv":    {"Deal", "Archive"},
		"Deals_2026.csv.gz":    {"Deal", "Archive"},
		"2026/Deals.csv.zst":   {"Deal", "Archive"},
		"lookups.csv":          {"Lookups", "Archive"},
		"something/else.csv":   {"Archive"},
		"deals_2026.csv":       {"Archive"}, // case counts
		"2026/lookups.csv":     {"Archive"},
		"Deals_2026.csv.gz.gz": {"Archive"},
	} {
		if diff := cmp.Diff(want, names(m.Candidates(path))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestRecognise(t *testing.T) {
	m := exports(t, preset.With{})
	for _, c := range []struct {
		path   string
		header []string
		want   string
	}{
		{"Deal.csv", []string{"ID", "close  date", "More"}, "Deal"},
		{"Deal.csv", []string{"Id", "CloseDate"}, "Deal"},
		{"Deal.csv", []string{"Id", "Archived On"}, "Archive"},
		{"Deal.csv", []string{"Id", "Closed"}, ""},
		{"any.csv", []string{"Id", "Close Date"}, ""},
		{"lookups.csv", nil, "Lookups"},
	} {
		got := ""
		o, err := m.Recognise(c.path, func(*preset.Object) (preset.Sample, error) { return preset.Rows{Header: c.header}, nil })
		if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			got = o.Name
		}
		if got != c.want {
			t.Errorf("%s with %v is %q, want %q", c.path, c.header, got, c.want)
		}
	}
	broken := errors.New("broken")
	if _, err := m.Recognise("Deal.csv", func(*preset.Object) (preset.Sample, error) { return nil, broken }); err != broken {
		t.Errorf("error %v", err)
	}
}

// The first dialect whose conditions all hold is that of the file, and the object is then read as it says.
func TestDialects(t *testing.T) {
	deal := &exports(t, preset.With{}).Objects[0]
	weekly := preset.Rows{Header: []string{"Id", "isdeleted", "Modified", "CreatedDate"}, Records: [][]string{{"1", "0", "", ""}, {"2"}, {"3", "", "", "2026-01-02 03:04:05"}}}
	with := func(change func(r *preset.Rows)) preset.Rows {
		r := preset.Rows{Header: append([]string{}, weekly.Header...), Records: weekly.Records}
		change(&r)
		return r
	}
	for _, c := range []struct {
		name, path string
		rows       preset.Rows
		want       string
	}{
		{"all hold", "a/WE_1.zip/Deal.csv", weekly, "weekly"},
		{"another path", "Deal.csv", weekly, ""},
		{"a column is missing", "WE_1.zip/Deal.csv", with(func(r *preset.Rows) { r.Header[1] = "Deleted" }), ""},
		{"a column is there that is absent", "WE_1.zip/Deal.csv", with(func(r *preset.Rows) { r.Header[0] = "Owner" }), ""},
		{"another value", "WE_1.zip/Deal.csv", with(func(r *preset.Rows) { r.Records = [][]string{{"1", "0", "", "2026-01-02T03:04:05Z"}} }), ""},
		{"no value", "WE_1.zip/Deal.csv", with(func(r *preset.Rows) { r.Records = nil }), ""},
		{"the next one", "Deal.csv", with(func(r *preset.Rows) { r.Header[0] = "Partner__c" }), "lookup"},
	} {
		got := ""
		if d := deal.Dialect(c.path, c.rows); d != nil {
			got = d.Name
		}
		if got != c.want {
			t.Errorf("%s: dialect %q, want %q", c.name, got, c.want)
		}
	}
	if deal.In(nil) != deal {
		t.Error("without a dialect an object is read as it stands")
	}
	spoken := deal.In(&deal.Dialects[0])
	want := preset.DefaultRead()
	want.TimeZone, want.Delimiter, want.SkipRows, want.Footer = "UTC", '^', 1, []string{"^Grand Totals"}
	if diff := cmp.Diff(want, spoken.Read); diff != "" {
		t.Errorf("read options (-want +got):\n%s", diff)
	}
	modes := []contract.Mode{spoken.Mode}
	for _, table := range spoken.Tables {
		modes = append(modes, table.Mode)
	}
	if diff := cmp.Diff([]contract.Mode{contract.Snapshot, contract.Snapshot, contract.Append, contract.Append}, modes); diff != "" {
		t.Errorf("modes of object and tables (-want +got):\n%s", diff)
	}
	if spoken.DialectName != "weekly" || spoken.Version() != deal.Version() || deal.Mode != contract.Upsert || deal.Tables[0].Mode != contract.Upsert {
		t.Error("a dialect has a name, leaves the version, and does not change the object that it is of")
	}
}

func TestPartsOfASnapshot(t *testing.T) {
	deal := exports(t, preset.With{}).Objects[0]
	one, ok := deal.PartOf("in/WE_00D5_1.zip/Deal.csv")
	two, ok2 := deal.PartOf("WE_00D5_2.zip/Deal.csv")
	if !ok || !ok2 || one != two {
		t.Errorf("parts %q %v and %q %v are of one snapshot", one, ok, two, ok2)
	}
	if other, _ := deal.PartOf("WE_00D6_1.zip/Deal.csv"); other == one {
		t.Error("another group is another snapshot")
	}
	if _, ok := deal.PartOf("Deal.csv"); ok {
		t.Error("a path that does not match is a snapshot by itself")
	}
}

// A source's own objects come first, and one of the same name stands for that of the preset.
func TestMerge(t *testing.T) {
	own, err := preset.Parse("own.yaml", []byte(`
objects:
  - object: Archive
    files: [archive.csv]
    mode: append
    tables: [{table: fx_rate, columns: {currency: {from: A}, base_currency: {const: EUR}, valid_from: {from: B}, rate: {from: C}}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	m := preset.Merge(own, exports(t, preset.With{}))
	var got []string
	for _, o := range m.Objects {
		got = append(got, o.Name)
	}
	if diff := cmp.Diff([]string{"Archive", "Deal", "Lookups"}, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if m.Objects[0].Tables[0].Name != "fx_rate" || m.Name != "exports+own.yaml" || len(m.Parameters) != 4 {
		t.Errorf("merged mapping is %+v", m)
	}
}
