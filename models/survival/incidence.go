package survival

import (
	"fmt"
	"math"
	"slices"
)

// Competing holds one duration a row that ends in one of several ways.
type Competing struct {
	// Time is when the row ended or was last seen, at least 0.
	Time []float64
	// Cause is how it ended: 1 to Causes, 0 for not yet (censored).
	Cause  []int
	Causes int
	// Entry is when observation of the row began, nil for the start.
	Entry []float64
}

// Incidence is an Aalen-Johansen estimate: for each cause the share of rows that ended by it up to a time, as if nobody
// had been censored. The shares of all causes and the share still going on add up to 1.
type Incidence struct {
	times []float64
	// share[cause-1][i] is the cumulative incidence from times[i] on; survival[i] what is still going on.
	share    [][]float64
	survival []float64
	last     float64
}

// AalenJohansen estimates the cumulative incidence of each cause as the sum of S(t-)*d/n over the times at which rows
// ended by it, d of n at risk, S the Kaplan-Meier curve of any cause. The error is an *InputError.
func AalenJohansen(c Competing) (*Incidence, error) {
	if len(c.Cause) != len(c.Time) || c.Causes < 1 {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d rows with %d causes of %d kinds", len(c.Time), len(c.Cause), c.Causes)}
	}
	if err := checkTimes(c.Time, c.Entry); err != nil {
		return nil, err
	}
	byCause := make([][]float64, c.Causes+1)
	for i, k := range c.Cause {
		if k < 0 || k > c.Causes {
			return nil, &InputError{Row: i, Reason: fmt.Sprintf("cause %d is outside 0 to %d", k, c.Causes)}
		}
		byCause[k] = append(byCause[k], c.Time[i])
	}
	for _, times := range byCause {
		slices.Sort(times)
	}
	risk := newRiskSet(c.Entry, len(c.Time))
	out := &Incidence{share: make([][]float64, c.Causes)}
	surv, total := 1.0, make([]float64, c.Causes)
	for {
		t := math.Inf(1)
		for _, times := range byCause {
			if len(times) > 0 {
				t = min(t, times[0])
			}
		}
		if math.IsInf(t, 1) {
			return out, nil
		}
		n, ended := float64(risk.at(t)), 0
		for k, times := range byCause {
			var d int
			byCause[k], d = drop(times, t)
			risk.leave(d)
			if k > 0 {
				total[k-1] += surv * float64(d) / n
				ended += d
			}
		}
		surv *= (n - float64(ended)) / n
		out.last = t
		if ended > 0 {
			out.times = append(out.times, t)
			out.survival = append(out.survival, surv)
			for k := range total {
				out.share[k] = append(out.share[k], total[k])
			}
		}
	}
}

// At returns the share of rows that ended by the cause (1 to Causes) up to and including t. It panics on another cause.
func (c *Incidence) At(cause int, t float64) float64 {
	if cause < 1 || cause > len(c.share) {
		panic("survival: cause is out of range")
	}
	i := c.index(t)
	if i < 0 {
		return 0
	}
	return c.share[cause-1][i]
}

// Survival returns the share of rows still going on after t.
func (c *Incidence) Survival(t float64) float64 {
	i := c.index(t)
	if i < 0 {
		return 1
	}
	return c.survival[i]
}

// FollowUp returns the last time up to which the shares are known: without limit once nobody is still going on.
func (c *Incidence) FollowUp() float64 {
	if n := len(c.survival); n > 0 && c.survival[n-1] == 0 {
		return math.Inf(1)
	}
	return c.last
}

// index returns the last time not after t, -1 when there is none.
func (c *Incidence) index(t float64) int {
	i, found := slices.BinarySearch(c.times, t)
	if found {
		return i
	}
	return i - 1
}
