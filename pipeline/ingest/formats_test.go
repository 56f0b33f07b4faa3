package ingest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/ingesttest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// dealTable returns the header and cells of n generated deals.
func dealTable(t testing.TB, n int) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := ingesttest.WriteDeals(&b, n, 11); err != nil {
		t.Fatal(err)
	}
	s, err := ingest.Inspect(t.Context(), &b, preset.DefaultRead(), "")
	if err != nil || len(s.Records) != n {
		t.Fatalf("%d deals, %v", len(s.Records), err)
	}
	return append([][]string{s.Columns}, s.Records...)
}

// inEveryFormat returns the same deals as files of every format.
func inEveryFormat(t testing.TB, n int) map[string]string {
	t.Helper()
	table := dealTable(t, n)
	var csv bytes.Buffer
	if err := ingesttest.WriteDeals(&csv, n, 11); err != nil {
		t.Fatal(err)
	}
	var records []string
	for _, cells := range table[1:] {
		record := map[string]string{}
		for i, cell := range cells {
			record[table[0][i]] = cell
		}
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(text))
	}
	sheet := book(t, func(f *excelize.File) error {
		for i, cells := range table {
			row := make([]any, len(cells))
			for k := range cells {
				row[k] = cells[k]
			}
			if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
				return err
			}
		}
		return nil
	})
	lines, array := strings.Join(records, "\n")+"\n", "["+strings.Join(records, ",\n")+"]"
	return map[string]string{
		"csv": csv.String(), "csv.gz": zipped(t, csv.String()), "csv.zst": zstded(t, csv.String()), "utf-16": "\xff\xfe" + wide(csv.String(), false),
		"lines": lines, "lines.gz": zipped(t, lines), "array": array, "statements": `{"more":"","statements":` + array + "}",
		"xlsx": sheet, "parquet": dealParquet(t, table),
	}
}

// dealParquet writes the columns of a table as texts.
func dealParquet(t testing.TB, table [][]string) string {
	t.Helper()
	type deal struct {
		ID     string `parquet:"Deal ID"`
		Name   string `parquet:"Deal Name"`
		Amount string `parquet:"Amount"`
		Stage  string `parquet:"Stage"`
		Owner  string `parquet:"Owner"`
	}
	at := map[string]int{}
	for i, name := range table[0] {
		at[name] = i
	}
	var deals []deal
	for _, cells := range table[1:] {
		cell := func(name string) string {
			if i, ok := at[name]; ok {
				return cells[i]
			}
			return ""
		}
		deals = append(deals, deal{cells[0], cell("Deal Name"), cell("Amount"), cell("Stage"), cell("Owner")})
	}
	return parquetOf(t, deals...)
}

// lenientDeals is the mapping of deals without a budget.
func lenientDeals(t testing.TB) *preset.Object {
	t.Helper()
	obj := mapping(t, ingesttest.DealsMapping)
	obj.Contract.Budget = preset.Budget{Rows: 1, Values: 1}
	return obj
}

// The same deals become the same rows from every format that carries all their columns.
func TestFormatsAgree(t *testing.T) {
	obj := lenientDeals(t)
	files := inEveryFormat(t, 60)
	_, want := mustLoad(t, obj, files["csv"])
	for name, text := range files {
		if name == "parquet" {
			continue // it carries some of the columns
		}
		_, got := mustLoad(t, obj, text)
		if len(got.rows) != len(want.rows) || len(got.rejects) != 0 {
			t.Errorf("%s: %d rows and %d rejects, want %d rows", name, len(got.rows), len(got.rejects), len(want.rows))
			continue
		}
		for i := range got.rows {
			if a, b := fmt.Sprint(want.rows[i].Values), fmt.Sprint(got.rows[i].Values); a != b {
				t.Errorf("%s, row %d: %s, want %s", name, i, b, a)
				break
			}
		}
	}
}

// Files of every format, cut at 200 bytes each: refused, or every record of what is left is accounted for. One that is
// packed, or whose end is known, is never taken in part.
func TestEveryFormatCut(t *testing.T) {
	obj := lenientDeals(t)
	any := anything(t, "")
	rng := rand.New(rand.NewPCG(3, 4))
	isWhole := map[string]bool{"csv.gz": true, "csv.zst": true, "lines.gz": true, "array": true, "statements": true, "xlsx": true, "parquet": true}
	for name, text := range inEveryFormat(t, 60) {
		for range 200 {
			cut := rng.IntN(len(text))
			for _, o := range []*preset.Object{obj, any} {
				result, sink, err := load(t, o, text[:cut])
				var refused *ingest.FileError
				switch {
				case errors.As(err, &refused):
					continue
				case err != nil:
					t.Fatalf("%s cut at %d: %v", name, cut, err)
				case isWhole[name] && cut > 4 && len(sink.rows) > 0:
					t.Fatalf("%s cut at %d of %d gives %d rows", name, cut, len(text), len(sink.rows))
				}
				checkResult(t, result, sink)
				if len(sink.rejects) > 1 {
					t.Fatalf("%s cut at %d: %d rejects, want the last record at most", name, cut, len(sink.rejects))
				}
			}
		}
	}
}

// Random bytes changed in files of every format: refused, or accounted for.
func TestEveryFormatDamaged(t *testing.T) {
	obj := lenientDeals(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for name, text := range inEveryFormat(t, 40) {
		for range 100 {
			data := []byte(text)
			for range 1 + rng.IntN(4) {
				data[rng.IntN(len(data))] = "\",\n\r\x00\xff{}[]:x0"[rng.IntN(13)]
			}
			result, sink, err := load(t, obj, string(data))
			var refused *ingest.FileError
			switch {
			case errors.As(err, &refused):
			case err != nil:
				t.Fatalf("%s: %v", name, err)
			default:
				checkResult(t, result, sink)
			}
		}
	}
}
