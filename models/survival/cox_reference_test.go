package survival_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

// coxCase is what a reference case expects of a fit.
type coxCase struct {
	N           int            `json:"n"`
	Events      int            `json:"events"`
	Columns     []string       `json:"columns"`
	Coef        []float64      `json:"coef"`
	SE          []float64      `json:"se"`
	Z           []float64      `json:"z"`
	P           []float64      `json:"p_value"`
	HR          []float64      `json:"hazard_ratio"`
	Vcov        [][]float64    `json:"vcov"`
	Null        float64        `json:"log_likelihood_null"`
	LogLik      float64        `json:"log_likelihood"`
	DF          int            `json:"df"`
	LR          float64        `json:"lr_chi2"`
	LRP         float64        `json:"lr_p"`
	Wald        float64        `json:"wald_chi2"`
	WaldP       float64        `json:"wald_p"`
	ScoreChi    float64        `json:"score_chi2"`
	ScoreP      float64        `json:"score_p"`
	Score       []float64      `json:"score_vector_at_zero"`
	Information [][]float64    `json:"information_at_zero"`
	Means       []float64      `json:"column_means"`
	Concordance concordance    `json:"concordance"`
	AtMeans     []hazardAt     `json:"baseline_cumulative_hazard_at_column_means"`
	AtZero      []hazardAt     `json:"baseline_cumulative_hazard_at_zero"`
	Rows        []coxRow       `json:"rows"`
	Breslow     coxBreslow     `json:"breslow"`
	Ridge       []ridgeFit     `json:"ridge"`
	Residuals   []float64      `json:"martingale_residuals_first5"`
	PH          map[string]zph `json:"proportional_hazards_test_cox_zph_km"`
}

type concordance struct {
	Concordant int64   `json:"concordant"`
	Discordant int64   `json:"discordant"`
	TiedRisk   int64   `json:"tied_risk"`
	TiedTime   int64   `json:"tied_time"`
	TiedBoth   int64   `json:"tied_both"`
	Index      float64 `json:"c_index"`
	SE         float64 `json:"std_err_R"`
}

type hazardAt struct {
	T      float64 `json:"t"`
	Hazard float64 `json:"cumhaz"`
}

type coxRow struct {
	Row      int     `json:"row"`
	Eta      float64 `json:"linear_predictor_centered"`
	Survival []struct {
		T float64 `json:"t"`
		S float64 `json:"s"`
	} `json:"survival"`
}

type coxBreslow struct {
	Coef   []float64 `json:"coef"`
	SE     []float64 `json:"se"`
	LogLik float64   `json:"log_likelihood"`
	Null   float64   `json:"log_likelihood_null"`
}

type ridgeFit struct {
	Lambda float64   `json:"lambda"`
	Coef   []float64 `json:"coef"`
	SE     []float64 `json:"se_penalised_information"`
	LogLik float64   `json:"log_likelihood_unpenalised_part"`
}

type zph struct {
	DF  float64 `json:"df"`
	Chi float64 `json:"chisq"`
	P   float64 `json:"p"`
}

func coxData(c *reference.Case, columns []string) survival.CoxData {
	tab := c.Table(c.Name + "_design.csv")
	d := survival.CoxData{X: tab.Design(columns), Columns: columns}
	if tab.Has("start") {
		d.Start, d.Stop = tab.Floats("start"), tab.Floats("stop")
	} else {
		d.Stop = tab.Floats("time")
	}
	for _, e := range tab.Floats("event") {
		d.Event = append(d.Event, e == 1)
	}
	return d
}

func checkCox(t *testing.T, c *reference.Case) {
	var want coxCase
	c.Field("expected", &want)
	d := coxData(c, want.Columns)
	m, err := survival.FitCox(d, survival.CoxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m.N != want.N || m.Events != want.Events {
		t.Errorf("%d rows and %d events, want %d and %d", m.N, m.Events, want.N, want.Events)
	}
	checkCoefficients(c, m, &want)
	checkTests(c, m, &want)
	checkHazard(c, m, &d, &want)
	checkConcordance(c, m, &want)
	checkOtherFits(c, d, &want)
}

func checkCoefficients(c *reference.Case, m *survival.Cox, want *coxCase) {
	c.AllClose("coef", m.Coefficients, want.Coef)
	for j := range want.Coef {
		c.Close("se", m.SE(j), want.SE[j])
		z := m.Coefficients[j] / m.SE(j)
		c.Close("z", z, want.Z[j])
		c.Close("p", math.Erfc(math.Abs(z)/math.Sqrt2), want.P[j])
		ratio, _, _ := m.HazardRatio(j, 0.95)
		c.Close("hazard ratio", ratio, want.HR[j])
		c.AllClose("vcov", mat.Row(nil, j, m.Covariance), want.Vcov[j])
		c.AllClose("information at zero", mat.Row(nil, j, m.Information), want.Information[j])
	}
	c.AllClose("score at zero", m.Score, want.Score)
	c.AllClose("column means", m.Means, want.Means)
	c.Close("log likelihood", m.LogLikelihood, want.LogLik)
	c.Close("null log likelihood", m.NullLogLikelihood, want.Null)
}

func checkTests(c *reference.Case, m *survival.Cox, want *coxCase) {
	for _, test := range []struct {
		name         string
		of           func() (survival.ChiSquared, bool)
		statistic, p float64
	}{
		{"likelihood ratio", m.LikelihoodRatio, want.LR, want.LRP},
		{"Wald", m.Wald, want.Wald, want.WaldP},
		{"score", m.ScoreTest, want.ScoreChi, want.ScoreP},
	} {
		got, ok := test.of()
		if !ok || got.DF != want.DF {
			c.TB().Errorf("%s test: exists: %v, %d degrees of freedom, want %d", test.name, ok, got.DF, want.DF)
		}
		c.Close(test.name, got.Statistic, test.statistic)
		c.Close(test.name+" p", got.P, test.p)
	}
	columns, all, ok := m.Proportionality()
	if !ok {
		c.TB().Fatal("no test of proportionality")
	}
	c.Close("degrees of freedom of all", float64(all.DF), want.PH["GLOBAL"].DF)
	for j, name := range want.Columns {
		c.Close("degrees of freedom of "+name, float64(columns[j].DF), want.PH["X"+name].DF)
		c.Close("proportionality of "+name, columns[j].Statistic, want.PH["X"+name].Chi)
		c.Close("its p", columns[j].P, want.PH["X"+name].P)
	}
	c.Close("proportionality of all", all.Statistic, want.PH["GLOBAL"].Chi)
	c.Close("its p", all.P, want.PH["GLOBAL"].P)
}

func checkHazard(c *reference.Case, m *survival.Cox, d *survival.CoxData, want *coxCase) {
	p := len(want.Columns)
	for _, h := range want.AtMeans {
		c.Close("hazard at means", m.CumulativeHazard(m.Means, h.T), h.Hazard)
	}
	for _, h := range want.AtZero {
		c.Close("hazard at zero", m.CumulativeHazard(make([]float64, p), h.T), h.Hazard)
	}
	for _, row := range want.Rows {
		x := d.X[row.Row*p : (row.Row+1)*p]
		c.Close("linear predictor", m.LinearPredictor(x), row.Eta)
		for _, s := range row.Survival {
			c.Close("survival", m.Survival(x, s.T), s.S)
		}
	}
	c.AllClose("martingale residuals", m.Residuals()[:len(want.Residuals)], want.Residuals)
}

func checkConcordance(c *reference.Case, m *survival.Cox, want *coxCase) {
	got, err := m.Concordance()
	if err != nil {
		c.TB().Fatal(err)
	}
	w := want.Concordance
	counts := survival.Concordance{Concordant: w.Concordant, Discordant: w.Discordant, TiedScore: w.TiedRisk, TiedTime: w.TiedTime + w.TiedBoth, SE: got.SE}
	if got != counts {
		c.TB().Errorf("concordance %+v, want %+v", got, counts)
	}
	index, _ := got.Index()
	c.Close("concordance", index, w.Index)
	c.Close("its standard error", got.SE, w.SE)
}

func checkOtherFits(c *reference.Case, d survival.CoxData, want *coxCase) {
	b, err := survival.FitCox(d, survival.CoxOptions{Ties: survival.Breslow})
	if err != nil {
		c.TB().Fatal(err)
	}
	c.AllClose("Breslow coef", b.Coefficients, want.Breslow.Coef)
	for j := range want.Breslow.SE {
		c.Close("Breslow se", b.SE(j), want.Breslow.SE[j])
	}
	c.Close("Breslow log likelihood", b.LogLikelihood, want.Breslow.LogLik)
	c.Close("Breslow null", b.NullLogLikelihood, want.Breslow.Null)
	for _, r := range want.Ridge {
		m, err := survival.FitCox(d, survival.CoxOptions{Ridge: r.Lambda})
		if err != nil {
			c.TB().Fatal(err)
		}
		c.AllClose("ridge coef", m.Coefficients, r.Coef)
		for j := range r.SE {
			c.Close("ridge se", m.SE(j), r.SE[j])
		}
		c.Close("ridge log likelihood", m.LogLikelihood, r.LogLik)
	}
}
