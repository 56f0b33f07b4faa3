package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// cutting is what a scanner makes of one record, copied.
type cutting struct {
	Number, Line, Offset int64
	Raw                  string
	Fields               []string
	Fault                fault
}

// scanAll reads r to its end; the first record is the header where width is 0.
func scanAll(t interface{ Fatal(...any) }, s *scanner) []cutting {
	var out []cutting
	for {
		rec, err := s.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		c := cutting{Number: rec.number, Line: rec.line, Offset: rec.offset, Raw: string(rec.raw), Fault: rec.fault}
		if rec.fault == sound || rec.fault == fieldCount {
			for i := range rec.fields {
				c.Fields = append(c.Fields, string(rec.field(i)))
			}
		}
		if s.width == 0 && rec.fault == sound {
			s.width = len(rec.fields)
		}
		out = append(out, c)
	}
}

func newTestScanner(text string) *scanner {
	s := newScanner(strings.NewReader(text), '"', startBuffer)
	s.delim = ','
	return s
}

func TestScannerReadsFields(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       [][]string
	}{
		{"plain", "a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}},
		{"no line end at the end", "a,b\n1,2", [][]string{{"a", "b"}, {"1", "2"}}},
		{"CRLF", "a,b\r\n1,2\r\n", [][]string{{"a", "b"}, {"1", "2"}}},
		{"CR alone", "a,b\r1,2\r", [][]string{{"a", "b"}, {"1", "2"}}},
		{"empty fields", "a,b,c\n,,\n\"\",,\"\"\n", [][]string{{"a", "b", "c"}, {"", "", ""}, {"", "", ""}}},
		{"empty last field at the end", "a,b\n1,", [][]string{{"a", "b"}, {"1", ""}}},
		{"quoted delimiter", "a,b\n\"1,5\",2\n", [][]string{{"a", "b"}, {"1,5", "2"}}},
		{"quoted line ends, byte for byte", "a,b\n\"x\r\ny\nz\r\",2\n", [][]string{{"a", "b"}, {"x\r\ny\nz\r", "2"}}},
		{"doubled quotes", "a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", [][]string{{"a", "b"}, {`say "hi"`, `"`}}},
		{"quotes within an unquoted field are text", "a,b\n5\" pipe,x\"\"y\n", [][]string{{"a", "b"}, {`5" pipe`, `x""y`}}},
		{"blanks are text", "a,b\n 1 ,\t2\n", [][]string{{"a", "b"}, {" 1 ", "\t2"}}},
		{"blank lines are no records", "\n\r\na,b\n\n\r\n\r1,2\n\n", [][]string{{"a", "b"}, {"1", "2"}}},
		{"one column", "a\n1\n\n2\n", [][]string{{"a"}, {"1"}, {"2"}}},
		{"long fields", "a,b\n" + strings.Repeat("x", 999) + "," + strings.Repeat("ü", 999) + "\n", [][]string{{"a", "b"}, {strings.Repeat("x", 999), strings.Repeat("ü", 999)}}},
		{"nothing", "", nil},
		{"blank lines only", "\n\n\r\n", nil},
	} {
		var got [][]string
		for _, r := range scanAll(t, newTestScanner(c.text)) {
			if r.Fault != sound {
				t.Errorf("%s: record %d has fault %d", c.name, r.Number, r.Fault)
			}
			got = append(got, r.Fields)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestScannerTellsWhereARecordIs(t *testing.T) {
	s := newScanner(strings.NewReader("\xef\xbb\xbfa,b\n\n1,\"x\r\ny\nz\r!\"\r\n\r2,3"), '"', startBuffer)
	s.delim = ','
	s.skipBOM()
	want := []cutting{
		{1, 1, 3, "a,b", []string{"a", "b"}, sound},
		{2, 3, 8, "1,\"x\r\ny\nz\r!\"", []string{"1", "x\r\ny\nz\r!"}, sound},
		{3, 8, 23, "2,3", []string{"2", "3"}, sound},
	}
	if diff := cmp.Diff(want, scanAll(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A record that cannot be read costs as little as can be.
func TestScannerFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []cutting
	}{
		{"quote that never closes", "a,b\n1,\"x\n2,y\n3,z\n", []cutting{
			{2, 2, 4, "1,\"x", nil, openQuote}, {3, 3, 9, "2,y", []string{"2", "y"}, sound}, {4, 4, 13, "3,z", []string{"3", "z"}, sound},
		}},
		{"lost quote before quoted neighbours", "a,b\n1,\"x\n2,\"y\"\n3,\"z\"\n", []cutting{
			{2, 2, 4, "1,\"x", nil, strayQuote}, {3, 3, 9, "2,\"y\"", []string{"2", "y"}, sound}, {4, 4, 15, "3,\"z\"", []string{"3", "z"}, sound},
		}},
		{"text behind a closing quote", "a,b\n1,\"x\"y\n2,z\n", []cutting{
			{2, 2, 4, "1,\"x\"y", nil, strayQuote}, {3, 3, 11, "2,z", []string{"2", "z"}, sound},
		}},
		{"end of a broken record", "a,b\n1,\"x \"q\" y\nend\",2\n3,4\"\n", []cutting{
			{2, 2, 4, "1,\"x \"q\" y", nil, strayQuote}, {3, 3, 15, "end\",2", nil, strayQuote}, {4, 4, 22, "3,4\"", []string{"3", "4\""}, sound},
		}},
		{"too few and too many fields", "a,b\n1\n1,2,3\n1,2\n", []cutting{
			{2, 2, 4, "1", []string{"1"}, fieldCount}, {3, 3, 6, "1,2,3", []string{"1", "2", "3"}, fieldCount}, {4, 4, 12, "1,2", []string{"1", "2"}, sound},
		}},
		{"too many fields over two lines", "a,b\n1,\"x\ny\",3\n1,2\n", []cutting{
			{2, 2, 4, "1,\"x\ny\",3", []string{"1", "x\ny", "3"}, fieldCount}, {3, 4, 14, "1,2", []string{"1", "2"}, sound},
		}},
		{"NUL", "a,b\n1,x\x00y\n1,2\n", []cutting{
			{2, 2, 4, "1,x\x00y", nil, nulByte}, {3, 3, 10, "1,2", []string{"1", "2"}, sound},
		}},
		{"not UTF-8", "a,b\n1,M\xfcnchen\n1,2\n", []cutting{
			{2, 2, 4, "1,M\xfcnchen", nil, badUTF8}, {3, 3, 14, "1,2", []string{"1", "2"}, sound},
		}},
		{"quote at the very end", "a,b\n1,\"", []cutting{{2, 2, 4, "1,\"", nil, openQuote}}},
		{"line too long", "a,b\n1," + strings.Repeat("x", 40) + "\n1,2\n", []cutting{
			{2, 2, 4, "1," + strings.Repeat("x", 18), nil, tooLong}, {3, 3, 47, "1,2", []string{"1", "2"}, sound},
		}},
		{"quote that stays open for too long", "a,b\n1,\"x\n" + strings.Repeat("y,z\n", 9) + "\",2\n", append([]cutting{
			{2, 2, 4, "1,\"x", nil, openQuote},
		}, yz(9)...)},
	} {
		s := newTestScanner(c.text)
		s.limit = 20
		got := scanAll(t, s)
		if c.name == "quote that stays open for too long" {
			got = got[:len(got)-1]
		}
		if diff := cmp.Diff(c.want, got[1:]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// yz are the records of n lines y,z from line 3 and byte 9.
func yz(n int) []cutting {
	var out []cutting
	for i := range int64(n) {
		out = append(out, cutting{3 + i, 3 + i, 9 + 4*i, "y,z", []string{"y", "z"}, sound})
	}
	return out
}

// A file in which every line opens a quote must not cost the square of its length: every search fails only at
// the end of the file, so without a budget this test would look at 9 GB.
func TestScannerBudgetsItsSearches(t *testing.T) {
	const lines = 60_000
	got := 0
	s := newTestScanner("a,b\n" + strings.Repeat("a\",\"\n", lines))
	for {
		rec, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got++
		if s.width = 2; rec.number > 1 && rec.fault == sound {
			t.Fatalf("record %d is sound: %q", rec.number, rec.raw)
		}
	}
	if got != lines+1 {
		t.Errorf("%d records, want %d", got, lines+1)
	}
}

func TestScannerReportsReadErrors(t *testing.T) {
	broken := errors.New("connection reset")
	s := newScanner(io.MultiReader(strings.NewReader("a,b\n1,2\n3,"), iotest.ErrReader(broken)), '"', startBuffer)
	s.delim = ','
	for {
		if _, err := s.next(); err != nil {
			if !errors.Is(err, broken) {
				t.Fatalf("error is %v", err)
			}
			return
		}
	}
}

// What a CSV writer writes is read back field by field.
func TestScannerReadsWhatWasWritten(t *testing.T) {
	field := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9 ]{0,12}`),
		rapid.StringOfN(rapid.RuneFrom([]rune("a,;\"\r\n\t|ü€'")), 0, 12, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 6).Draw(t, "width")
		records := rapid.SliceOfN(rapid.SliceOfN(field, width, width), 1, 12).Draw(t, "records")
		delim := rapid.SampledFrom([]byte(",;\t|")).Draw(t, "delimiter")
		end := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "line end")
		always := rapid.Bool().Draw(t, "quote always")
		var text strings.Builder
		for _, r := range records {
			for i, f := range r {
				if i > 0 {
					text.WriteByte(delim)
				}
				if always || strings.ContainsAny(f, "\"\r\n"+string(delim)) {
					f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
				}
				text.WriteString(f)
			}
			text.WriteString(end)
		}
		s := newScanner(strings.NewReader(text.String()), '"', rapid.IntRange(1, 64).Draw(t, "buffer"))
		s.delim = delim
		got := scanAll(t, s)
		if len(got) != len(records) {
			t.Fatalf("%q: %d records, want %d", text.String(), len(got), len(records))
		}
		for i := range got {
			if diff := cmp.Diff(records[i], got[i].Fields); diff != "" || got[i].Fault != sound {
				t.Fatalf("record %d of %q: fault %d (-want +got):\n%s", i, text.String(), got[i].Fault, diff)
			}
		}
	})
}

// On plain files the scanner agrees with encoding/csv.
func TestScannerAgreesWithEncodingCSV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab,\"\n")), 0, 40, -1).Draw(t, "text")
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil {
			t.Skip("encoding/csv stops at the first fault")
		}
		s := newTestScanner(text)
		s.width = -1
		var got [][]string
		for _, c := range scanAll(t, s) {
			got = append(got, c.Fields)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
	})
}

// garbage draws text that is full of what scanners stumble over.
func garbage() *rapid.Generator[string] {
	piece := rapid.SampledFrom([]string{"a", "bc", ",", ",", "\"", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "\x00", "\xff", "ü", "long text of a field", "\xef\xbb\xbf"})
	return rapid.Map(rapid.SliceOfN(piece, 0, 60), func(pieces []string) string { return strings.Join(pieces, "") })
}

// However the text arrives and however large the buffer is, the records are the same, faults and all.
func TestScannerDoesNotDependOnChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := garbage().Draw(t, "text")
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		budget := rapid.Int64Range(0, 60).Draw(t, "budget")
		size := rapid.IntRange(1, 48).Draw(t, "buffer")
		scan := func(r io.Reader, size int) []cutting {
			s := newScanner(r, '"', size)
			s.delim, s.limit, s.budget = ',', limit, budget
			return scanAll(t, s)
		}
		want := scan(strings.NewReader(text), startBuffer)
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
			if diff := cmp.Diff(want, scan(r, size)); diff != "" {
				t.Fatalf("%q in a buffer of %d (-whole +chunks):\n%s", text, size, diff)
			}
		}
	})
}

// checkNothingLost fails unless records and line ends together are the whole text, in order.
func checkNothingLost(t interface{ Fatalf(string, ...any) }, text string, records []cutting, limit int) {
	at := int64(0)
	line := int64(1)
	for i, c := range records {
		between := text[at:c.Offset]
		if strings.Trim(between, "\r\n") != "" && (i == 0 || records[i-1].Fault != tooLong && records[i-1].Fault != openQuote && len(records[i-1].Raw) < limit) {
			t.Fatalf("%q before record %d was lost", between, c.Number)
		}
		if got := text[c.Offset : c.Offset+int64(len(c.Raw))]; got != c.Raw {
			t.Fatalf("record %d is %q, but %q stands at byte %d", c.Number, c.Raw, got, c.Offset)
		}
		if line += lineEnds([]byte(between)); c.Line != line {
			t.Fatalf("record %d at byte %d says line %d, want %d", c.Number, c.Offset, c.Line, line)
		}
		line += lineEnds([]byte(c.Raw))
		at = c.Offset + int64(len(c.Raw))
		if c.Number != int64(i+1) {
			t.Fatalf("record %d is numbered %d", i+1, c.Number)
		}
	}
	if tail := text[at:]; strings.Trim(tail, "\r\n") != "" && (len(records) == 0 || len(records[len(records)-1].Raw) < limit) {
		t.Fatalf("%q at the end was lost", tail)
	}
}

func TestScannerLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := garbage().Draw(t, "text")
		s := newTestScanner(text)
		checkNothingLost(t, text, scanAll(t, s), s.limit)
	})
}

func FuzzScanner(f *testing.F) {
	for _, text := range []string{"a,b\n1,\"x\ny\"\n", "a,b\r\n\"\"\"\",\r", "\"", "a\",\"\na\",\"\n", "\x00,\xff\n,,,\n", ""} {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		s := newTestScanner(string(text))
		whole := scanAll(t, s)
		checkNothingLost(t, string(text), whole, s.limit)
		chunks := newScanner(iotest.OneByteReader(bytes.NewReader(text)), '"', int(size)+1)
		chunks.delim = ','
		if diff := cmp.Diff(whole, scanAll(t, chunks)); diff != "" {
			t.Fatalf("(-whole +chunks):\n%s", diff)
		}
	})
}
