package evaluate

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrOneClass is returned by measures that need both outcomes when there is only one.
var ErrOneClass = errors.New("only one outcome is present")

// InputError says which row cannot be used.
type InputError struct {
	Row    int // 0-based, -1 when the problem is not in one row
	Reason string
}

func (e *InputError) Error() string {
	if e.Row < 0 {
		return e.Reason
	}
	return fmt.Sprintf("row %d: %s", e.Row, e.Reason)
}

// Sample holds outcomes with their scores, sorted once for all measures.
type Sample struct {
	y, score, weight []float64
	order            []int // rows by score descending, then by row
	total, events    float64
}

// New checks outcomes (0 or 1), scores (finite; probabilities for the measures that say so) and frequency weights (nil
// for one each), and sorts them. The slices are kept, not copied. The error is an *InputError.
func New(y, score, weight []float64) (*Sample, error) {
	if len(score) != len(y) || weight != nil && len(weight) != len(y) {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d outcomes, %d scores, %d weights", len(y), len(score), len(weight))}
	}
	for i, v := range y {
		if v != 0 && v != 1 {
			return nil, &InputError{Row: i, Reason: fmt.Sprintf("outcome %v is neither 0 nor 1", v)}
		}
		if s := score[i]; s-s != 0 {
			return nil, &InputError{Row: i, Reason: fmt.Sprintf("score %v is not finite", s)}
		}
	}
	s := &Sample{y: y, score: score, order: make([]int, len(y))}
	for i := range s.order {
		s.order[i] = i
	}
	slices.SortFunc(s.order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return a - b
	})
	return s.Reweighted(weight)
}

// Reweighted returns the sample with other frequency weights, nil for one each, without sorting again.
func (s *Sample) Reweighted(weight []float64) (*Sample, error) {
	if weight != nil && len(weight) != len(s.y) {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d weights for %d rows", len(weight), len(s.y))}
	}
	r := *s
	r.weight, r.total, r.events = weight, 0, 0
	for i, y := range s.y {
		w := r.w(i)
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, &InputError{Row: i, Reason: fmt.Sprintf("weight %v is not a finite number of at least 0", w)}
		}
		r.total += w
		r.events += w * y
	}
	switch {
	case r.total == 0:
		return nil, &InputError{Row: -1, Reason: "no rows with weight"}
	case r.total < leastWeight || r.total > mostWeight:
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("the weights sum to %g, not to between %g and %g", r.total, leastWeight, mostWeight)}
	}
	return &r, nil
}

// The sums of weights that leave room for squares and products within a float64.
const leastWeight, mostWeight = 1e-100, 1e100

func (s *Sample) w(i int) float64 {
	if s.weight == nil {
		return 1
	}
	return s.weight[i]
}

// N returns the sum of weights, Events the part of it with outcome 1.
func (s *Sample) N() float64 { return s.total }

// Events returns the sum of weights of the rows with outcome 1.
func (s *Sample) Events() float64 { return s.events }

// BaseRate returns Events/N.
func (s *Sample) BaseRate() float64 { return s.events / s.total }

// mixed reports ErrOneClass unless both outcomes have weight.
func (s *Sample) mixed() error {
	if s.events == 0 || s.events == s.total {
		return fmt.Errorf("%g events in %g rows: %w", s.events, s.total, ErrOneClass)
	}
	return nil
}

// probabilities reports an *InputError unless all scores lie in 0 to 1.
func (s *Sample) probabilities() error {
	for i, p := range s.score {
		if !(p >= 0 && p <= 1) {
			return &InputError{Row: i, Reason: fmt.Sprintf("score %v is not a probability", p)}
		}
	}
	return nil
}

// tie is a run of rows with the same score.
type tie struct {
	rows             []int
	events, nonEvent float64
}

// ties calls f for each distinct score with weight, from the highest down.
func (s *Sample) ties(f func(tie)) {
	for i := 0; i < len(s.order); {
		j, t := i, tie{}
		for ; j < len(s.order) && s.score[s.order[j]] == s.score[s.order[i]]; j++ {
			k := s.order[j]
			t.events += s.w(k) * s.y[k]
			t.nonEvent += s.w(k) * (1 - s.y[k])
		}
		t.rows = s.order[i:j]
		i = j
		if t.events+t.nonEvent > 0 {
			f(t)
		}
	}
}
