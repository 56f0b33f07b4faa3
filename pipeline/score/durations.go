package score

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// durations are the waits of one scope.
type durations struct {
	kind, id string
	days     []float64
	end      []int
}

// seen returns how long a partner had waited, and how the wait had ended, as the night of a day knew it: by what was
// received up to the morning after, as int_snapshot.known_until says. Tonight's table holds what tonight knows. An end
// that was not known yet, though it had come, was a partner that still waited: to censor it on the day of its end would
// use that day.
func (w *waits) seen(row int, on arrow.Date32) (days float64, end int) {
	r := w.rows[row]
	waited := math.Max(0, float64(on-r.on))
	switch isKnown := r.known <= on+1 || on >= w.o.asOfDay(); {
	case r.end == 0:
		return math.Min(r.days, waited), 0
	case isKnown && r.on+arrow.Date32(r.days) <= on:
		return r.days, r.end
	}
	return waited, 0
}

// group returns the waits of some partners as they were known on a day.
func (w *waits) group(rows []int, on arrow.Date32) *durations {
	g := &durations{}
	for _, i := range rows {
		days, end := w.seen(i, on)
		g.days, g.end = append(g.days, days), append(g.end, end)
	}
	g.sort()
	return g
}

// events counts the first revenues.
func (g *durations) events() (n int) {
	for _, end := range g.end {
		if end == endRevenue {
			n++
		}
	}
	return n
}

// after returns the waits that lasted longer than so many days.
func (g *durations) after(days float64) *durations {
	from, _ := slices.BinarySearchFunc(g.days, days, func(d, want float64) int {
		if d <= want {
			return -1
		}
		return 1
	})
	return &durations{days: g.days[from:], end: g.end[from:]}
}

// sample returns the waits with one kind of end as the event and all else censored.
func (g *durations) sample(end int) survival.Sample {
	s := survival.Sample{Time: g.days, Event: make([]bool, len(g.days))}
	for i, e := range g.end {
		s.Event[i] = e == end
	}
	return s
}

// sort orders the waits, so that sums do not depend on the order of the input.
func (g *durations) sort() {
	index := make([]int, len(g.days))
	for i := range index {
		index[i] = i
	}
	slices.SortFunc(index, func(a, b int) int {
		if d := g.days[a] - g.days[b]; d != 0 {
			return int(math.Copysign(1, d))
		}
		return g.end[a] - g.end[b]
	})
	sorted := durations{}
	for _, i := range index {
		sorted.days, sorted.end = append(sorted.days, g.days[i]), append(sorted.end, g.end[i])
	}
	g.days, g.end = sorted.days, sorted.end
}
