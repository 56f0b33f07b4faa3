// Package affinity measures which items are found together in baskets more often than chance would have it: support,
// confidence, lift, leverage, conviction and Jaccard index of a pair, the exact one-sided test of Fisher beside Pearson's
// chi-squared, and the correction of Benjamini and Hochberg for testing many pairs.
//
// Everything is computed from four counts of baskets, so that thresholds compare integers.
package affinity

import (
	"fmt"
	"math"
	"slices"
)

// Counts are numbers of baskets.
type Counts struct {
	// Both hold A and B, A hold A, B hold B, N is all of them.
	Both, A, B, N int64
}

const (
	// MostBaskets is how many baskets are counted at most.
	MostBaskets = 1<<63 - 4
	// MostOfRarer is in how many baskets the rarer of two items may be: beyond it Fisher's test takes seconds, and no
	// difference is chance.
	MostOfRarer = 1 << 34
)

// CountsError says that the counts cannot belong to any set of baskets, or exceed MostBaskets or MostOfRarer.
type CountsError struct {
	Counts Counts
}

func (e *CountsError) Error() string {
	return fmt.Sprintf("impossible counts: %d with both of %d with A and %d with B among %d",
		e.Counts.Both, e.Counts.A, e.Counts.B, e.Counts.N)
}

// Pair holds the measures of two items.
type Pair struct {
	// Support is Both/N.
	Support float64
	// ConfidenceAB is Both/A, the share of baskets with A that hold B; ConfidenceBA is Both/B.
	ConfidenceAB, ConfidenceBA float64
	// Lift is Both*N/(A*B): 1 when A and B are independent. It favours rare items.
	Lift float64
	// Leverage is Both/N - A*B/N^2: the share of baskets beyond independence.
	Leverage float64
	// ConvictionAB is (1 - B/N) / (1 - Both/A): how many times more often A would come without B if they were
	// independent, 1 when they are (Brin, Motwani, Ullman and Tsur, SIGMOD 1997). It is nil where no basket has A without
	// B, so that nothing limits it. ConvictionBA is (1 - A/N) / (1 - Both/B).
	ConvictionAB, ConvictionBA *float64
	// Jaccard is Both/(A+B-Both), from 0 to 1: the share of the baskets with either that hold both.
	Jaccard float64
	// ChiSquared is the statistic of Pearson's test of independence on the four cells, one degree of freedom and no
	// correction for continuity: N (Both*N - A*B)^2 / (A B (N-A) (N-B)). It is nil where A or B is in all baskets. Where
	// an expected cell is below about five its distribution is not chi-squared: P holds for all counts.
	ChiSquared *float64
	// P is the one-sided p-value of Fisher's exact test, P(at least Both | A, B, N).
	P float64
}

// Measure computes all measures of a pair. It returns a *CountsError for counts that no baskets can have, and for items
// that are in no basket at all (A or B 0), whose confidence and lift do not exist.
func Measure(c Counts) (Pair, error) {
	if c.N <= 0 || c.N > MostBaskets || c.A <= 0 || c.B <= 0 || c.A > c.N || c.B > c.N || min(c.A, c.B) > MostOfRarer ||
		c.Both < 0 || c.Both > min(c.A, c.B) || c.Both < c.A-c.N+c.B {
		return Pair{}, &CountsError{c}
	}
	both, a, b, n := float64(c.Both), float64(c.A), float64(c.B), float64(c.N)
	return Pair{
		Support: both / n, ConfidenceAB: both / a, ConfidenceBA: both / b,
		Lift: both / a * (n / b), Leverage: both/n - a/n*(b/n), P: fisher(c),
		ConvictionAB: conviction(c.A, c.B, c), ConvictionBA: conviction(c.B, c.A, c),
		Jaccard: both / (a + float64(c.B-c.Both)), ChiSquared: chiSquared(c),
	}, nil
}

// conviction returns that of the rule `from -> to`, given in how many baskets each of them is.
func conviction(from, to int64, c Counts) *float64 {
	if from == c.Both {
		return nil
	}
	v := float64(c.N-to) / float64(c.N) * (float64(from) / float64(from-c.Both))
	return &v
}

// chiSquared returns the statistic of Pearson's test, nil where a margin is all baskets.
func chiSquared(c Counts) *float64 {
	if c.A == c.N || c.B == c.N {
		return nil
	}
	both, a, b, n := float64(c.Both), float64(c.A), float64(c.B), float64(c.N)
	// Both*N - A*B keeps its digits where the products are almost equal.
	product := a * b
	excess := math.FMA(both, n, -product) - math.FMA(a, b, -product)
	v := excess / a * (excess / b) * (n / float64(c.N-c.A) / float64(c.N-c.B))
	return &v
}

// fisher sums the hypergeometric distribution from c.Both up. Each probability is found from its neighbour by the ratio
//
//	P(x+1)/P(x) = (A-x)(B-x) / ((x+1)(N-A-B+x+1)) ,
//
// relative to the largest one, and the sum of all of them is the unit: no factorials, so no cancellation and no loss of
// digits however large the counts are.
func fisher(c Counts) float64 {
	low, high := max(0, c.A-c.N+c.B), min(c.A, c.B)
	ratio := func(x int64) float64 { // P(x+1)/P(x)
		return float64(c.A-x) / float64(x+1) * (float64(c.B-x) / float64(c.N-c.A-c.B+(x+1)))
	}
	mode := (c.A + 1) * (c.B + 1) / (c.N + 2)
	if float64(c.A+1)*float64(c.B+1) > math.MaxInt64/2 {
		mode = int64(float64(c.A+1) / float64(c.N+2) * float64(c.B+1))
	}
	mode = min(max(mode, low), high)
	// Below the smallest normal float64 products stop falling.
	const nothing = 0x1p-1022
	var below, tail float64 // probability of x < Both and of x >= Both, in units of P(mode)
	add := func(x int64, p float64) {
		if x >= c.Both {
			tail += p
		} else {
			below += p
		}
	}
	add(mode, 1)
	for x, p := mode, 1.0; x < high && p > nothing; x++ {
		p *= ratio(x)
		add(x+1, p)
	}
	for x, p := mode, 1.0; x > low && p > nothing; x-- {
		p /= ratio(x - 1)
		add(x-1, p)
	}
	return tail / (below + tail)
}

// BenjaminiHochberg returns the q-value of each p-value, in the order given: the smallest false discovery rate at which
// that test is reported, min over j >= rank of p_(j)*m/j (Benjamini and Hochberg, JRSS B 57, 1995). Equal p-values have
// equal q-values. What is no p-value, outside 0 to 1 or NaN, is a test that found nothing: it counts among the tests and
// has the q-value 1.
func BenjaminiHochberg(p []float64) []float64 {
	p, order := slices.Clone(p), make([]int, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			p[i] = 1
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	q, m := make([]float64, len(p)), float64(len(p))
	least := 1.0
	for rank := len(order) - 1; rank >= 0; rank-- {
		i := order[rank]
		least = min(least, p[i]*(m/float64(rank+1))) // the factor is at least 1, so q is never below p
		q[i] = least
	}
	return q
}
