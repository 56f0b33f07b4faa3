package report

// featureWords is what people call a column of fct_partner_month_feature.
type featureWords struct {
	// feature that the column belongs to: several columns may stand for one statement.
	feature string
	// what it is, as it reads in the middle of a sentence.
	what string
}

// wordsOf returns the words for a column; one that is not known is told by its name.
func wordsOf(column string) featureWords {
	var w featureWords
	switch column {
	case "recency_gaps":
		w.what = "silence since the last deal or registration, measured in the partner's own rhythm"
	case "revenue_trend":
		w.what = "won revenue of the last 90 days against the partner's usual quarter"
	case "activity_trend":
		w.what = "registrations and new deals of the last 90 days against its usual quarter"
	case "open_pipeline_log":
		w.what = "open pipeline"
	case "open_pipeline_age_days":
		w.what = "age of its open deals"
	case "people_trend":
		w.what = "people active in the last 30 days against its usual month"
	case "days_since_activity_log":
		w.what = "days since anybody there used the portal or took a course"
	case "cert_share":
		w.what = "valid certifications against what its tier asks for"
	case "certs_expiring_90d":
		w.what = "certificates that expire within 90 days"
	case "late_answer_share":
		w.what = "registrations that we answered late"
	case "lost_streak":
		w.what = "deals lost in a row"
	case "meetings_90d":
		w.what = "meetings held with us in 90 days"
	case "fund_use_180d":
		w.what = "fund requests and claims in 180 days"
	case "psat_latest":
		w.what = "latest answers to the satisfaction survey"
	case "psat_missing":
		w = featureWords{"psat_latest", "no answer to the satisfaction survey"}
	case "cases_escalated_90d":
		w.what = "escalated support cases in 90 days"
	case "tier_rank":
		w.what = "rank of its tier"
	case "tenure_0_2":
		w = featureWords{"tenure", "doing business for under 3 months, compared with 2 years and more"}
	case "tenure_3_5":
		w = featureWords{"tenure", "doing business for 3 to 5 months, compared with 2 years and more"}
	case "tenure_6_11":
		w = featureWords{"tenure", "doing business for 6 to 11 months, compared with 2 years and more"}
	case "tenure_12_23":
		w = featureWords{"tenure", "doing business for 12 to 23 months, compared with 2 years and more"}
	case "tenure":
		w.what = "time since the first deal, or since coming back"
	case "returned_partner":
		w.what = "having left once before and come back"
	default:
		w.what = Words(column)
	}
	if w.feature == "" {
		w.feature = column
	}
	return w
}
