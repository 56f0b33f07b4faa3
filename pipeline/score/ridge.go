package score

import (
	"fmt"
	"math"

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

// scorer is a way to rank partners by log-odds that can be explained.
type scorer interface {
	// logit of a snapshot.
	logit(values []float64) float64
	// explain returns the logit of the average partner and the contributions, which add up to the logit.
	explain(values []float64) (baseline float64, parts []contribution)
}

// ridge is a fitted regression with what it needs to read a snapshot.
type ridge struct {
	*design
	model    *logistic.Model
	laplace  *logistic.Covariance
	cluster  *logistic.Covariance
	choices  []choice
	panel    *panel
	currency string
}

// fitRidge fits the chosen columns on the rows.
func (p *panel) fitRidge(choices []choice, rows []int, lambda float64, constrained bool, o Options) (*ridge, error) {
	r := &ridge{design: p.newDesign(choices, rows, constrained), choices: choices, panel: p, currency: o.Currency}
	data := r.data(p, rows)
	var err error
	r.model, err = logistic.Fit(data, logistic.Options{Lambda: lambda, Standardise: true, Signs: r.signs})
	if err != nil {
		return nil, err
	}
	r.laplace = r.model.Laplace()
	if r.cluster, err = r.model.Clustered(data, p.clusters(rows)); err != nil {
		return nil, fmt.Errorf("cluster by partner family: %w", err)
	}
	return r, nil
}

func (r *ridge) logit(values []float64) float64 { return r.model.Logit(r.fill(nil, values)) }

// interval returns the 95% limits of the probability. A churn is in as many rows as its horizon has months, so the rows
// are not independent: the wider of the posterior and the cluster-robust interval is taken.
func (r *ridge) interval(values []float64) (low, high float64) {
	x := r.fill(nil, values)
	a, b := r.laplace.Interval(x, 0.95), r.cluster.Interval(x, 0.95)
	if b.SE > a.SE {
		a = b
	}
	return a.Low, a.High
}

func (r *ridge) explain(values []float64) (float64, []contribution) {
	amounts := make([]float64, len(r.columns))
	baseline := r.model.Contributions(amounts, r.fill(nil, values))
	coef := r.model.Coef()
	var parts []contribution
	for _, c := range r.choices {
		if len(c.columns) == 0 {
			continue
		}
		shown := c.feature.shownColumn()
		part := contribution{feature: c.feature, value: values[r.panel.index[shown]], reference: math.NaN(), coefficient: math.NaN()}
		for _, name := range c.columns {
			k := r.column(name)
			part.amount += amounts[k]
			if name == shown {
				part.coefficient, part.reference = coef[k+1], r.model.Mean[k]
			}
		}
		part.reason = c.feature.reason(reading{index: r.panel.index, values: values, reference: part.reference, shown: shown, currency: r.currency})
		parts = append(parts, part)
	}
	return baseline, parts
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
