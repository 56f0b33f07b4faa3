package logistic_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// The standardised covariance gives the standard errors and the interval that the covariance itself gives.
func TestStandardMatrixIsTheCovarianceOfStandardCoefficients(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 5))
	d := logistic.Data{Cols: 3}
	var clusters []int
	for i := range 300 {
		a, b := rnd.NormFloat64(), 1000+5*rnd.NormFloat64()
		d.X = append(d.X, a, b, 7) // the third does not vary
		y := 0.0
		if rnd.Float64() < logistic.Expit(0.8*a-0.1*(b-1000)-0.5) {
			y = 1
		}
		d.Y, clusters = append(d.Y, y), append(clusters, i/3)
	}
	m, err := logistic.Fit(d, logistic.Options{Lambda: 2, Standardise: true})
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := m.Clustered(d, clusters)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*logistic.Covariance{"Laplace": m.Laplace(), "clustered": cluster} {
		v := c.StandardMatrix()
		for j, se := range c.StandardSE() {
			if got := math.Sqrt(v.At(j, j)); math.Abs(got-se) > 1e-15 {
				t.Errorf("%s: standard error %d is %v, want %v", name, j, got, se)
			}
		}
		x := []float64{0.3, 990, 7}
		z := mat.NewVecDense(4, []float64{1, (x[0] - m.Mean[0]) / m.SD[0], (x[1] - m.Mean[1]) / m.SD[1], 0})
		want := c.Interval(x, 0.95).SE
		if got := math.Sqrt(mat.Inner(z, v, z)); math.Abs(got-want) > 1e-14 {
			t.Errorf("%s: standard error of a row %v, want %v", name, got, want)
		}
		v.SetSym(0, 0, 99)
		if c.StandardMatrix().At(0, 0) == 99 {
			t.Errorf("%s: the covariance is the caller's to change", name)
		}
	}
}
