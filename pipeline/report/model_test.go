package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
)

// between is a measure with its interval.
func between(value, low, high float64) report.Measure {
	return report.Measure{Value: f(value), Low: f(low), High: f(high)}
}

// models is a night with a published regression, the rule score and the two other baselines.
func models() *report.ModelNight {
	n := &report.ModelNight{
		Format: report.ModelFormat, Program: "Northwind Partner Program", Currency: "USD", AsOf: "2026-10-31", RunID: "7f3a", Source: report.FromFolder,
		Backtest: backtest(), Columns: []string{"recency_gaps", "revenue_trend", "tenure_0_2", "tenure_3_5"},
		Models: []report.ModelCard{{
			ID: "churn-ridge-0123456789ab", Role: "published", IsReported: true, Method: "ridge", Verdict: "better than recency alone",
			Reason: "AUC 0.831 against 0.772 of recency alone on the held-out quarters", Fingerprint: "0123456789abcdef", DefinitionVersion: "2", HorizonDays: 180,
			Training: report.Training{From: "2024-02-01", To: "2025-06-01", Rows: 3847, Partners: 212, Positives: 312, Churns: 61, Purged: 1118, MonthsWithoutOutcome: 6, RowsRefit: 4600, ChurnsRefit: 75},
			HeldOut:  report.HeldOut{From: "2025-12-01", To: "2026-05-01", Rows: 812, Partners: 180, Positives: 70, Churns: 14, Expected: f(66.5)},
			Choice:   report.Choice{Lambda: f(10), LambdaSource: "fixed", Coefficients: 4, IsConstrained: true, AtBound: "revenue_trend", Iterations: 6, Seed: 1, Resamples: 200},
			BaseRate: f(0.081),
			Measures: map[string]report.Measure{
				"auc": between(0.831, 0.78, 0.88), "auc_recency": between(0.772, 0.71, 0.83), "auc_gain": between(0.059, 0.01, 0.11),
				"brier": between(0.0712, 0.061, 0.083), "log_loss": between(0.2511, 0.21, 0.29), "calibration_slope": between(0.97, 0.7, 1.2),
				"observed_expected": between(1.05, 0.8, 1.3), "top_decile_lift": between(3.4, 2.5, 4.4)},
			Bands: []report.RiskBand{
				{Name: "high", Partners: 12, HeldOut: 80, Churned: 48, Observed: between(0.6, 0.49, 0.7)},
				{Name: "medium", Partners: 25, HeldOut: 160, Churned: 13, Observed: between(0.081, 0.05, 0.13)},
				{Name: "low", Partners: 90, HeldOut: 572, Churned: 0, Observed: between(0, 0, 0.007)}},
			Coefficients: []report.Coefficient{
				{Column: "(intercept)", State: "estimated", Value: f(-2.5), StdError: f(0.2), Standard: f(-2.5)},
				{Column: "recency_gaps", Family: "commercial", State: "estimated", Value: f(0.8), StdError: f(0.1), Standard: f(0.6), Center: f(1), Missing: f(0), PSI: f(0.05), PSILimit: f(0.1), Drift: "none"},
				{Column: "revenue_trend", Family: "revenue", State: "at bound", Value: f(0), Standard: f(0), Center: f(-0.1), Missing: f(0.1), PSI: f(0.31), PSILimit: f(0.1), Drift: "alarm"},
				{Column: "tenure_0_2", Family: "profile", State: "estimated", Value: f(0.3), StdError: f(0.2), Standard: f(0.2), Center: f(0.1), Missing: f(0), PSI: f(0.01), PSILimit: f(0.1), Drift: "none"},
				{Column: "tenure_3_5", Family: "profile", State: "estimated", Value: f(-0.2), StdError: f(0.2), Standard: f(-0.1), Center: f(0.1), Missing: f(0), PSI: f(0.01), PSILimit: f(0.1), Drift: "none"},
				{Column: "tier_rank", Family: "profile", State: "left out", Note: "beyond one coefficient per 5 churns"}},
			Groups: []report.Group{
				{Kind: "tier", Name: "gold", Rows: 400, Partners: 80, Churned: 10, Expected: f(9.1), ObservedExpected: between(1.06, 0.5, 2), QValue: f(0.9), FlaggedShare: f(0.1), FalsePositiveShare: between(0.05, 0.02, 0.1), Status: "ok"},
				{Kind: "tier", Name: "silver", Rows: 300, Partners: 70, Churned: 30, Expected: f(12), ObservedExpected: between(2.06, 1.7, 3.6), QValue: f(0.001), FlaggedShare: f(0.2), FalsePositiveShare: between(0.1, 0.05, 0.2), Status: "ok"},
				{Kind: "region", Name: "apac", Rows: 12, Partners: 3, Churned: 1, Expected: f(0.4), Status: "insufficient"}},
			Recalibration: report.Recalibration{Kind: "slope", Intercept: f(0.1), Slope: f(0.5), Churns: 24},
			Drift:         report.Drift{Features: f(1), PSI: f(0.02), PSILimit: f(0.05), OutcomeZ: f(-0.4)},
		}},
		Scored: []report.Scored{
			{ID: "alpine", Name: "Alpine Systems", Status: "scored", Band: "high", Probability: f(0.71), Logit: f(0.9), Values: []*float64{f(4), f(-1), f(0), f(0)}},
			{ID: "birch", Name: "Birch", Status: "scored", Band: "low", Probability: f(0.05), Logit: f(-2.9), Values: []*float64{f(0.2), nil, f(0), f(0)}},
		},
	}
	for _, b := range []struct{ method, name string }{{"recency", "churn-recency-01"}, {"scorecard", "churn-scorecard-01"}, {"majority", "churn-majority-01"}} {
		card := report.ModelCard{ID: b.name, Role: "baseline", Method: b.method, HorizonDays: 180, HeldOut: n.Models[0].HeldOut, Training: n.Models[0].Training,
			Measures: map[string]report.Measure{"auc": between(0.7, 0.6, 0.8), "brier": between(0.08, 0.07, 0.09)}}
		if b.method == "majority" {
			card.Measures = map[string]report.Measure{"auc": {Value: f(0.5)}, "brier": {Value: f(0.0799)}}
		}
		n.Models = append(n.Models, card)
	}
	return n
}

func cardOf(t *testing.T, n *report.ModelNight, name string) string {
	t.Helper()
	cards, err := n.Choose(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WriteModelCard(&out, n, &cards[0]); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if utf8.RuneCountInString(line) > 100 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("spaces at the end of %q", line)
		}
	}
	return out.String()
}

func demand(t *testing.T, text string, wanted ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range wanted {
		if !strings.Contains(flat, want) {
			t.Errorf("lacks %q in:\n%s", want, text)
		}
	}
}

func TestTheCardTellsEverythingThatAModelRestsOn(t *testing.T) {
	demand(t, cardOf(t, models(), ""),
		"churn-ridge-0123456789ab, ridge regression of Northwind Partner Program, as of 2026-10-31",
		"Published: its probabilities are tonight's churn risk",
		"verdict better than recency alone",
		"churns within 180 days",
		"definition version 2; fingerprint of rows, definition and options 0123456789abcdef",
		"window monthly snapshots 2024-02-01 to 2025-06-01",
		"churns E = 61, which make 312 partner-months with churn ahead",
		"the newest 6 months, whose outcome is not known yet",
		"on all 4,600 partner-months with a known outcome, 75 churns",
		"penalty lambda 10, fixed",
		"4 coefficients, held to the sign that business sense demands; held at zero: revenue_trend",
		"left out tier_rank: beyond one coefficient per 5 churns",
		"2025-12-01 to 2026-05-01: 812 partner-months of 180 partners, 70 of them with churn ahead, from 14 churns",
		"this model recency alone rule score base rate",
		"AUC 0.831 0.700 0.700 0.500 0.78 to 0.88 0.60 to 0.80 0.60 to 0.80",
		"Brier score 0.0712 0.0800 0.0800 0.0799",
		"Against recency alone: AUC +0.059 (+0.010 to +0.110).",
		"high 12 80 48 60 % (49 % to 70 %)",
		"recency_gaps estimated 0.8 0.1 +0.60 0.0 % 0.050 0.100",
		"revenue_trend at bound 0 +0.00 10 % 0.310 0.100 alarm",
		"tier silver 70 30 12.0 2.06 (1.70 to 3.60) 20 % 10 % stands out",
		"region apac 3 1 0.4 – – – insufficient",
		"Slope: log-odds = 0.1 + 0.5 x log-odds of the fit, learned from 24 churns",
		"score PSI 0.020, limit 0.050",
		"features 1 column drifts by more than chance explains; revenue_trend alarm",
		"outcomes churn in the held-out quarters is -0.4 standard errors",
	)
}

func TestABaselineIsACardToo(t *testing.T) {
	text := cardOf(t, models(), "majority")
	demand(t, text, "Baseline: it runs only so that the reported score can be held against it.", "The same probability for every partner")
	if strings.Contains(text, "Coefficients") {
		t.Error("a baseline without coefficients shows an empty table")
	}
}

func TestModelsAreChosenByIdRoleAndMethod(t *testing.T) {
	n := models()
	for name, want := range map[string]int{"": 1, "published": 1, "ridge": 1, "churn-recency-01": 1, "baseline": 3} {
		if got, err := n.Choose(name); err != nil || len(got) != want {
			t.Errorf("%q: %d models, %v; want %d", name, len(got), err, want)
		}
	}
	_, err := n.Choose("shadow")
	var unknown *report.UnknownModelError
	if !errors.As(err, &unknown) || !strings.Contains(err.Error(), `no model is called "shadow"; there is churn-ridge-0123456789ab (published)`) {
		t.Errorf("error %v", err)
	}
	if _, err := (&report.ModelNight{}).Choose(""); err == nil || !strings.Contains(err.Error(), "the night has no churn model") {
		t.Errorf("error %v", err)
	}
}

// next is a night after models: Alpine spoke to us again, Birch's revenue became known, and the model may be refitted.
func next(refit float64) *report.ModelNight {
	n := models()
	n.AsOf, n.RunID = "2026-11-01", "8b4c"
	m := &n.Models[0]
	if refit != 0 {
		m.ID = "churn-ridge-ba9876543210"
		m.Coefficients[1].Value, m.Coefficients[1].Standard = f(0.8+refit), f(0.6+refit)
	}
	// Log-odds move by half of the fit's, which the recalibration halves: 0.5 x 0.8 x (1 - 4).
	n.Scored[0] = report.Scored{ID: "alpine", Name: "Alpine Systems", Status: "scored", Band: "medium", Probability: f(0.43), Logit: f(0.9 - 1.2 + refit),
		Values: []*float64{f(1), f(-1), f(0), f(0)}}
	n.Scored = append(n.Scored, report.Scored{ID: "new", Name: "New", Status: "cold_start", Probability: f(0.1), Logit: f(-2.2), Values: make([]*float64, 4)})
	return n
}

func TestAMoveIsTheFeaturesAtFixedCoefficientsAndTheRefit(t *testing.T) {
	same := report.Compare(models(), next(0))
	if !same.IsSameModel || same.Appeared != 1 || same.Gone != 0 || len(same.Moves) != 2 {
		t.Fatalf("same %v, appeared %d, gone %d, moves %d", same.IsSameModel, same.Appeared, same.Gone, len(same.Moves))
	}
	first := same.Moves[0]
	if first.ID != "alpine" || len(first.Parts) != 1 || first.Parts[0].Feature != "recency_gaps" || math.Abs(first.Parts[0].LogOdds+1.2) > 1e-12 || first.Refit != 0 {
		t.Errorf("move %+v: all of it is the silence that ended", first)
	}
	cold := models()
	cold.Scored[0].Status = "cold_start"
	if m := report.Compare(cold, next(0)).Moves[0]; m.Refit != 0 || len(m.Parts) != 0 || !strings.Contains(m.Note, "too new before") {
		t.Errorf("move %+v: before it had no numbers of its own", m)
	}
	refitted := report.Compare(models(), next(0.3))
	if m := refitted.Moves[0]; refitted.IsSameModel || math.Abs(m.Refit-0.3) > 1e-12 {
		t.Errorf("refit %v in %+v, want 0.3", m.Refit, m)
	}
	if k := refitted.Coefficients[0]; k.Column != "recency_gaps" || math.Abs(k.Change-0.3) > 1e-12 {
		t.Errorf("first coefficient %+v", k)
	}
}

func TestPartsAndRefitAddUpForAnyValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Float64Range(-100, 100)
		maybe := func(name string) *float64 {
			if rapid.Bool().Draw(t, name+" is missing") {
				return nil
			}
			return f(value.Draw(t, name))
		}
		a, b := models(), next(rapid.Float64Range(-1, 1).Draw(t, "refit"))
		for j := range a.Columns {
			a.Scored[0].Values[j], b.Scored[0].Values[j] = maybe("before"), maybe("after")
		}
		a.Scored[0].Logit, b.Scored[0].Logit = f(value.Draw(t, "logit before")), f(value.Draw(t, "logit after"))
		for _, m := range report.Compare(a, b).Moves {
			sum := m.Refit
			for _, p := range m.Parts {
				sum += p.LogOdds
			}
			if math.Abs(sum-m.Logit) > 1e-5 {
				t.Fatalf("%s: parts and refit add up to %v, the log-odds moved by %v", m.ID, sum, m.Logit)
			}
		}
	})
}

func TestTheComparisonReads(t *testing.T) {
	var out bytes.Buffer
	before := models()
	before.Source = report.FromRecord
	if err := report.WriteComparison(&out, report.Compare(before, next(0.3))); err != nil {
		t.Fatal(err)
	}
	demand(t, out.String(), "Churn model, 2026-10-31 beside 2026-11-01",
		"The folder of 2026-10-31 is no longer kept; its side is from the record in runs/7f3a.", "The model was refitted",
		"run 7f3a 8b4c", "AUC 0.831 (0.78 to 0.88) 0.831 (0.78 to 0.88)", "recency_gaps +0.60 +0.90 +0.30",
		"Alpine Systems: 71 % to 43 %; recency_gaps -1.20, model refit +0.30", "1 partner has a risk on 2026-11-01 only, 0 partners on 2026-10-31 only.")
	out.Reset()
	if err := report.WriteComparison(&out, report.Compare(models(), &report.ModelNight{AsOf: "2026-11-01"})); err != nil {
		t.Fatal(err)
	}
	demand(t, out.String(), "2026-11-01 reports no model.", "model churn-ridge-0123456789ab none")
}

func TestTheBacktestReads(t *testing.T) {
	var out bytes.Buffer
	n := models()
	if err := report.WriteBacktest(&out, n); err != nil {
		t.Fatal(err)
	}
	demand(t, out.String(),
		"At 3 quarter starts (2025Q1 to 2025Q3) 30 flags were raised; after 18 of them the partner left within the horizon: 60 % (95 % interval 42 % to 75 %), of all partners at risk 8.7 %, of as many picked by the days since the last deal alone 40 %.",
		"At 1 of them no model was published and the rule score ranked.", "Of 22 partners that left, 15 had been flagged, half of them 71 days or more ahead; they stood for 67 % of the revenue that went (USD 1.2 M of USD 600 k).",
		"2024Q4 90 insufficient events", "2025Q2 100 10 8 6 60 % 31 to 83", "2025Q4 100 11 outcome open", "2024Q4: 8 churns in the training window")
}

// A night's record is what later nights are compared with: nothing of it may be lost.
func TestAModelNightSurvivesItsRecord(t *testing.T) {
	want := models()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := &report.ModelNight{}
	if err := json.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	got.Source = want.Source
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func churnPage(t *testing.T, n *report.Night) string {
	t.Helper()
	pages, err := report.NewPages(n)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := pages.ChurnRisk(&out); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("PAGE"); path != "" {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestThePageTellsAManagerWhatTheRiskMeans(t *testing.T) {
	n := night()
	n.Partners[0].ScoreStatus = "scored"
	n.Partners = append(n.Partners, report.Partner{ID: "c", Name: "Cold", ScoreStatus: "cold_start", Probability: f(0.9)}, report.Partner{ID: "e", Name: "Ended", ScoreStatus: "exited"})
	n.Models, n.Change = models(), report.Compare(models(), next(0.3))
	page := churnPage(t, n)
	demand(t, page,
		"of ten partners that look today as this one does, about three will have left us 180 days from now",
		"The highest is <a href=\"partners/alpine.html\">Alpine &lt;script&gt;alert(1)&lt;/script&gt;</a> with 71 %",
		"It looked at 212 partners on the first day of every month from 1 February 2024 to 1 June 2025 (3,847 looks at a partner)",
		"61 partners left in that time",
		"it had put the one that left first 83 times of 100. The days since the last deal alone do that 77 times, a coin 50 times.",
		"For every 10 departures that it expected, 11 came.",
		"<td>about 6 of 10</td>", "<td>about 1 of 12</td>", "<td>none</td>",
		"At the start of 3 past quarters, 2025Q1 to 2025Q3, it would have raised 30 flags. After 18 of them the partner left: about 6 of 10.",
		"picked by the days since their last deal alone, about 4 of 10 left; of all partners, about 1 of 11.",
		"In 1 of these quarters no model was good enough yet to be used", "Of the 22 partners that left in that time, it had flagged 15, half of them 71 days or more ahead; with them went 67 % of the revenue that was lost.", `<svg role="img"`, "Of 10 partners flagged, about 6 left",
		"Silence since the last deal or registration, measured in the partner&#39;s own rhythm</td><td>raises</td>", "</span> strong</td>",
		"Looked at, but it hardly counts: won revenue of the last 90 days",
		"1 partner is under three months", "1 in your data",
		`<span class="tag warning">too low: more left than it expected</span>`, "1 more group had too few departures to say", "<b>Better than recency alone.</b>",
		"What changed since 31 October 2026", "71 %</td><td class=\"n\">43 %</td><td>mostly silence since the last deal",
		"not proven to cause it", "risk times the revenue at stake")
	for _, not := range []string{"<script>alert", "http://www.w3.org/1999/xhtml", "https://", "NaN", "<nil>", "No churn risk is shown"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
	for i := range n.Models.Models {
		n.Models.Models[i].Verdict = "" // the page never shows a word of the card as it is
	}
	if strings.Contains(churnPage(t, n), "regression") {
		t.Error("the page speaks of regressions")
	}
}

func TestWithoutAModelThePageSaysWhy(t *testing.T) {
	n := night()
	n.Model = report.Model{Verdict: "Too few partners have left for a churn model, so no probability is published; health ranks the partners.", Reason: "8 churns in the training window, a model needs 30."}
	n.Models = models()
	n.Models.Models[0].Role, n.Models.Models[0].Method = "stand_in", "scorecard"
	n.Models.Backtest = nil
	page := churnPage(t, n)
	demand(t, page, "No churn risk is shown tonight. Partners are ranked by their health score instead.",
		"Too few partners have left for a churn model", "8 churns in the training window, a model needs 30.", "What ranks the partners instead",
		"There is no earlier night to compare it with.", "poor health times the revenue at stake")
	for _, not := range []string{"A risk of 30 %", "What it looks at", "<svg"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
	n.Models = nil
	demand(t, churnPage(t, n), "No churn risk is shown tonight.")
}

func TestPagesLinkToTheExplanation(t *testing.T) {
	n := night()
	n.Models = models()
	pages, err := report.NewPages(n)
	if err != nil {
		t.Fatal(err)
	}
	var index, owner, partner bytes.Buffer
	if err := errors.Join(pages.Index(&index), pages.Owner(&owner, &pages.Owners()[0]), pages.Partner(&partner, &n.Partners[0])); err != nil {
		t.Fatal(err)
	}
	demand(t, index.String(), `<a href="churn-risk.html">Churn risk explained</a>`)
	demand(t, owner.String(), `<a href="../churn-risk.html">Churn risk</a>`)
	demand(t, partner.String(), `<a href="../churn-risk.html">Churn risk</a>, next 180 days`)
}
