package score

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// foreseen draws predictions of partners in blocks, one row a partner, whose outcomes follow intercept + slope*logit.
func foreseen(seed uint64, partners, blocks int, intercept, slope float64) (*panel, foresight) {
	rnd := rand.New(rand.NewPCG(seed, 8))
	p, f := &panel{features: features()}, foresight{}
	for b := range blocks {
		f.newest = len(f.rows)
		for k := range partners {
			eta := -2 + 1.2*rnd.NormFloat64()
			s := snapshot{partner: fmt.Sprintf("P%d-%d", b, k), family: fmt.Sprintf("P%d-%d", b, k), usable: true}
			if rnd.Float64() < logistic.Expit(intercept+slope*eta) {
				s.label = 1
			}
			f.rows, f.logit = append(f.rows, len(p.rows)), append(f.logit, eta)
			p.rows = append(p.rows, s)
		}
	}
	return p, f
}

func TestProbabilitiesThatAreRightStayAsTheyAre(t *testing.T) {
	changed := 0
	for seed := range uint64(40) {
		p, f := foreseen(seed, 250, 3, 0, 1)
		if r := p.recalibrate(f); r.Kind != recalibrateNone {
			changed++
		} else if r.Intercept != 0 || r.Slope != 1 || r.Churns < minRecalibrationEvents {
			t.Fatalf("none is %+v", r)
		}
	}
	if changed > 4 { // 5 % by chance, fewer since the correction must also have been large
		t.Errorf("%d of 40 were corrected", changed)
	}
}

func TestProbabilitiesThatAreWrongAreRepaired(t *testing.T) {
	for _, tc := range []struct{ intercept, slope float64 }{{-1, 1}, {0.9, 1}, {-0.7, 0.5}} {
		p, f := foreseen(3, 700, 3, tc.intercept, tc.slope)
		r := p.recalibrate(f)
		if r.Kind != recalibrateSlope || math.Abs(r.Intercept-tc.intercept) > 0.25 || math.Abs(r.Slope-tc.slope) > 0.2 {
			t.Errorf("outcomes of %+v: %+v", tc, r)
		}
	}
}

func TestFewLaterChurnsCorrectNothing(t *testing.T) {
	p, f := foreseen(3, 60, 3, -1.2, 0.6)
	before := p.churns(f.rows[:f.newest])
	if r := p.recalibrate(f); before >= minRecalibrationEvents || r.Kind != recalibrateNone || r.Churns != p.churns(f.rows) {
		t.Errorf("%d churns before the newest block: %+v", before, r)
	}
}

// A churn that is seen in six rows counts as one: six copies of every row, in one spell, are corrected as the rows are.
func TestRowsOfOneChurnCountAsOne(t *testing.T) {
	p, f := foreseen(5, 400, 1, -1, 1)
	one, ok := correction(p, f.rows, f.logit)
	var many foresight
	for copy := range 6 {
		for k, i := range f.rows {
			s := p.rows[i]
			s.on = arrow.Date32(copy)
			many.rows, many.logit = append(many.rows, len(p.rows)), append(many.logit, f.logit[k])
			p.rows = append(p.rows, s)
		}
	}
	six, ok6 := correction(p, many.rows, many.logit)
	if !ok || !ok6 || math.Abs(one.Intercept-six.Intercept) > 1e-9 || math.Abs(one.Slope-six.Slope) > 1e-9 || one.Churns != six.Churns {
		t.Errorf("one row %+v, six rows %+v", one, six)
	}
}

// Outcomes that run against the predictions repair the level and never turn the order round.
func TestRecalibrationNeverTurnsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, f := foreseen(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(30, 300).Draw(t, "partners"), 2,
			rapid.Float64Range(-2, 2).Draw(t, "intercept"), rapid.Float64Range(-3, 3).Draw(t, "slope"))
		for _, r := range []recalibration{p.recalibrate(f), func() recalibration { r, _ := correction(p, f.rows, f.logit); return r }()} {
			if !(r.Slope > 0) || math.IsInf(r.Slope, 0) || math.IsNaN(r.Intercept) || math.IsInf(r.Intercept, 0) {
				t.Fatalf("%+v", r)
			}
			if (r.Kind == recalibrateNone) != (r.Slope == 1 && r.Intercept == 0) {
				t.Fatalf("%+v", r)
			}
		}
	})
	p, f := foreseen(1, 600, 2, 0, -2)
	if r, ok := correction(p, f.rows, f.logit); !ok || r.Kind != recalibrateIntercept || r.Slope != 1 {
		t.Errorf("outcomes against the predictions: %+v", r)
	}
}

// A recalibrated regression moves logit, interval, baseline and contributions together: they still add up, the order of
// partners stays, and the interval holds the probability.
func TestRecalibrationScalesTheExplanation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &panel{}
		p.features = features()[:3]
		_, p.index = columnIndex(p.features)
		c := coefficients{Columns: []string{"recency_gaps", "revenue_trend", "activity_trend"}, Impute: []float64{1, 0, 0},
			Mean: []float64{1, 0, 0}, SD: []float64{0.5, 0.2, 0}, State: []logistic.State{logistic.Estimated, logistic.Estimated, logistic.Constant},
			Standard: []float64{-2, 0.7, -0.4, 0}, SE: make([]float64, 4), Laplace: make([]float64, 16), Cluster: make([]float64, 16)}
		for i := range 3 {
			c.Laplace[i*4+i], c.Cluster[i*4+i] = 0.04, 0.01
		}
		var choices []choice
		for _, f := range p.features {
			choices = append(choices, choice{feature: f, columns: f.columns})
		}
		raw := p.newRidge(c, choices, asItIs, Options{})
		by := asItIs
		by.Intercept, by.Slope = rapid.Float64Range(-2, 2).Draw(t, "intercept"), rapid.Float64Range(0.05, 3).Draw(t, "slope")
		mapped := raw.recalibrated(by)
		if raw.recalibration != asItIs {
			t.Fatal("the regression itself was changed")
		}
		var before, after []float64
		for range 5 {
			values := make([]float64, len(p.index))
			for j := range values {
				values[j] = rapid.Float64Range(-3, 3).Draw(t, "x")
			}
			if rapid.Bool().Draw(t, "missing") {
				values[p.index["revenue_trend"]] = math.NaN()
			}
			eta := mapped.logit(values)
			if want := by.Intercept + by.Slope*raw.logit(values); math.Abs(eta-want) > 1e-12 {
				t.Fatalf("logit %v, want %v", eta, want)
			}
			sum, parts := mapped.explain(values)
			for _, part := range parts {
				sum += part.amount
				if x := part.value; !math.IsNaN(x) && math.Abs(part.coefficient*(x-part.reference)-part.amount) > 1e-9 {
					t.Fatalf("%s: %v*(%v-%v) is not %v", part.feature.name, part.coefficient, x, part.reference, part.amount)
				}
			}
			if math.Abs(sum-eta) > 1e-9 {
				t.Fatalf("contributions add up to %v, logit %v", sum, eta)
			}
			low, high := mapped.interval(values)
			if prob := probability(eta); !(low < prob && prob < high) {
				t.Fatalf("probability %v outside [%v, %v]", prob, low, high)
			}
			before, after = append(before, raw.logit(values)), append(after, eta)
		}
		for i := range before {
			for j := range before {
				if before[i] < before[j] && !(after[i] < after[j]) && before[j]-before[i] > 1e-9 {
					t.Fatalf("the order of %v and %v changed", before[i], before[j])
				}
			}
		}
	})
}
