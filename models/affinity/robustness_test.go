package affinity_test

import (
	"math"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/affinity"
)

// Every count of 0, 1 and the largest, in every place: refused, or measures that are finite and where they must be.
func TestRobustness(t *testing.T) {
	values := []int64{math.MinInt64, -1, 0, 1, 7, 1 << 20, affinity.MostBaskets - 1, affinity.MostBaskets, math.MaxInt64}
	measured := 0
	for _, both := range values {
		for _, a := range values {
			for _, b := range values {
				for _, n := range values {
					c := affinity.Counts{Both: both, A: a, B: b, N: n}
					p, err := affinity.Measure(c)
					if err != nil {
						if err.Error() == "" || p != (affinity.Pair{}) {
							t.Fatalf("%+v: %+v beside error %v", c, p, err)
						}
						continue
					}
					measured++
					for name, v := range map[string]float64{"support": p.Support, "confidence": p.ConfidenceAB, "confidence back": p.ConfidenceBA, "p": p.P, "jaccard": p.Jaccard} {
						if !(v >= 0 && v <= 1) {
							t.Errorf("%+v: %s is %v", c, name, v)
						}
					}
					if !(p.Lift >= 0 && p.Lift <= float64(n)) || !(math.Abs(p.Leverage) <= 0.25+1e-9) {
						t.Errorf("%+v: lift %v, leverage %v", c, p.Lift, p.Leverage)
					}
					for name, v := range map[string]*float64{"conviction": p.ConvictionAB, "conviction back": p.ConvictionBA, "chi-squared": p.ChiSquared} {
						if v != nil && !(*v >= 0 && *v <= float64(n)*(1+1e-9)) {
							t.Errorf("%+v: %s is %v", c, name, *v)
						}
					}
				}
			}
		}
	}
	if measured < 20 {
		t.Errorf("only %d combinations of counts were measured", measured)
	}
}

// A hundred million times the baskets change no share, and make any excess certain.
func TestSharesDoNotDependOnTheNumberOfBaskets(t *testing.T) {
	small, err := affinity.Measure(affinity.Counts{Both: 6, A: 20, B: 10, N: 100})
	if err != nil {
		t.Fatal(err)
	}
	const times = 100_000_000
	large, err := affinity.Measure(affinity.Counts{Both: 6 * times, A: 20 * times, B: 10 * times, N: 100 * times})
	if err != nil {
		t.Fatal(err)
	}
	if large.Lift != small.Lift || math.Abs(large.Leverage-small.Leverage) > 1e-15 || large.Support != small.Support || large.P != 0 {
		t.Errorf("%+v, want the shares of %+v and p = 0", large, small)
	}
}

func TestWhatIsNoPValueFindsNothing(t *testing.T) {
	q := affinity.BenjaminiHochberg([]float64{0.01, math.NaN(), -1, 2, math.Inf(1)})
	if want := []float64{0.05, 1, 1, 1, 1}; !slices.Equal(q, want) {
		t.Errorf("q-values %v, want %v", q, want)
	}
	p := []float64{math.NaN()}
	if affinity.BenjaminiHochberg(p); !math.IsNaN(p[0]) {
		t.Error("the caller's list was changed")
	}
}
