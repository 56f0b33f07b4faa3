package survival

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// CoxData is what a proportional hazards model is fitted to: n rows, p columns.
type CoxData struct {
	// X holds the columns row by row, n times p.
	X []float64
	// Start and Stop bound the time over which a row is at risk, (Start, Stop]; Start is nil where all begin at the
	// start. A subject whose columns change has a row for each stretch.
	Start, Stop []float64
	// Event is true where the event happened at Stop.
	Event []bool
	// Columns names the p columns.
	Columns []string
}

// Ties says how events at the same time share their risk set.
type Ties uint8

// The ways of Efron and of Breslow.
const (
	Efron Ties = iota
	Breslow
)

// CoxOptions say how to fit.
type CoxOptions struct {
	Ties Ties
	// Ridge is lambda of the penalty (lambda/2) sum of beta^2 on the columns as they are given, 0 for none.
	Ridge float64
}

// Cox is a fitted proportional hazards model: the hazard of a row is that of the baseline times exp(x beta).
type Cox struct {
	Columns []string
	// Coefficients are beta; Covariance is the inverse of the (penalised) information at beta, p times p.
	Coefficients []float64
	Covariance   *mat.SymDense
	// LogLikelihood and NullLogLikelihood are the partial log likelihoods at beta and at 0, without penalty.
	LogLikelihood, NullLogLikelihood float64
	// Score and Information are the gradient and the negative Hessian of the partial log likelihood at 0.
	Score       []float64
	Information *mat.SymDense
	// Means are the column means over all rows, at which the baseline hazard of Baseline is told.
	Means   []float64
	N       int
	Events  int
	Penalty float64

	// Baseline is the cumulative hazard of a row whose columns are all at their means, a step at each event time.
	Baseline []Step
	spread   spread
	risk     *riskSets
}

// Step is one step of a cumulative hazard.
type Step struct{ Time, Hazard float64 }

// ErrNoEvents says that nothing happened, so that no hazard can be compared.
var ErrNoEvents = errors.New("no events")

// CoxError says that a model cannot be fitted for the reason told: a constant or dependent column, or coefficients that
// run away because a column separates the events from the rest.
type CoxError struct {
	// Columns are those at fault, the most suspicious first.
	Columns []string
	Reason  string
}

func (e *CoxError) Error() string { return fmt.Sprintf("%s: %v", e.Reason, e.Columns) }

const (
	coxIterations = 40
	// coxStep is how small the change of every linear predictor must be in a full step.
	coxStep      = 1e-9
	coxCondition = 1e12
	// coxFar is a linear predictor, in size, that only coefficients on their way to infinity reach with an information of
	// nothing.
	coxFar = 10
)

// FitCox maximises the partial likelihood by Newton's method on centred and scaled columns, in O(n p^2) a step. It
// returns an *InputError for rows that cannot be used, ErrNoEvents, and a *CoxError where there is no finite solution.
func FitCox(d CoxData, o CoxOptions) (*Cox, error) {
	if err := d.check(o); err != nil {
		return nil, err
	}
	c := &Cox{Columns: d.Columns, N: len(d.Stop), Penalty: o.Ridge}
	r, err := newRiskSets(&d, o.Ties)
	if err != nil {
		return nil, err
	}
	c.risk, c.Means, c.Events = r, r.mean, r.events
	if c.Events == 0 {
		return nil, ErrNoEvents
	}
	p := len(d.Columns)
	beta := make([]float64, p)
	at := r.evaluate(beta)
	c.NullLogLikelihood = at.logLikelihood
	c.Score, c.Information = r.unscale(at)
	at, err = c.maximise(beta, at, o.Ridge)
	if err != nil {
		return nil, err
	}
	c.LogLikelihood = at.logLikelihood
	f, err := c.factorise(at, o.Ridge)
	if err != nil {
		return nil, err
	}
	if c.Covariance, err = f.inverse(); err != nil {
		return nil, &CoxError{Columns: c.Columns, Reason: "the columns are nearly dependent"}
	}
	c.Coefficients = make([]float64, p)
	for i := range p {
		c.Coefficients[i] = beta[i] / r.scale[i]
		for j := i; j < p; j++ {
			c.Covariance.SetSym(i, j, c.Covariance.At(i, j)/r.scale[i]/r.scale[j])
		}
	}
	c.Baseline, c.spread = r.baseline(beta)
	return c, nil
}

func (d *CoxData) check(o CoxOptions) error {
	n, p := len(d.Stop), len(d.Columns)
	if err := checkTimes(d.Stop, d.Start); err != nil {
		return err
	}
	switch {
	case p == 0:
		return &InputError{Row: -1, Reason: "there are no columns"}
	case len(d.Event) != n || len(d.X) != n*p:
		return &InputError{Row: -1, Reason: "events or columns are not of as many rows as the times"}
	case !(o.Ridge >= 0) || math.IsInf(o.Ridge, 0):
		return &InputError{Row: -1, Reason: fmt.Sprintf("ridge penalty %v is not a finite number of at least 0", o.Ridge)}
	}
	for i := range n {
		for j := range p {
			if x := d.X[i*p+j]; math.IsNaN(x) || math.IsInf(x, 0) {
				return &InputError{Row: i, Reason: fmt.Sprintf("column %s is not a finite number", d.Columns[j])}
			}
		}
		if d.Start != nil && (math.IsNaN(d.Start[i]) || math.IsInf(d.Start[i], 1)) {
			return &InputError{Row: i, Reason: "start is not a number"}
		}
	}
	return nil
}

// maximise takes Newton steps from beta, which it changes, until a full step moves no linear predictor any more.
func (c *Cox) maximise(beta []float64, at *evaluation, ridge float64) (*evaluation, error) {
	p, r := len(beta), c.risk
	objective := func(b []float64, e *evaluation) float64 { return e.logLikelihood - r.penalty(b, ridge) }
	next, gradient := make([]float64, p), make([]float64, p)
	var step mat.VecDense
	runaway := func() error {
		return &CoxError{Columns: c.bySize(step.RawVector().Data), Reason: "no finite solution, the columns separate the events from the rest"}
	}
	for range coxIterations {
		f, err := c.factorise(at, ridge)
		if err != nil && r.largestMove(beta) > coxFar {
			return nil, runaway() // out there nothing tells the rows apart any more
		}
		if err != nil {
			return nil, err
		}
		for j := range p {
			gradient[j] = at.score[j] - ridge*beta[j]/(r.scale[j]*r.scale[j])
		}
		if err := f.solve(&step, gradient); err != nil {
			return nil, &CoxError{Columns: c.Columns, Reason: "the columns are nearly dependent"}
		}
		reach := r.largestMove(step.RawVector().Data)
		before := objective(beta, at)
		for half := 1.0; ; half /= 2 {
			for j := range p {
				next[j] = beta[j] + half*step.AtVec(j)
			}
			tried := r.evaluate(next)
			if got := objective(next, tried); got >= before-1e-12*math.Abs(before) {
				at = tried
				copy(beta, next)
				if half == 1 && reach < coxStep {
					return at, nil
				}
				break
			}
			if half < 1e-10 {
				return nil, &CoxError{Columns: c.bySize(step.RawVector().Data), Reason: "the likelihood does not rise"}
			}
		}
	}
	return nil, runaway()
}

// factor is the Cholesky factorisation of a penalised information, scaled to a unit diagonal so that penalties and
// columns of very different size do not look like dependence.
type factor struct {
	chol  mat.Cholesky
	scale []float64
}

// factorise decomposes the penalised information of the scaled columns.
func (c *Cox) factorise(at *evaluation, ridge float64) (*factor, error) {
	p := len(at.score)
	f := &factor{scale: make([]float64, p)}
	dependent := func(info *mat.SymDense) error {
		return &CoxError{Columns: c.weakest(info), Reason: "the columns are dependent, or say nothing about the events"}
	}
	info := mat.NewSymDense(p, nil)
	for i := range p {
		for j := i; j < p; j++ {
			info.SetSym(i, j, at.information[i*p+j])
		}
		info.SetSym(i, i, info.At(i, i)+ridge/(c.risk.scale[i]*c.risk.scale[i]))
	}
	for i := range p {
		// Of the event-weighted spread of a scaled column, which is of the order of the events, rounding leaves this.
		if d := info.At(i, i); !(d > 1e-12) || math.IsInf(d, 0) {
			return nil, dependent(info)
		}
		f.scale[i] = 1 / math.Sqrt(info.At(i, i))
	}
	for i := range p {
		for j := i; j < p; j++ {
			info.SetSym(i, j, info.At(i, j)*f.scale[i]*f.scale[j])
		}
	}
	if !f.chol.Factorize(info) || f.chol.Cond() > coxCondition {
		return nil, dependent(info)
	}
	return f, nil
}

// solve writes the step of a gradient to out.
func (f *factor) solve(out *mat.VecDense, gradient []float64) error {
	scaled := mat.NewVecDense(len(gradient), nil)
	for i, g := range gradient {
		scaled.SetVec(i, g*f.scale[i])
	}
	if err := f.chol.SolveVecTo(out, scaled); err != nil {
		return err
	}
	for i, s := range f.scale {
		out.SetVec(i, out.AtVec(i)*s)
	}
	return nil
}

// inverse returns the covariance.
func (f *factor) inverse() (*mat.SymDense, error) {
	p := len(f.scale)
	out := mat.NewSymDense(p, nil)
	if err := f.chol.InverseTo(out); err != nil {
		return nil, err
	}
	for i := range p {
		for j := i; j < p; j++ {
			out.SetSym(i, j, out.At(i, j)*f.scale[i]*f.scale[j])
		}
	}
	return out, nil
}

// weakest orders the columns by what the information says of them, the least first.
func (c *Cox) weakest(info *mat.SymDense) []string {
	var eigen mat.EigenSym
	if !eigen.Factorize(info, true) {
		return c.Columns
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	weights := make([]float64, len(c.Columns))
	for j := range weights {
		weights[j] = vectors.At(j, 0) // of the smallest eigenvalue
	}
	return c.bySize(weights)
}

// bySize returns the columns in the order of |v|, the largest first.
func (c *Cox) bySize(v []float64) []string {
	order := byDescending(len(v), func(i int) float64 { return math.Abs(v[i]) })
	out := make([]string, len(v))
	for k, i := range order {
		out[k] = c.Columns[i]
	}
	return out
}

// SE returns the standard error of coefficient j.
func (c *Cox) SE(j int) float64 { return math.Sqrt(c.Covariance.At(j, j)) }

// HazardRatio returns exp(beta_j), the ratio of the hazards of two rows that differ by one unit of column j, with its
// interval at the level, for example 0.95. Ratios beyond a float64 are cut at the largest one: measure the column in larger
// units. It panics on a level outside 0 to 1.
func (c *Cox) HazardRatio(j int, level float64) (ratio, low, high float64) {
	if !(level > 0 && level < 1) {
		panic("survival: level is not between 0 and 1")
	}
	reach := distuv.UnitNormal.Quantile(0.5+level/2) * c.SE(j)
	b := c.Coefficients[j]
	exp := func(v float64) float64 { return math.Min(math.Exp(v), math.MaxFloat64) }
	return exp(b), exp(b - reach), exp(b + reach)
}

// LinearPredictor is (x - means) beta for one row of columns; exp of it is the hazard relative to a row at the means.
func (c *Cox) LinearPredictor(x []float64) float64 {
	sum := 0.0
	for j, b := range c.Coefficients {
		sum += b * (x[j] - c.Means[j])
	}
	return sum
}

// CumulativeHazard is that of a row with these columns from the start up to t: the baseline times exp of its linear
// predictor. Forecast gives it with its error.
func (c *Cox) CumulativeHazard(x []float64, t float64) float64 {
	k := c.steps(t)
	if k == 0 {
		return 0
	}
	return c.Baseline[k-1].Hazard * math.Exp(c.LinearPredictor(x))
}

// Survival is exp(-CumulativeHazard), the probability that the event has not happened by t.
func (c *Cox) Survival(x []float64, t float64) float64 { return math.Exp(-c.CumulativeHazard(x, t)) }
