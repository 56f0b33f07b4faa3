package logistic_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

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
			N         int       `json:"n"`
			Events    float64   `json:"events"`
			Partners  int       `json:"partners"`
			CR0       []float64 `json:"cluster_robust_se_CR0"`
			Clustered []float64 `json:"cluster_robust_se_times_sqrt_G_over_G_minus_1"`
			Risks     []risk    `json:"three_month_risk"`
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
	partners := float64(slices.Max(cluster) + 1)
	plain := clustered.SE() // without the correction for the number of clusters
	for j := range plain {
		plain[j] *= math.Sqrt((partners - 1) / partners)
	}
	c.AllClose("clustered se without correction", plain, want.Full.CR0)
	if len(d.Y) != want.Full.N || floats.Sum(d.Y) != want.Full.Events || int(partners) != want.Full.Partners {
		t.Errorf("%d rows, %v events, %v partners; want %d, %v, %d", len(d.Y), floats.Sum(d.Y), partners, want.Full.N, want.Full.Events, want.Full.Partners)
	}

	tab := c.Table(c.Name + ".csv")
	checkRisks(c, tab, m, d, want.Full.Risks)
	checkTimeSplit(t, c, d, d.Y, month, 1, &want.Monthly)
	y3 := withinThreeMonths(tab, month, d.Y)
	checkTimeSplit(t, c, d, y3, month, 3, &want.Horizon)
	if want.Horizon.Train != want.Purge.After || want.Monthly.Train != want.Purge.Before {
		t.Errorf("training rows %d and %d, want %d before and %d after the purge", want.Monthly.Train, want.Horizon.Train, want.Purge.Before, want.Purge.After)
	}
}

// risk is what a case expects of the months from a row on.
type risk struct {
	Row     int     `json:"row"`
	Partner string  `json:"partner_id"`
	Month   string  `json:"month"`
	Hazard  float64 `json:"hazard"`
	Risk3   float64 `json:"risk_3m"`
	Risk6   float64 `json:"risk_6m"`
}

// checkRisks: the risk of several months compounds the hazards, with tenure going on and all else as it is.
func checkRisks(c *reference.Case, tab *reference.Table, m *logistic.Model, d logistic.Data, want []risk) {
	tenure, id, date := tab.Floats("tenure_months"), tab.Text("partner_id"), tab.Text("month")
	for _, r := range want {
		c.Equal("partner", id[r.Row], r.Partner)
		c.Equal("month", date[r.Row], r.Month)
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
}

// timeSplit is what a fit before a month expects of the months behind it.
type timeSplit struct {
	Train       int       `json:"n_train"`
	TrainEvents float64   `json:"events_train"`
	Test        int       `json:"n_test"`
	TestEvents  float64   `json:"events_test"`
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
		Lift      float64   `json:"test_lift_at_10pct"`
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
		top, err := s.TopShare(0.1)
		if err != nil {
			t.Fatal(err)
		}
		c.Close(at("lift"), top.Lift, f.Lift)
		if s.Events() != f.Events || f.Events != want.TestEvents {
			t.Errorf("%s: %v, want %v and %v", at("events"), s.Events(), f.Events, want.TestEvents)
		}
	}
}
