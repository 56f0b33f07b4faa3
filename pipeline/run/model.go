package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// ReadModels returns what a published database knows about its churn models. Tables and columns that an earlier
// version of the program did not publish are empty.
func ReadModels(ctx context.Context, db *warehouse.Reader) (*report.ModelNight, error) {
	m := &modelReader{db: db, night: &report.ModelNight{Format: report.ModelFormat, Source: report.FromFolder}, cards: map[string]*report.ModelCard{}}
	tables, err := db.Tables(ctx)
	if err != nil {
		return nil, err
	}
	published := map[string]bool{}
	for _, t := range tables {
		published[t.Table] = true
	}
	for _, part := range []struct {
		table string
		read  func(*rows)
	}{
		{"run_settings", m.settings},
		{"run_info", m.runID},
		{"model_card", m.readCards},
		{"model_band", m.readBands},
		{"model_coefficient", m.readCoefficients},
		{"model_group", m.readGroups},
		{"model_backtest", m.readBacktest},
		{"rpt_partner", m.readNames},
		{"score_partner_churn", m.readScores},
	} {
		if !published[part.table] {
			continue
		}
		table, err := db.Table(ctx, part.table)
		if err != nil {
			return nil, err
		}
		if err := m.take(table, part.read); err != nil {
			return nil, err
		}
	}
	if err := m.readValues(ctx); err != nil {
		return nil, err
	}
	return m.night, nil
}

// modelReader reads the tables of the churn models into one night.
type modelReader struct {
	db    *warehouse.Reader
	night *report.ModelNight
	cards map[string]*report.ModelCard
	// asOf is the night's day, names the partners' names by id.
	asOf  time.Time
	names map[string]string
}

func (m *modelReader) take(table *warehouse.Rows, read func(*rows)) error {
	r := newRows(table)
	r.sparse = true
	read(r)
	return r.err
}

func (m *modelReader) settings(r *rows) {
	for i := range r.len() {
		m.night.Program, m.night.Currency = r.text(i, "program_name"), r.text(i, "currency_base")
		m.night.AsOf, m.asOf = r.text(i, "as_of"), r.day(i, "as_of")
	}
}

func (m *modelReader) runID(r *rows) {
	for i := range r.len() {
		if r.text(i, "section") == "run" && r.text(i, "item") == "run_id" {
			m.night.RunID = r.text(i, "value")
		}
	}
}

// trackMeasures are the measures of model_card that have an interval.
var trackMeasures = []string{
	"auc", "auc_recency", "auc_gain", "brier", "brier_recency", "log_loss", "log_loss_gain",
	"calibration_slope", "calibration_intercept", "observed_expected", "top_decile_lift",
}

// roleOrder puts what ranks the partners first and what it is only compared with last.
var roleOrder = []string{"published", "stand_in", "rejected", "shadow", "baseline"}

func (m *modelReader) readCards(r *rows) {
	for i := range r.len() {
		m.night.Models = append(m.night.Models, card(r, i))
	}
	place := func(c report.ModelCard) int {
		if at := slices.Index(roleOrder, c.Role); at >= 0 {
			return at
		}
		return len(roleOrder)
	}
	slices.SortStableFunc(m.night.Models, func(a, b report.ModelCard) int {
		if a.IsReported != b.IsReported {
			if a.IsReported {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.ID, b.ID))
	})
	for i := range m.night.Models {
		m.cards[m.night.Models[i].ID] = &m.night.Models[i]
	}
}

func card(r *rows, i int) report.ModelCard {
	c := report.ModelCard{
		ID: r.text(i, "model_id"), Role: r.text(i, "role"), IsReported: r.truth(i, "is_reported"), Method: r.text(i, "method"),
		Verdict: r.text(i, "verdict"), Reason: r.text(i, "reason"), HorizonDays: r.integer(i, "horizon_days"),
		Fingerprint: r.text(i, "fingerprint"), DefinitionVersion: r.text(i, "definition_version"),
		Training: report.Training{
			From: r.text(i, "train_from"), To: r.text(i, "train_to"), Rows: r.integer(i, "rows_train"), Partners: r.integer(i, "partners_train"),
			Positives: r.integer(i, "positives_train"), Churns: r.integer(i, "churns_train"), Purged: r.integer(i, "rows_purged"),
			MonthsWithoutOutcome: r.integer(i, "months_without_outcome"), RowsRefit: r.integer(i, "rows_refit"), ChurnsRefit: r.integer(i, "churns_refit")},
		HeldOut: report.HeldOut{
			From: r.text(i, "held_out_from"), To: r.text(i, "held_out_to"), Rows: r.integer(i, "rows_held_out"), Partners: r.integer(i, "partners_held_out"),
			Positives: r.integer(i, "positives_held_out"), Churns: r.integer(i, "churns_held_out"), Expected: r.float(i, "expected_held_out")},
		Choice: report.Choice{
			Lambda: r.float(i, "lambda_value"), LambdaSource: r.text(i, "lambda_source"), Coefficients: r.integer(i, "coefficients"),
			IsConstrained: r.truth(i, "is_constrained"), AtBound: r.text(i, "columns_at_bound"), LeftOut: r.text(i, "left_out"),
			Warnings: r.text(i, "warnings"), Iterations: r.integer(i, "iterations"), Seed: r.integer(i, "seed"), Resamples: r.integer(i, "resamples")},
		BaseRate: r.float(i, "base_rate"), Measures: map[string]report.Measure{},
		Recalibration: report.Recalibration{
			Kind: r.text(i, "recalibration"), Intercept: r.float(i, "recalibration_intercept"),
			Slope: r.float(i, "recalibration_slope"), Churns: r.integer(i, "recalibration_churns")},
		Drift: report.Drift{
			Features: r.float(i, "drifted_features"), PSI: r.float(i, "score_psi"), PSILimit: r.float(i, "score_psi_limit"), OutcomeZ: r.float(i, "outcome_z")},
	}
	for _, name := range trackMeasures {
		if v := interval(r, i, name); v.Value != nil {
			c.Measures[name] = v
		}
	}
	if v := r.float(i, "brier_base_rate"); v != nil {
		c.Measures["brier_base_rate"] = report.Measure{Value: v}
	}
	return c
}

// interval reads a measure from the columns name, name_low and name_high.
func interval(r *rows, i int, name string) report.Measure {
	return report.Measure{Value: r.float(i, name), Low: r.float(i, name+"_low"), High: r.float(i, name+"_high")}
}

func (m *modelReader) readBands(r *rows) {
	for _, i := range r.sorted("position") {
		if c := m.cards[r.text(i, "model_id")]; c != nil {
			c.Bands = append(c.Bands, report.RiskBand{
				Name: r.text(i, "band"), Partners: r.integer(i, "partners"), HeldOut: r.integer(i, "held_out"), Churned: r.integer(i, "churned"),
				Observed: report.Measure{Value: r.float(i, "observed_rate"), Low: r.float(i, "observed_low"), High: r.float(i, "observed_high")}})
		}
	}
}

// sorted returns the numbers of the rows by a whole-number column, rows with the same value in their order.
func (r *rows) sorted(column string) []int {
	order := make([]int, r.len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.integer(a, column), r.integer(b, column)) })
	return order
}

func (m *modelReader) readCoefficients(r *rows) {
	for _, i := range r.sorted("position") {
		if c := m.cards[r.text(i, "model_id")]; c != nil {
			c.Coefficients = append(c.Coefficients, report.Coefficient{
				Column: r.text(i, "feature"), Family: r.text(i, "family"), State: r.text(i, "state"), Note: r.text(i, "note"),
				Value: r.float(i, "coefficient"), StdError: r.float(i, "std_error"), Standard: r.float(i, "standard_coefficient"),
				Center: r.float(i, "center"), Missing: r.float(i, "missing_share"), PSI: r.float(i, "psi"), PSILimit: r.float(i, "psi_limit"),
				Drift: r.text(i, "drift")})
		}
	}
}

func (m *modelReader) readGroups(r *rows) {
	for i := range r.len() {
		if c := m.cards[r.text(i, "model_id")]; c != nil {
			c.Groups = append(c.Groups, report.Group{
				Kind: r.text(i, "group_kind"), Name: r.text(i, "group_name"), Rows: r.integer(i, "rows_held_out"), Partners: r.integer(i, "partners"),
				Churned: r.integer(i, "churned"), Expected: r.float(i, "expected"),
				ObservedExpected: report.Measure{Value: r.float(i, "observed_expected"), Low: r.float(i, "low"), High: r.float(i, "high")},
				QValue:           r.float(i, "q_value"), FlaggedShare: r.float(i, "flagged_share"),
				FalsePositiveShare: interval(r, i, "false_positive"), Status: r.text(i, "status")})
			g := &c.Groups[len(c.Groups)-1]
			g.FalsePositiveShare.Value = r.float(i, "false_positive_share")
		}
	}
}

func (m *modelReader) readBacktest(r *rows) {
	for i := range r.len() {
		m.night.Backtest = append(m.night.Backtest, report.BacktestQuarter{
			Quarter: r.text(i, "quarter"), SnapshotOn: r.text(i, "snapshot_on"), Method: r.text(i, "method"),
			TrainedChurns: r.integer(i, "trained_churns"), AtRisk: r.integer(i, "at_risk"), Flagged: r.integer(i, "flagged"),
			Churned: r.integer(i, "churned"), Caught: r.integer(i, "caught"),
			Losses: r.integer(i, "losses"), LossesCaught: r.integer(i, "losses_caught"),
			Precision: interval(r, i, "precision"), Recall: interval(r, i, "recall"), BaseRate: r.float(i, "base_rate"), Lift: r.float(i, "lift"),
			AUC: r.float(i, "auc"), PrecisionRecency: r.float(i, "precision_recency"),
			MedianLeadDays: r.float(i, "median_lead_days"), ShortestLeadDays: r.float(i, "shortest_lead_days"),
			RevenueChurned: r.text(i, "revenue_churned"), RevenueCaught: r.text(i, "revenue_caught"), RevenueCaughtShare: r.float(i, "revenue_caught_share"),
			IsMatured: r.truth(i, "is_matured"), Status: r.text(i, "status"), Reason: r.text(i, "reason")})
	}
	// The total has no day and comes last, whatever the order of the names.
	slices.SortStableFunc(m.night.Backtest, func(a, b report.BacktestQuarter) int {
		if (a.SnapshotOn == "") != (b.SnapshotOn == "") {
			return -cmp.Compare(len(a.SnapshotOn), len(b.SnapshotOn))
		}
		return cmp.Compare(a.SnapshotOn, b.SnapshotOn)
	})
}

func (m *modelReader) readNames(r *rows) {
	m.names = make(map[string]string, r.len())
	for i := range r.len() {
		m.names[r.text(i, "partner_id")] = r.text(i, "partner_name")
	}
}

// readScores takes the partners that are at risk tonight; the others keep no score to compare.
func (m *modelReader) readScores(r *rows) {
	for i := range r.len() {
		logit := r.float(i, "logit")
		if logit == nil || r.text(i, "status") == "exited" {
			continue
		}
		id := r.text(i, "partner_id")
		m.night.Scored = append(m.night.Scored, report.Scored{
			ID: id, Name: cmp.Or(m.names[id], id), Status: r.text(i, "status"), Band: r.text(i, "band"), Probability: r.float(i, "probability"), Logit: logit})
	}
}

// readValues adds the features of the scored partners, so that a later night can tell a change of a partner from
// a change of the model.
func (m *modelReader) readValues(ctx context.Context) error {
	c := m.night.Reported()
	if c == nil || len(m.night.Scored) == 0 {
		return nil
	}
	for _, k := range c.Coefficients {
		if k.Column != "(intercept)" {
			m.night.Columns = append(m.night.Columns, k.Column)
		}
	}
	tonight := m.asOf.AddDate(0, 0, 1).Format(time.DateOnly)
	table, err := m.db.Between(ctx, "fct_partner_month_feature", "snapshot_on", tonight, tonight)
	if err != nil {
		return fmt.Errorf("read tonight's features: %w", err)
	}
	return m.take(table, func(r *rows) {
		row := make(map[string]int, r.len())
		for i := range r.len() {
			row[r.text(i, "partner_id")] = i
		}
		for k := range m.night.Scored {
			s := &m.night.Scored[k]
			s.Values = make([]*float64, len(m.night.Columns))
			if i, known := row[s.ID]; known {
				for j, column := range m.night.Columns {
					s.Values[j] = r.float(i, column)
				}
			}
		}
	})
}
