package ingest_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/charmap"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
)

const oneRate = "Currency,Day,Rate\nUSD,2026-01-01,1.1\n"

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wide encodes text as UTF-16.
func wide(text string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		lo, hi := byte(u), byte(u>>8)
		if big {
			lo, hi = hi, lo
		}
		b.WriteByte(lo)
		b.WriteByte(hi)
	}
	return b.String()
}

func latin(t testing.TB, text string) string {
	t.Helper()
	s, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The same rows come out of every dialect.
func TestDialects(t *testing.T) {
	const text = "Currency,Day,Rate,Note\nUSD,2026-01-01,1.1,\"a;b\"\n€ür𝄞,2026-01-02,2,x|y\n"
	want := []string{"USD 2026-01-01 1.1", "€ür𝄞 2026-01-02 2"}
	semicolons := strings.NewReplacer(",", ";").Replace(text)
	for _, c := range []struct{ name, read, bytes, dialect string }{
		{"UTF-8", "", text, `delimiter=',' quote="\"" encoding=utf-8 compression=none`},
		{"UTF-8 with byte order mark", "", "\xef\xbb\xbf" + text, `delimiter=',' quote="\"" encoding=utf-8 compression=none`},
		{"declared UTF-8 with byte order mark", "encoding: utf-8", "\xef\xbb\xbf" + text, `delimiter=',' quote="\"" encoding=utf-8 compression=none`},
		{"semicolons", "", semicolons, `delimiter=';' quote="\"" encoding=utf-8 compression=none`},
		{"tabs", "", strings.ReplaceAll(text, ",", "\t"), `delimiter='\t' quote="\"" encoding=utf-8 compression=none`},
		{"bars", "", strings.ReplaceAll(strings.ReplaceAll(text, "x|y", "xy"), ",", "|"), `delimiter='|' quote="\"" encoding=utf-8 compression=none`},
		{"declared delimiter", "delimiter: ';'", semicolons, `delimiter=';' quote="\"" encoding=utf-8 compression=none`},
		{"single quotes", `quote: "'"`, strings.ReplaceAll(text, `"`, "'"), `delimiter=',' quote="'" encoding=utf-8 compression=none`},
		{"no quotes", `quote: ""`, text, `delimiter=',' quote="" encoding=utf-8 compression=none`},
		{"gzip", "", zipped(t, text), `delimiter=',' quote="\"" encoding=utf-8 compression=gzip`},
		{"gzip in two parts", "", zipped(t, text[:30]) + zipped(t, text[30:]), `delimiter=',' quote="\"" encoding=utf-8 compression=gzip`},
		{"UTF-16LE", "", "\xff\xfe" + wide(text, false), `delimiter=',' quote="\"" encoding=utf-16le compression=none`},
		{"UTF-16BE", "", "\xfe\xff" + wide(text, true), `delimiter=',' quote="\"" encoding=utf-16be compression=none`},
		{"declared UTF-16LE", "encoding: utf-16le", wide(text, false), `delimiter=',' quote="\"" encoding=utf-16le compression=none`},
		{"UTF-16 in gzip", "", zipped(t, "\xff\xfe"+wide(semicolons, false)), `delimiter=';' quote="\"" encoding=utf-16le compression=gzip`},
		{"CRLF", "", strings.ReplaceAll(text, "\n", "\r\n"), `delimiter=',' quote="\"" encoding=utf-8 compression=none`},
		{"header in another case and spacing", "", strings.Replace(text, "Currency,Day", " CURRENCY , day ", 1), `delimiter=',' quote="\"" encoding=utf-8 compression=none`},
		{"other order of columns", "", "Rate,Note,Currency,Day\n1.1,,USD,2026-01-01\n2,,€ür𝄞,2026-01-02\n", `delimiter=',' quote="\"" encoding=utf-8 compression=none`},
	} {
		result, sink := mustLoad(t, rates(t, c.read), c.bytes)
		if diff := cmp.Diff(want, sink.values("fx_rate", "currency", "valid_from", "rate")); diff != "" {
			t.Errorf("%s (-want +got):\n%s%v", c.name, diff, sink.refusals())
		}
		if result.Dialect != c.dialect || sink.dialect != c.dialect {
			t.Errorf("%s: dialect %s, want %s", c.name, result.Dialect, c.dialect)
		}
	}
	_, sink := mustLoad(t, rates(t, "encoding: windows-1252"), latin(t, strings.ReplaceAll(text, "𝄞", "")))
	if diff := cmp.Diff([]string{"USD 2026-01-01 1.1", "€ür 2026-01-02 2"}, sink.values("fx_rate", "currency", "valid_from", "rate")); diff != "" {
		t.Errorf("windows-1252 (-want +got):\n%s", diff)
	}
}

// What has no place in the encoding is refused record by record, and never replaced.
func TestBytesThatAreNoText(t *testing.T) {
	lone := wide("Currency,Day,Rate\nUSD,2026-01-01,1\nX", false) + "\x00\xd8" + wide("Y,2026-01-01,2\nEUR,2026-01-01,3\n", false)
	for _, c := range []struct{ name, read, bytes, want string }{
		{"lone high surrogate", "encoding: utf-16le", lone, "USD EUR"},
		{"half a unit at the end", "encoding: utf-16le", wide("Currency,Day,Rate\nUSD,2026-01-01,1\nEUR,2026-01-01,3", false) + "x", "USD"},
		{"byte without a character", "encoding: windows-1253", "Currency,Day,Rate\nUSD,2026-01-01,1\nA\xd2,2026-01-01,2\n", "USD"},
		{"Windows-1252 read as UTF-8", "", "Currency,Day,Rate\nUSD,2026-01-01,1\nM\xfcnz,2026-01-01,2\n", "USD"},
	} {
		_, sink := mustLoad(t, rates(t, c.read), c.bytes)
		if got := strings.Join(sink.values("fx_rate", "currency"), " "); got != c.want || len(sink.rejects) != 1 || sink.rejects[0].Rule != "invalid_text" {
			t.Errorf("%s: rows %s, rejects %v", c.name, got, sink.refusals())
		}
	}
}

func TestEmptyFiles(t *testing.T) {
	for text, note := range map[string]string{
		"":                        "the file is empty: it has no header",
		"\n\r\n\n":                "the file is empty: it has no header",
		"\xef\xbb\xbf":            "the file is empty: it has no header",
		zipped(t, ""):             "the file is empty: it has no header",
		"Currency,Day,Rate":       "the file has a header and no records",
		"Currency,Day,Rate\n\n":   "the file has a header and no records",
		"\xff\xfe":                "the file is empty: it has no header",
		"\n\nCurrency,Day,Rate\n": "the file has a header and no records",
	} {
		result, sink := mustLoad(t, rates(t, ""), text)
		if result.Records != 0 || len(sink.rows)+len(sink.rejects) != 0 || len(result.Notes) != 1 || result.Notes[0] != note || len(result.MissingColumns) != 0 {
			t.Errorf("%q: %+v", text, result)
		}
	}
}

// What a file cannot be read for names the file, the reason and the next step, and nothing of it is kept.
func TestFilesThatAreRefused(t *testing.T) {
	whole := zipped(t, oneRate+strings.Repeat("EUR,2026-01-02,1\n", 50_000))
	for _, c := range []struct{ name, read, bytes, rule, message string }{
		{"missing column", "", "Currency,Rate,Dey\nUSD,1,2026-01-01\n", ingest.RuleMissingColumns,
			`in/test.csv is refused: the header has no "Day" (for fx_rate.valid_from); it has "Currency", "Rate", "Dey"; export the missing columns, or name in the mapping the columns that stand for them`},
		{"wrong delimiter", "delimiter: ','", strings.ReplaceAll(oneRate, ",", ";"), ingest.RuleMissingColumns,
			`in/test.csv is refused: the header has no "Currency" (for fx_rate.currency), "Day" (for fx_rate.valid_from), "Rate" (for fx_rate.rate); it has "Currency;Day;Rate"; check the delimiter of the export: the whole header was read as one column`},
		{"header that is meant twice", "", "currency,CURRENCY,Day,Rate\nUSD,USD,2026-01-01,1\n", ingest.RuleMissingColumns, `no "Currency" (for fx_rate.currency); it has "currency", "CURRENCY"`},
		{"UTF-16 without a byte order mark", "", wide(oneRate, false), ingest.RuleBadHeader, "the header cannot be read: it holds a zero byte; declare the encoding in the mapping"},
		{"header in Windows-1252", "", "Currency,Day,Rate,Stra\xdfe\n", ingest.RuleBadHeader, "declare the encoding in the mapping, for example read: {encoding: windows-1252}"},
		{"header with a broken quote", "", "\"Currency,Day,Rate\nUSD,2026-01-01,1\n", ingest.RuleBadHeader, "the header cannot be read: it opens a quote in field 1"},
		{"byte order mark against the mapping", "encoding: utf-8", "\xff\xfe" + wide(oneRate, false), ingest.RuleEncoding, "the byte order mark says utf-16le, the mapping says utf-8; declare read: {encoding: auto}"},
		{"zip archive that is cut off", "", "PK\x03\x04\x14\x00rates.csv", ingest.RuleDamaged, "its data are cut off or damaged: read as zip archive: zip: not a valid zip file; export or copy the file again"},
		{"zip archive without members", "", "PK\x05\x06" + strings.Repeat("\x00", 18), ingest.RuleNotCSV, "the file is a zip archive with nothing in it; export it again"},
		{"zip archive without a workbook", "", archived(t, "rates.csv", oneRate), ingest.RuleNotCSV, "the file is a zip archive within which no Excel workbook is; send the archive with its own name, so that its members are read, or unpack it"},
		{"Parquet that is cut off", "", "PAR1\x15\x04\x15", ingest.RuleDamaged, "its data are cut off or damaged"},
		{"zstd that is cut off", "", "\x28\xb5\x2f\xfd\x00", ingest.RuleDamaged, "its zstd data is cut off or damaged: unexpected EOF"},
		{"old workbook", "", "\xd0\xcf\x11\xe0\xa1", ingest.RuleNotCSV, "the file is an old Excel workbook, or one with a password; save it as .xlsx without a password, or as CSV"},
		{"xz", "", "\xfd7zXZ\x00", ingest.RuleNotCSV, "compressed with xz; unpack it, or compress it with gzip or zstd"},
		{"four times compressed", "", zipped(t, zipped(t, zipped(t, zipped(t, oneRate)))), ingest.RuleLimit, "it is compressed more than 3 times over; export it compressed once, or not at all"},
		{"bomb", "", zipped(t, "Currency,Day,Rate,Note\n"+strings.Repeat("EUR,2026-01-02,1,"+strings.Repeat("x", 900_000)+"\n", 90)), ingest.RuleLimit, "it unpacks to more than 500 times its size"},
		{"gzip cut off", "", whole[:len(whole)/2], ingest.RuleDamaged, "its gzip data is cut off or damaged: unexpected EOF; export or copy the file again"},
		{"gzip without its checksum", "", whole[:len(whole)-8], ingest.RuleDamaged, "unexpected EOF"},
		{"gzip with a wrong checksum", "", whole[:len(whole)-8] + "12345678", ingest.RuleDamaged, "invalid checksum"},
		{"gzip with a changed byte", "", whole[:len(whole)/2] + string([]byte{whole[len(whole)/2] ^ 0xff}) + whole[len(whole)/2+1:], ingest.RuleDamaged, "cut off or damaged"},
		{"gzip and something behind it", "", zipped(t, oneRate) + "rubbish", ingest.RuleDamaged, "cut off or damaged"},
		{"gzip head alone", "", "\x1f\x8b", ingest.RuleDamaged, "unexpected EOF"},
	} {
		_, _, err := load(t, rates(t, c.read), c.bytes)
		var refused *ingest.FileError
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v, want a refused file", c.name, err)
			continue
		}
		if refused.Rule != c.rule || !strings.Contains(refused.Error(), c.message) || !strings.HasPrefix(refused.Error(), "in/test.csv is refused: ") {
			t.Errorf("%s: rule %s, %v\nwant rule %s, %s", c.name, refused.Rule, refused, c.rule, c.message)
		}
		want := contract.Reject{Source: "crm", Object: "rates", File: "in/test.csv", SHA256: "abc", Rule: refused.Rule, Message: refused.Message, NextStep: refused.NextStep,
			Column: strings.Join(refused.Missing, ", "), Raw: strings.Join(refused.Header, ", ")}
		if diff := cmp.Diff(want, refused.Reject()); diff != "" {
			t.Errorf("%s: reject (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestLongHeadersAreCut(t *testing.T) {
	_, _, err := load(t, rates(t, ""), strings.Repeat("x,", 60)+"y\n")
	if err == nil || !strings.Contains(err.Error(), `"x_50" and 11 more`) {
		t.Errorf("error %v", err)
	}
}

func TestMissingColumnsAreNamedWithTheirAlternatives(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: rates
		files: ["*.csv"]
		mode: append
		required: [Checked By]
		tables:
			- table: fx_rate
				where: [{from: Kind, in: [daily]}]
				columns: {currency: {from: [Currency, Cur]}, base_currency: {from: Base, default: EUR}, valid_from: {from: Day}, rate: {from: Rate}}
`)
	_, _, err := load(t, obj, "Day,Rate\n")
	var refused *ingest.FileError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Checked By", "Kind", "Currency or Cur"}, refused.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if _, sink := mustLoad(t, obj, "Day,Rate,Cur,Kind,Checked By\n2026-01-01,1.1,USD,daily,\n"); len(sink.rows) != 1 {
		t.Errorf("rows %v", sink.rows)
	}
}

func TestNameOfTheFile(t *testing.T) {
	obj := mapping(t, `
objects:
	- object: rates
		files: ["**/*.csv"]
		mode: append
		tables:
			- table: fx_rate
				columns: {currency: {transform: {from_filename: "^rates-([A-Z]{3})\\.csv"}}, base_currency: {const: EUR}, valid_from: {from: Day}, rate: {from: Rate}}
`)
	for path, want := range map[string]string{"in/rates-USD.csv": "USD", "rates-CHF.csv.gz": "CHF", "in/rates.csv": ""} {
		sink := &memory{}
		_, err := ingest.File(t.Context(), strings.NewReader("Day,Rate\n2026-01-01,1\n"), path, "abc", obj, ingest.Options{}, sink)
		var refused *ingest.FileError
		switch {
		case want == "":
			if !errors.As(err, &refused) || refused.Rule != ingest.RuleFileName {
				t.Errorf("%s: %v", path, err)
			}
		case err != nil || sink.values("fx_rate", "currency")[0] != want:
			t.Errorf("%s: %v, %v", path, sink.values("fx_rate", "currency"), err)
		}
	}
}

func TestDuplicateAndNamelessColumns(t *testing.T) {
	result, sink := mustLoad(t, rates(t, ""), "Currency,Day,Rate,Note,Note,,note \nUSD,2026-01-01,1,a,b,c,d\n")
	if diff := cmp.Diff([]string{"Note", "Note_2", "column_6", "note"}, result.ExtraColumns); diff != "" {
		t.Errorf("extra columns (-want +got):\n%s", diff)
	}
	if want := `{"Note":"a","Note_2":"b","column_6":"c","note":"d"}`; sink.rows[0].Extra != want {
		t.Errorf("unmapped columns %s, want %s", sink.rows[0].Extra, want)
	}
}

// The delimiter is the one that makes the columns of the mapping appear, whatever else the file is full of.
func TestDetectedDelimiter(t *testing.T) {
	for text, want := range map[string]string{
		"Currency;Day;Rate;a,b,c,d,e,f\nUSD;2026-01-01;1;x\n":           "';'",
		"Currency,Day,Rate,a;b;c;d;e;f\nUSD,2026-01-01,1,x\n":           "','",
		"Currency\tDay\tRate\nU,S,D\t2026-01-01\t1\n":                   `'\t'`,
		"\"Currency\";\"Day\";\"Rate\"\n\"a,b\";\"2026-01-01\";\"1\"\n": "';'",
		"Currency|Day|Rate\nUSD|2026-01-01|1\n":                         "'|'",
	} {
		if result, _ := mustLoad(t, rates(t, ""), text); !strings.HasPrefix(result.Dialect, "delimiter="+want+" ") {
			t.Errorf("%q: %s, want %s", text, result.Dialect, want)
		}
	}
	// No column is known: then records that fit the header decide.
	obj := mapping(t, `
objects:
	- object: codes
		files: ["*.csv"]
		mode: append
		tables:
			- table: code_map
				columns: {source: {const: crm}, domain: {const: x}, raw_value: {const: y}, canonical: {const: z}}
`)
	for text, want := range map[string]string{
		"a;b,c\n1;2\n3;4\n5;6\n": "';'",
		"a\nb\nc\n":              "','",
		"a|b|c\n1|2|3\n":         "'|'",
	} {
		if result, _ := mustLoad(t, obj, text); !strings.HasPrefix(result.Dialect, "delimiter="+want+" ") {
			t.Errorf("%q: %s, want %s", text, result.Dialect, want)
		}
	}
}

func TestErrorsOfReaderAndSink(t *testing.T) {
	broken := errors.New("connection reset")
	var refused *ingest.FileError
	for _, text := range []string{"", "Curr", oneRate, zipped(t, oneRate)[:20]} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		_, err := ingest.File(t.Context(), r, "in/test.csv", "abc", rates(t, ""), ingest.Options{}, &memory{})
		if !errors.Is(err, broken) || errors.As(err, &refused) || !strings.Contains(err.Error(), "read in/test.csv") {
			t.Errorf("%q and then an error: %v", text, err)
		}
	}
	full := errors.New("disk full")
	for _, text := range []string{oneRate, oneRate + "x\n", oneRate + strings.Repeat("USD,2026-01-01,x\n", 100_000)} {
		_, err := ingest.File(t.Context(), strings.NewReader(text), "in/test.csv", "abc", rates(t, ""), ingest.Options{}, &memory{err: full})
		if !errors.Is(err, full) || !strings.Contains(err.Error(), "of in/test.csv") {
			t.Errorf("error of the sink: %v", err)
		}
	}
}

// endless is a file without an end.
type endless struct{ line string }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.line)
	}
	return n - n%len(e.line), nil
}

func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(strings.NewReader("Currency,Day,Rate\n"), endless{"USD,2026-01-01,1\n"})
	sink := &memory{tamper: func(*contract.Batch) { cancel() }}
	if _, err := ingest.File(ctx, r, "in/test.csv", "abc", rates(t, ""), ingest.Options{}, sink); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
	if _, err := ingest.File(ctx, strings.NewReader(oneRate), "in/test.csv", "abc", rates(t, ""), ingest.Options{}, &memory{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before it began: %v", err)
	}
}

// A sink that loses rows is found out.
func TestTheLawIsCheckedOnEveryFile(t *testing.T) {
	sink := &memory{tamper: func(b *contract.Batch) { b.Row = b.Row[:b.Len()-1] }}
	_, err := ingest.File(t.Context(), strings.NewReader(oneRate+"EUR,2026-01-01,1\nx\n"), "in/test.csv", "abc", rates(t, ""), ingest.Options{}, sink)
	var broken *ingest.LawError
	if !errors.As(err, &broken) {
		t.Fatalf("error %v, want a broken law", err)
	}
	want := &ingest.LawError{File: "in/test.csv", Records: 3, Count: ingest.TableCount{Table: "fx_rate", Units: 3, Rows: 1, Rejected: 1}}
	if diff := cmp.Diff(want, broken); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := "in/test.csv: table fx_rate: 1 rows + 0 unchanged + 0 filtered + 1 rejected are not the 3 units of the 3 records that were read"; err.Error() != text {
		t.Errorf("error is %q, want %q", err, text)
	}
}

// archived is a zip archive with one member.
func archived(t testing.TB, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
