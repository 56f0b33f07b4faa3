package survival

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// RankTest is the outcome of a log-rank test.
type RankTest struct {
	// Observed and Expected events of each sample; Variance is the covariance of their difference.
	Observed, Expected []float64
	Variance           *mat.SymDense
	// Chi2 has DF degrees of freedom; P is its upper tail probability.
	Chi2 float64
	DF   int
	P    float64
}

const notCompared = "a sample is not compared with the others: at no event is it at risk together with rows of them, some of which go on"

// LogRank tests whether the samples have the same curve: at each event time a sample with n_g of the n at risk is expected
// to have d n_g/n of the d events, with the variance of a hypergeometric draw, d (n-d)/(n-1) n_g/n (1 - n_g/n); chi-squared
// is U' V^-1 U of the summed differences of all samples but one. It needs at least two samples, each of them at risk together
// with rows of the others at an event that not all of these rows have; the error is an *InputError. (Mantel, Cancer
// Chemotherapy Reports 50, 1966; R: survdiff, which leaves out a sample that is not compared.)
func LogRank(samples []Sample) (*RankTest, error) {
	k := len(samples)
	if k < 2 {
		return nil, &InputError{Row: -1, Reason: "a log-rank test needs at least 2 samples"}
	}
	curves := make([]*Curve, k)
	risks := make([]*riskSet, k)
	var times []float64
	for g, s := range samples {
		var err error
		if curves[g], err = KaplanMeier(s); err != nil {
			return nil, err
		}
		risks[g] = newRiskSet(s.Entry, len(s.Time))
		for _, p := range curves[g].Points {
			if p.Events > 0 {
				times = append(times, p.Time)
			}
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	if len(times) == 0 {
		return nil, &InputError{Row: -1, Reason: "no events to compare"}
	}
	r := &RankTest{Observed: make([]float64, k), Expected: make([]float64, k), Variance: mat.NewSymDense(k, nil), DF: k - 1}
	next := make([]int, k) // first point of each curve not yet passed
	n, d := make([]float64, k), make([]float64, k)
	for _, t := range times {
		var sumN, sumD float64
		for g, c := range curves {
			for next[g] < len(c.Points) && c.Points[next[g]].Time < t {
				risks[g].leave(c.Points[next[g]].Events + c.Points[next[g]].Censored)
				next[g]++
			}
			n[g], d[g] = float64(risks[g].at(t)), 0
			if next[g] < len(c.Points) && c.Points[next[g]].Time == t {
				d[g] = float64(c.Points[next[g]].Events)
			}
			sumN += n[g]
			sumD += d[g]
		}
		r.add(n, d, sumN, sumD)
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	return r, nil
}

// add counts the events at one time: n at risk and d events in each sample.
func (r *RankTest) add(n, d []float64, sumN, sumD float64) {
	spread := 0.0
	if sumN > 1 {
		spread = sumD * (sumN - sumD) / (sumN - 1)
	}
	for g := range n {
		share := n[g] / sumN
		r.Observed[g] += d[g]
		r.Expected[g] += sumD * share
		r.Variance.SetSym(g, g, r.Variance.At(g, g)+spread*share*(1-share))
		for h := g + 1; h < len(n); h++ {
			r.Variance.SetSym(g, h, r.Variance.At(g, h)-spread*share*n[h]/sumN)
		}
	}
}

// finish computes the statistic from all samples but the last, whose difference follows from the others.
func (r *RankTest) finish() error {
	m := r.DF
	v := mat.NewSymDense(m, nil)
	diff := mat.NewVecDense(m, nil)
	scale := make([]float64, m) // to a unit diagonal, so that samples of very different size do not look like dependence
	for g := range m {
		if !(r.Variance.At(g, g) > 0) {
			return &InputError{Row: -1, Reason: notCompared}
		}
		scale[g] = 1 / math.Sqrt(r.Variance.At(g, g))
		diff.SetVec(g, scale[g]*(r.Observed[g]-r.Expected[g]))
	}
	for g := range m {
		for h := g; h < m; h++ {
			v.SetSym(g, h, scale[g]*r.Variance.At(g, h)*scale[h])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(v) || chol.Cond() > 1e10 {
		return &InputError{Row: -1, Reason: notCompared}
	}
	var x mat.VecDense
	if err := chol.SolveVecTo(&x, diff); err != nil {
		return &InputError{Row: -1, Reason: notCompared}
	}
	r.Chi2 = math.Max(0, mat.Dot(diff, &x))
	r.P = distuv.ChiSquared{K: float64(m)}.Survival(r.Chi2)
	return nil
}
