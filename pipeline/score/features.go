package score

import (
	"math"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// feature is one thing known about a partner at a snapshot. It has one column of fct_partner_month_feature, or several
// that stand for one statement: the buckets of a quantity, or a value and the flag that it is missing. Reasons are told
// per feature, never per column.
type feature struct {
	name   string
	family string
	// columns enter the model together; the first is the value that is shown, unless shown names another.
	columns []string
	shown   string
	// sign is the direction of the first column that business sense demands.
	sign logistic.Sign
	// required features make the model; without one there is none.
	required bool
	// missing is the flag among the columns that says that the value is not known: the value may then be missing for any
	// number of partners. Other features must be known for most.
	missing string
	// reason tells the value beside what it is compared with.
	reason func(r reading) string
}

// The tenure buckets share one statement; 24 months and more is the reference.
var tenureColumns = []string{"tenure_0_2", "tenure_3_5", "tenure_6_11", "tenure_12_23"}

// features lists what a churn model may use, in the order in which a small number of churns is spent. The order and the
// signs are those of the scoring definitions; they are never chosen by the data.
func features() []feature {
	return []feature{
		{name: "recency_gaps", family: "commercial", columns: []string{"recency_gaps"}, sign: logistic.NonNegative, required: true, reason: recencyReason},
		{name: "revenue_trend", family: "revenue", columns: []string{"revenue_trend"}, sign: logistic.NonPositive, required: true,
			reason: trendReason("won revenue of the last 90 days", "quarter")},
		{name: "activity_trend", family: "commercial", columns: []string{"activity_trend"}, sign: logistic.NonPositive, required: true,
			reason: trendReason("registrations and new deals of the last 90 days", "quarter")},
		{name: "open_pipeline_log", family: "pipeline", columns: []string{"open_pipeline_log"}, sign: logistic.NonPositive, reason: pipelineReason},
		{name: "open_pipeline_age_days", family: "pipeline", columns: []string{"open_pipeline_age_days"}, sign: logistic.NonNegative, reason: ageReason},
		{name: "people_trend", family: "engagement", columns: []string{"people_trend"}, sign: logistic.NonPositive,
			reason: trendReason("people active in the last 30 days", "month")},
		{name: "days_since_activity_log", family: "engagement", columns: []string{"days_since_activity_log"}, sign: logistic.NonNegative, reason: activityReason},
		{name: "cert_share", family: "enablement", columns: []string{"cert_share"}, sign: logistic.NonPositive,
			reason: shareReason("valid certifications cover %s of what the tier requires")},
		{name: "certs_expiring_90d", family: "enablement", columns: []string{"certs_expiring_90d"}, sign: logistic.NonNegative,
			reason: plainReason("certificates that expire within 90 days: %s")},
		{name: "late_answer_share", family: "our service", columns: []string{"late_answer_share"}, sign: logistic.NonNegative,
			reason: shareReason("we answered %s of its registrations late in 180 days")},
		{name: "lost_streak", family: "commercial", columns: []string{"lost_streak"}, sign: logistic.NonNegative,
			reason: plainReason("deals lost in a row: %s")},
		{name: "meetings_90d", family: "engagement", columns: []string{"meetings_90d"}, sign: logistic.NonPositive,
			reason: plainReason("meetings held in 90 days: %s")},
		{name: "fund_use_180d", family: "engagement", columns: []string{"fund_use_180d"},
			reason: plainReason("fund requests and claims in 180 days: %s")},
		{name: "psat_latest", family: "satisfaction", columns: []string{"psat_latest", "psat_missing"}, sign: logistic.NonPositive,
			missing: "psat_missing", reason: satisfactionReason},
		{name: "cases_escalated_90d", family: "support", columns: []string{"cases_escalated_90d"}, sign: logistic.NonNegative,
			reason: plainReason("escalated cases in 90 days: %s")},
		{name: "tier_rank", family: "profile", columns: []string{"tier_rank"}, reason: plainReason("tier rank %s")},
		{name: "tenure", family: "profile", columns: tenureColumns, shown: "tenure_months", reason: tenureReason},
		{name: "returned_partner", family: "profile", columns: []string{"returned_partner"}, reason: returnedReason},
	}
}

// The columns that are read for their meaning, whether they are in a model or not.
const (
	colDaysSinceEvent = "days_since_last_event"
	colMedianGap      = "median_gap_days"
	colTenureMonths   = "tenure_months"
	colRecency        = "recency_gaps"
	colReturned       = "returned_partner"
	colPipeline       = "open_pipeline_log"
)

// columnIndex numbers the columns that are read from fct_partner_month_feature.
func columnIndex(fs []feature) (names []string, index map[string]int) {
	index = map[string]int{}
	add := func(name string) {
		if _, seen := index[name]; !seen {
			index[name] = len(names)
			names = append(names, name)
		}
	}
	for _, f := range fs {
		for _, c := range f.columns {
			add(c)
		}
	}
	for _, c := range []string{colDaysSinceEvent, colMedianGap, colTenureMonths} {
		add(c)
	}
	return names, index
}

// reading is what a reason is told from: a partner's values and those of the average partner.
type reading struct {
	index  map[string]int
	values []float64 // NaN where missing
	// reference is the average partner's value of the feature's shown column, NaN where there is none.
	reference float64
	shown     string
	currency  string
}

func (r reading) value(column string) float64 {
	i, ok := r.index[column]
	if !ok {
		return math.NaN()
	}
	return r.values[i]
}

// shownColumn is the column whose value is published with the feature.
func (f feature) shownColumn() string {
	if f.shown != "" {
		return f.shown
	}
	return f.columns[0]
}
