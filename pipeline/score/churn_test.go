package score_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// strong is a programme whose trends tell much more than recency does.
var strong = programme{partners: 500, months: 36, seed: 4, base: -4.4, recency: 0.5, trend: 0.9}

// fixedLambda keeps a programme of any size on the rung of lambda 10.
func fixedLambda(o *score.Options) { o.Ladder.CrossValidate = 1 << 30 }

func number(t testing.TB, row map[string]any, column string) float64 {
	t.Helper()
	v, ok := row[column].(float64)
	if !ok {
		t.Fatalf("%s is %v, want a number", column, row[column])
	}
	return v
}

func TestPlantedSignalIsRecovered(t *testing.T) {
	g := strong
	g.partners = 1000
	r := churn(t, g.rows(), fixedLambda)
	card := reported(t, r)
	if card["role"] != "published" || card["verdict"] != "better than recency alone" || card["method"] != "ridge" {
		t.Fatalf("card %v", card)
	}
	if auc, base := number(t, card, "auc"), number(t, card, "auc_recency"); auc < base+0.05 {
		t.Errorf("AUC %.3f, recency alone %.3f", auc, base)
	}
	if slope := number(t, card, "calibration_slope"); slope < 0.8 || slope > 1.25 {
		t.Errorf("calibration slope %.3f", slope)
	}
	if ratio := number(t, card, "observed_expected"); ratio < 0.8 || ratio > 1.25 {
		t.Errorf("observed over expected %.3f", ratio)
	}
	if number(t, card, "brier") >= number(t, card, "brier_base_rate") || number(t, card, "top_decile_lift") < 2 {
		t.Errorf("Brier %v (base rate %v), lift %v", card["brier"], card["brier_base_rate"], card["top_decile_lift"])
	}
	last := 1.0
	for _, b := range table(r.Bands) {
		rate := number(t, b, "observed_rate")
		if rate >= last || number(t, b, "observed_low") > rate || number(t, b, "observed_high") < rate {
			t.Errorf("band %v: observed %v", b["band"], b)
		}
		last = rate
	}
	// The planted columns have the planted direction, and noise columns next to nothing.
	for _, c := range table(r.Coefficients) {
		switch c["feature"] {
		case "revenue_trend", "people_trend":
			if number(t, c, "standard_coefficient") > -0.3 {
				t.Errorf("planted %v has coefficient %v", c["feature"], c["standard_coefficient"])
			}
		case "recency_gaps":
			if number(t, c, "standard_coefficient") < 0.15 {
				t.Errorf("planted recency has coefficient %v", c["standard_coefficient"])
			}
		case "meetings_90d", "fund_use_180d", "tier_rank":
			if math.Abs(number(t, c, "standard_coefficient")) > 0.2 {
				t.Errorf("noise %v has coefficient %v", c["feature"], c["standard_coefficient"])
			}
		}
	}
}

func TestPublishedScore(t *testing.T) {
	r := churn(t, strong.rows(), fixedLambda)
	if reported(t, r)["role"] != "published" {
		t.Fatalf("the model is not published: %v", reported(t, r)["reason"])
	}
	t.Run("every row explains itself", func(t *testing.T) { rowsExplainThemselves(t, r) })
	t.Run("the high band is the top of the scores", func(t *testing.T) { bandsAreRanks(t, r) })
}

func rowsExplainThemselves(t *testing.T, r *score.ChurnResult) {
	t.Helper()
	sum, parts := map[any]float64{}, map[any][]map[string]any{}
	for _, c := range table(r.Contributions) {
		sum[c["partner_id"]] += number(t, c, "contribution")
		parts[c["partner_id"]] = append(parts[c["partner_id"]], c)
		if c["reason"] == nil || c["family"] == nil {
			t.Errorf("no reason or family: %v", c)
		}
	}
	scored := 0
	for _, s := range table(r.Partners) {
		if s["status"] != "scored" {
			continue
		}
		scored++
		p, logit := number(t, s, "probability"), number(t, s, "logit")
		if math.Abs(sum[s["partner_id"]]+number(t, s, "baseline_logit")-logit) > 1e-8 {
			t.Errorf("%v: contributions do not add up to the logit", s["partner_id"])
		}
		if math.Abs(1/(1+math.Exp(-logit))-p) > 1e-9 || number(t, s, "low") >= p || number(t, s, "high") <= p {
			t.Errorf("%v: probability %v [%v, %v] of logit %v", s["partner_id"], p, s["low"], s["high"], logit)
		}
		checkReasons(t, s, parts[s["partner_id"]])
	}
	if scored < 20 {
		t.Errorf("only %d partners are scored", scored)
	}
}

// checkReasons demands the largest raising and lowering contributions of at least 0.1 in order, and no others.
func checkReasons(t *testing.T, s map[string]any, parts []map[string]any) {
	t.Helper()
	slices.SortFunc(parts, func(a, b map[string]any) int {
		x, y := a["contribution"].(float64), b["contribution"].(float64)
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return strings.Compare(a["feature"].(string), b["feature"].(string))
	})
	for k := range 3 {
		var want any
		if k < len(parts) && parts[k]["contribution"].(float64) >= 0.1 {
			want = parts[k]["reason"]
		}
		if got := s[fmt.Sprintf("reason_%d", k+1)]; got != want {
			t.Errorf("%v: reason %d is %v, want %v", s["partner_id"], k+1, got, want)
		}
	}
	for k := range 2 {
		var want any
		if part := len(parts) - 1 - k; part >= 0 && parts[part]["contribution"].(float64) <= -0.1 {
			want = parts[part]["reason"]
		}
		if got := s[fmt.Sprintf("lowers_%d", k+1)]; got != want {
			t.Errorf("%v: what lowers the risk is %v in place %d, want %v", s["partner_id"], got, k+1, want)
		}
	}
}

func bandsAreRanks(t *testing.T, r *score.ChurnResult) {
	t.Helper()
	count, lowest := map[any]int{}, map[any]float64{"high": 2, "medium": 2, "low": 2}
	n := 0
	for _, s := range table(r.Partners) {
		if s["status"] == "scored" {
			n++
			count[s["band"]]++
			lowest[s["band"]] = min(lowest[s["band"]], number(t, s, "probability"))
		}
	}
	if share := float64(count["high"]) / float64(n); share < 0.05 || share > 0.2 {
		t.Errorf("%.1f %% of the partners are in the high band", 100*share)
	}
	if want := int(math.Round(0.2 * float64(n))); count["medium"] != want {
		t.Errorf("%d partners in the medium band, want %d", count["medium"], want)
	}
	if lowest["high"] < lowest["medium"] || lowest["medium"] < lowest["low"] {
		t.Errorf("bands overlap: %v", lowest)
	}
	for _, b := range table(r.Bands) {
		if b["partners"] != int64(count[b["band"]]) || math.Abs(number(t, b, "lowest_score")-lowest[b["band"]]) > 1e-9 {
			t.Errorf("band %v, want %d partners down to %v", b, count[b["band"]], lowest[b["band"]])
		}
	}
}

// Without signal nothing may be published as a probability.
func TestNoSignalIsNotPublished(t *testing.T) {
	r := churn(t, programme{partners: 250, months: 36, seed: 12, base: -3.9}.rows(), nil)
	card := reported(t, r)
	if card["role"] != "stand_in" || card["method"] != "scorecard" || card["verdict"] != "no better than baseline" {
		t.Fatalf("card %v", card)
	}
	for _, s := range table(r.Partners) {
		if s["probability"] != nil || s["low"] != nil {
			t.Errorf("a probability is published: %v", s)
		}
		if s["status"] != "not_fitted" && s["status"] != "cold_start" && s["status"] != "churned" {
			t.Errorf("status %v", s["status"])
		}
		if s["status"] == "not_fitted" && (s["band"] == nil || s["logit"] == nil || !strings.HasPrefix(s["note"].(string), "no better than baseline: AUC 0.")) {
			t.Errorf("a partner at risk has no rank or no explanation: %v", s)
		}
	}
	roles := map[any]any{}
	for _, c := range table(r.Cards) {
		roles[c["role"]] = c["verdict"]
	}
	if roles["rejected"] != "no better than baseline" {
		t.Errorf("the rejected model has no card: %v", roles)
	}
}

// Outcomes dealt out anew among the partners leave nothing to find.
func TestPermutedLabelsGiveNoAUC(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	inside := 0
	for seed := range uint64(4) {
		g := strong
		g.seed, g.partners = seed, 200
		rows := g.rows()
		labels := map[any][]any{}
		for _, row := range rows {
			labels[row["snapshot_on"]] = append(labels[row["snapshot_on"]], row["label"])
		}
		for _, on := range slices.Sorted(func(yield func(arrow.Date32) bool) {
			for k := range labels {
				if !yield(k.(arrow.Date32)) {
					return
				}
			}
		}) {
			l := labels[on]
			rnd.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
		}
		for _, row := range rows {
			l := labels[row["snapshot_on"]]
			row["label"], labels[row["snapshot_on"]] = l[0], l[1:]
		}
		for _, c := range table(churn(t, rows, fixedLambda).Cards) {
			if c["method"] == "scorecard" {
				continue
			}
			if c["role"] == "published" {
				t.Errorf("seed %d: a model of noise is published: %v", seed, c["reason"])
			}
			if number(t, c, "auc_low") <= 0.5 && number(t, c, "auc_high") >= 0.5 {
				inside++
			}
		}
	}
	if inside < 3 {
		t.Errorf("only %d of 4 intervals of the AUC hold 0.5", inside)
	}
}

func TestOrderOfRowsAndThreadsDoNotMatter(t *testing.T) {
	rows := programme{partners: 120, months: 30, seed: 5, base: -3.8, recency: 0.5, trend: 0.9}.rows()
	first := churn(t, rows, nil)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	second := churn(t, rows, nil)
	for name, pair := range map[string][2]arrow.RecordBatch{
		"partners": {first.Partners, second.Partners}, "contributions": {first.Contributions, second.Contributions},
		"cards": {first.Cards, second.Cards}, "coefficients": {first.Coefficients, second.Coefficients},
		"held out": {first.HeldOut, second.HeldOut}, "bands": {first.Bands, second.Bands}, "groups": {first.Groups, second.Groups},
	} {
		if pair[0].NumRows() == 0 || !array.RecordEqual(pair[0], pair[1]) {
			t.Errorf("%s differ", name)
		}
	}
}

// The ladder: the same programme with its thresholds moved around the number of churns.
func TestLadderDecidesTheMethod(t *testing.T) {
	rows := programme{partners: 160, months: 36, seed: 8, base: -4, recency: 0.5, trend: 1}.rows()
	churns := int(reported(t, churn(t, rows, nil))["churns_train"].(int64))
	for _, tc := range []struct {
		name                     string
		shadow, ridge, cross     int
		roles, reported, verdict string
	}{
		{"too few for anything", churns + 1, churns + 2, churns + 3, "baseline baseline stand_in", "scorecard", "insufficient_events"},
		{"enough for a shadow", churns, churns + 1, churns + 2, "baseline baseline shadow stand_in", "scorecard", "insufficient_events"},
		{"enough for a model", 2, churns, churns + 1, "baseline baseline baseline published", "ridge", "better than recency alone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := churn(t, rows, func(o *score.Options) {
				o.Ladder = score.Ladder{Shadow: tc.shadow, Ridge: tc.ridge, CrossValidate: tc.cross}
			})
			var roles []string
			for _, c := range table(r.Cards) {
				roles = append(roles, c["role"].(string))
				if c["role"] == "shadow" && c["auc"] == nil {
					t.Error("the shadow was not judged")
				}
			}
			slices.Sort(roles)
			card := reported(t, r)
			if strings.Join(roles, " ") != tc.roles || card["method"] != tc.reported || card["verdict"] != tc.verdict {
				t.Errorf("roles %v, reported %v, verdict %v (%v)", roles, card["method"], card["verdict"], card["reason"])
			}
			if r.Summary.Method != card["method"] || r.Summary.Verdict != card["verdict"] || r.Summary.Churns != churns {
				t.Errorf("summary %+v", r.Summary)
			}
			if n := coefficients(r, "estimated", "at bound"); tc.reported == "ridge" && n-1 > churns/5 {
				t.Errorf("%d coefficients for %d churns", n-1, churns)
			}
		})
	}
}

func coefficients(r *score.ChurnResult, states ...string) int {
	n := 0
	for _, c := range table(r.Coefficients) {
		if slices.Contains(states, c["state"].(string)) {
			n++
		}
	}
	return n
}

func TestFewChurnsTakeTheFirstFeaturesInOrder(t *testing.T) {
	r := churn(t, programme{partners: 120, months: 36, seed: 2, base: -4, recency: 0.5, trend: 0.5}.rows(), func(o *score.Options) {
		o.Ladder.Ridge, o.Ladder.CrossValidate = 1000, 1000 // a shadow is enough to see
	})
	churns := int(reported(t, r)["churns_train"].(int64))
	var in []string
	for _, c := range table(r.Coefficients) {
		if c["state"] == "estimated" && c["feature"] != "(intercept)" || c["state"] == "at bound" {
			in = append(in, c["feature"].(string))
		}
		if c["state"] == "left out" && c["note"] == nil {
			t.Errorf("%v is left out without a reason", c["feature"])
		}
	}
	order := []string{"recency_gaps", "revenue_trend", "activity_trend", "open_pipeline_log", "open_pipeline_age_days", "people_trend",
		"days_since_activity_log", "cert_share", "certs_expiring_90d", "late_answer_share", "lost_streak", "meetings_90d"}
	if want := order[:churns/5]; !slices.Equal(in, want) {
		t.Errorf("%d churns pay for %v, want %v", churns, in, want)
	}
}

func TestManyChurnsTuneThePenalty(t *testing.T) {
	g := strong
	g.months = 42
	card := reported(t, churn(t, g.rows(), nil))
	if card["churns_train"].(int64) < 100 || card["is_constrained"] != false {
		t.Fatalf("E %v, constrained %v", card["churns_train"], card["is_constrained"])
	}
	source := card["lambda_source"].(string)
	if (card["method"] == "ridge_cv") != (number(t, card, "lambda_value") != 10) || !strings.Contains(source, "cross-valid") {
		t.Errorf("method %v, lambda %v, %q", card["method"], card["lambda_value"], source)
	}
}

func TestCancelledContextStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := score.Churn(ctx, records{featureColumns, strong.rows()}.build(t), nil, score.DefaultOptions(asOf))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Seeds change the intervals and nothing else.
func TestSeedMovesOnlyTheIntervals(t *testing.T) {
	rows := programme{partners: 150, months: 36, seed: 8, base: -4, recency: 0.5, trend: 1}.rows()
	a := reported(t, churn(t, rows, nil))
	b := reported(t, churn(t, rows, func(o *score.Options) { o.Seed = 99 }))
	if a["auc"] != b["auc"] || a["calibration_slope"] != b["calibration_slope"] || a["auc_low"] == b["auc_low"] {
		t.Errorf("AUC %v [%v], with another seed %v [%v]", a["auc"], a["auc_low"], b["auc"], b["auc_low"])
	}
	if diff := maps.Equal(a, b); diff {
		t.Error("the seed is not on the card")
	}
}

// levelled is a programme in which, from a day on, a third of the partners churns whatever is known of them.
func levelled(g programme, from arrow.Date32) []map[string]any {
	rows := g.rows()
	for _, r := range rows {
		var k int
		if _, err := fmt.Sscanf(r["partner_id"].(string), "P%d", &k); err == nil && k/12%3 == 0 && r["is_usable"] == true && r["snapshot_on"].(arrow.Date32) >= from {
			r["label"] = 1
		}
	}
	return rows
}

// Where later outcomes show that the level is off, the published score is the regression's, which its coefficients give,
// mapped by the card's line: the order of partners is that of the regression, and the parts still add up.
func TestPublishedScoreIsTheRecalibratedRegression(t *testing.T) {
	rows := levelled(strong, date("2025-03-01"))
	r := churn(t, rows, fixedLambda)
	card := reported(t, r)
	if card["role"] != "published" || card["recalibration"] != "slope" || card["recalibration_churns"].(int64) < 20 {
		t.Fatalf("%v, recalibration %v from %v churns: %v", card["role"], card["recalibration"], card["recalibration_churns"], card["reason"])
	}
	intercept, slope := number(t, card, "recalibration_intercept"), number(t, card, "recalibration_slope")
	if slope <= 0 || intercept == 0 {
		t.Errorf("recalibration %v + %v*logit", intercept, slope)
	}
	of, base := map[string]float64{}, 0.0
	for _, c := range table(r.Coefficients) {
		switch {
		case c["model_id"] != card["model_id"] || c["state"] == "left out":
		case c["feature"] == "(intercept)":
			base = number(t, c, "coefficient")
		default:
			of[c["feature"].(string)] = number(t, c, "coefficient")
		}
	}
	values := map[any]map[string]any{}
	for _, row := range rows {
		if row["is_as_of"] == true {
			values[row["partner_id"]] = row
		}
	}
	for _, s := range table(r.Partners) {
		if s["status"] != "scored" {
			continue
		}
		raw := base
		for feature, coefficient := range of {
			switch v := values[s["partner_id"]][feature].(type) {
			case float64:
				raw += coefficient * v
			case int:
				raw += coefficient * float64(v)
			}
		}
		if logit := number(t, s, "logit"); math.Abs(logit-(intercept+slope*raw)) > 1e-6 {
			t.Errorf("%v: logit %v, the regression's %v", s["partner_id"], logit, raw)
		}
	}
	rowsExplainThemselves(t, r)
}
