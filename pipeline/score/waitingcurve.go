package score

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

// outlook is what is expected of one waiting partner.
type outlook struct {
	basis     string
	within    [len(waitHorizons)]span
	remaining span
	typical   *float64
}

// waitModel expects first revenue of a partner that has waited so many days.
type waitModel interface {
	expect(row int, waited float64) (outlook, error)
}

// curveModel expects it from the curve of the partner's segment, and where that is thin from the programme's.
type curveModel struct {
	w         *waits
	programme *durations
	segments  map[string]*durations
}

// newCurveModel learns the curves of some partners as they were known on a day.
func (w *waits) newCurveModel(rows []int, on arrow.Date32) *curveModel {
	m := &curveModel{w: w, programme: w.group(rows, on), segments: map[string]*durations{}}
	members := map[string][]int{}
	for _, i := range rows {
		members[w.rows[i].segment] = append(members[w.rows[i].segment], i)
	}
	for segment, rows := range members {
		if g := w.group(rows, on); segment != "" && len(rows) >= minScope && g.events() >= minMedianEvents {
			m.segments[segment] = g
		}
	}
	return m
}

// group returns the waits to compare a partner with.
func (m *curveModel) group(row int, waited float64) (g *durations, basis string) {
	segment := m.w.rows[row].segment
	if g, ok := m.segments[segment]; ok && len(g.after(waited).days) >= minScope {
		return g, "segment " + segment
	}
	return m.programme, "all partners"
}

// meanWait is how long a partner's curve expects it to wait within the first year, for ranking.
func (m *curveModel) meanWait(row int) (float64, error) {
	g, _ := m.group(row, 0)
	curve, err := survival.KaplanMeier(g.sample(endRevenue))
	if err != nil {
		return 0, err
	}
	mean, _ := curve.RestrictedMean(restrictDays)
	return mean, nil
}

func (m *curveModel) expect(row int, waited float64) (outlook, error) {
	g, basis := m.group(row, waited)
	out := outlook{basis: basis}
	longer := g.after(waited)
	shares, err := survival.AalenJohansen(survival.Competing{Time: longer.days, Cause: longer.end, Causes: 2})
	if err != nil {
		return out, err
	}
	for k, h := range waitHorizons {
		if shares.FollowUp() < waited+h {
			continue
		}
		p := shares.At(endRevenue, waited+h)
		low, high, ok := shares.Interval(endRevenue, waited+h, 0.95)
		if !ok {
			n := float64(len(longer.days))
			if low, high, err = evaluate.Wilson(math.Round(p*n), n, 0.95); err != nil {
				return out, err
			}
		}
		out.within[k] = spanOf(p, low, high)
	}
	if curve, err := survival.KaplanMeier(longer.sample(endRevenue)); err != nil {
		return out, err
	} else if curve.Events >= minMedianEvents {
		at, low, high := curve.Median(survival.LogLog, 0.95)
		out.remaining = span{since(at, waited), since(low, waited), since(high, waited)}
	}
	whole, err := survival.KaplanMeier(g.sample(endRevenue))
	if err != nil {
		return out, err
	}
	at, _, _ := whole.Median(survival.LogLog, 0.95)
	out.typical = since(at, 0)
	return out, nil
}

// since returns a time from a day on, nil where it was not reached.
func since(v survival.Value, from float64) *float64 {
	if !v.Reached {
		return nil
	}
	return optional(v.Time - from)
}
