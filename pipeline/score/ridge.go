package score

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// contribution is what one feature adds to a logit.
type contribution struct {
	feature feature
	// value is the partner's value of the shown column, reference that of the average partner, coefficient the change of
	// the logit for one unit; NaN where there is none.
	value, reference, coefficient float64
	amount                        float64
	reason                        string
}

// tells reports whether the value is worth telling as a reason. In the rule score a value may be the typical one and still
// move the score, because the typical one is the median and scores are centred at the mean.
func (c contribution) tells() bool { return c.value != c.reference }

// scorer is a way to rank partners by log-odds that can be explained.
type scorer interface {
	// logit of a snapshot.
	logit(values []float64) float64
	// explain returns the logit of the average partner and the contributions, which add up to the logit.
	explain(values []float64) (baseline float64, parts []contribution)
}

// coefficients are a fitted regression as plain numbers: what a registry keeps, and all that scoring needs. Lists of q
// values hold the intercept first.
type coefficients struct {
	Columns []string `json:"columns"`
	// Impute stands in for a missing value of each column; Mean and SD are the scale of the rows learned from.
	Impute []float64 `json:"impute"`
	Mean   []float64 `json:"mean"`
	SD     []float64 `json:"sd"`
	// State says of each column how its coefficient came about; bytes, which JSON writes in base64.
	State []logistic.State `json:"state"`
	// Standard are the coefficients of the standardised columns; Laplace and Cluster their covariances by the posterior
	// and robust to rows of the same partner family, q x q row by row; SE are the robust standard errors of the
	// coefficients of the columns as they are.
	Standard []float64 `json:"standard"`
	Laplace  []float64 `json:"laplace"`
	Cluster  []float64 `json:"cluster"`
	SE       []float64 `json:"se"`

	IsConstrained bool     `json:"is_constrained"`
	Iterations    int      `json:"iterations"`
	Warnings      []string `json:"warnings"`
}

// ridge is a fitted regression with what it needs to read a snapshot and to tell its reasons. Its logit is the regression's
// own, mapped by the recalibration.
type ridge struct {
	coefficients
	recalibration recalibration
	index         []int // of the columns in snapshot values
	choices       []choice
	panel         *panel
	currency      string
}

// fitRidge fits the chosen columns on the rows.
func (p *panel) fitRidge(choices []choice, rows []int, lambda float64, constrained bool, o Options) (*ridge, error) {
	d := p.newDesign(choices, rows, constrained)
	data := d.data(p, rows)
	m, err := logistic.Fit(data, logistic.Options{Lambda: lambda, Standardise: true, Signs: d.signs})
	if err != nil {
		return nil, err
	}
	cluster, err := m.Clustered(data, p.clusters(rows))
	if err != nil {
		return nil, fmt.Errorf("cluster by partner family: %w", err)
	}
	c := coefficients{
		Columns: d.columns, Impute: d.impute, Mean: m.Mean, SD: m.SD, State: m.State, Standard: m.StandardCoef(),
		Laplace: flat(m.Laplace().StandardMatrix()), Cluster: flat(cluster.StandardMatrix()), SE: cluster.SE(),
		IsConstrained: slices.ContainsFunc(d.signs, func(s logistic.Sign) bool { return s != logistic.Any }), Iterations: m.Iterations,
	}
	for _, w := range m.Warnings {
		c.Warnings = append(c.Warnings, w.Column+": "+w.Reason)
	}
	return p.newRidge(c, choices, asItIs, o), nil
}

func flat(m *mat.SymDense) []float64 {
	q := m.SymmetricDim()
	out := make([]float64, 0, q*q)
	for i := range q {
		for j := range q {
			out = append(out, m.At(i, j))
		}
	}
	return out
}

// newRidge lets coefficients read the snapshots of a panel.
func (p *panel) newRidge(c coefficients, choices []choice, r recalibration, o Options) *ridge {
	out := &ridge{coefficients: c, recalibration: r, choices: choices, panel: p, currency: o.Currency}
	for _, name := range c.Columns {
		out.index = append(out.index, p.index[name])
	}
	return out
}

// recalibrated returns the regression with another recalibration.
func (r *ridge) recalibrated(by recalibration) *ridge {
	out := *r
	out.recalibration = by
	return &out
}

// standard writes the columns of a snapshot as the fit sees them; a missing value is the average, a column that did not
// vary is 0.
func (r *ridge) standard(values []float64) []float64 {
	z := make([]float64, len(r.Columns))
	for k, j := range r.index {
		if r.SD[k] == 0 {
			continue
		}
		v := values[j]
		if math.IsNaN(v) {
			v = r.Impute[k]
		}
		z[k] = (v - r.Mean[k]) / r.SD[k]
	}
	return z
}

// raw is the regression's own logit of a standardised row.
func (r *ridge) raw(z []float64) float64 {
	eta := r.Standard[0]
	for k, v := range z {
		eta += r.Standard[k+1] * v
	}
	return eta
}

func (r *ridge) logit(values []float64) float64 {
	return r.recalibration.Logit(r.raw(r.standard(values)))
}

// normal975 is the normal quantile of a two-sided interval at 95 %.
var normal975 = distuv.UnitNormal.Quantile(0.975)

// interval returns the 95% limits of the probability: eta +- 1.96*sqrt(z'Vz) on the scale of the regression, mapped as the
// logit is. A churn is in as many rows as its horizon has months, so the rows are not independent: the wider of the
// posterior and the cluster-robust interval is taken.
func (r *ridge) interval(values []float64) (low, high float64) {
	z := r.standard(values)
	eta := r.raw(z)
	half := normal975 * math.Sqrt(max(0, r.variance(r.Laplace, z), r.variance(r.Cluster, z)))
	return logistic.Expit(r.recalibration.Logit(eta - half)), logistic.Expit(r.recalibration.Logit(eta + half))
}

// variance returns that of the regression's logit by a covariance; columns that are not estimated are taken as known.
func (r *ridge) variance(v, z []float64) float64 {
	q := len(r.Standard)
	at := func(i int) float64 {
		switch {
		case i == 0:
			return 1
		case r.State[i-1] != logistic.Estimated:
			return 0
		}
		return z[i-1]
	}
	sum := 0.0
	for i := range q {
		for j := range q {
			sum += at(i) * v[i*q+j] * at(j)
		}
	}
	return sum
}

// plain returns the coefficients of the columns as they are, intercept first.
func (c *coefficients) plain() []float64 {
	out := slices.Clone(c.Standard)
	for j, sd := range c.SD {
		if sd == 0 {
			continue
		}
		out[j+1] = c.Standard[j+1] / sd
		out[0] -= out[j+1] * c.Mean[j]
	}
	return out
}

// column returns the position of a column, -1 when it is not there.
func (c *coefficients) column(name string) int { return slices.Index(c.Columns, name) }

// explain scales the regression's contributions as the recalibration scales its logit: they add up to the published one.
func (r *ridge) explain(values []float64) (float64, []contribution) {
	z, coef := r.standard(values), r.plain()
	var parts []contribution
	for _, c := range r.choices {
		if len(c.columns) == 0 {
			continue
		}
		shown := c.feature.shownColumn()
		part := contribution{feature: c.feature, value: values[r.panel.index[shown]], reference: math.NaN(), coefficient: math.NaN()}
		for _, name := range c.columns {
			k := r.column(name)
			part.amount += r.recalibration.Slope * (r.Standard[k+1] * z[k])
			if name == shown {
				part.coefficient, part.reference = r.recalibration.Slope*coef[k+1], r.Mean[k]
			}
		}
		part.reason = c.feature.reason(reading{index: r.panel.index, values: values, reference: part.reference, shown: shown, currency: r.currency})
		parts = append(parts, part)
	}
	return r.recalibration.Logit(r.Standard[0]), parts
}

// recencyOnly fits the baseline that a model must beat: recency alone, with the same penalty and without constraint.
func (p *panel) recencyOnly(train []int, lambda float64, o Options) (*ridge, error) {
	for _, f := range p.features {
		if f.name == colRecency {
			return p.fitRidge([]choice{{feature: f, columns: f.columns}}, train, lambda, false, o)
		}
	}
	return nil, &lackError{colRecency, "not declared"}
}

// even gives everyone the same rate: the baseline that knows how many churn and not who.
type even struct{ rate float64 }

func (e even) logit([]float64) float64 { return logistic.Logit(e.rate) }

func (e even) explain([]float64) (float64, []contribution) { return logistic.Logit(e.rate), nil }
