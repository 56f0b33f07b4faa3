package linear

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Data is what is fitted: n rows, p columns.
type Data struct {
	// X holds the columns row by row, n times p, without an intercept.
	X []float64
	// Y holds the n outcomes.
	Y []float64
	// Weights are n weights of at least 0, nil for equal ones. A row of weight w has the variance sigma^2/w; one of
	// weight 0 changes nothing, not even the degrees of freedom.
	Weights []float64
	// Columns names the p columns.
	Columns []string
}

// Options say how to fit.
type Options struct {
	// NoIntercept forces the plane through the origin; R2 then refers to the sum of y^2, as NIST certifies it.
	NoIntercept bool
	// Level is that of the intervals, 0 for 0.95.
	Level float64
}

// Intercept is the name of the intercept's coefficient.
const Intercept = "(Intercept)"

// mostDigitsLost is the condition number of the scaled columns from which on a design is refused: about ten of the
// sixteen digits of a float64 are lost there.
const mostDigitsLost = 1e11

// inputRounding is the share of a column's values that may be rounding: what is left of so little, after the centre and
// the columns before it are taken away, is no information.
const inputRounding = 1e-13

// leastSquare is the smallest sum of squares whose parts still have their digits.
const leastSquare = 1e-250

// Fit fits y = b0 + b1 x1 + ... + bp xp by weighted least squares: it minimises sum of w (y - b0 - x b)^2. Coefficients are
// in units of y per unit of their column, their covariance is s^2 (X'WX)^-1 with s^2 = RSS/DF. It returns an *InputError for data that cannot be
// fitted (sizes that differ, a number that is none, a negative weight, fewer rows than coefficients) and a
// *CollinearError where columns are constant or linear combinations of others.
func Fit(d Data, o Options) (*Model, error) {
	if o.Level == 0 {
		o.Level = 0.95
	}
	rows, err := check(&d, &o)
	if err != nil {
		return nil, err
	}
	m := &Model{names: d.Columns, hasIntercept: !o.NoIntercept, level: o.Level, N: len(rows)}
	design, y := m.scale(&d, rows)
	if len(d.Columns) > 0 {
		if err := m.solve(design, y); err != nil {
			return nil, err
		}
	}
	m.restore()
	m.measure(&d, rows)
	m.infer()
	return m, nil
}

// check validates the data and returns the rows with weight.
func check(d *Data, o *Options) ([]int, error) {
	n, p := len(d.Y), len(d.Columns)
	switch {
	case len(d.X) != n*p:
		return nil, &InputError{Row: -1, Reason: "X is not of rows times columns numbers"}
	case d.Weights != nil && len(d.Weights) != n:
		return nil, &InputError{Row: -1, Reason: "there is not one weight a row"}
	case !(o.Level > 0 && o.Level < 1):
		return nil, &InputError{Row: -1, Reason: "the level of the intervals is not between 0 and 1"}
	case p == 0 && o.NoIntercept:
		return nil, &InputError{Row: -1, Reason: "there is nothing to fit"}
	}
	var rows []int
	size, largest := 0.0, 0.0
	for i := range n {
		w := d.weight(i)
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, &InputError{Row: i, Reason: "the weight is negative or not a number"}
		}
		if w == 0 {
			continue
		}
		if !isFinite(d.Y[i]) {
			return nil, &InputError{Row: i, Reason: "the outcome is not a finite number"}
		}
		for j := range p {
			if !isFinite(d.X[i*p+j]) {
				return nil, &InputError{Row: i, Column: d.Columns[j], Reason: "is not a finite number"}
			}
		}
		rows = append(rows, i)
		size += w * d.Y[i] * d.Y[i]
		largest = math.Max(largest, math.Abs(d.Y[i]))
	}
	if math.IsInf(size, 0) || size < leastSquare && largest > 0 {
		return nil, &InputError{Row: -1, Reason: "the outcomes times the roots of their weights are too large or too small to square: change their unit"}
	}
	coefficients := p
	if !o.NoIntercept {
		coefficients++
	}
	if len(rows) < coefficients {
		return nil, &InputError{Row: -1, Reason: "there are fewer rows than coefficients"}
	}
	return rows, nil
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func (d *Data) weight(i int) float64 {
	if d.Weights == nil {
		return 1
	}
	return d.Weights[i]
}

// scale returns the columns and outcomes centred, times the root of the weight, and the columns divided by their
// length. It keeps centres and lengths.
func (m *Model) scale(d *Data, rows []int) (*mat.Dense, *mat.VecDense) {
	p := len(d.Columns)
	m.centre, m.length = make([]float64, p), make([]float64, p)
	for _, i := range rows {
		m.weights += d.weight(i)
	}
	if m.hasIntercept {
		for _, i := range rows {
			share := d.weight(i) / m.weights
			m.yCentre += share * d.Y[i]
			for j := range p {
				m.centre[j] += share * d.X[i*p+j]
			}
		}
		m.recentre(d, rows)
	}
	y := mat.NewVecDense(len(rows), nil)
	for k, i := range rows {
		y.SetVec(k, math.Sqrt(d.weight(i))*(d.Y[i]-m.yCentre))
	}
	if p == 0 {
		return nil, y
	}
	x := mat.NewDense(len(rows), p, nil)
	column := make([]float64, len(rows))
	for j := range p {
		for k, i := range rows {
			column[k] = math.Sqrt(d.weight(i)) * (d.X[i*p+j] - m.centre[j])
		}
		m.length[j] = mat.Norm(mat.NewVecDense(len(column), column), 2)
		for k := range column {
			if m.length[j] > 0 {
				x.Set(k, j, column[k]/m.length[j])
			}
		}
	}
	return x, y
}

// recentre corrects the means by the mean of what is left: one rounding instead of n.
func (m *Model) recentre(d *Data, rows []int) {
	p := len(d.Columns)
	left, yLeft := make([]float64, p), 0.0
	for _, i := range rows {
		share := d.weight(i) / m.weights
		yLeft += share * (d.Y[i] - m.yCentre)
		for j := range p {
			left[j] += share * (d.X[i*p+j] - m.centre[j])
		}
	}
	m.yCentre += yLeft
	for j := range p {
		m.centre[j] += left[j]
	}
}

// solve finds the coefficients of the scaled columns, and the upper triangle R of their decomposition.
func (m *Model) solve(x *mat.Dense, y *mat.VecDense) error {
	n, p := x.Dims()
	for j := range p {
		if m.length[j] <= inputRounding*math.Sqrt(m.weights)*math.Abs(m.centre[j]) || m.length[j] == 0 {
			return &CollinearError{Column: m.names[j]}
		}
	}
	var qr mat.QR
	qr.Factorize(x)
	if c := qr.Cond(); math.IsNaN(c) || c > mostDigitsLost || n < p {
		return &CollinearError{Column: m.names[weakest(&qr)], Condition: c}
	}
	var b mat.VecDense
	if err := qr.SolveVecTo(&b, false, y); err != nil {
		return &CollinearError{Column: m.names[weakest(&qr)], Condition: qr.Cond()}
	}
	m.scaled = b.RawVector().Data
	var r mat.Dense
	qr.RTo(&r)
	m.inverse = mat.NewTriDense(p, mat.Upper, nil)
	m.r = mat.NewTriDense(p, mat.Upper, nil)
	for i := range p {
		for j := i; j < p; j++ {
			m.r.SetTri(i, j, r.At(i, j))
		}
	}
	if err := m.inverse.InverseTri(m.r); err != nil {
		return &CollinearError{Column: m.names[weakest(&qr)], Condition: qr.Cond()}
	}
	if j, ok := m.rounded(); ok {
		return &CollinearError{Column: m.names[j], Condition: qr.Cond()}
	}
	return nil
}

// rounded finds a column of which the ones before it leave no more than the rounding of values far from zero, as of a sum
// of two others. Column j of R^-1, times R_jj, is the combination that is left.
func (m *Model) rounded() (int, bool) {
	for j := range m.length {
		noise := 0.0 // in units of what is left
		for i := range j + 1 {
			noise += math.Abs(m.inverse.At(i, j)) * math.Abs(m.centre[i]) / m.length[i]
		}
		if inputRounding*math.Sqrt(m.weights)*noise >= 1 {
			return j, true
		}
	}
	return 0, false
}

// weakest returns the column of which the ones before it leave least.
func weakest(qr *mat.QR) int {
	var r mat.Dense
	qr.RTo(&r)
	_, p := r.Dims()
	at := 0
	for j := range p {
		if math.Abs(r.At(j, j)) < math.Abs(r.At(at, at)) {
			at = j
		}
	}
	return at
}
