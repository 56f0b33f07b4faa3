package start_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/run/start"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3/s3test"
)

const (
	companies = "Record ID,Company name,Company Domain Name,Type\n1,Alpine Systems,alpine.example,PARTNER\n"
	deals     = "Record ID,Deal Name,Deal Stage,Pipeline,Amount,Currency,Create Date,Close Date\n7,Big,Closed won,default,100,EUR,2026-01-05 10:00,2026-03-05 10:00\n"
	resellers = "ResellerKey;ResellerName;BusinessType\n1;A Bike Store;Warehouse\n"
	answers   = "Partner;Wie war's?;#1: \"x\"\nA-1;5;a\nA-2;4;b\n"
)

// folder writes files and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func look(t *testing.T, from open.Place) *start.Findings {
	t.Helper()
	found, err := start.Look(t.Context(), from, start.Hints{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// several are the exports of three systems, of which two are of one kind, one that nobody knows and one damaged.
var several = map[string]string{
	"emea/companies.csv": companies, "emea/deals.csv": deals, "us/companies.csv": companies, "DimReseller.csv": resellers,
	"survey/answers 2026-10.csv": answers, "survey/answers 2026-09.csv": answers, "broken.zip": "PK\x03\x04 no archive",
}

func TestLook(t *testing.T) {
	found := look(t, open.Place{Path: folder(t, several)})
	var got []string
	for _, in := range found.Instances {
		got = append(got, in.Name+" "+in.Preset+" "+in.Folder+" "+strings.Join(in.Kinds(), "; "))
	}
	for _, u := range found.Unknown {
		got = append(got, "unknown "+u.Name+" "+u.Folder)
	}
	for _, f := range found.Troubled {
		got = append(got, "troubled "+f.Path)
	}
	want := []string{
		"adventureworks adventureworks  resellers", "emea hubspot emea labels: companies, deals", "us hubspot us labels: companies",
		"unknown survey survey", "troubled broken.zip",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if found.Listed != len(several) {
		t.Errorf("%d exports were listed, want %d", found.Listed, len(several))
	}
}

// The configuration loads, says what was found, and asks what it does not know; the mapping names every column.
func TestFiles(t *testing.T) {
	dir := folder(t, several)
	found := look(t, open.Place{Path: dir})
	out := filepath.Join(dir, "..", "conf", "partnerhealth.yaml")
	written, err := found.Write(out, false)
	if err != nil || len(written) != 2 {
		t.Fatalf("%v, %v; want a configuration and a mapping", written, err)
	}
	c, err := config.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) != 3 || c.Program.Currency != "EUR" || c.Sources[1].Path != filepath.Join(dir, "emea") {
		t.Errorf("%+v", c.Sources)
	}
	text := found.Files(out)[0].Content
	for _, part := range []string{
		"# ASK: what is your partner programme called", "# named by 1 of the 1 first records that name a currency\n  currency: EUR\n",
		"  #   deals (labels): emea/deals.csv\n", "  # - name: survey\n", "#   broken.zip ",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the configuration does not say %q:\n%s", part, text)
		}
	}
	skeleton := found.Files(out)[1].Content
	var mapping struct {
		Objects []struct {
			Object string
			Files  []string
			Tables []struct {
				Columns map[string]struct{ From string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(skeleton), &mapping); err != nil {
		t.Fatalf("%v in\n%s", err, skeleton)
	}
	if len(mapping.Objects) != 1 || len(mapping.Objects[0].Files) != 2 || mapping.Objects[0].Object != "answers" {
		t.Fatalf("%+v; want one object of two files with the same columns", mapping.Objects)
	}
	for i, column := range []string{"Partner", "Wie war's?", `#1: "x"`} {
		if got := mapping.Objects[0].Tables[0].Columns["ASK_"+string(rune('1'+i))].From; got != column {
			t.Errorf("column %d is %q, want %q", i+1, got, column)
		}
	}
	if _, err := preset.Parse("survey.yaml", []byte(skeleton)); err == nil || !strings.Contains(err.Error(), "ASK_TABLE") {
		t.Errorf("%v; the mapping must ask for its table", err)
	}
}

func TestNothingIsReplaced(t *testing.T) {
	dir := folder(t, several)
	found := look(t, open.Place{Path: dir})
	conf := folder(t, map[string]string{"mappings/survey.yaml": "mine"})
	out := filepath.Join(conf, "partnerhealth.yaml")
	var exists *start.ExistsError
	if _, err := found.Write(out, false); !errors.As(err, &exists) || filepath.Base(exists.Path) != "survey.yaml" {
		t.Errorf("%v, want an *ExistsError for the mapping", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the configuration was written all the same (%v)", err)
	}
	if _, err := found.Write(out, true); err != nil {
		t.Error(err)
	}
}

// The state folder of a configuration that lies among exports would be listed as exports.
func TestConfigurationAmongTheExports(t *testing.T) {
	inside := map[string]bool{"partnerhealth.yaml": true, "sub/folder/partnerhealth.yaml": true, "../partnerhealth.yaml": false, "../x/partnerhealth.yaml": false}
	for name, refused := range inside {
		dir := folder(t, map[string]string{"exports/DimReseller.csv": resellers})
		found := look(t, open.Place{Path: filepath.Join(dir, "exports")})
		_, err := found.Write(filepath.Join(dir, "exports", name), false)
		var among *start.InsideError
		if errors.As(err, &among) != refused || err != nil && !refused {
			t.Errorf("%s: %v, want it refused: %v", name, err, refused)
		}
	}
	dir := folder(t, map[string]string{"crm/DimReseller.csv": resellers})
	if _, err := look(t, open.Place{Path: dir}).Write(filepath.Join(dir, "partnerhealth.yaml"), false); err != nil {
		t.Errorf("beside the folder of the only source: %v", err)
	}
}

// The same exports in a bucket give the same sources, at other paths.
func TestLookIntoABucket(t *testing.T) {
	b := s3test.Memory(t)
	for path, content := range several {
		b.Put("exports/"+path, []byte(content))
	}
	from := open.Place{Path: "s3://" + b.Name + "/exports", Endpoint: b.Endpoint}
	found := look(t, from)
	out := filepath.Join(t.TempDir(), "partnerhealth.yaml")
	if _, err := found.Write(out, false); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) != 3 || c.Sources[1].Path != "s3://exports/exports/emea/" || c.Sources[1].Endpoint != b.Endpoint {
		t.Errorf("%+v", c.Sources)
	}
}

func TestHints(t *testing.T) {
	dir := folder(t, map[string]string{"DimReseller.csv": resellers})
	found, err := start.Look(t.Context(), open.Place{Path: dir}, start.Hints{Name: "Wheels: 1", Currency: "CHF", Timezone: "Europe/Zurich"})
	if err != nil {
		t.Fatal(err)
	}
	if asked := found.Assumed(); len(asked) > 0 {
		t.Errorf("%+v is asked although everything was stated", asked)
	}
	out := filepath.Join(t.TempDir(), "partnerhealth.yaml")
	if _, err := found.Write(out, false); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(out)
	if err != nil || c.Program.Name != "Wheels: 1" || c.Program.Currency != "CHF" || c.Program.Timezone != "Europe/Zurich" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestLookRefuses(t *testing.T) {
	if _, err := start.Look(t.Context(), open.Place{Path: t.TempDir()}, start.Hints{}); !errors.Is(err, start.ErrNothing) {
		t.Errorf("an empty folder: %v, want ErrNothing", err)
	}
	var missing *source.FolderError
	if _, err := start.Look(t.Context(), open.Place{Path: filepath.Join(t.TempDir(), "no")}, start.Hints{}); !errors.As(err, &missing) {
		t.Errorf("a folder that is missing: %v, want a *FolderError", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := start.Look(ctx, open.Place{Path: folder(t, several)}, start.Hints{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancellation: %v", err)
	}
}
