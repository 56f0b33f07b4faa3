package ingest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// fuzz feeds data to every mapping: a file is refused with all that a person needs, or its records add up. There is no
// panic, and no other error.
func fuzz(f *testing.F, wrap func(t testing.TB, data []byte) string, objects ...*preset.Object) {
	f.Helper()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, obj := range objects {
			result, sink, err := load(t, obj, wrap(t, data))
			var refused *ingest.FileError
			switch {
			case errors.As(err, &refused):
				if refused.Rule == "" || refused.Message == "" || refused.NextStep == "" || refused.File == "" {
					t.Fatalf("incomplete: %+v", refused)
				}
			case err != nil:
				t.Fatal(err)
			default:
				checkResult(t, result, sink)
			}
		}
	})
}

func plain(_ testing.TB, data []byte) string { return string(data) }

// declared is a mapping that takes everything, of a declared format.
func declared(t testing.TB, format, read string) *preset.Object {
	t.Helper()
	obj := anything(t, read)
	obj.Format = format
	return obj
}

func FuzzDelimited(f *testing.F) {
	for _, text := range []string{"a,b,c\n1,2,2026-01-01\n", "a;b\n\"x;y\n", "\xff\xfea\x00\n\x00", "x\na^b\n\"\"\"^`\n", "1,tier,2026-01-01,1e3,{}\n", "a|a\r\n\"\"\"\"|true\r\nTotal"} {
		f.Add([]byte(text))
	}
	columns := typed(*declared(f, preset.FormatCSV, ""), []string{"a", "b", "c", "d", "e"})
	fuzz(f, func(_ testing.TB, data []byte) string { return "a,b,c,d,e\n" + string(data) }, columns, declared(f, preset.FormatCSV, `header: 2, header_index: 1, skip_rows: 1, footer: ["^Total", "^.$"]`),
		declared(f, preset.FormatCSV, "header: none, columns: [a, b], encoding: windows-1252"), declared(f, preset.FormatCSV, "encoding: utf-16le"))
}

func jsonSeeds(f *testing.F) {
	f.Helper()
	for _, text := range []string{`{"order":{"id":"A"},"line":1,"sku":"x","z":[1,{"a":null}]}`, `{"a":"\u00e9\ud800"},{"a":1}`, `"x",1,true,null,[`, "{\"a\":1}\n{\"a\":\n}", `{"a":{"a":{"b":[[[]]]}}},{"params":[{"key":"qty","value":1}]}`, `{"a":1,"a":2},{"b":"`} {
		f.Add([]byte(text))
	}
}

func FuzzJSONArray(f *testing.F) {
	jsonSeeds(f)
	fuzz(f, func(_ testing.TB, data []byte) string { return `[{"order":{"id":"A"}},` + string(data) + "]" }, declared(f, preset.FormatJSON, ""), orders(f, ""))
}

func FuzzJSONLines(f *testing.F) {
	jsonSeeds(f)
	fuzz(f, func(_ testing.TB, data []byte) string { return "{\"order\":{\"id\":\"A\"}}\n" + string(data) }, declared(f, preset.FormatJSON, ""), orders(f, ""))
}

func FuzzStatements(f *testing.F) {
	jsonSeeds(f)
	fuzz(f, func(_ testing.TB, data []byte) string {
		return `{"more":"","statements":[{"order":{"id":"A"}},` + string(data) + "]}"
	}, declared(f, preset.FormatJSON, ""), orders(f, "records: statements"))
}

// FuzzJSONFile fuzzes the way to the records.
func FuzzJSONFile(f *testing.F) {
	for _, text := range []string{`{"a":{"b":[{}]},"c":1}`, `[[],{}]`, ` {"x":[{"y":1}],"z":[{}]} `, `{"a":1}` + "\n" + `{"a":2}`, "\xfe\xff\x00[\x00]"} {
		f.Add([]byte(text))
	}
	fuzz(f, plain, declared(f, preset.FormatJSON, ""), declared(f, preset.FormatJSON, "records: a.b"), orders(f, ""))
}

// FuzzSheet fuzzes the XML of a sheet and of the parts that it refers to.
func FuzzSheet(f *testing.F) {
	sheet := book(f, func(x *excelize.File) error {
		return rows(x, "Sheet1", []any{"a", "b"}, []any{1, "x"}, []any{45000.5, true})
	})
	for _, text := range []string{`<row r="2"><c r="A2" s="1"><v>45000.5</v></c><c r="B2" t="s"><v>1</v></c></row>`, `<row><c t="inlineStr"><is><t>_x000D_</t></is></c></row>`, `<row r="3" hidden="1"><c t="e"><v>#N/A</v></c><c><f>1</f></c></row>`, `<row r="1"><c r="ZZZZ9" t="b"><v>2</v>`, "<!--", `</sheetData><mergeCell/>`} {
		f.Add([]byte(text))
	}
	fuzz(f, func(t testing.TB, data []byte) string {
		return patched(t, sheet, "xl/worksheets/sheet1.xml", "", `<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>a</v></c><c t="str"><v>b</v></c></row>`+string(data)+"</sheetData></worksheet>")
	}, declared(f, "", ""))
}

// FuzzWorkbook fuzzes the whole file.
func FuzzWorkbook(f *testing.F) {
	f.Add([]byte(book(f, func(x *excelize.File) error { return rows(x, "Sheet1", []any{"a", "b"}, []any{1, "x"}) })))
	fuzz(f, plain, declared(f, preset.FormatXLSX, ""))
}

func FuzzParquet(f *testing.F) {
	text := "v"
	f.Add([]byte(parquetOf(f, event{ID: "e1", Tags: []string{"a"}, Params: []param{{"k", &text}}}, event{ID: "e2"})))
	fuzz(f, func(_ testing.TB, data []byte) string { return "PAR1" + strings.TrimPrefix(string(data), "PAR1") }, declared(f, preset.FormatParquet, ""))
}

func FuzzGzip(f *testing.F) {
	f.Add([]byte(zipped(f, "a,b\n1,2\n")))
	f.Add([]byte(zipped(f, zipped(f, `[{"a":1}]`))))
	fuzz(f, func(_ testing.TB, data []byte) string {
		return "\x1f\x8b" + strings.TrimPrefix(string(data), "\x1f\x8b")
	}, declared(f, "", ""))
}

func FuzzZstd(f *testing.F) {
	f.Add([]byte(zstded(f, "a,b\n1,2\n")))
	f.Add([]byte(zstded(f, `[{"a":1}]`)))
	fuzz(f, func(_ testing.TB, data []byte) string {
		return "\x28\xb5\x2f\xfd" + strings.TrimPrefix(string(data), "\x28\xb5\x2f\xfd")
	}, declared(f, "", ""))
}
