package score

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// The statuses of score_partner_churn.
const (
	statusScored       = "scored"
	statusCold         = "cold_start"
	statusExited       = "exited"
	statusChurned      = "churned"
	statusNoCommercial = "no_commercial_event"
	statusNotFitted    = "not_fitted"
)

// maxUnaccounted is how far contributions may be from adding up to the logit.
const maxUnaccounted = 1e-9

func probability(logit float64) float64 { return logistic.Expit(logit) }

// publish writes all tables.
func (n *night) publish() (*ChurnResult, error) {
	n.measureDrift()
	r := &ChurnResult{Summary: n.summary()}
	var err error
	if r.Partners, r.Contributions, err = n.scores(); err != nil {
		return nil, err
	}
	for _, t := range []struct {
		name   string
		into   *arrow.RecordBatch
		schema *arrow.Schema
		fill   func(t *table, a *attempt) error
	}{
		{"model_card", &r.Cards, CardSchema(), n.addCard},
		{"model_coefficient", &r.Coefficients, CoefficientSchema(), n.addCoefficients},
		{"model_holdout", &r.HeldOut, HoldoutSchema(), n.addHeldOut},
		{"model_band", &r.Bands, BandSchema(), addBands},
		{"model_group", &r.Groups, GroupSchema(), n.addGroups},
	} {
		out := newTable(t.schema)
		for _, a := range n.attempts() {
			if err := t.fill(out, a); err != nil {
				return nil, fmt.Errorf("write %s: %w", t.name, err)
			}
		}
		*t.into = out.record()
	}
	return r, nil
}

func (n *night) summary() ChurnSummary {
	a := n.reported
	s := ChurnSummary{Method: a.method, Verdict: a.verdict, Reason: a.reason, Churns: n.churns, Scored: len(n.live),
		Refitted: n.refitted, Notes: n.driftInWords()}
	if n.note != "" {
		s.Notes = append(s.Notes, n.note)
	}
	if m := a.track.m[mAUC]; m.ok {
		v := published(m.value)
		s.AUC = &v
	}
	if m := a.track.m[mBaselineAUC]; m.ok {
		v := published(m.value)
		s.RecencyAUC = &v
	}
	return s
}

// line is one row of score_partner_churn.
type line struct {
	status, method, band, model, note string
	on                                arrow.Date32
	probability, low, high            *float64
	logit, baseline                   *float64
	reasons                           [3]string // what raises the risk
	lowers                            [2]string
}

// scores writes one row per partner, and the contributions of those that are ranked.
func (n *night) scores() (partners, contributions arrow.RecordBatch, err error) {
	out, parts := newTable(PartnerChurnSchema()), newTable(ContributionSchema())
	for _, partner := range slices.Sorted(maps.Keys(n.roster)) {
		l, explained, err := n.score(partner)
		if err != nil {
			return nil, nil, err
		}
		for _, c := range explained {
			if err := parts.add(partner, c.feature.name, c.feature.family, optional(c.value), optional(c.reference),
				optional(c.coefficient), c.amount, c.reason); err != nil {
				return nil, nil, fmt.Errorf("write score_churn_contribution of %s: %w", partner, err)
			}
		}
		if err := out.add(partner, l.on, l.status, nullable(l.method), l.probability, l.low, l.high, nullable(l.band), l.logit,
			l.baseline, nullable(l.reasons[0]), nullable(l.reasons[1]), nullable(l.reasons[2]),
			nullable(l.lowers[0]), nullable(l.lowers[1]), nullable(l.model), nullable(l.note)); err != nil {
			return nil, nil, fmt.Errorf("write score_partner_churn of %s: %w", partner, err)
		}
	}
	return out.record(), parts.record(), nil
}

// score decides a partner's status and, where it is ranked, its score.
func (n *night) score(partner string) (line, []contribution, error) {
	m := n.roster[partner]
	l := line{on: n.o.asOfDay() + 1}
	tonight := m.tonight >= 0 && n.p.rows[m.tonight].atRisk
	switch {
	case m.exitedOn != noDate && m.exitedOn <= n.o.asOfDay():
		l.status, l.note = statusExited, "the relationship ended on "+day(m.exitedOn)
		if m.last < 0 {
			return l, nil, nil
		}
		// Silence may have ended the risk long before the relationship ended.
		l.on = n.p.rows[m.last].on
		l.note += "; scored as it stood on " + day(l.on) + ", when it was last at risk"
		parts, err := n.fill(&l, m.last)
		return l, parts, err
	case tonight && n.p.isCold(m.tonight, n.o):
		l.status = statusCold
		err := n.cold(&l, m.tonight)
		return l, nil, err
	case tonight:
		l.status, l.band = statusScored, n.reported.bands.of[m.tonight]
		if n.reported.role != rolePublished {
			l.status, l.note = statusNotFitted, n.reported.verdict+": "+n.reported.reason
		}
		parts, err := n.fill(&l, m.tonight)
		return l, parts, err
	case !m.commercial:
		l.status, l.note = statusNoCommercial, "no registration, sourced or won deal yet"
	default:
		l.status, l.note = statusChurned, "its agreement ended, or it has been silent for longer than its own rhythm allows"
	}
	return l, nil, nil
}

// fill scores one row of the panel. Probabilities are published by a model alone, never by the rule score.
func (n *night) fill(l *line, row int) ([]contribution, error) {
	a, values := n.reported, n.p.rows[row].values
	logit := a.scorer().logit(values)
	baseline, parts := a.scorer().explain(values)
	sum := baseline
	for _, c := range parts {
		sum += c.amount
	}
	if !(math.Abs(sum-logit) <= maxUnaccounted) {
		return nil, &ContributionError{Partner: n.p.rows[row].partner, Logit: logit, Sum: sum}
	}
	l.method, l.model, l.logit, l.baseline = a.method, a.id, &logit, &baseline
	if a.role == rolePublished {
		prob := probability(logit)
		low, high := a.fitted.interval(values)
		l.probability, l.low, l.high = &prob, &low, &high
	}
	slices.SortStableFunc(parts, func(x, y contribution) int {
		if c := cmp.Compare(y.amount, x.amount); c != 0 {
			return c
		}
		return strings.Compare(x.feature.name, y.feature.name)
	})
	raises, lowers := 0, 0
	for _, part := range parts {
		if raises < len(l.reasons) && part.amount >= minReason && part.tells() {
			l.reasons[raises] = part.reason
			raises++
		}
	}
	for _, part := range slices.Backward(parts) {
		if lowers < len(l.lowers) && part.amount <= -minReason && part.tells() {
			l.lowers[lowers] = part.reason
			lowers++
		}
	}
	return parts, nil
}

// cold gives a partner without a trend the rate of its segment, shrunken to the programme, with an interval as wide as
// the number of partners behind it makes it.
func (n *night) cold(l *line, row int) error {
	segment, since := n.p.rows[row].segment, "its first deal"
	if n.p.at(row, colReturned) > 0 {
		since = "it came back"
	}
	l.method = methodCold
	l.note = fmt.Sprintf("under %s since %s: no trend yet, the rate of its segment stands in", plural(n.o.ColdStartMonths, "month"), since)
	if n.reported.role != rolePublished {
		return nil
	}
	var peers []int
	for _, i := range n.usable {
		if n.p.rows[i].segment == segment {
			peers = append(peers, i)
		}
	}
	rate := n.p.baseRate(peers, n.rate, n.o.PriorRows)
	size := float64(max(1, n.p.partners(peers)))
	low, high, err := evaluate.Wilson(rate*size, size, 0.95)
	if err != nil {
		return fmt.Errorf("score cold start of segment %s: %w", segment, err)
	}
	logit := logistic.Logit(rate)
	l.probability, l.low, l.high, l.logit, l.model = &rate, &low, &high, &logit, n.reported.id
	return nil
}
