package survival

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/partnerhealth/partnerhealth/models/internal/newton"
)

// Grouped is a proportional hazards model in discrete time: the probability that the event happens in a period, given
// that it has not happened before, is 1 - exp(-exp(b0 + x b)), the complementary log-log link. Pooled over the periods of
// all subjects it is Cox's model for grouped times (Prentice and Gloeckler, Biometrics 34, 1978). At hazards of a few
// percent a period its coefficients are those of a pooled logistic regression but for some percent.
type Grouped struct {
	// Coefficients have the intercept first; SE are their standard errors from the expected information.
	Coefficients, SE []float64
	// Deviance is -2 log likelihood.
	Deviance float64
}

// FitGrouped fits a row for each subject and period: X has len(columns) values a row, event tells whether it happened in
// the period. It returns an *InputError for values that are none or when all or none have the event, and an error that
// wraps the reason where no finite solution exists.
func FitGrouped(x []float64, event []bool, columns []string) (*Grouped, error) {
	p, n := len(columns), len(event)
	if len(x) != n*p {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d values for %d rows of %d", len(x), n, p)}
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, &InputError{Row: i / p, Reason: fmt.Sprintf("column %s is not a finite number", columns[i%p])}
		}
	}
	f := &grouped{x: x, event: event, p: p, mean: make([]float64, p), sd: make([]float64, p)}
	events := 0
	for _, e := range event {
		if e {
			events++
		}
	}
	if events == 0 || events == n {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("%d events in %d rows", events, n)}
	}
	for j := range p {
		for i := range n {
			f.mean[j] += x[i*p+j] / float64(n)
		}
		for i := range n {
			d := x[i*p+j] - f.mean[j]
			f.sd[j] += d * d / float64(n)
		}
		if f.sd[j] = math.Sqrt(f.sd[j]); f.sd[j] <= 1e-13*math.Abs(f.mean[j]) || f.sd[j] == 0 {
			return nil, &CoxError{Columns: columns[j : j+1], Reason: "the column is constant"}
		}
	}
	beta := make([]float64, p+1)
	beta[0] = math.Log(-math.Log1p(-float64(events) / float64(n)))
	loss, _, err := newton.Minimise(f, beta)
	if err != nil {
		return nil, fmt.Errorf("fit grouped hazards: %w", err)
	}
	g := &Grouped{Coefficients: make([]float64, p+1), SE: make([]float64, p+1), Deviance: 2 * loss}
	back := mat.NewDense(p+1, p+1, nil)
	back.Set(0, 0, 1)
	for j := range p {
		back.Set(j+1, j+1, 1/f.sd[j])
		back.Set(0, j+1, -f.mean[j]/f.sd[j])
	}
	var coefficients mat.VecDense
	coefficients.MulVec(back, mat.NewVecDense(p+1, beta))
	inverse, err := newton.Inverse(f.expected(beta))
	if err != nil {
		return nil, fmt.Errorf("fit grouped hazards: %w", err)
	}
	var half, covariance mat.Dense
	half.Mul(back, inverse)
	covariance.Mul(&half, back.T())
	for j := range g.SE {
		g.Coefficients[j], g.SE[j] = coefficients.AtVec(j), math.Sqrt(covariance.At(j, j))
	}
	return g, nil
}

// Compound is the probability that the event happens in at least one of consecutive periods with these hazards:
// 1 - product of (1 - h). Hazards are between 0 and 1.
func Compound(hazards ...float64) float64 {
	log := 0.0
	for _, h := range hazards {
		log += math.Log1p(-h)
	}
	return -math.Expm1(log)
}

// grouped is the negative log likelihood over centred and scaled columns.
type grouped struct {
	x        []float64
	event    []bool
	p        int
	mean, sd []float64
	z        []float64
}

// row returns 1 and the scaled values of a row, until the next call.
func (f *grouped) row(i int) []float64 {
	if f.z == nil {
		f.z = make([]float64, f.p+1)
		f.z[0] = 1
	}
	for j := range f.p {
		f.z[j+1] = (f.x[i*f.p+j] - f.mean[j]) / f.sd[j]
	}
	return f.z
}

func (f *grouped) eta(beta, z []float64) float64 {
	sum := 0.0
	for j, b := range beta {
		sum += b * z[j]
	}
	return sum
}

// Evaluate implements newton.Function. With H = exp(eta), a row without event loses H, one with event
// -log(1 - exp(-H)); the second derivative of the latter is k (k - 1 + H) with k = H exp(-H)/(1 - exp(-H)), never negative.
func (f *grouped) Evaluate(beta, gradient []float64, hessian *mat.SymDense) float64 {
	clear(gradient)
	hessian.Zero()
	loss := 0.0
	for i, event := range f.event {
		z := f.row(i)
		h := math.Exp(f.eta(beta, z))
		first, second := h, h
		if event {
			loss -= math.Log(-math.Expm1(-h))
			first, second = 0, 0
			if k := h / math.Expm1(h); k > 0 { // else H is so large that the event is certain
				first, second = -k, k*(k-1+h)
			}
		} else {
			loss += h
		}
		for a, za := range z {
			gradient[a] += first * za
			for b := a; b < len(z); b++ {
				hessian.SetSym(a, b, hessian.At(a, b)+second*za*z[b])
			}
		}
	}
	if math.IsNaN(loss) {
		return math.Inf(1)
	}
	return loss
}

// expected is the expected information: weights (dp/deta)^2 / (p (1-p)) = H H/(exp(H) - 1).
func (f *grouped) expected(beta []float64) *mat.SymDense {
	info := mat.NewSymDense(f.p+1, nil)
	for i := range f.event {
		z := f.row(i)
		h := math.Exp(f.eta(beta, z))
		w := 0.0 // also where H is too small or too large for a float64
		if share := h / math.Expm1(h); share > 0 {
			w = h * share
		}
		for a, za := range z {
			for b := a; b < len(z); b++ {
				info.SetSym(a, b, info.At(a, b)+w*za*z[b])
			}
		}
	}
	return info
}

// Move implements newton.Function.
func (f *grouped) Move(step []float64) float64 {
	largest := 0.0
	for i := range f.event {
		largest = math.Max(largest, math.Abs(f.eta(step, f.row(i))))
	}
	return largest
}
