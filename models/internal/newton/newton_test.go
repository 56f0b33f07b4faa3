package newton_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	// All tests of models/ take the flag of the reference folder.
	_ "github.com/partnerhealth/partnerhealth/models/internal/reference"

	"github.com/partnerhealth/partnerhealth/models/internal/newton"
)

// bowl is sum of weight_j (exp(x_j) - at_j x_j): its minimum is at log(at), and at minus infinity where at is 0.
type bowl struct{ weight, at []float64 }

func (b bowl) Evaluate(x, gradient []float64, hessian *mat.SymDense) float64 {
	hessian.Zero()
	value := 0.0
	for j, v := range x {
		e := math.Exp(v)
		value += b.weight[j] * (e - b.at[j]*v)
		gradient[j] = b.weight[j] * (e - b.at[j])
		hessian.SetSym(j, j, b.weight[j]*e)
	}
	return value
}

func (b bowl) Move(step []float64) float64 {
	largest := 0.0
	for _, s := range step {
		largest = math.Max(largest, math.Abs(s))
	}
	return largest
}

func TestMinimise(t *testing.T) {
	for _, c := range []struct {
		name string
		f    bowl
		want error
	}{
		{"one minimum", bowl{[]float64{1, 2}, []float64{3, 0.5}}, nil},
		{"curvatures that differ by 24 decades", bowl{[]float64{1e-12, 1e12}, []float64{3, 0.5}}, nil},
		{"a minimum at infinity", bowl{[]float64{1, 1}, []float64{0, 1}}, newton.ErrNoMinimum},
		{"a column that says nothing", bowl{[]float64{1, 0}, []float64{1, 1}}, newton.ErrSingular},
		{"no numbers", bowl{[]float64{math.NaN()}, []float64{1}}, newton.ErrSingular},
	} {
		x := make([]float64, len(c.f.at))
		value, hessian, err := newton.Minimise(c.f, x)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		if err != nil {
			continue
		}
		sum := 0.0
		for j, at := range c.f.at {
			if math.Abs(x[j]-math.Log(at)) > 1e-9 {
				t.Errorf("%s: x[%d] = %v, want %v", c.name, j, x[j], math.Log(at))
			}
			sum += c.f.weight[j] * (at - at*math.Log(at))
		}
		if math.Abs(value-sum) > 1e-9*math.Abs(sum) {
			t.Errorf("%s: value %v, want %v", c.name, value, sum)
		}
		inverse, err := newton.Inverse(hessian)
		if err != nil {
			t.Fatal(err)
		}
		for j, at := range c.f.at {
			if got, want := inverse.At(j, j), 1/(c.f.weight[j]*at); math.Abs(got-want) > 1e-8*want {
				t.Errorf("%s: variance %d is %v, want %v", c.name, j, got, want)
			}
		}
	}
	if _, err := newton.Inverse(mat.NewSymDense(2, []float64{1, 1, 1, 1})); !errors.Is(err, newton.ErrSingular) {
		t.Errorf("the inverse of a singular matrix: %v", err)
	}
}
