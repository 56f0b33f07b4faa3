package evaluate

import (
	"fmt"
	"math"
	"slices"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// Sigmoid maps a score f to the probability 1/(1+exp(A f + B)).
type Sigmoid struct{ A, B float64 }

// At returns the probability at the score f.
func (g Sigmoid) At(f float64) float64 { return logistic.Expit(-(g.A*f + g.B)) }

// Platt fits a Sigmoid to the scores as they are, which need not be probabilities, with the targets (n1+1)/(n1+2) for
// events and 1/(n0+2) for the others, n1 and n0 being their numbers: they keep it finite where the scores separate the
// outcomes (Platt 1999). It needs both outcomes and scores that differ.
func (s *Sample) Platt() (Sigmoid, error) {
	if err := s.mixed(); err != nil {
		return Sigmoid{}, err
	}
	event, other := (s.events+1)/(s.events+2), 1/(s.total-s.events+2)
	target := make([]float64, len(s.y))
	for i, y := range s.y {
		target[i] = other
		if y == 1 {
			target[i] = event
		}
	}
	m, err := logistic.Fit(logistic.Data{X: s.score, Cols: 1, Y: target, Weights: s.weight, Names: []string{"score"}}, logistic.Options{Workers: 1})
	if err != nil {
		return Sigmoid{}, fmt.Errorf("fit sigmoid: %w", err)
	}
	if m.State[0] != logistic.Estimated {
		return Sigmoid{}, fmt.Errorf("fit sigmoid: %w", &InputError{Row: -1, Reason: "all scores are the same"})
	}
	coef := m.Coef()
	return Sigmoid{A: -coef[1], B: -coef[0]}, nil
}

// Block is a stretch of scores with the same calibrated probability.
type Block struct{ Low, High, Value, Weight float64 }

// Isotonic is a step function that never falls.
type Isotonic struct{ Blocks []Block }

// Isotonic fits the non-decreasing function of the score with the smallest squared error, by pooling adjacent violators;
// equal scores are one. It takes few assumptions and many rows: below about a thousand events Platt does better.
func (s *Sample) Isotonic() Isotonic {
	var blocks []Block
	merge := func() {
		for len(blocks) > 1 && blocks[len(blocks)-2].Value >= blocks[len(blocks)-1].Value {
			a, b := &blocks[len(blocks)-2], blocks[len(blocks)-1]
			a.Value = (a.Value*a.Weight + b.Value*b.Weight) / (a.Weight + b.Weight)
			a.High, a.Weight = b.High, a.Weight+b.Weight
			blocks = blocks[:len(blocks)-1]
		}
	}
	var ties []Block
	s.ties(func(t tie) {
		score, n := s.score[t.rows[0]], t.events+t.nonEvent
		ties = append(ties, Block{score, score, t.events / n, n})
	})
	for _, b := range slices.Backward(ties) {
		blocks = append(blocks, b)
		merge()
	}
	return Isotonic{blocks}
}

// At returns the calibrated probability of a score: that of its block, the straight line between two blocks, and beyond
// the outer ones their own. NaN has none: it is returned as it is.
func (f Isotonic) At(score float64) float64 {
	if math.IsNaN(score) {
		return score
	}
	k, _ := slices.BinarySearchFunc(f.Blocks, score, func(b Block, x float64) int {
		switch {
		case b.High < x:
			return -1
		case b.Low > x:
			return 1
		}
		return 0
	})
	switch {
	case k == len(f.Blocks):
		return f.Blocks[k-1].Value
	case k == 0 || score >= f.Blocks[k].Low:
		return f.Blocks[k].Value
	}
	a, b := f.Blocks[k-1], f.Blocks[k]
	return a.Value + (b.Value-a.Value)*((score-a.High)/(b.Low-a.High))
}
