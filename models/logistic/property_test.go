package logistic_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// drawData draws a small data set with both outcomes.
func drawData(t *rapid.T) logistic.Data {
	n := rapid.IntRange(12, 60).Draw(t, "rows")
	p := rapid.IntRange(1, 4).Draw(t, "columns")
	d := logistic.Data{Cols: p, Y: make([]float64, n), X: make([]float64, n*p)}
	for i := range d.X {
		d.X[i] = float64(rapid.IntRange(-20, 20).Draw(t, "x")) / 8
	}
	for i := range d.Y {
		d.Y[i] = float64(rapid.IntRange(0, 1).Draw(t, "y"))
	}
	d.Y[0], d.Y[1] = 0, 1
	return d
}

func close9(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(b)) }

func requireSame(t *rapid.T, what string, got, want []float64) {
	for j := range want {
		if !close9(got[j], want[j]) {
			t.Fatalf("%s: value %d is %v, want %v", what, j, got[j], want[j])
		}
	}
}

func rapidFit(t *rapid.T, d logistic.Data, o logistic.Options) *logistic.Model {
	m, err := logistic.Fit(d, o)
	if err != nil {
		t.Fatalf("fit: %v", err)
	}
	return m
}

func TestWeightTwoIsTheRowTwiceAndWeightZeroNoRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		d.Weights = make([]float64, len(d.Y))
		twice := logistic.Data{Cols: d.Cols}
		for i, y := range d.Y {
			w := rapid.IntRange(0, 2).Draw(t, "weight")
			if i < 2 || i > 8 {
				w = max(w, 1)
			}
			d.Weights[i] = float64(w)
			for range w {
				twice.X, twice.Y = append(twice.X, row(d, i)...), append(twice.Y, y)
			}
			if w == 0 { // what a row of no weight holds must not matter
				d.X[i*d.Cols], d.Y[i] = math.NaN(), math.Inf(1)
			}
		}
		o := logistic.Options{Lambda: 2, Standardise: true}
		a, b := rapidFit(t, d, o), rapidFit(t, twice, o)
		requireSame(t, "coefficients", a.Coef(), b.Coef())
		requireSame(t, "standard errors", a.Laplace().SE(), b.Laplace().SE())
		requireSame(t, "deviances", []float64{a.Deviance(), a.NullDeviance()}, []float64{b.Deviance(), b.NullDeviance()})
	})
}

func TestOrderOfRowsAndColumnsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		rows := rapid.Permutation(sequence(len(d.Y))).Draw(t, "rows")
		cols := rapid.Permutation(sequence(d.Cols)).Draw(t, "columns")
		e := logistic.Data{Cols: d.Cols}
		for _, i := range rows {
			for _, j := range cols {
				e.X = append(e.X, d.X[i*d.Cols+j])
			}
			e.Y = append(e.Y, d.Y[i])
		}
		o := logistic.Options{Lambda: 0.5, Standardise: true}
		a, b := rapidFit(t, d, o).Coef(), rapidFit(t, e, o).Coef()
		for k, j := range cols {
			if !close9(b[k+1], a[j+1]) {
				t.Fatalf("column %d: %v after permuting, %v before", j, b[k+1], a[j+1])
			}
		}
	})
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func TestLargePenaltyGivesTheBaseRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		m := rapidFit(t, d, logistic.Options{Lambda: 1e12, Standardise: true})
		rate := m.Events / m.Weight
		for i := range d.Y {
			if p := m.Probability(row(d, i)); math.Abs(p-rate) > 1e-6 {
				t.Fatalf("probability %v, base rate %v", p, rate)
			}
		}
	})
}

func TestMeanPredictionIsTheEventRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		m := rapidFit(t, d, logistic.Options{Lambda: 3})
		sum := 0.0
		for i := range d.Y {
			sum += m.Probability(row(d, i))
		}
		if !close9(sum, m.Events) {
			t.Fatalf("predictions sum to %v, events to %v", sum, m.Events)
		}
	})
}

func TestContributionsAddUpToTheLogit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		m := rapidFit(t, d, logistic.Options{Lambda: 1, Standardise: true})
		part := make([]float64, d.Cols)
		for i := range d.Y {
			eta := m.Contributions(part, row(d, i))
			for _, v := range part {
				eta += v
			}
			if math.Abs(eta-m.Logit(row(d, i))) > 1e-12 {
				t.Fatalf("row %d: %v, logit %v", i, eta, m.Logit(row(d, i)))
			}
		}
	})
}

// The constrained optimum is the best of all fits on subsets of the columns whose coefficients keep their signs.
func TestSignConstraintsFindTheConstrainedOptimum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		signs := make([]logistic.Sign, d.Cols)
		for j := range signs {
			signs[j] = logistic.Sign(rapid.IntRange(-1, 1).Draw(t, "sign"))
		}
		o := logistic.Options{Lambda: 0.7, Standardise: true, Signs: signs}
		m := rapidFit(t, d, o)
		keeps := func(coef []float64, s []logistic.Sign) bool {
			for j, sign := range s {
				if float64(sign)*coef[j+1] < 0 {
					return false
				}
			}
			return true
		}
		if !keeps(m.Coef(), signs) {
			t.Fatalf("coefficients %v break the signs %v", m.Coef(), signs)
		}
		best := math.Inf(1)
		for mask := range 1 << d.Cols {
			sub := logistic.Data{Y: d.Y, Cols: 0}
			var subSigns []logistic.Sign
			for j := range d.Cols {
				if mask>>j&1 == 1 {
					sub.Cols++
					subSigns = append(subSigns, signs[j])
				}
			}
			for i := range d.Y {
				for j := range d.Cols {
					if mask>>j&1 == 1 {
						sub.X = append(sub.X, d.X[i*d.Cols+j])
					}
				}
			}
			s := rapidFit(t, sub, logistic.Options{Lambda: 0.7, Standardise: true})
			if keeps(s.Coef(), subSigns) {
				best = min(best, s.Objective())
			}
		}
		if m.Objective() > best+1e-7 {
			t.Fatalf("objective %v, the best subset reaches %v", m.Objective(), best)
		}
		for j, s := range m.State {
			if s == logistic.AtBound && (m.Coef()[j+1] != 0 || m.Laplace().SE()[j+1] != 0) {
				t.Fatalf("column %d is at its bound with coefficient %v", j, m.Coef()[j+1])
			}
		}
	})
}

// Whatever the data, a fit is finite numbers or an error, and never both.
func TestNeverANumberThatIsNone(t *testing.T) {
	extreme := []float64{0, 1, -1, 1e-300, 1e12, -1e12, 1e155, 1e308, math.NaN(), math.Inf(1), 5e-324}
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		for range rapid.IntRange(0, 6).Draw(t, "edits") {
			d.X[rapid.IntRange(0, len(d.X)-1).Draw(t, "at")] = rapid.SampledFrom(extreme).Draw(t, "value")
		}
		if rapid.Bool().Draw(t, "duplicate column") && d.Cols > 1 {
			for i := range d.Y {
				d.X[i*d.Cols] = d.X[i*d.Cols+1]
			}
		}
		o := logistic.Options{
			Lambda:      rapid.SampledFrom([]float64{0, 1e-9, 1, 1e9}).Draw(t, "lambda"),
			Standardise: rapid.Bool().Draw(t, "standardise"),
		}
		m, err := logistic.Fit(d, o)
		if err != nil {
			var input *logistic.InputError
			var col *logistic.CollinearError
			var sep *logistic.SeparationError
			if m != nil || !errors.As(err, &input) && !errors.As(err, &col) && !errors.As(err, &sep) {
				t.Fatalf("model %v beside error %v", m, err)
			}
			return
		}
		values := slices.Concat(m.Coef(), m.StandardCoef(), m.Laplace().SE(), m.Sandwich().SE(),
			[]float64{m.Deviance(), m.AIC(), m.Objective()})
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("not a number in %v", values)
			}
		}
	})
}

// With an offset equal to the whole logit of a fit, nothing is left to estimate.
func TestOffsetOfTheFitLeavesZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t)
		d.Weights = slices.Repeat([]float64{1.5}, len(d.Y))
		m := rapidFit(t, d, logistic.Options{Lambda: 1, Standardise: true})
		offset := make([]float64, len(d.Y))
		for i := range offset {
			offset[i] = m.Logit(row(d, i))
		}
		rest := rapidFit(t, logistic.Data{Y: d.Y, Weights: d.Weights, Offset: offset}, logistic.Options{})
		if b := rest.Coef()[0]; math.Abs(b) > 1e-7 {
			t.Fatalf("intercept beside the offset is %v", b)
		}
		if !close9(rest.LogLik(), m.LogLik()) {
			t.Fatalf("log-likelihood %v, want %v", rest.LogLik(), m.LogLik())
		}
	})
}
