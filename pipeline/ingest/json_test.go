package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// orders reads lines of orders from JSON: members, members of members, and places in arrays.
func orders(t testing.TB, read string) *preset.Object {
	t.Helper()
	return mapping(t, `
objects:
	- object: order
		files: ["**"]
		format: json
		mode: append
		read: {`+read+`}
		contract: {budget: {rows: 100%, values: 100%}}
		tables:
			- table: opportunity_line
				columns:
					opportunity_id: {key: order, from: order.id}
					line_no: {from: line}
					product_code: {from: [sku, "tags[0]", "names[*]"]}
					quantity: {from: "params[key=qty].value"}
					source_modified_at: {from: 'meta["changed.at"]', transform: {ts: "2006-01-02T15:04:05Z07:00"}}
`)
}

const columns = "opportunity_id line_no product_code quantity"

func orderLines(sink *memory) []string {
	return sink.values("opportunity_line", strings.Fields(columns)...)
}

// Whatever holds the records, the same rows come out.
func TestJSONShapes(t *testing.T) {
	const (
		a = `{"order":{"id":"A1"},"line":1,"sku":"x"}`
		b = `{"order":{"id":"A2"},"line":2,"sku":"y"}`
	)
	pretty := "{\n  \"order\": {\n    \"id\": \"A1\"\n  },\n  \"line\": 1,\n  \"sku\": \"x\"\n}"
	both, first := []string{"crm:order:A1 1 x -", "crm:order:A2 2 y -"}, []string{"crm:order:A1 1 x -"}
	for _, c := range []struct {
		name, read, text string
		want             []string
	}{
		{"lines", "", a + "\n" + b + "\n", both},
		{"lines without an end, with CRLF and blank lines", "", "\n" + a + "\r\n\r\n  " + b, both},
		{"array", "", "[" + a + "," + b + "]", both},
		{"array with white space", "", " [\n\t" + a + " ,\r\n" + b + "\n]\n", both},
		{"pretty array", "", "[\n" + pretty + ",\n" + b + "]", both},
		{"empty array", "", "[]", nil},
		{"byte order mark", "", "\xef\xbb\xbf[" + a + "]", first},
		{"UTF-16LE", "", "\xff\xfe" + wide("["+a+"]", false), first},
		{"UTF-16BE without a byte order mark", "encoding: utf-16be", wide(a+"\n"+b, true), both},
		{"gzip", "", zipped(t, a+"\n"+b), both},
		{"one record", "", a, first},
		{"one pretty record", "", pretty + "\n", first},
		{"sole list", "", `{"statements":[` + a + "," + b + `]}`, both},
		{"sole list among other members", "", `{"more":"/next","n":2,"statements":[` + a + "," + b + `],"z":{"q":[1]}} `, both},
		{"named list", "records: data.items", `{"x":[{"no":1}],"data":{"y":0,"items":[` + a + "," + b + `]},"z":1}`, both},
		{"a list that the mapping reads is no list of records", "", `{"order":{"id":"A1"},"line":1,"sku":"x","params":[{"key":"qty","value":2.50}]}`, []string{"crm:order:A1 1 x 2.5"}},
	} {
		result, sink := mustLoad(t, orders(t, c.read), c.text)
		if diff := cmp.Diff(c.want, orderLines(sink)); diff != "" || len(sink.rejects) > 0 {
			t.Errorf("%s (-want +got):\n%s%v", c.name, diff, sink.rejects)
		}
		if result.Format != preset.FormatJSON || !strings.HasPrefix(result.Dialect, "format=json ") {
			t.Errorf("%s: %s, %s", c.name, result.Format, result.Dialect)
		}
	}
}

// The members beside the list, and the members that nothing reads, are told.
func TestJSONTellsWhatIsNotRead(t *testing.T) {
	result, sink := mustLoad(t, orders(t, ""), `{"more":"/next","statements":[{"order":{"id":"A","who":{"n":1.10}},"line":1,"sku":"x","z":[1, 2],"null":null,"meta":{}}]}`)
	if diff := cmp.Diff([]string{`members beside the records are not read: "more"`}, result.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if want := `{"order":{"who":{"n":1.10}},"z":[1, 2]}`; sink.rows[0].Extra != want {
		t.Errorf("unread members %s, want %s", sink.rows[0].Extra, want)
	}
	if diff := cmp.Diff([]string{"null", "z"}, result.ExtraColumns); diff != "" {
		t.Errorf("extra (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"params[key=qty].value", `meta["changed.at"]`}, result.MissingColumns); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	obj := orders(t, "")
	obj.Contract.ColumnsNew = preset.DiscardValue
	if _, sink = mustLoad(t, obj, `{"order":{"id":"A"},"line":1,"sku":"x","z":1}`); sink.rows[0].Extra != "" {
		t.Errorf("extra %s is kept against the contract", sink.rows[0].Extra)
	}
	obj.Contract.ColumnsNew = preset.Freeze
	var refused *ingest.FileError
	if _, _, err := load(t, obj, `{"order":{"id":"A"},"line":1,"sku":"x","z":1}`); !errors.As(err, &refused) || refused.Rule != ingest.RuleNewColumns {
		t.Errorf("a new member of a frozen contract: %v", err)
	}
}

// Fields come from wherever the paths lead; numbers keep every digit and texts lose their escapes.
func TestJSONPaths(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{`{"order":{"id":12345678901234567890},"line":1,"sku":"x"}`, "crm:order:12345678901234567890 1 x -"},
		{`{"order":{"id":"\u00e9\"\\\/"},"line":1,"sku":"x"}`, `crm:order:é"\/ 1 x -`},
		{`{"order":{"id":true},"line":1,"sku":{"a": [1]}}`, `crm:order:true 1 {"a": [1]} -`},
		{`{"order":{"id":"A"},"line":1,"tags":["t","u"]}`, "crm:order:A 1 t -"},
		{`{"order":{"id":"A"},"line":1,"sku":null,"tags":[],"names":{"en":null,"de":"Kurs"}}`, "crm:order:A 1 Kurs -"},
		{`{"order":{"id":"A"},"line":1,"names":[null,"z"]}`, "crm:order:A 1 z -"},
		{`{"order":{"id":"A"},"line":1,"sku":"x","params":[7,{"key":"no","value":1},{"key":"qty","value":0.1000}]}`, "crm:order:A 1 x 0.1"},
		{`{"order":{"id":"A"},"line":1,"sku":"x","params":[{"value":3,"key":"qty"},{"key":"qty","value":4}]}`, "crm:order:A 1 x 3"},
		{`{"order":{"id":"A"},"line":1,"sku":"x","params":{"key":"qty","value":3}}`, "crm:order:A 1 x -"},
		{`{"\u006frder":{"id":"A"},"line":1,"sku":"x"}`, "crm:order:A 1 x -"},
	} {
		_, sink := mustLoad(t, orders(t, ""), c.record)
		if diff := cmp.Diff([]string{c.want}, orderLines(sink)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%v", c.record, diff, sink.rejects)
		}
	}
	_, sink := mustLoad(t, orders(t, `null_values: ["NA"]`), `{"order":{"id":"A"},"line":1,"sku":null,"tags":["NA","u"],"names":[""]}`)
	if diff := cmp.Diff([]string{"crm:order:A 1  -"}, orderLines(sink)); diff != "" {
		t.Errorf("null is null, and an empty text is one where it is not declared null (-want +got):\n%s%v", diff, sink.rejects)
	}
}

// A damaged record costs itself alone.
func TestDamagedJSONRecords(t *testing.T) {
	record := func(n int) string { return fmt.Sprintf(`{"order":{"id":"A%d"},"line":%d,"sku":"x"}`, n, n) }
	for _, c := range []struct{ name, damaged, rule string }{
		{"lost quote that closes", `{"order":{"id":"B},"line":2,"sku":"x"}`, "invalid_json"},
		{"lost quote that opens", `{"order":{"id":B"},"line":2,"sku":"x"}`, "invalid_json"},
		{"lost quote of the last value", `{"order":{"id":"B"},"line":2,"sku":"x}`, "invalid_json"},
		{"lost bracket that closes", `{"order":{"id":"B","line":2,"sku":"x"}`, "invalid_json"},
		{"lost last bracket", `{"order":{"id":"B"},"line":2,"sku":"x"`, "invalid_json"},
		{"lost bracket that opens", `{"order":"id":"B"},"line":2,"sku":"x"}`, "invalid_json"},
		{"lost first bracket", `"order":{"id":"B"},"line":2,"sku":"x"}`, "invalid_json"},
		{"lost comma", `{"order":{"id":"B"}"line":2,"sku":"x"}`, "invalid_json"},
		{"a comma too many", `{"order":{"id":"B"},"line":2,"sku":"x",}`, "invalid_json"},
		{"no number", `{"order":{"id":"B"},"line":02,"sku":"x"}`, "invalid_json"},
		{"no value", `{"order":{"id":"B"},"line":NaN,"sku":"x"}`, "invalid_json"},
		{"no JSON text", `{'order':1}`, "invalid_json"},
		{"a name twice", `{"order":{"id":"B"},"line":2,"line":3}`, "duplicate_member"},
		{"a name twice further down", `{"order":{"id":"B","id":"C"},"line":2}`, "duplicate_member"},
		{"another encoding", "{\"order\":{\"id\":\"M\xfcnz\"},\"line\":2,\"sku\":\"x\"}", "invalid_text"},
		{"half a pair", `{"order":{"id":"\ud800"},"line":2,"sku":"x"}`, "invalid_json"},
		{"zero byte", `{"order":{"id":"a\u0000b"},"line":2,"sku":"x"}`, "nul_byte"},
		{"deep", `{"order":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, ""},
	} {
		for shape, text := range map[string]string{
			"lines":        record(1) + "\n" + c.damaged + "\n" + record(3) + "\n" + record(4) + "\n",
			"array":        "[" + record(1) + "," + c.damaged + "," + record(3) + "," + record(4) + "]",
			"array, lines": "[\n" + record(1) + ",\n" + c.damaged + ",\n" + record(3) + ",\n" + record(4) + "\n]\n",
			"list":         `{"a":1,"list":[` + record(1) + ", " + c.damaged + ", " + record(3) + ", " + record(4) + `]}`,
		} {
			result, sink := mustLoad(t, orders(t, ""), text)
			if diff := cmp.Diff([]string{"crm:order:A1 1 x -", "crm:order:A3 3 x -", "crm:order:A4 4 x -"}, orderLines(sink)); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", c.name, shape, diff)
			}
			if len(sink.rejects) != 1 || result.Records != 4 || c.rule != "" && sink.rejects[0].Rule != c.rule || !strings.HasPrefix(strings.TrimSuffix(c.damaged, ","), sink.rejects[0].Raw[:10]) {
				t.Errorf("%s in %s: %d records, %.300v", c.name, shape, result.Records, sink.rejects)
			}
		}
	}
}

// The reject of a record tells where it is to the byte.
func TestJSONRejectsTellWhere(t *testing.T) {
	_, sink := mustLoad(t, orders(t, ""), "[\n {\"order\":{\"id\":\"A\"},\"line\":1,\"sku\":\"é\"},\n {\"order\":{\"id\":\"B\"},\"line\":tru}\n]")
	r := sink.rejects[0]
	if r.Record != 2 || r.Line != 3 || r.Offset != 46 || r.Raw != `{"order":{"id":"B"},"line":tru}` ||
		r.Message != "the record is no JSON from byte 30 on: invalid character '}' in literal true (expecting 'e')" {
		t.Errorf("%+v", r)
	}
}

// Files of which the end or the beginning tells that something is missing are refused whole.
func TestJSONFilesThatAreRefused(t *testing.T) {
	const a = `{"order":{"id":"A1"},"line":1,"sku":"x"}`
	for _, c := range []struct{ name, read, text, rule, message string }{
		{"array cut off behind a record", "", "[" + a, ingest.RuleDamaged, "it ends before its array of records does: it was cut off; export or copy the file again"},
		{"array cut off behind a comma", "", "[" + a + ",", ingest.RuleDamaged, "it was cut off"},
		{"array cut off within a record", "", "[" + a + "," + a[:20], ingest.RuleDamaged, "it was cut off"},
		{"list cut off behind the array", "", `{"l":[` + a + "]", ingest.RuleDamaged, "it was cut off"},
		{"list cut off within the next member", "", `{"l":[` + a + `],"next":"ab`, ingest.RuleDamaged, "it was cut off"},
		{"something behind the array", "", "[" + a + "]garbage", ingest.RuleDamaged, "something follows the end of its array of records in line 1; export the file again, or remove what stands behind the array"},
		{"an error page behind the array", "", "[\n" + a + "\n]\n\n<html>\n</html>\n", ingest.RuleDamaged, "something follows the end of its array of records in line 5"},
		{"much behind the array", "", "[" + a + "]\n" + strings.Repeat("x", 8<<20) + "\n", ingest.RuleDamaged, "something follows the end of its array of records in line 2"},
		{"something behind the list", "", `{"l":[` + a + "]garbage", ingest.RuleDamaged, "something follows the end of its array of records in line 1"},
		{"array cut off behind a bracket too many", "", "[" + a + "]," + a + "," + a, ingest.RuleDamaged, "it was cut off"},
		{"two lists", "", `{"l":[` + a + `],"m":[{}]}`, ingest.RuleFormat, `it holds several lists of records, one of them as "m"; name the one that is meant in the mapping: read: {records: ...}`},
		{"no such list", "records: data.items", `{"l":[` + a + `]}`, ingest.RuleFormat, "the place of its records, data.items, is not in the file"},
		{"no list", "records: l", `{"l":{}}`, ingest.RuleFormat, "the place of its records, l, is no array"},
		{"no object", "records: l", `[1]`, ingest.RuleFormat, "the place of its records, l, lies in no object"},
		{"a workbook", "", "PK\x03\x04", ingest.RuleFormat, "its content is xlsx, the mapping says json; correct format: in the mapping, or leave it out: formats are told by their content"},
	} {
		_, _, err := load(t, orders(t, c.read), c.text)
		var refused *ingest.FileError
		if !errors.As(err, &refused) || refused.Rule != c.rule || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestJSONWithoutRecords(t *testing.T) {
	for text, note := range map[string]string{"": "the file is empty", "\n": "the file is empty", "[]": "the file has no records", `{"a":[]}`: ""} {
		result, sink := mustLoad(t, orders(t, ""), text)
		if strings.Join(result.Notes, "") != note || len(sink.rows) > 0 || len(result.MissingColumns) > 0 && note != "" {
			t.Errorf("%q: %+v", text, result)
		}
	}
}

// JSON is told by its content where the mapping does not say.
func TestJSONIsTold(t *testing.T) {
	obj := anything(t, "")
	for text, want := range map[string]string{
		`{"a":1}`: "json", "[]": "json", "\n[ {} ]": "json", "{}": "json", `["a"]`: "json", "[1,2]": "json", "\xff\xfe" + wide(`[{"a":1}]`, false): "json",
		"a,b\n1,2": "csv", "[Name],[City]\n1,2": "csv", "{x},y\n": "csv", "": "csv", "1": "csv", `"a"`: "csv",
	} {
		result, _ := mustLoad(t, obj, text)
		if result.Format != want {
			t.Errorf("%q is %s, want %s", text, result.Format, want)
		}
	}
	obj.Format = preset.FormatCSV
	if result, _ := mustLoad(t, obj, `{"a":1}`); result.Format != "csv" {
		t.Errorf("declared CSV is read as %s", result.Format)
	}
}

// The suite of JSON files that parsers must take, must refuse, and may do either with.
func TestJSONSuite(t *testing.T) {
	needBadFiles(t)
	files, err := filepath.Glob(filepath.Join(badFiles, "json-test-suite", "*.json"))
	if err != nil || len(files) != 318 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	obj := anything(t, "")
	obj.Format = preset.FormatJSON
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		result, sink, err := load(t, obj, string(data))
		var refused *ingest.FileError
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil {
			checkResult(t, result, sink)
		}
		isRefused := err != nil || len(sink.rejects) > 0
		switch {
		case strings.HasPrefix(name, "y_object_duplicated_key"):
			// RFC 8259 lets names occur twice. Which of the values is meant nobody can know, so the record is refused.
			if !isRefused || sink.rejects[0].Rule != "duplicate_member" {
				t.Errorf("%s goes in", name)
			}
		case name == "n_structure_no_data.json" || name == "n_structure_UTF8_BOM_no_data.json" || name == "n_single_space.json":
			// A file without any record is one of lines in which nothing happened.
			if isRefused || result.Records != 0 || len(result.Notes) != 1 {
				t.Errorf("%s: %+v", name, result)
			}
		case strings.HasPrefix(name, "y_") && isRefused:
			t.Errorf("%s is refused: %v %v", name, err, sink.rejects)
		case strings.HasPrefix(name, "n_") && !isRefused:
			t.Errorf("%s goes in: %+v", name, sink.rows)
		}
	}
}

// What encoding/json makes of any records, this reader makes of them as well.
func TestJSONAgreesWithEncodingJSON(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return rapid.StringN(1, 20, -1).Draw(t, "text")
		case 1:
			return rapid.Int64().Draw(t, "number")
		case 2:
			return rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "list")
		case 3:
			return map[string]any{"a": rapid.String().Draw(t, "member"), "}],[{": nil}
		case 4:
			return rapid.Bool().Draw(t, "bool")
		}
		return rapid.Float64().Draw(t, "float")
	})
	rapid.Check(t, func(rt *rapid.T) {
		records := rapid.SliceOfN(rapid.MapOfN(rapid.StringN(1, 5, -1), value, 1, 5), 1, 10).Draw(rt, "records")
		var want []string
		var lines strings.Builder
		for _, r := range records {
			text, err := json.Marshal(r)
			if err != nil {
				rt.Fatal(err)
			}
			want = append(want, string(text))
			lines.Write(text)
			lines.WriteByte('\n')
		}
		array, err := json.MarshalIndent(records, " ", "\t")
		if err != nil {
			rt.Fatal(err)
		}
		obj := anything(t, "records: \"\"")
		obj.Format = preset.FormatJSON
		for _, text := range []string{"[" + strings.Join(want, ",") + "]", string(array), lines.String(), `{"x":[` + strings.Join(want, ", ") + "]}"} {
			result, sink, err := load(t, obj, text)
			if err != nil {
				rt.Fatal(err)
			}
			if int(result.Records) != len(want) {
				if len(want) == 1 && text == lines.String() {
					continue // one object with a list may hold its records
				}
				rt.Fatalf("%d records of %s", result.Records, text)
			}
			for i, r := range sink.rows {
				if got, again := compact(r.Extra), compact(want[i]); got != again {
					rt.Fatalf("record %d of %s: %s, want %s", i, text, got, again)
				}
			}
		}
	})
}

// compact decodes and encodes an object again, without members that are null.
func compact(text string) string {
	var v map[string]any
	if text == "" {
		return "{}"
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	for name, member := range v {
		if member == nil {
			delete(v, name)
		}
	}
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
