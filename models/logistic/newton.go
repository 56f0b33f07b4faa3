package logistic

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

const (
	// maxSteps is far above what a finite solution takes from a cold start: 5 to 12 steps.
	maxSteps = 30
	// etaTolerance ends the iteration when a full step changes no eta by as much; the error left is its square.
	etaTolerance = 1e-8
	// A design of sampleFrom rows or more is first fitted on every sampleStride-th row to sampleTolerance, about the
	// sampling error of that fit. The stride is a power of two, so that scaling the penalty is exact.
	sampleFrom      = 8 * chunkRows
	sampleStride    = 16
	sampleTolerance = 0.05
	// hessianReach is the change of eta up to which a Hessian serves for steps from other points: each of them takes the
	// error that is left to a tenth.
	hessianReach = 0.1
	// maxHalvings of a step leave 1e-9 of it.
	maxHalvings = 30
	// maxCondition of the Hessian scaled to a unit diagonal. Beyond it, the coefficients have under six digits and
	// mat.Cholesky begins to return noise without an error.
	maxCondition = 1e10
	// minPivot is the share of a column's variance that the columns before it must leave unexplained.
	minPivot = 1e-10
)

// newton iterates from beta over the coefficients that are not held, and leaves the sums at the solution in f.now.
//
// A large design takes a step by the Hessian of an earlier point where that one is near: curvatures differ by no more than
// the largest change of eta in between, so that the step is good to that share, and a pass for the gradient alone takes
// a third of the time. The last pass, at the solution, always has the Hessian: an iteration does not end without.
func (f *fitter) newton() error {
	q := len(f.beta)
	step, trial := make([]float64, q), make([]float64, q)
	solver := newSolver(f.free())
	// away is the largest change of eta since the point of the solver's Hessian, expected that of the next step.
	away, err := f.begin(solver, step)
	if err != nil {
		return err
	}
	expected := math.Inf(1)
	for f.steps = 0; f.steps < maxSteps; {
		if f.now.curved && !solver.factorize(f) || !solver.step(f, step) {
			if f.steps == 0 {
				return f.collinear(solver)
			}
			return f.separated(step)
		}
		f.steps++
		curvature := f.totals.all < sampleFrom || f.stride > 1 || expected < f.settled || away+expected > hessianReach
		done, ok, err := f.advance(step, trial, curvature)
		if done || err != nil {
			f.known = done && f.stride == 1
			return err
		}
		if !ok {
			break
		}
		away += f.now.delta
		expected = f.now.delta * away
		if f.now.curved {
			away = 0
		}
	}
	return f.separated(step)
}

// begin makes the first pass, and returns how far the Hessian that the solver has then is from beta. After a sample its
// Hessian serves for the first step; after a fit with another penalty the sums are at hand.
func (f *fitter) begin(solver *solver, none []float64) (away float64, err error) {
	if f.known {
		f.known = false
		return 0, nil
	}
	curvature := true
	if f.sampled {
		f.sampled = false
		for j := range f.now.hess {
			f.now.hess[j] *= sampleStride
		}
		if solver.factorize(f) {
			curvature, away = false, hessianReach
		}
	}
	return away, f.pass(point{f.beta, none}, f.now, curvature)
}

// advance moves beta along step, halving it while the objective rises. It reports done when the full step changes no
// eta noticeably, and not ok when even a tiny part of the step raises the objective.
func (f *fitter) advance(step, trial []float64, curvature bool) (done, ok bool, err error) {
	before := f.objective(f.now, f.beta)
	slack := 1e-12 * (1 + math.Abs(before)) // rounding of the sums
	for half := range maxHalvings {
		for j, s := range step {
			trial[j] = f.beta[j] + s
		}
		if err := f.pass(point{trial, step}, f.trial, curvature); err != nil {
			return false, false, err
		}
		done = half == 0 && curvature && f.trial.delta < f.settled
		if done || f.objective(f.trial, trial) <= before+slack {
			copy(f.beta, trial)
			f.now, f.trial = f.trial, f.now
			return done, true, nil
		}
		for j := range step {
			step[j] /= 2
		}
	}
	return false, false, nil
}

// free returns the indices of the coefficients that are not held at 0.
func (f *fitter) free() []int {
	var idx []int
	for j, held := range f.fixed {
		if !held {
			idx = append(idx, j)
		}
	}
	return idx
}

// solver solves for the Newton step over the free coefficients. The Hessian is scaled to a unit diagonal first, so
// that penalties of very different size do not look like collinearity.
type solver struct {
	idx   []int
	h     *mat.SymDense
	scale []float64
	chol  mat.Cholesky
	rhs   *mat.VecDense
	x     *mat.VecDense
}

func newSolver(idx []int) *solver {
	m := len(idx)
	return &solver{
		idx: idx, h: mat.NewSymDense(m, nil), scale: make([]float64, m),
		rhs: mat.NewVecDense(m, nil), x: mat.NewVecDense(m, nil),
	}
}

// factorize decomposes the penalised Hessian at f.now; false when it is not safely positive definite.
func (s *solver) factorize(f *fitter) bool {
	q := len(f.beta)
	for a, i := range s.idx {
		diagonal := f.now.hess[i*q+i] + f.pen[i]
		if !(diagonal > 0) || math.IsInf(diagonal, 0) {
			return false
		}
		s.scale[a] = 1 / math.Sqrt(diagonal)
	}
	for a, i := range s.idx {
		s.h.SetSym(a, a, 1)
		for b := a + 1; b < len(s.idx); b++ {
			s.h.SetSym(a, b, f.now.hess[i*q+s.idx[b]]*s.scale[a]*s.scale[b])
		}
	}
	return s.chol.Factorize(s.h) && s.chol.Cond() < maxCondition
}

// step writes the Newton step by the Hessian that was factorised last to out (0 for held coefficients); false when it
// cannot be solved.
func (s *solver) step(f *fitter, out []float64) bool {
	for a, i := range s.idx {
		s.rhs.SetVec(a, -(f.now.grad[i]+f.pen[i]*f.beta[i])*s.scale[a])
	}
	if err := s.chol.SolveVecTo(s.x, s.rhs); err != nil {
		return false
	}
	clear(out)
	for a, i := range s.idx {
		out[i] = s.x.AtVec(a) * s.scale[a]
	}
	return true
}

// separated names the columns with the largest last steps.
func (f *fitter) separated(step []float64) error {
	order := make([]int, 0, f.cols)
	for j := range f.cols {
		if !f.fixed[j+1] {
			order = append(order, j)
		}
	}
	size := func(j int) float64 { return math.Abs(step[j+1]) }
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case size(a) > size(b):
			return -1
		case size(a) < size(b):
			return 1
		}
		return 0
	})
	e := &SeparationError{Iterations: f.steps}
	for _, j := range order {
		if len(e.Columns) == 3 || size(j) < 0.1*size(order[0]) {
			break
		}
		e.Columns = append(e.Columns, f.name(j))
	}
	return e
}

// collinear finds the first column whose variance the columns before it explain, by the pivots of the Cholesky
// decomposition, and which of them do.
func (f *fitter) collinear(s *solver) error {
	m := len(s.idx)
	low := make([][]float64, m)
	worst, smallest := m-1, math.Inf(1)
	for a := range m {
		low[a] = make([]float64, a+1)
		for b := range a {
			v := s.h.At(a, b)
			for k := range b {
				v -= low[a][k] * low[b][k]
			}
			low[a][b] = v / low[b][b]
		}
		pivot := s.h.At(a, a)
		for k := range a {
			pivot -= low[a][k] * low[a][k]
		}
		if pivot < smallest {
			worst, smallest = a, pivot
		}
		if pivot < minPivot {
			break
		}
		low[a][a] = math.Sqrt(pivot)
	}
	if s.idx[worst] == 0 {
		return &CollinearError{Column: "(intercept)"}
	}
	e := &CollinearError{Column: f.name(s.idx[worst] - 1)}
	// Back substitution gives the weights with which the earlier columns make up the worst one.
	part := slices.Clone(low[worst][:worst])
	for a := worst - 1; a >= 0; a-- {
		for b := a + 1; b < worst; b++ {
			part[a] -= low[b][a] * part[b]
		}
		part[a] /= low[a][a]
	}
	for a, v := range part {
		if i := s.idx[a]; math.Abs(v) > 1e-6 && i > 0 {
			e.With = append(e.With, f.name(i-1))
		}
	}
	return e
}
