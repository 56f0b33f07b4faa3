package evaluate

import (
	"fmt"
	"math"
)

// Bin is a group of rows with similar probabilities.
type Bin struct {
	// N is the sum of weights; MeanScore and ObservedRate are 0 where N is.
	N, MeanScore, ObservedRate float64
}

// Reliability compares mean probability and observed rate in bins.
type Reliability struct {
	Bins []Bin
	// ECE is the mean gap of a bin, weighted by N; MCE the largest gap. Even a perfect model has an ECE above 0, the
	// larger the fewer the rows: about 0.02 with 250 rows in five bins.
	ECE, MCE float64
}

// mostBins is far above what any sample fills.
const mostBins = 1_000_000

// ByWidth makes bins of equal width of probability: [0, 1/bins), ..., the last one with 1.
func (s *Sample) ByWidth(bins int) (Reliability, error) {
	return s.reliability(bins, func(_ float64, p float64) int {
		k := int(p * float64(bins)) // 0.29*100 is 28.999999999999996 in float64
		switch {
		case float64(k+1)/float64(bins) <= p:
			k++
		case float64(k)/float64(bins) > p:
			k--
		}
		return k
	})
}

// ByCount makes bins of equal sums of weights, of the rows in the order of their scores and, within a score, as they
// were given.
func (s *Sample) ByCount(bins int) (Reliability, error) {
	return s.reliability(bins, func(before float64, _ float64) int { return int(math.Floor(before * float64(bins) / s.total)) })
}

// reliability sums rows, from the lowest score up, into the bin that of returns for the weight before the row and its
// probability.
func (s *Sample) reliability(bins int, of func(before, p float64) int) (Reliability, error) {
	if bins < 1 || bins > mostBins {
		return Reliability{}, &InputError{Row: -1, Reason: fmt.Sprintf("%d bins are not 1 to %d", bins, mostBins)}
	}
	if err := s.probabilities(); err != nil {
		return Reliability{}, err
	}
	r := Reliability{Bins: make([]Bin, bins)}
	before := 0.0
	s.ascending(func(i int) {
		w := s.w(i)
		if w == 0 {
			return
		}
		b := &r.Bins[min(of(before, s.score[i]), bins-1)]
		b.N += w
		b.MeanScore += w * s.score[i]
		b.ObservedRate += w * s.y[i]
		before += w
	})
	for i := range r.Bins {
		b := &r.Bins[i]
		if b.N == 0 {
			continue
		}
		b.MeanScore /= b.N
		b.ObservedRate /= b.N
		gap := math.Abs(b.MeanScore - b.ObservedRate)
		r.ECE += b.N / s.total * gap
		r.MCE = max(r.MCE, gap)
	}
	return r, nil
}

// ascending calls f for each row by score, then by position.
func (s *Sample) ascending(f func(i int)) {
	for high := len(s.order); high > 0; {
		low := high - 1
		for low > 0 && s.score[s.order[low-1]] == s.score[s.order[high-1]] {
			low--
		}
		for _, i := range s.order[low:high] {
			f(i)
		}
		high = low
	}
}
