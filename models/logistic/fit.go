package logistic

import (
	"errors"
	"fmt"
	"math"
	"runtime"
)

// Sign limits a coefficient.
type Sign int8

// The limits of a coefficient.
const (
	Any         Sign = 0
	NonNegative Sign = 1
	NonPositive Sign = -1
)

// Options says what to fit. The zero value is the unpenalised fit.
type Options struct {
	// Lambda is the ridge penalty, at least 0.
	Lambda float64
	// Standardise puts the penalty on the coefficients of the standardised columns instead of the raw ones. It makes no
	// difference without a penalty.
	Standardise bool
	// Signs limits the coefficients, one per column; nil for no limits.
	Signs []Sign
	// Firth penalises by Jeffreys' prior instead of a ridge: finite on separated data, and nearly without bias where
	// events are few. It takes neither a penalty nor signs.
	Firth bool
	// Workers is the number of goroutines, 0 for GOMAXPROCS. It does not change the result.
	Workers int
}

func (o Options) check(cols int) error {
	if math.IsNaN(o.Lambda) || math.IsInf(o.Lambda, 0) || o.Lambda < 0 {
		return &InputError{Row: -1, Reason: fmt.Sprintf("lambda %v is not a finite number of at least 0", o.Lambda)}
	}
	if o.Firth && (o.Lambda > 0 || o.Signs != nil) {
		return &InputError{Row: -1, Reason: "Firth's penalty goes with neither a ridge penalty nor sign constraints"}
	}
	if o.Signs != nil && len(o.Signs) != cols {
		return &InputError{Row: -1, Reason: fmt.Sprintf("%d signs for %d columns", len(o.Signs), cols)}
	}
	return nil
}

// Fit minimises the objective of the package comment.
//
// Constant columns are left out and reported in Model.Warnings. Errors: *InputError for data that no fit exists for
// (values that are not finite, outcomes outside 0 to 1, as many columns as rows), ErrOneClass, *CollinearError,
// *SeparationError, *ConstraintError. There is no model beside an error.
func Fit(d Data, o Options) (*Model, error) {
	models, err := Path(d, []float64{o.Lambda}, o)
	if err != nil {
		return nil, err
	}
	return models[0], nil
}

// Path fits one model per penalty, in the order given; Options.Lambda is not used. The penalties are worked through
// from the largest to the smallest, each fit starting from the one before, and the columns are measured once.
func Path(d Data, lambdas []float64, o Options) ([]*Model, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return path(resident{&d}, d.shape(), lambdas, o)
}

// path fits one model per penalty to the rows.
func path(r rows, sh shape, lambdas []float64, o Options) ([]*Model, error) {
	for _, l := range lambdas {
		o.Lambda = l
		if err := o.check(sh.cols); err != nil {
			return nil, err
		}
	}
	f, err := newFitter(r, sh, o)
	if err != nil {
		return nil, err
	}
	models := make([]*Model, len(lambdas))
	for done := range lambdas {
		next := -1
		for i, l := range lambdas {
			if models[i] == nil && (next < 0 || l > lambdas[next]) {
				next = i
			}
		}
		f.penalise(lambdas[next], o.Standardise)
		if done == 0 && !f.jeffreysPrior {
			if err := f.startFromSample(); err != nil {
				return nil, err
			}
		}
		fit := f.fit
		if f.jeffreysPrior {
			fit = f.firth
		}
		if err := fit(); err != nil {
			return nil, err
		}
		if models[next], err = f.model(); err != nil {
			return nil, err
		}
	}
	return models, nil
}

// fitter holds the state of one fit in the space of the centred and scaled columns, intercept first.
type fitter struct {
	shape
	rows   rows
	totals totals
	scales columns
	inv    []float64 // 1/sd, 0 for constant columns
	signs  []Sign
	lambda float64
	scaled bool // the penalty falls on the standardised columns
	// jeffreysPrior is set where Firth's penalty takes the place of the ridge.
	jeffreysPrior bool
	pen           []float64 // penalty per coefficient
	parts         []*adder  // one per worker
	lanes         []*sums
	now           *sums // sums at beta
	trial         *sums // sums at the point being tried
	beta          []float64
	fixed         []bool  // coefficients held at 0
	stride        int     // passes take every stride-th row
	sampled       bool    // now holds the sums of a sample at beta
	known         bool    // now holds the sums of all rows at beta
	warm          bool    // beta comes from another fit
	settled       float64 // a full step that changes no eta by as much ends the iteration
	steps         int     // Newton steps of the last fit
}

func newFitter(r rows, sh shape, o Options) (*fitter, error) {
	t, err := count(r, sh)
	if err != nil {
		return nil, err
	}
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	chunks := (t.all + chunkRows - 1) / chunkRows
	workers = max(1, min(workers, chunks, lanes))
	cols, err := measure(r, sh, t, workers)
	if err != nil {
		return nil, err
	}
	q := sh.cols + 1
	f := &fitter{
		shape: sh, rows: r, totals: t, scales: cols, signs: o.Signs, jeffreysPrior: o.Firth,
		inv: make([]float64, sh.cols), pen: make([]float64, q), beta: make([]float64, q), fixed: make([]bool, q),
		now: newSums(q), trial: newSums(q), parts: make([]*adder, workers), lanes: make([]*sums, min(lanes, chunks)),
		stride: 1, settled: etaTolerance,
	}
	for i := range f.parts {
		f.parts[i] = newAdder(q)
	}
	for i := range f.lanes {
		f.lanes[i] = newSums(q)
	}
	for j, sd := range cols.sd {
		if cols.state[j] == Constant {
			f.fixed[j+1] = true
			continue
		}
		f.inv[j] = 1 / sd
	}
	f.chill()
	return f, nil
}

// penalise sets the penalty. On raw coefficients b_j = beta_j/sd_j it is lambda/sd_j^2 for beta_j.
func (f *fitter) penalise(lambda float64, standardised bool) {
	f.lambda, f.scaled = lambda, standardised
	for j, inv := range f.inv {
		f.pen[j+1] = lambda
		if !standardised {
			f.pen[j+1] = lambda * inv * inv
		}
	}
}

// pass sums all rows at the point into s, the Hessian only where curvature asks for it.
func (f *fitter) pass(at point, s *sums, curvature bool) error {
	for _, part := range f.parts {
		part.c, part.inv, part.at, part.stride = &f.scales, f.inv, at, f.stride
	}
	for _, lane := range f.lanes {
		lane.reset()
		lane.curved = curvature
	}
	err := f.rows.walk(len(f.parts), func(worker, lane, _ int, d *Data) {
		f.parts[worker].add(d, curvature)
		f.lanes[lane].merge(f.parts[worker].sums)
	})
	s.reset()
	s.curved = curvature
	for _, lane := range f.lanes {
		s.merge(lane)
	}
	if err == nil && s.rows != f.totals.all {
		err = &InputError{Row: -1, Reason: fmt.Sprintf("the rows changed between two walks: %d, then %d", f.totals.all, s.rows)}
	}
	return err
}

// objective returns loss plus penalty at beta.
func (f *fitter) objective(s *sums, beta []float64) float64 {
	total := s.loss
	for j, b := range beta {
		total += 0.5 * f.pen[j] * b * b
	}
	return total
}

// fit minimises the objective under the sign constraints by an active set: coefficients of the wrong sign are held at
// 0, the rest is fitted again, and a held one is let go when the objective falls in its permitted direction.
func (f *fitter) fit() error {
	rounds := 2*f.cols + 3
	for range rounds {
		switch err := f.settle(); {
		case err == nil:
			if f.signs == nil || !f.settleSigns() {
				return nil
			}
		case unsettled(err) && f.hold():
			f.chill() // Without limits there is no solution; within them there may be one.
		default:
			return err
		}
	}
	return &ConstraintError{Rounds: rounds}
}

// settle iterates from where the fit before ended and, where that leads nowhere, once more from the cold start: what is
// left of nearly equal columns after a sign constraint took one of them can lie where all curvature has vanished.
func (f *fitter) settle() error {
	warm := f.warm
	f.warm = true
	err := f.newton()
	if warm && unsettled(err) {
		f.chill()
		err = f.newton()
	}
	return err
}

// unsettled reports an error that depends on where the iteration started.
func unsettled(err error) bool {
	var separated *SeparationError
	var collinear *CollinearError
	return errors.As(err, &separated) || errors.As(err, &collinear)
}

// chill moves beta to where no column says anything.
func (f *fitter) chill() {
	clear(f.beta)
	share := f.totals.events / f.totals.weight
	f.beta[0] = math.Log(share/(1-share)) - f.totals.centroid
}

// startFromSample moves beta near the solution of a large design by iterating on every sampleStride-th row: the few
// full passes that remain decide the result to the last digit, as from any start. When the sample has no solution, the
// fit starts cold.
func (f *fitter) startFromSample() error {
	if f.totals.all < sampleFrom {
		return nil
	}
	scale := func(by float64) {
		for j := range f.pen {
			f.pen[j] *= by
		}
	}
	f.stride, f.settled = sampleStride, sampleTolerance
	scale(1.0 / sampleStride)
	err := f.newton()
	f.warm = true
	if unsettled(err) {
		f.chill()
		f.warm, f.now.curved = false, false
		err = nil
	}
	f.sampled = err == nil && f.now.curved
	scale(sampleStride)
	f.stride, f.settled = 1, etaTolerance
	return err
}

// hold holds the coefficients of the wrong sign at 0 and reports whether there were any.
func (f *fitter) hold() bool {
	changed := false
	for j, sign := range f.signs {
		if k := j + 1; !f.fixed[k] && float64(sign)*f.beta[k] < 0 {
			f.fixed[k], f.beta[k], f.scales.state[j] = true, 0, AtBound
			changed = true
		}
	}
	f.known = f.known && !changed
	return changed
}

// settleSigns changes the set of held coefficients and reports whether it had to.
func (f *fitter) settleSigns() bool {
	if f.hold() {
		return true
	}
	// The gradient is in units of the sum of weights; what is left of it at a converged fit is rounding.
	release, steepest := -1, 1e-7*math.Sqrt(f.totals.weight)
	for j, sign := range f.signs {
		if slope := -float64(sign) * f.now.grad[j+1]; f.scales.state[j] == AtBound && slope > steepest {
			release, steepest = j, slope
		}
	}
	if release < 0 {
		return false
	}
	f.fixed[release+1], f.scales.state[release] = false, Estimated
	return true
}
