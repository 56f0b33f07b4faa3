package survival

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
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
	// variance[cause-1][i] is that of share[cause-1][i].
	variance [][]float64
	last     float64
}

// AalenJohansen estimates the cumulative incidence of each cause as the sum of S(t-)*d/n over the times at which rows
// ended by it, d of n at risk, S the Kaplan-Meier curve of any cause. It sorts once, O(n log n). The error is an
// *InputError.
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
	out := &Incidence{share: make([][]float64, c.Causes), variance: make([][]float64, c.Causes)}
	surv, total, noise := 1.0, make([]float64, c.Causes), make([]uncertainty, c.Causes)
	deaths := make([]int, c.Causes)
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
				deaths[k-1] = d
				ended += d
			}
		}
		for k, d := range deaths {
			noise[k].step(surv, float64(d)/n, float64(ended)/n, n)
		}
		surv *= (n - float64(ended)) / n
		out.last = t
		if ended > 0 {
			out.times = append(out.times, t)
			out.survival = append(out.survival, surv)
			for k := range total {
				out.share[k] = append(out.share[k], total[k])
				out.variance[k] = append(out.variance[k], noise[k].share)
			}
		}
	}
}

// At returns the share of rows that ended by the cause (1 to Causes) up to and including t. It panics on another cause.
func (c *Incidence) At(cause int, t float64) float64 {
	c.check(cause)
	i := c.index(t)
	if i < 0 {
		return 0
	}
	return c.share[cause-1][i]
}

// uncertainty holds the variances of one cause's share and of the survival, and their covariance.
type uncertainty struct{ share, survival, both float64 }

// step carries the variances over a time at which the share cause of the n at risk ended by the cause and the share any
// by any. F' = F + S cause and S' = S (1 - any) are linear in what came before and in these two proportions of one
// multinomial draw, so that their variances add. Summed over the times this is the Greenwood-type estimator.
func (u *uncertainty) step(survival, cause, anyCause, n float64) {
	s2 := survival * survival / n
	u.share += 2*cause*u.both + cause*cause*u.survival + s2*cause*(1-cause)
	u.both = (1-anyCause)*(u.both+cause*u.survival) - s2*cause*(1-anyCause)
	u.survival = (1-anyCause)*(1-anyCause)*u.survival + s2*anyCause*(1-anyCause)
}

// SE returns the standard error of At, the root of the Greenwood-type variance
//
//	sum (F(t)-F(u))^2 d/(n(n-d)) + sum S(u-)^2 dk(n-dk)/n^3 - 2 sum (F(t)-F(u)) S(u-) dk/n^2
//
// over the times u up to t, dk the ends by this cause and d by any. With one cause it is Greenwood's of Kaplan-Meier. It
// panics on a cause outside 1 to Causes.
//
// Reference: Marubini and Valsecchi, Analysing Survival Data from Clinical Trials, 1995, section 10.2; Allignol,
// Schumacher and Beyersmann, Biometrical Journal 52 (2010), who prefer it to Aalen's with delayed entry.
func (c *Incidence) SE(cause int, t float64) float64 {
	c.check(cause)
	i := c.index(t)
	if i < 0 {
		return 0
	}
	if c.share[cause-1][i] > 1-slack { // certain but for the rounding of its sum
		return 0
	}
	return math.Sqrt(math.Max(0, c.variance[cause-1][i]))
}

// Interval returns the limits of At at the level, for example 0.95, symmetric on the scale log(-log(1 - F)): with one
// cause the LogLog interval of Kaplan-Meier. ok is false where the share is 0 or 1, which have no interval, and for a
// level outside 0 to 1. It panics on a cause outside 1 to Causes.
func (c *Incidence) Interval(cause int, t, level float64) (low, high float64, ok bool) {
	share, se := c.At(cause, t), c.SE(cause, t)
	if !(share > 0 && share <= 1-slack) || !(level > 0 && level < 1) {
		return 0, 0, false
	}
	hazard := -math.Log1p(-share)
	reach := distuv.UnitNormal.Quantile(0.5+level/2) * se / ((1 - share) * hazard)
	return -math.Expm1(-hazard * math.Exp(-reach)), -math.Expm1(-hazard * math.Exp(reach)), true
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

func (c *Incidence) check(cause int) {
	if cause < 1 || cause > len(c.share) {
		panic("survival: cause is out of range")
	}
}

// index returns the last time not after t, -1 when there is none.
func (c *Incidence) index(t float64) int {
	i, found := slices.BinarySearch(c.times, t)
	if found {
		return i
	}
	return i - 1
}
