package score

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// BacktestSchema returns the columns of model_backtest.
func BacktestSchema() *arrow.Schema {
	return newSchema("what the churn score of each quarter start would have flagged, learned from what was known then, against what happened.",
		"quarter, and one row for all", "quarter", []column{
			{"quarter", text, "fiscal quarter at whose start was predicted; total for all whose outcome is known"},
			{"snapshot_on", date, "its first day"},
			{"method", text, "what ranked the partners in that night: ridge, ridge_cv or scorecard; null in the total where it changed"},
			{"is_matured", boolean, "the horizon is over, so that the outcome of every call is known"},
			{"status", text, "ok; no_churn: nobody churned, so recall, lift and AUC do not exist; open: not over yet"},
			{"reason", text, "why that method, and why numbers are missing"},
			{"trained_churns", bigint, "distinct churns in the training window of that night, which decided the method"},
			{"at_risk", bigint, "partners ranked: at risk and past the cold start"},
			{"flagged", bigint, "of these, in the high band"},
			{"churned", bigint, "ranked partners that churned within the horizon"},
			{"caught", bigint, "flagged and churned"},
			{"exited", bigint, "ranked partners that left for a reason that is no churn: in no share"},
			{"flagged_exited", bigint, "of these, flagged"},
			{"precision", double, "caught / flagged with a known outcome"},
			{"precision_low", double, "lower end of its 95% interval (Wilson; in the total with the effective number of rows by partner family)"},
			{"precision_high", double, "upper end of its 95% interval"},
			{"recall", double, "caught / churned"},
			{"recall_low", double, "lower end of its 95% interval"},
			{"recall_high", double, "upper end of its 95% interval"},
			{"base_rate", double, "churned / ranked with a known outcome"},
			{"lift", double, "precision / base rate"},
			{"auc", double, "chance that a churner ranks above a stayer of the same quarter"},
			{"caught_recency", bigint, "churned among the same number of partners, ranked by recency alone"},
			{"precision_recency", double, "their share of those with a known outcome"},
			{"losses", bigint, "distinct churns; a partner lost within the horizon of two quarter starts is one"},
			{"losses_caught", bigint, "of these, flagged at one quarter start at least"},
			{"median_lead_days", double, "median of the days from a loss's first flag to the loss"},
			{"shortest_lead_days", bigint, "shortest of them"},
			{"revenue_churned", double, "won revenue of the partners lost in the 365 days before the first quarter start that could see the loss; each loss once"},
			{"revenue_caught", double, "the same of the losses that were flagged"},
			{"revenue_caught_share", double, "revenue_caught / revenue_churned"},
		})
}

// BacktestAlertSchema returns the columns of model_backtest_alert.
func BacktestAlertSchema() *arrow.Schema {
	return newSchema("the partners that the churn score of each quarter start would have flagged, and what became of them.",
		"quarter x flagged partner", "quarter, partner_id", []column{
			{"quarter", text, "fiscal quarter at whose start was predicted"},
			{"snapshot_on", date, "its first day"},
			{"partner_id", text, "partner in the high band"},
			{"rank", bigint, "1 for the highest risk of the quarter"},
			{"probability", double, "predicted probability; null where the rule score ranked"},
			{"outcome", text, "churned, stayed, exited (left for a reason that is no churn) or open"},
			{"churned_on", date, "day on which the partner was lost"},
			{"lead_days", bigint, "days from the flag to that day"},
			{"trailing_revenue", double, "won revenue in the 365 days before the flag"},
		})
}

// EmptyBacktest returns the backtest's tables without rows, for a night without history.
func EmptyBacktest() *BacktestResult {
	return &BacktestResult{Quarters: emptyRecord(BacktestSchema()), Alerts: emptyRecord(BacktestAlertSchema())}
}

// totalQuarter names the row of all quarters whose outcome is known.
const totalQuarter = "total"

// publishBacktest writes both tables.
func publishBacktest(p *panel, replays []*replay, o Options) (*BacktestResult, error) {
	quarters, alerts := newTable(BacktestSchema()), newTable(BacktestAlertSchema())
	var matured []*replay
	for _, r := range replays {
		if r.matured {
			matured = append(matured, r)
		}
		if err := addQuarter(quarters, p, r, o); err != nil {
			return nil, fmt.Errorf("write model_backtest of %s: %w", r.name, err)
		}
		if err := addAlerts(alerts, p, r); err != nil {
			return nil, fmt.Errorf("write model_backtest_alert of %s: %w", r.name, err)
		}
	}
	if len(replays) > 0 {
		if err := addTotal(quarters, p, matured); err != nil {
			return nil, fmt.Errorf("write total of model_backtest: %w", err)
		}
	}
	return &BacktestResult{Quarters: quarters.record(), Alerts: alerts.record()}, nil
}

func addQuarter(t *table, p *panel, r *replay, o Options) error {
	reason := r.reason
	if !r.matured {
		ends := r.on + arrow.Date32(o.HorizonDays)
		reason += "; the horizon ends on " + day(ends)
		row := []any{r.name, r.on, r.method, false, "open", nullable(reason), r.churns, len(r.calls), r.count(func(c call) bool { return c.flagged })}
		return t.add(append(row, make([]any, BacktestSchema().NumFields()-len(row))...)...)
	}
	h := tally(p, []*replay{r})
	status := "ok"
	if h.churned == 0 {
		status, reason = "no_churn", reason+"; nobody churned"
	}
	row := []any{r.name, r.on, r.method, true, status, nullable(reason), r.churns}
	return t.add(append(row, h.numbers(wilson)...)...)
}

// addTotal sums up the quarters whose outcome is known.
func addTotal(t *table, p *panel, matured []*replay) error {
	if len(matured) == 0 {
		row := []any{totalQuarter, nil, nil, false, "open", "no quarter's horizon is over yet"}
		return t.add(append(row, make([]any, BacktestSchema().NumFields()-len(row))...)...)
	}
	method := matured[0].method
	for _, r := range matured {
		if r.method != method {
			method = ""
		}
	}
	h := tally(p, matured)
	status, reason := "ok", fmt.Sprintf("%s with known outcome", plural(float64(len(matured)), "quarter"))
	if h.churned == 0 {
		status, reason = "no_churn", reason+"; nobody churned"
	}
	row := []any{totalQuarter, nil, nullable(method), true, status, reason, nil}
	return t.add(append(row, h.numbers(clusteredWilson)...)...)
}

func addAlerts(t *table, p *panel, r *replay) error {
	calls := slices.Clone(r.calls)
	slices.SortFunc(calls, func(a, b call) int { return a.rank - b.rank })
	for _, c := range calls {
		if !c.flagged {
			continue
		}
		s := p.rows[c.row]
		var chance, lead any
		if r.role == rolePublished {
			chance = c.score
		}
		lost := noDate
		if c.outcome == outcomeChurned && s.churnedOn != noDate {
			lost, lead = s.churnedOn, int64(s.churnedOn-r.on)
		}
		if err := t.add(r.name, r.on, s.partner, c.rank, chance, c.outcome, lost, lead, s.revenue()); err != nil {
			return fmt.Errorf("partner %s: %w", s.partner, err)
		}
	}
	return nil
}
