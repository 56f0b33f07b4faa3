package linear_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/linear"
)

// healthy are twelve rows of two columns.
func healthy() linear.Data {
	r := rand.New(rand.NewPCG(2, 9))
	d := linear.Data{Columns: []string{"a", "b"}}
	for range 12 {
		a, b := r.NormFloat64(), float64(r.IntN(5))
		d.X, d.Y = append(d.X, a, b), append(d.Y, 3+2*a-b+r.NormFloat64())
		d.Weights = append(d.Weights, 1+float64(r.IntN(3)))
	}
	return d
}

// numbers are all that a model publishes.
func numbers(t *testing.T, m *linear.Model, d linear.Data) []float64 {
	t.Helper()
	out := []float64{m.RSS, m.RegressionSS}
	for _, c := range m.Coefficients {
		out = append(out, c.Value)
		if c.Inference != nil {
			out = append(out, c.Inference.SE, c.Inference.Low, c.Inference.High)
			if c.Inference.Test != nil {
				out = append(out, c.Inference.Test.T, c.Inference.Test.P)
			}
		}
	}
	for _, f := range []func() (float64, bool){m.R2, m.AdjustedR2, m.ResidualSD} {
		v, _ := f()
		out = append(out, v)
	}
	f, _ := m.F()
	out = append(out, f.F, f.P)
	if at, err := m.Predict(d.X[:len(d.Columns)]); err == nil {
		out = append(out, at.Mean, at.MeanLow, at.MeanHigh, at.Low, at.High)
	}
	return out
}

// Whatever is wrong with the rows, a fit gives an error with a reason or finite numbers.
func TestRobustness(t *testing.T) {
	column := func(d *linear.Data, j int, value func(i int) float64) {
		for i := range d.Y {
			d.X[2*i+j] = value(i)
		}
	}
	scale := func(v []float64, by float64) {
		for i := range v {
			v[i] *= by
		}
	}
	const anyOf, refused, fitted = 0, 1, 2
	for _, c := range []struct {
		name   string
		damage func(d *linear.Data)
		want   int
	}{
		{"nothing wrong", func(*linear.Data) {}, fitted},
		{"constant column", func(d *linear.Data) { column(d, 0, func(int) float64 { return 0.1 }) }, anyOf}, // through the origin it is a column like others
		{"duplicate column", func(d *linear.Data) { column(d, 1, func(i int) float64 { return d.X[2*i] }) }, refused},
		{"constant outcome", func(d *linear.Data) { d.Y = slices.Repeat([]float64{0.1}, 12) }, fitted},
		{"outcome on the plane", func(d *linear.Data) {
			for i := range d.Y {
				d.Y[i] = 3*d.X[2*i] - d.X[2*i+1]
			}
		}, fitted},
		{"NaN", func(d *linear.Data) { d.X[5] = math.NaN() }, refused},
		{"+Inf", func(d *linear.Data) { d.X[5] = math.Inf(1) }, refused},
		{"-Inf outcome", func(d *linear.Data) { d.Y[5] = math.Inf(-1) }, refused},
		{"NaN weight", func(d *linear.Data) { d.Weights[5] = math.NaN() }, refused},
		{"infinite weight", func(d *linear.Data) { d.Weights[5] = math.Inf(1) }, refused},
		{"negative weight", func(d *linear.Data) { d.Weights[5] = -1 }, refused},
		{"zero weights", func(d *linear.Data) { clear(d.Weights) }, refused},
		{"some zero weights", func(d *linear.Data) { clear(d.Weights[:4]) }, fitted},
		{"columns of 1e12", func(d *linear.Data) { column(d, 0, func(i int) float64 { return 1e12 * d.X[2*i] }) }, fitted},
		{"columns of 1e-12", func(d *linear.Data) { column(d, 0, func(i int) float64 { return 1e-12 * d.X[2*i] }) }, fitted},
		{"outcomes of 1e12", func(d *linear.Data) { scale(d.Y, 1e12) }, fitted},
		{"outcomes of 1e-12", func(d *linear.Data) { scale(d.Y, 1e-12) }, fitted},
		{"outcomes of 1e200", func(d *linear.Data) { scale(d.Y, 1e200) }, anyOf},
		{"outcomes of 1e-200", func(d *linear.Data) { scale(d.Y, 1e-200) }, anyOf},
		{"columns of 1e200", func(d *linear.Data) { scale(d.X, 1e200) }, anyOf},
		{"columns of 1e-200", func(d *linear.Data) { scale(d.X, 1e-200) }, anyOf},
		{"weights of 1e12", func(d *linear.Data) { scale(d.Weights, 1e12) }, fitted},
		{"weights of 1e-12", func(d *linear.Data) { scale(d.Weights, 1e-12) }, fitted},
		{"weights of 1e300", func(d *linear.Data) { scale(d.Weights, 1e300) }, anyOf},
		{"weights of 1e-300", func(d *linear.Data) { scale(d.Weights, 1e-300) }, anyOf},
		{"n = p", func(d *linear.Data) { d.X, d.Y, d.Weights = d.X[:4], d.Y[:2], d.Weights[:2] }, anyOf},
		{"n = p + 1", func(d *linear.Data) { d.X, d.Y, d.Weights = d.X[:6], d.Y[:3], d.Weights[:3] }, anyOf},
		{"n < p", func(d *linear.Data) { d.X, d.Y, d.Weights = d.X[:2], d.Y[:1], d.Weights[:1] }, refused},
		{"n = 0", func(d *linear.Data) { d.X, d.Y, d.Weights = nil, nil, nil }, refused},
		{"one value too few", func(d *linear.Data) { d.X = d.X[:23] }, refused},
		{"one weight too few", func(d *linear.Data) { d.Weights = d.Weights[:11] }, refused},
	} {
		for _, o := range []linear.Options{{}, {NoIntercept: true}, {Level: 0.5}} {
			d := healthy()
			c.damage(&d)
			m, err := linear.Fit(d, o)
			if (err == nil) == (m == nil) || err != nil && err.Error() == "" || c.want == refused && err == nil || c.want == fitted && err != nil {
				t.Errorf("%s, %+v: model %v, error %v", c.name, o, m, err)
				continue
			}
			if err != nil {
				continue
			}
			for _, v := range numbers(t, m, d) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s, %+v: not a number in %v", c.name, o, numbers(t, m, d))
					break
				}
			}
		}
	}
}

func TestTrendRobustness(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name            string
		months          []int
		values, weights []float64
		refused         bool
	}{
		{"nothing", nil, nil, nil, true},
		{"one month", []int{1}, []float64{2}, nil, true},
		{"one month twice", []int{1, 1}, []float64{2, 3}, nil, true},
		{"two months", []int{1, 2}, []float64{2, 3}, nil, false},
		{"constant", []int{1, 2, 3, 4}, []float64{0.1, 0.1, 0.1, 0.1}, nil, false},
		{"zeros", []int{1, 2, 3, 4}, make([]float64, 4), nil, false},
		{"NaN", []int{1, 2, 3, 4}, []float64{1, nan, 2, 3}, nil, true},
		{"infinity", []int{1, 2, 3, 4}, []float64{1, inf, 2, 3}, nil, true},
		{"a value too few", []int{1, 2, 3, 4}, []float64{1, 2, 3}, nil, true},
		{"a weight too few", []int{1, 2, 3}, []float64{1, 2, 3}, []float64{1, 1}, true},
		{"zero weights", []int{1, 2, 3}, []float64{1, 2, 3}, make([]float64, 3), true},
		{"one month with weight", []int{1, 2, 3}, []float64{1, 2, 3}, []float64{0, 1, 0}, true},
		{"a month without weight and value", []int{1, 2, 3}, []float64{1, nan, 3}, []float64{1, 0, 1}, false},
		{"values of 1e12", []int{1, 2, 3, 4}, []float64{1e12, 3e12, 2e12, 4e12}, nil, false},
		{"values of 1e-12", []int{1, 2, 3, 4}, []float64{1e-12, 3e-12, 2e-12, 4e-12}, nil, false},
		{"values of 1e308", []int{1, 2, 3, 4}, []float64{1e308, -1e308, 1e308, -1e308}, nil, true},
		{"months far apart", []int{math.MinInt32, 0, math.MaxInt32}, []float64{1, 2, 3}, nil, false},
	} {
		trend, err := linear.MonthlyTrend(c.months, c.values, c.weights)
		if err != nil && (err.Error() == "" || !c.refused) || err == nil && c.refused {
			t.Errorf("%s: %v, error %v", c.name, trend, err)
		}
		if err != nil {
			continue
		}
		values := []float64{trend.Slope, trend.TheilSen}
		if trend.SlopeOverMean != nil {
			values = append(values, *trend.SlopeOverMean)
		}
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: not a number in %v", c.name, values)
			}
		}
	}
}

// A sum of two columns is one whatever their distance from zero, the order of the columns, and the rounding of the sum.
func TestASumOfColumnsFarFromZeroIsCollinear(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 1))
	for _, centre := range []float64{0, 1, 1e3, 1e5, 1e7, 1e9} {
		for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			d := linear.Data{Columns: []string{"a", "b", "c"}}
			for range 12 {
				a, b := centre+rnd.Float64(), rnd.Float64()
				row := [3]float64{a, b, a + b}
				d.X = append(d.X, row[order[0]], row[order[1]], row[order[2]])
				d.Y = append(d.Y, rnd.NormFloat64())
			}
			var collinear *linear.CollinearError
			if _, err := linear.Fit(d, linear.Options{}); !errors.As(err, &collinear) {
				t.Errorf("centre %g, order %v: error %v, want a CollinearError", centre, order, err)
			}
		}
	}
}
