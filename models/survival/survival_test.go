package survival_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

func mustKM(t interface {
	Helper()
	Fatalf(string, ...any)
}, s survival.Sample) *survival.Curve {
	t.Helper()
	c, err := survival.KaplanMeier(s)
	if err != nil {
		t.Fatalf("kaplan-meier: %v", err)
	}
	return c
}

// golden is vector 1 of the metric definitions: days to first revenue of eight partners.
func golden() survival.Sample {
	return survival.Sample{
		Time:  []float64{20, 35, 35, 50, 60, 90, 120, 150},
		Event: []bool{true, true, false, true, false, true, false, false},
	}
}

func TestGoldenFirstRevenue(t *testing.T) {
	c := mustKM(t, golden())
	for _, w := range []struct{ day, surv, low, high float64 }{
		{20, 0.875, 0.3870, 0.9814}, {35, 0.75, 0.3148, 0.9309}, {50, 0.60, 0.1955, 0.8523}, {90, 0.40, 0.0660, 0.7342},
	} {
		p := c.At(w.day)
		low, high, ok := p.Interval(survival.LogLog, 0.95)
		if !ok || math.Abs(p.Survival-w.surv) > 1e-12 || math.Abs(low-w.low) > 5e-5 || math.Abs(high-w.high) > 5e-5 {
			t.Errorf("day %g: S %.4f [%.4f, %.4f], want %.4f [%.4f, %.4f]", w.day, p.Survival, low, high, w.surv, w.low, w.high)
		}
	}
	if at, _, _ := c.Median(survival.LogLog, 0.95); at != (survival.Value{Time: 90, Reached: true}) {
		t.Errorf("median %+v, want 90", at)
	}
	if mean, _ := c.RestrictedMean(120); math.Abs(mean-80.375) > 1e-12 {
		t.Errorf("restricted mean to 120 days %v, want 80.375", mean)
	}
}

func TestBadSamplesAreRefused(t *testing.T) {
	nan := math.NaN()
	for name, tc := range map[string]struct {
		s    survival.Sample
		want string
	}{
		"empty":             {survival.Sample{}, "no durations"},
		"events missing":    {survival.Sample{Time: []float64{1, 2}, Event: []bool{true}}, "1 events for 2 durations"},
		"negative time":     {survival.Sample{Time: []float64{1, -2}, Event: []bool{true, true}}, "row 1: time -2"},
		"NaN time":          {survival.Sample{Time: []float64{nan}, Event: []bool{true}}, "row 0: time NaN"},
		"infinite time":     {survival.Sample{Time: []float64{math.Inf(1)}, Event: []bool{false}}, "row 0: time +Inf"},
		"entry at the end":  {survival.Sample{Time: []float64{3}, Event: []bool{true}, Entry: []float64{3}}, "row 0: entry 3 is not before time 3"},
		"NaN entry":         {survival.Sample{Time: []float64{3}, Event: []bool{true}, Entry: []float64{nan}}, "row 0: entry NaN"},
		"entries too short": {survival.Sample{Time: []float64{3, 4}, Event: []bool{true, true}, Entry: []float64{0}}, "1 entries for 2 durations"},
	} {
		_, err := survival.KaplanMeier(tc.s)
		var input *survival.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
	_, err := survival.AalenJohansen(survival.Competing{Time: []float64{1}, Cause: []int{3}, Causes: 2})
	if err == nil || !strings.Contains(err.Error(), "cause 3 is outside 0 to 2") {
		t.Errorf("unknown cause: error %v", err)
	}
	if _, err := survival.AalenJohansen(survival.Competing{Time: []float64{1, 2}, Cause: []int{1}, Causes: 1}); err == nil {
		t.Error("causes missing: no error")
	}
}

func TestLogRankNeedsSomethingToCompare(t *testing.T) {
	censored := survival.Sample{Time: []float64{1, 2}, Event: []bool{false, false}}
	early := survival.Sample{Time: []float64{1, 2}, Event: []bool{true, true}}
	late := survival.Sample{Time: []float64{9, 9}, Event: []bool{true, true}, Entry: []float64{5, 5}}
	for name, in := range map[string][]survival.Sample{
		"one sample": {early}, "no events": {censored, censored}, "never at risk together": {early, late},
		"a bad sample": {early, {}}, "one never at risk at an event": {early, {Time: []float64{1, 3}, Event: []bool{false, true}}, {Time: []float64{0.5}, Event: []bool{false}}},
	} {
		if r, err := survival.LogRank(in); err == nil {
			t.Errorf("%s: no error, chi2 %v", name, r.Chi2)
		}
	}
}

// drawSample draws times with ties, some censored.
func drawSample(t *rapid.T) survival.Sample {
	n := rapid.IntRange(1, 40).Draw(t, "n")
	s := survival.Sample{}
	for range n {
		s.Time = append(s.Time, float64(rapid.IntRange(0, 20).Draw(t, "time")))
		s.Event = append(s.Event, rapid.Bool().Draw(t, "event"))
	}
	return s
}

func TestWithoutCensoringTheCurveIsTheShareNotYetDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		for i := range s.Event {
			s.Event[i] = true
		}
		c := mustKM(t, s)
		for day := range 21 {
			later := 0
			for _, v := range s.Time {
				if v > float64(day) {
					later++
				}
			}
			if want := float64(later) / float64(len(s.Time)); math.Abs(c.At(float64(day)).Survival-want) > 1e-12 {
				t.Fatalf("S(%d) = %v, want %v", day, c.At(float64(day)).Survival, want)
			}
		}
		sum := 0.0
		for _, v := range s.Time {
			sum += v
		}
		if mean, _ := c.RestrictedMean(21); math.Abs(mean-sum/float64(len(s.Time))) > 1e-10 {
			t.Fatalf("restricted mean beyond the last event is %v, the mean %v", mean, sum/float64(len(s.Time)))
		}
	})
}

func TestOrderOfRowsDoesNotMatterAndTheCurveFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		index := make([]int, len(s.Time))
		for i := range index {
			index[i] = i
		}
		var p survival.Sample
		for _, i := range rapid.Permutation(index).Draw(t, "order") {
			p.Time, p.Event = append(p.Time, s.Time[i]), append(p.Event, s.Event[i])
		}
		a, b := mustKM(t, s), mustKM(t, p)
		last := 1.0
		for i := range a.Points {
			if a.Points[i] != b.Points[i] {
				t.Fatalf("point %d: %+v, permuted %+v", i, a.Points[i], b.Points[i])
			}
			if a.Points[i].Survival > last || a.Points[i].Survival < 0 {
				t.Fatalf("S rises from %v to %v", last, a.Points[i].Survival)
			}
			last = a.Points[i].Survival
		}
	})
}

// The restricted mean is the area that a fine rectangle sum finds.
func TestRestrictedMeanIsTheArea(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := mustKM(t, drawSample(t))
		tau := rapid.IntRange(1, 25).Draw(t, "tau")
		area := 0.0
		for day := range tau { // times are whole days, S is constant between them
			area += c.At(float64(day)).Survival
		}
		mean, se := c.RestrictedMean(float64(tau))
		if math.Abs(mean-area) > 1e-10 || math.IsNaN(se) || math.IsInf(se, 0) {
			t.Fatalf("restricted mean to %d is %v (SE %v), area %v", tau, mean, se, area)
		}
	})
}

func TestIncidencesAndSurvivalAddUpToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		c := survival.Competing{Time: s.Time, Causes: 2}
		for range s.Time {
			c.Cause = append(c.Cause, rapid.IntRange(0, 2).Draw(t, "cause"))
		}
		aj, err := survival.AalenJohansen(c)
		if err != nil {
			t.Fatal(err)
		}
		anyCause := survival.Sample{Time: s.Time}
		for _, k := range c.Cause {
			anyCause.Event = append(anyCause.Event, k > 0)
		}
		km := mustKM(t, anyCause)
		for day := -1; day < 22; day++ {
			d := float64(day)
			if total := aj.At(1, d) + aj.At(2, d) + aj.Survival(d); math.Abs(total-1) > 1e-12 {
				t.Fatalf("day %d: shares add up to %v", day, total)
			}
			if math.Abs(aj.Survival(d)-km.At(d).Survival) > 1e-12 {
				t.Fatalf("day %d: still going on %v, Kaplan-Meier of any end %v", day, aj.Survival(d), km.At(d).Survival)
			}
		}
		if aj.FollowUp() != km.FollowUp() {
			t.Fatalf("follow-up %v and %v", aj.FollowUp(), km.FollowUp())
		}
	})
}

// Three partners sell on days 10, 20, 40, one exits on day 15, one is still open on day 30. By hand: 1/5 sell on day 10,
// 1/5 exit on day 15, 3/5*1/3 sell on day 20; on day 40 the one left of 2/5 sells.
func TestIncidenceByHand(t *testing.T) {
	aj, err := survival.AalenJohansen(survival.Competing{
		Time: []float64{10, 15, 20, 30, 40}, Cause: []int{1, 2, 1, 0, 1}, Causes: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct{ day, sold, exited float64 }{
		{9, 0, 0}, {10, 0.2, 0}, {15, 0.2, 0.2}, {20, 0.4, 0.2}, {39, 0.4, 0.2}, {40, 0.8, 0.2},
	} {
		if math.Abs(aj.At(1, w.day)-w.sold) > 1e-15 || math.Abs(aj.At(2, w.day)-w.exited) > 1e-15 {
			t.Errorf("day %g: sold %v, exited %v; want %v, %v", w.day, aj.At(1, w.day), aj.At(2, w.day), w.sold, w.exited)
		}
	}
}

// Exponential times with 30% of the hazard censoring: the curve must cover the true median and 90th percentile.
func TestRecoversPlantedHazard(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	var s survival.Sample
	for range 20_000 {
		event, censor := rnd.ExpFloat64()*100, rnd.ExpFloat64()*333
		s.Time, s.Event = append(s.Time, min(event, censor)), append(s.Event, event <= censor)
	}
	c := mustKM(t, s)
	for _, q := range []float64{0.5, 0.75, 0.9} {
		at, low, high := c.Quantile(q, survival.LogLog, 0.9999)
		want := -100 * math.Log(1-q)
		if !at.Reached || !low.Reached || !high.Reached || low.Time > want || high.Time < want {
			t.Errorf("quantile %g: %v [%v, %v], planted %v", q, at, low, high, want)
		}
	}
}

// Delayed entry: partners already there when the history starts must not count as at risk before it.
func TestDelayedEntryUndoesTruncation(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	var late, naive survival.Sample
	for range 20_000 {
		life, entry := rnd.ExpFloat64()*100, rnd.Float64()*150
		if life <= entry {
			continue // gone before the history starts, never seen
		}
		late.Time, late.Event, late.Entry = append(late.Time, life), append(late.Event, true), append(late.Entry, entry)
	}
	naive.Time, naive.Event = late.Time, late.Event
	right, _, _ := mustKM(t, late).Median(survival.LogLog, 0.95)
	wrong, _, _ := mustKM(t, naive).Median(survival.LogLog, 0.95)
	if math.Abs(right.Time-69.3) > 7 || wrong.Time < 100 {
		t.Errorf("median %.1f with entry, %.1f without; planted 69.3", right.Time, wrong.Time)
	}
}

func ExampleKaplanMeier() {
	// Days from signing to first revenue; three partners have not sold yet.
	c, err := survival.KaplanMeier(survival.Sample{
		Time:  []float64{20, 35, 50, 60, 90, 120},
		Event: []bool{true, true, true, false, true, false},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	median, low, high := c.Median(survival.LogLog, 0.95)
	fmt.Println("median", median.Time, "low", low.Time, "high reached:", high.Reached)
	mean, se := c.RestrictedMean(120)
	fmt.Printf("mean of the first 120 days %.2f (SE %.2f)\n", mean, se)
	// Output:
	// median 50 low 20 high reached: false
	// mean of the first 120 days 70.00 (SE 15.65)
}

var large = flag.Bool("large", false, "run the benchmarks at full size: Kaplan-Meier and Aalen-Johansen on 10 million rows, Cox on 200,000")

func BenchmarkKaplanMeier(b *testing.B) {
	n := 100_000
	if *large {
		n = 10_000_000
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	s := survival.Sample{Time: make([]float64, n), Event: make([]bool, n)}
	for i := range s.Time {
		s.Time[i], s.Event[i] = float64(rnd.IntN(2000)), rnd.IntN(3) > 0
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := survival.KaplanMeier(s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "rows")
}

func BenchmarkAalenJohansen(b *testing.B) {
	n := 100_000
	if *large {
		n = 10_000_000
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	c := survival.Competing{Time: make([]float64, n), Cause: make([]int, n), Causes: 2}
	for i := range c.Time {
		c.Time[i], c.Cause[i] = float64(rnd.IntN(2000)), rnd.IntN(3)
	}
	for b.Loop() {
		if _, err := survival.AalenJohansen(c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "rows")
}

// A sample of one beside samples of many thousands is compared like any other.
func TestLogRankOfSamplesOfVeryDifferentSize(t *testing.T) {
	const n = 200000
	samples := []survival.Sample{{Time: []float64{1.5}, Event: []bool{false}}, {}, {}}
	for i := range 2 * n {
		s := &samples[1+i%2]
		s.Time, s.Event = append(s.Time, float64(1+i)), append(s.Event, true)
	}
	r, err := survival.LogRank(samples)
	if err != nil {
		t.Fatal(err)
	}
	// At the only event that the one was at risk for it was one of all.
	if want := 1. / (2*n + 1); !near(r.Expected[0], want, 1e-12) || r.DF != 2 || !(r.P > 0.99) {
		t.Errorf("expected %v, want %v; p %v with %d degrees of freedom", r.Expected, want, r.P, r.DF)
	}
}
