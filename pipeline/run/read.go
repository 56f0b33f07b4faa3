package run

import (
	"cmp"
	"context"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// readNight reads what the overview and the alert lists show out of a published database. What the pages of
// single partners show is read later, a block of partners at a time.
func readNight(ctx context.Context, db *warehouse.Reader) (*report.Night, error) {
	n := &report.Night{}
	for _, part := range []struct {
		table string
		read  func(*report.Night, *rows)
	}{
		{"run_settings", readSettings},
		{"rpt_programme_headline", readHeadline},
		{"rpt_churn_alert", readAlerts},
		{"rpt_partner", readPartners},
		{"rpt_churn_model", readModel},
		{"rpt_churn_band", readBands},
		{"data_quality", readChecks},
		{"rpt_feed", readFeeds},
		{"rpt_applicant", readApplicants},
	} {
		table, err := db.Table(ctx, part.table)
		if err != nil {
			return nil, err
		}
		r := newRows(table)
		part.read(n, r)
		if r.err != nil {
			return nil, r.err
		}
	}
	return n, nil
}

func readSettings(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Program, n.Currency, n.AsOf = r.text(i, "program_name"), r.text(i, "currency_base"), r.day(i, "as_of")
	}
}

func readNumber(r *rows, i int) report.Number {
	return report.Number{
		Value: r.float(i, "value"), Low: r.float(i, "low"), High: r.float(i, "high"), Money: r.text(i, "amount"),
		Numerator: r.float(i, "numerator"), Denominator: r.float(i, "denominator"), N: r.integer(i, "n"),
		Unit: r.text(i, "unit"), Status: r.text(i, "status"), IsPartial: r.truth(i, "is_partial"),
	}
}

func readHeadline(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Headline = append(n.Headline, report.Figure{
			Metric: r.text(i, "metric"), Name: r.text(i, "name"), Period: r.text(i, "period_label"),
			Definition: r.text(i, "definition"), Number: readNumber(r, i)})
	}
}

func readAlerts(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Alerts = append(n.Alerts, report.Alert{
			ID: r.text(i, "alert_id"), PartnerID: r.text(i, "partner_id"), PartnerName: r.text(i, "partner_name"),
			OwnerKey: r.text(i, "owner_key"), OwnerName: r.text(i, "owner_name"), Stage: r.text(i, "stage"),
			Cause: r.text(i, "cause"), Severity: r.text(i, "severity"), Rank: r.integer(i, "priority_rank"),
			Probability: r.float(i, "probability"), Health: r.float(i, "health_score"), Band: r.text(i, "band"),
			LastGoodValue: r.text(i, "last_good_value"), LastGoodOn: r.text(i, "last_good_on"),
			TrailingRevenue: r.text(i, "trailing_revenue_base"), AtStake: r.text(i, "revenue_at_stake_base"),
			Reasons: r.texts(i, "reason_1", "reason_2", "reason_3"), Suggestion: r.text(i, "suggestion"),
			IsNew: r.truth(i, "is_new"), IsListed: r.truth(i, "is_listed"), IsMuted: r.truth(i, "is_muted"),
			MuteReason: r.text(i, "mute_reason"), Basis: r.text(i, "score_basis")})
	}
	slices.SortStableFunc(n.Alerts, func(a, b report.Alert) int { return cmp.Compare(a.Rank, b.Rank) })
}

func readPartners(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Partners = append(n.Partners, report.Partner{
			ID: r.text(i, "partner_id"), Name: r.text(i, "partner_name"), Type: r.text(i, "partner_type"),
			Segment: r.text(i, "segment"), Tier: r.text(i, "tier_code"), Region: r.text(i, "region"),
			Stage: r.text(i, "stage"), OwnerName: r.text(i, "owner_name"), Status: r.text(i, "status"),
			Health: r.float(i, "health_score"), Engagement: r.float(i, "engagement_score"), HealthStatus: r.text(i, "health_status"),
			Probability: r.float(i, "probability"), ProbabilityLow: r.float(i, "low"), ProbabilityHigh: r.float(i, "high"),
			Band: r.text(i, "band"), ScoreStatus: r.text(i, "score_status"), Reasons: r.texts(i, "reason_1", "reason_2", "reason_3"),
			Lowers: r.texts(i, "lowers_1", "lowers_2")})
	}
}

func readModel(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Model = report.Model{
			Method: r.text(i, "method"), Verdict: r.text(i, "verdict"), Reason: r.text(i, "reason"), Events: r.integer(i, "events"),
			AUC: r.float(i, "auc"), AUCLow: r.float(i, "auc_low"), AUCHigh: r.float(i, "auc_high"),
			AUCRecency: r.float(i, "auc_recency"), Brier: r.float(i, "brier"), CalibrationSlope: r.float(i, "calibration_slope")}
	}
}

func readBands(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Model.Bands = append(n.Model.Bands, report.Band{
			Name: r.text(i, "band"), Partners: r.integer(i, "held_out"), Events: r.integer(i, "churned"), ObservedPercent: r.float(i, "observed_share")})
	}
}

// readChecks keeps the checks that found something.
func readChecks(n *report.Night, r *rows) {
	for i := range r.len() {
		if r.integer(i, "failed_rows") == 0 {
			continue
		}
		n.Checks = append(n.Checks, report.Check{
			Name: r.text(i, "check_name"), Severity: r.text(i, "severity"), Meaning: r.text(i, "meaning"), NextStep: r.text(i, "next_step"),
			Sample: r.text(i, "sample"), FailedRows: r.integer(i, "failed_rows")})
	}
}

func readFeeds(n *report.Night, r *rows) {
	for i := range r.len() {
		n.Feeds = append(n.Feeds, report.Feed{
			Source: r.text(i, "source"), Object: r.text(i, "object"), ReceivedAt: r.instant(i, "received_at"), IsStale: r.truth(i, "is_stale")})
	}
}

// partnerBlock is how many partners' details are in memory at once.
const partnerBlock = 200

// readDetails fills in what the pages and QBR data sets of a block of partners show. The partners are in
// order of their id, as rpt_partner has them.
func readDetails(ctx context.Context, db *warehouse.Reader, block []report.Partner) error {
	index := make(map[string]*report.Partner, len(block))
	for i := range block {
		index[block[i].ID] = &block[i]
	}
	from, to := block[0].ID, block[len(block)-1].ID
	for _, part := range []struct {
		table string
		read  func(*report.Partner, *rows, int)
	}{
		{"fct_health_signal", readSignal},
		{"fct_partner_health_night", readHealthNight},
		{"rpt_qbr_partner_quarter", readScorecard},
		{"rpt_qbr_list", readListItem},
		{"rpt_partner_expectation", readExpectation},
	} {
		table, err := db.Between(ctx, part.table, "partner_id", from, to)
		if err != nil {
			return err
		}
		r := newRows(table)
		for i := range r.len() {
			if p, ok := index[r.text(i, "partner_id")]; ok {
				part.read(p, r, i)
			}
		}
		if r.err != nil {
			return r.err
		}
	}
	for i := range block {
		slices.SortStableFunc(block[i].Signals, func(a, b report.Signal) int { return cmp.Compare(a.Position, b.Position) })
	}
	return nil
}

func readSignal(p *report.Partner, r *rows, i int) {
	p.Signals = append(p.Signals, report.Signal{
		Name: r.text(i, "signal"), Title: r.text(i, "signal_name"), Position: r.integer(i, "position"),
		Status: r.text(i, "status"), Note: r.text(i, "note"), Stage: r.text(i, "stage"),
		X: r.float(i, "x"), Low: r.float(i, "low"), High: r.float(i, "high"), Points: r.float(i, "points"),
		Weight: r.float(i, "weight"), Contribution: r.float(i, "contribution")})
}

func readHealthNight(p *report.Partner, r *rows, i int) {
	if v := r.float(i, "health_score"); v != nil {
		p.HealthTrend = append(p.HealthTrend, report.Point{On: r.day(i, "snapshot_on"), Value: *v})
	}
}

func readScorecard(p *report.Partner, r *rows, i int) {
	p.Scorecard = append(p.Scorecard, report.ScorecardLine{
		Metric: r.text(i, "metric"), Name: r.text(i, "metric_name"), Period: r.text(i, "period"), Scope: r.text(i, "scope_kind"),
		Number: readNumber(r, i), Previous: r.float(i, "previous_value"), YearAgo: r.float(i, "year_ago_value"),
		Target: r.float(i, "target_value"), Attainment: r.float(i, "attainment"), SegmentMedian: r.float(i, "segment_median"),
		RankBand: r.text(i, "rank_band"), DefinitionVersion: r.integer(i, "definition_version")})
}

func readListItem(p *report.Partner, r *rows, i int) {
	p.Lists = append(p.Lists, report.ListItem{
		List: r.text(i, "list"), Title: r.text(i, "title"), Detail: r.text(i, "detail"), DueOn: r.text(i, "due_on"),
		Amount: r.text(i, "amount_base"), RefID: r.text(i, "ref_id")})
}
