package logistic_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

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
	Parameters     int         `json:"p"`
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
	NullCoef       float64     `json:"null_coef"`
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
			Row        int                `json:"row"`
			PerColumn  map[string]float64 `json:"per_column"`
			PerFeature map[string]float64 `json:"per_feature"`
			Ranked     []string           `json:"ranked_up"`
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
	empty := mustFit(t, logistic.Data{Y: d.Y, Weights: d.Weights}, logistic.Options{})
	c.Close("null coef", empty.Coef()[0], want.NullCoef)
	if p := len(m.Coef()); p != want.Parameters {
		t.Errorf("%d coefficients, want %d", p, want.Parameters)
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
		features, up := reasons(d.Names, part)
		for name, v := range features {
			c.Close(fmt.Sprintf("contribution of all of %s in row %d", name, r.Row), v, r.PerFeature[name])
		}
		if len(features) != len(r.PerFeature) {
			t.Errorf("row %d: features %v, want %v", r.Row, features, r.PerFeature)
		}
		c.Equal(fmt.Sprintf("reasons of row %d", r.Row), fmt.Sprint(up), fmt.Sprint(r.Ranked))
	}
}

// reasons sums the contributions of the columns `feature=level` of each feature, and lists the three features that add
// most, of those that add anything.
func reasons(columns []string, part []float64) (features map[string]float64, up []string) {
	features = map[string]float64{}
	for j, column := range columns {
		name, _, _ := strings.Cut(column, "=")
		features[name] += part[j]
	}
	for name, v := range features {
		if v > 0 {
			up = append(up, name)
		}
	}
	slices.SortFunc(up, func(a, b string) int { return cmp.Compare(features[b], features[a]) })
	return features, up[:min(3, len(up))]
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
				Columns   []string   `json:"columns"`
				Solutions []ridgeFit `json:"solutions"`
			} `json:"ridge"`
		}
		c.Field("expected", &want)
		d := design(c, file, want.Unpenalised.Columns)
		want.Unpenalised.compare(t, c, d)
		c.Equal("columns", fmt.Sprint(want.Ridge.Columns), fmt.Sprint(want.Unpenalised.Columns))
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
		if column != "" {
			checkSupremum(t, c, d)
		}
		for _, s := range want.Solutions {
			m := s.compare(t, c, d, false)
			if column != "" && !slices.ContainsFunc(m.Warnings, func(w logistic.Warning) bool { return w.Column == column }) {
				t.Errorf("lambda %g: no warning about %s in %v", s.Lambda, column, m.Warnings)
			}
		}
	}
}

// checkSupremum: a penalty that is almost none comes as near to the supremum of the log-likelihood as R, which stops
// short of it.
func checkSupremum(t *testing.T, c *reference.Case, d logistic.Data) {
	t.Helper()
	var want struct {
		Supremum float64 `json:"sup_log_likelihood"`
	}
	c.Field("unpenalised_behaviour", &want)
	c.Close("supremum of the log-likelihood", mustFit(t, d, logistic.Options{Lambda: 1e-8}).LogLik(), want.Supremum)
}

func checkCrossValidation(t *testing.T, c *reference.Case) {
	var want struct {
		Results []struct {
			Lambda float64   `json:"lambda"`
			Folds  []float64 `json:"fold_log_loss"`
			Mean   float64   `json:"mean"`
			SE     float64   `json:"se_of_mean"`
		} `json:"results"`
		Best  float64 `json:"best_lambda"`
		OneSE float64 `json:"one_se_lambda"`
	}
	c.Field("expected", &want)
	tab := c.Table("birthwt_design.csv")
	names := []string{"age", "lwt", "smoke", "ptl", "ht", "ui", "ftv", "race=2", "race=3"}
	all := logistic.Data{X: tab.Design(names), Cols: len(names), Y: tab.Floats("y")}
	lambdas := make([]float64, len(want.Results))
	for i, r := range want.Results {
		lambdas[i] = r.Lambda
	}
	losses := make([][]float64, len(lambdas)) // by penalty and fold
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
			losses[k] = append(losses[k], loss/float64(n))
			c.Close(fmt.Sprintf("fold %d lambda %g", fold, lambdas[k]), loss/float64(n), want.Results[k].Folds[fold])
		}
	}
	best, means, errs := 0, make([]float64, len(lambdas)), make([]float64, len(lambdas))
	for k, l := range losses {
		means[k], errs[k] = stat.MeanStdDev(l, nil)
		errs[k] /= math.Sqrt(5)
		c.Close(fmt.Sprintf("mean of lambda %g", lambdas[k]), means[k], want.Results[k].Mean)
		c.Close(fmt.Sprintf("se of lambda %g", lambdas[k]), errs[k], want.Results[k].SE)
		if means[k] < means[best] {
			best = k
		}
	}
	simplest := 0.0
	for k, lambda := range lambdas {
		if means[k] <= means[best]+errs[best] {
			simplest = max(simplest, lambda)
		}
	}
	c.Close("best lambda", lambdas[best], want.Best)
	c.Close("largest lambda within one se", simplest, want.OneSE)
}
