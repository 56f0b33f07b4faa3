// Package newton minimises convex functions of a few coefficients, such as the negative log likelihoods of small
// generalised linear models.
package newton

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// The ways in which there is no solution.
var (
	// ErrSingular says that columns depend on each other, or say nothing.
	ErrSingular = errors.New("the columns are dependent")
	// ErrNoMinimum says that the function falls for ever: a combination of columns separates the outcomes.
	ErrNoMinimum = errors.New("no finite solution: a combination of columns separates the outcomes")
)

// factorise decomposes a Hessian that is scaled to a unit diagonal, so that penalties of very different size do not look
// like dependence: h_ij s_i s_j with the scale s.
func factorise(hessian *mat.SymDense) (*mat.Cholesky, []float64, error) {
	n := hessian.SymmetricDim()
	scale, scaled := make([]float64, n), mat.NewSymDense(n, nil)
	for i := range n {
		d := hessian.At(i, i)
		if !(d > 0) || math.IsInf(d, 0) {
			return nil, nil, ErrSingular
		}
		scale[i] = 1 / math.Sqrt(d)
	}
	for i := range n {
		for j := i; j < n; j++ {
			scaled.SetSym(i, j, hessian.At(i, j)*scale[i]*scale[j])
		}
	}
	chol := new(mat.Cholesky)
	if !chol.Factorize(scaled) || chol.Cond() > maxCondition {
		return nil, nil, ErrSingular
	}
	return chol, scale, nil
}

// Inverse returns the inverse of a Hessian or an information, or ErrSingular.
func Inverse(hessian *mat.SymDense) (*mat.SymDense, error) {
	chol, scale, err := factorise(hessian)
	if err != nil {
		return nil, err
	}
	out := mat.NewSymDense(len(scale), nil)
	if err := chol.InverseTo(out); err != nil {
		return nil, ErrSingular
	}
	for i := range scale {
		for j := i; j < len(scale); j++ {
			out.SetSym(i, j, out.At(i, j)*scale[i]*scale[j])
		}
	}
	return out, nil
}

// Function is what is minimised.
type Function interface {
	// Evaluate returns the value at beta, +Inf where it is beyond a float64, and writes gradient and Hessian (upper
	// triangle).
	Evaluate(beta, gradient []float64, hessian *mat.SymDense) float64
	// Move is the largest change of a linear predictor that a step makes: it, and not the gradient, tells when the end is
	// reached (on separated data gradients vanish too).
	Move(step []float64) float64
}

const (
	maxSteps     = 50
	tolerance    = 1e-9
	maxHalvings  = 40
	maxCondition = 1e12
)

// Minimise takes Newton steps from beta, which it changes, until a full step moves no linear predictor by 1e-9. It
// returns the value and the Hessian at the minimum, or ErrSingular or ErrNoMinimum.
func Minimise(f Function, beta []float64) (float64, *mat.SymDense, error) {
	n := len(beta)
	gradient, trial := make([]float64, n), make([]float64, n)
	hessian, step := mat.NewSymDense(n, nil), new(mat.VecDense)
	value := f.Evaluate(beta, gradient, hessian)
	for range maxSteps {
		chol, scale, err := factorise(hessian)
		if err != nil {
			return 0, nil, err
		}
		for j, s := range scale {
			gradient[j] *= s
		}
		if err := chol.SolveVecTo(step, mat.NewVecDense(n, gradient)); err != nil {
			return 0, nil, ErrSingular
		}
		for j, s := range scale {
			step.SetVec(j, step.AtVec(j)*s)
		}
		size, moved := 1.0, false
		for range maxHalvings {
			for j := range trial {
				trial[j] = beta[j] - size*step.AtVec(j)
			}
			if next := f.Evaluate(trial, gradient, hessian); next <= value+1e-12*(1+math.Abs(value)) {
				value, moved = next, true
				copy(beta, trial)
				break
			}
			size /= 2
		}
		if !moved {
			return 0, nil, ErrNoMinimum
		}
		if size == 1 && f.Move(step.RawVector().Data) < tolerance {
			return value, hessian, nil
		}
	}
	return 0, nil, ErrNoMinimum
}
