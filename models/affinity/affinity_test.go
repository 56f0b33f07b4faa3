package affinity_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/affinity"
)

// Golden vector 6 of the metric definitions.
func TestGoldenAffinity(t *testing.T) {
	p, err := affinity.Measure(affinity.Counts{Both: 6, A: 20, B: 10, N: 100})
	if err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string][2]float64{
		"support": {p.Support, 0.06}, "confidence": {p.ConfidenceAB, 0.3}, "confidence back": {p.ConfidenceBA, 0.6},
		"lift": {p.Lift, 3}, "leverage": {p.Leverage, 0.04}, "conviction": {*p.ConvictionAB, 0.9 / 0.7},
		"conviction back": {*p.ConvictionBA, 2}, "jaccard": {p.Jaccard, 0.25}, "chi-squared": {*p.ChiSquared, 100. / 9},
	} {
		if math.Abs(v[0]-v[1]) > 1e-12 {
			t.Errorf("%s is %v, want %v", what, v[0], v[1])
		}
	}
}

// What does not exist is nil: a conviction where no basket has the one without the other, chi-squared where a margin is
// all baskets.
func TestMeasuresThatDoNotExist(t *testing.T) {
	for _, c := range []struct {
		counts       affinity.Counts
		ab, ba, chi2 bool
	}{
		{affinity.Counts{Both: 3, A: 5, B: 4, N: 10}, true, true, true},
		{affinity.Counts{Both: 4, A: 5, B: 4, N: 10}, true, false, true},
		{affinity.Counts{Both: 4, A: 4, B: 5, N: 10}, false, true, true},
		{affinity.Counts{Both: 4, A: 4, B: 10, N: 10}, false, true, false},
		{affinity.Counts{Both: 4, A: 10, B: 4, N: 10}, true, false, false},
		{affinity.Counts{Both: 1, A: 1, B: 1, N: 1}, false, false, false},
	} {
		p, err := affinity.Measure(c.counts)
		if err != nil || p.ConvictionAB != nil != c.ab || p.ConvictionBA != nil != c.ba || p.ChiSquared != nil != c.chi2 {
			t.Errorf("%+v: %+v, %v", c.counts, p, err)
		}
	}
}

func TestImpossibleCountsAreRefused(t *testing.T) {
	for name, c := range map[string]affinity.Counts{
		"no baskets": {}, "item in no basket": {N: 10, A: 0, B: 3}, "more with both than with A": {Both: 4, A: 3, B: 5, N: 10},
		"more with A than there are": {Both: 1, A: 11, B: 5, N: 10}, "negative": {Both: -1, A: 3, B: 5, N: 10},
		"overlap that must exist is missing": {Both: 0, A: 8, B: 8, N: 10},
	} {
		var e *affinity.CountsError
		if p, err := affinity.Measure(c); !errors.As(err, &e) || p != (affinity.Pair{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// exact returns P(at least Both) by whole numbers.
func exact(c affinity.Counts) float64 {
	choose := func(n, k int64) *big.Int { return new(big.Int).Binomial(n, k) }
	sum := new(big.Int)
	for x := c.Both; x <= min(c.A, c.B); x++ {
		if c.A-x <= c.N-c.B {
			sum.Add(sum, new(big.Int).Mul(choose(c.B, x), choose(c.N-c.B, c.A-x)))
		}
	}
	p, _ := new(big.Rat).SetFrac(sum, choose(c.N, c.A)).Float64()
	return p
}

func TestFisherEqualsExactArithmetic(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, c affinity.Counts) {
		p, err := affinity.Measure(c)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if want := exact(c); math.Abs(p.P-want) > 1e-12*want {
			t.Fatalf("%+v: p %v, exact %v", c, p.P, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 300).Draw(t, "n")
		c := affinity.Counts{N: n, A: rapid.Int64Range(1, n).Draw(t, "a"), B: rapid.Int64Range(1, n).Draw(t, "b")}
		c.Both = rapid.Int64Range(max(0, c.A+c.B-n), min(c.A, c.B)).Draw(t, "both")
		check(t, c)
	})
	for _, c := range []affinity.Counts{
		{Both: 100, A: 100, B: 100, N: 200}, {Both: 60, A: 100, B: 120, N: 20_000}, {Both: 200, A: 400, B: 400, N: 4000},
		{Both: 1, A: 1, B: 1, N: 1}, {Both: 3, A: 3, B: 1000, N: 1000},
	} {
		check(t, c)
	}
	// Counts whose product overflows, and a probability far below the smallest float64.
	for _, c := range []affinity.Counts{{Both: 10, A: 4e9, B: 5e9, N: 2e19 / 4}, {Both: 5000, A: 5000, B: 5000, N: 1_000_000}} {
		if p, err := affinity.Measure(c); err != nil || math.IsNaN(p.P) || p.P < 0 || p.P > 1 {
			t.Errorf("%+v: p %v, %v", c, p.P, err)
		}
	}
}

func TestMeasuresAreSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1000).Draw(t, "n")
		c := affinity.Counts{N: n, A: rapid.Int64Range(1, n).Draw(t, "a"), B: rapid.Int64Range(1, n).Draw(t, "b")}
		c.Both = rapid.Int64Range(max(0, c.A+c.B-n), min(c.A, c.B)).Draw(t, "both")
		p, err1 := affinity.Measure(c)
		q, err2 := affinity.Measure(affinity.Counts{Both: c.Both, A: c.B, B: c.A, N: c.N})
		if err1 != nil || err2 != nil {
			t.Fatalf("%v, %v", err1, err2)
		}
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*(1+math.Abs(b)) }
		if !near(p.Lift, q.Lift) || !near(p.Leverage, q.Leverage) || !near(p.P, q.P) || !near(p.ConfidenceAB, q.ConfidenceBA) {
			t.Fatalf("%+v, with the items swapped %+v", p, q)
		}
		same := func(a, b *float64) bool { return (a == nil) == (b == nil) && (a == nil || near(*a, *b)) }
		if !near(p.Jaccard, q.Jaccard) || !same(p.ChiSquared, q.ChiSquared) || !same(p.ConvictionAB, q.ConvictionBA) {
			t.Fatalf("%+v, with the items swapped %+v", p, q)
		}
		if (p.Lift > 1+1e-9) != (p.Leverage > 1e-12) && math.Abs(p.Lift-1) > 1e-9 {
			t.Fatalf("lift %v against leverage %v", p.Lift, p.Leverage)
		}
	})
}

func TestBenjaminiHochberg(t *testing.T) {
	// The values that p.adjust of R gives by its method BH.
	got := affinity.BenjaminiHochberg([]float64{0.01, 0.04, 0.03, 0.005, 0.2})
	for i, want := range []float64{0.025, 0.05, 0.05, 0.025, 0.2} {
		if math.Abs(got[i]-want) > 1e-15 {
			t.Errorf("q[%d] = %v, want %v", i, got[i], want)
		}
	}
	if q := affinity.BenjaminiHochberg(nil); len(q) != 0 {
		t.Errorf("q-values of nothing: %v", q)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 30).Draw(t, "p")
		q := affinity.BenjaminiHochberg(p)
		for i := range p {
			if q[i] < p[i] || q[i] > 1 {
				t.Fatalf("p %v has q %v", p[i], q[i])
			}
			for j := range p {
				if p[i] < p[j] && q[i] > q[j] || p[i] == p[j] && q[i] != q[j] {
					t.Fatalf("q does not follow p: %v %v", p, q)
				}
			}
		}
	})
}

func ExampleMeasure() {
	// Of 100 accounts 20 bought the CRM, 10 the connector, 6 both.
	p, err := affinity.Measure(affinity.Counts{Both: 6, A: 20, B: 10, N: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("lift %.1f, leverage %.2f, p %.4f\n", p.Lift, p.Leverage, p.P)
	// Output: lift 3.0, leverage 0.04, p 0.0039
}
