package transform

import (
	"math"
	"slices"
	"time"
)

// Zone turns local times into UTC. Where clocks were put back and a local time happened twice, it is the first of
// the two; where they were put forward, the times that were skipped are refused. The stretches between two changes
// of the clocks are remembered once met; so a Zone serves one goroutine.
type Zone struct {
	loc  *time.Location
	last stretch
	// known are the stretches met so far, in their order.
	known []stretch
}

// stretch is the time between two changes of the clocks. Local times in [from, to) are offset seconds ahead of UTC;
// those that happened in the stretch before as well are left out.
type stretch struct{ from, to, offset int64 }

// NewZone returns the zone of loc, or nil for none.
func NewZone(loc *time.Location) *Zone {
	if loc == nil {
		return nil
	}
	return &Zone{loc: loc}
}

// UTC returns the moment of a local time, both in microseconds.
func (z *Zone) UTC(local int64) (int64, error) {
	seconds := floorDiv(local, 1_000_000)
	if seconds < z.last.from || seconds >= z.last.to {
		i, ok := slices.BinarySearchFunc(z.known, seconds, func(s stretch, at int64) int {
			switch {
			case s.to <= at:
				return -1
			case s.from > at:
				return 1
			}
			return 0
		})
		if !ok {
			s, err := z.resolve(seconds)
			if err != nil {
				return 0, err
			}
			z.known = slices.Insert(z.known, i, s)
		}
		z.last = z.known[i]
	}
	return local - z.last.offset*1_000_000, nil
}

// Local returns what the clocks of the zone show at a moment, both in microseconds.
func (z *Zone) Local(utc int64) int64 {
	_, offset := time.Unix(floorDiv(utc, 1_000_000), 0).In(z.loc).Zone()
	return utc + int64(offset)*1_000_000
}

// resolve finds the stretch of a local time. No zone is more than a day from UTC, so the changes that matter lie
// within a day of the local time read as UTC.
func (z *Zone) resolve(local int64) (stretch, error) {
	for _, near := range [...]int64{local - secondsPerDay, local + secondsPerDay} {
		start, end, offset := z.bounds(near)
		if utc := local - offset; utc < start || utc >= end {
			continue
		}
		s := stretch{from: start + offset, to: end + offset, offset: offset}
		if start > beginning {
			_, _, before := z.bounds(start - 1)
			s.from = max(s.from, start+before)
		}
		return s, nil
	}
	return stretch{}, ErrSkippedTime
}

// Bounds of a stretch that has no change of the clocks before or after it, far outside of any calendar.
const beginning, ending = math.MinInt64 / 2, math.MaxInt64 / 2

// bounds returns between which changes of the clocks a moment lies, and how far the clocks are ahead of UTC then.
func (z *Zone) bounds(utc int64) (start, end, offset int64) {
	t := time.Unix(utc, 0).In(z.loc)
	_, ahead := t.Zone()
	start, end = beginning, ending
	from, to := t.ZoneBounds()
	if !from.IsZero() {
		start = from.Unix()
	}
	if !to.IsZero() {
		end = to.Unix()
	}
	return start, end, int64(ahead)
}
