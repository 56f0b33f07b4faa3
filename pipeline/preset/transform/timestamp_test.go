package transform_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

func layouts(t testing.TB, texts ...string) transform.Layouts {
	t.Helper()
	ls, err := transform.CompileLayouts(texts)
	if err != nil {
		t.Fatal(err)
	}
	return ls
}

func zone(t testing.TB, name string) *transform.Zone {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return transform.NewZone(loc)
}

func TestTimestamp(t *testing.T) {
	const sql = "2006-01-02 15:04:05"
	for _, c := range []struct {
		layouts, text string
		want          string // RFC 3339 with fraction, in UTC
		err           error
	}{
		{sql, "2026-01-02 03:04:05", "2026-01-02T03:04:05Z", nil},
		{sql, " 2026-01-02 03:04:05\t", "2026-01-02T03:04:05Z", nil},
		{sql, "2026-01-02 03:04", "", transform.ErrNotTimestamp},
		{sql, "2026-01-02 03:04:05.1", "", transform.ErrNotTimestamp},
		{sql, "2026-1-02 03:04:05", "", transform.ErrNotTimestamp},
		{sql, "2026-01-02T03:04:05", "", transform.ErrNotTimestamp},
		{sql, "", "", transform.ErrNotTimestamp},
		{sql, "2026-02-29 00:00:00", "", transform.ErrNoSuchDay},
		{sql, "2024-02-29 00:00:00", "2024-02-29T00:00:00Z", nil},
		{sql, "1900-02-29 00:00:00", "", transform.ErrNoSuchDay},
		{sql, "0000-01-01 00:00:00", "", transform.ErrNoSuchDay},
		{sql, "2026-13-01 00:00:00", "", transform.ErrNoSuchDay},
		{sql, "2026-01-00 00:00:00", "", transform.ErrNoSuchDay},
		{sql, "2026-01-01 24:00:00", "", transform.ErrNoSuchTime},
		{sql, "2026-01-01 23:60:00", "", transform.ErrNoSuchTime},
		{sql, "2026-12-31 23:59:60", "", transform.ErrNoSuchTime},
		{sql + "|2006-01-02", "2026-01-02", "2026-01-02T00:00:00Z", nil},
		{"2006-01-02|" + sql, "2026-02-30 00:00:00", "", transform.ErrNoSuchDay},
		{sql + ".000", "2026-01-02 03:04:05.678", "2026-01-02T03:04:05.678Z", nil},
		{sql + ".000", "2026-01-02 03:04:05.67", "", transform.ErrNotTimestamp},
		{sql + ".000", "2026-01-02 03:04:05", "", transform.ErrNotTimestamp},
		{sql + ".999", "2026-01-02 03:04:05", "2026-01-02T03:04:05Z", nil},
		{sql + ".999", "2026-01-02 03:04:05.1234567", "", transform.ErrFineTime},
		{sql + ".999", "2026-01-02 03:04:05.1234560", "2026-01-02T03:04:05.123456Z", nil},
		{sql + ",999", "2026-01-02 03:04:05,5", "2026-01-02T03:04:05.5Z", nil},
		{"2006-01-02T15:04:05Z07:00", "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z", nil},
		{"2006-01-02T15:04:05Z07:00", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", nil},
		{"2006-01-02T15:04:05Z07:00", "2026-01-02T03:04:05z", "", transform.ErrNotTimestamp},
		{"2006-01-02T15:04:05Z07:00", "2026-01-02T03:04:05+0200", "", transform.ErrNotTimestamp},
		{"2006-01-02T15:04:05-07:00", "2026-01-02T03:04:05Z", "", transform.ErrNotTimestamp},
		{"2006-01-02T15:04:05-0700", "2026-01-02T03:04:05-0530", "2026-01-02T08:34:05Z", nil},
		{"2006-01-02T15:04-07", "2026-01-02T03:04-05", "2026-01-02T08:04:00Z", nil},
		{"2006-01-02T15:04-07", "2026-01-02T03:04-19", "", transform.ErrNotTimestamp},
		{"1/2/2006 3:04 PM", "1/2/2026 3:04 pm", "2026-01-02T15:04:00Z", nil},
		{"1/2/2006 3:04 PM", "12/31/2026 12:04 AM", "2026-12-31T00:04:00Z", nil},
		{"1/2/2006 3:04 PM", "1/2/2026 13:04 PM", "", transform.ErrNoSuchTime},
		{"1/2/2006 3:04 PM", "1/2/2026 3:04 xm", "", transform.ErrNotTimestamp},
		{"02/01/06, 15:04", "05/03/26, 07:08", "2026-03-05T07:08:00Z", nil},
		{"02/01/06, 15:04", "05/03/69, 07:08", "1969-03-05T07:08:00Z", nil},
		{"Mon, 2 Jan 2006 15:04", "Fri, 2 JAN 2026 15:04", "2026-01-02T15:04:00Z", nil},
		{"Mon, 2 Jan 2006 15:04", "Thu, 2 Jan 2026 15:04", "", transform.ErrWeekday},
		{"Monday 2 January 2006", "Friday 2 january 2026", "2026-01-02T00:00:00Z", nil},
		{"_2 Jan 2006", " 2 Jan 2026", "2026-01-02T00:00:00Z", nil},
		{"Jan _2 2006", "Jan  2 2026", "2026-01-02T00:00:00Z", nil},
		{"20060102150405", "20260102030405", "2026-01-02T03:04:05Z", nil},
		{"unix", "1767323045", "2026-01-02T03:04:05Z", nil},
		{"unix_ms", "1767323045678", "2026-01-02T03:04:05.678Z", nil},
		{"unix_us", "-1", "1969-12-31T23:59:59.999999Z", nil},
		{"unix_ms", "1.767323045678E12", "2026-01-02T03:04:05.678Z", nil},
		{"unix", "1767323045.5", "", transform.ErrNotTimestamp},
		{"unix", "9223372036854775807", "", transform.ErrOverflow},
		{"unix_us", "253402300799999999", "9999-12-31T23:59:59.999999Z", nil},
		{"unix_us", "253402300800000000", "", transform.ErrFarTime},
		{"unix_ms", "1767323045678901", "", transform.ErrFarTime}, // microseconds
		{"unix_ms", "-62135596800001", "", transform.ErrFarTime},
		{"2006-01-02T15:04Z07:00", "0001-01-01T00:30+01:00", "", transform.ErrFarTime},
	} {
		got, err := layouts(t, strings.Split(c.layouts, "|")...).Timestamp([]byte(c.text), zone(t, "UTC"))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %q: error %v, want %v", c.layouts, c.text, err, c.err)
		} else if err == nil {
			if s := time.UnixMicro(got).UTC().Format(time.RFC3339Nano); s != c.want {
				t.Errorf("%s: %q is %s, want %s", c.layouts, c.text, s, c.want)
			}
		}
	}
}

func TestTimestampOfADeclaredZone(t *testing.T) {
	const layout = "2006-01-02 15:04"
	for _, c := range []struct {
		zone, text, want string
		err              error
	}{
		{"Europe/Berlin", "2026-01-15 12:00", "2026-01-15T11:00:00Z", nil},
		{"Europe/Berlin", "2026-07-15 12:00", "2026-07-15T10:00:00Z", nil},
		{"Europe/Berlin", "2026-03-29 01:59", "2026-03-29T00:59:00Z", nil},
		{"Europe/Berlin", "2026-03-29 02:00", "", transform.ErrSkippedTime},
		{"Europe/Berlin", "2026-03-29 02:59", "", transform.ErrSkippedTime},
		{"Europe/Berlin", "2026-03-29 03:00", "2026-03-29T01:00:00Z", nil},
		{"Europe/Berlin", "2026-10-25 01:59", "2026-10-24T23:59:00Z", nil},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z", nil}, // happened twice: the first
		{"Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z", nil},
		{"America/New_York", "2026-11-01 01:30", "2026-11-01T05:30:00Z", nil},
		{"Asia/Kolkata", "2026-01-01 00:00", "2025-12-31T18:30:00Z", nil},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00Z", nil}, // put back by half an hour
		{"Pacific/Apia", "2011-12-30 12:00", "", transform.ErrSkippedTime},       // a day that Samoa left out
		{"UTC", "2026-03-29 02:30", "2026-03-29T02:30:00Z", nil},
	} {
		z := zone(t, c.zone)
		for range 2 { // from the calendar, then from memory
			got, err := layouts(t, layout).Timestamp([]byte(c.text), z)
			if !errors.Is(err, c.err) {
				t.Errorf("%s %s: error %v, want %v", c.zone, c.text, err, c.err)
			} else if err == nil {
				if s := time.UnixMicro(got).UTC().Format(time.RFC3339); s != c.want {
					t.Errorf("%s %s is %s, want %s", c.zone, c.text, s, c.want)
				}
			}
		}
	}
	if _, err := layouts(t, layout).Timestamp([]byte("2026-01-01 00:00"), nil); !errors.Is(err, transform.ErrNoZone) {
		t.Errorf("a local time without a declared zone: %v", err)
	}
	if _, err := layouts(t, layout+"Z07").Timestamp([]byte("2026-01-01 00:00Z"), nil); err != nil {
		t.Errorf("a time with its offset needs no zone: %v", err)
	}
}

// A moment written as local time reads as itself, or as the hour earlier that the clocks showed likewise; and what a
// zone remembers from other values never matters.
func TestZoneAgreesWithTheClocks(t *testing.T) {
	names := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		z := transform.NewZone(loc)
		for _, s := range rapid.SliceOfN(rapid.Int64Range(-2e9, 3e9), 1, 8).Draw(t, "moments") {
			moment := time.Unix(s, 0).In(loc)
			_, offset := moment.Zone()
			local := (s + int64(offset)) * 1e6
			got, err := z.UTC(local)
			if err != nil {
				t.Fatalf("%v: %v", moment, err)
			}
			if z.Local(got) != local {
				t.Fatalf("%v reads as %v, which the clocks show otherwise", moment, time.UnixMicro(got).In(loc))
			}
			if got > s*1e6 {
				t.Fatalf("%v reads as %v: not the first time", moment, time.UnixMicro(got).In(loc))
			}
			if fresh, err := transform.NewZone(loc).UTC(local); fresh != got || err != nil {
				t.Fatalf("%v reads as %d from memory and %d afresh", moment, got, fresh)
			}
		}
	})
}

func TestDate(t *testing.T) {
	for _, c := range []struct {
		layouts, zone, text, want string
		err                       error
	}{
		{"2006-01-02", "", "2026-10-31", "2026-10-31", nil},
		{"02.01.2006|2006-01-02", "", "31.10.2026", "2026-10-31", nil},
		{"02/01/2006", "", "29/02/2026", "", transform.ErrNoSuchDay},
		{"02/01/2006", "", "10/31/2026", "", transform.ErrNoSuchDay},
		{"02/01/2006", "", "1/2/2026", "", transform.ErrNotDate},
		{"2006-01-02 15:04:05.000000", "", "2010-12-29 00:00:00.000000", "2010-12-29", nil},
		{"2006-01-02 15:04", "", "2026-10-31 23:59", "2026-10-31", nil},
		{"2006-01-02T15:04Z07:00", "Europe/Berlin", "2026-10-31T23:30Z", "2026-11-01", nil},
		{"2006-01-02T15:04Z07:00", "", "2026-10-31T23:30Z", "", transform.ErrNoZone},
		{"unix", "UTC", "-1", "1969-12-31", nil},
		{"20060102", "", "20260131", "2026-01-31", nil},
		{"2006-01-02", "", "1969-12-31", "1969-12-31", nil},
		{"2006-01-02", "", "9999-12-31", "9999-12-31", nil},
		{"2006-01-02", "", "0001-01-01", "0001-01-01", nil},
	} {
		var z *transform.Zone
		if c.zone != "" {
			z = zone(t, c.zone)
		}
		got, err := layouts(t, strings.Split(c.layouts, "|")...).Date([]byte(c.text), z)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %q: error %v, want %v", c.layouts, c.text, err, c.err)
		} else if err == nil {
			if s := time.Unix(got*86_400, 0).UTC().Format(time.DateOnly); s != c.want {
				t.Errorf("%s: %q is %s, want %s", c.layouts, c.text, s, c.want)
			}
		}
	}
}

func TestLayoutsThatLeaveSomethingToGuess(t *testing.T) {
	for text, want := range map[string]string{
		"%d/%m/%Y":                "means nothing in a layout",
		"YYYY-MM-DD":              "must show one year",
		"2006-01":                 "must show one year",
		"2006-01-02 06":           "must show one year",
		"2006-01-02 01":           "names the same element twice",
		"2006-01-02 15 03":        "names the same element twice",
		"2006-01-02 03:04":        "twelve-hour clock",
		"2006-01-02 15:04 PM":     "twelve-hour clock",
		"2006-01-02 04:05":        "leaves out a larger unit",
		"2006-01-02 15:05":        "leaves out a larger unit",
		"2006-01-02 15:04.000":    "leaves out a larger unit",
		"2006-01-02 15:04 MST":    "zone abbreviation",
		"2005-01-02":              "names the same element twice",
		"":                        "must show one year",
		"2006-01-02 -07:00 Z0700": "names the same element twice",
	} {
		if _, err := transform.CompileLayout(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("layout %q: %v, want %q", text, err, want)
		}
	}
	for _, pair := range [][2]string{{"02/01/2006", "01/02/2006"}, {"2/1/2006", "01/02/2006"}, {"02-01-06", "06-01-02"}, {"unix", "unix_ms"}} {
		if _, err := transform.CompileLayouts(pair[:]); err == nil || !strings.Contains(err.Error(), "read the same text differently") {
			t.Errorf("layouts %v: %v", pair, err)
		}
	}
	for _, pair := range [][2]string{{"02/01/2006", "2/1/2006"}, {"02.01.2006", "01/02/2006"}, {"2006-01-02", "2006-01-02 15:04"}} {
		if _, err := transform.CompileLayouts(pair[:]); err != nil {
			t.Errorf("layouts %v: %v", pair, err)
		}
	}
}

func TestLayoutKnowsWhatItShows(t *testing.T) {
	for text, want := range map[string][2]bool{
		"2006-01-02": {false, false}, "2006-01-02 15": {true, false}, "2006-01-02 3PM": {true, false}, "2006-01-02 15Z07": {true, true},
		"2006-01-02 -07": {false, true}, "unix_us": {true, true},
	} {
		l, err := transform.CompileLayout(text)
		if err != nil {
			t.Fatal(err)
		}
		if l.HasTime() != want[0] || l.HasZone() != want[1] || l.String() != text {
			t.Errorf("%s: time %v, zone %v", l, l.HasTime(), l.HasZone())
		}
	}
}

// Whatever Go's time package writes by a layout reads back as the same moment.
func TestTimestampAgreesWithTheTimePackage(t *testing.T) {
	forms := []string{
		"2006-01-02T15:04:05.000000Z07:00", "02.01.2006 15:04:05.999999 -0700", "Monday, January _2 2006 03:04:05.000000 PM -07:00",
		"Mon Jan 2 15:04:05.000000 2006 Z0700", "20060102150405.000000-07:00",
	}
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom(forms).Draw(t, "layout")
		micros := rapid.Int64Range(-62135596800_000000, 253402214400_000000).Draw(t, "micros")
		at := time.FixedZone("", 900*rapid.IntRange(-40, 40).Draw(t, "quarters of an hour"))
		if y := time.UnixMicro(micros).In(at).Year(); y < 1 || y > 9999 {
			t.Skip("out of the calendar")
		}
		text := time.UnixMicro(micros).In(at).Format(form)
		ls, err := transform.CompileLayouts([]string{form})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ls.Timestamp([]byte(text), nil)
		if got != micros || err != nil {
			t.Fatalf("%q by %q is %d, %v; want %d", text, form, got, err, micros)
		}
	})
}

// What the strict parser accepts, Go's time package accepts with the same meaning.
func FuzzTimestamp(f *testing.F) {
	const form = "2006-01-02 15:04:05"
	for _, text := range []string{"2026-01-02 03:04:05", "2026-02-29 00:00:00", "0001-01-01 00:00:00", "2026-1-2 3:4:5", "2026-01-02 03:04:05.5", ""} {
		f.Add(text)
	}
	ls := layouts(f, form)
	z := zone(f, "UTC")
	rest := layouts(f, "Mon 2 Jan 06 3:04:05.999 pm Z07:00", "_2/1/2006", "unix_ms")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := rest.Timestamp([]byte(text), z); err != nil && err.Error() == "" {
			t.Fatal("an error says what is wrong")
		}
		got, err := ls.Timestamp([]byte(text), z)
		if err != nil {
			return
		}
		want, err := time.Parse(form, strings.Trim(text, " \t"))
		if err != nil || want.UnixMicro() != got {
			t.Fatalf("%q is %d here and %v, %v there", text, got, want, err)
		}
	})
}

func BenchmarkTimestamp(b *testing.B) {
	ls, z := layouts(b, "2006-01-02 15:04:05"), zone(b, "Europe/Berlin")
	text := []byte("2026-01-02 03:04:05")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ls.Timestamp(text, z); err != nil {
			b.Fatal(err)
		}
	}
}
