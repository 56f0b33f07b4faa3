package logistic

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	// firthSteps is far above what Firth's likelihood takes: a few scoring steps, then under ten of Newton, and a dozen
	// more where it has a plateau.
	firthSteps = 200
	// firthNear is the change of eta below which Newton's steps begin. Farther away their curvature misleads.
	firthNear = 0.5
	// firthTolerance ends the iteration when a full step changes no eta by as much, or by no more than rounding does.
	firthTolerance = 1e-10
	// firthRounding times the condition of the information is what rounding leaves of the leverages, and so of a step.
	firthRounding = 1e-15
)

// firth maximises the likelihood times the root of the determinant of the information X'WX (Jeffreys' prior), which is
// finite on separated data and takes the first-order bias from the coefficients. Its score is
//
//	sum_i (w_i y_i + h_i/2 - (w_i + h_i) p_i) x_i ,  h_i = v_i x_i' (X'WX)^-1 x_i ,  v_i = w_i p_i (1 - p_i) ,
//
// that of a fit to which h_i/2 events and h_i/2 others are added in row i. The first steps are the Newton steps of that
// fit. They converge linearly, on a dozen separated rows by a percent a step, so that the last ones are Newton steps of the
// penalised likelihood itself.
// Firth, Biometrika 80 (1993); Heinze and Schemper, Statistics in Medicine 21 (2002).
func (f *fitter) firth() error {
	q := len(f.beta)
	step, trial := make([]float64, q), make([]float64, q)
	solver, added := newSolver(f.free()), newSolver(f.free())
	if err := f.pass(point{f.beta, step}, f.now, true); err != nil {
		return err
	}
	before, ok := f.jeffreys(solver)
	if !ok {
		return f.collinear(solver)
	}
	augmented, curvature := newSums(q), newJeffreysCurvature(q, solver.idx)
	isNear := false
	for f.steps = 1; f.steps <= firthSteps; f.steps++ {
		curvature.begin(f.now.hess)
		if err := f.augment(solver, augmented, curvature, isNear); err != nil {
			return err
		}
		isNear = isNear && curvature.finish(solver) == nil
		f.now, augmented = augmented, f.now
		ok := f.firthStep(added, curvature.hess, isNear, step)
		f.now, augmented = augmented, f.now
		if !ok {
			return f.separated(step)
		}
		done, after, ok, err := f.firthAdvance(solver, step, trial, before)
		if done || err != nil {
			return err
		}
		if !ok {
			return f.separated(step)
		}
		before, isNear = after, f.now.delta < firthNear
	}
	return f.separated(step)
}

// firthStep writes the step from the augmented sums in f.now: near the solution by the true curvature, with the least
// share of the augmented fit's that makes it positive definite; else by the augmented fit's alone.
func (f *fitter) firthStep(added *solver, curvature []float64, isNear bool, step []float64) bool {
	scoring := f.now.hess
	defer func() { f.now.hess = scoring }()
	if isNear {
		f.now.hess = make([]float64, len(scoring))
		for _, share := range []float64{0, 1. / 64, 1. / 16, 1. / 4, 1} {
			for j, h := range scoring {
				f.now.hess[j] = curvature[j] + share*h
			}
			if added.factorize(f) && added.step(f, step) {
				return true
			}
		}
		f.now.hess = scoring
	}
	return added.factorize(f) && added.step(f, step)
}

// firthAdvance moves beta along step, halving it while the objective rises. A step to where the information is singular
// is too long as well.
func (f *fitter) firthAdvance(solver *solver, step, trial []float64, before float64) (done bool, after float64, ok bool, err error) {
	slack := (1e-12 + firthRounding*solver.chol.Cond()) * (1 + math.Abs(before))
	for half := range maxHalvings {
		for j, s := range step {
			trial[j] = f.beta[j] + s
		}
		if err := f.pass(point{trial, step}, f.trial, true); err != nil {
			return false, 0, false, err
		}
		f.now, f.trial = f.trial, f.now
		after, ok = f.jeffreys(solver)
		done = half == 0 && ok && f.now.delta < max(firthTolerance, firthRounding*solver.chol.Cond())
		if done || ok && after <= before+slack {
			copy(f.beta, trial)
			return done, after, true, nil
		}
		f.now, f.trial = f.trial, f.now
		for j := range step {
			step[j] /= 2
		}
	}
	return false, 0, false, nil
}

// jeffreys factorises the information at f.now and returns loss - log(det)/2; false where it is singular.
func (f *fitter) jeffreys(solver *solver) (float64, bool) {
	if !solver.factorize(f) {
		return 0, false
	}
	logDet := solver.chol.LogDet()
	for _, s := range solver.scale {
		logDet -= 2 * math.Log(s)
	}
	return f.now.loss - logDet/2, true
}

// augment writes gradient and Hessian of the rows with what the leverages add to them, at beta, by which the solver must
// be factorised, and gathers the curvature where it is wanted. Leverages take a second pass, in the order of the rows.
func (f *fitter) augment(solver *solver, s *sums, curvature *jeffreysCurvature, isCurved bool) error {
	q := len(f.beta)
	copy(s.grad, f.now.grad)
	copy(s.hess, f.now.hess)
	z := make([]float64, q)
	scaled, solved := mat.NewVecDense(len(solver.idx), nil), mat.NewVecDense(len(solver.idx), nil)
	return f.rows.walk(1, func(_, _, _ int, d *Data) {
		for i := range d.Y {
			w := d.weight(i)
			if w == 0 {
				continue
			}
			standardise(z, d.X[i*d.Cols:(i+1)*d.Cols], f.scales.mean, f.inv)
			eta := floats.Dot(z, f.beta)
			if d.Offset != nil {
				eta += d.Offset[i]
			}
			p := Expit(eta)
			for a, k := range solver.idx {
				scaled.SetVec(a, z[k]*solver.scale[a])
			}
			// A solver that was factorised solves: its condition was checked.
			if err := solver.chol.SolveVecTo(solved, scaled); err != nil {
				continue
			}
			v := w * p * (1 - p)
			leverage := v * mat.Dot(scaled, solved)
			if isCurved {
				curvature.add(z, scaled, p, v, leverage)
			}
			for a, za := range z {
				s.grad[a] -= leverage * (0.5 - p) * za
				for b := a; b < q; b++ {
					s.hess[a*q+b] += leverage * p * (1 - p) * za * z[b]
				}
			}
		}
	})
}
