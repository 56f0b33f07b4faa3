package start

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recognised makes files of one preset from lines "path object".
func recognised(lines ...string) []*File {
	var out []*File
	for _, line := range lines {
		path, object, _ := strings.Cut(line, " ")
		out = append(out, &File{Path: path, Preset: "crm", Object: object})
	}
	return out
}

func TestInstances(t *testing.T) {
	for name, c := range map[string]struct {
		files []*File
		// want is a folder each, with the number of its files.
		want map[string]int
	}{
		"files in the folder itself":      {recognised("a.csv Account", "b.csv Deal"), map[string]int{"": 2}},
		"one folder":                      {recognised("sf/a.csv Account", "sf/b.csv Deal"), map[string]int{"sf": 2}},
		"a folder within a folder":        {recognised("prod/sf/a.csv Account"), map[string]int{"prod/sf": 1}},
		"a folder an object":              {recognised("sf/account/a.csv Account", "sf/deal/b.csv Deal"), map[string]int{"sf": 2}},
		"a folder a day":                  {recognised("sf/2026-10-30/a.csv Account", "sf/2026-10-31/a.csv Account"), map[string]int{"sf": 2}},
		"a single day":                    {recognised("sf/2026-10-31/a.csv Account"), map[string]int{"sf": 1}},
		"a partition a day":               {recognised("sf/dt=2026-10-30/a.csv Account", "sf/dt=2026-10-31/a.csv Account"), map[string]int{"sf": 2}},
		"two organisations":               {recognised("emea/a.csv Account", "emea/b.csv Deal", "us/a.csv Account"), map[string]int{"emea": 2, "us": 1}},
		"two organisations, a level down": {recognised("sf/emea/1/a.csv Account", "sf/us/1/a.csv Account"), map[string]int{"sf/emea": 1, "sf/us": 1}},
		"files beside a folder":           {recognised("a.csv Account", "old/a.csv Account"), map[string]int{"": 2}},
		"an archive is no folder":         {recognised("sf/WE_1.zip/Account.csv Account", "sf/WE_2.zip/Account.csv Account"), map[string]int{"sf": 2}},
		"nothing":                         {nil, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]int{}
			for _, in := range instances("", c.files) {
				got[in.Folder] = len(in.Files)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNamesOfSourcesAreUnique(t *testing.T) {
	taken := map[string]bool{}
	var got []string
	for _, c := range [][2]string{
		{"", "salesforce"}, {"", "salesforce"}, {"EMEA Sales", "salesforce"}, {"academy", "docebo"}, {"academy", "moodle"}, {"academy", "moodle"}, {"日本", "xapi"}, {"日本", "xapi"},
	} {
		got = append(got, unique(taken, nameOf(c[0]), c[1]))
	}
	want := []string{"salesforce", "salesforce-2", "emea-sales", "academy", "moodle", "academy-moodle", "xapi", "xapi-2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestStem(t *testing.T) {
	for path, want := range map[string]string{
		"crm/deals.csv.gz": "deals", "events-2026-10.jsonl.zst": "events", "a/b/Ledger 20261031 v2.xlsx": "Ledger", "2026-10-31.csv": "", "export.v2": "export.v2",
	} {
		if got := stem(path); got != want {
			t.Errorf("stem(%q) = %q, want %q", path, got, want)
		}
	}
}
