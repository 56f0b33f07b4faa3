package source_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// shelf is a store of texts, each written so many minutes past midnight.
type shelf map[string]string

func (s shelf) List(context.Context) ([]source.Object, error) { return nil, nil }

func (s shelf) Open(_ context.Context, o source.Object) (io.ReadCloser, error) {
	text, ok := s[o.Path]
	if !ok {
		return nil, &source.ChangedError{Path: o.Path, Reason: "it is gone"}
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

var midnight = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)

func at(path string, minutes, size int) source.Object {
	return source.Object{Path: path, Size: int64(size), ModTime: midnight.Add(time.Duration(minutes) * time.Minute)}
}

// split renders what may be read and what waits, a line each.
func split(t *testing.T, c source.Completeness, store shelf, objects ...source.Object) []string {
	t.Helper()
	d, err := c.Split(t.Context(), store, objects, midnight.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range d.Complete {
		out = append(out, o.Path)
	}
	for _, w := range d.Waiting {
		if w.Next == "" {
			t.Errorf("%s waits, and nobody is told what to do", w.Object.Path)
		}
		out = append(out, fmt.Sprintf("%s waits: %s: %s", w.Object.Path, w.Rule, w.Reason))
	}
	return out
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWithoutRulesEveryExportCounts(t *testing.T) {
	want(t, split(t, source.Completeness{}, nil, at("_SUCCESS", 70, 0), at("deals.csv", 60, 1)), "_SUCCESS", "deals.csv")
}

func TestStable(t *testing.T) {
	c := source.Completeness{StableFor: 5 * time.Minute}
	want(t, split(t, c, nil, at("old.csv", 0, 1), at("just.csv", 55, 1), at("young.csv", 56, 1), at("future.csv", 90, 1)),
		"old.csv", "just.csv",
		"young.csv waits: stable: it was written 4m0s ago and must rest for 5m0s",
		"future.csv waits: stable: its time of writing is 30m0s ahead of this machine's clock")
}

func TestMarker(t *testing.T) {
	c := source.Completeness{Marker: "_SUCCESS"}
	want(t, split(t, c, nil,
		at("crm/_SUCCESS", 10, 0), at("crm/deals.csv", 10, 1), at("crm/eu/deals.csv", 9, 1), at("crm/partners.csv", 11, 1),
		at("lms/courses.csv", 1, 1), at("top.csv", 1, 1)),
		"crm/deals.csv", "crm/eu/deals.csv",
		"crm/partners.csv waits: marker: it was written after crm/_SUCCESS",
		"lms/courses.csv waits: marker: no _SUCCESS lies beside it or in a folder above",
		"top.csv waits: marker: no _SUCCESS lies beside it or in a folder above")

	// The nearest marker speaks, the one of the whole folder for what has none of its own.
	want(t, split(t, c, nil, at("_SUCCESS", 20, 0), at("crm/_SUCCESS", 10, 0), at("crm/deals.csv", 15, 1), at("lms/courses.csv", 15, 1)),
		"lms/courses.csv", "crm/deals.csv waits: marker: it was written after crm/_SUCCESS")
}

func TestManifest(t *testing.T) {
	c := source.Completeness{Manifest: "manifest.json"}
	sum := strings.Repeat("ab", 32)
	store := shelf{
		"crm/manifest.json": `{"files": ["deals.csv", {"name": "eu/partners.csv", "size": 7, "sha256": "` + strings.ToUpper(sum) + `", "rows": 3}], "by": "etl"}`,
		"lms/manifest.json": `["courses.csv", "people.csv"]`,
		"hr/manifest.json":  `["cost.csv"`,
	}
	objects := []source.Object{
		at("crm/deals.csv", 1, 5), at("crm/eu/partners.csv", 20, 7), at("crm/manifest.json", 10, 1), at("crm/stray.csv", 1, 1),
		at("hr/cost.csv", 1, 1), at("hr/manifest.json", 10, 1),
		at("lms/courses.csv", 1, 1), at("lms/manifest.json", 10, 1), at("top.csv", 1, 1),
	}
	want(t, split(t, c, store, objects...),
		"crm/deals.csv", "crm/eu/partners.csv",
		"crm/stray.csv waits: manifest: crm/manifest.json does not list it",
		"hr/cost.csv waits: manifest: hr/manifest.json cannot be used: parse manifest: unexpected end of JSON input",
		"lms/courses.csv waits: manifest: it is part of the delivery of lms/manifest.json, which waits for lms/people.csv (it is not there)",
		"top.csv waits: manifest: no manifest.json lies beside it or in a folder above",
		"lms/people.csv waits: manifest: lms/manifest.json lists it, and it is not there")

	d, err := c.Split(t.Context(), store, objects, midnight)
	if err != nil || len(d.Complete) != 2 || d.Complete[0].SHA256 != "" || d.Complete[1].SHA256 != sum {
		t.Errorf("%+v, %v; the promised hash must go with the export", d.Complete, err)
	}
}

// One export that is not as promised holds the delivery back: a snapshot of which a part is missing would
// look like deletions.
func TestManifestIsReadWholeOrNotAtAll(t *testing.T) {
	c := source.Completeness{Manifest: "m.json"}
	for name, o := range map[string]source.Object{
		"it has 6 bytes, the manifest says 7":                                at("b.csv", 1, 6),
		"it was written after the manifest, which does not state its sha256": at("b.csv", 11, 7),
	} {
		store := shelf{"m.json": `["a.csv", {"name": "b.csv", "size": 7}, "c.csv"]`}
		part := " waits: manifest: it is part of the delivery of m.json, which waits for b.csv (" + name + ")"
		want(t, split(t, c, store, at("a.csv", 1, 1), o, at("c.csv", 1, 1), at("m.json", 10, 1)),
			"a.csv"+part, "b.csv waits: manifest: "+name, "c.csv"+part)
	}
}

func TestManifestThatCannotBeRead(t *testing.T) {
	c := source.Completeness{Manifest: "m.json"}
	want(t, split(t, c, shelf{}, at("a.csv", 1, 1), at("m.json", 10, 1)), "a.csv waits: manifest: m.json cannot be used: it is gone")
	want(t, split(t, c, shelf{}, at("a.csv", 1, 1), at("m.json", 10, 1<<30)),
		"a.csv waits: manifest: m.json cannot be used: it has 1073741824 bytes, at most 16777216 are read")
}

func TestAllRulesMustHold(t *testing.T) {
	c := source.Completeness{StableFor: 5 * time.Minute, Marker: "_SUCCESS", Manifest: "m.json"}
	store := shelf{"m.json": `["a.csv", "b.csv"]`}
	want(t, split(t, c, store, at("_SUCCESS", 59, 0), at("a.csv", 1, 1), at("b.csv", 58, 1), at("c.csv", 1, 1), at("m.json", 59, 1)),
		"a.csv",
		"b.csv waits: stable: it was written 2m0s ago and must rest for 5m0s",
		"c.csv waits: manifest: m.json does not list it")
}

func TestRulesThatCannotHold(t *testing.T) {
	for _, c := range []source.Completeness{
		{StableFor: -1}, {Marker: "crm/_SUCCESS"}, {Marker: ".done"}, {Manifest: "list.tmp"}, {Manifest: "a/m.json"},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v is taken", c)
		}
		if _, err := c.Split(t.Context(), shelf{}, nil, midnight); err == nil {
			t.Errorf("%+v is followed", c)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for _, text := range []string{
		``, `null`, `{}`, `{"files": null}`, `{"files": {}}`, `"a.csv"`, `[1]`, `[""]`, `[{}]`, `["a.csv", "a.csv"]`,
		`["../a.csv"]`, `["/a.csv"]`, `["a//b.csv"]`, `["./a.csv"]`, `[".."]`, `[{"name": "a", "size": -1}]`, `[{"name": "a", "size": 1.5}]`,
		`[{"name": "a", "sha256": "xyz"}]`, `[{"name": "a", "sha256": "abcd"}]`, `["a.csv"] and more`,
	} {
		if m, err := source.ParseManifest([]byte(text)); err == nil {
			t.Errorf("%s is taken for %+v", text, m)
		}
	}
	for _, text := range []string{"\xef\xbb\xbf[]", " [ ] ", `{"files": []}`} {
		if m, err := source.ParseManifest([]byte(text)); err != nil || len(m.Files) != 0 {
			t.Errorf("%q: %+v, %v; want an empty list", text, m, err)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"files": ["a.csv", {"name": "b/c.csv", "size": 1, "sha256": ""}]}`))
	f.Add([]byte(`["a.csv"]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := source.ParseManifest(data)
		if err != nil {
			return
		}
		for _, e := range m.Files {
			if e.Name == "" || strings.HasPrefix(e.Name, "/") || strings.HasPrefix(e.Name, "../") {
				t.Errorf("the name %q leaves the folder", e.Name)
			}
		}
	})
}

// Whatever the rules, every export is in exactly one of the two lists, and what is read keeps its order.
func TestNoExportIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		paths := rapid.SliceOfDistinct(rapid.StringMatching(`([ab]/){0,2}[a-c]\.csv`), rapid.ID).Draw(rt, "paths")
		slices.Sort(paths)
		objects := make([]source.Object, 0, len(paths))
		for _, p := range paths {
			objects = append(objects, at(p, rapid.IntRange(0, 90).Draw(rt, "minute"), 1))
		}
		markers := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"_SUCCESS", "a/_SUCCESS", "m.json", "a/m.json"}), rapid.ID).Draw(rt, "markers")
		store := shelf{}
		for _, m := range markers {
			store[m] = `["a.csv"]`
			objects = append(objects, at(m, rapid.IntRange(0, 90).Draw(rt, "minute"), 1))
		}
		c := source.Completeness{StableFor: time.Duration(rapid.IntRange(0, 30).Draw(rt, "stable")) * time.Minute}
		if rapid.Bool().Draw(rt, "by marker") {
			c.Marker = "_SUCCESS"
		}
		if rapid.Bool().Draw(rt, "by manifest") {
			c.Manifest = "m.json"
		}
		d, err := c.Split(t.Context(), store, objects, midnight.Add(time.Hour))
		if err != nil {
			rt.Fatal(err)
		}
		seen := map[string]int{}
		for _, o := range d.Complete {
			seen[o.Path]++
		}
		for _, w := range d.Waiting {
			seen[w.Object.Path]++
		}
		for _, p := range paths {
			if seen[p] != 1 {
				rt.Errorf("%s is in %d lists", p, seen[p])
			}
		}
		var order []string
		for _, o := range d.Complete {
			if slices.Contains(paths, o.Path) {
				order = append(order, o.Path)
			}
		}
		if !slices.IsSorted(order) {
			rt.Errorf("%v lost its order", order)
		}
	})
}
