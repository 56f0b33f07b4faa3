package ingest_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// book makes a workbook with one sheet, Sheet1, and lets fill change it.
func book(t testing.TB, fill func(f *excelize.File) error) string {
	t.Helper()
	f := excelize.NewFile()
	var b bytes.Buffer
	err := fill(f)
	if err == nil {
		err = f.Write(&b)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rows sets the rows of a sheet, from A1 on.
func rows(f *excelize.File, sheet string, rows ...[]any) error {
	for i, row := range rows {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
			return err
		}
	}
	return nil
}

// costs reads lines of a cost sheet.
func costs(t testing.TB, read string) *preset.Object {
	t.Helper()
	return mapping(t, `
objects:
	- object: cost
		files: ["**"]
		mode: append
		read: {`+read+`}
		contract: {budget: {rows: 100%, values: 100%}}
		tables:
			- table: opportunity_line
				columns:
					opportunity_id: {key: order, from: Order}
					line_no: {from: Line}
					product_code: {from: Product}
					quantity: {from: Quantity}
					source_modified_at: {from: Changed, transform: {ts: ["2006-01-02 15:04:05", "2006-01-02"]}}
`)
}

const costColumns = "opportunity_id line_no product_code quantity source_modified_at"

func costLines(sink *memory) []string {
	return sink.values("opportunity_line", strings.Fields(costColumns)...)
}

var costHeader = []any{"Order", "Line", "Product", "Quantity", "Changed"}

// Each kind of cell means what the sheet shows, to the last digit.
func TestSheetCells(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		err := rows(f, "Sheet1", costHeader,
			[]any{"A1", 1, "plain", 12.5, time.Date(2026, 3, 29, 13, 45, 59, 0, time.UTC)},
			[]any{1234567890123456, 2, "tab\tand\nline", 4.35, nil},
			[]any{"A3", 3, true, 0.30000000000000004, time.Date(1900, 2, 28, 0, 0, 0, 0, time.UTC)},
			[]any{"007", 4, "trailing "},
			nil,
			[]any{"A6", 6, "behind a blank row", nil, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)},
		)
		style, styleErr := f.NewStyle(&excelize.Style{NumFmt: 14})
		return errors.Join(err, styleErr, f.SetCellStyle("Sheet1", "E7", "E7", style), f.SetCellRichText("Sheet1", "C5", []excelize.RichTextRun{{Text: "rich "}, {Text: "text"}}))
	})
	result, sink := mustLoad(t, costs(t, "timezone: UTC"), data)
	want := []string{
		"crm:order:A1 1 plain 12.5 2026-03-29T13:45:59Z",
		"crm:order:1234567890123456 2 tab\tand\nline 4.35 -",
		"crm:order:A3 3 true - 1900-02-28T00:00:00Z",
		"crm:order:007 4 rich text - -",
		"crm:order:A6 6 behind a blank row - 2026-01-02T00:00:00Z",
	}
	if diff := cmp.Diff(want, costLines(sink)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The sum of 0.1 and 0.2 is stored so. Nothing is rounded unseen.
	if len(sink.rejects) != 1 || sink.rejects[0].Record != 3 || sink.rejects[0].Line != 4 || sink.rejects[0].Rule != "rounding" ||
		!strings.HasPrefix(sink.rejects[0].Message, "sheet Sheet1, row 4: Quantity ") {
		t.Errorf("rejects %+v", sink.rejects)
	}
	if result.Format != preset.FormatXLSX || result.Dialect != `format=xlsx sheet="Sheet1" encoding=binary compression=none` || result.Records != 5 {
		t.Errorf("%+v", result)
	}
}

// A cell with an error is refused where it is read, and its row goes on.
func TestSheetErrors(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		return errors.Join(rows(f, "Sheet1", costHeader, []any{"A1", 1, "x"}, []any{"A2", 2, "y", 2}, []any{"A3", 3, "z", 3, nil, "behind the header"}),
			f.SetCellFormula("Sheet1", "D2", "1/0"))
	})
	data = patched(t, data, "xl/worksheets/sheet1.xml", `<c r="C3" t="s"><v>8</v></c>`, `<c r="C3" t="e"><v>#REF!</v></c>`)
	_, sink := mustLoad(t, costs(t, ""), data)
	if diff := cmp.Diff([]string{"crm:order:A1 1 x - -"}, costLines(sink)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range sink.rejects {
		got = append(got, fmt.Sprintf("%d %s %s", r.Line, r.Rule, r.Message))
	}
	want := []string{
		`2 error_cell sheet Sheet1, row 2: Quantity "a formula that was never calculated" is an error in place of a value`,
		`3 error_cell sheet Sheet1, row 3: Product "#REF!" is an error in place of a value`,
		"4 field_count sheet Sheet1, row 4: the record has 6 cells where the header has 5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A formula whose result nobody wrote is never taken for an empty cell: openpyxl writes an empty value behind each. A
// result that is an empty text is one.
func TestFormulasWithoutResult(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		return rows(f, "Sheet1", costHeader, []any{"A1", 1, "x", 2}, []any{"A2", 2, "y", 3}, []any{"A3", 3, "z", 4})
	})
	const sheet = "xl/worksheets/sheet1.xml"
	data = patched(t, data, sheet, `<c r="D2"><v>2</v></c>`, `<c r="D2"><f>1+1</f><v /></c>`)
	data = patched(t, data, sheet, `<c r="D3"><v>3</v></c>`, `<c r="D3" t="b"><f>TRUE()</f><v> </v></c>`)
	data = patched(t, data, sheet, `<c r="D4"><v>4</v></c>`, `<c r="D4" t="str"><f>""</f><v></v></c>`)
	_, sink := mustLoad(t, costs(t, ""), data)
	if diff := cmp.Diff([]string{"crm:order:A1 1 x - -", "crm:order:A2 2 y - -", "crm:order:A3 3 z - -"}, costLines(sink)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{"1 line 2 byte", "2 line 3 byte"}
	for i, got := range sink.refusals() {
		if i >= len(want) || !strings.HasPrefix(got, want[i]) || !strings.Contains(got, "Quantity error_cell") {
			t.Errorf("refusal %d: %s", i, got)
		}
	}
	if len(sink.rejects) != len(want) {
		t.Errorf("%d refusals, want %d", len(sink.rejects), len(want))
	}
}

// A sheet that holds a chart and no cells is none that could be meant, and that the sheet which is read is hidden is told.
func TestSheetsThatAreNotShown(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		_, err := f.NewSheet("Costs")
		return errors.Join(err, rows(f, "Sheet1", []any{"a"}, []any{"chart"}), rows(f, "Costs", []any{"a"}, []any{"cell"}), f.SetSheetVisible("Costs", true))
	})
	charted := patched(t, data, "xl/_rels/workbook.xml.rels", `relationships/worksheet"></Relationship><Relationship Id="rId2"`, `relationships/chartsheet"></Relationship><Relationship Id="rId2"`)
	result, sink := mustLoad(t, anything(t, ""), charted)
	if len(sink.rows) != 1 || sink.rows[0].Extra != `{"a":"cell"}` || len(result.Notes) != 1 || result.Notes[0] != `the sheet "Costs" is read; the workbook also has "Sheet1"` {
		t.Errorf("a chart comes first: %+v, notes %q", sink.rows, result.Notes)
	}
	hidden := patched(t, data, "xl/workbook.xml", `name="Sheet1"`, `name="Sheet1" state="hidden"`)
	result, sink = mustLoad(t, anything(t, ""), hidden)
	if len(sink.rows) != 1 || len(result.Notes) != 1 || result.Notes[0] != `the sheet "Sheet1", which is hidden, is read; the workbook also has "Costs"` {
		t.Errorf("hidden: %+v, notes %q", sink.rows, result.Notes)
	}
}

// patched replaces text in a part of a workbook; where is "" for all of the part.
func patched(t testing.TB, data, part, where, by string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		if f.Name == part {
			if !strings.Contains(text, where) {
				t.Fatalf("%s has no %s: %s", part, where, text)
			}
			if text = strings.Replace(text, where, by, 1); where == "" {
				text = by
			}
		}
		w, err := out.Create(f.Name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSheetChoice(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		_, err := f.NewSheet("Costs 2026")
		return errors.Join(err, rows(f, "Sheet1", []any{"notes"}, []any{"x"}),
			rows(f, "Costs 2026", []any{"Costs of the programme"}, nil, costHeader, []any{"A1", 1, "x"}, []any{"A2", 2, "y"}, []any{"Grand Totals (2)"}),
			f.SetRowVisible("Costs 2026", 5, false), f.MergeCell("Costs 2026", "A1", "C1"))
	})
	for _, sheet := range []string{"Costs 2026", "2"} {
		result, sink := mustLoad(t, costs(t, `sheet: "`+sheet+`", skip_rows: 2, footer: ["^Grand Totals"]`), data)
		if diff := cmp.Diff([]string{"crm:order:A1 1 x - -", "crm:order:A2 2 y - -"}, costLines(sink)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		notes := []string{`2 lines before the header are not read, the first is "Costs of the programme"`, "1 hidden rows of the sheet were read like the others",
			"1 merged ranges of the sheet have their value in the first cell alone"}
		for _, note := range append(notes, `footer: "Grand Totals (2)\t\t\t\t"`) {
			if !strings.Contains(strings.Join(result.Notes, "\n"), note) {
				t.Errorf("%q is not in the notes %q", note, result.Notes)
			}
		}
		if result.Footer != 1 || result.Records != 2 {
			t.Errorf("%+v", result)
		}
	}
	result, _ := mustLoad(t, anything(t, ""), data)
	if len(result.Notes) != 1 || result.Notes[0] != `the sheet "Sheet1" is read; the workbook also has "Costs 2026"` {
		t.Errorf("notes %q", result.Notes)
	}
	var refused *ingest.FileError
	_, _, err := load(t, costs(t, "sheet: Kosten"), data)
	if !errors.As(err, &refused) || refused.Rule != ingest.RuleFormat || !strings.Contains(err.Error(), `the workbook has no sheet "Kosten"; it has "Sheet1", "Costs 2026"`) {
		t.Errorf("%v", err)
	}
}

// Numbers become dates by their format alone.
func TestSheetDates(t *testing.T) {
	const serial = 45000.75 // 2023-03-15 18:00
	for format, want := range map[string]string{
		"yyyy-mm-dd": "2023-03-15 18:00:00", "m/d/yy h:mm": "2023-03-15 18:00:00", `dd\.mm\.yyyy`: "2023-03-15 18:00:00", "[$-409]d-mmm-yy;@": "2023-03-15 18:00:00",
		"mmmm": "2023-03-15 18:00:00", "h:mm AM/PM": "2023-03-15 18:00:00", "0.00": "45000.75", "General": "45000.75", "[h]:mm:ss": "45000.75",
		`#,##0.00" days"`: "45000.75", `[Red]0.0;[Blue]-0.0`: "45000.75", "0.00E+00": "45000.75", "@": "45000.75", "mm:ss": "2023-03-15 18:00:00",
	} {
		data := book(t, func(f *excelize.File) error {
			style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
			return errors.Join(err, rows(f, "Sheet1", []any{"a"}, []any{serial}), f.SetCellStyle("Sheet1", "A2", "A2", style))
		})
		_, sink := mustLoad(t, anything(t, ""), data)
		if got := sink.rows[0].Extra; got != `{"a":"`+want+`"}` {
			t.Errorf("%s: %s, want %s", format, got, want)
		}
	}
}

// Days that no calendar has are left out of their row as any bad value is. The one that is met is day 0: a formula that
// looks up an empty cell has that result, and a sheet shows it as 0 January 1900. Where days are counted from 1904 it is one.
func TestSheetDaysThatNeverWere(t *testing.T) {
	for _, c := range []struct {
		serial float64
		is1904 bool
		want   string // "" where the cell is refused
	}{{0, false, ""}, {0.5, false, ""}, {60, false, ""}, {-1, false, ""}, {2958466, false, ""}, {1, false, "1900-01-01"}, {61, false, "1900-03-01"}, {0, true, "1904-01-01"}} {
		data := book(t, func(f *excelize.File) error {
			style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
			return errors.Join(err, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &c.is1904}),
				rows(f, "Sheet1", costHeader, []any{"A1", 1, "x", 2, c.serial}), f.SetCellStyle("Sheet1", "E2", "E2", style))
		})
		_, sink := mustLoad(t, costs(t, "timezone: UTC"), data)
		want, refused := "crm:order:A1 1 x 2 -", 1
		if c.want != "" {
			want, refused = "crm:order:A1 1 x 2 "+c.want+"T00:00:00Z", 0
		}
		if got := costLines(sink); len(got) != 1 || got[0] != want || len(sink.rejects) != refused || refused == 1 && sink.rejects[0].Rule != "error_cell" {
			t.Errorf("day %v: %q, %+v, want %q", c.serial, got, sink.rejects, want)
		}
	}
}

// A workbook that counts from 1904, a sheet without references and without styles, and whole days.
func TestSheetOfOtherWriters(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		is1904 := true
		style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		return errors.Join(err, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &is1904}), rows(f, "Sheet1", []any{"a"}, []any{43538}), f.SetCellStyle("Sheet1", "A2", "A2", style))
	})
	_, sink := mustLoad(t, anything(t, ""), data)
	if got := sink.rows[0].Extra; got != `{"a":"2023-03-15"}` {
		t.Errorf("1904: %s", got)
	}
	data = patched(t, data, "xl/worksheets/sheet1.xml", "", `<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>`+
		`<x:row><x:c t="inlineStr"><x:is><x:t>a_x000D_&amp;</x:t></x:is></x:c><x:c t="str"><x:v>b</x:v></x:c></x:row>`+
		`<x:row><x:c><x:v>1.50</x:v></x:c><x:c t="d"><x:v>2026-01-02</x:v></x:c></x:row></x:sheetData></x:worksheet>`)
	_, sink = mustLoad(t, anything(t, ""), data)
	if got := sink.rows[0].Extra; got != `{"a\r\u0026":"1.50","b":"2026-01-02"}` {
		t.Errorf("bare cells: %s", got)
	}
}

// While a workbook is read its scratch copy has no name any more: a run that is killed leaves no export behind.
func TestScratchCopiesHaveNoName(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file keeps its name there")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	looked := false
	sink := &memory{tamper: func(*contract.Batch) {
		looked = true
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("in the middle of reading there are %v, %v", left, err)
		}
	}}
	data := book(t, func(f *excelize.File) error { return rows(f, "Sheet1", costHeader, []any{"A1", 1, "x"}) })
	if _, err := loadInto(sink, costs(t, ""), data); err != nil || !looked {
		t.Errorf("%v, %v", err, looked)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("behind the reading there are %v, %v", left, err)
	}
}

// A sheet of which something cannot be understood is never read in part.
func TestDamagedSheets(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		return rows(f, "Sheet1", []any{"a", "b"}, []any{1, "x"}, []any{2, "y"})
	})
	const sheet = "xl/worksheets/sheet1.xml"
	for _, c := range []struct{ name, where, by, want string }{
		{"an element that does not close", "</c></row></sheetData>", "</row></sheetData>", "XML syntax error"},
		{"cut off", `<row r="3"`, `<row r="3`, "XML syntax error"},
		{"a row that goes back", `<row r="3"`, `<row r="1"`, `row "1" stands behind row 2`},
		{"a cell that goes back", `<c r="B3"`, `<c r="A3"`, `cell "A3" stands where it cannot be`},
	} {
		_, sink, err := load(t, anything(t, ""), patched(t, data, sheet, c.where, c.by))
		var refused *ingest.FileError
		if !errors.As(err, &refused) || refused.Rule != ingest.RuleDamaged || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %d rows", c.name, err, len(sink.rows))
		}
	}
	result, sink := mustLoad(t, anything(t, ""), patched(t, data, sheet, `t="s"><v>3</v>`, `t="s"><v>33</v>`))
	if len(sink.rows) != 1 || len(sink.rejects) != 1 || result.Records != 2 ||
		sink.rejects[0].Message != `sheet Sheet1, row 3: the record has a cell B3 that cannot be read: its text "33" is not among the 4 of the workbook` {
		t.Errorf("a text that is not there: %+v", sink.rejects)
	}
}

// What excelize reads of a sheet of texts, this reader reads as well.
func TestSheetAgreesWithExcelize(t *testing.T) {
	data := book(t, func(f *excelize.File) error {
		var all [][]any
		for i := range 50 {
			var row []any
			for k := range 6 {
				switch (i*7 + k*3) % 5 {
				case 0:
					row = append(row, nil)
				case 1:
					row = append(row, i*k)
				default:
					row = append(row, fmt.Sprintf("r%d c%d é <&> %s", i, k, strings.Repeat("x", i)))
				}
			}
			all = append(all, append(row, "end"))
		}
		return rows(f, "Sheet1", append([][]any{{"a", "b", "c", "d", "e", "f", "g"}}, all...)...)
	})
	f, err := excelize.OpenReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.GetRows("Sheet1", excelize.Options{RawCellValue: true})
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := ingest.Inspect(t.Context(), strings.NewReader(data), preset.DefaultRead(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, append([][]string{s.Columns}, s.Records...)); diff != "" {
		t.Errorf("(-excelize +this):\n%s", diff)
	}
}
