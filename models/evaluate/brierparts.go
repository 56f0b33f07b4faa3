package evaluate

// BrierParts are what a Brier score is made of: Brier = Miscalibration - Discrimination + Uncertainty.
type BrierParts struct {
	// Miscalibration is what probabilities lose that are not what happened after them: 0 when calibrated.
	Miscalibration float64
	// Discrimination is what is won by telling rows apart: 0 for the same probability everywhere.
	Discrimination float64
	// Uncertainty is the score of the base rate r for every row, r*(1-r).
	Uncertainty float64
}

// BrierParts decomposes the Brier score by the isotonic regression of the outcome on the probability (CORP; Dimitriadis,
// Gneiting and Jordan, PNAS 118, 2021): miscalibration is the score less that of the recalibrated probabilities,
// discrimination the score of the base rate less that. No part is below 0, no bins are chosen, and with one probability a
// row the parts still mean something. The regression is fitted to the rows that it judges, so that with few rows both are a
// little too large, by the same amount.
func (s *Sample) BrierParts() (BrierParts, error) {
	isotonic := s.Isotonic()
	return s.brierParts(func(i int) float64 { return isotonic.At(s.score[i]) })
}

// BrierPartsOfGroups decomposes the Brier score over the groups of rows with the same probability (Murphy, Journal of
// Applied Meteorology 12, 1973, whose reliability and resolution these are): sum over groups of n_g/n (p_g - o_g)^2 and
// n_g/n (o_g - r)^2, with the observed rate o_g. It is meant for a few distinct probabilities, such as those of bands: where
// each row has its own, every group is calibrated by its only outcome.
func (s *Sample) BrierPartsOfGroups() (BrierParts, error) {
	weight, events := map[float64]float64{}, map[float64]float64{}
	for i, p := range s.score {
		weight[p] += s.w(i)
		events[p] += s.w(i) * s.y[i]
	}
	return s.brierParts(func(i int) float64 { return events[s.score[i]] / weight[s.score[i]] })
}

// brierParts holds each row's probability against what happened to rows like it, which of returns: the mean outcome of the
// group that the row belongs to, so that discrimination is a sum of squares.
func (s *Sample) brierParts(of func(i int) float64) (BrierParts, error) {
	if err := s.probabilities(); err != nil {
		return BrierParts{}, err
	}
	rate, parts := s.BaseRate(), BrierParts{Uncertainty: s.BrierOfBaseRate()}
	for i, p := range s.score {
		w := s.w(i)
		if w == 0 {
			continue
		}
		observed := of(i)
		// (p-y)^2 - (observed-y)^2, without the squares of the outcome.
		parts.Miscalibration += w * (p - observed) * (p + observed - 2*s.y[i])
		parts.Discrimination += w * (observed - rate) * (observed - rate)
	}
	parts.Miscalibration = max(0, parts.Miscalibration/s.total)
	parts.Discrimination /= s.total
	return parts, nil
}
