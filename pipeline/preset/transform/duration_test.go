package transform_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		err  error
	}{
		{"PT0S", 0, nil},
		{"PT8.62S", 8, nil},
		{"PT59,999S", 59, nil},
		{"PT1M", 60, nil},
		{" PT1H30M ", 5_400, nil},
		{"P1DT2H3M4S", 93_784, nil},
		{"P2W", 1_209_600, nil},
		{"P0Y0M1D", 86_400, nil},
		{"PT90M", 5_400, nil},
		{"P1M", 0, transform.ErrVagueDuration},
		{"P1Y2DT3S", 0, transform.ErrVagueDuration},
		{"PT9223372036854775807S", 0, transform.ErrNotDuration}, // as many digits as never are a duration
		{"PT922337203685477580M", 0, transform.ErrOverflow},
		{"", 0, transform.ErrNotDuration},
		{"P", 0, transform.ErrNotDuration},
		{"PT", 0, transform.ErrNotDuration},
		{"P1", 0, transform.ErrNotDuration},
		{"P1S", 0, transform.ErrNotDuration},
		{"PT1D", 0, transform.ErrNotDuration},
		{"PT1M1H", 0, transform.ErrNotDuration},
		{"PT1S1S", 0, transform.ErrNotDuration},
		{"PT1.5H", 0, transform.ErrNotDuration},
		{"PT.5S", 0, transform.ErrNotDuration},
		{"PT1.S", 0, transform.ErrNotDuration},
		{"P1DT", 0, transform.ErrNotDuration},
		{"PT1HT1M", 0, transform.ErrNotDuration},
		{"-PT1H", 0, transform.ErrNotDuration},
		{"pt1h", 0, transform.ErrNotDuration},
		{"01:30:00", 0, transform.ErrNotDuration},
	} {
		got, err := transform.Duration([]byte(c.text))
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q is %d, %v; want %d, %v", c.text, got, err, c.want, c.err)
		}
	}
}

// A duration of whole units is the sum of its units.
func TestDurationAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 5, 5).Draw(t, "units")
		text := fmt.Sprintf("P%dW%dDT%dH%dM%dS", n[0], n[1], n[2], n[3], n[4])
		want := n[0]*604_800 + n[1]*86_400 + n[2]*3_600 + n[3]*60 + n[4]
		if got, err := transform.Duration([]byte(text)); got != want || err != nil {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"PT0S", "P1DT2H3M4S", "PT8.62S", "P1Y", "PT", "P9W"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := transform.Duration([]byte(text))
		var refused *transform.Error
		if err == nil && got < 0 || err != nil && (!errors.As(err, &refused) || got != 0) {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	})
}

// The numbers are kept in keys, so they may never become others.
func TestHashIsForever(t *testing.T) {
	for text, want := range map[string]int64{"": 0x168340029c69ca61, "Proposal": 0x6e5c52751f2b3f2d, "006Qx000000000001AAA": 0x24277d05eff85f56} {
		if got := transform.Hash([]byte("\t" + text + " ")); got != want {
			t.Errorf("hash of %q is %#x, want %#x", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		x, y := transform.Hash([]byte(a)), transform.Hash([]byte(b))
		if x < 0 || (x == y) != (string(transform.Trim([]byte(a))) == string(transform.Trim([]byte(b)))) {
			t.Errorf("%q is %d, %q is %d", a, x, b, y)
		}
	})
}
