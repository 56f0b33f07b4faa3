package survival

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// riskSets walks through the event times from the last to the first and keeps the sums over the rows at risk. Its
// columns are centred and scaled, so that sums lose no digits and one step rule fits all units.
type riskSets struct {
	n, p        int
	x           []float64
	mean, scale []float64
	start, stop []float64
	event       []bool
	ties        Ties
	events      int
	// byStop and byStart hold the rows from the latest to the earliest; byStart is nil where all start together.
	byStop, byStart []int
}

// evaluation is the partial likelihood at one beta, with the gradient and the negative Hessian, upper triangle.
type evaluation struct {
	logLikelihood float64
	score         []float64
	information   []float64
}

func newRiskSets(d *CoxData, ties Ties) (*riskSets, error) {
	n, p := len(d.Stop), len(d.Columns)
	r := &riskSets{n: n, p: p, start: d.Start, stop: d.Stop, event: d.Event, ties: ties,
		x: make([]float64, n*p), mean: make([]float64, p), scale: make([]float64, p)}
	for _, e := range d.Event {
		if e {
			r.events++
		}
	}
	for j := range p {
		for i := range n {
			r.mean[j] += d.X[i*p+j] / float64(n)
		}
		variance := 0.0
		for i := range n {
			r.x[i*p+j] = d.X[i*p+j] - r.mean[j]
			variance += r.x[i*p+j] * r.x[i*p+j] / float64(n)
		}
		r.scale[j] = math.Sqrt(variance)
		if r.scale[j] <= 1e-13*math.Abs(r.mean[j]) || r.scale[j] == 0 {
			return nil, &CoxError{Columns: d.Columns[j : j+1], Reason: "the column is constant"}
		}
		for i := range n {
			r.x[i*p+j] /= r.scale[j]
		}
	}
	r.byStop = byDescending(n, func(i int) float64 { return d.Stop[i] })
	if d.Start != nil {
		r.byStart = byDescending(n, func(i int) float64 { return d.Start[i] })
	}
	return r, nil
}

// byDescending returns the positions 0 to n-1 by the key, the largest first, and then by position.
func byDescending(n int, key func(int) float64) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key(b), key(a)) })
	return order
}

// sums are S0 = sum w, S1 = sum w x and S2 = sum w x x' (upper triangle) over some rows, w = exp(eta).
type sums struct {
	s0     float64
	s1, s2 []float64
}

func newSums(p int) sums { return sums{s1: make([]float64, p), s2: make([]float64, p*p)} }

func (s *sums) reset() {
	s.s0 = 0
	clear(s.s1)
	clear(s.s2)
}

// add adds a row of weight w, or takes it away where w is negative.
func (s *sums) add(w float64, x []float64) {
	p := len(x)
	s.s0 += w
	for i, xi := range x {
		wx := w * xi
		s.s1[i] += wx
		row := s.s2[i*p+i : i*p+p]
		for j, xj := range x[i:] {
			row[j] += wx * xj
		}
	}
}

// moment is one event time with the rows at risk and those that have the event.
type moment struct {
	time         float64
	deaths       []int
	risk, events *sums
	eta          []float64
}

// walk calls visit at every event time, from the last to the first. The sums are those of weights
// exp(eta - max eta), whose max walk returns.
func (r *riskSets) walk(beta []float64, visit func(*moment)) (largest float64) {
	p := r.p
	eta, weight := make([]float64, r.n), make([]float64, r.n)
	largest = math.Inf(-1)
	for i := range r.n {
		for j, b := range beta {
			eta[i] += b * r.x[i*p+j]
		}
		largest = math.Max(largest, eta[i])
	}
	for i := range weight {
		weight[i] = math.Exp(eta[i] - largest)
	}
	risk, events := newSums(p), newSums(p)
	m := &moment{risk: &risk, events: &events, eta: eta}
	next, gone, peak := 0, 0, 0.0
	for next < r.n {
		m.time, m.deaths = r.stop[r.byStop[next]], m.deaths[:0]
		events.reset()
		for ; next < r.n && r.stop[r.byStop[next]] == m.time; next++ {
			i := r.byStop[next]
			x := r.x[i*p : (i+1)*p]
			risk.add(weight[i], x)
			if r.event[i] {
				m.deaths = append(m.deaths, i)
				events.add(weight[i], x)
			}
		}
		for ; gone < len(r.byStart) && r.start[r.byStart[gone]] >= m.time; gone++ {
			i := r.byStart[gone]
			risk.add(-weight[i], r.x[i*p:(i+1)*p])
		}
		// Where rows of large weight have been taken away again, their rounding is all that is left of the others.
		if peak = math.Max(peak, risk.s0); len(r.byStart) > 0 && !(risk.s0 > lostDigits*peak) {
			r.recount(m.time, weight, &risk)
			peak = risk.s0
		}
		if len(m.deaths) > 0 {
			visit(m)
		}
	}
	return largest
}

// lostDigits is the share of their largest value to which sums may fall by taking away before they are counted anew.
const lostDigits = 1e-4

// recount sums the rows at risk at a time from nothing.
func (r *riskSets) recount(t float64, weight []float64, risk *sums) {
	risk.reset()
	for i, stop := range r.stop {
		if stop >= t && r.start[i] < t {
			risk.add(weight[i], r.x[i*r.p:(i+1)*r.p])
		}
	}
}

// fraction is the part of the events' own weight that is left out of the risk set at the k-th of d events at one time.
func (r *riskSets) fraction(k, d int) float64 {
	if r.ties == Breslow {
		return 0
	}
	return float64(k) / float64(d)
}

// smallestNormal is the smallest float64 with all its digits.
const smallestNormal = 0x1p-1022

// evaluate computes the partial likelihood. With the fraction f of Efron and
// a = S1(risk) - f S1(events), b = S0(risk) - f S0(events), each event adds log(exp(eta)/b), x - a/b, and
// (S2(risk) - f S2(events))/b - (a/b)(a/b)'.
func (r *riskSets) evaluate(beta []float64) *evaluation {
	p := r.p
	e := &evaluation{score: make([]float64, p), information: make([]float64, p*p)}
	mean := make([]float64, p)
	logSums, etaSum := 0.0, 0.0
	largest := r.walk(beta, func(m *moment) {
		for _, i := range m.deaths {
			etaSum += m.eta[i]
			for j := range p {
				e.score[j] += r.x[i*p+j]
			}
		}
		for k := range m.deaths {
			f := r.fraction(k, len(m.deaths))
			s0 := m.risk.s0 - f*m.events.s0
			if s0 < smallestNormal {
				logSums = math.NaN() // these weights are beyond a float64 beside the largest of all
			}
			logSums += math.Log(s0)
			for j := range p {
				mean[j] = (m.risk.s1[j] - f*m.events.s1[j]) / s0
				e.score[j] -= mean[j]
			}
			for i := range p {
				for j := i; j < p; j++ {
					e.information[i*p+j] += (m.risk.s2[i*p+j]-f*m.events.s2[i*p+j])/s0 - mean[i]*mean[j]
				}
			}
		}
	})
	e.logLikelihood = etaSum - logSums - float64(r.events)*largest
	if math.IsNaN(e.logLikelihood) {
		e.logLikelihood = math.Inf(-1) // Weights beyond the range of a float64: a step too far.
	}
	return e
}

// unscale returns gradient and information in the units of the columns as they were given.
func (r *riskSets) unscale(e *evaluation) ([]float64, *mat.SymDense) {
	score, info := make([]float64, r.p), mat.NewSymDense(r.p, nil)
	for i := range r.p {
		score[i] = e.score[i] * r.scale[i]
		for j := i; j < r.p; j++ {
			info.SetSym(i, j, e.information[i*r.p+j]*r.scale[i]*r.scale[j])
		}
	}
	return score, info
}

// penalty is (ridge/2) sum of beta^2 in the units of the columns.
func (r *riskSets) penalty(beta []float64, ridge float64) float64 {
	sum := 0.0
	for j, b := range beta {
		sum += b / r.scale[j] * (b / r.scale[j])
	}
	return ridge / 2 * sum
}

// largestMove is the largest change of a linear predictor that the step makes.
func (r *riskSets) largestMove(step []float64) float64 {
	largest := 0.0
	for i := range r.n {
		move := 0.0
		for j, s := range step {
			move += s * r.x[i*r.p+j]
		}
		largest = math.Max(largest, math.Abs(move))
	}
	return largest
}

// baseline is the cumulative hazard at the column means, by the same fractions as the likelihood, with what its variance
// needs: 1/s0 of each event is a step dL, s1/s0 the mean of the columns at risk then.
func (r *riskSets) baseline(beta []float64) ([]Step, spread) {
	var steps []Step
	var of spread // from the last time to the first, not yet running
	pull := make([]float64, r.p)
	largest := r.walk(beta, func(m *moment) {
		increment, squares := 0.0, 0.0
		clear(pull)
		for k := range m.deaths {
			f := r.fraction(k, len(m.deaths))
			step := 1 / (m.risk.s0 - f*m.events.s0)
			increment += step
			squares += step * step
			for j := range pull {
				pull[j] += (m.risk.s1[j] - f*m.events.s1[j]) * step * step
			}
		}
		steps = append(steps, Step{m.time, increment})
		of.variance, of.pull = append(of.variance, squares), append(of.pull, pull...)
	})
	slices.Reverse(steps)
	scale, total, squares := math.Exp(-largest), 0.0, 0.0
	sum := spread{variance: make([]float64, len(steps)), pull: make([]float64, len(of.pull))}
	clear(pull)
	for i := range steps {
		last := len(steps) - 1 - i
		total += steps[i].Hazard * scale
		squares += of.variance[last] * scale * scale
		steps[i].Hazard, sum.variance[i] = total, squares
		for j := range pull {
			pull[j] += of.pull[last*r.p+j] * scale
			sum.pull[i*r.p+j] = pull[j]
		}
	}
	return steps, sum
}
