package ingest_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

func parquetOf[T any](t testing.TB, rows ...T) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	_, err := w.Write(rows)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type param struct {
	Key   string  `parquet:"key"`
	Value *string `parquet:"value,optional"`
}

type event struct {
	ID      string    `parquet:"id"`
	Amount  int64     `parquet:"amount,decimal(4:18)"`
	Small   int32     `parquet:"small,decimal(2:9)"`
	Day     int32     `parquet:"day,date"`
	At      time.Time `parquet:"at,timestamp(microsecond)"`
	Count   *int64    `parquet:"count,optional"`
	Share   float64   `parquet:"share"`
	IsNew   bool      `parquet:"is.new"`
	Context struct {
		Page *struct {
			Path string `parquet:"path"`
		} `parquet:"page,optional"`
	} `parquet:"context"`
	Tags   []string `parquet:"tags,list"`
	Counts []int64  `parquet:"counts"`
	Params []param  `parquet:"params,list"`
}

// Values of every type come as exact text, those within others under their path.
func TestParquet(t *testing.T) {
	n, text := int64(7), `say "hi"`
	full := event{ID: "e1", Amount: -12_345, Small: 5, Day: 20_000, At: time.Date(2026, 3, 29, 1, 2, 3, 456_000, time.UTC), Count: &n, Share: 0.1, IsNew: true,
		Tags: []string{"a", `b"c`}, Counts: []int64{1, 2}, Params: []param{{"k", &text}, {"l", nil}}}
	full.Context.Page = &struct {
		Path string `parquet:"path"`
	}{"/deals"}
	data := parquetOf(t, full, event{ID: "e2", At: time.Unix(0, 0), Tags: []string{}})
	result, sink := mustLoad(t, anything(t, ""), data)
	want := []string{
		`{"id":"e1","amount":"-1.2345","small":"0.05","day":"2024-10-04","at":"2026-03-29T01:02:03.000456Z","count":"7","share":"0.1",` +
			`"[\"is.new\"]":"true","context.page.path":"/deals","tags":"[\"a\",\"b\\\"c\"]","counts":"[1,2]","params.key":"[\"k\",\"l\"]","params.value":"[\"say \\\"hi\\\"\",null]"}`,
		`{"id":"e2","amount":"0.0000","small":"0.00","day":"1970-01-01","at":"1970-01-01T00:00:00Z","share":"0","[\"is.new\"]":"false",` +
			`"tags":"[]","counts":"[]","params.key":"[]","params.value":"[]"}`,
	}
	var got []string
	for _, r := range sink.rows {
		got = append(got, r.Extra)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if result.Format != preset.FormatParquet || result.Dialect != "format=parquet encoding=binary compression=none" || len(result.Columns) != 13 {
		t.Errorf("%+v", result)
	}
}

// Columns are mapped by their names, and what is refused tells its row.
func TestParquetMapping(t *testing.T) {
	type rate struct {
		Currency *string `parquet:"Currency,optional"`
		Day      string  `parquet:"Day"`
		Rate     string  `parquet:"Rate"`
	}
	usd, bad := "USD", "M\xfcnz"
	_, sink := mustLoad(t, rates(t, ""), parquetOf(t, rate{&usd, "2026-01-01", "1.1"}, rate{nil, "2026-01-02", "2"}, rate{&bad, "2026-01-03", "3"}, rate{&usd, "2026-01-04", "4"}))
	if diff := cmp.Diff([]string{"USD 2026-01-01 1.1", "USD 2026-01-04 4"}, sink.values("fx_rate", "currency", "valid_from", "rate")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2 line 2 byte 0: Currency missing_value refused", "3 line 3 byte 0:  invalid_text refused"}, sink.refusals()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sink.rejects[0].Raw != "\t2026-01-02\t2" || sink.rejects[0].Message[:7] != "row 2: " {
		t.Errorf("%+v", sink.rejects[0])
	}
}

// A number that is none, which writers of tables store for "missing", and a day beyond the calendar are left out of their
// row, like any bad value, and no matter to a row whose mapping does not read them.
func TestParquetValuesThatAreNone(t *testing.T) {
	type rate struct {
		Currency string  `parquet:"Currency"`
		Day      string  `parquet:"Day"`
		Rate     float64 `parquet:"Rate"`
		Score    float32 `parquet:"Score"`
		Until    int32   `parquet:"Until,date"`
	}
	nan := math.NaN()
	data := parquetOf(t, rate{"USD", "2026-01-01", 1.1, float32(nan), math.MaxInt32}, rate{"EUR", "2026-01-02", nan, 1, 0}, rate{"CHF", "2026-01-03", math.Inf(-1), 1, 0})
	_, sink := mustLoad(t, rates(t, ""), data)
	if diff := cmp.Diff([]string{"USD 2026-01-01 1.1"}, sink.values("fx_rate", "currency", "valid_from", "rate")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Every rate needs its number.
	if diff := cmp.Diff([]string{"2 line 2 byte 0: Rate error_cell refused", "3 line 3 byte 0: Rate error_cell refused"}, sink.refusals()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := `{"Score":"NaN is no number","Until":"the year 5881580"}`; sink.rows[0].Extra != want {
		t.Errorf("%s, want %s", sink.rows[0].Extra, want)
	}
}

// Lists within lists keep their brackets.
func TestParquetLists(t *testing.T) {
	type inner struct {
		N []int64 `parquet:"n"`
	}
	type outer struct {
		Lists []inner `parquet:"lists"`
	}
	_, sink := mustLoad(t, anything(t, ""), parquetOf(t, outer{[]inner{{[]int64{1, 2}}, {[]int64{3}}}}, outer{[]inner{{}, {[]int64{4}}}}, outer{}))
	for i, want := range []string{`{"lists.n":"[[1,2],[3]]"}`, `{"lists.n":"[[],[4]]"}`, `{"lists.n":"[]"}`} {
		if got := sink.rows[i].Extra; got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
}

// An export of a day on which nothing happened has a group without rows, of which writers such as Arrow's store no
// pages. It is an empty file and no damaged one.
func TestParquetWithoutRows(t *testing.T) {
	data, err := os.ReadFile("testdata/no-rows.parquet")
	if err != nil {
		t.Fatal(err)
	}
	result, sink := mustLoad(t, anything(t, ""), string(data))
	if len(sink.rows) != 0 || result.Records != 0 || !slices.Contains(result.Notes, "the file has a header and no records") || !slices.Equal(result.Columns, []string{"Id", "Name"}) {
		t.Errorf("%d rows, %+v", len(sink.rows), result)
	}
}

// A number of two bytes is a number, and not the text that its bytes happen to be.
func TestParquetHalfFloats(t *testing.T) {
	data, err := os.ReadFile("testdata/half-floats.parquet")
	if err != nil {
		t.Fatal(err)
	}
	_, sink := mustLoad(t, anything(t, ""), string(data))
	var got []string
	for _, r := range sink.rows {
		got = append(got, r.Extra)
	}
	want := []string{`{"Id":"1","Share":"3.140625"}`, `{"Id":"2","Share":"-0.5"}`, `{"Id":"3","Share":"0"}`, `{"Id":"4","Share":"65504"}`, `{"Id":"5","Share":"0.000000059604645"}`, `{"Id":"6","Share":"0.000061035156"}`, `{"Id":"7","Share":"1"}`, `{"Id":"8","Share":"0x7e00 is no number"}`, `{"Id":"9","Share":"0x7c00 is no number"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDamagedParquet(t *testing.T) {
	data := parquetOf(t, event{ID: "e1"}, event{ID: "e2"})
	var refused *ingest.FileError
	for cut := 4; cut < len(data); cut += 7 {
		if _, _, err := load(t, anything(t, ""), data[:cut]); !errors.As(err, &refused) || refused.Rule != ingest.RuleDamaged {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}
