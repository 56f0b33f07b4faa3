package logistic

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Model is a fitted regression. It is immutable; lists that its methods return are the caller's.
//
// Lists of coefficients hold the intercept first, then one value per column of the design in its order. A column that is
// not Estimated has coefficient 0 and zero variance: it is taken as known.
type Model struct {
	// Names are the columns' names.
	Names []string
	// Mean and SD are the scale of each column over the training rows (weighted mean, population standard deviation);
	// SD is 0 for a constant column.
	Mean, SD []float64
	// State says how each column's coefficient came about.
	State []State
	// Lambda is the penalty, Standardised whether it fell on the standardised columns.
	Lambda       float64
	Standardised bool
	// Firth is true where Jeffreys' prior took the place of the ridge.
	Firth bool
	// Rows counts the rows with weight; Weight and Events are the sums of w and of w*y.
	Rows           int
	Weight, Events float64
	// Iterations is the number of Newton steps of the last round.
	Iterations int
	// Warnings are findings that did not stop the fit: constant columns, then 0/1 columns with a one-sided level.
	Warnings []Warning

	beta     []float64     // coefficients of the centred and scaled columns
	info     *mat.SymDense // X'WX at the solution, in the same columns
	inverse  *mat.SymDense // inverse penalised Hessian, zero for coefficients that are not estimated
	loss     float64       // log loss of the training rows
	penalty  float64
	nullLoss float64
	entropy  float64
}

// model packs the solution, with curvature and covariance at the final coefficients.
func (f *fitter) model() (*Model, error) {
	q := len(f.beta)
	m := &Model{
		Names: make([]string, f.cols), Mean: slices.Clone(f.scales.mean), SD: slices.Clone(f.scales.sd),
		State: slices.Clone(f.scales.state), Lambda: f.lambda, Standardised: f.scaled, Firth: f.jeffreysPrior,
		Rows: f.totals.rows, Weight: f.totals.weight, Events: f.totals.events, Iterations: f.steps,
		Warnings: slices.Clone(f.scales.warnings), beta: slices.Clone(f.beta),
		info: mat.NewSymDense(q, nil), inverse: mat.NewSymDense(q, nil),
		loss: f.now.loss, penalty: f.objective(f.now, f.beta) - f.now.loss, entropy: f.totals.entropy,
	}
	for j := range m.Names {
		m.Names[j] = f.name(j)
	}
	for a := range q {
		for b := a; b < q; b++ {
			m.info.SetSym(a, b, f.now.hess[a*q+b])
		}
	}
	s := newSolver(f.free())
	if !s.factorize(f) {
		return nil, f.separated(f.beta)
	}
	var inv mat.SymDense
	if err := s.chol.InverseTo(&inv); err != nil {
		return nil, f.separated(f.beta)
	}
	for a, i := range s.idx {
		for b := a; b < len(s.idx); b++ {
			m.inverse.SetSym(i, s.idx[b], inv.At(a, b)*s.scale[a]*s.scale[b])
		}
	}
	var err error
	m.nullLoss, err = f.nullLoss()
	return m, err
}

// nullLoss is the log loss of the model with the intercept (and the offset) alone.
func (f *fitter) nullLoss() (float64, error) {
	if !f.hasOffset {
		t := f.totals
		share := t.events / t.weight
		return -t.weight * (xlogx(share) + xlogx(1-share)), nil
	}
	if f.cols == 0 && !f.jeffreysPrior {
		return f.now.loss, nil
	}
	null, err := path(withoutColumns{f.rows}, shape{hasOffset: true}, []float64{0}, Options{Workers: len(f.parts)})
	if err != nil {
		return 0, err
	}
	return null[0].loss, nil
}

// StandardCoef returns the coefficients of the standardised columns (x - Mean)/SD; the intercept is the logit at the
// training mean.
func (m *Model) StandardCoef() []float64 { return slices.Clone(m.beta) }

// Coef returns the coefficients of the columns as given.
func (m *Model) Coef() []float64 {
	out := slices.Clone(m.beta)
	for j, sd := range m.SD {
		if sd == 0 {
			continue
		}
		out[j+1] = m.beta[j+1] / sd
		out[0] -= out[j+1] * m.Mean[j]
	}
	return out
}

// LogLik returns the log-likelihood without the penalty.
func (m *Model) LogLik() float64 { return -m.loss }

// Objective returns the minimised sum of log losses plus penalty; of a fit with Firth's prior the log losses alone.
func (m *Model) Objective() float64 { return m.loss + m.penalty }

// Penalty returns (lambda/2)*||b||^2 at the solution, 0 with Firth's prior.
func (m *Model) Penalty() float64 { return m.penalty }

// Deviance returns twice the log-likelihood lost against the saturated model.
func (m *Model) Deviance() float64 { return 2 * (m.loss - m.entropy) }

// NullDeviance returns the deviance of the intercept (and offset) alone.
func (m *Model) NullDeviance() float64 { return 2 * (m.nullLoss - m.entropy) }

// EstimatedColumns returns the number of columns whose coefficient was estimated.
func (m *Model) EstimatedColumns() int {
	n := 0
	for _, s := range m.State {
		if s == Estimated {
			n++
		}
	}
	return n
}

// EffectiveDF returns trace(J^-1 X'WX) with the penalised Hessian J: the number of estimated coefficients with the
// intercept when there is no penalty, fewer with one.
func (m *Model) EffectiveDF() float64 {
	if m.Lambda == 0 {
		return float64(m.EstimatedColumns() + 1)
	}
	var df float64
	for i := range m.beta {
		for j := range m.beta {
			df += m.inverse.At(i, j) * m.info.At(j, i)
		}
	}
	return df
}

// AIC returns -2*LogLik + 2*EffectiveDF.
func (m *Model) AIC() float64 { return 2*m.loss + 2*m.EffectiveDF() }

// LikelihoodRatio tests all columns together against the intercept alone: chi2 = NullDeviance - Deviance on df
// estimated columns, p its upper tail probability (1 without columns). It returns ErrPenalised for a penalised or
// constrained fit, whose statistic does not have that distribution.
func (m *Model) LikelihoodRatio() (chi2 float64, df int, p float64, err error) {
	if m.Lambda > 0 || m.Firth || slices.Contains(m.State, AtBound) {
		return 0, 0, 0, ErrPenalised
	}
	df = m.EstimatedColumns()
	if df == 0 {
		return 0, 0, 1, nil
	}
	chi2 = max(0, 2*(m.nullLoss-m.loss))
	return chi2, df, distuv.ChiSquared{K: float64(df)}.Survival(chi2), nil
}

// Logit returns the logit of a row. It panics when x does not have one value per column.
func (m *Model) Logit(x []float64) float64 {
	m.checkRow(x)
	eta := m.beta[0]
	for j, v := range x {
		if m.SD[j] > 0 {
			eta += m.beta[j+1] * ((v - m.Mean[j]) / m.SD[j])
		}
	}
	return eta
}

// Probability returns the probability of a row. It panics when x does not have one value per column.
func (m *Model) Probability(x []float64) float64 { return Expit(m.Logit(x)) }

// Contributions writes to dst what each column adds to the logit of a row against the training mean,
// b_j*(x_j - mean_j), and returns the baseline, the logit at the training mean: baseline plus contributions is the
// logit. It panics when x or dst does not have one value per column.
func (m *Model) Contributions(dst, x []float64) (baseline float64) {
	m.checkRow(x)
	m.checkRow(dst)
	for j, v := range x {
		dst[j] = 0
		if m.SD[j] > 0 {
			dst[j] = m.beta[j+1] * ((v - m.Mean[j]) / m.SD[j])
		}
	}
	return m.beta[0]
}

func (m *Model) checkRow(x []float64) {
	if len(x) != len(m.SD) {
		panic("logistic: row length does not match the number of columns")
	}
}

// Expit returns 1/(1+exp(-eta)) without overflow.
func Expit(eta float64) float64 {
	e := math.Exp(-math.Abs(eta))
	if eta < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Logit returns log(p/(1-p)), infinite at 0 and 1.
func Logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }
