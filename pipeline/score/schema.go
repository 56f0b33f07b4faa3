package score

import "github.com/apache/arrow-go/v18/arrow"

// PartnerChurnSchema returns the columns of score_partner_churn.
func PartnerChurnSchema() *arrow.Schema {
	return newSchema("the risk that a partner churns within the horizon, with its reasons.", "partner", "partner_id", []column{
		{"partner_id", text, "partner"},
		{"snapshot_on", date, "day for which it is scored; only what was known before counts"},
		{"status", text, "scored, cold_start, exited, churned, no_commercial_event or not_fitted"},
		{"score_method", text, "what ranks the partner: ridge, ridge_cv, scorecard or cold_start"},
		{"probability", double, "probability of churn within churn.horizon_days; null unless a model is published"},
		{"low", double, "lower end of the 95% interval of the estimate: how well the model's coefficients are known; what no feature tells of the partner is not in it"},
		{"high", double, "upper end of it"},
		{"band", text, "low, medium or high"},
		{"logit", double, "log-odds: the baseline and all contributions"},
		{"baseline_logit", double, "log-odds of the average partner"},
		{"reason_1", text, "what raises the risk most, in words"},
		{"reason_2", text, "second reason"},
		{"reason_3", text, "third reason"},
		{"lowers_1", text, "what lowers the risk most, in words"},
		{"lowers_2", text, "what lowers it next"},
		{"model_id", text, "model card"},
		{"note", text, "why a score is absent or weak"},
	})
}

// ContributionSchema returns the columns of score_churn_contribution.
func ContributionSchema() *arrow.Schema {
	return newSchema("what each feature adds to a partner's churn score.", "partner x feature", "partner_id, feature", []column{
		{"partner_id", text, "partner"},
		{"feature", text, "feature of fct_partner_month_feature"},
		{"family", text, "group of features that share a reason"},
		{"value", double, "the partner's value"},
		{"reference", double, "the value of the average partner"},
		{"coefficient", double, "change of the logit for one unit"},
		{"contribution", double, "what the feature adds to the log-odds of the average partner"},
		{"reason", text, "the contribution in words"},
	})
}

// CardSchema returns the columns of model_card.
func CardSchema() *arrow.Schema {
	columns := []column{
		{"model_id", text, "model: method and the beginning of the fingerprint"},
		{"fingerprint", text, "SHA-256 of all that the night learned from: definition, options, columns, rows with their outcomes"},
		{"definition_version", bigint, "version of the model's definition: target, features, split, methods"},
		{"role", text, "published; stand_in: the rule score ranks the partners; shadow: logged only; rejected: not published, with the reason; baseline: what a model must beat"},
		{"is_reported", boolean, "ranks the partners tonight; true for one card"},
		{"method", text, "ridge, ridge_cv (lambda by cross-validation), scorecard (the rule score), recency (alone) or majority (the base rate for everyone)"},
		{"verdict", text, "better than recency alone, no better than baseline, insufficient_events or not fitted; null for baselines"},
		{"reason", text, "why"},
		{"as_of", date, "as-of date of the night"},
		{"horizon_days", bigint, "churn is predicted for so many days ahead"},
		{"seed", bigint, "seed of the bootstrap"},
		{"resamples", bigint, "resamples of the bootstrap, drawn by partner family"},
		{"churns_train", bigint, "E: distinct churns of partners in the training window, which decide the method"},
		{"train_from", date, "first snapshot of the training window"},
		{"train_to", date, "last snapshot of the training window; its outcome is known before the first held-out one"},
		{"rows_train", bigint, "partner-months"},
		{"partners_train", bigint, "partners"},
		{"positives_train", bigint, "partner-months with churn within the horizon; one churn makes several"},
		{"held_out_from", date, "first snapshot of the held-out quarters"},
		{"held_out_to", date, "last snapshot of the held-out quarters"},
		{"rows_held_out", bigint, "partner-months"},
		{"partners_held_out", bigint, "partners"},
		{"positives_held_out", bigint, "partner-months with churn within the horizon"},
		{"churns_held_out", bigint, "distinct churns"},
		{"rows_purged", bigint, "partner-months left out because their outcome reaches into the held-out quarters"},
		{"months_without_outcome", bigint, "newest monthly snapshots whose horizon is not over"},
		{"rows_refit", bigint, "partner-months that tonight's scores are learned from"},
		{"churns_refit", bigint, "distinct churns among them"},
		{"base_rate", double, "share of partner-months with churn within the horizon, shrunken to the prior"},
		{"lambda_value", double, "ridge penalty on standardised columns"},
		{"lambda_source", text, "how it was found"},
		{"coefficients", bigint, "number of columns"},
		{"is_constrained", boolean, "coefficients are held to the sign that business sense demands"},
		{"columns_at_bound", text, "columns that the constraint holds at zero"},
		{"left_out", text, "features left out, each with the reason"},
		{"warnings", text, "findings of the fit"},
		{"iterations", bigint, "Newton steps"},
	}
	measured := func(name, meaning string) {
		columns = append(columns, column{name, double, meaning + ", on the held-out quarters"},
			column{name + "_low", double, "lower end of its 95% bootstrap interval"},
			column{name + "_high", double, "upper end of its 95% bootstrap interval"})
	}
	measured("auc", "chance that a churner ranks above a stayer")
	measured("auc_recency", "the same of recency alone")
	measured("auc_gain", "by how much the model ranks better than recency alone")
	measured("brier", "mean squared error of the probability")
	measured("brier_recency", "the same of recency alone")
	columns = append(columns, column{"brier_base_rate", double, "the same of the base rate for everyone"})
	measured("log_loss", "mean log loss")
	measured("log_loss_gain", "by how much less the model loses than recency alone")
	measured("calibration_slope", "1 is calibrated, below 1 the probabilities are too extreme")
	measured("calibration_intercept", "0 is calibrated")
	measured("observed_expected", "positive partner-months over those expected")
	measured("top_decile_lift", "churn of the highest-scored tenth over the base rate")
	columns = append(columns,
		column{"expected_held_out", double, "positive partner-months expected in the held-out quarters"},
		column{"recalibration", text, "how later outcomes corrected tonight's probabilities: none, intercept or slope"},
		column{"recalibration_intercept", double, "log-odds added; the held-out quarters were judged with a correction learned before them"},
		column{"recalibration_slope", double, "factor of the regression's log-odds, above 0: the ranking stays"},
		column{"recalibration_churns", bigint, "distinct churns later in time than what predicted them; under 20 nothing is corrected"},
		column{"drifted_features", bigint, "columns of the model that drift by more than chance explains, among all that are looked at"},
		column{"score_psi", double, "population stability index of the score, tonight against the rows learned from"},
		column{"score_psi_limit", double, "what chance alone stays below in 95 of 100 nights"},
		column{"outcome_z", double, "churn in the held-out quarters less what was predicted, in standard errors; beyond 3 the level is off"})
	return newSchema("every method of a night's churn score: what it learned from, how it did, and whether it is published.",
		"model", "model_id", columns)
}

// CoefficientSchema returns the columns of model_coefficient.
func CoefficientSchema() *arrow.Schema {
	return newSchema("the coefficients of the models, and why a column has none.", "model x column", "model_id, feature", []column{
		{"model_id", text, "model"},
		{"feature", text, "column of fct_partner_month_feature, or (intercept)"},
		{"family", text, "group of features that share a reason"},
		{"position", bigint, "place in the declared order, by which few churns are spent"},
		{"state", text, "estimated, at bound, constant, fixed (rule score) or left out"},
		{"note", text, "why it is left out"},
		{"coefficient", double, "change of the log-odds for one unit, before recalibration"},
		{"std_error", double, "standard error, robust to rows of the same partner family; no test of a penalised coefficient"},
		{"standard_coefficient", double, "change of the log-odds for one standard deviation; interquartile range in the rule score"},
		{"center", double, "mean of the rows learned from; median in the rule score"},
		{"spread", double, "their standard deviation; interquartile range in the rule score"},
		{"missing_share", double, "share of the partners at risk tonight whose value is not known"},
		{"psi", double, "population stability index, tonight against the rows learned from"},
		{"psi_limit", double, "what chance alone stays below in 95 of 100 nights"},
		{"drift", text, "none; watch: psi above 0.1 and its limit; alarm: above 0.25 and twice the limit"},
	})
}

// HoldoutSchema returns the columns of model_holdout.
func HoldoutSchema() *arrow.Schema {
	return newSchema("predictions for the held-out quarters beside what happened.", "model x partner x snapshot",
		"model_id, partner_id, snapshot_on", []column{
			{"model_id", text, "model"},
			{"partner_id", text, "partner"},
			{"snapshot_on", date, "day for which was predicted"},
			{"probability", double, "predicted by the model, which was trained and recalibrated on earlier months"},
			{"baseline_probability", double, "predicted by recency alone"},
			{"label", bigint, "1 the partner churned within the horizon, 0 it stayed"},
		})
}

// GroupSchema returns the columns of model_group.
func GroupSchema() *arrow.Schema {
	return newSchema("how a published model did in each group of partners on the held-out quarters.", "model x group", "model_id, group_kind, group_name", []column{
		{"model_id", text, "model"},
		{"group_kind", text, "tenure, tier, region, partner_type or size (thirds of the revenue won in the year before)"},
		{"group_name", text, "group: tenure and size at the first held-out snapshot, the others as of tonight"},
		{"rows_held_out", bigint, "partner-months"},
		{"partners", bigint, "partners"},
		{"churned", bigint, "distinct churns"},
		{"expected", double, "churns expected: predicted partner-months over the partner-months of a churn"},
		{"observed_expected", double, "churned over expected, drawn to 1 by 5 churns"},
		{"low", double, "lower end of the exact 95% Poisson interval of churned / expected"},
		{"high", double, "upper end of it"},
		{"p_value", double, "probability of so many churns or more extreme ones where the model is right; null where insufficient"},
		{"q_value", double, "smallest false discovery rate among all groups at which this one stands out"},
		{"flagged_share", double, "share of the partner-months in the high band"},
		{"false_positive_share", double, "share of the partner-months without churn in the high band"},
		{"false_positive_low", double, "lower end of its Wilson 95% interval, by partners"},
		{"false_positive_high", double, "upper end of it"},
		{"status", text, "ok, or insufficient under 5 expected churns"},
	})
}

// BandSchema returns the columns of model_band.
func BandSchema() *arrow.Schema {
	return newSchema("the risk bands with their track record.", "model x band", "model_id, band", []column{
		{"model_id", text, "model"},
		{"band", text, "high, medium or low"},
		{"position", bigint, "1 for the highest"},
		{"partners", bigint, "partners at risk tonight in the band"},
		{"lowest_score", double, "lowest probability in the band tonight; of the rule score where no model is published"},
		{"held_out", bigint, "partner-months of the held-out quarters that the same shares put into the band"},
		{"churned", bigint, "of these, with churn within the horizon"},
		{"observed_rate", double, "churned / held_out"},
		{"observed_low", double, "lower end of its Wilson 95% interval, by partner families: the months of a partner tell of each other"},
		{"observed_high", double, "upper end of it"},
	})
}

// EmptyChurn returns the churn tables without rows, for a night that cannot score at all.
func EmptyChurn() *ChurnResult {
	return &ChurnResult{
		Partners: emptyRecord(PartnerChurnSchema()), Contributions: emptyRecord(ContributionSchema()), Cards: emptyRecord(CardSchema()),
		Coefficients: emptyRecord(CoefficientSchema()), HeldOut: emptyRecord(HoldoutSchema()), Bands: emptyRecord(BandSchema()),
		Groups: emptyRecord(GroupSchema()),
	}
}

// EmptyFirstRevenue returns score_first_revenue without rows.
func EmptyFirstRevenue() arrow.RecordBatch { return emptyRecord(FirstRevenueSchema()) }

// EmptyAffinity returns score_cosell_affinity without rows.
func EmptyAffinity() arrow.RecordBatch { return emptyRecord(AffinitySchema()) }
