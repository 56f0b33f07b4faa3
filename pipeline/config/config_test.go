package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected texts of testdata/*.bad.yml")

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("glob %s: %d files, %v", pattern, len(files), err)
	}
	return files
}

func TestGoodFiles(t *testing.T) {
	for _, file := range glob(t, "testdata/*.good.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, err := Parse(file, read(t, file)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each testdata/<what>.bad.yml has a <what>.bad.txt with what a person is shown; -update rewrites it.
func TestBadFiles(t *testing.T) {
	for _, file := range glob(t, "testdata/*.bad.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Parse(filepath.Base(file), read(t, file))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Parse = %v, want Problems", err)
			}
			golden := strings.TrimSuffix(file, ".yml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(problems.Render()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), problems.Render()); diff != "" {
				t.Errorf("problems of %s (-want +got):\n%s", file, diff)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("Error() has more than one line: %q", err.Error())
			}
		})
	}
}

func TestMinimalFileGetsTheDefaults(t *testing.T) {
	got, err := Parse("minimal", read(t, "testdata/minimal.good.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Program.Name, want.Program.Currency, want.Program.Timezone = "Northwind Partner Program", "USD", "Europe/Berlin"
	want.Sources = []Source{{Name: "crm", MappingFile: "mappings/crm.yaml", Path: "exports/crm"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("minimal file (-want +got):\n%s", diff)
	}
}

// The full example is the documentation of the file: it names every setting, with the default as its value.
func TestFullFileNamesEverySettingWithItsDefault(t *testing.T) {
	data := read(t, "testdata/full.good.yml")
	d := newDecoder("full", data)
	got := d.parse(data)
	for _, path := range settingPaths(reflect.TypeFor[Config](), "") {
		if at := strings.ReplaceAll(path, "[]", "[1]"); !d.stated(at) {
			t.Errorf("%s is not stated", at)
		}
	}
	want := Default()
	want.Program.Name, want.Program.Currency, want.Program.Timezone = got.Program.Name, got.Program.Currency, got.Program.Timezone
	want.Sources = got.Sources
	want.People.VendorDomains = []string{"northwind.example"}
	want.Metrics.Score.Bars = map[string]Bar{"people_active": {Low: 0.1, High: 0.6}}
	want.Metrics.Tier.RequiredCertifications = map[string]int{"gold": 6, "silver": 3}
	want.Metrics.Certificate.ValidityMonths = map[string]int{"CERT-C-110": 24}
	want.Resources = Resources{Threads: 2, MemoryLimit: "4GB"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("full file (-want +got):\n%s", diff)
	}
}

// Every setting is checked: by a rule, as a list, or by a function of its own named here.
func TestEverySettingIsChecked(t *testing.T) {
	checked := []string{
		"state", "sources", "sources[].name", "sources[].mapping", "sources[].path", "sources[].timezone",
		"sources[].preset", "sources[].with", "sources[].aliases", "sources[].endpoint", "sources[].region",
		"sources[].ignore", "sources[].unknown_files", "sources[].complete.stable_for", "sources[].complete.marker", "sources[].complete.manifest",
		"people.email_key_env", "metrics.score.weights", "metrics.score.bars", "metrics.tier.required_certifications",
		"metrics.certificate.validity_months",
		"resources.memory_limit",
	}
	c := Default()
	for _, r := range c.rules() {
		checked = append(checked, r.path)
	}
	for _, l := range c.listRules() {
		checked = append(checked, l.path)
	}
	all := settingPaths(reflect.TypeFor[Config](), "")
	for _, path := range all {
		section := slices.ContainsFunc(all, func(p string) bool { return strings.HasPrefix(p, path+".") })
		if !section && !slices.Contains(checked, path) {
			t.Errorf("%s is not checked", path)
		}
	}
	for _, path := range checked {
		if !slices.Contains(all, path) {
			t.Errorf("%s is checked but no setting", path)
		}
	}
}

func TestProblemsAreInFileOrder(t *testing.T) {
	_, err := Parse("values", read(t, "testdata/values.bad.yml"))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) < 20 {
		t.Fatalf("Parse = %v, want many Problems", err)
	}
	if !slices.IsSortedFunc(problems, func(a, b Problem) int { return a.Line - b.Line }) {
		t.Errorf("lines are not in order: %v", problems)
	}
	for _, p := range problems {
		if p.File != "values" || p.Path == "" || p.Line == 0 || p.Message == "" || p.Snippet == "" {
			t.Errorf("incomplete problem: %+v", p)
		}
	}
}

func TestWindowsLineEndsAndByteOrderMark(t *testing.T) {
	data := "\ufeff" + strings.ReplaceAll(string(read(t, "testdata/minimal.good.yml")), "\n", "\r\n")
	if _, err := Parse("crlf", []byte(data)); err != nil {
		t.Error(err)
	}
}

func TestHugeFileIsRefused(t *testing.T) {
	_, err := Parse("events.csv", []byte(strings.Repeat("a,b,c\n", maxFileBytes/6+1)))
	if err == nil || !strings.Contains(err.Error(), "is it the right file?") {
		t.Errorf("Parse of a huge file = %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.good.yml", "testdata/*.bad.yml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fuzz.yml", data)
		var problems Problems
		switch {
		case c == nil:
			t.Fatal("no configuration")
		case err == nil:
			c.Hash()
		case !errors.As(err, &problems) || len(problems) == 0:
			t.Fatalf("error is not Problems: %v", err)
		default:
			problems.Render()
		}
	})
}
