package logistic_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// design reads a coded design of a case: y, an optional weight, and the columns that expected lists after the
// intercept.
func design(c *reference.Case, file string, columns []string) logistic.Data {
	t := c.Table(file)
	d := logistic.Data{Y: t.Floats("y"), Cols: len(columns) - 1, Names: columns[1:]}
	d.X = t.Design(columns[1:])
	if t.Has("weight") {
		d.Weights = t.Floats("weight")
	}
	return d
}

// row returns row i of the design.
func row(d logistic.Data, i int) []float64 { return d.X[i*d.Cols : (i+1)*d.Cols] }

func mustFit(t *testing.T, d logistic.Data, o logistic.Options) *logistic.Model {
	t.Helper()
	m, err := logistic.Fit(d, o)
	if err != nil {
		t.Fatalf("fit: %v", err)
	}
	return m
}

// plainFit is what a reference case expects of an unpenalised fit.
type plainFit struct {
	N              int         `json:"n"`
	NNonzeroWeight int         `json:"n_nonzero_weight"`
	SumWeight      float64     `json:"sum_weight"`
	Columns        []string    `json:"columns"`
	Coef           []float64   `json:"coef"`
	SE             []float64   `json:"se"`
	Z              []float64   `json:"z"`
	P              []float64   `json:"p_value"`
	WaldCI         [][]float64 `json:"wald_ci95"`
	Vcov           [][]float64 `json:"vcov"`
	LogLik         float64     `json:"log_likelihood"`
	Deviance       float64     `json:"deviance"`
	NullDeviance   float64     `json:"null_deviance"`
	AIC            float64     `json:"aic"`
	LRChi2         float64     `json:"lr_chi2"`
	LRDF           int         `json:"lr_df"`
	LRP            *float64    `json:"lr_p"`
	Predictions    []struct {
		Row  int     `json:"row"`
		Eta  float64 `json:"eta"`
		SE   float64 `json:"se_eta"`
		Prob float64 `json:"prob"`
		Low  float64 `json:"prob_lo95"`
		High float64 `json:"prob_hi95"`
	} `json:"predictions"`
	Reasons struct {
		Baseline float64            `json:"baseline_logit_at_column_means"`
		Means    map[string]float64 `json:"column_means"`
		Rows     []struct {
			Row       int                `json:"row"`
			PerColumn map[string]float64 `json:"per_column"`
		} `json:"rows"`
	} `json:"reason_codes"`
}

func (want plainFit) compare(t *testing.T, c *reference.Case, d logistic.Data) {
	t.Helper()
	m := mustFit(t, d, logistic.Options{})
	if len(d.Y) != want.N || m.Rows != want.NNonzeroWeight || m.Weight != want.SumWeight {
		t.Errorf("n, rows with weight, sum of weights = %d, %d, %v; want %d, %d, %v",
			len(d.Y), m.Rows, m.Weight, want.N, want.NNonzeroWeight, want.SumWeight)
	}
	cov := m.Laplace()
	c.AllClose("coef", m.Coef(), want.Coef)
	c.AllClose("se", cov.SE(), want.SE)
	wald, err := m.Wald()
	if err != nil {
		t.Fatalf("wald: %v", err)
	}
	for j, w := range wald {
		at := func(what string) string { return fmt.Sprintf("%s[%s]", what, want.Columns[j]) }
		c.Close(at("z"), w.Z, want.Z[j])
		c.Close(at("p"), w.P, want.P[j])
		c.Close(at("low"), w.Low, want.WaldCI[j][0])
		c.Close(at("high"), w.High, want.WaldCI[j][1])
		for k := range wald {
			c.Close(at("vcov"), cov.Matrix().At(j, k), want.Vcov[j][k])
		}
	}
	c.Close("log-likelihood", m.LogLik(), want.LogLik)
	c.Close("deviance", m.Deviance(), want.Deviance)
	c.Close("null deviance", m.NullDeviance(), want.NullDeviance)
	c.Close("aic", m.AIC(), want.AIC)
	chi2, df, p, err := m.LikelihoodRatio()
	if err != nil || df != want.LRDF {
		t.Errorf("likelihood ratio: df %d, err %v; want df %d", df, err, want.LRDF)
	}
	c.Close("lr chi2", chi2, want.LRChi2)
	if want.LRP != nil {
		c.Close("lr p", p, *want.LRP)
	}
	for _, q := range want.Predictions {
		got := cov.Interval(row(d, q.Row), 0.95)
		at := func(what string) string { return fmt.Sprintf("row %d %s", q.Row, what) }
		c.Close(at("eta"), got.Logit, q.Eta)
		c.Close(at("se eta"), got.SE, q.SE)
		c.Close(at("probability"), got.Probability, q.Prob)
		c.Close(at("low"), got.Low, q.Low)
		c.Close(at("high"), got.High, q.High)
	}
	for _, r := range want.Reasons.Rows {
		part := make([]float64, d.Cols)
		c.Close("baseline", m.Contributions(part, row(d, r.Row)), want.Reasons.Baseline)
		for j, v := range part {
			c.Close(fmt.Sprintf("contribution of %s in row %d", d.Names[j], r.Row), v, r.PerColumn[d.Names[j]])
			c.Close("mean of "+d.Names[j], m.Mean[j], want.Reasons.Means[d.Names[j]])
		}
	}
}

// ridgeFit is what a reference case expects at one penalty.
type ridgeFit struct {
	Lambda    float64   `json:"lambda"`
	Coef      []float64 `json:"coef"`
	SE        []float64 `json:"se_penalised_hessian"`
	Sandwich  []float64 `json:"se_sandwich"`
	CoefRaw   []float64 `json:"coef_raw_scale"`
	SERaw     []float64 `json:"se_penalised_hessian_raw_scale"`
	LogLik    float64   `json:"log_likelihood"`
	Penalty   float64   `json:"penalty"`
	Objective float64   `json:"objective"`
	DF        float64   `json:"effective_df"`
	First5    []float64 `json:"first5_prob"`
	MaxProb   float64   `json:"max_fitted_prob"`
	MinProb   float64   `json:"min_fitted_prob"`
}

func (want ridgeFit) compare(t *testing.T, c *reference.Case, d logistic.Data, standardise bool) *logistic.Model {
	t.Helper()
	m := mustFit(t, d, logistic.Options{Lambda: want.Lambda, Standardise: standardise})
	at := func(what string) string { return fmt.Sprintf("lambda %g %s", want.Lambda, what) }
	coef, se, sandwich := m.Coef(), m.Laplace().SE(), m.Sandwich().SE()
	if standardise {
		c.AllClose(at("coef on the raw scale"), coef, want.CoefRaw)
		c.AllClose(at("se on the raw scale"), se, want.SERaw)
		coef, se, sandwich = m.StandardCoef(), m.Laplace().StandardSE(), m.Sandwich().StandardSE()
	}
	c.AllClose(at("coef"), coef, want.Coef)
	c.AllClose(at("se"), se, want.SE)
	c.AllClose(at("sandwich se"), sandwich, want.Sandwich)
	c.Close(at("log-likelihood"), m.LogLik(), want.LogLik)
	c.Close(at("penalty"), m.Penalty(), want.Penalty)
	c.Close(at("objective"), m.Objective(), want.Objective)
	c.Close(at("effective df"), m.EffectiveDF(), want.DF)
	probs := make([]float64, len(d.Y))
	for i := range probs {
		probs[i] = m.Probability(row(d, i))
	}
	c.AllClose(at("first probabilities"), probs[:5], want.First5)
	c.Close(at("largest probability"), slices.Max(probs), want.MaxProb)
	c.Close(at("smallest probability"), slices.Min(probs), want.MinProb)
	return m
}

func TestReference(t *testing.T) {
	reference.Test(t, "logistic", map[string]func(*testing.T, *reference.Case){
		"01_logistic/birthwt_unpenalised":           unpenalised("birthwt_design.csv"),
		"01_logistic/birthwt_weighted":              unpenalised("birthwt_weighted_design.csv"),
		"01_logistic/birthwt_intercept_only":        unpenalised("birthwt_design.csv"),
		"01_logistic/birthwt_ridge":                 checkRidge,
		"01_logistic/birthwt_cv_lambda":             checkCrossValidation,
		"01_logistic/birthwt_quasi_separation":      separated("birthwt_quasi_design.csv", "ptl=3"),
		"01_logistic/iris_complete_separation":      separated("iris_setosa_design.csv", ""),
		"01_logistic/iris_near_separation":          plainAndRidge("iris_virginica_design.csv"),
		"01_logistic/titanic_frequency_weights":     plainAndRidge("titanic_design.csv"),
		"09_person_period/life_table":               checkLifeTable,
		"09_person_period/synthetic_partner_months": checkPartnerMonths,
	})
}

func unpenalised(file string) func(*testing.T, *reference.Case) {
	return func(t *testing.T, c *reference.Case) {
		var want plainFit
		c.Field("expected", &want)
		want.compare(t, c, design(c, file, want.Columns))
	}
}

func checkRidge(t *testing.T, c *reference.Case) {
	var want map[string]struct {
		Columns   []string   `json:"columns"`
		Solutions []ridgeFit `json:"solutions"`
		Mean      []float64  `json:"column_mean"`
		SD        []float64  `json:"column_sd_population"`
	}
	c.Field("expected", &want)
	for _, tc := range []struct {
		kind, design string
		standardise  bool
	}{
		{"raw_columns", "birthwt_design.csv", false},
		{"standardised_columns", "birthwt_design.csv", true},
		{"raw_columns_weighted", "birthwt_weighted_design.csv", false},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			w := want[tc.kind]
			if len(w.Solutions) == 0 {
				t.Fatal("the case has no solutions")
			}
			d := design(c, tc.design, w.Columns)
			for _, s := range w.Solutions {
				m := s.compare(t, c, d, tc.standardise)
				if tc.standardise {
					c.AllClose("mean", m.Mean, w.Mean)
					c.AllClose("sd", m.SD, w.SD)
				}
			}
		})
	}
}

func plainAndRidge(file string) func(*testing.T, *reference.Case) {
	return func(t *testing.T, c *reference.Case) {
		var want struct {
			Unpenalised plainFit `json:"unpenalised"`
			Ridge       struct {
				Solutions []ridgeFit `json:"solutions"`
			} `json:"ridge"`
		}
		c.Field("expected", &want)
		d := design(c, file, want.Unpenalised.Columns)
		want.Unpenalised.compare(t, c, d)
		for _, s := range want.Ridge.Solutions {
			s.compare(t, c, d, false)
		}
	}
}

// Without a penalty separated data must be refused with the columns named, column first where it is given; a penalty
// makes the solution finite.
func separated(file, column string) func(*testing.T, *reference.Case) {
	return func(t *testing.T, c *reference.Case) {
		var want struct {
			Columns   []string   `json:"columns"`
			Solutions []ridgeFit `json:"solutions"`
		}
		c.Field("expected", &want)
		d := design(c, file, want.Columns)
		_, err := logistic.Fit(d, logistic.Options{})
		var sep *logistic.SeparationError
		if !errors.As(err, &sep) || len(sep.Columns) == 0 {
			t.Fatalf("unpenalised fit: error %v, want a separation error that names columns", err)
		}
		if column != "" && sep.Columns[0] != column {
			t.Errorf("named %v first, want %s", sep.Columns, column)
		}
		for _, s := range want.Solutions {
			m := s.compare(t, c, d, false)
			if column != "" && !slices.ContainsFunc(m.Warnings, func(w logistic.Warning) bool { return w.Column == column }) {
				t.Errorf("lambda %g: no warning about %s in %v", s.Lambda, column, m.Warnings)
			}
		}
	}
}

func checkCrossValidation(t *testing.T, c *reference.Case) {
	var want struct {
		Results []struct {
			Lambda float64   `json:"lambda"`
			Folds  []float64 `json:"fold_log_loss"`
		} `json:"results"`
	}
	c.Field("expected", &want)
	tab := c.Table("birthwt_design.csv")
	names := []string{"age", "lwt", "smoke", "ptl", "ht", "ui", "ftv", "race=2", "race=3"}
	all := logistic.Data{X: tab.Design(names), Cols: len(names), Y: tab.Floats("y")}
	lambdas := make([]float64, len(want.Results))
	for i, r := range want.Results {
		lambdas[i] = r.Lambda
	}
	for fold := range 5 {
		train := logistic.Data{Cols: all.Cols}
		for i, y := range all.Y {
			if i%5 != fold {
				train.X, train.Y = append(train.X, row(all, i)...), append(train.Y, y)
			}
		}
		models, err := logistic.Path(train, lambdas, logistic.Options{Standardise: true})
		if err != nil {
			t.Fatalf("fold %d: %v", fold, err)
		}
		for k, m := range models {
			loss, n := 0.0, 0
			for i, y := range all.Y {
				if i%5 == fold {
					eta := m.Logit(row(all, i))
					loss += max(eta, 0) - y*eta + math.Log1p(math.Exp(-math.Abs(eta)))
					n++
				}
			}
			c.Close(fmt.Sprintf("fold %d lambda %g", fold, lambdas[k]), loss/float64(n), want.Results[k].Folds[fold])
		}
	}
}

// partnerMonths codes 09_person_period/synthetic_partner_months.csv: tenure 0-5 and tier A are the references.
func partnerMonths(c *reference.Case) (d logistic.Data, month []float64, cluster []int) {
	tab := c.Table("synthetic_partner_months.csv")
	d = logistic.Data{Y: tab.Floats("y"), Cols: 7,
		Names: []string{"tenure=6-11", "tenure=12+", "tier=B", "tier=C", "log_revenue_3m", "tickets", "trend"}}
	tenure, tier := tab.Floats("tenure_months"), tab.Text("tier")
	revenue, tickets, trend := tab.Floats("log_revenue_3m"), tab.Floats("tickets"), tab.Floats("trend")
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	ids := map[string]int{}
	for i, p := range tab.Text("partner_id") {
		d.X = append(d.X, is(tenure[i] >= 6 && tenure[i] < 12), is(tenure[i] >= 12), is(tier[i] == "B"), is(tier[i] == "C"),
			revenue[i], tickets[i], trend[i])
		if _, seen := ids[p]; !seen {
			ids[p] = len(ids)
		}
		cluster = append(cluster, ids[p])
	}
	return d, tab.Floats("month_index"), cluster
}

// checkLifeTable: with a column for each month the fit is the life table, d/n of each, and its error that of a share.
func checkLifeTable(t *testing.T, c *reference.Case) {
	var want []struct {
		Hazard float64 `json:"hazard"`
		Logit  float64 `json:"logit_coef"`
		SE     float64 `json:"logit_se"`
	}
	c.Field("expected", &want)
	tab := c.Table("life_table_person_period.csv")
	d := logistic.Data{Y: tab.Floats("y"), Cols: len(want) - 1}
	rowOf := func(month int) []float64 { // the first month is that of the intercept
		x := make([]float64, d.Cols)
		if month > 1 {
			x[month-2] = 1
		}
		return x
	}
	for _, month := range tab.Floats("month") {
		d.X = append(d.X, rowOf(int(month))...)
	}
	covariance := mustFit(t, d, logistic.Options{}).Laplace()
	for i, w := range want {
		got := covariance.Interval(rowOf(i+1), 0.95)
		c.Close("hazard", got.Probability, w.Hazard)
		c.Close("logit", got.Logit, w.Logit)
		c.Close("se", got.SE, w.SE)
	}
}

func checkPartnerMonths(t *testing.T, c *reference.Case) {
	var want struct {
		Full struct {
			Columns   []string  `json:"columns"`
			Coef      []float64 `json:"coef"`
			SE        []float64 `json:"se"`
			LogLik    float64   `json:"log_likelihood"`
			Clustered []float64 `json:"cluster_robust_se_times_sqrt_G_over_G_minus_1"`
			Risks     []struct {
				Row    int     `json:"row"`
				Hazard float64 `json:"hazard"`
				Risk3  float64 `json:"risk_3m"`
				Risk6  float64 `json:"risk_6m"`
			} `json:"three_month_risk"`
		} `json:"full_fit"`
		Monthly timeSplit `json:"time_split_monthly"`
		Horizon timeSplit `json:"time_split_horizon3"`
		Purge   struct {
			Before int `json:"rows_before_cut"`
			After  int `json:"rows_after_purge"`
		} `json:"purge_effect"`
	}
	c.Field("expected", &want)
	d, month, cluster := partnerMonths(c)
	m := mustFit(t, d, logistic.Options{})
	c.AllClose("coef", m.Coef(), want.Full.Coef)
	c.AllClose("se", m.Laplace().SE(), want.Full.SE)
	c.Close("log-likelihood", m.LogLik(), want.Full.LogLik)
	clustered, err := m.Clustered(d, cluster)
	if err != nil {
		t.Fatalf("clustered covariance: %v", err)
	}
	c.AllClose("clustered se", clustered.SE(), want.Full.Clustered)

	// The risk of several months compounds the hazards, with tenure going on and all else as it is.
	tenure := c.Table(c.Name + ".csv").Floats("tenure_months")
	for _, r := range want.Full.Risks {
		c.Close("hazard", m.Probability(row(d, r.Row)), r.Hazard)
		stays := 1.0
		for k := range 6 {
			x := slices.Clone(row(d, r.Row))
			x[0], x[1] = 0, 0
			switch at := tenure[r.Row] + float64(k); {
			case at >= 12:
				x[1] = 1
			case at >= 6:
				x[0] = 1
			}
			stays *= 1 - m.Probability(x)
			if k == 2 {
				c.Close("risk of 3 months", 1-stays, r.Risk3)
			}
		}
		c.Close("risk of 6 months", 1-stays, r.Risk6)
	}
	checkTimeSplit(t, c, d, d.Y, month, 1, &want.Monthly)
	y3 := withinThreeMonths(c.Table(c.Name+".csv"), month, d.Y)
	checkTimeSplit(t, c, d, y3, month, 3, &want.Horizon)
	if want.Horizon.Train != want.Purge.After || want.Monthly.Train != want.Purge.Before {
		t.Errorf("training rows %d and %d, want %d before and %d after the purge", want.Monthly.Train, want.Horizon.Train, want.Purge.Before, want.Purge.After)
	}
}

// timeSplit is what a fit before a month expects of the months behind it.
type timeSplit struct {
	Train       int       `json:"n_train"`
	TrainEvents float64   `json:"events_train"`
	Test        int       `json:"n_test"`
	Mean        []float64 `json:"column_mean"`
	SD          []float64 `json:"column_sd_population"`
	Fits        []struct {
		Lambda    float64   `json:"lambda"`
		Coef      []float64 `json:"coef_standardised"`
		Objective float64   `json:"train_objective"`
		AUC       float64   `json:"test_roc_auc"`
		AP        float64   `json:"test_average_precision"`
		Brier     float64   `json:"test_brier"`
		LogLoss   float64   `json:"test_log_loss"`
		Expected  float64   `json:"test_expected_events"`
		Events    float64   `json:"test_events"`
		First5    []float64 `json:"first5_test_prob"`
	} `json:"fits"`
}

const (
	splitMonth = 20 // the first month of the test period
	endMonth   = 30 // the first month that is not observed
)

// withinThreeMonths labels each row by whether the partner's churn is in its month or the two behind it.
func withinThreeMonths(tab *reference.Table, month, y []float64) []float64 {
	churn := map[string]float64{}
	partner := tab.Text("partner_id")
	for i, id := range partner {
		if y[i] == 1 {
			churn[id] = month[i]
		}
	}
	out := make([]float64, len(y))
	for i, id := range partner {
		if at, ok := churn[id]; ok && at >= month[i] && at < month[i]+3 {
			out[i] = 1
		}
	}
	return out
}

// checkTimeSplit trains on the rows whose label is known before splitMonth, and tests on the later ones whose label is
// known by the end: a label that looks `horizon` months ahead takes the last rows from both.
func checkTimeSplit(t *testing.T, c *reference.Case, d logistic.Data, y, month []float64, horizon float64, want *timeSplit) {
	t.Helper()
	train := logistic.Data{Cols: d.Cols, Names: d.Names}
	var test []int
	events := 0.0
	for i := range y {
		switch {
		case month[i]+horizon <= splitMonth:
			train.X, train.Y = append(train.X, row(d, i)...), append(train.Y, y[i])
			events += y[i]
		case month[i] >= splitMonth && month[i]+horizon <= endMonth:
			test = append(test, i)
		}
	}
	if len(train.Y) != want.Train || len(test) != want.Test || events != want.TrainEvents {
		t.Fatalf("%d training rows with %v events and %d test rows, want %d, %v and %d", len(train.Y), events, len(test), want.Train, want.TrainEvents, want.Test)
	}
	for _, f := range want.Fits {
		m := mustFit(t, train, logistic.Options{Lambda: f.Lambda, Standardise: true})
		at := func(what string) string { return fmt.Sprintf("horizon %g lambda %g %s", horizon, f.Lambda, what) }
		c.AllClose(at("coef"), m.StandardCoef(), f.Coef)
		c.AllClose(at("mean"), m.Mean, want.Mean)
		c.AllClose(at("sd"), m.SD, want.SD)
		c.Close(at("objective"), m.Objective(), f.Objective)
		outcome, p := make([]float64, len(test)), make([]float64, len(test))
		for k, i := range test {
			outcome[k], p[k] = y[i], m.Probability(row(d, i))
		}
		for k, first := range f.First5 {
			c.Close(at("test probability"), p[k], first)
		}
		s, err := evaluate.New(outcome, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, pair := range map[string]struct {
			of   func() (float64, error)
			want float64
		}{"AUC": {s.AUC, f.AUC}, "AP": {s.AveragePrecision, f.AP}, "Brier": {s.Brier, f.Brier}, "log loss": {s.LogLoss, f.LogLoss}, "expected": {s.Expected, f.Expected}} {
			got, err := pair.of()
			if err != nil {
				t.Fatal(err)
			}
			c.Close(at(what), got, pair.want)
		}
		if s.Events() != f.Events {
			t.Errorf("%s: %v, want %v", at("events"), s.Events(), f.Events)
		}
	}
}
