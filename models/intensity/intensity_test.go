package intensity_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/intensity"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// lookalike reads presences and background, the industry coded against manufacturing.
func lookalike(c *reference.Case) intensity.Data {
	tab := c.Table("lookalike.csv")
	presence, employees, distance := tab.Floats("presence"), tab.Floats("log_employees"), tab.Floats("distance_z")
	d := intensity.Data{Columns: []string{"log_employees", "distance_z", "industry=retail", "industry=saas"}}
	for i, industry := range tab.Text("industry") {
		row := []float64{employees[i], distance[i], 0, 0}
		switch industry {
		case "retail":
			row[2] = 1
		case "saas":
			row[3] = 1
		}
		if presence[i] == 1 {
			d.Presences = append(d.Presences, row...)
		} else {
			d.Background = append(d.Background, row...)
		}
	}
	return d
}

type fit struct {
	Coef      []float64 `json:"coef"`
	SE        []float64 `json:"se"`
	Objective float64   `json:"objective"`
}

func TestReference(t *testing.T) {
	reference.Test(t, "intensity", map[string]func(*testing.T, *reference.Case){"10_ipp_lookalike/lookalike": checkLookalike})
}

func checkLookalike(t *testing.T, c *reference.Case) {
	var want struct {
		Plain    fit `json:"ipp_unpenalised"`
		Ridge    fit `json:"ipp_ridge_lambda_2"`
		Weighted []struct {
			Weight    float64   `json:"background_weight"`
			Coef      []float64 `json:"coef"`
			Intercept float64   `json:"intercept_corrected"`
			Gap       float64   `json:"max_abs_slope_gap_to_ipp"`
		} `json:"iwlr_unpenalised"`
		WeightedRidge struct {
			Coef []float64 `json:"coef"`
		} `json:"iwlr_ridge_lambda_2_W10000"`
		Relative []float64 `json:"relative_intensity_first5_background"`
	}
	c.Field("expected", &want)
	d := lookalike(c)
	var columns []string
	c.Field("columns", &columns)
	c.Equal("columns", fmt.Sprint(append([]string{"(Intercept)"}, d.Columns...)), fmt.Sprint(columns))
	var slopes []float64
	for _, f := range []struct {
		lambda float64
		want   fit
	}{{0, want.Plain}, {2, want.Ridge}} {
		m, err := intensity.Fit(d, intensity.Options{Lambda: f.lambda})
		if err != nil {
			t.Fatal(err)
		}
		c.AllClose("coef", m.Coefficients, f.want.Coef)
		c.AllClose("se", m.SE, f.want.SE)
		c.Close("objective", m.Objective, f.want.Objective)
		if f.lambda == 0 {
			slopes = m.Coefficients[1:]
			for i, r := range want.Relative {
				got, err := m.Relative(d.Background[i*4 : (i+1)*4])
				if err != nil {
					t.Fatal(err)
				}
				c.Close("relative intensity", got, r)
			}
		}
	}
	// The logistic regression whose background weighs more and more comes to the same slopes.
	background := float64(len(d.Background) / 4)
	for _, w := range want.Weighted {
		m := weightedLogistic(t, d, w.Weight, 0)
		c.AllClose("logistic coef", m.Coef(), w.Coef)
		c.Close("corrected intercept", m.Coef()[0]+math.Log(w.Weight*background), w.Intercept)
		gap := 0.0
		for j, slope := range slopes {
			gap = max(gap, math.Abs(m.Coef()[j+1]-slope))
		}
		if math.Abs(gap-w.Gap) > c.Tolerance.Rel {
			t.Errorf("weight %g: slopes differ by %v, want %v", w.Weight, gap, w.Gap)
		}
	}
	c.AllClose("logistic ridge coef", weightedLogistic(t, d, 1e4, 2).Coef(), want.WeightedRidge.Coef)
}

func weightedLogistic(t *testing.T, d intensity.Data, weight, lambda float64) *logistic.Model {
	t.Helper()
	l := logistic.Data{X: append(append([]float64{}, d.Presences...), d.Background...), Cols: len(d.Columns)}
	for i := range len(l.X) / l.Cols {
		if i < len(d.Presences)/l.Cols {
			l.Y, l.Weights = append(l.Y, 1), append(l.Weights, 1)
		} else {
			l.Y, l.Weights = append(l.Y, 0), append(l.Weights, weight)
		}
	}
	m, err := logistic.Fit(l, logistic.Options{Lambda: lambda})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatCannotBeFittedIsRefused(t *testing.T) {
	one := []string{"a"}
	for name, d := range map[string]intensity.Data{
		"no columns":                          {Presences: []float64{1}, Background: []float64{1, 2}},
		"no presences":                        {Background: []float64{1, 2, 3}, Columns: one},
		"too little background":               {Presences: []float64{1}, Background: []float64{1}, Columns: one},
		"NaN":                                 {Presences: []float64{math.NaN()}, Background: []float64{1, 2, 3}, Columns: one},
		"infinity":                            {Presences: []float64{1}, Background: []float64{1, math.Inf(1), 3}, Columns: one},
		"a constant column":                   {Presences: []float64{1, 2}, Background: []float64{3, 3, 3}, Columns: one},
		"a duplicate column":                  {Presences: []float64{1, 1}, Background: []float64{1, 1, 2, 2, 3, 3, 4, 4}, Columns: []string{"a", "b"}},
		"presences beyond all background":     {Presences: []float64{9, 9}, Background: []float64{1, 2, 3}, Columns: one},
		"rows of another length":              {Presences: []float64{1, 2, 3}, Background: []float64{1, 2, 3, 4, 5, 6}, Columns: []string{"a", "b"}},
		"presences at the edge of background": {Presences: []float64{3, 3}, Background: []float64{1, 2, 3}, Columns: one},
	} {
		if m, err := intensity.Fit(d, intensity.Options{}); err == nil {
			t.Errorf("%s: fitted %v", name, m.Coefficients)
		}
	}
	if _, err := intensity.Fit(intensity.Data{Presences: []float64{1}, Background: []float64{0, 1, 2}, Columns: one}, intensity.Options{Lambda: -1}); err == nil {
		t.Error("a negative penalty is not refused")
	}
}

func ExampleFit() {
	// Good partners have about 100 people where prospects have anything from 10 to 1,000.
	d := intensity.Data{Columns: []string{"log10 people", "its square"}}
	for _, x := range []float64{1.8, 2, 2, 2.2} {
		d.Presences = append(d.Presences, x, x*x)
	}
	for x := 1.0; x < 3.05; x += 0.1 {
		d.Background = append(d.Background, x, x*x)
	}
	m, err := intensity.Fit(d, intensity.Options{Lambda: 0.1})
	if err != nil {
		fmt.Println(err)
		return
	}
	small, _ := m.Relative([]float64{1, 1})
	hundred, _ := m.Relative([]float64{2, 4})
	fmt.Println(hundred > 1, small < 1)
	// Output: true true
}
