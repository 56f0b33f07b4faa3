package evaluate_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// drawMixed draws both outcomes with probabilities inside 0 to 1 and weights.
func drawMixed(t *rapid.T) *evaluate.Sample {
	var y, p, w []float64
	for i := range rapid.IntRange(4, 60).Draw(t, "rows") {
		y = append(y, float64((i+rapid.IntRange(0, 1).Draw(t, "y"))%2))
		if i < 2 {
			y[i] = float64(i)
		}
		p = append(p, rapid.Float64Range(0.01, 0.99).Draw(t, "p"))
		w = append(w, rapid.Float64Range(0.1, 3).Draw(t, "w"))
	}
	s, err := evaluate.New(y, p, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The published objective has its minimum where Recalibrate says: no step to any side lowers it.
func TestRecalibrationMinimisesItsObjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var y, p []float64
		for i := range rapid.IntRange(4, 40).Draw(t, "rows") {
			y = append(y, float64(i%2))
			p = append(p, rapid.Float64Range(0.02, 0.98).Draw(t, "p"))
		}
		s, err := evaluate.New(y, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		const penalty = 10
		r, err := s.Recalibrate(penalty)
		if err != nil {
			t.Fatal(err)
		}
		objective := func(r evaluate.Recalibration) float64 {
			sum := penalty * (r.Slope - 1) * (r.Slope - 1) / 2
			for i := range y {
				eta := r.Logit(logistic.Logit(p[i]))
				sum += math.Max(eta, 0) - y[i]*eta + math.Log1p(math.Exp(-math.Abs(eta)))
			}
			return sum
		}
		least := objective(r)
		for _, d := range [][2]float64{{1e-3, 0}, {-1e-3, 0}, {0, 1e-3}, {0, -1e-3}, {1e-3, -1e-3}} {
			if o := objective(evaluate.Recalibration{Intercept: r.Intercept + d[0], Slope: r.Slope + d[1]}); o < least-1e-12 {
				t.Fatalf("objective %v at %+v, %v beside it", least, r, o)
			}
		}
	})
}

// From no penalty to an endless one: the calibration slope, then the shift alone.
func TestRecalibrationLiesBetweenCalibrationAndShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawMixed(t)
		free, err := s.Recalibrate(0)
		if c, err2 := s.Calibrate(); err == nil && err2 == nil {
			if math.Abs(free.Slope-c.Slope) > 1e-6*math.Max(1, math.Abs(c.Slope)) || math.Abs(free.Intercept-c.Intercept) > 1e-6*math.Max(1, math.Abs(c.Intercept)) {
				t.Fatalf("without penalty %+v, calibration %+v", free, c)
			}
		}
		held, err := s.Recalibrate(1e12)
		if err != nil {
			t.Fatal(err)
		}
		shift, _, err := s.Shift()
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(held.Slope-1) > 1e-6 || math.Abs(held.Intercept-shift) > 1e-5 {
			t.Fatalf("with an endless penalty %+v, shift %v", held, shift)
		}
		some, err := s.Recalibrate(10)
		if err != nil {
			t.Fatal(err)
		}
		if free.Slope != 0 && (some.Slope-1)*(free.Slope-1) < -1e-9 {
			t.Fatalf("slope %v without penalty, %v with one", free.Slope, some.Slope)
		}
		if some.Slope > 0 && !(some.At(0.2) < some.At(0.5) && some.At(0.5) < some.At(0.8)) {
			t.Fatalf("%+v changes the order", some)
		}
	})
}

func TestRecalibrationRefuses(t *testing.T) {
	sample := func(y, p []float64) *evaluate.Sample {
		s, err := evaluate.New(y, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var input *evaluate.InputError
	if _, err := sample([]float64{0, 1, 0}, []float64{0.1, 1, 0.3}).Recalibrate(10); !errors.As(err, &input) {
		t.Errorf("a probability of 1: %v", err)
	}
	if _, err := sample([]float64{0, 1, 0}, []float64{0.1, 0.2, 0.3}).Recalibrate(math.NaN()); !errors.As(err, &input) {
		t.Errorf("a penalty that is none: %v", err)
	}
	if _, err := sample([]float64{0, 0, 0}, []float64{0.1, 0.2, 0.3}).Recalibrate(10); !errors.Is(err, logistic.ErrOneClass) {
		t.Errorf("one outcome: %v", err)
	}
	r, err := sample([]float64{0, 1, 0, 0}, []float64{0.4, 0.4, 0.4, 0.4}).Recalibrate(10)
	if err != nil || r.Slope != 1 || math.Abs(r.At(0.4)-0.25) > 1e-9 {
		t.Errorf("scores without spread: %+v, %v", r, err)
	}
}
