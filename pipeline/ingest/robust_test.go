package ingest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/ingesttest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// badFiles is the folder of input that was made to break readers, beside the repository.
const badFiles = "../../../shared/realdata/bad"

func needBadFiles(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(badFiles); err != nil {
		t.Skipf("the files that break readers are not on this machine: %v", err)
	}
}

// anything takes every record of every file: all columns are unmapped.
func anything(t testing.TB, read string) *preset.Object {
	t.Helper()
	return mapping(t, `
objects:
	- object: anything
		files: ["**"]
		mode: append
		read: {`+read+`}
		contract: {budget: {rows: 100%, values: 100%}}
		tables:
			- table: code_map
				columns: {source: {const: x}, domain: {const: x}, raw_value: {const: x}, canonical: {const: x}}
`)
}

// typed is obj with more tables, which read the columns called names as every type.
func typed(obj preset.Object, names []string) *preset.Object {
	name := func(i int) []preset.Names { return []preset.Names{{names[i%len(names)]}} }
	var all []preset.Names
	for i := range names {
		all = append(all, name(i)...)
	}
	obj.Tables = append(slices.Clone(obj.Tables),
		preset.Table{Name: "fx_rate", Mode: "append", Columns: []preset.Column{
			{Name: "currency", From: name(0)}, {Name: "base_currency", From: name(1)}, {Name: "valid_from", From: name(2)}, {Name: "rate", From: name(3)},
		}},
		preset.Table{Name: "learning_record", Mode: "upsert", Columns: []preset.Column{
			{Name: "learning_id", Key: "x", From: all}, {Name: "person_id", Key: "y", From: name(0)}, {Name: "course_name", From: name(1)},
			{Name: "status", From: name(2)}, {Name: "enrolled_at", From: name(3)}, {Name: "progress_pct", From: name(4)}, {Name: "time_spent_s", From: name(5)},
			{Name: "due_on", From: name(6)}, {Name: "archived", From: name(7)}, {Name: "parent", From: name(8), Transforms: []preset.Transform{{Name: preset.Domain}}},
		}},
		preset.Table{Name: "engagement_event", Mode: "append", Columns: []preset.Column{
			{Name: "event_id", Key: "x", From: name(0)}, {Name: "occurred_at", From: name(1)}, {Name: "kind", From: name(2)}, {Name: "channel", From: name(3)}, {Name: "props", From: name(4)},
		}},
	)
	return &obj
}

// Whatever a file holds: no crash, no hang, and every record is a row or a reject of every table.
func TestFilesThatBreakReaders(t *testing.T) {
	needBadFiles(t)
	files, records, refusedFiles := 0, int64(0), 0
	obj := anything(t, "")
	err := filepath.WalkDir(badFiles, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		sink := &memory{isLight: true}
		result, err := loadInto(sink, obj, string(data))
		var refused *ingest.FileError
		if errors.As(err, &refused) {
			refusedFiles++
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		checkResult(t, result, sink)
		records += result.Records
		if len(result.ExtraColumns) == 0 {
			return nil
		}
		sink = &memory{isLight: true}
		if result, err = loadInto(sink, typed(*obj, result.ExtraColumns), string(data)); err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		checkResult(t, result, sink)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 1000 || records < 90_000 {
		t.Errorf("%d files with %d records are not the collection", files, records)
	}
	t.Logf("%d files, %d records, %d files refused as a whole", files, records, refusedFiles)
}

// csv-spectrum is a set of CSV files with what they mean as JSON; nulls are left out here and there.
func TestCSVSpectrum(t *testing.T) {
	needBadFiles(t)
	files, err := filepath.Glob(filepath.Join(badFiles, "csv-spectrum", "csvs", "*.csv"))
	if err != nil || len(files) != 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := os.ReadFile(filepath.Join(badFiles, "csv-spectrum", "json", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		switch name {
		case "newlines_crlf", "empty_crlf", "simple_crlf":
			// Copying took the carriage returns out of these files.
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		case "location_coordinates":
			// The JSON of this file has another phone number.
			expected = bytes.ReplaceAll(expected, []byte("1234567890"), []byte("2095257564"))
		}
		_, sink := mustLoad(t, anything(t, "delimiter: ','"), string(data))
		var got []map[string]string
		for _, r := range sink.rows {
			fields := map[string]string{}
			if r.Extra != "" {
				if err := json.Unmarshal([]byte(r.Extra), &fields); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, fields)
		}
		if diff := cmp.Diff(meaning(t, expected), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// meaning decodes one object or a list of them, without empty texts.
func meaning(t *testing.T, data []byte) []map[string]string {
	t.Helper()
	var list []map[string]string
	if err := json.Unmarshal(data, &list); err != nil {
		list = make([]map[string]string, 1)
		if err := json.Unmarshal(data, &list[0]); err != nil {
			t.Fatal(err)
		}
	}
	for _, object := range list {
		for k, v := range object {
			if v == "" {
				delete(object, k)
			}
		}
	}
	return list
}

// breakages are ways in which a record of deals is ruined, all of which must be noticed.
var breakages = []func(record string) string{
	func(r string) string { return strings.Replace(r, `"`, "", 1) },                                     // opening quote lost
	func(r string) string { i := strings.LastIndex(r, `"`); return r[:i] + r[i+1:] },                    // closing quote lost
	func(r string) string { return strings.Replace(r, `"Company`, `"Company "X" `, 1) },                 // quotes not doubled
	func(r string) string { return r + ",more" },                                                        // a field too many
	func(r string) string { return r[:strings.LastIndexByte(r, ',')] },                                  // a field too few
	func(r string) string { return r[:len(r)/2] },                                                       // cut off
	func(r string) string { return strings.Replace(r, "Company", "Comp\x00any", 1) },                    // zero byte
	func(r string) string { return strings.Replace(r, "Company", "Comp\xe4ny", 1) },                     // another encoding
	func(r string) string { return r[strings.IndexByte(r, ','):] },                                      // no id
	func(r string) string { return strings.Replace(r, "@vendor.example,20", "@vendor.example,20x", 1) }, // no date
}

// A file of which every second record is broken, in all ways at once, loses none of the others.
func TestHalfBrokenFile(t *testing.T) {
	const n = 4_000
	var data bytes.Buffer
	if err := ingesttest.WriteDeals(&data, n, 5); err != nil {
		t.Fatal(err)
	}
	records := strings.Split(strings.TrimSuffix(data.String(), "\n"), "\n")
	header, records := records[0], records[1:]
	rng := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	text.WriteString(header + "\n")
	var good []string
	for i, r := range records {
		if i%2 == 0 {
			good = append(good, "crm:deal:"+r[:strings.IndexByte(r, ',')])
		} else {
			r = breakages[rng.IntN(len(breakages))](r)
		}
		text.WriteString(r + "\n")
	}
	obj := mapping(t, ingesttest.DealsMapping)
	obj.Contract.Budget = preset.Budget{Rows: 1, Values: 1} // of half a file no more is asked than that the rest is sound
	result, sink := mustLoad(t, obj, text.String())
	if result.Records != n {
		t.Errorf("%d records, want %d", result.Records, n)
	}
	rows, refused := map[string]bool{}, map[int64]bool{}
	for _, r := range sink.rows {
		rows[r.Values["opportunity_id"]] = true
	}
	for _, r := range sink.rejects {
		refused[r.Record] = true
	}
	for _, id := range good {
		if !rows[id] {
			t.Errorf("the sound record %s is no row", id)
		}
	}
	for number := int64(1); number <= n; number++ {
		if broken := number%2 == 0; broken != refused[number] {
			t.Errorf("record %d: broken %v, noticed %v", number, broken, refused[number])
		}
	}
}

// However a file is cut off, the law holds, and what comes before the cut is read.
func TestFilesCutAnywhere(t *testing.T) {
	var data bytes.Buffer
	if err := ingesttest.WriteDeals(&data, 200, 7); err != nil {
		t.Fatal(err)
	}
	whole := data.String()
	obj := mapping(t, ingesttest.DealsMapping)
	obj.Contract.Budget = preset.Budget{Rows: 1, Values: 1}
	header := strings.IndexByte(whole, '\n')
	rapid.Check(t, func(rt *rapid.T) {
		cut := rapid.IntRange(header, len(whole)).Draw(rt, "cut")
		result, _ := mustLoad(t, obj, whole[:cut])
		if want := int64(strings.Count(whole[:cut], "\n") - 1); result.Records != want && result.Records != want+1 {
			rt.Fatalf("cut at %d: %d records, want %d or one more", cut, result.Records, want)
		}
		if got := result.Tables[0].Rejected; got > 1 {
			rt.Fatalf("cut at %d: %d rejects, want at most the last record", cut, got)
		}
	})
}

// Random damage never loses a record, and the size of batches changes nothing.
func TestRandomDamage(t *testing.T) {
	var data bytes.Buffer
	if err := ingesttest.WriteDeals(&data, 60, 9); err != nil {
		t.Fatal(err)
	}
	obj := mapping(t, ingesttest.DealsMapping)
	obj.Contract.Budget = preset.Budget{Rows: 1, Values: 1}
	obj.Tables[0].Mode = "upsert"
	header := bytes.IndexByte(data.Bytes(), '\n') + 1
	rapid.Check(t, func(rt *rapid.T) {
		text := bytes.Clone(data.Bytes())
		for range rapid.IntRange(0, 30).Draw(rt, "changes") {
			at := rapid.IntRange(header, len(text)-1).Draw(rt, "at")
			text[at] = rapid.SampledFrom([]byte("\",\n\r\x00\xffx0")).Draw(rt, "byte")
		}
		var results []string
		for _, rows := range []int{0, 1, 7} {
			sink := &memory{}
			result, err := ingest.File(t.Context(), bytes.NewReader(text), "in/test.csv", "abc", obj, ingest.Options{Source: "crm", BatchRows: rows}, sink)
			if err != nil {
				rt.Fatal(err)
			}
			checkResult(t, result, sink)
			results = append(results, fmt.Sprintf("%+v\n%v\n%+v", result, sink.rejects, sink.rows))
		}
		if results[0] != results[1] || results[0] != results[2] {
			rt.Fatalf("the size of batches matters:\n%s\n%s\n%s", results[0], results[1], results[2])
		}
	})
}

// Any bytes at all, as a whole file and behind a header that is known: the file is refused or its records add up.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"a,b,c\n1,2,2026-01-01\n", "a;b\n\"x;y\n", "\xff\xfea\x00\n\x00", "\x1f\x8b\x08\x00", "1,tier,2026-01-01,1e3,{}\n", "a|a\r\n\"\"\"\"|true\r\n"} {
		f.Add([]byte(text))
	}
	untyped := anything(f, "")
	columns := typed(*untyped, []string{"a", "b", "c", "d", "e"})
	f.Fuzz(func(t *testing.T, data []byte) {
		for text, obj := range map[string]*preset.Object{string(data): untyped, "a,b,c,d,e\n" + string(data): columns} {
			result, sink, err := load(t, obj, text)
			var refused *ingest.FileError
			if errors.As(err, &refused) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			checkResult(t, result, sink)
		}
	})
}
