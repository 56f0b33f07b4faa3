package attribution

import (
	"fmt"
	"math"
	"slices"
)

// Path is what one journey, or several that are alike, touched.
type Path struct {
	// Channels are the touches in the order of time; a channel may return.
	Channels []string
	// Ages are the days from each touch to the conversion, at least 0; only TimeDecay reads them.
	Ages []float64
	// Milestones are the touches, by index, at or before each of the milestones that a rule weights; -1 for none. Only
	// Milestones reads them.
	Milestones []int
	// Won is the number of journeys that converted, Lost that of those which did not; Value is what the converted ones
	// brought together.
	Won, Lost, Value float64
}

// Credit is what a channel gets.
type Credit struct {
	Channel            string
	Conversions, Value float64
}

// InputError says which path cannot be used.
type InputError struct {
	// Path is its 0-based index, -1 when the problem is in none of them.
	Path   int
	Reason string
}

func (e *InputError) Error() string {
	if e.Path < 0 {
		return e.Reason
	}
	return fmt.Sprintf("path %d: %s", e.Path, e.Reason)
}

// mostCounted is what conversions, journeys and value may sum to in size, so that no sum or product over them is beyond a
// float64.
const mostCounted = 1e100

// check refuses paths with counts or values that are no numbers, or without touches.
func check(paths []Path) error {
	journeys, value := 0.0, 0.0
	for i := range paths {
		p := &paths[i]
		for _, x := range []float64{p.Won, p.Lost, p.Value} {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return &InputError{i, "a count or the value is not a finite number"}
			}
		}
		switch {
		case p.Won < 0 || p.Lost < 0:
			return &InputError{i, "a count is negative"}
		case p.Won == 0 && p.Value != 0:
			return &InputError{i, "it has a value and no conversion"}
		case len(p.Channels) == 0:
			return &InputError{i, "it touches nothing: leave it out, it is unattributed"}
		}
		journeys += p.Won + p.Lost
		value += math.Abs(p.Value)
	}
	if journeys > mostCounted || value > mostCounted {
		return &InputError{-1, fmt.Sprintf("%g journeys or a value of %g are more than can be summed", journeys, value)}
	}
	return nil
}

// totals sums conversions and value.
func totals(paths []Path) (won, value float64) {
	for i := range paths {
		won += paths[i].Won
		value += paths[i].Value
	}
	return won, value
}

// channelsOf lists every channel once, sorted, with its position.
func channelsOf(paths []Path) ([]string, map[string]int) {
	at := map[string]int{}
	for i := range paths {
		for _, c := range paths[i].Channels {
			at[c] = 0
		}
	}
	names := make([]string, 0, len(at))
	for c := range at {
		names = append(names, c)
	}
	slices.Sort(names)
	for i, c := range names {
		at[c] = i
	}
	return names, at
}

// byShare divides the totals by shares that sum to 1.
func byShare(names []string, shares []float64, won, value float64) []Credit {
	out := make([]Credit, len(names))
	for i, c := range names {
		out[i] = Credit{c, shares[i] * won, shares[i] * value}
	}
	return out
}
