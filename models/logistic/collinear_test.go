package logistic_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// twins draws two columns that differ by a thousandth of a third, and the same rows as the first column and the third:
// a fit of either design is one of the other.
func twins(seed uint64, n int) (near, apart logistic.Data) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	near = logistic.Data{Cols: 2}
	for range n {
		x, d := rnd.NormFloat64(), rnd.NormFloat64()
		z := x + d/1000
		y := 0.0
		if rnd.Float64() < logistic.Expit(x+d/2) {
			y = 1
		}
		near.X, near.Y = append(near.X, x, z), append(near.Y, y)
		apart.X = append(apart.X, x, (z-x)*1000)
	}
	apart.Y, apart.Cols = near.Y, 2
	return near, apart
}

// Columns that are nearly the same, but not too nearly, have a fit: that of one of them and their difference.
func TestNearlyEqualColumnsAreFittedLikeTheirDifference(t *testing.T) {
	for name, o := range map[string]logistic.Options{"plain": {}, "Firth": {Firth: true}} {
		fitted := 0
		for seed := range uint64(120) {
			n := []int{12, 20, 64, 129, 300}[seed%5]
			near, apart := twins(seed, n)
			want, err := logistic.Fit(apart, o)
			if err != nil { // one outcome only, or separated
				continue
			}
			fitted++
			got, err := logistic.Fit(near, o)
			if err != nil {
				t.Errorf("%s, draw %d of %d rows: %v", name, seed, n, err)
				continue
			}
			for i := range n {
				g, w := got.Logit(row(near, i)), want.Logit(row(apart, i))
				if math.Abs(g-w) > 1e-6*(1+math.Abs(w)) {
					t.Errorf("%s, draw %d: logit %d is %.10g, want %.10g", name, seed, i, g, w)
					break
				}
			}
		}
		if fitted < 100 {
			t.Errorf("%s: only %d of 120 draws have a fit", name, fitted)
		}
	}
}

// Of two columns that are nearly the same one has a large coefficient and the other its opposite: what is left when the
// sign constraint takes one away is far from any solution, but there is one.
func TestSignConstraintsOnNearlyEqualColumns(t *testing.T) {
	for seed := range uint64(300) {
		near, _ := twins(seed, []int{8, 12, 20, 40}[seed%4])
		if _, err := logistic.Fit(near, logistic.Options{}); err != nil { // one outcome only, or separated
			continue
		}
		best := math.Inf(1)
		for _, keep := range [][]int{{}, {0}, {1}, {0, 1}} {
			part := logistic.Data{Cols: len(keep), Y: near.Y}
			for i := range near.Y {
				for _, j := range keep {
					part.X = append(part.X, near.X[2*i+j])
				}
			}
			m, err := logistic.Fit(part, logistic.Options{})
			if err != nil {
				t.Fatalf("draw %d, columns %v: %v", seed, keep, err)
			}
			permitted := true
			for _, b := range m.Coef()[1:] {
				permitted = permitted && b >= 0
			}
			if permitted {
				best = min(best, m.Objective())
			}
		}
		m, err := logistic.Fit(near, logistic.Options{Signs: []logistic.Sign{logistic.NonNegative, logistic.NonNegative}})
		if err != nil {
			t.Errorf("draw %d: %v", seed, err)
		} else if math.Abs(m.Objective()-best) > 1e-9*(1+best) {
			t.Errorf("draw %d: objective %.12g, want %.12g", seed, m.Objective(), best)
		}
	}
}

// Where only a column of the wrong sign separates the outcomes, the fit within the limits is that without the column.
func TestSignConstraintsTakeAwaySeparation(t *testing.T) {
	d := logistic.Data{Cols: 2, Y: []float64{1, 1, 1, 1, 0, 0, 0, 0}}
	other := logistic.Data{Cols: 1, Y: d.Y, X: []float64{3, 1, 2, -1, 0, 2, -2, 1}}
	for i, x := range other.X {
		d.X = append(d.X, float64(i), x)
	}
	var separated *logistic.SeparationError
	if _, err := logistic.Fit(d, logistic.Options{}); !errors.As(err, &separated) {
		t.Fatalf("without limits: error %v, want a SeparationError", err)
	}
	if _, err := logistic.Fit(d, logistic.Options{Signs: []logistic.Sign{logistic.NonPositive, logistic.Any}}); !errors.As(err, &separated) {
		t.Errorf("separated within the limits: error %v, want a SeparationError", err)
	}
	got, want := mustFit(t, d, logistic.Options{Signs: []logistic.Sign{logistic.NonNegative, logistic.Any}}), mustFit(t, other, logistic.Options{})
	if got.State[0] != logistic.AtBound || math.Abs(got.Coef()[2]-want.Coef()[1]) > 1e-9 || math.Abs(got.Objective()-want.Objective()) > 1e-9 {
		t.Errorf("column 1 is %v, column 2 has %.10g, want at bound and %.10g", got.State[0], got.Coef()[2], want.Coef()[1])
	}
}
