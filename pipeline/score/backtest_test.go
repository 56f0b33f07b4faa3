package score_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

var periodColumns = concat(fields(arrow.BinaryTypes.String, "period", "period_kind"), fields(arrow.FixedWidthTypes.Date32, "period_start"))

// quarters lists the fiscal quarters up to the as-of date, beside months that a backtest must leave alone.
func quarters(months int) records {
	r := records{columns: periodColumns}
	next := asOf.AddDate(0, 0, 1)
	for m := range months + 1 {
		on := next.AddDate(0, -m, 0)
		r.rows = append(r.rows, map[string]any{"period": on.Format("2006-01"), "period_kind": "month", "period_start": arrow.Date32FromTime(on)})
		if on.Month()%3 == 1 {
			r.rows = append(r.rows, map[string]any{"period": fmt.Sprintf("%dQ%d", on.Year(), on.Month()/3+1), "period_kind": "quarter",
				"period_start": arrow.Date32FromTime(on)})
		}
	}
	return r
}

func backtestOptions(until time.Time) score.Options {
	o := score.DefaultOptions(until)
	o.Resamples = 40 // enough for a test
	return o
}

func backtest(t testing.TB, rows []map[string]any) (quarterRows, alerts []map[string]any) {
	t.Helper()
	r, err := score.Backtest(t.Context(), records{featureColumns, rows}.build(t), quarters(48).build(t), backtestOptions(asOf))
	if err != nil {
		t.Fatalf("backtest: %v", err)
	}
	return table(r.Quarters), table(r.Alerts)
}

// history is a programme in which some partners left for a reason that is no churn, and the business of some that stayed
// was reported a year late.
func history() []map[string]any {
	rows := programme{partners: 150, months: 36, seed: 11, base: -3.9, recency: 0.6, trend: 0.9}.rows()
	for i, row := range rows {
		switch {
		case row["is_usable"] == true && i%17 == 0:
			row["is_usable"], row["label"], row["churned_on"], row["outcome_known_on"] = false, nil, nil, nil
		case row["label"] == 0 && i%5 == 0:
			row["outcome_known_on"] = row["outcome_known_on"].(arrow.Date32) + 365
		}
	}
	return rows
}

// asKnownOn returns the rows as the night before a month start had them.
func asKnownOn(rows []map[string]any, on arrow.Date32) []map[string]any {
	var out []map[string]any
	for _, row := range rows {
		s := row["snapshot_on"].(arrow.Date32)
		if s > on {
			continue
		}
		then := map[string]any{}
		for k, v := range row {
			then[k] = v
		}
		then["is_as_of"] = s == on
		if s+180 > on {
			then["is_usable"], then["label"] = false, nil
		} else if known, ok := row["outcome_known_on"].(arrow.Date32); ok && known > on {
			then["label"] = 1
		}
		out = append(out, then)
	}
	return out
}

// For each quarter the night of its start is run on the rows that were known then: method, number of churns, flagged
// partners and probabilities of the backtest are those of the night.
func TestBacktestSaysWhatTheNightsSaid(t *testing.T) {
	rows := history()
	quarterRows, alerts := backtest(t, rows)
	methods := map[any]int{}
	var won, pairs float64
	for _, q := range quarterRows {
		if q["quarter"] == "total" {
			near(t, "AUC of all pairs within a quarter", q["auc"], won/pairs)
			continue
		}
		on := q["snapshot_on"].(arrow.Date32)
		night, err := score.Churn(t.Context(), records{featureColumns, asKnownOn(rows, on)}.build(t), nil, backtestOptions((on - 1).ToTime()))
		if err != nil {
			t.Fatal(err)
		}
		methods[q["method"]]++
		if night.Summary.Method != q["method"] || int64(night.Summary.Churns) != q["trained_churns"] || int64(night.Summary.Scored) != q["at_risk"] {
			t.Errorf("%v: %v %v %v, the night says %s %d %d", q["quarter"], q["method"], q["trained_churns"], q["at_risk"],
				night.Summary.Method, night.Summary.Churns, night.Summary.Scored)
		}
		said, repeated := map[any]any{}, map[any]any{}
		for _, p := range table(night.Partners) {
			if p["band"] == "high" {
				said[p["partner_id"]] = p["probability"]
			}
		}
		for _, a := range alerts {
			if a["quarter"] == q["quarter"] {
				repeated[a["partner_id"]] = a["probability"]
			}
		}
		if diff := cmp.Diff(said, repeated); diff != "" {
			t.Errorf("%v: high band of the night and alerts (-night +backtest):\n%s", q["quarter"], diff)
		}
		if w, n := countPairs(rows, on, table(night.Partners)); q["is_matured"] == true && n > 0 {
			near(t, fmt.Sprint(q["quarter"], ": AUC"), q["auc"], w/n)
			won, pairs = won+w, pairs+n
		}
	}
	if methods["scorecard"] == 0 || len(methods) < 2 {
		t.Errorf("the quarters know only the methods %v", methods)
	}
}

// countPairs counts the pairs of a churner and a stayer of a snapshot, and how many of them the night ranked right.
func countPairs(rows []map[string]any, on arrow.Date32, night []map[string]any) (right, pairs float64) {
	logit, label := map[any]float64{}, map[any]any{}
	for _, row := range rows {
		if row["snapshot_on"] == on {
			label[row["partner_id"]] = row["label"]
		}
	}
	for _, p := range night {
		if p["band"] != nil {
			logit[p["partner_id"]] = p["logit"].(float64)
		}
	}
	for a, high := range logit {
		for b, low := range logit {
			if label[a] != 1 || label[b] != 0 {
				continue
			}
			pairs++
			switch {
			case high > low:
				right++
			case high == low:
				right += 0.5
			}
		}
	}
	return right, pairs
}

// wilson is the interval of k out of n, from the formula.
func wilson(k, n float64) (low, high float64) {
	const z = 1.959963984540054
	p, d := k/n, 1+z*z/n
	middle, half := (p+z*z/(2*n))/d, z/d*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

func near(t *testing.T, what string, got any, want float64) {
	t.Helper()
	g, ok := got.(float64)
	if i, whole := got.(int64); whole {
		g, ok = float64(i), true
	}
	if !ok || math.Abs(g-want) > 1e-8*max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Every number of a quarter is computed again from its alerts and from the rows of that day.
func TestBacktestNumbersFollowFromTheAlerts(t *testing.T) {
	rows := history()
	quarterRows, alerts := backtest(t, rows)
	matured := 0
	for _, q := range quarterRows {
		if q["quarter"] == "total" || q["is_matured"] != true {
			continue
		}
		matured++
		name := fmt.Sprint(q["quarter"], ": ")
		var flagged, exited, caught, churned, stayed, lost, saved float64
		var leads []float64
		high := map[any]bool{}
		for _, a := range alerts {
			if a["quarter"] != q["quarter"] {
				continue
			}
			high[a["partner_id"]] = true
			flagged++
			switch a["outcome"] {
			case "exited":
				exited++
			case "churned":
				caught++
				leads = append(leads, float64(a["lead_days"].(int64)))
				near(t, name+"lead", a["lead_days"], float64(a["churned_on"].(arrow.Date32)-a["snapshot_on"].(arrow.Date32)))
			}
		}
		var recency []map[string]any
		for _, row := range rows {
			if row["snapshot_on"] != q["snapshot_on"] || row["tenure_months"].(int) < 3 {
				continue
			}
			recency = append(recency, row)
			switch row["label"] {
			case 1:
				churned++
				lost += row["won_365d"].(float64)
				if high[row["partner_id"]] {
					saved += row["won_365d"].(float64)
				}
			case 0:
				stayed++
			}
		}
		slices.SortFunc(recency, func(a, b map[string]any) int {
			if a["recency_gaps"] != b["recency_gaps"] {
				return int(math.Copysign(1, b["recency_gaps"].(float64)-a["recency_gaps"].(float64)))
			}
			return map[bool]int{true: -1, false: 1}[a["partner_id"].(string) < b["partner_id"].(string)]
		})
		var hits, known float64
		for _, row := range recency[:int(flagged)] {
			if row["label"] != nil {
				known++
			}
			if row["label"] == 1 {
				hits++
			}
		}
		for column, want := range map[string]float64{
			"flagged": flagged, "caught": caught, "flagged_exited": exited, "churned": churned, "precision": caught / (flagged - exited),
			"recall": caught / churned, "base_rate": churned / (churned + stayed), "lift": caught / (flagged - exited) / (churned / (churned + stayed)),
			"caught_recency": hits, "precision_recency": hits / known, "losses": churned, "losses_caught": caught,
			"revenue_churned": lost, "revenue_caught": saved, "revenue_caught_share": saved / lost,
			"at_risk": float64(len(recency)), "exited": float64(len(recency)) - churned - stayed,
		} {
			if math.IsNaN(want) || math.IsInf(want, 0) {
				if q[column] != nil {
					t.Errorf("%s%s is %v, it does not exist", name, column, q[column])
				}
				continue
			}
			near(t, name+column, q[column], want)
		}
		if low, high95 := wilson(caught, flagged-exited); flagged > exited {
			near(t, name+"precision_low", q["precision_low"], low)
			near(t, name+"precision_high", q["precision_high"], high95)
		} else if q["precision_low"] != nil || q["precision_high"] != nil {
			t.Errorf("%sno flagged partner's outcome counts, and precision has an interval", name)
		}
		if len(leads) > 0 {
			slices.Sort(leads)
			near(t, name+"shortest_lead_days", q["shortest_lead_days"], leads[0])
			near(t, name+"median_lead_days", q["median_lead_days"], evaluate.Quantile(0.5, leads))
		}
	}
	if matured < 8 {
		t.Errorf("only %d quarters have an outcome", matured)
	}
}

// The total counts rows as the sum of the quarters, and each churn once however many quarter starts could see it coming.
func TestBacktestTotalCountsEachLossOnce(t *testing.T) {
	rows := history()
	quarterRows, alerts := backtest(t, rows)
	total := quarterRows[len(quarterRows)-1]
	if total["quarter"] != "total" || total["snapshot_on"] != nil || total["status"] != "ok" {
		t.Fatalf("the last row is %v", total)
	}
	sums, starts := map[string]float64{}, map[any]bool{}
	for _, q := range quarterRows[:len(quarterRows)-1] {
		if q["is_matured"] != true {
			continue
		}
		starts[q["snapshot_on"]] = true
		for _, c := range []string{"at_risk", "flagged", "churned", "caught", "exited", "flagged_exited", "caught_recency"} {
			sums[c] += float64(q[c].(int64))
		}
	}
	for c, want := range sums {
		near(t, c, total[c], want)
	}
	near(t, "precision", total["precision"], sums["caught"]/(sums["flagged"]-sums["flagged_exited"]))
	near(t, "recall", total["recall"], sums["caught"]/sums["churned"])
	revenue, caught, leads := map[any]float64{}, map[any]bool{}, map[any]float64{}
	for _, row := range rows {
		if _, seen := revenue[row["partner_id"]]; starts[row["snapshot_on"]] && row["label"] == 1 && row["tenure_months"].(int) >= 3 && !seen {
			revenue[row["partner_id"]] = row["won_365d"].(float64)
		}
	}
	for _, a := range alerts {
		if a["outcome"] == "churned" && !caught[a["partner_id"]] {
			caught[a["partner_id"]] = true
			leads[a["partner_id"]] = float64(a["lead_days"].(int64))
		}
	}
	var all, saved float64
	for partner, r := range revenue {
		all += r
		if caught[partner] {
			saved += r
		}
	}
	first := make([]float64, 0, len(leads))
	for _, d := range leads {
		first = append(first, d)
	}
	slices.Sort(first)
	for c, want := range map[string]float64{
		"losses": float64(len(revenue)), "losses_caught": float64(len(caught)), "revenue_churned": all, "revenue_caught": saved,
		"revenue_caught_share": saved / all, "median_lead_days": evaluate.Quantile(0.5, first), "shortest_lead_days": first[0],
	} {
		near(t, c, total[c], want)
	}
	if !(total["losses"].(int64) < total["churned"].(int64)) {
		t.Error("no churn was in reach of two quarter starts: the programme shows nothing")
	}
	// Rows of one partner tell less than as many partners: the interval is wider than Wilson's with the number of rows.
	low, high := wilson(sums["caught"], sums["churned"])
	if got := total["recall_high"].(float64) - total["recall_low"].(float64); got <= high-low {
		t.Errorf("interval of the recall is %.4f wide, with independent rows it were %.4f", got, high-low)
	}
}

// A quarter whose horizon is not over has alerts and no verdict.
func TestBacktestOfAnOpenQuarter(t *testing.T) {
	quarterRows, alerts := backtest(t, history())
	open := 0
	for _, q := range quarterRows {
		if q["quarter"] == "total" || q["is_matured"] == true {
			continue
		}
		open++
		if q["status"] != "open" || q["precision"] != nil || q["churned"] != nil || q["flagged"].(int64) == 0 {
			t.Errorf("open quarter: %v", q)
		}
		for _, a := range alerts {
			if a["quarter"] == q["quarter"] && (a["outcome"] != "open" || a["lead_days"] != nil || a["churned_on"] != nil) {
				t.Errorf("alert of an open quarter: %v", a)
			}
		}
	}
	if open == 0 {
		t.Error("no quarter is open")
	}
}

func TestBacktestWithoutMuchHistory(t *testing.T) {
	t.Run("no partner", func(t *testing.T) {
		if q, a := backtest(t, nil); len(q)+len(a) != 0 {
			t.Errorf("%v %v", q, a)
		}
	})
	t.Run("nobody churned", func(t *testing.T) {
		rows := programme{partners: 30, months: 18, seed: 3, base: -40}.rows()
		q, _ := backtest(t, rows)
		total := q[len(q)-1]
		if total["status"] != "no_churn" || total["recall"] != nil || total["auc"] != nil || total["lift"] != nil || total["precision"] != 0.0 || total["revenue_caught_share"] != nil {
			t.Errorf("total %v", total)
		}
	})
	t.Run("four months", func(t *testing.T) {
		q, _ := backtest(t, programme{partners: 30, months: 5, seed: 3, base: -3}.rows())
		if total := q[len(q)-1]; total["status"] != "open" || total["flagged"] != nil || total["is_matured"] != false {
			t.Errorf("total %v", total)
		}
	})
}

func TestBacktestDoesNotDependOnTheOrder(t *testing.T) {
	rows, periods := history(), quarters(48)
	run := func() *score.BacktestResult {
		r, err := score.Backtest(t.Context(), records{featureColumns, rows}.build(t), periods.build(t), backtestOptions(asOf))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a := run()
	slices.Reverse(rows)
	slices.Reverse(periods.rows)
	if b := run(); !array.RecordEqual(a.Quarters, b.Quarters) || !array.RecordEqual(a.Alerts, b.Alerts) {
		t.Error("another order gives another backtest")
	}
}

func TestBacktestRefusesPeriodsThatCannotBe(t *testing.T) {
	features := records{featureColumns, nil}.build(t)
	for name, damage := range map[string]func(r *records){
		"quarter without a day": func(r *records) { r.rows[1]["period_start"] = nil; r.rows[1]["period_kind"] = "quarter" },
		"two on one day":        func(r *records) { r.rows[0]["period_kind"], r.rows[1] = "quarter", r.rows[0] },
		"period without a name": func(r *records) { r.rows[0]["period"] = nil },
	} {
		r := quarters(6)
		damage(&r)
		var input *score.InputError
		if _, err := score.Backtest(t.Context(), features, r.build(t), backtestOptions(asOf)); !errors.As(err, &input) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// BenchmarkBacktest walks through three years of 400 partners, or of 5,000.
func BenchmarkBacktest(b *testing.B) {
	g := programme{partners: 400, months: 36, seed: 4, base: -4.4, recency: 0.5, trend: 0.9}
	if *large {
		g.partners = 5000
	}
	rows := g.rows()
	rec, periods := records{featureColumns, rows}.build(b), quarters(48).build(b)
	b.ReportMetric(float64(len(rows)), "rows")
	for b.Loop() {
		if _, err := score.Backtest(b.Context(), rec, periods, score.DefaultOptions(asOf)); err != nil {
			b.Fatal(err)
		}
	}
}
