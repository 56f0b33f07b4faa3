package evaluate_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// drawTenths draws outcomes with probabilities in tenths, both outcomes among them.
func drawTenths(t *rapid.T) (y, p, w []float64) {
	for i := range rapid.IntRange(4, 40).Draw(t, "rows") {
		event := float64(rapid.IntRange(0, 1).Draw(t, "y"))
		if i < 2 {
			event = float64(i)
		}
		y = append(y, event)
		p = append(p, float64(rapid.IntRange(0, 10).Draw(t, "p"))/10)
		w = append(w, float64(rapid.IntRange(1, 3).Draw(t, "w")))
	}
	return y, p, w
}

// Isotonic regression never falls, keeps the number of events, and no step function on its blocks comes closer.
func TestIsotonicRegression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, p, w := drawTenths(t)
		s, err := evaluate.New(y, p, w)
		if err != nil {
			t.Fatal(err)
		}
		f := s.Isotonic()
		events := 0.0
		for i := range y {
			events += w[i] * f.At(p[i])
		}
		if math.Abs(events-s.Events()) > 1e-9 {
			t.Fatalf("%v events after calibration, %v before", events, s.Events())
		}
		for i := 1; i < len(f.Blocks); i++ {
			if f.Blocks[i].Value <= f.Blocks[i-1].Value || f.Blocks[i].Low <= f.Blocks[i-1].High {
				t.Fatalf("blocks %+v", f.Blocks)
			}
		}
		for x := -0.1; x < 1.1; x += 0.01 {
			if f.At(x+0.01) < f.At(x) {
				t.Fatalf("falls from %v at %v to %v", f.At(x), x, f.At(x+0.01))
			}
		}
	})
	if s, _ := evaluate.New([]float64{0, 1}, []float64{0.1, 0.9}, nil); !math.IsNaN(s.Isotonic().At(math.NaN())) {
		t.Error("a score that is none has a probability")
	}
}

// A weight of n is n rows, in every curve.
func TestWeightsAreRowsInCurves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, p, w := drawTenths(t)
		weighted, err := evaluate.New(y, p, w)
		if err != nil {
			t.Fatal(err)
		}
		var yy, pp []float64
		for i := range y {
			for range int(w[i]) {
				yy, pp = append(yy, y[i]), append(pp, p[i])
			}
		}
		rows, err := evaluate.New(yy, pp, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, of := range map[string]func(*evaluate.Sample) (float64, error){
			"KS":  (*evaluate.Sample).KolmogorovSmirnov,
			"ECE": func(s *evaluate.Sample) (float64, error) { r, err := s.ByWidth(5); return r.ECE, err },
			"Platt": func(s *evaluate.Sample) (float64, error) {
				g, err := s.Platt()
				var none *evaluate.InputError
				if errors.As(err, &none) {
					return 0, nil
				}
				return g.At(0.3), err
			},
			"isotonic": func(s *evaluate.Sample) (float64, error) { return s.Isotonic().At(0.3), nil },
		} {
			a, errA := of(weighted)
			b, errB := of(rows)
			if errA != nil || errB != nil || math.Abs(a-b) > 1e-9 {
				t.Fatalf("%s: %v weighted (%v), %v by rows (%v)", name, a, errA, b, errB)
			}
		}
	})
}

func TestCurvesThatDoNotExist(t *testing.T) {
	one, _ := evaluate.New([]float64{1, 1}, []float64{0.2, 0.3}, nil)
	if _, err := one.KolmogorovSmirnov(); !errors.Is(err, evaluate.ErrOneClass) {
		t.Errorf("KS of one class: %v", err)
	}
	if _, err := one.Platt(); !errors.Is(err, evaluate.ErrOneClass) {
		t.Errorf("sigmoid of one class: %v", err)
	}
	if _, err := one.ByCount(0); err == nil {
		t.Error("no bins are bins")
	}
}
