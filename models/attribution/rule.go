package attribution

import (
	"math"
	"slices"
)

// Rule returns the share of each touch of a path; the shares are at least 0 and sum to 1. It is called with at least
// one touch.
type Rule func(p *Path) ([]float64, error)

// Divide credits the channels of all paths by a rule, sorted by channel. The credits sum to all conversions and all
// value. It returns an *InputError for a path that cannot be used.
func Divide(paths []Path, rule Rule) ([]Credit, error) {
	if err := check(paths); err != nil {
		return nil, err
	}
	names, at := channelsOf(paths)
	out := make([]Credit, len(names))
	for i, c := range names {
		out[i].Channel = c
	}
	for i := range paths {
		p := &paths[i]
		if p.Won == 0 {
			continue
		}
		shares, err := rule(p)
		if err != nil {
			return nil, &InputError{i, err.Error()}
		}
		for k, c := range p.Channels {
			credit := &out[at[c]]
			credit.Conversions += shares[k] * p.Won
			credit.Value += shares[k] * p.Value
		}
	}
	return out, nil
}

// First gives all to the first touch.
func First(p *Path) ([]float64, error) {
	shares := make([]float64, len(p.Channels))
	shares[0] = 1
	return shares, nil
}

// Last gives all to the last touch.
func Last(p *Path) ([]float64, error) {
	shares := make([]float64, len(p.Channels))
	shares[len(shares)-1] = 1
	return shares, nil
}

// LinearByTouch gives every touch the same.
func LinearByTouch(p *Path) ([]float64, error) {
	shares := make([]float64, len(p.Channels))
	for i := range shares {
		shares[i] = 1 / float64(len(shares))
	}
	return shares, nil
}

// LinearByChannel gives every different channel the same, on its first touch. It is the Shapley value of the game in
// which a set of channels wins the journeys that touch nothing outside of it.
func LinearByChannel(p *Path) ([]float64, error) {
	shares := make([]float64, len(p.Channels))
	distinct := 0
	for i, c := range p.Channels {
		if slices.Index(p.Channels, c) == i {
			shares[i] = 1
			distinct++
		}
	}
	for i := range shares {
		shares[i] /= float64(distinct)
	}
	return shares, nil
}

// Position gives 40 % to the first and to the last touch and 20 % to those between; of two touches each gets half.
func Position(p *Path) ([]float64, error) {
	n := len(p.Channels)
	switch n {
	case 1:
		return []float64{1}, nil
	case 2:
		return []float64{0.5, 0.5}, nil
	}
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = 0.2 / float64(n-2)
	}
	shares[0], shares[n-1] = 0.4, 0.4
	return shares, nil
}

// The weights of the milestone models: W has first touch, registration and creation, full path the close as well.
var (
	weightsW        = []float64{0.30, 0.30, 0.30}
	weightsFullPath = []float64{0.225, 0.225, 0.225, 0.225}
)

// W is 30 % each to the touches at first touch, registration and creation of the deal, 10 % to the others.
func W(p *Path) ([]float64, error) { return Milestones(weightsW)(p) }

// FullPath is 22.5 % each to first touch, registration, creation and close, 10 % to the others.
func FullPath(p *Path) ([]float64, error) { return Milestones(weightsFullPath)(p) }

// Milestones gives a weight to the touch of each milestone and the rest to 1 to all other touches. Milestones at the
// same touch add up; the weight of an absent milestone, and the rest where there are no other touches, goes to the
// present ones in proportion. Without any milestone all touches get the same.
func Milestones(weights []float64) Rule {
	return func(p *Path) ([]float64, error) {
		if len(p.Milestones) != len(weights) {
			return nil, &InputError{-1, "it does not name a touch, or -1, for every milestone"}
		}
		shares := make([]float64, len(p.Channels))
		middle, present := 1.0, 0.0
		for i, w := range weights {
			if !(w >= 0) {
				return nil, &InputError{-1, "the weight of a milestone is negative or not a number"}
			}
			middle -= w
			switch at := p.Milestones[i]; {
			case at >= len(shares) || at < -1:
				return nil, &InputError{-1, "a milestone is no touch of the path"}
			case at >= 0:
				shares[at] += w
				present += w
			}
		}
		if middle < -1e-9 {
			return nil, &InputError{-1, "the weights of the milestones sum to more than 1"}
		}
		middle = max(0, middle) // weights that sum to 1 leave what their rounding is, of either sign
		others := 0
		for _, s := range shares {
			if s == 0 {
				others++
			}
		}
		switch {
		case present == 0:
			return LinearByTouch(p)
		case others == 0:
			middle = 0
		}
		for i, s := range shares {
			if s == 0 {
				shares[i] = middle / float64(others)
			} else {
				shares[i] = s / present * (1 - middle)
			}
		}
		return shares, nil
	}
}

// TimeDecay weights a touch by 2^(-age/halfLife), both in days. Only differences of age count, so that touches of many
// years ago divide as well as young ones.
func TimeDecay(halfLife float64) Rule {
	return func(p *Path) ([]float64, error) {
		if !(halfLife > 0) || math.IsInf(halfLife, 0) {
			return nil, &InputError{-1, "the half-life is not a positive number of days"}
		}
		if len(p.Ages) != len(p.Channels) {
			return nil, &InputError{-1, "there is not one age a touch"}
		}
		for _, age := range p.Ages {
			if !(age >= 0) || math.IsInf(age, 0) {
				return nil, &InputError{-1, "a touch is after the conversion, or its age is no number"}
			}
		}
		youngest, sum := slices.Min(p.Ages), 0.0
		shares := make([]float64, len(p.Ages))
		for i, age := range p.Ages {
			shares[i] = math.Exp2(-(age - youngest) / halfLife)
			sum += shares[i]
		}
		for i := range shares {
			shares[i] /= sum
		}
		return shares, nil
	}
}
