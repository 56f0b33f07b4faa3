package linear

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Model is a fitted plane.
type Model struct {
	// Coefficients has the intercept first, where there is one, then the columns in their order.
	Coefficients []Coefficient
	// N is the number of rows with weight, DF the residual degrees of freedom N - len(Coefficients).
	N, DF int
	// RSS is the weighted sum of squared residuals, RegressionSS that of what the fit explains, about the mean with an
	// intercept and about 0 without.
	RSS, RegressionSS float64

	names        []string
	hasIntercept bool
	level        float64
	weights      float64 // sum of the weights
	yCentre      float64
	centre       []float64 // of each column
	length       []float64 // of each centred column
	scaled       []float64 // coefficients of the scaled columns
	r, inverse   *mat.TriDense
}

// Coefficient is one coefficient of a model.
type Coefficient struct {
	Name  string
	Value float64
	// Inference is nil where no degrees of freedom are left.
	Inference *Inference
}

// Inference says how sure a coefficient is, by Student's t with the model's degrees of freedom.
type Inference struct {
	// SE is the standard error, Low and High bound the interval at the level of the options.
	SE, Low, High float64
	// Test is nil where the residuals are all 0, so that t does not exist.
	Test *Test
}

// Test is the two-sided test of a coefficient against 0.
type Test struct{ T, P float64 }

// FTest is the test of all coefficients but the intercept against 0.
type FTest struct {
	F, P     float64
	DF1, DF2 int
}

// Interval is a mean with two intervals: of the mean itself, and of one new outcome of weight 1.
type Interval struct {
	Mean              float64
	MeanLow, MeanHigh float64
	Low, High         float64
}

// restore turns the coefficients of the scaled columns into those of the columns as they were given.
func (m *Model) restore() {
	if m.hasIntercept {
		b0 := m.yCentre
		for j, b := range m.scaled {
			b0 -= b / m.length[j] * m.centre[j]
		}
		m.Coefficients = append(m.Coefficients, Coefficient{Name: Intercept, Value: b0})
	}
	for j, b := range m.scaled {
		m.Coefficients = append(m.Coefficients, Coefficient{Name: m.names[j], Value: b / m.length[j]})
	}
	m.DF = m.N - len(m.Coefficients)
}

// measure sums the squares. What rounding alone leaves of them counts as nothing, so that a line through points that
// lie on it has residuals of exactly 0.
func (m *Model) measure(d *Data, rows []int) {
	p, total, size := len(m.names), 0.0, 0.0
	for _, i := range rows {
		fitted := 0.0
		for j, b := range m.scaled {
			fitted += b * ((d.X[i*p+j] - m.centre[j]) / m.length[j])
		}
		w, y := d.weight(i), d.Y[i]-m.yCentre
		m.RSS += w * (y - fitted) * (y - fitted)
		m.RegressionSS += w * fitted * fitted
		total += w * y * y
		size += w * d.Y[i] * d.Y[i]
	}
	const rounding = 1e-28 // of squares: 1e-14 of the values
	if m.RSS <= rounding*size || m.DF == 0 {
		m.RSS = 0
	}
	if total <= rounding*size {
		m.RegressionSS = 0
	}
}

// R2 is the share of the sum of squares that the fit explains; false where all outcomes are the same.
func (m *Model) R2() (float64, bool) {
	if m.RSS+m.RegressionSS == 0 {
		return 0, false
	}
	return m.RegressionSS / (m.RSS + m.RegressionSS), true
}

// AdjustedR2 is 1 - (1-R2)(N-i)/DF, with i = 1 for an intercept and 0 without; false where R2 or DF do not exist.
func (m *Model) AdjustedR2() (float64, bool) {
	r2, ok := m.R2()
	if !ok || m.DF == 0 {
		return 0, false
	}
	n := m.N
	if m.hasIntercept {
		n--
	}
	return 1 - (1-r2)*float64(n)/float64(m.DF), true
}

// ResidualSD is the root of RSS/DF; false where no degrees of freedom are left.
func (m *Model) ResidualSD() (float64, bool) {
	if m.DF == 0 {
		return 0, false
	}
	return math.Sqrt(m.RSS / float64(m.DF)), true
}

// F tests whether the columns explain anything; false where they explain nothing, everything, or no degrees of freedom
// are left.
func (m *Model) F() (FTest, bool) {
	p := len(m.scaled)
	if p == 0 || m.DF == 0 || m.RSS == 0 {
		return FTest{}, false
	}
	f := m.RegressionSS / float64(p) / (m.RSS / float64(m.DF))
	// The upper tail by the incomplete beta function, which keeps its digits where 1-CDF is 0.
	d1, d2 := float64(p), float64(m.DF)
	return FTest{F: f, P: mathext.RegIncBeta(d2/2, d1/2, d2/(d2+d1*f)), DF1: p, DF2: m.DF}, true
}

// infer adds standard errors, intervals and tests. With R of the scaled columns, the covariance of their coefficients
// is s^2 R^-1 R^-T.
func (m *Model) infer() {
	s, ok := m.ResidualSD()
	if !ok {
		return
	}
	quantile := m.quantile()
	for k := range m.Coefficients {
		c := &m.Coefficients[k]
		se := s * m.spreadOf(k)
		c.Inference = &Inference{SE: se, Low: c.Value - quantile*se, High: c.Value + quantile*se}
		if se > 0 {
			t := c.Value / se
			c.Inference.Test = &Test{T: t, P: twoSided(t, float64(m.DF))}
		}
	}
}

// quantile is that of Student's t by which the intervals reach out.
func (m *Model) quantile() float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(m.DF)}.Quantile(0.5 + m.level/2)
}

// twoSided is P(|T| >= |t|) for Student's t.
func twoSided(t, df float64) float64 { return mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)) }

// spreadOf is the standard error of coefficient k in units of the residual standard deviation.
func (m *Model) spreadOf(k int) float64 {
	if m.hasIntercept {
		if k == 0 {
			x := make([]float64, len(m.scaled))
			return math.Sqrt(m.leverage(x))
		}
		k--
	}
	sum := 0.0
	for j := k; j < len(m.scaled); j++ {
		v := m.inverse.At(k, j)
		sum += v * v
	}
	return math.Sqrt(sum) / m.length[k]
}

// leverage is the variance of the fitted mean at x in units of the residual variance: 1/sum(w) + |R^-T z|^2 for the
// centred and scaled z.
func (m *Model) leverage(x []float64) float64 {
	h := 0.0
	if m.hasIntercept {
		h = 1 / m.weights
	}
	for j := range x {
		u := 0.0
		for i := 0; i <= j; i++ {
			u += m.inverse.At(i, j) * ((x[i] - m.centre[i]) / m.length[i])
		}
		h += u * u
	}
	return h
}

// Predict returns the fitted mean at x, one number a column, with its intervals. It returns an *InputError where x has
// another length, or a number that is none, and where no degrees of freedom are left for an interval.
func (m *Model) Predict(x []float64) (Interval, error) {
	if len(x) != len(m.scaled) {
		return Interval{}, &InputError{Row: -1, Reason: "there is not one value a column"}
	}
	out := Interval{Mean: m.yCentre}
	for j, v := range x {
		if !isFinite(v) {
			return Interval{}, &InputError{Row: -1, Column: m.names[j], Reason: "is not a finite number"}
		}
		out.Mean += m.scaled[j] * ((v - m.centre[j]) / m.length[j])
	}
	s, ok := m.ResidualSD()
	if !ok {
		return Interval{}, &InputError{Row: -1, Reason: "no degrees of freedom are left for an interval"}
	}
	h, q := m.leverage(x), m.quantile()
	mean, single := q*s*math.Sqrt(h), q*s*math.Sqrt(1+h)
	out.MeanLow, out.MeanHigh = out.Mean-mean, out.Mean+mean
	out.Low, out.High = out.Mean-single, out.Mean+single
	return out, nil
}
