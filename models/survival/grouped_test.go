package survival_test

import (
	"math"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

// partnerMonths reads a row for each partner and month, tenure and tier coded against their first levels.
func partnerMonths(c *reference.Case) (x []float64, event []bool, columns []string) {
	tab := c.Table("synthetic_partner_months.csv")
	tenure, revenue, tickets, trend := tab.Floats("tenure_months"), tab.Floats("log_revenue_3m"), tab.Floats("tickets"), tab.Floats("trend")
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for i, tier := range tab.Text("tier") {
		x = append(x, is(tenure[i] >= 6 && tenure[i] < 12), is(tenure[i] >= 12), is(tier == "B"), is(tier == "C"), revenue[i], tickets[i], trend[i])
	}
	for _, y := range tab.Floats("y") {
		event = append(event, y == 1)
	}
	return x, event, []string{"tenure=6-11", "tenure=12+", "tier=B", "tier=C", "log_revenue_3m", "tickets", "trend"}
}

func checkGrouped(t *testing.T, c *reference.Case) {
	var want struct {
		Full struct {
			CLogLog struct {
				Coef     []float64 `json:"coef"`
				SE       []float64 `json:"se"`
				Deviance float64   `json:"deviance"`
			} `json:"cloglog"`
		} `json:"full_fit"`
	}
	c.Field("expected", &want)
	m, err := survival.FitGrouped(partnerMonths(c))
	if err != nil {
		t.Fatal(err)
	}
	c.AllClose("coef", m.Coefficients, want.Full.CLogLog.Coef)
	c.AllClose("se", m.SE, want.Full.CLogLog.SE)
	c.Close("deviance", m.Deviance, want.Full.CLogLog.Deviance)
}

func TestWhatGroupedCannotFitIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		x     []float64
		event []bool
	}{
		"no events":          {[]float64{1, 2, 3}, []bool{false, false, false}},
		"events only":        {[]float64{1, 2, 3}, []bool{true, true, true}},
		"NaN":                {[]float64{1, math.NaN(), 3}, []bool{true, false, true}},
		"a constant column":  {[]float64{2, 2, 2}, []bool{true, false, true}},
		"separated outcomes": {[]float64{1, 2, 3, 4}, []bool{false, false, true, true}},
		"too few values":     {[]float64{1, 2}, []bool{true, false, true}},
	} {
		if m, err := survival.FitGrouped(c.x, c.event, []string{"a"}); err == nil {
			t.Errorf("%s: fitted %v", name, m.Coefficients)
		}
	}
}

func TestCompound(t *testing.T) {
	for _, c := range []struct {
		hazards []float64
		want    float64
	}{{nil, 0}, {[]float64{0.2}, 0.2}, {[]float64{0.1, 0.5}, 0.55}, {[]float64{1e-17, 1e-17}, 2e-17}, {[]float64{1, 0.5}, 1}} {
		if got := survival.Compound(c.hazards...); math.Abs(got-c.want) > 1e-15*(1+c.want) || c.want > 0 && got == 0 {
			t.Errorf("Compound(%v) = %v, want %v", c.hazards, got, c.want)
		}
	}
}
