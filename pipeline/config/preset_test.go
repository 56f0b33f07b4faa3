package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

const withPreset = `program: { name: Northwind, currency: USD, timezone: Europe/Berlin }
sources:
  - name: academy
    preset: docebo
    path: s3://northwind-exports/academy
    region: eu-central-1
    timezone: Asia/Tokyo
    with: { mode: snapshot }
    aliases: { Course Name: [Kursname] }
    complete: { stable_for: 5m, marker: _SUCCESS }
`

func TestLoadOfAPreset(t *testing.T) {
	c := load(t, tree(t, map[string]string{"northwind.yaml": withPreset}))
	s := c.Sources[0]
	if s.Path != "s3://northwind-exports/academy" {
		t.Errorf("path %q is not left as it is written", s.Path)
	}
	if diff := cmp.Diff(Complete{StableFor: 5 * time.Minute, Marker: "_SUCCESS"}, s.Complete); diff != "" {
		t.Errorf("complete (-want +got):\n%s", diff)
	}
	o := s.Mapping.Objects[0]
	if s.Mapping.Name != "docebo" || o.Read.TimeZone != "Asia/Tokyo" || o.Mode != "snapshot" {
		t.Errorf("mapping %s: object %s of mode %s is read in zone %q", s.Mapping.Name, o.Name, o.Mode, o.Read.TimeZone)
	}
	if !o.Fits(preset.Rows{Header: append([]string{"kursname"}, o.SourceColumns()...)}) {
		t.Error("an alias does not count")
	}
}

// A mapping beside a preset changes single objects of it.
func TestOwnObjectsBesideAPreset(t *testing.T) {
	mapping := strings.ReplaceAll(lmsMapping, ", source: crm", "")
	c := load(t, tree(t, map[string]string{
		"northwind.yaml":     strings.Replace(withPreset, "preset: docebo", "preset: docebo\n    mapping: mappings/lms.yaml", 1),
		"mappings/lms.yaml":  mapping,
		"mappings/none.yaml": "",
	}))
	m := c.Sources[0].Mapping
	if m.Objects[0].Name != "people" || len(m.Objects) < 2 || !strings.HasPrefix(m.Name, "docebo+") {
		t.Errorf("mapping %s has the objects %v", m.Name, m.Objects)
	}
}

func TestLoadReportsWhatASourceSetsWrong(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"a required parameter", "    timezone: Asia/Tokyo\n", "",
			"  sources[0].with.timezone: the parameter timezone is not set\n" +
				"      3 |   - name: academy\n  >   7 |     with: { mode: snapshot }\n" +
				"        time zone of the report"},
		{"a parameter that is none", "mode: snapshot", "mod: snapshot",
			"  sources[0].with.mod: is no parameter of the mapping, did you mean mode?\n"},
		{"a list for one text", "mode: snapshot", "mode: [snapshot, upsert]",
			"  sources[0].with.mode: the parameter mode wants one text, not a list\n"},
		{"a value that cannot stand in its place", "mode: snapshot", "mode: snapshoot",
			"  sources[0].with.mode: in objects[0].mode: unknown mode \"snapshoot\"\n"},
		{"a word of a map that the list does not have", "mode: snapshot", "statuses: { Fertig: complete }",
			"  sources[0].with.statuses: in objects[0].tables[1].columns.status.map.Fertig: \"complete\" is not in the list of status, did you mean completed?\n"},
		{"a time zone that is none", "timezone: Asia/Tokyo", "timezone: Tokyo",
			"  sources[0].timezone: \"Tokyo\" is no IANA time zone\n"},
		{"an alias of nothing", "Course Name:", "Curse Name:",
			"  sources[0].aliases.Curse Name: the mapping reads no column of this name, did you mean Course Name?\n"},
	} {
		path := tree(t, map[string]string{"northwind.yaml": strings.Replace(withPreset, c.old, c.new, 1)})
		_, err := Load(path)
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: Load = %v, want Problems", c.name, err)
			continue
		}
		text := strings.ReplaceAll(problems.Render(), filepath.Dir(path), "$DIR")
		if !strings.HasPrefix(text, "configuration $DIR/northwind.yaml has 1 problem\n\n"+c.want) {
			t.Errorf("%s:\n%s", c.name, text)
		}
	}
}

// Sources with different values of a parameter read with different versions of the mapping, so the hash tells them.
func TestHashFollowsParametersAndAliases(t *testing.T) {
	seen := map[string]bool{}
	for _, text := range []string{withPreset, strings.Replace(withPreset, "snapshot", "upsert", 1), strings.Replace(withPreset, "Kursname", "Kurs", 1)} {
		seen[load(t, tree(t, map[string]string{"northwind.yaml": text})).Hash()] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d hashes of three configurations", len(seen))
	}
}
