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

// A row a thousand times as far out as the others has a hazard beyond a float64 on the way to the solution, or at it. The
// solution is finite all the same: there the expected events are the observed ones, in number and in their column.
func TestGroupedFitsBesideARowFarOut(t *testing.T) {
	for name, event := range map[string]bool{"with the event": true, "without the event": false} {
		x, events := make([]float64, 20000), make([]bool, 20000)
		for i := range x {
			x[i], events[i] = math.Sin(float64(i*i)), i > 0 && i < 6
		}
		x[0], events[0] = 1000, event
		if !event {
			x[0] = 5000
			for i := 1; i < 6; i++ {
				x[i] = -0.5
			}
		}
		m, err := survival.FitGrouped(x, events, []string{"a"})
		if err != nil {
			t.Errorf("a row far out %s: %v", name, err)
			continue
		}
		score, ofColumn := 0.0, 0.0
		for i, v := range x {
			h := math.Exp(m.Coefficients[0] + m.Coefficients[1]*v)
			pull := -h
			if events[i] {
				pull = h * math.Exp(-h) / -math.Expm1(-h)
			}
			score += pull
			ofColumn += pull * v
		}
		if math.Abs(score) > 1e-9 || math.Abs(ofColumn) > 1e-6 || !(m.SE[1] > 0 && m.SE[1] < 1) {
			t.Errorf("a row far out %s: coefficients %v with errors %v leave a score of %v and %v", name, m.Coefficients, m.SE, score, ofColumn)
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
