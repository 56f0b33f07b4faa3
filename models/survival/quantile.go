package survival

import "math"

// slack lets S reach a quantile that it misses by the rounding of its product.
const slack = 1e-12

// Value is a time that may not have been reached.
type Value struct {
	Time    float64
	Reached bool
}

// Quantile returns the time by which the share q of the rows had the event: the smallest t with S(t) <= 1-q. The limits
// are the times at which the interval of S reaches 1-q in the same sense.
func (c *Curve) Quantile(q float64, scale Scale, level float64) (at, low, high Value) {
	target := 1 - q + slack
	for _, p := range c.Points {
		if !at.Reached && p.Survival <= target {
			at = Value{p.Time, true}
		}
		lo, hi, ok := p.Interval(scale, level)
		if !ok {
			break
		}
		if !low.Reached && lo <= target {
			low = Value{p.Time, true}
		}
		if !high.Reached && hi <= target {
			high = Value{p.Time, true}
		}
	}
	return at, low, high
}

// Median is Quantile(0.5).
func (c *Curve) Median(scale Scale, level float64) (at, low, high Value) {
	return c.Quantile(0.5, scale, level)
}

// FollowUp returns the last time up to which the curve is known: without limit once S is 0.
func (c *Curve) FollowUp() float64 {
	last := c.Points[len(c.Points)-1]
	if last.Survival == 0 {
		return math.Inf(1)
	}
	return last.Time
}

// RestrictedMean returns the mean of min(time, tau), the area under S from 0 to tau, with its standard error
// sqrt(sum of (area right of t)^2 * d/(n(n-d))), both in units of time. Beyond FollowUp the curve is continued flat. They
// are 0 for a tau that is not a positive finite number.
func (c *Curve) RestrictedMean(tau float64) (mean, se float64) {
	if !(tau > 0) || math.IsInf(tau, 0) {
		return 0, 0
	}
	// From the right, so that the area right of each time is at hand; in units of tau, so that no square is too large.
	end, variance := 1.0, 0.0
	for i := len(c.Points) - 1; i >= 0; i-- {
		p := c.Points[i]
		if p.Time >= tau {
			continue
		}
		at := p.Time / tau
		mean += p.Survival * (end - at)
		end = at
		if n, d := float64(p.AtRisk), float64(p.Events); p.Events > 0 && mean > 0 {
			variance += mean * mean * (d / (n * (n - d)))
		}
	}
	return (mean + end) * tau, math.Sqrt(variance) * tau
}
