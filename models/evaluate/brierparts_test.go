package evaluate_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// The parts add up to the score, none is below 0, and they are the differences of scores that define them.
func TestBrierPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, score := drawSample(t)
		var weight []float64
		for range y {
			weight = append(weight, float64(rapid.IntRange(0, 3).Draw(t, "weight")))
		}
		for i := range 4 { // both outcomes count
			weight[i] = 1
		}
		s := mustNew(t, y, score, weight)
		isotonic := s.Isotonic()
		recalibrated := make([]float64, len(score))
		for i, p := range score {
			recalibrated[i] = isotonic.At(p)
		}
		brier, best := number(t)(s.Brier()), number(t)(mustNew(t, y, recalibrated, weight).Brier())
		parts, err := s.BrierParts()
		if err != nil {
			t.Fatal(err)
		}
		want := evaluate.BrierParts{Miscalibration: brier - best, Discrimination: s.BrierOfBaseRate() - best, Uncertainty: s.BrierOfBaseRate()}
		nearParts(t, "isotonic", parts, want)

		// Murphy's, group by group.
		want = evaluate.BrierParts{Uncertainty: s.BrierOfBaseRate()}
		total := 0.0
		for _, w := range weight {
			total += w
		}
		for tenth := range 11 {
			n, events, p := 0.0, 0.0, float64(tenth)/10
			for i := range y {
				if score[i] == p {
					n += weight[i]
					events += weight[i] * y[i]
				}
			}
			if n > 0 {
				want.Miscalibration += n / total * math.Pow(p-events/n, 2)
				want.Discrimination += n / total * math.Pow(events/n-s.BaseRate(), 2)
			}
		}
		groups, err := s.BrierPartsOfGroups()
		if err != nil {
			t.Fatal(err)
		}
		nearParts(t, "groups", groups, want)
		for name, p := range map[string]evaluate.BrierParts{"isotonic": parts, "groups": groups} {
			if sum := p.Miscalibration - p.Discrimination + p.Uncertainty; math.Abs(sum-brier) > 1e-12 || p.Miscalibration < 0 || p.Discrimination < 0 {
				t.Errorf("%s: %+v add up to %v, the score is %v", name, p, sum, brier)
			}
		}
	})
}

func nearParts(t *rapid.T, name string, got, want evaluate.BrierParts) {
	for _, pair := range [][2]float64{{got.Miscalibration, want.Miscalibration}, {got.Discrimination, want.Discrimination}, {got.Uncertainty, want.Uncertainty}} {
		if math.Abs(pair[0]-pair[1]) > 1e-12 {
			t.Fatalf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestBrierPartsAtTheirEnds(t *testing.T) {
	y := []float64{0, 0, 1, 1}
	for _, c := range []struct {
		name  string
		score []float64
		want  evaluate.BrierParts
	}{
		{"what happened, told", []float64{0, 0, 1, 1}, evaluate.BrierParts{Discrimination: 0.25, Uncertainty: 0.25}},
		{"the base rate", []float64{.5, .5, .5, .5}, evaluate.BrierParts{Uncertainty: 0.25}},
		{"one wrong number for all", []float64{.9, .9, .9, .9}, evaluate.BrierParts{Miscalibration: 0.16, Uncertainty: 0.25}},
		{"the contrary", []float64{1, 1, 0, 0}, evaluate.BrierParts{Miscalibration: 0.75, Uncertainty: 0.25}},
	} {
		got, err := mustNew(t, y, c.score, nil).BrierParts()
		if err != nil || math.Abs(got.Miscalibration-c.want.Miscalibration)+math.Abs(got.Discrimination-c.want.Discrimination)+math.Abs(got.Uncertainty-c.want.Uncertainty) > 1e-12 {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if _, err := mustNew(t, []float64{0, 1}, []float64{-3, 7}, nil).BrierParts(); err == nil {
		t.Error("scores that are no probabilities: no error")
	}
}

// Where does the score come from: are the probabilities off, or do they tell too little?
func ExampleSample_BrierParts() {
	s := quarter()
	brier, _ := s.Brier()
	parts, err := s.BrierParts()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("Brier %.3f = miscalibration %.3f - discrimination %.3f + uncertainty %.3f\n", brier, parts.Miscalibration, parts.Discrimination, parts.Uncertainty)
	// Output:
	// Brier 0.129 = miscalibration 0.031 - discrimination 0.089 + uncertainty 0.188
}
