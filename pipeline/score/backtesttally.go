package score

import (
	"maps"
	"math"
	"slices"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// revenue is the won revenue of the year before the snapshot, 0 where it is not known.
func (s snapshot) revenue() float64 {
	if math.IsNaN(s.won) {
		return 0
	}
	return s.won
}

// share is a number of rows out of others, each row with its partner family.
type share struct {
	hit    []bool
	family []string
}

func (s *share) add(hit bool, family string) {
	s.hit, s.family = append(s.hit, hit), append(s.family, family)
}

func (s share) hits() int {
	n := 0
	for _, h := range s.hit {
		if h {
			n++
		}
	}
	return n
}

// value returns the share, nil without rows.
func (s share) value() any {
	if len(s.hit) == 0 {
		return nil
	}
	return float64(s.hits()) / float64(len(s.hit))
}

// loss is one churn, as the quarter starts saw it coming.
type loss struct {
	revenue float64
	flagged bool
	lead    int // days from the first flag; -1 where the day of the loss is not known
}

// tallied is how the calls of some quarters came out.
type tallied struct {
	ranked, flagged, churned, caught, exited, flaggedExited, caughtRecency int
	precision, recall, base, recency                                       share
	auc                                                                    any
	losses                                                                 []loss
}

// tally counts how the calls of quarters with known outcome came out.
func tally(p *panel, replays []*replay) tallied {
	var h tallied
	number := map[[2]any]int{}
	var won, pairs float64
	for _, r := range replays {
		for _, c := range r.calls {
			h.count(p.rows[c.row].family, c)
			if s := p.rows[c.row]; c.outcome == outcomeChurned {
				h.lose(number, s, c)
			}
		}
		if auc, n, ok := r.auc(); ok {
			won, pairs = won+auc*n, pairs+n
		}
	}
	if pairs > 0 {
		h.auc = won / pairs
	}
	h.churned, h.caught, h.caughtRecency = h.base.hits(), h.recall.hits(), h.recency.hits()
	return h
}

func (h *tallied) count(family string, c call) {
	churned := c.outcome == outcomeChurned
	h.ranked++
	if c.flagged {
		h.flagged++
	}
	if c.outcome == outcomeExited {
		h.exited++
		if c.flagged {
			h.flaggedExited++
		}
	}
	if !c.isKnown() {
		return
	}
	h.base.add(churned, family)
	if churned {
		h.recall.add(c.flagged, family)
	}
	if c.flagged {
		h.precision.add(churned, family)
	}
	if c.byRecency {
		h.recency.add(churned, family)
	}
}

// lose adds a churn, or what a later quarter start knew of one that is there. Quarters come in the order of time.
func (h *tallied) lose(number map[[2]any]int, s snapshot, c call) {
	k, seen := number[[2]any{s.partner, s.spell}]
	if !seen {
		k = len(h.losses)
		number[[2]any{s.partner, s.spell}] = k
		h.losses = append(h.losses, loss{revenue: s.revenue(), lead: -1})
	}
	l := &h.losses[k]
	if c.flagged && !l.flagged {
		l.flagged = true
		if s.churnedOn != noDate {
			l.lead = int(s.churnedOn - s.on)
		}
	}
}

// auc returns the AUC of a quarter and the number of its pairs of a churner and a stayer.
func (r *replay) auc() (auc, pairs float64, ok bool) {
	var outcome, score []float64
	positives := 0.0
	for _, c := range r.calls {
		if !c.isKnown() {
			continue
		}
		y := 0.0
		if c.outcome == outcomeChurned {
			y = 1
		}
		outcome, score = append(outcome, y), append(score, c.score)
		positives += y
	}
	s, err := evaluate.New(outcome, score, nil)
	if err != nil {
		return 0, 0, false
	}
	if auc, err = s.AUC(); err != nil {
		return 0, 0, false // only one outcome: nothing to compare
	}
	return auc, positives * (float64(len(outcome)) - positives), true
}

// numbers are the columns from at_risk on. interval bounds a share.
func (h tallied) numbers(interval func(share) (low, high any)) []any {
	row := []any{h.ranked, h.flagged, h.churned, h.caught, h.exited, h.flaggedExited}
	for _, s := range []share{h.precision, h.recall} {
		low, high := interval(s)
		row = append(row, s.value(), low, high)
	}
	var lift any
	if len(h.precision.hit) > 0 && h.churned > 0 {
		lift = h.precision.value().(float64) / h.base.value().(float64)
	}
	row = append(row, h.base.value(), lift, h.auc, h.caughtRecency, h.recency.value())
	return append(row, h.lossNumbers()...)
}

// lossNumbers are the columns that count each churn once.
func (h tallied) lossNumbers() []any {
	caught, churnedRevenue, caughtRevenue := 0, 0.0, 0.0
	var leads []float64
	for _, l := range h.losses {
		churnedRevenue += l.revenue
		if !l.flagged {
			continue
		}
		caught++
		caughtRevenue += l.revenue
		if l.lead >= 0 {
			leads = append(leads, float64(l.lead))
		}
	}
	var median, shortest, part any
	if len(leads) > 0 {
		slices.Sort(leads)
		median, shortest = evaluate.Quantile(0.5, leads), int64(leads[0])
	}
	if churnedRevenue > 0 {
		part = caughtRevenue / churnedRevenue
	}
	return []any{len(h.losses), caught, median, shortest, churnedRevenue, caughtRevenue, part}
}

// wilson bounds a share of independent rows; nil without rows.
func wilson(s share) (low, high any) {
	return bounds(float64(s.hits()), float64(len(s.hit)))
}

func bounds(k, n float64) (low, high any) {
	lo, hi, err := evaluate.Wilson(k, n, 0.95)
	if err != nil {
		return nil, nil
	}
	return lo, hi
}

// clusteredWilson bounds a share p whose rows come several from one family. With r_g the sum of (row - p) in family g, the
// variance of p between G families is G/(G-1) sum r_g^2 / n^2; as many independent rows as have that variance,
// p(1-p)/variance, take the place of n in Wilson's interval, at most n. Where p is 0 or 1 they are the families.
func clusteredWilson(s share) (low, high any) {
	n, k := float64(len(s.hit)), float64(s.hits())
	if n == 0 {
		return nil, nil
	}
	p := k / n
	residual := map[string]float64{}
	for i, hit := range s.hit {
		y := 0.0
		if hit {
			y = 1
		}
		residual[s.family[i]] += y - p
	}
	families, squares := float64(len(residual)), 0.0
	for _, g := range slices.Sorted(maps.Keys(residual)) {
		squares += residual[g] * residual[g]
	}
	effective := min(families, n)
	if variance := families / (families - 1) * squares / (n * n); families > 1 && variance > 0 && p > 0 && p < 1 {
		effective = min(n, p*(1-p)/variance)
	}
	return bounds(p*effective, effective)
}
