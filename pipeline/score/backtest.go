package score

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// BacktestResult holds the tables of a backtest: what the nights of the past would have said, beside what then happened.
type BacktestResult struct {
	// Quarters is model_backtest, one row per quarter start and one for all of them; Alerts is model_backtest_alert.
	Quarters, Alerts arrow.RecordBatch
}

// Backtest walks forward over the whole history. At the start of each fiscal quarter it runs the night of that day again
// from what was known then: the rows whose horizon was over, each with the label that the night had to believe, the same
// ladder of methods, penalty, verdict and risk bands. The partners in the high band are that quarter's alerts, and tonight
// knows what became of them. Nothing is learned from the quarter that is judged, nor from any later one.
//
// features is fct_partner_month_feature, periods dim_fiscal_period (period, period_kind, period_start). Quarters at whose
// start nobody was past the cold start have no row. Precision and recall have Wilson 95% intervals; in the row `total` the
// same partner is counted in several quarters, so its intervals take the effective number of independent rows from the
// scatter between partner families (Korn and Graubard, Survey Methodology 24, 1998). Errors are *InputError, *LeakageError
// and those of the context; a model that cannot be fitted is the night's rule score, as it was then.
func Backtest(ctx context.Context, features, periods arrow.RecordBatch, o Options) (*BacktestResult, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p, err := readPanel(features, o)
	if err != nil {
		return nil, err
	}
	starts, err := readQuarters(periods)
	if err != nil {
		return nil, err
	}
	var replays []*replay
	for _, start := range starts {
		r, err := p.replay(ctx, start, o)
		if err != nil {
			return nil, fmt.Errorf("backtest %s: %w", start.name, err)
		}
		if len(r.calls) > 0 {
			replays = append(replays, r)
		}
	}
	return publishBacktest(p, replays, o)
}

// quarterStart is the first day of a fiscal quarter.
type quarterStart struct {
	name string
	on   arrow.Date32
}

// readQuarters lists the fiscal quarters by their first day.
func readQuarters(periods arrow.RecordBatch) ([]quarterStart, error) {
	f := newFrame("dim_fiscal_period", periods)
	name, kind, start := f.keys("period"), f.texts("period_kind"), f.dates("period_start")
	if f.err != nil {
		return nil, f.err
	}
	var out []quarterStart
	for i := range name {
		if kind[i] == "quarter" {
			out = append(out, quarterStart{name[i], start[i]})
		}
	}
	slices.SortFunc(out, func(a, b quarterStart) int { return int(a.on) - int(b.on) })
	for i := range out {
		switch {
		case out[i].on == noDate:
			return nil, &InputError{Table: f.table, Column: "period_start", Reason: out[i].name + " has no first day"}
		case i > 0 && out[i].on == out[i-1].on:
			return nil, &InputError{Table: f.table, Column: "period_start", Reason: out[i-1].name + " and " + out[i].name + " begin on one day"}
		}
	}
	return out, nil
}

// The outcomes of a backtest's alerts.
const (
	outcomeChurned = "churned"
	outcomeStayed  = "stayed"
	outcomeExited  = "exited" // left for a reason that is no churn: neither right nor wrong
	outcomeOpen    = "open"   // the horizon is not over
)

// call is what the night of a quarter start said of one partner, and what became of it.
type call struct {
	row     int     // of tonight's panel
	score   float64 // what ranked the partner
	rank    int     // 1 is the highest risk
	flagged bool
	outcome string
	// byRecency: among as many partners as were flagged, had they been ranked by recency alone.
	byRecency bool
}

// isKnown reports whether the call can be judged.
func (c call) isKnown() bool { return c.outcome == outcomeChurned || c.outcome == outcomeStayed }

// replay is the night of a quarter start.
type replay struct {
	quarterStart
	method, role, reason string
	churns               int // E of that night
	calls                []call
	matured              bool
}

// replay runs the night before a quarter start again and looks up what became of its calls.
func (p *panel) replay(ctx context.Context, start quarterStart, o Options) (*replay, error) {
	then, origin := p.before(start.on, o)
	o.AsOf, o.Registry, o.ranksOnly = (start.on - 1).ToTime(), nil, true
	n := newNight(then, o)
	r := &replay{quarterStart: start}
	if len(n.live) == 0 {
		return r, ctx.Err()
	}
	if err := n.decide(ctx); err != nil {
		return nil, err
	}
	a := n.reported
	r.method, r.role, r.reason, r.churns = a.method, a.role, a.reason, n.churns
	r.matured = start.on+arrow.Date32(o.HorizonDays) <= p.knownTo+1
	score, recency := make([]float64, len(n.live)), make([]float64, len(n.live))
	for k, i := range n.live {
		s := then.rows[i]
		c := call{row: origin[i], score: probability(a.scorer().logit(s.values)), flagged: a.bands.of[i] == bandNames[0]}
		switch now := p.rows[c.row]; {
		case !r.matured:
			c.outcome = outcomeOpen
		case !now.usable:
			c.outcome = outcomeExited
		case now.label == 1:
			c.outcome = outcomeChurned
		default:
			c.outcome = outcomeStayed
		}
		if score[k], recency[k] = c.score, then.at(i, colRecency); math.IsNaN(recency[k]) {
			recency[k] = 0
		}
		r.calls = append(r.calls, c)
	}
	name := func(k int) string { return then.rows[n.live[k]].partner }
	for rank, k := range ranked(len(n.live), score, name) {
		r.calls[k].rank = rank + 1
	}
	flagged := r.count(func(c call) bool { return c.flagged })
	for _, k := range ranked(len(n.live), recency, name)[:flagged] {
		r.calls[k].byRecency = true
	}
	return r, nil
}

// count counts the calls of a kind.
func (r *replay) count(is func(call) bool) int {
	n := 0
	for _, c := range r.calls {
		if is(c) {
			n++
		}
	}
	return n
}

// before returns the panel as the night before a month start knew it, and for each of its rows the row of p: no later
// snapshot, outcomes only where the horizon was over, and a partner whose later business was not reported yet counts as
// churned. Rows share their values with p.
func (p *panel) before(on arrow.Date32, o Options) (then *panel, origin []int) {
	then = &panel{features: p.features, index: p.index, knownTo: on - 1}
	for i, s := range p.rows {
		if s.on > on {
			continue
		}
		s.tonight = s.on == on
		s.usable = s.usable && s.on+arrow.Date32(o.HorizonDays) <= on
		switch {
		case !s.usable:
			s.label = math.NaN()
		case s.knownOn > on:
			s.label = 1
		}
		then.rows = append(then.rows, s)
		origin = append(origin, i)
	}
	return then, origin
}
