package survival

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Sample holds one duration a row.
type Sample struct {
	// Time is when the row's event or its censoring happened, at least 0.
	Time []float64
	// Event is true when the event happened, false when it had not happened by Time.
	Event []bool
	// Entry is when observation of the row began, nil for the start. A row counts only after its entry.
	Entry []float64
}

// InputError says which row cannot be used.
type InputError struct {
	Row    int // 0-based, -1 when the problem is not in one row
	Reason string
}

func (e *InputError) Error() string {
	if e.Row < 0 {
		return e.Reason
	}
	return fmt.Sprintf("row %d: %s", e.Row, e.Reason)
}

// checkTimes validates durations and their entries.
func checkTimes(time, entry []float64) error {
	if len(time) == 0 {
		return &InputError{Row: -1, Reason: "no durations"}
	}
	if entry != nil && len(entry) != len(time) {
		return &InputError{Row: -1, Reason: fmt.Sprintf("%d entries for %d durations", len(entry), len(time))}
	}
	for i, t := range time {
		if math.IsNaN(t) || math.IsInf(t, 0) || t < 0 {
			return &InputError{Row: i, Reason: fmt.Sprintf("time %v is not a finite number of at least 0", t)}
		}
		if entry != nil && !(entry[i] < t) {
			return &InputError{Row: i, Reason: fmt.Sprintf("entry %v is not before time %v", entry[i], t)}
		}
	}
	return nil
}

// Point is the curve at one observed time.
type Point struct {
	Time                     float64
	AtRisk, Events, Censored int
	// Survival is S(Time), the share to which the event has not happened yet.
	Survival float64
	// logVariance is Greenwood's sum of d/(n(n-d)), the variance of log S; infinite once S is 0.
	logVariance float64
}

// Curve is a Kaplan-Meier estimate: a step function that starts at 1 and falls at event times.
type Curve struct {
	// Points has one entry per distinct time at which something ended, ascending.
	Points []Point
	// N is the number of rows, Events the number of events among them.
	N, Events int
}

// KaplanMeier estimates S(t) as the product of 1 - d/n over the event times up to t, d events among n at risk. It sorts
// once, O(n log n). Without censoring it is the share of rows that last longer than t. The error is an *InputError: no rows,
// lists of different lengths, times that are negative or not finite, an entry that is not before its time.
func KaplanMeier(s Sample) (*Curve, error) {
	if len(s.Event) != len(s.Time) {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d events for %d durations", len(s.Event), len(s.Time))}
	}
	if err := checkTimes(s.Time, s.Entry); err != nil {
		return nil, err
	}
	happened := 0
	for _, e := range s.Event {
		if e {
			happened++
		}
	}
	events, censored := make([]float64, 0, happened), make([]float64, 0, len(s.Time)-happened)
	for i, t := range s.Time {
		if s.Event[i] {
			events = append(events, t)
		} else {
			censored = append(censored, t)
		}
	}
	slices.Sort(events)
	slices.Sort(censored)
	risk := newRiskSet(s.Entry, len(s.Time))
	c := &Curve{N: len(s.Time), Events: len(events)}
	surv, variance := 1.0, 0.0
	for len(events) > 0 || len(censored) > 0 {
		t := math.Inf(1)
		if len(events) > 0 {
			t = events[0]
		}
		if len(censored) > 0 {
			t = min(t, censored[0])
		}
		p := Point{Time: t, AtRisk: risk.at(t)}
		events, p.Events = drop(events, t)
		censored, p.Censored = drop(censored, t)
		if p.Events > 0 {
			n, d := float64(p.AtRisk), float64(p.Events)
			surv *= (n - d) / n
			variance += d / (n * (n - d)) // infinite when nobody is left
		}
		risk.leave(p.Events + p.Censored)
		p.Survival, p.logVariance = surv, variance
		c.Points = append(c.Points, p)
	}
	return c, nil
}

// drop removes the leading values equal to t.
func drop(sorted []float64, t float64) (rest []float64, n int) {
	for n < len(sorted) && sorted[n] == t {
		n++
	}
	return sorted[n:], n
}

// riskSet counts the rows at risk as time goes on.
type riskSet struct {
	entries []float64 // sorted, nil when all are there from the start
	in, out int
}

func newRiskSet(entry []float64, n int) *riskSet {
	if entry == nil {
		return &riskSet{in: n}
	}
	r := &riskSet{entries: slices.Clone(entry)}
	slices.Sort(r.entries)
	return r
}

// at returns the number at risk just before t; times must ascend.
func (r *riskSet) at(t float64) int {
	for r.in < len(r.entries) && r.entries[r.in] < t {
		r.in++
	}
	return r.in - r.out
}

func (r *riskSet) leave(n int) { r.out += n }

// At returns the curve's point at t: the last one not after it. Before the first time S is 1 with no error.
func (c *Curve) At(t float64) Point {
	i, found := slices.BinarySearchFunc(c.Points, t, func(p Point, t float64) int {
		switch {
		case p.Time < t:
			return -1
		case p.Time > t:
			return 1
		}
		return 0
	})
	if found {
		return c.Points[i]
	}
	if i == 0 {
		return Point{Time: t, AtRisk: c.Points[0].AtRisk, Survival: 1}
	}
	return c.Points[i-1]
}

// SE returns Greenwood's standard error of S; ok is false once S is 0, where there is none.
func (p Point) SE() (se float64, ok bool) {
	if p.Survival == 0 {
		return 0, false
	}
	return p.Survival * math.Sqrt(p.logVariance), true
}

// LogSE returns the standard error of log S; ok is false once S is 0.
func (p Point) LogSE() (se float64, ok bool) {
	if p.Survival == 0 {
		return 0, false
	}
	return math.Sqrt(p.logVariance), true
}

// Scale is the scale on which a confidence interval is symmetric.
type Scale uint8

const (
	// LogLog is exp(-exp(log(-log S) +- z*se/log S)): inside 0 to 1 by construction, good with few rows.
	LogLog Scale = iota
	// Log is S*exp(+-z*se), cut at 1.
	Log
	// Plain is S +- z*se, cut at 0 and 1.
	Plain
)

// Interval returns the confidence interval of S at the given level, such as 0.95; ok is false once S is 0.
func (p Point) Interval(scale Scale, level float64) (low, high float64, ok bool) {
	se, ok := p.LogSE()
	if !ok || !(level > 0 && level < 1) {
		return 0, 0, false
	}
	if p.Survival == 1 {
		return 1, 1, true
	}
	z := distuv.UnitNormal.Quantile(0.5 + level/2)
	switch s := p.Survival; scale {
	case Log:
		return s * math.Exp(-z*se), min(1, s*math.Exp(z*se)), true
	case Plain:
		return max(0, s-z*s*se), min(1, s+z*s*se), true
	default:
		logS := math.Log(s)
		center, half := math.Log(-logS), z*se/math.Abs(logS)
		return math.Exp(-math.Exp(center + half)), math.Exp(-math.Exp(center - half)), true
	}
}
