package logistic

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Covariance is an estimate of the covariance of a model's coefficients.
type Covariance struct {
	m *Model
	v *mat.SymDense // in the centred and scaled columns
}

// Laplace returns the inverse penalised Hessian J^-1, J = X'WX + lambda*P, with the curvature taken at the final
// coefficients. Without a penalty it is the usual covariance of maximum likelihood, with one the normal approximation
// to the posterior.
func (m *Model) Laplace() *Covariance { return &Covariance{m, m.inverse} }

// Sandwich returns J^-1 X'WX J^-1: the sampling covariance of a ridge fit, without the spread of its prior.
func (m *Model) Sandwich() *Covariance { return m.sandwich(m.info) }

func (m *Model) sandwich(meat *mat.SymDense) *Covariance {
	var half, full mat.Dense
	half.Mul(m.inverse, meat)
	full.Mul(&half, m.inverse)
	q := len(m.beta)
	v := mat.NewSymDense(q, nil)
	for i := range q {
		for j := i; j < q; j++ {
			v.SetSym(i, j, full.At(i, j))
		}
	}
	return &Covariance{m, v}
}

// Clustered returns the covariance that allows rows of one cluster to depend on each other in any way,
//
//	G/(G-1) * J^-1 ( sum_g s_g s_g' ) J^-1 ,   s_g = sum of w*(y - p)*x over the rows of cluster g,
//
// for the rows that the model was fitted on; cluster gives each row's cluster, 0 to G-1. Rows of weight 0 belong to no
// cluster. (Liang and Zeger, Biometrika 73, 1986; R: sandwich::vcovCL(type = "HC0").)
func (m *Model) Clustered(d Data, cluster []int) (*Covariance, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.Cols != len(m.SD) || len(cluster) != len(d.Y) {
		return nil, &InputError{Row: -1, Reason: "data and clusters do not match the fit"}
	}
	q := len(m.beta)
	groups := 0
	for i, g := range cluster {
		if g < 0 || g >= len(d.Y) {
			return nil, &InputError{Row: i, Reason: fmt.Sprintf("cluster %d is outside 0 to %d", g, len(d.Y)-1)}
		}
		groups = max(groups, g+1)
	}
	scores := mat.NewDense(groups, q, nil)
	used := make([]bool, groups)
	z := make([]float64, q)
	for i, g := range cluster {
		w := d.weight(i)
		if w == 0 {
			continue
		}
		x := d.X[i*d.Cols : (i+1)*d.Cols]
		eta := m.Logit(x)
		if d.Offset != nil {
			eta += d.Offset[i]
		}
		r := w * (d.Y[i] - Expit(eta))
		m.center(z, x)
		row := scores.RawRowView(g)
		for j, v := range z {
			row[j] += r * v
		}
		used[g] = true
	}
	n := 0.0
	for _, u := range used {
		if u {
			n++
		}
	}
	if n < 2 {
		return nil, &InputError{Row: -1, Reason: "fewer than 2 clusters"}
	}
	meat := mat.NewSymDense(q, nil)
	meat.SymOuterK(n/(n-1), scores.T())
	return m.sandwich(meat), nil
}

// center writes the row as the fit sees it: 1, then the scaled values, 0 for columns that are not estimated.
func (m *Model) center(z, x []float64) {
	z[0] = 1
	for j, v := range x {
		z[j+1] = 0
		if m.State[j] == Estimated {
			z[j+1] = (v - m.Mean[j]) / m.SD[j]
		}
	}
}

// StandardSE returns the standard errors of StandardCoef; 0 for columns that are not estimated.
func (c *Covariance) StandardSE() []float64 {
	se := make([]float64, len(c.m.beta))
	for j := range se {
		se[j] = root(c.v.At(j, j))
	}
	return se
}

// SE returns the standard errors of Coef; 0 for columns that are not estimated.
func (c *Covariance) SE() []float64 {
	v := c.Matrix()
	se := make([]float64, len(c.m.beta))
	for j := range se {
		se[j] = root(v.At(j, j))
	}
	return se
}

// root returns the standard error of a variance; one of nearly collinear columns can round to just below zero.
func root(variance float64) float64 { return math.Sqrt(max(0, variance)) }

// Matrix returns the covariance matrix of Coef.
func (c *Covariance) Matrix() *mat.SymDense {
	q := len(c.m.beta)
	// Raw coefficients are linear in the scaled ones: b_j = beta_j/sd_j, b_0 = beta_0 - sum of beta_j*mean_j/sd_j.
	jac := mat.NewDense(q, q, nil)
	jac.Set(0, 0, 1)
	for j, sd := range c.m.SD {
		if c.m.State[j] == Estimated {
			jac.Set(j+1, j+1, 1/sd)
			jac.Set(0, j+1, -c.m.Mean[j]/sd)
		}
	}
	var half, full mat.Dense
	half.Mul(jac, c.v)
	full.Mul(&half, jac.T())
	out := mat.NewSymDense(q, nil)
	for i := range q {
		for j := i; j < q; j++ {
			out.SetSym(i, j, full.At(i, j))
		}
	}
	return out
}

// Interval is a predicted logit with its standard error, and the probability with its limits.
type Interval struct {
	Logit, SE        float64
	Probability      float64
	Low, High, Level float64
}

// Interval predicts one row by the delta method on the logit scale, eta +- z*sqrt(x'Vx), mapped to probabilities, so
// that the limits stay inside 0 to 1. level is the coverage, such as 0.95. It panics when x does not have one value per
// column, or level is not between 0 and 1.
func (c *Covariance) Interval(x []float64, level float64) Interval {
	if !(level > 0 && level < 1) {
		panic("logistic: level is not between 0 and 1")
	}
	eta := c.m.Logit(x)
	z := make([]float64, len(c.m.beta))
	c.m.center(z, x)
	row := mat.NewVecDense(len(z), z)
	se := root(mat.Inner(row, c.v, row))
	half := distuv.UnitNormal.Quantile(0.5+level/2) * se
	return Interval{Logit: eta, SE: se, Probability: Expit(eta), Low: Expit(eta - half), High: Expit(eta + half), Level: level}
}

// Test is the Wald test of one coefficient being 0.
type Test struct {
	Coef, SE, Z, P float64
	Low, High      float64
}

// Wald tests every coefficient of Coef on its own, with 95% limits. It returns ErrPenalised for a penalised or
// constrained fit, whose z values are not normal under the hypothesis. Columns that are not estimated have a zero Test.
func (m *Model) Wald() ([]Test, error) {
	if _, _, _, err := m.LikelihoodRatio(); err != nil {
		return nil, err
	}
	coef, se := m.Coef(), m.Laplace().SE()
	z95 := distuv.UnitNormal.Quantile(0.975)
	out := make([]Test, len(coef))
	for j, b := range coef {
		if se[j] == 0 {
			continue
		}
		z := b / se[j]
		out[j] = Test{Coef: b, SE: se[j], Z: z, P: math.Erfc(math.Abs(z) / math.Sqrt2), Low: b - z95*se[j], High: b + z95*se[j]}
	}
	return out, nil
}
