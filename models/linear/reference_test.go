package linear_test

import (
	"math"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/linear"
)

// expected is what a case wants of a fit; null is what does not exist.
type expected struct {
	Columns      []string     `json:"columns"`
	Coef         []float64    `json:"coef"`
	SE           []*float64   `json:"se"`
	T            []*float64   `json:"t"`
	P            []*float64   `json:"p_value"`
	CI           [][2]float64 `json:"ci95"`
	R2           *float64     `json:"r2"`
	AdjR2        *float64     `json:"adj_r2"`
	ResidualSD   *float64     `json:"residual_sd"`
	RSS          float64      `json:"rss"`
	RegressionSS float64      `json:"regression_ss"`
	DF           int          `json:"residual_df"`
	F            *float64     `json:"F"`
	FP           *float64     `json:"F_p"`
	TheilSen     *float64     `json:"theil_sen_slope"`
	SlopeOver    *float64     `json:"slope_over_mean"`
}

// design is how a case's data become columns: powers of x where the model is a polynomial.
type design struct {
	powers      int
	columns     []string
	y           string
	noIntercept bool
}

var designs = map[string]design{
	"nist_longley":     {columns: []string{"x1", "x2", "x3", "x4", "x5", "x6"}, y: "y"},
	"nist_norris":      {columns: []string{"x"}, y: "y"},
	"nist_noint1":      {columns: []string{"x"}, y: "y", noIntercept: true},
	"nist_pontius":     {columns: []string{"x"}, powers: 2, y: "y"},
	"nist_filip":       {columns: []string{"x"}, powers: 10, y: "y"},
	"trend_12_months":  {columns: []string{"month_index"}, y: "value"},
	"trend_flat":       {columns: []string{"month_index"}, y: "value"},
	"trend_gap_months": {columns: []string{"month_index"}, y: "value"},
	"trend_two_points": {columns: []string{"month_index"}, y: "value"},
	"trend_weighted":   {columns: []string{"month_index"}, y: "value"},
}

func (d design) data(c *reference.Case, file string) linear.Data {
	tab := c.Table(file)
	out := linear.Data{X: tab.Design(d.columns), Y: tab.Floats(d.y), Columns: d.columns}
	if d.powers > 0 {
		x := tab.Floats("x")
		out.X, out.Columns = nil, nil
		for _, v := range x {
			power := 1.0
			for range d.powers {
				power *= v
				out.X = append(out.X, power)
			}
		}
		for k := range d.powers {
			out.Columns = append(out.Columns, "x^"+string(rune('0'+(k+1)%10)))
		}
	}
	if tab.Has("weight") {
		out.Weights = tab.Floats("weight")
	}
	return out
}

func TestReference(t *testing.T) {
	reference.Test(t, "linear", map[string]func(*testing.T, *reference.Case){
		"05_ols/nist_filip":       check,
		"05_ols/nist_longley":     check,
		"05_ols/nist_noint1":      check,
		"05_ols/nist_norris":      check,
		"05_ols/nist_pontius":     check,
		"05_ols/trend_12_months":  check,
		"05_ols/trend_flat":       check,
		"05_ols/trend_gap_months": check,
		"05_ols/trend_two_points": check,
		"05_ols/trend_weighted":   check,
	})
}

func check(t *testing.T, c *reference.Case) {
	d := designs[c.Name]
	var want expected
	c.Field("expected", &want)
	m, err := linear.Fit(d.data(c, c.Name+".csv"), linear.Options{NoIntercept: d.noIntercept})
	if err != nil {
		t.Fatal(err)
	}
	checkModel(c, m, &want)
	if strings.HasPrefix(c.Name, "nist_") {
		checkCertified(c, m)
	}
	if want.TheilSen != nil {
		checkTrend(t, c, d.data(c, c.Name+".csv"), &want)
	}
}

// optional compares a number that may not exist.
func optional(c *reference.Case, t testing.TB, what string, got float64, ok bool, want *float64) {
	t.Helper()
	if ok != (want != nil) {
		t.Errorf("%s: %s exists: %v, want %v", c.Name, what, ok, want != nil)
		return
	}
	if ok {
		c.Close(what, got, *want)
	}
}

func checkModel(c *reference.Case, m *linear.Model, want *expected) {
	t := c.TB()
	t.Helper()
	if len(m.Coefficients) != len(want.Coef) || m.DF != want.DF {
		t.Fatalf("%d coefficients and %d degrees of freedom, want %d and %d", len(m.Coefficients), m.DF, len(want.Coef), want.DF)
	}
	for k, b := range m.Coefficients {
		if math.Abs(want.Coef[k]) < 1e-50 { // An exact 0 of 60-digit arithmetic.
			want.Coef[k] = 0
		}
		c.Close("coef "+b.Name, b.Value, want.Coef[k])
		if b.Inference == nil {
			b.Inference = &linear.Inference{}
		} else {
			c.Close("se "+b.Name, b.Inference.SE, *want.SE[k])
		}
		test, hasTest := linear.Test{}, b.Inference.Test != nil
		if hasTest {
			test = *b.Inference.Test
		}
		optional(c, t, "t "+b.Name, test.T, hasTest, want.T[k])
		optional(c, t, "p "+b.Name, test.P, hasTest, want.P[k])
		if want.CI != nil {
			c.Close("low "+b.Name, b.Inference.Low, want.CI[k][0])
			c.Close("high "+b.Name, b.Inference.High, want.CI[k][1])
		}
	}
	r2, ok := m.R2()
	optional(c, t, "r2", r2, ok, want.R2)
	adjusted, ok := m.AdjustedR2()
	optional(c, t, "adj_r2", adjusted, ok, want.AdjR2)
	sd, ok := m.ResidualSD()
	optional(c, t, "residual_sd", sd, ok, want.ResidualSD)
	f, ok := m.F()
	optional(c, t, "F", f.F, ok, want.F)
	optional(c, t, "F_p", f.P, ok, want.FP)
	c.Close("rss", m.RSS, want.RSS)
	c.Close("regression_ss", m.RegressionSS, want.RegressionSS)
}

func checkTrend(t *testing.T, c *reference.Case, d linear.Data, want *expected) {
	months := make([]int, len(d.X))
	for i, x := range d.X {
		months[i] = int(x)
	}
	trend, err := linear.MonthlyTrend(months, d.Y, d.Weights)
	if err != nil {
		t.Fatal(err)
	}
	c.Close("slope", trend.Slope, want.Coef[1])
	c.Close("theil_sen_slope", trend.TheilSen, *want.TheilSen)
	share := 0.0
	if trend.SlopeOverMean != nil {
		share = *trend.SlopeOverMean
	}
	if math.Abs(*want.SlopeOver) < 1e-50 {
		*want.SlopeOver = 0
	}
	c.Close("slope_over_mean", share, *want.SlopeOver)
}

// checkCertified compares the values of NIST that the expected ones were recomputed from: the fit must meet both.
func checkCertified(c *reference.Case, m *linear.Model) {
	var certified struct {
		Coef         []float64 `json:"coef"`
		SE           []float64 `json:"se"`
		ResidualSD   float64   `json:"residual_sd"`
		R2           float64   `json:"r2"`
		RegressionSS float64   `json:"regression_ss"`
		RSS          float64   `json:"rss"`
		F            float64   `json:"F"`
	}
	c.Field("certified", &certified)
	for k, b := range m.Coefficients {
		c.Close("certified coef "+b.Name, b.Value, certified.Coef[k])
		c.Close("certified se "+b.Name, b.Inference.SE, certified.SE[k])
	}
	sd, _ := m.ResidualSD()
	r2, _ := m.R2()
	f, _ := m.F()
	c.Close("certified residual_sd", sd, certified.ResidualSD)
	c.Close("certified r2", r2, certified.R2)
	c.Close("certified regression_ss", m.RegressionSS, certified.RegressionSS)
	c.Close("certified rss", m.RSS, certified.RSS)
	c.Close("certified F", f.F, certified.F)
}
