package evaluate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func mustNew(t fataler, y, score, weight []float64) *evaluate.Sample {
	t.Helper()
	s, err := evaluate.New(y, score, weight)
	if err != nil {
		t.Fatalf("new sample: %v", err)
	}
	return s
}

// number returns a measure that must exist.
func number(t fataler) func(v float64, err error) float64 {
	return func(v float64, err error) float64 {
		t.Helper()
		if err != nil || math.IsNaN(v) {
			t.Fatalf("measure is %v, %v", v, err)
		}
		return v
	}
}

func TestBadSamplesAreRefused(t *testing.T) {
	for name, tc := range map[string][3][]float64{
		"empty":           {{}, {}, nil},
		"lengths differ":  {{0, 1}, {0.5}, nil},
		"outcome of 0.5":  {{0, 0.5}, {0.1, 0.2}, nil},
		"NaN outcome":     {{0, math.NaN()}, {0.1, 0.2}, nil},
		"NaN score":       {{0, 1}, {0.1, math.NaN()}, nil},
		"infinite score":  {{0, 1}, {0.1, math.Inf(1)}, nil},
		"negative weight": {{0, 1}, {0.1, 0.2}, {1, -1}},
		"zero weights":    {{0, 1}, {0.1, 0.2}, {0, 0}},
		"weights missing": {{0, 1}, {0.1, 0.2}, {1}},
	} {
		var input *evaluate.InputError
		if _, err := evaluate.New(tc[0], tc[1], tc[2]); !errors.As(err, &input) {
			t.Errorf("%s: error %v, want an input error", name, err)
		}
	}
}

func TestMeasuresThatDoNotExistAreErrors(t *testing.T) {
	for _, y := range []float64{0, 1} {
		s := mustNew(t, []float64{y, y, y}, []float64{0.1, 0.2, 0.3}, nil)
		for name, f := range map[string]func() (float64, error){
			"auc": s.AUC, "skill": s.BrierSkill,
			"slope": func() (float64, error) { c, err := s.Calibrate(); return c.Slope, err },
			"auc interval": func() (float64, error) {
				d, err := s.DeLong(0.95)
				return d.AUC, err
			},
		} {
			if v, err := f(); err == nil || v != 0 {
				t.Errorf("only outcome %v: %s is %v without an error", y, name, v)
			}
		}
		if _, err := s.AUC(); !errors.Is(err, evaluate.ErrOneClass) {
			t.Errorf("only outcome %v: error %v, want ErrOneClass", y, err)
		}
	}
	none := mustNew(t, []float64{0, 0}, []float64{0.1, 0.2}, nil)
	if _, err := none.AveragePrecision(); !errors.Is(err, evaluate.ErrOneClass) {
		t.Errorf("average precision without events: %v", err)
	}
	if _, err := none.TopShare(0.5); !errors.Is(err, evaluate.ErrOneClass) {
		t.Errorf("top share without events: %v", err)
	}
	mixed := mustNew(t, []float64{0, 1, 1}, []float64{-1, 0.5, 2}, nil)
	for name, f := range map[string]func() (float64, error){
		"brier": mixed.Brier, "log loss": mixed.LogLoss, "expected": mixed.Expected, "ratio": mixed.ObservedExpected,
		"skill": mixed.BrierSkill,
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s of scores that are no probabilities: no error", name)
		}
	}
	certain := mustNew(t, []float64{0, 1, 0}, []float64{0, 1, 0.5}, nil)
	if _, err := certain.Calibrate(); err == nil {
		t.Error("calibration of a probability of 1: no error")
	}
	if loss := number(t)(certain.LogLoss()); math.Abs(loss-math.Log(2)/3) > 1e-12 {
		t.Errorf("log loss %v, want %v", loss, math.Log(2)/3)
	}
	if _, err := mixed.TopShare(0); err == nil {
		t.Error("top share of 0: no error")
	}
	if _, err := mustNew(t, []float64{0, 1}, []float64{0, 0}, nil).ObservedExpected(); err == nil {
		t.Error("observed over an expectation of 0: no error")
	}
}

// drawSample draws outcomes of both kinds with scores on a coarse grid, so that ties are common.
func drawSample(t *rapid.T) (y, score []float64) {
	n := rapid.IntRange(4, 40).Draw(t, "n")
	y, score = []float64{0, 1, 0, 1}, nil
	for i := range n {
		if i >= 4 {
			y = append(y, float64(rapid.IntRange(0, 1).Draw(t, "y")))
		}
		score = append(score, float64(rapid.IntRange(1, 9).Draw(t, "score"))/10)
	}
	return y, score
}

// The placements of DeLong computed pair by pair.
func TestAUCAndDeLongEqualTheCountOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, score := drawSample(t)
		s := mustNew(t, y, score, nil)
		place := func(outcome float64) (out []float64) {
			for i := range y {
				if y[i] != outcome {
					continue
				}
				sum, n := 0.0, 0.0
				for j := range y {
					if y[j] == outcome {
						continue
					}
					n++
					switch d := (score[i] - score[j]) * (2*outcome - 1); {
					case d > 0:
						sum++
					case d == 0:
						sum += 0.5
					}
				}
				out = append(out, sum/n)
			}
			return out
		}
		v1, v0 := place(1), place(0)
		mean := func(v []float64) (m, variance float64) {
			for _, x := range v {
				m += x / float64(len(v))
			}
			for _, x := range v {
				variance += (x - m) * (x - m) / float64(len(v)-1)
			}
			return m, variance
		}
		auc, s1 := mean(v1)
		_, s0 := mean(v0)
		d, err := s.DeLong(0.95)
		if err != nil {
			t.Fatal(err)
		}
		want := s1/float64(len(v1)) + s0/float64(len(v0))
		if math.Abs(d.AUC-auc) > 1e-12 || math.Abs(d.Variance-want) > 1e-12 {
			t.Fatalf("AUC %v variance %v, pair by pair %v and %v", d.AUC, d.Variance, auc, want)
		}
	})
}

func TestAUCKnowsOnlyRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, score := drawSample(t)
		auc := number(t)(mustNew(t, y, score, nil).AUC())
		logit, minus := make([]float64, len(score)), make([]float64, len(score))
		for i, p := range score {
			logit[i], minus[i] = logistic.Logit(p)*3-7, 1-p
		}
		if v := number(t)(mustNew(t, y, logit, nil).AUC()); v != auc {
			t.Fatalf("AUC %v, of a rising transform %v", auc, v)
		}
		if v := number(t)(mustNew(t, y, minus, nil).AUC()); math.Abs(v-(1-auc)) > 1e-12 {
			t.Fatalf("AUC %v, of the reverse score %v", auc, v)
		}
	})
}

func TestWeightsAreRepeatedRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, score := drawSample(t)
		weight := make([]float64, len(y))
		var yy, ss []float64
		for i := range y {
			w := rapid.IntRange(0, 3).Draw(t, "w")
			if i < 2 {
				w++
			}
			weight[i] = float64(w)
			for range w {
				yy, ss = append(yy, y[i]), append(ss, score[i])
			}
		}
		a, b := mustNew(t, y, score, weight), mustNew(t, yy, ss, nil)
		for name, pair := range map[string][2]func() (float64, error){
			"auc": {a.AUC, b.AUC}, "ap": {a.AveragePrecision, b.AveragePrecision}, "brier": {a.Brier, b.Brier},
			"log loss": {a.LogLoss, b.LogLoss}, "ratio": {a.ObservedExpected, b.ObservedExpected},
			"lift": {func() (float64, error) { v, err := a.TopShare(0.2); return v.Lift, err },
				func() (float64, error) { v, err := b.TopShare(0.2); return v.Lift, err }},
			"shift": {func() (float64, error) { v, _, err := a.Shift(); return v, err },
				func() (float64, error) { v, _, err := b.Shift(); return v, err }},
		} {
			if v, w := number(t)(pair[0]()), number(t)(pair[1]()); math.Abs(v-w) > 1e-9 {
				t.Fatalf("%s: %v with weights, %v with repeated rows", name, v, w)
			}
		}
	})
}

func TestCalibrationFindsHowScoresAreOff(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	var y, honest, extreme []float64
	for range 20_000 {
		eta := rnd.NormFloat64() - 1
		p := logistic.Expit(eta)
		v := 0.0
		if rnd.Float64() < p {
			v = 1
		}
		y, honest, extreme = append(y, v), append(honest, p), append(extreme, logistic.Expit(2*eta+0.5))
	}
	c, err := mustNew(t, y, honest, nil).Calibrate()
	if err != nil || math.Abs(c.Slope-1) > 4*c.SlopeSE || math.Abs(c.Intercept) > 4*c.InterceptSE {
		t.Errorf("honest probabilities: %+v, %v", c, err)
	}
	if shift, se, err := mustNew(t, y, honest, nil).Shift(); err != nil || math.Abs(shift) > 4*se {
		t.Errorf("honest probabilities are shifted by %v (SE %v), %v", shift, se, err)
	}
	c, err = mustNew(t, y, extreme, nil).Calibrate()
	if err != nil || math.Abs(c.Slope-0.5) > 4*c.SlopeSE || math.Abs(c.Intercept+0.25) > 4*c.InterceptSE {
		t.Errorf("probabilities twice too extreme: %+v, %v; want slope 0.5, intercept -0.25", c, err)
	}
}

// meanOf writes the weighted mean of v.
func meanOf(v []float64) func(weight, values []float64) {
	return func(weight, values []float64) {
		var sum, n float64
		for i, w := range weight {
			sum += w * v[i]
			n += w
		}
		values[0] = sum / n
	}
}

func TestBootstrapKeepsClustersTogether(t *testing.T) {
	// 200 clusters of 10 identical rows: the error of the mean is that of 200 draws, not of 2,000.
	rnd := rand.New(rand.NewPCG(1, 1))
	var v []float64
	var byCluster, byRow []int
	for g := range 200 {
		x := rnd.NormFloat64()
		for range 10 {
			byRow = append(byRow, len(v))
			v, byCluster = append(v, x), append(byCluster, g)
		}
	}
	se := func(cluster []int) float64 {
		iv, ok, err := evaluate.Bootstrap(cluster, 1, 500, 0.95, rand.New(rand.NewPCG(2, 2)), meanOf(v))
		if err != nil || !ok[0] || iv[0].Resamples != 500 || iv[0].Low >= iv[0].High {
			t.Fatalf("bootstrap: %+v %v %v", iv, ok, err)
		}
		return iv[0].SE
	}
	if got, want := se(byCluster), 1/math.Sqrt(200); got < 0.8*want || got > 1.25*want {
		t.Errorf("SE by cluster %v, want about %v", got, want)
	}
	if got, want := se(byRow), 1/math.Sqrt(2000); got < 0.8*want || got > 1.25*want {
		t.Errorf("SE by row %v, want about %v", got, want)
	}
	if se(byCluster) != se(byCluster) {
		t.Error("the same source gives another interval")
	}
}

func TestBootstrapSaysWhenAMeasureSeldomExists(t *testing.T) {
	cluster := []int{0, 1, 2, 3}
	count := 0
	iv, ok, err := evaluate.Bootstrap(cluster, 2, 100, 0.9, rand.New(rand.NewPCG(3, 3)), func(_, values []float64) {
		values[0], values[1] = math.NaN(), 1
		if count++; count%3 == 0 {
			values[0] = 5
		}
	})
	if err != nil || ok[0] || iv[0].Resamples != 33 || !ok[1] || iv[1].Low != 1 || iv[1].SE != 0 {
		t.Errorf("intervals %+v, ok %v, %v", iv, ok, err)
	}
	for name, bad := range map[string][]int{"no rows": nil, "negative cluster": {-1}, "cluster too high": {5}} {
		if _, _, err := evaluate.Bootstrap(bad, 1, 10, 0.9, rand.New(rand.NewPCG(3, 3)), meanOf(nil)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestQuantileType7(t *testing.T) {
	v := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, w := range []struct{ q, want float64 }{{0, 1}, {0.25, 3.25}, {0.5, 5.5}, {0.9, 9.1}, {1, 10}} {
		if got := evaluate.Quantile(w.q, v); math.Abs(got-w.want) > 1e-12 {
			t.Errorf("quantile %g of 1 to 10 is %v, want %v", w.q, got, w.want)
		}
	}
}

func TestStabilityOfTheSameSampleIsZeroAndSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 12).Draw(t, "baseline")
		b := rapid.SliceOfN(rapid.IntRange(0, 30), len(a), len(a)).Draw(t, "actual")
		a[0]++
		b[0]++
		same, err := evaluate.CountStability(a, a)
		if err != nil || same.PSI != 0 || same.Smoothed != 0 {
			t.Fatalf("PSI of a sample with itself %v, smoothed %v, %v", same.PSI, same.Smoothed, err)
		}
		ab, err := evaluate.CountStability(a, b)
		ba, err2 := evaluate.CountStability(b, a)
		if err != nil || err2 != nil || math.Abs(ab.PSI-ba.PSI) > 1e-12 || ab.PSI < 0 {
			t.Fatalf("PSI %v, the other way round %v", ab.PSI, ba.PSI)
		}
		if math.Abs(ab.Smoothed-ba.Smoothed) > 1e-12 || ab.Smoothed < 0 || slices.Min(ab.Terms) < 0 || len(ab.Terms) != len(a) {
			t.Fatalf("smoothed PSI %v, the other way round %v; terms %v", ab.Smoothed, ba.Smoothed, ab.Terms)
		}
	})
}

func TestStabilityOfOnePopulationStaysBelowItsLimit(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	draw := func(n int, shift float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rnd.NormFloat64() + shift
		}
		return v
	}
	over, mean := 0, 0.0
	for range 200 {
		s, err := evaluate.NumericStability(draw(300, 0), draw(300, 0), 5)
		if err != nil {
			t.Fatal(err)
		}
		mean += s.PSI / 200 / s.Expected
		if s.PSI > s.Limit95 {
			over++
		}
	}
	if over < 1 || over > 24 || math.Abs(mean-1) > 0.25 {
		t.Errorf("%d of 200 above the 95%% limit, mean PSI %.2f of the expected", over, mean)
	}
	if s, err := evaluate.NumericStability(draw(300, 0), draw(300, 1), 5); err != nil || s.PSI < 3*s.Limit95 {
		t.Errorf("a shift of one SD: PSI %v, limit %v, %v", s.PSI, s.Limit95, err)
	}
}

// Of numbers with a cap that many reach, the bin above the last edge is always empty, and cannot differ: by the degrees of
// freedom that are left, two samples of one population are beyond their limit in 5 % of the cases.
func TestStabilityOfCappedNumbersHasFewerDegreesOfFreedom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 3))
	draw := func() []float64 {
		out := make([]float64, 200)
		for i := range out {
			out[i] = min(1, rnd.Float64()/0.6)
		}
		return out
	}
	const draws, noise = 2000, 2. / 200
	beyond, mean := 0, 0.0
	for range draws {
		s, err := evaluate.NumericStability(draw(), draw(), 5)
		if err != nil {
			t.Fatal(err)
		}
		if s.PSI > noise*(distuv.ChiSquared{K: float64(s.DF)}).Quantile(0.95) {
			beyond++
		}
		mean += s.PSI / draws / (float64(s.DF) * noise)
	}
	if share := float64(beyond) / draws; share < 0.04 || share > 0.07 || math.Abs(mean-1) > 0.1 {
		t.Errorf("%.3f lie beyond the limit of 5 %%, the mean is %.2f of the expected", share, mean)
	}
}

func TestStabilityNeedsTwoSamples(t *testing.T) {
	nan := math.NaN()
	for name, f := range map[string]func() (evaluate.Stability, error){
		"all missing": func() (evaluate.Stability, error) {
			return evaluate.NumericStability([]float64{nan}, []float64{1}, 5)
		},
		"no actual":      func() (evaluate.Stability, error) { return evaluate.NumericStability([]float64{1}, nil, 5) },
		"one bin":        func() (evaluate.Stability, error) { return evaluate.NumericStability([]float64{1}, []float64{1}, 1) },
		"negative count": func() (evaluate.Stability, error) { return evaluate.CountStability([]int{1, -1}, []int{1, 1}) },
		"bins differ":    func() (evaluate.Stability, error) { return evaluate.CountStability([]int{1}, []int{1, 1}) },
		"empty counts":   func() (evaluate.Stability, error) { return evaluate.CountStability([]int{0}, []int{1}) },
	} {
		if s, err := f(); err == nil {
			t.Errorf("%s: PSI %v without an error", name, s.PSI)
		}
	}
	s, err := evaluate.NumericStability([]float64{1, 2, 3, nan}, []float64{1, 2, nan, nan}, 2)
	if err != nil || !slices.Equal(s.Baseline, []int{2, 1, 1}) || !slices.Equal(s.Actual, []int{2, 0, 2}) {
		t.Errorf("missing values: %+v, %v", s, err)
	}
}

func ExampleSample_AUC() {
	churned := []float64{1, 0, 1, 0, 0}
	risk := []float64{0.8, 0.6, 0.6, 0.2, 0.1}
	s, err := evaluate.New(churned, risk, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	auc, _ := s.AUC()
	top, _ := s.TopShare(0.2)
	fmt.Printf("AUC %.4f, lift of the top fifth %.2f\n", auc, top.Lift)
	// Output: AUC 0.9167, lift of the top fifth 2.50
}

func BenchmarkAUC(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	y, score := make([]float64, 100_000), make([]float64, 100_000)
	for i := range y {
		y[i], score[i] = float64(rnd.IntN(2)), rnd.Float64()
	}
	for b.Loop() {
		s, err := evaluate.New(y, score, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.AUC(); err != nil {
			b.Fatal(err)
		}
	}
}

// A probability that is the lower end of a bin lies in it, and the one just below in the bin before, for any number of
// bins.
func TestTheLowerEndOfABinLiesInIt(t *testing.T) {
	for bins := 1; bins <= 1000; bins++ {
		var y, p []float64
		for k := range bins {
			y, p = append(y, 0, 0), append(p, float64(k)/float64(bins), math.Nextafter(float64(k+1)/float64(bins), 0))
		}
		s, err := evaluate.New(y, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.ByWidth(bins)
		if err != nil {
			t.Fatal(err)
		}
		for k, b := range r.Bins {
			if mean := (p[2*k] + p[2*k+1]) / 2; b.N != 2 || math.Abs(b.MeanScore-mean) > 1e-15 {
				t.Fatalf("bin %d of %d holds %v rows with mean %v, want 2 with %v", k, bins, b.N, b.MeanScore, mean)
			}
		}
	}
}
