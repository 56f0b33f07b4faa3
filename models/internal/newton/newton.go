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
		var chol mat.Cholesky
		if !chol.Factorize(hessian) || chol.Cond() > maxCondition {
			return 0, nil, ErrSingular
		}
		if err := chol.SolveVecTo(step, mat.NewVecDense(n, gradient)); err != nil {
			return 0, nil, ErrSingular
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
