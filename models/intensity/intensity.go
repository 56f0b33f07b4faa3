// Package intensity says where in the space of traits good partners are found more densely than prospects at large: an
// inhomogeneous Poisson process over traits, with a sample of prospects as its background.
//
// Fit maximises, over the intercept b0 and the slopes b,
//
//	sum over presences of eta  -  (1/m) sum over m background rows of exp(eta)  -  (lambda/2) sum b^2 ,  eta = b0 + x b .
//
// It is the limit of a logistic regression of presences against background whose background rows weigh more and more,
// and so does not depend on how many prospects were sampled. What it gives is a relative intensity for ranking, never a
// probability: nobody knows which of the prospects would have become good partners.
//
// References: Warton and Shepherd, Annals of Applied Statistics 4 (2010); Fithian and Hastie, Annals of Applied
// Statistics 7 (2013).
package intensity

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/partnerhealth/partnerhealth/models/internal/newton"
)

// Data are presences and background, row by row, both of len(Columns) values without an intercept.
type Data struct {
	Presences, Background []float64
	Columns               []string
}

// Options say how to fit.
type Options struct {
	// Lambda is the ridge penalty, at least 0, on the coefficients of the columns as they are given.
	Lambda float64
}

// Model is a fitted process.
type Model struct {
	// Coefficients have the intercept first; SE are their standard errors from the inverse of the penalised information.
	Coefficients, SE []float64
	// Objective is the maximum that was found.
	Objective float64
	Lambda    float64
	Presences int

	// mean holds the columns' means over the background, logMean the log of the mean of exp((x - mean) b) over it.
	mean    []float64
	logMean float64
}

// InputError says which value cannot be used.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return e.Reason }

// Fit fits a process. It returns an *InputError for values that are none, for too few rows and for a column that does
// not vary over the background, and an error that wraps the reason where no finite solution exists.
func Fit(d Data, o Options) (*Model, error) {
	f, err := newProcess(&d, o.Lambda)
	if err != nil {
		return nil, err
	}
	beta := make([]float64, len(d.Columns)+1)
	beta[0] = math.Log(float64(f.presences))
	value, information, err := newton.Minimise(f, beta)
	if err != nil {
		return nil, fmt.Errorf("fit intensity: %w", err)
	}
	inverse, err := newton.Inverse(information)
	if err != nil {
		return nil, fmt.Errorf("fit intensity: %w", err)
	}
	m := &Model{Coefficients: make([]float64, len(beta)), SE: make([]float64, len(beta)), Objective: -value, Lambda: o.Lambda, Presences: f.presences}
	// Back from centred and scaled columns: b_j = beta_j/sd_j, b0 = beta_0 - sum b_j mean_j.
	back := mat.NewDense(len(beta), len(beta), nil)
	back.Set(0, 0, 1)
	for j := range f.mean {
		back.Set(j+1, j+1, 1/f.sd[j])
		back.Set(0, j+1, -f.mean[j]/f.sd[j])
	}
	var coefficients mat.VecDense
	coefficients.MulVec(back, mat.NewVecDense(len(beta), beta))
	var covariance, half mat.Dense
	half.Mul(back, inverse)
	covariance.Mul(&half, back.T())
	for j := range beta {
		m.Coefficients[j], m.SE[j] = coefficients.AtVec(j), math.Sqrt(covariance.At(j, j))
	}
	m.mean = f.mean
	p, scores := len(d.Columns), make([]float64, f.background)
	for i := range scores {
		scores[i] = m.score(d.Background[i*p : (i+1)*p])
	}
	m.logMean = floats.LogSumExp(scores) - math.Log(float64(f.background))
	return m, nil
}

// score is (x - mean) b: x b itself is beyond a float64 for columns far from 0, such as years.
func (m *Model) score(x []float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += m.Coefficients[j+1] * (v - m.mean[j])
	}
	return sum
}

// Relative returns the intensity at x relative to the mean over the background: 2 is where presences are twice as dense
// as among prospects at large. It is an *InputError where x does not have one finite value a column, or lies so far from the
// rows fitted that the intensity is beyond a float64.
func (m *Model) Relative(x []float64) (float64, error) {
	if len(x) != len(m.Coefficients)-1 {
		return 0, &InputError{fmt.Sprintf("%d values for %d columns", len(x), len(m.Coefficients)-1)}
	}
	v := math.Exp(m.score(x) - m.logMean)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, &InputError{"a value is not a finite number, or too far from the rows fitted"}
	}
	return v, nil
}

// process is the negative log likelihood over columns that are centred and scaled by the background.
type process struct {
	presences, background int
	sum                   []float64 // of the presences' scaled rows, 1 for the intercept first
	rows                  []float64 // the background's scaled rows
	mean, sd              []float64
	penalty               []float64
}

func newProcess(d *Data, lambda float64) (*process, error) {
	p := len(d.Columns)
	switch {
	case p == 0:
		return nil, &InputError{"there are no columns"}
	case len(d.Presences)%p != 0 || len(d.Background)%p != 0:
		return nil, &InputError{fmt.Sprintf("presences or background are not of rows of %d values", p)}
	case !(lambda >= 0) || math.IsInf(lambda, 0):
		return nil, &InputError{fmt.Sprintf("lambda %v is not a finite number of at least 0", lambda)}
	}
	f := &process{presences: len(d.Presences) / p, background: len(d.Background) / p, mean: make([]float64, p), sd: make([]float64, p),
		sum: make([]float64, p+1), rows: make([]float64, len(d.Background)), penalty: make([]float64, p+1)}
	if f.presences == 0 || f.background <= p {
		return nil, &InputError{fmt.Sprintf("%d presences and %d background rows are too few for %d columns", f.presences, f.background, p)}
	}
	for _, list := range [][]float64{d.Presences, d.Background} {
		for i, x := range list {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, &InputError{fmt.Sprintf("row %d: column %s is not a finite number", i/p, d.Columns[i%p])}
			}
		}
	}
	for j := range p {
		n := float64(f.background)
		for i := range f.background {
			f.mean[j] += d.Background[i*p+j] / n
		}
		for i := range f.background {
			x := d.Background[i*p+j] - f.mean[j]
			f.rows[i*p+j] = x
			f.sd[j] += x * x / n
		}
		f.sd[j] = math.Sqrt(f.sd[j])
		if f.sd[j] <= 1e-13*math.Abs(f.mean[j]) || f.sd[j] == 0 {
			return nil, &InputError{fmt.Sprintf("column %s does not vary over the background", d.Columns[j])}
		}
		for i := range f.background {
			f.rows[i*p+j] /= f.sd[j]
		}
		for i := range f.presences {
			f.sum[j+1] += (d.Presences[i*p+j] - f.mean[j]) / f.sd[j]
		}
		f.penalty[j+1] = lambda / (f.sd[j] * f.sd[j])
	}
	f.sum[0] = float64(f.presences)
	return f, nil
}

// Evaluate implements newton.Function.
func (f *process) Evaluate(beta, gradient []float64, hessian *mat.SymDense) float64 {
	p, value := len(f.mean), 0.0
	hessian.Zero()
	for j, b := range beta {
		value += f.penalty[j]/2*b*b - f.sum[j]*b
		gradient[j] = f.penalty[j]*b - f.sum[j]
		hessian.SetSym(j, j, f.penalty[j])
	}
	for i := range f.background {
		x := f.rows[i*p : (i+1)*p]
		eta := beta[0]
		for j, v := range x {
			eta += beta[j+1] * v
		}
		w := math.Exp(eta) / float64(f.background)
		value += w
		at := func(j int) float64 {
			if j == 0 {
				return 1
			}
			return x[j-1]
		}
		for a := range beta {
			gradient[a] += w * at(a)
			for b := a; b < len(beta); b++ {
				hessian.SetSym(a, b, hessian.At(a, b)+w*at(a)*at(b))
			}
		}
	}
	if math.IsNaN(value) {
		return math.Inf(1)
	}
	return value
}

// Move implements newton.Function.
func (f *process) Move(step []float64) float64 {
	p, largest := len(f.mean), 0.0
	for i := range f.background {
		move := step[0]
		for j, v := range f.rows[i*p : (i+1)*p] {
			move += step[j+1] * v
		}
		largest = math.Max(largest, math.Abs(move))
	}
	return largest
}
