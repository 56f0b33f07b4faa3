package score

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// A partner signed on day 0 of a year and sold, or left, 40 days later.
func TestAWaitEndsWhenThatIsKnown(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC) }
	signed := arrow.Date32FromTime(day(0))
	for _, tc := range []struct {
		name             string
		known, on, night int // days after the signature: known, asked for, as-of date of the run
		days             float64
		isOver           bool
	}{
		{"known on its day", 40, 60, 100, 40, true},
		{"asked before it came", 40, 39, 100, 39, false},
		{"known on the morning after the night", 61, 60, 100, 40, true},
		{"known a day later: it waits as far as the night knows, not until the day of the end", 62, 60, 100, 60, false},
		{"tonight, entered this morning", 101, 100, 100, 40, true},
		{"tonight the end came, entered this morning", 41, 40, 40, 40, true},
		{"a night of the past whose exports are of today", 500, 100, 100, 40, true},
	} {
		for _, end := range []int{endRevenue, endExit} {
			w := waits{o: ExpectationOptions{AsOf: day(tc.night)}, rows: []signedPartner{{on: signed, known: signed + arrow.Date32(tc.known), days: 40, end: end}}}
			want := 0
			if tc.isOver {
				want = end
			}
			if days, got := w.seen(0, signed+arrow.Date32(tc.on)); days != tc.days || got != want {
				t.Errorf("%s: waited %v days, end %d; want %v, %d", tc.name, days, got, tc.days, want)
			}
		}
	}
}
