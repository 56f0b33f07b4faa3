package score

import (
	"math"
	"slices"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// driverLimit cuts a driver, in interquartile ranges.
const driverLimit = 3

// noLimit is for a driver whose definition limits it. Recency alone is what models are held against: as it is, without ties.
const noLimit = math.MaxFloat64

// driver is a feature of the rule score.
type driver struct {
	column string
	// weight is the log-odds that one interquartile range is worth, above 0 where more is worse.
	weight float64
	limit  float64 // in interquartile ranges
}

// drivers are the features of the rule score, recency first: one of each kind of sign, and none that few lumpy deals decide,
// such as the revenue of a quarter. Recency counts double, so that the rule is hardly worse than recency alone in a
// programme where nothing else tells.
var drivers = []driver{
	{colRecency, 1, noLimit},
	{"people_trend", -0.5, driverLimit},
	{"late_answer_share", 0.5, driverLimit},
	{"cases_escalated_90d", 0.5, driverLimit},
	{"cert_share", -0.5, driverLimit},
}

// scorecard is the rule score that needs no churns: fixed weights on what is known to matter, around a shrunken base
// rate.
type scorecard struct {
	panel    *panel
	base     float64 // logit of the base rate
	terms    []term
	currency string
}

// term is one driver: weight * clip((x - median)/iqr, limit), less its mean.
type term struct {
	feature     feature
	column      int
	weight      float64
	limit       float64
	median, iqr float64
	mean        float64
	left        string // why it is left out
}

// newScorecard makes a rule score of the drivers: medians and spreads from the rows, baseRate as the level.
func (p *panel) newScorecard(drivers []driver, rows []int, baseRate float64, o Options) *scorecard {
	s := &scorecard{panel: p, base: logistic.Logit(baseRate), currency: o.Currency}
	for _, d := range drivers {
		t := term{column: p.index[d.column], weight: d.weight, limit: d.limit}
		for _, f := range p.features {
			if f.name == d.column {
				t.feature = f
			}
		}
		var known []float64
		for _, i := range rows {
			if v := p.rows[i].values[t.column]; !math.IsNaN(v) {
				known = append(known, v)
			}
		}
		if len(known) == 0 {
			t.left = "not known"
			s.terms = append(s.terms, t)
			continue
		}
		slices.Sort(known)
		t.median, t.iqr = evaluate.Quantile(0.5, known), evaluate.Quantile(0.75, known)-evaluate.Quantile(0.25, known)
		if !(t.iqr > 0) {
			t.left = "half of the partners have the same value"
			s.terms = append(s.terms, t)
			continue
		}
		sum := 0.0
		for _, v := range known {
			sum += t.raw(v)
		}
		t.mean = sum / float64(len(known))
		s.terms = append(s.terms, t)
	}
	return s
}

// slope is the change of the logit for one unit, within the limits.
func (t term) slope() float64 { return t.weight / t.iqr }

func (t term) raw(x float64) float64 {
	return t.weight * min(t.limit, max(-t.limit, (x-t.median)/t.iqr))
}

// amount is what a snapshot's value adds to the logit; a missing one adds nothing.
func (t term) amount(values []float64) float64 {
	x := values[t.column]
	if t.left != "" || math.IsNaN(x) {
		return 0
	}
	return t.raw(x) - t.mean
}

func (s *scorecard) logit(values []float64) float64 {
	eta := s.base
	for _, t := range s.terms {
		eta += t.amount(values)
	}
	return eta
}

func (s *scorecard) explain(values []float64) (float64, []contribution) {
	var parts []contribution
	for _, t := range s.terms {
		if t.left != "" {
			continue
		}
		part := contribution{feature: t.feature, value: values[t.column], reference: t.median, coefficient: t.slope(),
			amount: t.amount(values)}
		part.reason = t.feature.reason(reading{index: s.panel.index, values: values, reference: t.median,
			shown: t.feature.shownColumn(), currency: s.currency})
		parts = append(parts, part)
	}
	return s.base, parts
}

// baseRate is the share of positive rows, shrunken towards the prior: known before the first churn, never 0 or 1.
func (p *panel) baseRate(rows []int, prior, priorRows float64) float64 {
	return (float64(p.positives(rows)) + priorRows*prior) / (float64(len(rows)) + priorRows)
}
