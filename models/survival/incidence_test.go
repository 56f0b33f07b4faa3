package survival_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

func drawCompeting(t *rapid.T, causes int) survival.Competing {
	s := drawSample(t)
	c := survival.Competing{Time: s.Time, Causes: causes}
	for i := range s.Time {
		c.Cause = append(c.Cause, rapid.IntRange(0, causes).Draw(t, "cause"))
		c.Entry = append(c.Entry, s.Time[i]-float64(rapid.IntRange(1, 30).Draw(t, "seen for")))
	}
	return c
}

// With one way to end there is nothing to compete with: Kaplan-Meier with Greenwood's error and its log-log interval.
func TestIncidenceOfOneCauseIsKaplanMeier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCompeting(t, 1)
		aj, err := survival.AalenJohansen(c)
		if err != nil {
			t.Fatal(err)
		}
		s := survival.Sample{Time: c.Time, Entry: c.Entry}
		for _, k := range c.Cause {
			s.Event = append(s.Event, k == 1)
		}
		for _, p := range mustKM(t, s).Points {
			if se, ok := p.SE(); ok && math.Abs(aj.SE(1, p.Time)-se) > 1e-9 || !ok && aj.SE(1, p.Time) != 0 {
				t.Fatalf("t=%v: SE %v, Greenwood %v, %v", p.Time, aj.SE(1, p.Time), se, ok)
			}
			low, high, ok := aj.Interval(1, p.Time, 0.95)
			slow, shigh, sok := p.Interval(survival.LogLog, 0.95)
			if p.Survival == 1 {
				sok = false // nothing happened: an interval of no width on the curve, none here
			}
			if ok != sok || ok && (math.Abs(low-(1-shigh)) > 1e-9 || math.Abs(high-(1-slow)) > 1e-9) {
				t.Fatalf("t=%v: %v to %v (%v), by the curve %v to %v (%v)", p.Time, low, high, ok, 1-shigh, 1-slow, sok)
			}
		}
	})
}

// The variance carried along is the sum that the literature gives.
func TestIncidenceVarianceIsGreenwoodsSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCompeting(t, 3)
		aj, err := survival.AalenJohansen(c)
		if err != nil {
			t.Fatal(err)
		}
		cause, at := rapid.IntRange(1, 3).Draw(t, "of"), float64(rapid.IntRange(0, 21).Draw(t, "at"))
		final, want, before := aj.At(cause, at), 0.0, 1.0
		for day := 0; float64(day) <= at; day++ {
			u := float64(day)
			n, any, own := 0.0, 0.0, 0.0
			for i, time := range c.Time {
				if c.Entry[i] < u && u <= time {
					n++
				}
				if time == u && c.Cause[i] > 0 {
					any++
				}
				if time == u && c.Cause[i] == cause {
					own++
				}
			}
			if any > 0 {
				gap := final - aj.At(cause, u)
				if any < n { // where all end, nothing is left to grow
					want += gap * gap * any / (n * (n - any))
				}
				want += before*before*own*(n-own)/(n*n*n) - 2*gap*before*own/(n*n)
			}
			before = aj.Survival(u)
		}
		if got := aj.SE(cause, at); math.Abs(got*got-want) > 1e-12 {
			t.Fatalf("variance at %v of cause %d: %v, want %v", at, cause, got*got, want)
		}
	})
}

// Partners sell at rate 1/100 a day and leave at rate 1/150; some are seen from a later day on, some not to their end.
func TestIncidenceIntervalCovers(t *testing.T) {
	const runs, rows = 1000, 120
	rnd := rand.New(rand.NewPCG(8, 3))
	sell, leave := 1.0/100, 1.0/150
	truth := sell / (sell + leave) * -math.Expm1(-(sell+leave)*90)
	covered := 0
	for range runs {
		c := survival.Competing{Causes: 2}
		for len(c.Time) < rows {
			end, cause := rnd.ExpFloat64()/(sell+leave), 1
			if rnd.Float64() > sell/(sell+leave) {
				cause = 2
			}
			entry := math.Max(0, 40*rnd.Float64()-30)
			if seen := entry + 250*rnd.Float64(); seen < end {
				end, cause = seen, 0
			}
			if end > entry {
				c.Time, c.Cause, c.Entry = append(c.Time, end), append(c.Cause, cause), append(c.Entry, entry)
			}
		}
		aj, err := survival.AalenJohansen(c)
		if err != nil {
			t.Fatal(err)
		}
		if low, high, ok := aj.Interval(1, 90, 0.95); ok && low <= truth && truth <= high {
			covered++
		}
	}
	if covered < 922 || covered > 978 { // 950 with a standard deviation of 6.9; four of them either way
		t.Errorf("the 95 %% interval covers the truth in %d of %d runs", covered, runs)
	}
}

func ExampleAalenJohansen() {
	// Days from signature to the first deal (1) or to the partner's exit without one (2); two are still waiting (0).
	aj, err := survival.AalenJohansen(survival.Competing{
		Time:   []float64{20, 35, 40, 50, 60, 75, 90, 120},
		Cause:  []int{1, 1, 2, 0, 1, 2, 1, 0},
		Causes: 2,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	low, high, _ := aj.Interval(1, 90, 0.95)
	fmt.Printf("sold within 90 days: %.0f %% (%.0f to %.0f)\n", 100*aj.At(1, 90), 100*low, 100*high)
	fmt.Printf("left without a deal: %.0f %%, still waiting: %.0f %%\n", 100*aj.At(2, 90), 100*aj.Survival(90))
	// Output:
	// sold within 90 days: 56 % (26 to 90)
	// left without a deal: 28 %, still waiting: 16 %
}
