package survival

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Forecast is what a fitted proportional hazards model says of one row over a stretch of time.
type Forecast struct {
	// From and To bound the time, (From, To], in the units of the rows that were fitted. The row is known to be still
	// waiting at From; 0 asks from the start.
	From, To float64
	// Hazard is the cumulative hazard over the time, at least 0.
	Hazard float64
	// Known is false where To lies beyond the last time that was observed: the hazard after it is counted as none, so
	// that Probability is a lower bound.
	Known bool
	// relative is the standard error of Hazard as a share of it: the standard error of log Hazard.
	relative float64
}

// Forecast returns the cumulative hazard of a row with columns x over (from, to], given that its event has not happened
// by from,
//
//	H = exp((x - means) beta) * sum over from < t <= to of dL(t) ,
//
// with a standard error for the uncertainty of both the baseline and the coefficients,
//
//	Var H = exp(2 (x - means) beta) * ( sum dL(t)^2 + q' V q ) ,   q = sum (x - m(t)) dL(t) ,
//
// where dL are the steps of the baseline (Efron: one term for each of the tied events), m(t) is the weighted mean of the
// columns at risk at t and V the covariance of the coefficients. As its terms belong to the times after from alone, it is
// the variance given the wait until then. With a ridge V is that of the penalised fit, which knows nothing of the bias.
//
// The error is an *InputError: x has not one finite value per column, the times are not finite or not 0 <= from <= to, or
// the row lies so far from those fitted that its hazard is beyond a float64.
//
// Reference: Tsiatis, Annals of Statistics 9 (1981); Therneau and Grambsch, Modeling Survival Data, 2000, section 10.2;
// survfit.coxph of R's survival computes the same.
func (c *Cox) Forecast(x []float64, from, to float64) (Forecast, error) {
	w, err := c.window(x, from)
	if err != nil {
		return Forecast{}, err
	}
	if math.IsNaN(to) || math.IsInf(to, 0) || to < from {
		return Forecast{}, &InputError{Row: -1, Reason: fmt.Sprintf("time %v is not a finite number of at least %v", to, from)}
	}
	return w.until(c.steps(to), to)
}

// Survival is exp(-Hazard), the probability that the row is still waiting at To.
func (f Forecast) Survival() float64 { return math.Exp(-f.Hazard) }

// Probability is 1 - exp(-Hazard), the probability that the event happens in (From, To], given that it has not happened
// by From.
func (f Forecast) Probability() float64 { return -math.Expm1(-f.Hazard) }

// SE is the standard error of Hazard.
func (f Forecast) SE() float64 { return f.Hazard * f.relative }

// Interval returns the limits of Probability at the level, for example 0.95: 1 - exp(-H exp(+-z se(H)/H)), symmetric in
// log H, which is the log-log scale of the survival. ok is false where no event of the fitted rows lies in the time, which
// leaves nothing to measure the uncertainty by, and for a level outside 0 to 1.
func (f Forecast) Interval(level float64) (low, high float64, ok bool) {
	if f.Hazard == 0 || !(level > 0 && level < 1) {
		return 0, 0, false
	}
	reach := distuv.UnitNormal.Quantile(0.5+level/2) * f.relative
	at := math.Log(f.Hazard)
	return -math.Expm1(-math.Exp(at - reach)), -math.Expm1(-math.Exp(at + reach)), true
}

// Remaining returns how long a row that is still waiting at from has to wait until the event has happened with
// probability q (0.5: the median remaining time): the smallest u at which Forecast(x, from, from+u) has Probability of at
// least q, with the times at which the limits of its interval reach q. A Value is not Reached where the observed time is
// too short to tell. The error is that of Forecast, or an *InputError for q or a level outside 0 to 1.
func (c *Cox) Remaining(x []float64, from, q, level float64) (at, low, high Value, err error) {
	if !(q > 0 && q < 1) || !(level > 0 && level < 1) {
		return at, low, high, &InputError{Row: -1, Reason: fmt.Sprintf("share %v or level %v is not between 0 and 1", q, level)}
	}
	w, err := c.window(x, from)
	if err != nil {
		return at, low, high, err
	}
	target := q - slack
	for k := c.steps(from) + 1; k <= len(c.Baseline) && !high.Reached; k++ {
		t := c.Baseline[k-1].Time
		f, err := w.until(k, t)
		if err != nil {
			return Value{}, Value{}, Value{}, err
		}
		reached := func(v *Value, probability float64) {
			if !v.Reached && probability >= target {
				*v = Value{Time: t - from, Reached: true}
			}
		}
		lo, hi, ok := f.Interval(level)
		if ok {
			reached(&low, hi)
			reached(&high, lo)
		}
		reached(&at, f.Probability())
	}
	return at, low, high, nil
}

// FollowUp returns the last time at which a row was observed: nothing is known beyond it.
func (c *Cox) FollowUp() float64 { return c.risk.stop[c.risk.byStop[0]] }

// steps returns the number of steps of the baseline up to t.
func (c *Cox) steps(t float64) int {
	k, found := slices.BinarySearchFunc(c.Baseline, t, func(s Step, t float64) int {
		switch {
		case s.Time < t:
			return -1
		case s.Time > t:
			return 1
		}
		return 0
	})
	if found {
		k++
	}
	return k
}

// window is one row waiting since a time, in the scaled columns.
type window struct {
	c     *Cox
	from  float64
	first int // steps of the baseline up to from
	z     []float64
	ratio float64 // exp of the linear predictor
}

func (c *Cox) window(x []float64, from float64) (*window, error) {
	if len(x) != len(c.Columns) {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d values for %d columns", len(x), len(c.Columns))}
	}
	if math.IsNaN(from) || math.IsInf(from, 0) || from < 0 {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("time %v is not a finite number of at least 0", from)}
	}
	w := &window{c: c, from: from, first: c.steps(from), z: make([]float64, len(x)), ratio: math.Exp(c.LinearPredictor(x))}
	for j, v := range x {
		w.z[j] = (v - c.Means[j]) / c.risk.scale[j]
		if math.IsNaN(w.z[j]) || math.IsInf(w.z[j], 0) {
			return nil, &InputError{Row: -1, Reason: fmt.Sprintf("column %s is not a finite number", c.Columns[j])}
		}
	}
	return w, nil
}

// until forecasts to the time to, up to which the baseline has that many steps.
func (w *window) until(steps int, to float64) (Forecast, error) {
	f := Forecast{From: w.from, To: to, Known: to <= w.c.FollowUp()}
	if steps <= w.first {
		return f, nil
	}
	c, p := w.c, len(w.z)
	base, variance := c.Baseline[steps-1].Hazard, c.spread.variance[steps-1]
	q := slices.Clone(c.spread.pull[(steps-1)*p : steps*p])
	if k := w.first; k > 0 {
		base -= c.Baseline[k-1].Hazard
		variance -= c.spread.variance[k-1]
		for j := range q {
			q[j] -= c.spread.pull[(k-1)*p+j]
		}
	}
	for j, z := range w.z {
		q[j] = z*base - q[j]
	}
	for i, a := range q {
		for j, b := range q {
			variance += a * b * c.Covariance.At(i, j) * c.risk.scale[i] * c.risk.scale[j]
		}
	}
	f.Hazard, f.relative = base*w.ratio, math.Sqrt(math.Max(0, variance))/base
	if math.IsInf(f.Hazard, 0) || math.IsNaN(f.Hazard) || math.IsInf(f.relative, 0) || math.IsNaN(f.relative) {
		return Forecast{}, &InputError{Row: -1, Reason: "the row is too far from those fitted: its hazard is beyond a float64"}
	}
	return f, nil
}

// spread is what the variance of the baseline needs: running sums up to each of its steps.
type spread struct {
	// variance is the sum of dL^2, pull that of m(t) dL, p values a step in the scaled columns.
	variance, pull []float64
}
