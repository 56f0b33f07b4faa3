package evaluate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// AUC returns the area under the ROC curve, the chance that an event scores above a non-event, ties counted half.
func (s *Sample) AUC() (float64, error) {
	if err := s.mixed(); err != nil {
		return 0, err
	}
	var above, area float64 // events seen so far, from the highest score down
	s.ties(func(t tie) {
		area += t.nonEvent * (above + t.events/2)
		above += t.events
	})
	return area / (s.events * (s.total - s.events)), nil
}

// AUCInterval is an AUC with its DeLong variance and interval.
type AUCInterval struct {
	AUC, Variance float64
	Low, High     float64
}

// DeLong returns the AUC with the variance of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988) and its normal
// interval at the level, cut at 0 and 1. It holds for one row per subject; with several use Bootstrap. It needs two rows
// of each outcome and no weights.
func (s *Sample) DeLong(level float64) (AUCInterval, error) {
	if s.weight != nil {
		return AUCInterval{}, &InputError{Row: -1, Reason: "the DeLong variance is defined without weights"}
	}
	if !(level > 0 && level < 1) {
		return AUCInterval{}, &InputError{Row: -1, Reason: fmt.Sprintf("level %v is not between 0 and 1", level)}
	}
	auc, err := s.AUC()
	if err != nil {
		return AUCInterval{}, err
	}
	n1, n0 := s.events, s.total-s.events
	if n1 < 2 || n0 < 2 {
		return AUCInterval{}, &InputError{Row: -1, Reason: "the DeLong variance needs two rows of each outcome"}
	}
	// The placement of an event is the share of non-events below it, ties counted half, and the other way round.
	var events, nonEvents, ss1, ss0 float64
	s.ties(func(t tie) {
		place1 := (n0 - nonEvents - t.nonEvent + t.nonEvent/2) / n0
		place0 := (events + t.events/2) / n1
		ss1 += t.events * (place1 - auc) * (place1 - auc)
		ss0 += t.nonEvent * (place0 - auc) * (place0 - auc)
		events += t.events
		nonEvents += t.nonEvent
	})
	v := ss1/(n1-1)/n1 + ss0/(n0-1)/n0
	half := distuv.UnitNormal.Quantile(0.5+level/2) * math.Sqrt(v)
	return AUCInterval{AUC: auc, Variance: v, Low: max(0, auc-half), High: min(1, auc+half)}, nil
}

// AveragePrecision returns the step-wise area under the precision-recall curve: the sum over distinct scores, from the
// highest down, of the recall gained times the precision reached (no interpolation).
func (s *Sample) AveragePrecision() (float64, error) {
	if s.events == 0 {
		return 0, fmt.Errorf("no events: %w", ErrOneClass)
	}
	var hits, flagged, ap float64
	s.ties(func(t tie) {
		hits += t.events
		flagged += t.events + t.nonEvent
		ap += t.events / s.events * (hits / flagged)
	})
	return ap, nil
}

// Top is what lies in the highest-scored share of a sample.
type Top struct {
	// K is the number of rows taken: the share of N, rounded up to a whole number where N has that many.
	K float64
	// Hits is the expected number of events among them: rows tied at the cut share the places that are left.
	Hits float64
	// Precision is Hits/K, Recall is Hits/Events, Lift is Precision over the base rate.
	Precision, Recall, Lift float64
}

// TopShare measures the highest-scored share of the rows, 0 < share <= 1.
func (s *Sample) TopShare(share float64) (Top, error) {
	if !(share > 0 && share <= 1) {
		return Top{}, &InputError{Row: -1, Reason: fmt.Sprintf("share %v is not above 0 and up to 1", share)}
	}
	if s.events == 0 {
		return Top{}, fmt.Errorf("no events: %w", ErrOneClass)
	}
	// 0.1*30 is 3.0000000000000004 in float64: a hair above an integer is that integer.
	t := Top{K: math.Ceil(share*s.total - 1e-9)}
	if t.K < 1 || t.K > s.total { // weights that sum to less than a row, or to a part of one more
		t.K = share * s.total
	}
	left := t.K
	s.ties(func(g tie) {
		size := g.events + g.nonEvent
		take := min(left, size)
		t.Hits += g.events * (take / size)
		left -= take
	})
	t.Precision, t.Recall = t.Hits/t.K, t.Hits/s.events
	t.Lift = t.Precision / s.BaseRate()
	return t, nil
}
