package evaluate

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// leastShare stands in for the share of an empty bin.
const leastShare = 1e-4

// Stability is the population stability index of one variable, with what chance alone would give.
type Stability struct {
	// PSI is the sum over bins of (a-b)*log(a/b) of the shares of baseline and actual, each at least 0.0001.
	PSI float64
	// Terms are the summands of PSI, per bin and at least 0: they say which bin moved.
	Terms []float64
	// Smoothed is the same sum with (count+1/2)/(n+bins/2) for the share of each bin in a sample of n: Jeffreys' prior
	// in place of the floor. Where a bin is empty in one sample, PSI depends on the floor and this on the sample sizes.
	Smoothed float64
	// Expected is the PSI that two samples of these sizes from one population have on average, Limit95 what they stay
	// below in 95 of 100 cases: fixed limits such as 0.1 mean nothing for small samples.
	Expected, Limit95 float64
	// DF is the number of bins that hold anything, less one. Expected and Limit95 count all bins as the reference does, and
	// are too high where DF is less: the bin above a cap that many reach, and a category out of use, cannot differ.
	DF               int
	Baseline, Actual []int // counts per bin
	// Edges are the upper ends of all bins but the last, for numbers; a last extra bin counts missing values if any.
	Edges []float64
}

// NumericStability compares two samples of a number; NaN is missing and has a bin of its own. The bins hold
// edge[k-1] < x <= edge[k] with edges at the type-7 quantiles of the baseline, equal edges merged. The error is an
// *InputError, for infinite values as well.
func NumericStability(baseline, actual []float64, bins int) (Stability, error) {
	if bins < 2 || bins > mostBins {
		return Stability{}, &InputError{Row: -1, Reason: fmt.Sprintf("%d bins are not 2 to %d", bins, mostBins)}
	}
	for _, values := range [][]float64{baseline, actual} {
		for i, x := range values {
			if math.IsInf(x, 0) {
				return Stability{}, &InputError{Row: i, Reason: fmt.Sprintf("value %v is not finite", x)}
			}
		}
	}
	var known []float64
	for _, x := range baseline {
		if !math.IsNaN(x) {
			known = append(known, x)
		}
	}
	if len(known) == 0 || len(actual) == 0 {
		return Stability{}, &InputError{Row: -1, Reason: "nothing to compare"}
	}
	slices.Sort(known)
	var edges []float64
	for k := 1; k < bins; k++ {
		e := Quantile(float64(k)/float64(bins), known)
		// An interpolated edge can fall an ulp beside the data value that it stands for.
		if i, _ := slices.BinarySearch(known, e); i < len(known) && within(known[i], e) {
			e = known[i]
		} else if i > 0 && within(known[i-1], e) {
			e = known[i-1]
		}
		if len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	b, missingB := binCounts(baseline, edges)
	a, missingA := binCounts(actual, edges)
	if missingA+missingB > 0 {
		b, a = append(b, missingB), append(a, missingA)
	}
	s, err := CountStability(b, a)
	s.Edges = edges
	return s, err
}

func within(x, edge float64) bool { return math.Abs(x-edge) <= 1e-12*max(1, math.Abs(edge)) }

func binCounts(values, edges []float64) (counts []int, missing int) {
	counts = make([]int, len(edges)+1)
	for _, x := range values {
		if math.IsNaN(x) {
			missing++
			continue
		}
		k, _ := slices.BinarySearch(edges, x) // first edge not below x
		counts[k]++
	}
	return counts, missing
}

// CountStability compares counts per bin or category; both lists name the same bins in the same order. The error is an
// *InputError.
func CountStability(baseline, actual []int) (Stability, error) {
	if len(baseline) != len(actual) {
		return Stability{}, &InputError{Row: -1, Reason: fmt.Sprintf("%d bins against %d", len(baseline), len(actual))}
	}
	var nb, na float64
	for k := range baseline {
		if baseline[k] < 0 || actual[k] < 0 {
			return Stability{}, &InputError{Row: k, Reason: "negative count"}
		}
		nb += float64(baseline[k])
		na += float64(actual[k])
	}
	if nb == 0 || na == 0 {
		return Stability{}, &InputError{Row: -1, Reason: "nothing to compare"}
	}
	s := Stability{Baseline: baseline, Actual: actual, Terms: make([]float64, len(baseline))}
	for k := range baseline {
		b, a := float64(baseline[k]), float64(actual[k])
		s.Terms[k] = divergence(max(b/nb, leastShare), max(a/na, leastShare))
		s.PSI += s.Terms[k]
		if b+a > 0 {
			s.DF++
		}
		half := float64(len(baseline)) / 2
		s.Smoothed += divergence((b+0.5)/(nb+half), (a+0.5)/(na+half))
	}
	s.DF--
	if df := float64(len(baseline) - 1); df > 0 {
		noise := 1/nb + 1/na
		s.Expected = df * noise
		s.Limit95 = noise * distuv.ChiSquared{K: df}.Quantile(0.95)
	}
	return s, nil
}

// divergence is the summand of a bin with the shares e of the baseline and a of the actual sample.
func divergence(e, a float64) float64 { return (a - e) * math.Log(a/e) }
