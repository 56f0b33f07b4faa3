package survival

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// ChiSquared is a test whose statistic has a chi-squared distribution.
type ChiSquared struct {
	Statistic float64
	DF        int
	P         float64
}

func chiSquared(statistic float64, df int) ChiSquared {
	return ChiSquared{Statistic: statistic, DF: df, P: distuv.ChiSquared{K: float64(df)}.Survival(statistic)}
}

// LikelihoodRatio is twice what the log likelihood gains over coefficients of 0; false for a penalised fit, for which the
// statistic does not have that distribution.
func (c *Cox) LikelihoodRatio() (ChiSquared, bool) {
	return chiSquared(2*(c.LogLikelihood-c.NullLogLikelihood), len(c.Columns)), c.Penalty == 0
}

// Wald is beta' V^-1 beta; false for a penalised fit.
func (c *Cox) Wald() (ChiSquared, bool) {
	statistic, ok := inverseForm(c.Covariance, c.Coefficients)
	return chiSquared(statistic, len(c.Columns)), ok && c.Penalty == 0
}

// ScoreTest is U' I^-1 U at 0, which with one column of 0 and 1 is the log-rank test; false for a penalised fit.
func (c *Cox) ScoreTest() (ChiSquared, bool) {
	statistic, ok := inverseForm(c.Information, c.Score)
	return chiSquared(statistic, len(c.Columns)), ok && c.Penalty == 0
}

// inverseForm is v' A^-1 v; false where A is not positive definite.
func inverseForm(a *mat.SymDense, v []float64) (float64, bool) {
	var chol mat.Cholesky
	if !chol.Factorize(a) {
		return 0, false
	}
	x, b := new(mat.VecDense), mat.NewVecDense(len(v), slices.Clone(v))
	if err := chol.SolveVecTo(x, b); err != nil {
		return 0, false
	}
	return mat.Dot(b, x), true
}

// scaledBeta are the coefficients of the scaled columns.
func (c *Cox) scaledBeta() []float64 {
	beta := make([]float64, len(c.Coefficients))
	for j, b := range c.Coefficients {
		beta[j] = b * c.risk.scale[j]
	}
	return beta
}

// Residuals are the martingale residuals, one a row: events that happened less events that the model expected.
func (c *Cox) Residuals() []float64 {
	r, beta := c.risk, c.scaledBeta()
	type jump struct {
		time float64
		// all is the step for rows that live on, tied that for rows which have the event at it: of the k-th of d tied
		// events they carry the share 1 - k/d alone.
		all, tied float64
	}
	var jumps []jump
	largest := r.walk(beta, func(m *moment) {
		j := jump{time: m.time}
		for k := range m.deaths {
			f := r.fraction(k, len(m.deaths))
			step := 1 / (m.risk.s0 - f*m.events.s0)
			j.all += step
			j.tied += (1 - f) * step
		}
		jumps = append(jumps, j)
	})
	slices.Reverse(jumps)
	// before[k] is the hazard before the k-th event time.
	before := make([]float64, len(jumps)+1)
	for k, j := range jumps {
		before[k+1] = before[k] + j.all
	}
	upTo := func(t float64) int { // the number of event times up to t
		k, found := slices.BinarySearchFunc(jumps, t, func(j jump, t float64) int {
			switch {
			case j.time < t:
				return -1
			case j.time > t:
				return 1
			}
			return 0
		})
		if found {
			k++
		}
		return k
	}
	out := make([]float64, r.n)
	for i := range out {
		k, eta := upTo(r.stop[i]), 0.0
		hazard := before[k]
		if r.event[i] {
			hazard, out[i] = before[k-1]+jumps[k-1].tied, 1
		}
		if r.start != nil {
			hazard -= before[upTo(r.start[i])]
		}
		for j, b := range beta {
			eta += b * r.x[i*r.p+j]
		}
		out[i] -= hazard * math.Exp(eta-largest)
	}
	return out
}

// Proportionality tests whether the effect of each column stays the same over time: the score test of a coefficient on
// x g(t), where g is 1 less the Kaplan-Meier curve just before t. The last value tests all columns at once. With u the
// sum of g(t) times the Schoenfeld residuals and V the information at each event,
//
//	u' (sum g^2 V - sum g V (sum V)^-1 sum g V)^-1 u ,
//
// as cox.zph of R's survival 3 does with transform "km". With a ridge the residuals sum to a score s and not to 0, and
// sum g V (sum V)^-1 s is taken from u: shrunken coefficients are not changing ones. False where the columns vary too little
// at the event times.
func (c *Cox) Proportionality() (columns []ChiSquared, all ChiSquared, ok bool) {
	p, r := len(c.Columns), c.risk
	g := r.kaplanMeier()
	u, score := make([]float64, p), make([]float64, p)
	v, gv, ggv := mat.NewDense(p, p, nil), mat.NewDense(p, p, nil), mat.NewDense(p, p, nil)
	mean := make([]float64, p)
	r.walk(c.scaledBeta(), func(m *moment) {
		at := g[m.time]
		for _, i := range m.deaths {
			for j := range p {
				u[j] += at * r.x[i*p+j]
				score[j] += r.x[i*p+j]
			}
		}
		for k := range m.deaths {
			f := r.fraction(k, len(m.deaths))
			s0 := m.risk.s0 - f*m.events.s0
			for j := range p {
				mean[j] = (m.risk.s1[j] - f*m.events.s1[j]) / s0
				u[j] -= at * mean[j]
				score[j] -= mean[j]
			}
			for i := range p {
				for j := range p {
					a, b := min(i, j), max(i, j)
					x := (m.risk.s2[a*p+b]-f*m.events.s2[a*p+b])/s0 - mean[i]*mean[j]
					v.Set(i, j, v.At(i, j)+x)
					gv.Set(i, j, gv.At(i, j)+at*x)
					ggv.Set(i, j, ggv.At(i, j)+at*at*x)
				}
			}
		}
	})
	var solved, product mat.Dense
	if err := solved.Solve(v, gv); err != nil {
		return nil, ChiSquared{}, false
	}
	for j := range p {
		u[j] -= mat.Dot(mat.NewVecDense(p, score), solved.ColView(j))
	}
	product.Mul(gv.T(), &solved)
	left := mat.NewSymDense(p, nil)
	for i := range p {
		for j := i; j < p; j++ {
			left.SetSym(i, j, ggv.At(i, j)-product.At(i, j))
		}
		if left.At(i, i) <= 1e-12*ggv.At(i, i) {
			return nil, ChiSquared{}, false
		}
		columns = append(columns, chiSquared(u[i]*u[i]/left.At(i, i), 1))
	}
	statistic, ok := inverseForm(left, u)
	return columns, chiSquared(statistic, p), ok
}

// kaplanMeier returns 1 less the curve just before each event time, all rows together.
func (r *riskSets) kaplanMeier() map[float64]float64 {
	type stop struct{ time, events, atRisk float64 }
	var stops []stop
	r.walk(make([]float64, r.p), func(m *moment) {
		stops = append(stops, stop{m.time, float64(len(m.deaths)), m.risk.s0}) // all weights are 1
	})
	out, survival := make(map[float64]float64, len(stops)), 1.0
	for _, s := range slices.Backward(stops) {
		out[s.time] = 1 - survival
		survival *= 1 - s.events/s.atRisk
	}
	return out
}
