package logistic_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// With one column of 0 and 1 Firth's fit is the maximum likelihood after half an event and half a non-event are added
// to each cell of the table, also where a cell is empty.
func TestFirthOfATableAddsHalfToEachCell(t *testing.T) {
	for _, c := range []struct{ events1, others1, events0, others0 float64 }{
		{7, 3, 2, 8}, {5, 0, 0, 5}, {1, 0, 3, 40}, {0, 4, 6, 6},
	} {
		d := logistic.Data{
			X: []float64{1, 1, 0, 0}, Cols: 1, Y: []float64{1, 0, 1, 0},
			Weights: []float64{c.events1, c.others1, c.events0, c.others0},
		}
		m, err := logistic.Fit(d, logistic.Options{Firth: true})
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		intercept := math.Log((c.events0 + .5) / (c.others0 + .5))
		slope := math.Log((c.events1+.5)/(c.others1+.5)) - intercept
		for j, want := range []float64{intercept, slope} {
			if got := m.Coef()[j]; math.Abs(got-want) > 1e-8*(1+math.Abs(want)) {
				t.Errorf("%+v: coefficient %d is %.12g, want %.12g", c, j, got, want)
			}
		}
		if _, _, _, err := m.LikelihoodRatio(); !errors.Is(err, logistic.ErrPenalised) {
			t.Errorf("%+v: likelihood-ratio test of a penalised fit: %v", c, err)
		}
	}
}

// firthObjective is minus the log likelihood minus half the log determinant of the information, from its definition.
func firthObjective(d logistic.Data, beta []float64) float64 {
	q := d.Cols + 1
	info, loss := mat.NewSymDense(q, nil), 0.0
	for i, y := range d.Y {
		row := append([]float64{1}, d.X[i*d.Cols:(i+1)*d.Cols]...)
		eta := 0.0
		for j, x := range row {
			eta += beta[j] * x
		}
		p := logistic.Expit(eta)
		loss -= y*math.Log(p) + (1-y)*math.Log1p(-p)
		for a := range q {
			for b := a; b < q; b++ {
				info.SetSym(a, b, info.At(a, b)+p*(1-p)*row[a]*row[b])
			}
		}
	}
	logDet, _ := mat.LogDet(info)
	return loss - logDet/2
}

// At the solution the penalised likelihood is stationary in every direction, on separated data too.
func TestFirthIsStationary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := logistic.Data{Cols: 2}
		for range rapid.IntRange(10, 30).Draw(t, "rows") {
			a, b := float64(rapid.IntRange(-8, 8).Draw(t, "a"))/4, float64(rapid.IntRange(-8, 8).Draw(t, "b"))/4
			d.X = append(d.X, a, b)
			y := 0.0
			if a+0.5*b+float64(rapid.IntRange(-1, 1).Draw(t, "noise"))/2 > 0 {
				y = 1
			}
			d.Y = append(d.Y, y)
		}
		m, err := logistic.Fit(d, logistic.Options{Firth: true})
		var collinear *logistic.CollinearError
		if errors.Is(err, logistic.ErrOneClass) || errors.As(err, &collinear) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Iterations > 100 {
			t.Errorf("%d steps: the last ones are not Newton's", m.Iterations)
		}
		beta := m.Coef()
		if m.State[0] == logistic.Constant || m.State[1] == logistic.Constant {
			t.Skip("constant column")
		}
		for j := range beta {
			const h = 1e-4
			up, down := append([]float64{}, beta...), append([]float64{}, beta...)
			up[j] += h
			down[j] -= h
			slope := (firthObjective(d, up) - firthObjective(d, down)) / (2 * h)
			if math.Abs(slope) > 1e-5 {
				t.Fatalf("slope %v along coefficient %d of %v", slope, j, beta)
			}
		}
	})
}

func TestFirthTakesNoOtherPenalty(t *testing.T) {
	d := logistic.Data{X: []float64{1, 2, 3, 4}, Cols: 1, Y: []float64{0, 1, 0, 1}}
	for _, o := range []logistic.Options{{Firth: true, Lambda: 1}, {Firth: true, Signs: []logistic.Sign{logistic.NonNegative}}} {
		var input *logistic.InputError
		if _, err := logistic.Fit(d, o); !errors.As(err, &input) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// The null deviance is that of maximum likelihood for every fit, also for the one that has no columns itself.
func TestNullDevianceOfFirthIsThatOfMaximumLikelihood(t *testing.T) {
	for name, offset := range map[string][]float64{"without offset": nil, "with offset": {1, -1, .5, 2, -3, 0}} {
		d := logistic.Data{Y: []float64{1, 0, 0, 1, 0, 0}, Offset: offset}
		want := mustFit(t, d, logistic.Options{}).NullDeviance()
		if got := mustFit(t, d, logistic.Options{Firth: true}).NullDeviance(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: null deviance is %.12g, want %.12g", name, got, want)
		}
	}
}
