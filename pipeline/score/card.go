package score

import (
	"fmt"
	"strings"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// numbers returns a measure with its interval as three values.
func (m measure) numbers() []any {
	out := []any{nil, nil, nil}
	if m.ok {
		out[0] = m.value
	}
	if m.bounded {
		out[1], out[2] = m.low, m.high
	}
	return out
}

// addCard writes the card of one method.
func (n *night) addCard(t *table, a *attempt) error {
	s := n.split
	row := []any{a.id, n.fits.fingerprint, definitionVersion, a.role, a == n.reported, a.method, nullable(a.verdict), a.reason, n.o.asOfDay(), n.o.HorizonDays, int64(n.o.Seed), n.o.Resamples,
		n.churns, s.trainFrom, s.trainTo, len(s.train), n.p.partners(s.train), n.p.positives(s.train),
		s.heldFrom, s.heldTo, len(s.heldOut), n.p.partners(s.heldOut), n.p.positives(s.heldOut), n.p.churns(s.heldOut),
		len(s.purged), s.dropped, len(n.usable), n.p.churns(n.usable), n.rate}
	row = append(row, a.fitNotes()...)
	track := a.track
	if track == nil {
		track = &trackRecord{}
	}
	for _, k := range []int{mAUC, mBaselineAUC, mAUCGain, mBrier, mBaselineBrier} {
		row = append(row, track.m[k].numbers()...)
	}
	if len(track.rows) > 0 {
		row = append(row, track.brierBase)
	} else {
		row = append(row, nil)
	}
	for _, k := range []int{mLogLoss, mLogLossGain, mSlope, mIntercept, mRatio, mLift} {
		row = append(row, track.m[k].numbers()...)
	}
	if len(track.rows) > 0 {
		row = append(row, track.expected)
	} else {
		row = append(row, nil)
	}
	row = append(row, a.recalibrationNotes()...)
	return t.add(append(row, n.driftNotes(a)...)...)
}

// fitNotes are the card's columns about the fit: penalty, its source, coefficients, constraint, what was left out,
// warnings, Newton steps.
func (a *attempt) fitNotes() []any {
	var out []string
	for _, c := range a.choices {
		if c.why != "" {
			out = append(out, c.feature.name+" ("+c.why+")")
		}
	}
	if a.rule != nil {
		for _, term := range a.rule.terms {
			if term.left != "" {
				out = append(out, term.feature.name+" ("+term.left+")")
			}
		}
	}
	left := nullable(strings.Join(out, "; "))
	if a.fitted == nil {
		return []any{nil, nil, nil, nil, nil, left, nil, nil}
	}
	m := a.fitted
	var bound []string
	for j, state := range m.State {
		if state == logistic.AtBound {
			bound = append(bound, m.Columns[j])
		}
	}
	return []any{a.lambda.lambda, a.lambda.how, len(m.Columns), m.IsConstrained, nullable(strings.Join(bound, ", ")), left,
		nullable(strings.Join(m.Warnings, "; ")), m.Iterations}
}

// recalibrationNotes are the card's columns about the recalibration of a regression.
func (a *attempt) recalibrationNotes() []any {
	if a.fitted == nil {
		return []any{nil, nil, nil, nil}
	}
	r := a.fitted.recalibration
	return []any{r.Kind, r.Intercept, r.Slope, r.Churns}
}

// addCoefficients writes what a method knows about each column: the coefficient, or why there is none.
func (n *night) addCoefficients(t *table, a *attempt) error {
	if a.rule != nil {
		if err := t.add(a.id, "(intercept)", nil, 0, "fixed", nil, a.rule.base, nil, a.rule.base, nil, nil, nil, nil, nil, nil); err != nil {
			return err
		}
		for k, term := range a.rule.terms {
			name := term.feature.columns[0]
			row := []any{a.id, name, term.feature.family, k + 1, "left out", term.left, nil, nil, nil, nil, nil}
			if term.left == "" {
				row = []any{a.id, name, term.feature.family, k + 1, "fixed", nil, term.slope(), nil, term.weight, term.median, term.iqr}
			}
			if err := t.add(append(row, n.drifts[name].columns()...)...); err != nil {
				return err
			}
		}
		return nil
	}
	if a.fitted == nil {
		return nil
	}
	return n.addFitted(t, a)
}

func (n *night) addFitted(t *table, a *attempt) error {
	m := a.fitted
	coef, se, standard := m.plain(), m.SE, m.Standard
	if err := t.add(a.id, "(intercept)", nil, 0, "estimated", nil, coef[0], se[0], standard[0], nil, nil, nil, nil, nil, nil); err != nil {
		return err
	}
	position := 0
	for _, c := range a.choices {
		for _, name := range c.feature.columns {
			position++
			k := m.column(name)
			row := []any{a.id, name, c.feature.family, position}
			if k < 0 {
				why := c.why
				if why == "" {
					why = "does not vary"
				}
				row = append(row, "left out", why, nil, nil, nil, nil, nil)
			} else {
				var stdErr any
				if m.State[k] == logistic.Estimated {
					stdErr = se[k+1]
				}
				row = append(row, m.State[k].String(), nil, coef[k+1], stdErr, standard[k+1], m.Mean[k], m.SD[k])
			}
			if err := t.add(append(row, n.drifts[name].columns()...)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// addHeldOut writes the predictions of the held-out quarters.
func (n *night) addHeldOut(t *table, a *attempt) error {
	if a.track == nil {
		return nil
	}
	for k, i := range a.track.rows {
		s := n.p.rows[i]
		if err := t.add(a.id, s.partner, s.on, a.track.probability[k], a.track.baseline[k], int64(s.label)); err != nil {
			return fmt.Errorf("partner %s: %w", s.partner, err)
		}
	}
	return nil
}

// addBands writes the risk bands of the reported method.
func addBands(t *table, a *attempt) error {
	if a.role != rolePublished && a.role != roleStandIn {
		return nil
	}
	for k, name := range bandNames {
		rate, low, high := a.bands.observed(k)
		if err := t.add(a.id, name, k+1, a.bands.counts[k], optional(a.bands.level[k]), a.bands.heldOut[k], a.bands.churned[k],
			rate, low, high); err != nil {
			return err
		}
	}
	return nil
}
