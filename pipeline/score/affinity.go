package score

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/affinity"
)

// AffinityOptions are the thresholds of M24; the zero value takes them from DefaultAffinityOptions.
type AffinityOptions struct {
	// MinBaskets and MinSupport are the least number and share of baskets that hold both items, inclusive.
	MinBaskets int64
	MinSupport float64
	// MaxQ is the largest false discovery rate that is reported.
	MaxQ float64
}

// DefaultAffinityOptions returns the thresholds of M24: 5 baskets, 1 %, q at most 0.05.
func DefaultAffinityOptions() AffinityOptions {
	return AffinityOptions{MinBaskets: 5, MinSupport: 0.01, MaxQ: 0.05}
}

// AffinitySchema returns the columns of score_cosell_affinity.
func AffinitySchema() *arrow.Schema {
	return newSchema("which product families are bought together more often than chance explains.",
		"window x pair of product families, item_a before item_b", "basket_window, item_a, item_b", []column{
			{"basket_window", text, "trailing_24m or all_time, as in int_affinity_pair"},
			{"item_a", text, "product family"},
			{"item_b", text, "other product family"},
			{"n_ab", bigint, "baskets with both"},
			{"n_a", bigint, "baskets with item_a"},
			{"n_b", bigint, "baskets with item_b"},
			{"n_baskets", bigint, "all baskets"},
			{"support", double, "n_ab / n_baskets"},
			{"confidence_ab", double, "n_ab / n_a"},
			{"confidence_ba", double, "n_ab / n_b"},
			{"lift", double, "support over that expected of independent items"},
			{"leverage", double, "support less that expected of independent items"},
			{"fisher_p", double, "one-sided p of Fisher's exact test"},
			{"q_value", double, "p adjusted for the number of pairs (Benjamini-Hochberg)"},
			{"is_reported", boolean, "passes the thresholds for reports"},
		})
}

// affinityPair is one row of int_affinity_pair with its measures.
type affinityPair struct {
	window, a, b string
	counts       affinity.Counts
	measures     affinity.Pair
	exists       bool // the measures exist
	q            float64
}

// Affinity measures the pairs of int_affinity_pair and returns score_cosell_affinity, ordered by its key.
//
// The false discovery rate is controlled per window among the pairs that could be reported at all: a pair whose rarer
// item is in too few baskets can never be, whatever the overlap, and would only cost the others significance. Pairs
// outside have no q-value. Impossible counts are an *InputError.
func Affinity(pairs arrow.RecordBatch, o AffinityOptions) (arrow.RecordBatch, error) {
	if o == (AffinityOptions{}) {
		o = DefaultAffinityOptions()
	}
	rows, err := readPairs(pairs)
	if err != nil {
		return nil, err
	}
	least := func(c affinity.Counts) int64 {
		return max(o.MinBaskets, int64(math.Ceil(o.MinSupport*float64(c.N)-1e-9)))
	}
	tested := map[string][]*affinityPair{}
	for i := range rows {
		r := &rows[i]
		if min(r.counts.A, r.counts.B) == 0 {
			continue
		}
		if r.measures, err = affinity.Measure(r.counts); err != nil {
			return nil, &InputError{Table: "int_affinity_pair", Reason: fmt.Sprintf("%s, %s and %s: %v", r.window, r.a, r.b, err)}
		}
		r.exists = true
		if min(r.counts.A, r.counts.B) >= least(r.counts) {
			tested[r.window] = append(tested[r.window], r)
		}
	}
	for _, family := range tested {
		p := make([]float64, len(family))
		for i, r := range family {
			p[i] = r.measures.P
		}
		for i, q := range affinity.BenjaminiHochberg(p) {
			family[i].q = q
		}
	}
	out := newTable(AffinitySchema())
	for _, r := range rows {
		c, m := r.counts, r.measures
		known := func(v float64) any {
			if !r.exists {
				return nil
			}
			return v
		}
		reported := r.exists && c.Both >= least(c) && !math.IsNaN(r.q) && r.q <= o.MaxQ
		if err := out.add(r.window, r.a, r.b, c.Both, c.A, c.B, c.N, known(m.Support), known(m.ConfidenceAB), known(m.ConfidenceBA),
			known(m.Lift), known(m.Leverage), known(m.P), optional(r.q), reported); err != nil {
			return nil, fmt.Errorf("write score_cosell_affinity: %w", err)
		}
	}
	return out.record(), nil
}

// readPairs reads and orders the counts.
func readPairs(pairs arrow.RecordBatch) ([]affinityPair, error) {
	f := newFrame("int_affinity_pair", pairs)
	window, a, b := f.keys("basket_window"), f.keys("item_a"), f.keys("item_b")
	both, nA, nB, n := f.counts("n_ab"), f.counts("n_a"), f.counts("n_b"), f.counts("n_baskets")
	if f.err != nil {
		return nil, f.err
	}
	rows := make([]affinityPair, f.rows())
	for i := range rows {
		rows[i] = affinityPair{window: window[i], a: a[i], b: b[i], q: math.NaN(),
			counts: affinity.Counts{Both: both[i], A: nA[i], B: nB[i], N: n[i]}}
	}
	slices.SortFunc(rows, func(x, y affinityPair) int {
		if c := strings.Compare(x.window, y.window); c != 0 {
			return c
		}
		if c := strings.Compare(x.a, y.a); c != 0 {
			return c
		}
		return strings.Compare(x.b, y.b)
	})
	return rows, nil
}
