package ingest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// skippable is a frame of zstd without data, as pzstd writes before each of its frames.
const skippable = "\x5f\x2a\x4d\x18\x05\x00\x00\x00hello"

func zstded(t testing.TB, text string) string {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(e.EncodeAll([]byte(text), nil))
}

// read is DefaultRead changed by change.
func read(change func(*preset.ReadOptions)) preset.ReadOptions {
	o := preset.DefaultRead()
	change(&o)
	return o
}

// The quirks of tables that real exports have, each by what is read of one that has it.
func TestTableQuirks(t *testing.T) {
	const want = "USD 2026-01-01 1.1"
	for _, c := range []struct {
		name, text string
		change     func(*preset.ReadOptions)
		notes      []string
		footer     int64
		dialect    string
	}{
		{name: "no header row", text: "USD,2026-01-01,1.1,x\n", change: func(o *preset.ReadOptions) {
			o.Header, o.Columns = 0, []string{"Currency", "Day", "Rate", "SinkModifiedOn"}
		}},
		{name: "no header row, semicolons", text: "USD;2026-01-01;1.1;a,b\n", dialect: "delimiter=';'",
			change: func(o *preset.ReadOptions) { o.Header, o.Columns = 0, []string{"Currency", "Day", "Rate", "Note"} }},
		{name: "three header rows, the first names", text: "Currency,Day,Rate\n\"The currency,\nin words\",When,How much\n\"{\"\"ImportId\"\":\"\"QID1\"\"}\",x,y\nUSD,2026-01-01,1.1\n",
			change: func(o *preset.ReadOptions) { o.Header = 3 },
			notes:  []string{"header row 2 is not read: \"\\\"The currency,\\nin words\\\",When,How much\"", `header row 3 is not read: "\"{\"\"ImportId\"\":\"\"QID1\"\"}\",x,y"`}},
		{name: "two header rows, the second names", text: "Group A,,Group B\nCurrency,Day,Rate\nUSD,2026-01-01,1.1\n",
			change: func(o *preset.ReadOptions) { o.Header, o.HeaderIndex = 2, 1 }, notes: []string{`header row 1 is not read: "Group A,,Group B"`}},
		{name: "lines before the header", text: "Report of \"the\r\n\nCurrency,Day,Rate\nUSD,2026-01-01,1.1\n", change: func(o *preset.ReadOptions) { o.SkipRows = 2 },
			notes: []string{`2 lines before the header are not read, the first is "Report of \"the"`}},
		{name: "lines before the header, with another delimiter", text: "a,b,c,d\nCurrency;Day;Rate\nUSD;2026-01-01;1.1\n", change: func(o *preset.ReadOptions) { o.SkipRows = 1 },
			notes: []string{`1 lines before the header are not read, the first is "a,b,c,d"`}, dialect: "delimiter=';'"},
		{name: "empty and duplicate header cells", text: ",Currency,Day,Rate,Rate,\nx,USD,2026-01-01,1.1,2,y\n"},
		{name: "carets", text: "Currency^Day^Rate\nUSD^2026-01-01^1.1\n", dialect: "delimiter='^'"},
		{name: "backquotes", text: "Currency`Day`Rate\nUSD`2026-01-01`1.1\n", dialect: "delimiter='`'"},
		{name: "zstd", text: zstded(t, "Currency,Day,Rate\nUSD,2026-01-01,1.1\n"), dialect: `delimiter=',' quote="\"" encoding=utf-8 compression=zstd`},
		{name: "zstd behind a frame to pass over", text: skippable + zstded(t, "Currency,Day,Rate\n") + skippable + zstded(t, "USD,2026-01-01,1.1\n"),
			dialect: `delimiter=',' quote="\"" encoding=utf-8 compression=zstd`},
		{name: "zstd in gzip", text: zipped(t, zstded(t, "Currency,Day,Rate\nUSD,2026-01-01,1.1\n")), dialect: `delimiter=',' quote="\"" encoding=utf-8 compression=gzip+zstd`},
		{name: "UTF-16LE and tabs", text: "\xff\xfe" + wide("Currency\tDay\tRate\r\nUSD\t2026-01-01\t1.1\r\n", false), dialect: `delimiter='\t' quote="\"" encoding=utf-16le compression=none`},
		{name: "footer of a report", text: "\"Currency\",\"Day\",\"Rate\"\n\"USD\",\"2026-01-01\",\"1.1\"\n\n\"Grand Totals (1 record)\"\n\n\"Copyright © 2000-2026 salesforce.com, inc. All rights reserved.\"\n",
			change: func(o *preset.ReadOptions) { o.Footer = []string{`^"?Grand Totals`, `^"?Copyright`} }, footer: 2,
			notes: []string{`footer: "\"Grand Totals (1 record)\""`, `footer: "\"Copyright © 2000-2026 salesforce.com, inc. All rights reserved.\""`}},
		{name: "no footer where one may be", text: "Currency,Day,Rate\nUSD,2026-01-01,1.1\n", change: func(o *preset.ReadOptions) { o.Footer = []string{`^"?Grand Totals`} }},
	} {
		obj := rates(t, "")
		if c.change != nil {
			obj.Read = read(c.change)
		}
		result, sink := mustLoad(t, obj, c.text)
		if diff := cmp.Diff([]string{want}, sink.values("fx_rate", "currency", "valid_from", "rate")); diff != "" || len(sink.rejects) > 0 {
			t.Errorf("%s (-want +got):\n%s%v", c.name, diff, sink.rejects)
		}
		if diff := cmp.Diff(c.notes, result.Notes); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", c.name, diff)
		}
		if result.Footer != c.footer || result.Records != 1 || !strings.HasPrefix(result.Dialect, c.dialect) {
			t.Errorf("%s: %+v", c.name, result)
		}
	}
}

// What looks like a footer is one at the end alone.
func TestFooterInTheMiddle(t *testing.T) {
	obj := rates(t, "")
	obj.Read = read(func(o *preset.ReadOptions) { o.Footer = []string{"^Total", "^Copyright"} })
	result, sink := mustLoad(t, obj, "Currency,Day,Rate\nUSD,2026-01-01,1\nTotal,2026-01-01,2\nCopyright\nEUR,2026-01-01,3\nTotal,2026-01-02,4\nCopyright\n")
	if diff := cmp.Diff([]string{"USD 1", "Total 2", "EUR 3"}, sink.values("fx_rate", "currency", "rate")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"3 line 4 byte 54:  field_count refused"}, sink.refusals()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if result.Records != 4 || result.Footer != 2 {
		t.Errorf("%+v", result)
	}
	// A hundred lines are no footer.
	result, sink = mustLoad(t, obj, "Currency,Day,Rate\n"+strings.Repeat("Total,2026-01-01,2\n", 150))
	if result.Footer != 49 || len(sink.rows) != 101 {
		t.Errorf("%d rows, %d in the footer", len(sink.rows), result.Footer)
	}
}

func TestHeaderRowsThatAreNotThere(t *testing.T) {
	obj := rates(t, "")
	obj.Read = read(func(o *preset.ReadOptions) { o.Header = 3 })
	var refused *ingest.FileError
	if _, _, err := load(t, obj, "Currency,Day,Rate\nx,y,z\n"); !errors.As(err, &refused) || refused.Rule != ingest.RuleBadHeader || refused.Message != "it ends after 2 of its 3 header rows" {
		t.Errorf("%v", err)
	}
}

// The dialect that the mapping chose stands first in lineage.
func TestDialectName(t *testing.T) {
	obj := rates(t, "").In(&preset.Dialect{Name: "weekly-export", Read: preset.DefaultRead(), Mode: "append"})
	result, sink := mustLoad(t, obj, oneRate)
	if want := `weekly-export delimiter=',' quote="\"" encoding=utf-8 compression=none`; result.Dialect != want || sink.dialect != want {
		t.Errorf("%s", result.Dialect)
	}
}

// Inspect tells the header, the first records and how the file is written.
func TestInspect(t *testing.T) {
	for _, c := range []struct {
		name, text string
		read       preset.ReadOptions
		want       ingest.Sample
	}{
		{"text", "Id;Name\n1;a\n2;\n", preset.ReadOptions{Quote: '"'},
			ingest.Sample{Format: "csv", Compression: "none", Encoding: "utf-8", Delimiter: ';', Columns: []string{"Id", "Name"}, Records: [][]string{{"1", "a"}, {"2", ""}}}},
		{"damaged records are left out", "Id,Name\n1\n2,b\n\"3,c\n", preset.DefaultRead(),
			ingest.Sample{Format: "csv", Compression: "none", Encoding: "utf-8", Delimiter: ',', Columns: []string{"Id", "Name"}, Records: [][]string{{"2", "b"}}}},
		{"lines of JSON", zipped(t, `{"id":1,"a":{"b":"x","c.d":null}}`+"\n"+`{"id":2,"tags":[1],"e":{}}`), preset.DefaultRead(),
			ingest.Sample{Format: "json", Compression: "gzip", Encoding: "utf-8", Columns: []string{"id", "a.b", `a["c.d"]`, "tags"}, Records: [][]string{{"1", "x", "", ""}, {"2", "", "", "[1]"}}}},
		{"statements that are cut off", `{"statements":[{"id":1},{"id":2}`, preset.DefaultRead(),
			ingest.Sample{Format: "json", Compression: "none", Encoding: "utf-8", Columns: []string{"id"}, Records: [][]string{{"1"}, {"2"}}}},
		{"nothing", "", preset.DefaultRead(), ingest.Sample{Format: "csv", Compression: "none", Encoding: "utf-8", Delimiter: ','}},
	} {
		got, err := ingest.Inspect(t.Context(), strings.NewReader(c.text), c.read, "")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		told := ingest.Sample{Format: got.Format, Compression: got.Compression, Encoding: got.Encoding, Delimiter: got.Delimiter, Columns: got.Columns, Records: got.Records, Sheets: got.Sheets}
		if diff := cmp.Diff(c.want.Columns, told.Columns); diff != "" {
			t.Errorf("%s: columns (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.want.Records, told.Records); diff != "" {
			t.Errorf("%s: records (-want +got):\n%s", c.name, diff)
		}
		if told.Format != c.want.Format || told.Compression != c.want.Compression || told.Encoding != c.want.Encoding || told.Delimiter != c.want.Delimiter {
			t.Errorf("%s: %+v", c.name, told)
		}
	}
}

// A sample answers for columns by name, and for any path of a JSON file.
func TestSample(t *testing.T) {
	var s preset.Sample
	s, err := ingest.Inspect(t.Context(), strings.NewReader("Deal Name,Amount\n,1\nx,2\n"), preset.DefaultRead(), "")
	if err != nil || !s.Has("deal  name") || s.Has("Stage") || s.Value("Deal Name") != "x" || s.Value("Stage") != "" {
		t.Errorf("table: %v", err)
	}
	s, err = ingest.Inspect(t.Context(), strings.NewReader(`[{"a":{"b":""}},{"a":{"b":"x"},"p":[{"key":"k","value":7}]}]`), preset.DefaultRead(), "")
	if err != nil || !s.Has("a.b") || !s.Has("a") || s.Has("b") || s.Value("a.b") != "x" || s.Value("p[key=k].value") != "7" || s.Value("p[key=l].value") != "" || s.Value("a") != `{"b":""}` {
		t.Errorf("JSON: %v", err)
	}
}

// Inspect reads the beginning of a file and no more, and tells broken connections from broken files.
func TestInspectReadsLittle(t *testing.T) {
	for _, line := range []string{"1,2\n", `{"a":1}` + "\n"} {
		r := &counting{r: io.MultiReader(strings.NewReader(strings.Repeat("{\"a\":1}\n", 1)), endless{line})}
		if line == "1,2\n" {
			r.r = io.MultiReader(strings.NewReader("a,b\n"), endless{line})
		}
		if s, err := ingest.Inspect(t.Context(), r, preset.DefaultRead(), ""); err != nil || len(s.Records) != 100 || r.n > 2<<20 {
			t.Errorf("%q: %d bytes, %v", line, r.n, err)
		}
	}
	reset := errors.New("connection reset")
	var refused *ingest.FileError
	if _, err := ingest.Inspect(t.Context(), iotest.ErrReader(reset), preset.DefaultRead(), ""); !errors.Is(err, reset) || errors.As(err, &refused) {
		t.Errorf("broken connection: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ingest.Inspect(ctx, strings.NewReader("a\n"), preset.DefaultRead(), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := ingest.Inspect(t.Context(), strings.NewReader("%PDF-1.7"), preset.DefaultRead(), ""); !errors.As(err, &refused) {
		t.Errorf("PDF: %v", err)
	}
}

// counting counts what is read.
type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
