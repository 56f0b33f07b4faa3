package score

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/partnerhealth/partnerhealth/models/affinity"
	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

const (
	// fewPartners get fewer bins: the noise of the index grows with bins over rows.
	fewPartners           = 500
	binsOfFew, binsOfMany = 5, 10
	// A stability index is worth watching above watchPSI and alarming above alarmPSI, where chance does not explain it.
	watchPSI, alarmPSI = 0.1, 0.25
	// driftRate is the false discovery rate of the drifted features of a night.
	driftRate = 0.05
	// alarmZ is how many standard errors the outcomes may lie beside what was predicted.
	alarmZ = 3
)

// The levels of drift.
const (
	driftNone  = "none"
	driftWatch = "watch"
	driftAlarm = "alarm"
)

// drift is how far a quantity of tonight's partners is from that of the rows learned from.
type drift struct {
	// missing is the share of tonight's partners whose value is not known, NaN where there are none.
	missing float64
	// psi is the population stability index, limit what chance alone stays below in 95 of 100 nights, chance the
	// probability of such an index or a larger one by chance; NaN where nothing can be compared.
	psi, limit, chance float64
	level              string
}

// noDrift is that of a quantity that cannot be compared.
func noDrift() drift {
	return drift{missing: math.NaN(), psi: math.NaN(), limit: math.NaN(), chance: math.NaN()}
}

// columns are those of model_coefficient.
func (d drift) columns() []any {
	return []any{optional(d.missing), optional(d.psi), optional(d.limit), nullable(d.level)}
}

// driftOf compares tonight's partners with the rows learned from, those past their cold start as tonight's are. A partner is
// in many of these, so chance is judged by the number of partners, not of rows.
func (n *night) driftOf(value func(row int) float64) drift {
	values := func(rows []int) []float64 {
		out := make([]float64, len(rows))
		for k, i := range rows {
			out[k] = value(i)
		}
		return out
	}
	var past []int
	for _, i := range n.usable {
		if !n.p.isCold(i, n.o) {
			past = append(past, i)
		}
	}
	then, now, d := values(past), values(n.live), noDrift()
	if len(now) == 0 {
		return d
	}
	d.missing = 0
	for _, v := range now {
		if math.IsNaN(v) {
			d.missing++
		}
	}
	d.missing /= float64(len(now))
	bins := binsOfMany
	if len(now) < fewPartners {
		bins = binsOfFew
	}
	s, err := evaluate.NumericStability(then, now, bins)
	if err != nil {
		return d
	}
	noise := 1/float64(n.p.partners(past)) + 1/float64(len(now))
	d.psi, d.limit, d.chance, d.level = s.PSI, 0, 1, driftNone
	// The bin above a cap that many reach is empty then and now, and gives chance no room.
	if df := float64(s.DF); df > 0 {
		chi := distuv.ChiSquared{K: df}
		d.limit, d.chance = noise*chi.Quantile(0.95), chi.Survival(s.PSI/noise)
	}
	switch {
	case d.psi > max(alarmPSI, 2*d.limit):
		d.level = driftAlarm
	case d.psi > max(watchPSI, d.limit):
		d.level = driftWatch
	}
	return d
}

// measureDrift compares all columns of the features.
func (n *night) measureDrift() {
	n.drifts = map[string]drift{}
	for _, f := range n.p.features {
		for _, name := range f.columns {
			n.drifts[name] = n.driftOf(func(row int) float64 { return n.p.at(row, name) })
		}
	}
}

// columns that the method scores by.
func (a *attempt) columns() []string {
	var out []string
	switch {
	case a.fitted != nil:
		out = a.fitted.Columns
	case a.rule != nil:
		for _, t := range a.rule.terms {
			if t.left == "" {
				out = append(out, t.feature.columns[0])
			}
		}
	}
	return out
}

// drifted returns those columns of a method that drift by more than chance explains once all of them are looked at
// (Benjamini-Hochberg).
func (n *night) drifted(a *attempt) []string {
	var names []string
	var chances []float64
	for _, name := range a.columns() {
		if d := n.drifts[name]; d.level != "" {
			names, chances = append(names, name), append(chances, min(1, max(0, d.chance)))
		}
	}
	var out []string
	for k, q := range affinity.BenjaminiHochberg(chances) {
		if q <= driftRate && n.drifts[names[k]].level != driftNone {
			out = append(out, names[k])
		}
	}
	return out
}

// scoreDrift compares the scores of tonight's partners with those of the rows learned from: shifts of features that hide
// each other, and those that add up.
func (n *night) scoreDrift(a *attempt) drift {
	if a.fitted == nil && a.rule == nil {
		return noDrift()
	}
	s := a.scorer()
	return n.driftOf(func(row int) float64 { return s.logit(n.p.rows[row].values) })
}

// outcomeZ compares the outcomes of the held-out quarters with what was predicted: (O - sum p)/se, above 0 when more
// churned. The standard error is the larger of sqrt(sum p(1-p)) and that of the sums by partner family, since a churn is in
// several rows. NaN where nothing was predicted.
func (p *panel) outcomeZ(t *trackRecord) float64 {
	if t == nil || len(t.rows) == 0 {
		return math.NaN()
	}
	total, variance := 0.0, 0.0
	var sums []float64
	for k, g := range p.clusters(t.rows) {
		if g == len(sums) {
			sums = append(sums, 0)
		}
		prob := t.probability[k]
		sums[g] += t.outcome[k] - prob
		total += t.outcome[k] - prob
		variance += prob * (1 - prob)
	}
	between := 0.0
	for _, s := range sums {
		between += s * s
	}
	return total / math.Sqrt(max(variance, between))
}

// driftNotes are the card's columns about drift.
func (n *night) driftNotes(a *attempt) []any {
	score := n.scoreDrift(a)
	var drifted any
	if len(n.live) > 0 && len(a.columns()) > 0 {
		drifted = len(n.drifted(a))
	}
	return []any{drifted, optional(score.psi), optional(score.limit), optional(n.p.outcomeZ(a.track))}
}

// driftInWords says in words where a published model may no longer hold. What is only to be watched is on its card.
func (n *night) driftInWords() []string {
	a := n.reported
	if a.role != rolePublished {
		return nil
	}
	var out []string
	names := slices.DeleteFunc(n.drifted(a), func(name string) bool { return n.drifts[name].level != driftAlarm })
	if len(names) > 0 {
		out = append(out, fmt.Sprintf("churn model: tonight's partners are far from those it learned from in %d of %d columns: %s",
			len(names), len(a.columns()), strings.Join(names, ", ")))
	}
	if z := n.p.outcomeZ(a.track); math.Abs(z) > alarmZ {
		more := "more"
		if z < 0 {
			more = "fewer"
		}
		out = append(out, fmt.Sprintf("churn model: in the held-out quarters %s partners churned than it predicted, by %.1f standard errors", more, math.Abs(z)))
	}
	return out
}
