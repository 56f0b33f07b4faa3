package score_test

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// What each feature says, by the values of one partner. The typical value that follows depends on the model and is not
// part of the table.
func TestReasonsInWords(t *testing.T) {
	rows := strong.rows()
	var live []map[string]any // each case has a partner of its own
	for _, r := range rows {
		if r["is_as_of"] == true && r["tenure_months"].(int) > 5 {
			live = append(live, r)
		}
	}
	cases := []struct {
		feature string
		values  map[string]any
		want    string
	}{
		{"recency_gaps", map[string]any{"days_since_last_event": 143.0, "median_gap_days": 41.0}, "no deal for 143 days; this partner usually brings one every 41"},
		{"recency_gaps", map[string]any{"days_since_last_event": 1.0, "median_gap_days": nil}, "no deal for 1 day; too few deals to know how often it usually brings one"},
		{"recency_gaps", map[string]any{"days_since_last_event": nil}, "no deal yet"},
		{"revenue_trend", map[string]any{"revenue_trend": math.Log(0.38)}, "won revenue of the last 90 days: at least 62 % below its usual quarter; typical is "},
		{"revenue_trend", map[string]any{"revenue_trend": math.Log(25)}, "won revenue of the last 90 days: at least 25 times its usual quarter; typical is "},
		{"revenue_trend", map[string]any{"revenue_trend": 0.0}, "won revenue of the last 90 days: level with its usual quarter; typical is "},
		// Half a year after the first deal there is no quarter before the last 90 days to compare with.
		{"revenue_trend", map[string]any{"revenue_trend": 0.0, "tenure_months": 5}, "won revenue of the last 90 days: too new to have a usual quarter"},
		{"revenue_trend", map[string]any{"revenue_trend": 0.0, "tenure_months": 5, "returned_partner": 1.0}, "won revenue of the last 90 days: level with its usual quarter"},
		// None where two a quarter are usual: (0 + 1) / (2 + 1), although it is all of them that are missing.
		{"activity_trend", map[string]any{"activity_trend": math.Log(1.0 / 3)}, "registrations and new deals of the last 90 days: at least 66 % below its usual quarter"},
		{"activity_trend", map[string]any{"activity_trend": math.Log(1.5)}, "registrations and new deals of the last 90 days: at least 50 % above its usual quarter; typical is "},
		{"open_pipeline_log", map[string]any{"open_pipeline_log": math.Log1p(1234567)}, "open pipeline of EUR 1,234,567; typical is EUR "},
		{"open_pipeline_log", map[string]any{"open_pipeline_log": 0.0}, "no open pipeline; typical is EUR "},
		{"open_pipeline_age_days", map[string]any{"open_pipeline_age_days": 120.4}, "open deals are on average 120 days old; typical is "},
		{"open_pipeline_age_days", map[string]any{"open_pipeline_age_days": 0.0, "open_pipeline_log": 0.0}, "no open deals"},
		// Opened the day before.
		{"open_pipeline_age_days", map[string]any{"open_pipeline_age_days": 0.0, "open_pipeline_log": 9.0}, "open deals are on average 0 days old; typical is "},
		{"people_trend", map[string]any{"people_trend": math.Log(0.5)}, "people active in the last 30 days: at least 50 % below its usual month; typical is "},
		{"days_since_activity_log", map[string]any{"days_since_activity_log": math.Log1p(45)}, "no portal or training activity for 45 days; typical is "},
		{"days_since_activity_log", map[string]any{"days_since_activity_log": math.Log1p(365)}, "no portal or training activity for a year or longer; typical is "},
		{"cert_share", map[string]any{"cert_share": 0.4}, "valid certifications cover 40 % of what the tier requires; typical is "},
		{"certs_expiring_90d", map[string]any{"certs_expiring_90d": 3.0}, "certificates that expire within 90 days: 3; typical is "},
		{"late_answer_share", map[string]any{"late_answer_share": 0.6}, "we answered 60 % of its registrations late in 180 days; typical is "},
		{"lost_streak", map[string]any{"lost_streak": 3.0}, "deals lost in a row: 3; typical is "},
		{"meetings_90d", map[string]any{"meetings_90d": 0.0}, "meetings held in 90 days: 0; typical is "},
		{"fund_use_180d", map[string]any{"fund_use_180d": 2.0}, "fund requests and claims in 180 days: 2; typical is "},
		{"psat_latest", map[string]any{"psat_latest": 0.65, "psat_missing": 0.0}, "latest satisfaction answers average 65 % of the scale; typical is "},
		{"psat_latest", map[string]any{"psat_latest": 0.8, "psat_missing": 1.0}, "no answer to the satisfaction survey"},
		{"cases_escalated_90d", map[string]any{"cases_escalated_90d": 2.0}, "escalated cases in 90 days: 2; typical is "},
		{"tier_rank", map[string]any{"tier_rank": 2}, "tier rank 2; typical is "},
		{"tenure", map[string]any{"tenure_months": 13}, "doing business for 13 months"},
		// Tenure begins anew with every spell.
		{"tenure", map[string]any{"tenure_months": 7, "returned_partner": 1.0}, "back in business for 7 months"},
	}
	for k, tc := range cases {
		maps.Copy(live[k], tc.values)
	}
	told := map[any]string{}
	for _, c := range table(churn(t, rows, func(o *score.Options) { o.Currency, o.Resamples = "EUR", 10 }).Contributions) {
		told[c["partner_id"].(string)+" "+c["feature"].(string)] = c["reason"].(string)
	}
	for k, tc := range cases {
		if got := told[live[k]["partner_id"].(string)+" "+tc.feature]; !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s of %v: %q, want %q", tc.feature, tc.values, got, tc.want)
		}
	}
}
