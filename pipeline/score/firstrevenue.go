package score

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

const (
	// minMedianEvents is the least number of first revenues for a median.
	minMedianEvents = 5
	// minScope is the least number of partners for a scope that is ranked.
	minScope = 10
	// restrictDays is the end of the restricted mean.
	restrictDays = 365
)

// The ways in which the wait for first revenue ends, as int_first_revenue codes them; 0 is still waiting.
const (
	endRevenue = 1
	endExit    = 2
)

// FirstRevenueSchema returns the columns of score_first_revenue.
func FirstRevenueSchema() *arrow.Schema {
	return newSchema("time from signature to first revenue, estimated per scope with open cases censored.",
		"scope", "scope_kind, scope_id", []column{
			{"scope_kind", text, "program, segment, tier, region or owner"},
			{"scope_id", text, "the scope"},
			{"n", bigint, "partners signed in the window"},
			{"events", bigint, "of these, with first revenue"},
			{"median_days", double, "Kaplan-Meier median; null where half were never reached"},
			{"low_days", double, "lower end of its 95% interval"},
			{"high_days", double, "upper end of its 95% interval"},
			{"rmst_365_days", double, "mean days without revenue within the first 365"},
			{"activated_by_90", double, "share with revenue by day 90"},
			{"activated_by_180", double, "share with revenue by day 180"},
			{"activated_by_365", double, "share with revenue by day 365"},
			{"naive_mean_days", double, "mean over those with revenue only, which drops partners who never sold"},
			{"status", text, "ok, insufficient, or not_reached where the median is open"},
		})
}

// FirstRevenue estimates the time to first revenue per scope from int_first_revenue (partner_id, days, event: 0 waiting, 1
// first revenue, 2 exit) and int_partner_scope (partner_id, scope_kind, scope_id), and returns score_first_revenue,
// ordered by its key. Scopes of one partner or one family are left out: a curve of one is none.
//
// Median and restricted mean are of the Kaplan-Meier curve, for which an exit is a censoring; the shares by a day are
// Aalen-Johansen estimates with the exit competing, so that a partner who left is not counted as one who may still sell.
// A share, or the restricted mean, is null when nobody was observed that long.
func FirstRevenue(waits, scopes arrow.RecordBatch) (arrow.RecordBatch, error) {
	groups, err := readDurations(waits, scopes)
	if err != nil {
		return nil, err
	}
	out := newTable(FirstRevenueSchema())
	for _, g := range groups {
		row, err := g.estimate()
		if err == nil {
			err = out.add(row...)
		}
		if err != nil {
			return nil, fmt.Errorf("estimate first revenue of %s %s: %w", g.kind, g.id, err)
		}
	}
	return out.record(), nil
}

func (g *durations) estimate() ([]any, error) {
	s := survival.Sample{Time: g.days}
	events, sum := 0, 0.0
	for i, end := range g.end {
		s.Event = append(s.Event, end == endRevenue)
		if end == endRevenue {
			events++
			sum += g.days[i]
		}
	}
	curve, err := survival.KaplanMeier(s)
	if err != nil {
		return nil, err
	}
	shares, err := survival.AalenJohansen(survival.Competing{Time: g.days, Cause: g.end, Causes: 2})
	if err != nil {
		return nil, err
	}
	var median, low, high survival.Value
	if events >= minMedianEvents {
		median, low, high = curve.Median(survival.LogLog, 0.95)
	}
	status := "ok"
	switch {
	case events < minMedianEvents || len(g.days) < minScope:
		status = "insufficient"
	case !median.Reached:
		status = "not_reached"
	}
	reached := func(v survival.Value) any {
		if !v.Reached {
			return nil
		}
		return v.Time
	}
	by := func(day float64) any {
		if shares.FollowUp() < day {
			return nil
		}
		return shares.At(endRevenue, day)
	}
	var restricted, naive any
	if curve.FollowUp() >= restrictDays {
		restricted, _ = curve.RestrictedMean(restrictDays)
	}
	if events > 0 {
		naive = sum / float64(events)
	}
	return []any{g.kind, g.id, len(g.days), events, reached(median), reached(low), reached(high), restricted,
		by(90), by(180), by(365), naive, status}, nil
}

// readDurations groups the waits by scope, in the order of the published key.
func readDurations(waits, scopes arrow.RecordBatch) ([]*durations, error) {
	w := newFrame("int_first_revenue", waits)
	partner, days, end := w.keys("partner_id"), w.numbers("days"), w.counts("event")
	if w.err != nil {
		return nil, w.err
	}
	byPartner := make(map[string]int, len(partner))
	for i, p := range partner {
		if _, twice := byPartner[p]; twice {
			return nil, &InputError{Table: w.table, Column: "partner_id", Reason: "partner " + p + " has two rows"}
		}
		if !(days[i] >= 0) || end[i] > endExit {
			return nil, &InputError{Table: w.table, Reason: fmt.Sprintf("partner %s: event %d after %v days", p, end[i], days[i])}
		}
		byPartner[p] = i
	}
	s := newFrame("int_partner_scope", scopes)
	member, kind, id := s.keys("partner_id"), s.keys("scope_kind"), s.texts("scope_id")
	if s.err != nil {
		return nil, s.err
	}
	groups := map[[2]string]*durations{}
	var out []*durations
	for i, p := range member {
		at, waited := byPartner[p]
		if !waited || kind[i] == "partner" || kind[i] == "partner_family" {
			continue
		}
		key := [2]string{kind[i], id[i]}
		g := groups[key]
		if g == nil {
			g = &durations{kind: kind[i], id: id[i]}
			groups[key] = g
			out = append(out, g)
		}
		g.days, g.end = append(g.days, days[at]), append(g.end, int(end[at]))
	}
	for _, g := range out {
		g.sort()
	}
	slices.SortFunc(out, func(a, b *durations) int {
		if c := strings.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return out, nil
}
