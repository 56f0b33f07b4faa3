package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Wilson returns the score interval of a share of k in n at the level, such as 0.95 (Wilson, JASA 22, 1927). It stays
// within 0 to 1 and has width even at k = 0 and k = n. The error is an *InputError.
func Wilson(k, n, level float64) (low, high float64, err error) {
	if !(n >= leastWeight && n <= mostWeight) || !(k >= 0 && k <= n) || !(level > 0 && level < 1) {
		return 0, 0, &InputError{Row: -1, Reason: fmt.Sprintf("no interval of %v in %v at level %v", k, n, level)}
	}
	z := distuv.UnitNormal.Quantile(0.5 + level/2)
	p, zz := k/n, z*z/n
	center := (p + zz/2) / (1 + zz)
	half := z / (1 + zz) * math.Sqrt(p*(1-p)/n+zz/(4*n))
	return max(0, center-half), min(1, center+half), nil
}

// Interval is a bootstrap interval.
type Interval struct {
	Low, High float64
	// SE is the standard deviation over the resamples.
	SE float64
	// Resamples counts those on which the measure exists; with fewer than half of them there is no interval.
	Resamples int
}

// Bootstrap draws whole clusters with replacement and returns, for each measure, the percentile interval at the level.
// cluster gives each row's cluster, 0 to G-1. measure receives the number of times that each row was drawn and writes one
// value per measure, NaN where the measure does not exist on that draw; it is called once per resample, in order, and
// must not keep the weights. ok is false for a measure that existed on less than half of the resamples.
func Bootstrap(cluster []int, measures, resamples int, level float64, rnd *rand.Rand,
	measure func(weight, values []float64)) (intervals []Interval, ok []bool, err error) {
	groups := 0
	for i, g := range cluster {
		if g < 0 || g >= len(cluster) {
			return nil, nil, &InputError{Row: i, Reason: fmt.Sprintf("cluster %d is outside 0 to %d", g, len(cluster)-1)}
		}
		groups = max(groups, g+1)
	}
	if groups == 0 || measures < 1 || resamples < 1 || !(level > 0 && level < 1) || rnd == nil {
		return nil, nil, &InputError{Row: -1, Reason: fmt.Sprintf("no bootstrap of %d clusters, %d measures, %d resamples, level %v", groups, measures, resamples, level)}
	}
	draws := make([][]float64, measures)
	times := make([]float64, groups)
	weight, values := make([]float64, len(cluster)), make([]float64, measures)
	for range resamples {
		clear(times)
		for range groups {
			times[rnd.IntN(groups)]++
		}
		for i, g := range cluster {
			weight[i] = times[g]
		}
		measure(weight, values)
		for k, v := range values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				draws[k] = append(draws[k], v)
			}
		}
	}
	intervals, ok = make([]Interval, measures), make([]bool, measures)
	for k, d := range draws {
		intervals[k], ok[k] = percentiles(d, level), 2*len(d) >= resamples && len(d) > 1
		if !ok[k] {
			intervals[k] = Interval{Resamples: len(d)}
		}
	}
	return intervals, ok, nil
}

// percentiles summarises the draws of one measure.
func percentiles(d []float64, level float64) Interval {
	if len(d) < 2 {
		return Interval{Resamples: len(d)}
	}
	slices.Sort(d)
	mean, ss := 0.0, 0.0
	for _, v := range d {
		mean += v
	}
	mean /= float64(len(d))
	for _, v := range d {
		ss += (v - mean) * (v - mean)
	}
	return Interval{
		Low: Quantile((1-level)/2, d), High: Quantile((1+level)/2, d),
		SE: math.Sqrt(ss / float64(len(d)-1)), Resamples: len(d),
	}
}

// Quantile returns the type-7 quantile of sorted values, the linear interpolation that R, numpy and DuckDB's
// quantile_cont use. (gonum's stat.Quantile has types 1 and 4 only.) It panics on an empty list or q outside 0 to 1.
func Quantile(q float64, sorted []float64) float64 {
	if len(sorted) == 0 || !(q >= 0 && q <= 1) {
		panic("evaluate: quantile of nothing")
	}
	h := q * float64(len(sorted)-1)
	i := min(int(h), len(sorted)-1)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	part := h - float64(i)
	if gap := sorted[i+1] - sorted[i]; !math.IsInf(gap, 0) {
		return sorted[i] + part*gap
	}
	return sorted[i]*(1-part) + sorted[i+1]*part
}
