package evaluate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// measurement gives the numbers of a measure of a sample, or its error.
type measurement func(s *evaluate.Sample) ([]float64, error)

func single(f func(*evaluate.Sample) (float64, error)) measurement {
	return func(s *evaluate.Sample) ([]float64, error) { v, err := f(s); return []float64{v}, err }
}

func measurements() map[string]measurement {
	return map[string]measurement{
		"AUC":               single((*evaluate.Sample).AUC),
		"average precision": single((*evaluate.Sample).AveragePrecision),
		"Brier":             single((*evaluate.Sample).Brier),
		"Brier skill":       single((*evaluate.Sample).BrierSkill),
		"log loss":          single((*evaluate.Sample).LogLoss),
		"expected":          single((*evaluate.Sample).Expected),
		"ratio":             single((*evaluate.Sample).ObservedExpected),
		"KS":                single((*evaluate.Sample).KolmogorovSmirnov),
		"base rates": func(s *evaluate.Sample) ([]float64, error) {
			return []float64{s.BaseRate(), s.BrierOfBaseRate(), s.LogLossOfBaseRate(), s.N(), s.Events()}, nil
		},
		"DeLong": func(s *evaluate.Sample) ([]float64, error) {
			d, err := s.DeLong(0.95)
			return []float64{d.AUC, d.Variance, d.Low, d.High}, err
		},
		"ROC": func(s *evaluate.Sample) (out []float64, err error) {
			points, err := s.ROC()
			for _, p := range points {
				out = append(out, p.Threshold, p.FalsePositive, p.TruePositive)
			}
			return out, err
		},
		"top": func(s *evaluate.Sample) ([]float64, error) {
			t, err := s.TopShare(0.1)
			return []float64{t.K, t.Hits, t.Precision, t.Recall, t.Lift}, err
		},
		"bins by width": func(s *evaluate.Sample) ([]float64, error) { return bins(s.ByWidth(10)) },
		"bins by count": func(s *evaluate.Sample) ([]float64, error) { return bins(s.ByCount(5)) },
		"calibration": func(s *evaluate.Sample) ([]float64, error) {
			c, err := s.Calibrate()
			return []float64{c.Intercept, c.Slope, c.InterceptSE, c.SlopeSE}, err
		},
		"recalibration": func(s *evaluate.Sample) ([]float64, error) {
			r, err := s.Recalibrate(10)
			return []float64{r.Intercept, r.Slope}, err
		},
		"shift": func(s *evaluate.Sample) ([]float64, error) {
			shift, se, err := s.Shift()
			return []float64{shift, se}, err
		},
		"Platt": func(s *evaluate.Sample) ([]float64, error) {
			g, err := s.Platt()
			return []float64{g.A, g.B, g.At(0.5), g.At(-1e12), g.At(1e12)}, err
		},
		"isotonic": func(s *evaluate.Sample) (out []float64, err error) {
			f := s.Isotonic()
			for _, b := range f.Blocks {
				out = append(out, b.Low, b.High, b.Value, b.Weight)
			}
			return append(out, f.At(0.5), f.At(-1e12), f.At(1e12)), nil
		},
	}
}

func bins(r evaluate.Reliability, err error) ([]float64, error) {
	out := []float64{r.ECE, r.MCE}
	for _, b := range r.Bins {
		out = append(out, b.N, b.MeanScore, b.ObservedRate)
	}
	return out, err
}

// rows are outcomes, probabilities and weights that a case damages.
type rows struct{ y, score, weight []float64 }

func healthy() rows {
	r := rows{}
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		p := 0.05 + 0.9*rnd.Float64()
		y := 0.0
		if rnd.Float64() < p {
			y = 1
		}
		r.y, r.score, r.weight = append(r.y, y), append(r.score, p), append(r.weight, 1)
	}
	return r
}

// Whatever is wrong with the rows, a sample is refused with a reason, or each of its measures is finite numbers or an
// error with a reason.
func TestRobustness(t *testing.T) {
	for _, c := range []struct {
		name    string
		damage  func(r *rows)
		refused bool // by New
		whole   bool // every measure exists
	}{
		{"nothing wrong", func(*rows) {}, false, true},
		{"constant scores", func(r *rows) { r.score = slices.Repeat([]float64{0.3}, 40) }, false, false},
		{"scores of 0", func(r *rows) { r.score = make([]float64, 40) }, false, false},
		{"scores of 1e12", func(r *rows) { scale(r.score, 1e12) }, false, false},
		{"scores of 1e-12", func(r *rows) { scale(r.score, 1e-12) }, false, false},
		{"scores of 1e300", func(r *rows) { scale(r.score, 1e300) }, false, false},
		{"scores of 1e-310", func(r *rows) { scale(r.score, 1e-310) }, false, false},
		{"one event", func(r *rows) { clear(r.y); r.y[3] = 1 }, false, false},
		{"no events", func(r *rows) { clear(r.y) }, false, false},
		{"all events", func(r *rows) { r.y = slices.Repeat([]float64{1}, 40) }, false, false},
		{"separated", func(r *rows) {
			for i, p := range r.score {
				r.y[i] = math.Round(p)
			}
		}, false, false},
		{"weights of 1e12", func(r *rows) { scale(r.weight, 1e12) }, false, false},
		{"weights of 1e-12", func(r *rows) { scale(r.weight, 1e-12) }, false, false},
		{"weights of 1e90 and 1e-90", func(r *rows) { scale(r.weight[:20], 1e90); scale(r.weight[20:], 1e-90) }, false, false},
		{"weights of 1e300", func(r *rows) { scale(r.weight, 1e300) }, true, false},
		{"weights of 1e-300", func(r *rows) { scale(r.weight, 1e-300) }, true, false},
		{"zero weights", func(r *rows) { clear(r.weight) }, true, false},
		{"one row with weight", func(r *rows) { clear(r.weight); r.weight[0] = 1 }, false, false},
		{"negative weight", func(r *rows) { r.weight[1] = -1 }, true, false},
		{"NaN score", func(r *rows) { r.score[1] = math.NaN() }, true, false},
		{"infinite score", func(r *rows) { r.score[1] = math.Inf(-1) }, true, false},
		{"NaN outcome", func(r *rows) { r.y[1] = math.NaN() }, true, false},
		{"NaN weight", func(r *rows) { r.weight[1] = math.NaN() }, true, false},
		{"n = 0", func(r *rows) { *r = rows{} }, true, false},
		{"n = 1", func(r *rows) { r.y, r.score, r.weight = r.y[:1], r.score[:1], r.weight[:1] }, false, false},
		{"n = 2", func(r *rows) { r.y, r.score, r.weight = []float64{0, 1}, r.score[:2], r.weight[:2] }, false, false},
		{"one score too few", func(r *rows) { r.score = r.score[:39] }, true, false},
		{"one weight too few", func(r *rows) { r.weight = r.weight[:39] }, true, false},
	} {
		for name, of := range measurements() {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				r := healthy()
				c.damage(&r)
				weight := r.weight
				if name == "DeLong" && !c.refused {
					weight = nil // it takes none
				}
				s, err := evaluate.New(r.y, r.score, weight)
				if (err != nil) != c.refused || err != nil && err.Error() == "" {
					t.Fatalf("refused: %v", err)
				}
				if err != nil {
					return
				}
				got, err := of(s)
				if err != nil && (c.whole || err.Error() == "") {
					t.Fatalf("error %v", err)
				}
				if err == nil && !allFinite(got) {
					t.Fatalf("not a number in %v", got)
				}
			})
		}
	}
}

func scale(v []float64, by float64) {
	for i := range v {
		v[i] *= by
	}
}

func allFinite(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

// The measures of ranks do not know in what units the scores are, and none knows those of the weights; the calibrators
// follow the units.
func TestScalesDoNotMatter(t *testing.T) {
	r := healthy()
	base := mustNew(t, r.y, r.score, r.weight)
	for _, by := range []float64{1e12, 1e-12} {
		other := healthy()
		scale(other.score, by)
		scaled := mustNew(t, other.y, other.score, other.weight)
		for _, name := range []string{"AUC", "average precision", "KS", "top", "Platt", "isotonic"} {
			want, err := measurements()[name](base)
			if err != nil {
				t.Fatal(err)
			}
			got, err := measurements()[name](scaled)
			switch name {
			case "Platt": // A in units of 1/score
				want, got = want[:2], []float64{got[0] * by, got[1]}
			case "isotonic":
				var values []float64
				for _, b := range base.Isotonic().Blocks {
					values = append(values, b.Value)
				}
				want, got = values, nil
				for _, b := range scaled.Isotonic().Blocks {
					got = append(got, b.Value)
				}
			}
			if err != nil || !allNear(got, want) {
				t.Errorf("scores times %g, %s: %v (%v), want %v", by, name, got, err, want)
			}
		}
		other = healthy()
		scale(other.weight, by)
		weighted := mustNew(t, other.y, other.score, other.weight)
		for _, name := range []string{"AUC", "average precision", "KS", "Brier", "Brier skill", "log loss", "ratio"} {
			want, err := measurements()[name](base)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := measurements()[name](weighted); err != nil || !allNear(got, want) {
				t.Errorf("weights times %g, %s: %v (%v), want %v", by, name, got, err, want)
			}
		}
	}
}

func allNear(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(b)) })
}

// Arguments that make no sense are refused, or answered by a finite number.
func TestArgumentsBeyondReason(t *testing.T) {
	r := healthy()
	s := mustNew(t, r.y, r.score, nil)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 2, 1e300} {
		if top, err := s.TopShare(v); err == nil {
			t.Errorf("top share of %v: %+v", v, top)
		}
		if d, err := s.DeLong(v); err == nil {
			t.Errorf("DeLong at level %v: %+v", v, d)
		}
		if low, high, err := evaluate.Wilson(1, 2, v); err == nil {
			t.Errorf("Wilson at level %v: %v to %v", v, low, high)
		}
		if low, high, err := evaluate.Wilson(v, v, 0.95); err == nil && !allFinite([]float64{low, high}) {
			t.Errorf("Wilson of %v: %v to %v", v, low, high)
		}
	}
	for _, n := range []int{-1, 0, math.MaxInt} {
		if got, err := s.ByCount(n); err == nil {
			t.Errorf("%d bins by count: %v", n, got.ECE)
		}
		if got, err := s.ByWidth(n); err == nil {
			t.Errorf("%d bins by width: %v", n, got.ECE)
		}
		if got, err := evaluate.NumericStability(r.score, r.score, n); err == nil {
			t.Errorf("stability of %d bins: %v", n, got.PSI)
		}
	}
	measure := func(_, values []float64) { values[0] = 1 }
	rnd := rand.New(rand.NewPCG(1, 1))
	for name, err := range map[string]error{
		"no clusters":      bootstrap(nil, 1, 10, 0.9, rnd, measure),
		"cluster of -1":    bootstrap([]int{0, -1}, 1, 10, 0.9, rnd, measure),
		"cluster of 9":     bootstrap([]int{0, 9}, 1, 10, 0.9, rnd, measure),
		"no resamples":     bootstrap([]int{0, 1}, 1, 0, 0.9, rnd, measure),
		"no measures":      bootstrap([]int{0, 1}, 0, 10, 0.9, rnd, measure),
		"fewer than none":  bootstrap([]int{0, 1}, -1, 10, 0.9, rnd, measure),
		"level 1":          bootstrap([]int{0, 1}, 1, 10, 1, rnd, measure),
		"no random source": bootstrap([]int{0, 1}, 1, 10, 0.9, nil, measure),
	} {
		if err == nil {
			t.Errorf("bootstrap with %s is not refused", name)
		}
	}
}

func bootstrap(cluster []int, measures, resamples int, level float64, rnd *rand.Rand, measure func(w, v []float64)) error {
	_, _, err := evaluate.Bootstrap(cluster, measures, resamples, level, rnd, measure)
	return err
}

func TestStabilityOfAnyValues(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := []float64{1, 2, 3, 4, 5}
	for _, c := range []struct {
		name             string
		baseline, actual []float64
		refused          bool
	}{
		{"same", good, good, false},
		{"constant", []float64{7, 7, 7}, []float64{7, 7}, false},
		{"constant against others", []float64{7, 7, 7}, good, false},
		{"missing now", good, []float64{nan, nan}, false},
		{"missing before", []float64{nan, nan}, good, true},
		{"infinite now", good, []float64{1, inf}, true},
		{"infinite before", []float64{1, -inf}, good, true},
		{"extremes", []float64{-math.MaxFloat64, math.MaxFloat64}, []float64{0, math.MaxFloat64}, false},
		{"nothing now", good, nil, true},
		{"nothing before", nil, good, true},
		{"one value each", []float64{1}, []float64{2}, false},
		{"scale of 1e12", []float64{1e12, 2e12, 3e12}, []float64{1e12, 5e12}, false},
		{"scale of 1e-12", []float64{1e-12, 2e-12, 3e-12}, []float64{1e-12, 5e-12}, false},
	} {
		got, err := evaluate.NumericStability(c.baseline, c.actual, 4)
		if (err != nil) != c.refused || !allFinite(append([]float64{got.PSI, got.Expected, got.Limit95}, got.Edges...)) {
			t.Errorf("%s: %+v, error %v", c.name, got, err)
		}
	}
	for name, counts := range map[string][2][]int{"lengths": {{1}, {1, 2}}, "negative": {{1, -1}, {1, 1}}, "nothing": {nil, nil}, "zeros": {{0, 0}, {1, 1}}} {
		if got, err := evaluate.CountStability(counts[0], counts[1]); err == nil {
			t.Errorf("%s: %s", name, fmt.Sprint(got.PSI))
		}
	}
}
