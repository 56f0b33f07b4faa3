package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/sql"
)

const configuration = `program: { name: Northwind, currency: USD, timezone: Europe/Berlin }
sources:
  - name: crm
    mapping: mappings/crm.yaml
    path: exports/crm
    timezone: America/New_York
  - { name: lms, mapping: mappings/lms.yaml, path: /var/exports/lms }
`

const crmMapping = `objects:
  - object: partners
    files: ["partners.csv"]
    mode: snapshot
    tables:
      - table: partner
        columns:
          partner_id: { from: [Id], key: account }
          name: { from: [Name] }
          partner_type: { const: reseller }
          status: { const: active }
          source_modified_at: { from: [Modified], transform: [{ ts: ["2006-01-02 15:04:05"] }] }
`

const lmsMapping = `objects:
  - object: people
    files: ["people.csv"]
    mode: snapshot
    tables:
      - table: person
        columns:
          person_id: { from: [Email], key: person, transform: [hmac_email] }
          partner_id: { from: [Company], resolve: { id_type: crm_account, source: crm } }
          role: { const: unknown }
`

// tree writes files below a new folder and returns the path of its configuration.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "northwind.yaml")
}

// northwind is the tree above with some texts replaced: file, old, new, and so on.
func northwind(t *testing.T, replace ...string) string {
	t.Helper()
	files := map[string]string{"northwind.yaml": configuration, "mappings/crm.yaml": crmMapping, "mappings/lms.yaml": lmsMapping}
	for ; len(replace) > 0; replace = replace[3:] {
		text, old := files[replace[0]], replace[1]
		if !strings.Contains(text, old) {
			t.Fatalf("%s does not hold %q", replace[0], old)
		}
		files[replace[0]] = strings.ReplaceAll(text, old, replace[2])
	}
	return tree(t, files)
}

func load(t *testing.T, path string) *Config {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadResolvesPathsFromTheFilesFolder(t *testing.T) {
	path := northwind(t)
	dir := filepath.Dir(path)
	c := load(t, path)
	got := []string{c.State, c.Sources[0].Path, c.Sources[0].MappingFile, c.Sources[1].Path}
	want := []string{
		filepath.Join(dir, "state"), filepath.Join(dir, "exports", "crm"), filepath.Join(dir, "mappings", "crm.yaml"),
		filepath.FromSlash("/var/exports/lms"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	t.Chdir(dir)
	if again := load(t, "northwind.yaml"); again.State != c.State || again.Hash() != c.Hash() {
		t.Error("the working folder changes what is loaded")
	}
}

func TestLoadGivesTheSourcesZoneToItsMapping(t *testing.T) {
	path := northwind(t)
	c := load(t, path)
	if zone := c.Sources[0].Mapping.Objects[0].Read.TimeZone; zone != "America/New_York" {
		t.Errorf("zone of the mapping is %q", zone)
	}
	other := load(t, northwind(t, "northwind.yaml", "America/New_York", "Asia/Tokyo"))
	if c.Sources[0].Mapping.Version() == other.Sources[0].Mapping.Version() {
		t.Error("another zone leaves the version of the mapping: files would not be read again")
	}
	stated := load(t, northwind(t, "mappings/crm.yaml", "    tables:\n", "    read: { timezone: UTC }\n    tables:\n"))
	if zone := stated.Sources[0].Mapping.Objects[0].Read.TimeZone; zone != "UTC" {
		t.Errorf("zone stated by the mapping became %q", zone)
	}
}

func TestHashFollowsTheMappings(t *testing.T) {
	before := load(t, northwind(t)).Hash()
	if load(t, northwind(t)).Hash() != before {
		t.Error("the folder changes the hash")
	}
	if load(t, northwind(t, "mappings/crm.yaml", "const: reseller", "const: referral")).Hash() == before {
		t.Error("a mapping does not change the hash")
	}
}

func TestNeedsEmailKey(t *testing.T) {
	if !load(t, northwind(t)).NeedsEmailKey() {
		t.Error("a mapping with hmac_email needs no key")
	}
	if load(t, northwind(t, "mappings/lms.yaml", ", transform: [hmac_email]", "")).NeedsEmailKey() {
		t.Error("a key is needed for nothing")
	}
}

func TestLoadReports(t *testing.T) {
	for _, c := range []struct {
		name    string
		replace []string
		want    string // $DIR stands for the folder of the configuration
	}{
		{"a mapping that is not there", []string{"northwind.yaml", "mappings/lms.yaml", "mappings/lsm.yaml"},
			`configuration $DIR/northwind.yaml has 1 problem

  sources[1].mapping: there is no file $DIR/mappings/lsm.yaml
      2 | sources:
  >   7 |   - { name: lms, mapping: mappings/lsm.yaml, path: /var/exports/lms }
        write the mapping, or correct the path, which is relative to this file
`},
		{"times without a zone", []string{"northwind.yaml", "    timezone: America/New_York\n", ""},
			`configuration $DIR/northwind.yaml has 1 problem

  sources[0].timezone: partner.source_modified_at of object partners carries no zone, so it must be stated
      2 | sources:
  >   3 |   - name: crm
        add: timezone: Europe/Berlin (the zone in which the export is written)
`},
		{"an id of a source that is not configured", []string{"northwind.yaml", "name: crm\n", "name: crm1\n"},
			`configuration $DIR/northwind.yaml has 1 problem

  sources[1].mapping: person.partner_id of object people refers to the source "crm", which is not configured, did you mean crm1?
      2 | sources:
  >   7 |   - { name: lms, mapping: mappings/lms.yaml, path: /var/exports/lms }
`},
		{"state among the exports", []string{"northwind.yaml", "sources:\n", "state: exports/crm/state\nsources:\n"},
			`configuration $DIR/northwind.yaml has 1 problem

  state: lies inside the exports of sources[0]
  >   2 | state: exports/crm/state
        choose a folder beside the exports
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := northwind(t, c.replace...)
			_, err := Load(path)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Load = %v, want Problems", err)
			}
			got := strings.ReplaceAll(problems.Render(), filepath.Dir(path), "$DIR")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Problems of the configuration and of a mapping that two sources share come together, each once.
func TestLoadReportsMappingsTogetherWithTheConfiguration(t *testing.T) {
	path := northwind(t,
		"northwind.yaml", "mappings/lms.yaml", "mappings/crm.yaml",
		"northwind.yaml", "currency: USD", "currency: usd",
		"mappings/crm.yaml", "mode: snapshot", "mode: snapshoot")
	_, err := Load(path)
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("Load = %v, want Problems", err)
	}
	text := problems.Render()
	dir := filepath.Dir(path)
	for _, want := range []string{
		"configuration " + filepath.Join(dir, "northwind.yaml") + " has 1 problem\n\n  program.currency: ",
		"configuration " + filepath.Join(dir, "mappings", "crm.yaml") + " has 1 problem\n\n  objects[0].mode: ",
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("problems do not say once %q:\n%s", want, text)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("Error() has more than one line: %s", err)
	}
}

func TestLoadOfAFileThatIsNotThere(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "northwind.yaml"))
	var problems Problems
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &problems) {
		t.Errorf("Load = %v, want fs.ErrNotExist and no Problems", err)
	}
}

// The table run_settings is declared for SQL in sql/inputs: its columns are those of the configuration, in this
// order and with these types, and those that the run adds.
func TestSettingsMatchTheDeclarationInSQL(t *testing.T) {
	header, err := fs.ReadFile(sql.Files, "inputs/run_settings.sql")
	if err != nil {
		t.Fatal(err)
	}
	ofRun := map[string]bool{"as_of": true, "as_of_end": true, "config_hash": true, "code_version": true, "run_id": true}
	var want []string
	for line := range strings.Lines(string(header)) {
		declaration, _, _ := strings.Cut(strings.TrimPrefix(line, "-- "), ":")
		words := strings.Fields(declaration)
		if len(words) == 2 && strings.ToUpper(words[1]) == words[1] && !ofRun[words[0]] {
			want = append(want, declaration)
		}
	}
	var got []string
	for _, s := range sample(t).Settings() {
		got = append(got, s.Name+" "+s.Type)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-declared +configuration):\n%s", diff)
	}
}

// SQL has the default profiles too, for use without a configuration; they are the same.
func TestDefaultWeightsMatchThoseInSQL(t *testing.T) {
	model, err := fs.ReadFile(sql.Files, "intermediate/int_health_weight.sql")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]bool)
	for _, row := range regexp.MustCompile(`\('(\w+)', '(\w+)', (\d+)\)`).FindAllStringSubmatch(string(model), -1) {
		want[row[1]+" "+row[2]+" "+row[3]] = true
	}
	got := make(map[string]bool)
	for _, w := range sample(t).HealthWeights() {
		got[fmt.Sprintf("%s %s %d", w.Stage, w.Signal, w.Weight)] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("weights (-SQL +configuration):\n%s", diff)
	}
}

// A setting that no query reads may only have its default; one that a query reads may be changed.
func TestSettingsThatNothingFollowsAreMarked(t *testing.T) {
	var queries strings.Builder
	err := fs.WalkDir(sql.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "inputs/") {
			return err
		}
		text, err := fs.ReadFile(sql.Files, path)
		queries.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sample(t).rules() {
		if r.column == "" || len(r.follows) == 1 {
			continue
		}
		followed := regexp.MustCompile(`\b` + r.column + `\b`).MatchString(queries.String())
		if followed == r.unused {
			t.Errorf("%s: followed by SQL is %v, marked as not followed is %v", r.path, followed, r.unused)
		}
	}
}
