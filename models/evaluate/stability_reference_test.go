package evaluate_test

import (
	"math"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
)

// drift is what a reference case expects of two samples.
type drift struct {
	NBaseline  int       `json:"n_baseline"`
	NActual    int       `json:"n_actual"`
	Bins       int       `json:"bins"`
	Baseline   []int     `json:"baseline_counts"`
	Actual     []int     `json:"actual_counts"`
	Terms      []float64 `json:"psi_terms"`
	PSI        float64   `json:"psi_floor"`
	Smoothed   float64   `json:"psi_laplace"`
	Expected   float64   `json:"null_expected"`
	Limit95    float64   `json:"null_95"`
	Edges      []float64 `json:"edges"`
	Missing    bool      `json:"has_missing_bin"`
	KS         float64   `json:"ks_statistic_two_sample"`
	Categories []string  `json:"categories"`
}

func checkStability(t *testing.T, c *reference.Case) {
	var want drift
	c.Field("expected", &want)
	tab := c.Table(c.Name + ".csv")
	var got evaluate.Stability
	var err error
	if tab.Has("category") {
		if names := tab.Text("category"); !slices.Equal(names, want.Categories) {
			t.Errorf("categories %v, want %v", names, want.Categories)
		}
		got, err = evaluate.CountStability(whole(tab.Floats("baseline_count")), whole(tab.Floats("actual_count")))
	} else {
		got, err = checkSamples(t, c, tab, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Baseline, want.Baseline) || !slices.Equal(got.Actual, want.Actual) || len(got.Baseline) != want.Bins {
		t.Errorf("counts %v and %v, want %v and %v of %d bins", got.Baseline, got.Actual, want.Baseline, want.Actual, want.Bins)
	}
	if missing := len(got.Edges) > 0 && len(got.Baseline) > len(got.Edges)+1; missing != want.Missing {
		t.Errorf("a bin for what is missing: %v, want %v", missing, want.Missing)
	}
	if b, a := sum(got.Baseline), sum(got.Actual); b != want.NBaseline || a != want.NActual {
		t.Errorf("%d and %d values, want %d and %d", b, a, want.NBaseline, want.NActual)
	}
	c.Close("psi", got.PSI, want.PSI)
	c.AllClose("terms", got.Terms, want.Terms)
	c.Close("smoothed psi", got.Smoothed, want.Smoothed)
	c.Close("expected by chance", got.Expected, want.Expected)
	c.Close("95% limit", got.Limit95, want.Limit95)
	c.AllClose("edges", got.Edges, want.Edges)
}

// checkSamples compares two samples of a number, of which the distance of Kolmogorov and Smirnov is that of a score that
// tells them apart.
func checkSamples(t *testing.T, c *reference.Case, tab *reference.Table, want *drift) (evaluate.Stability, error) {
	t.Helper()
	var baseline, actual, known, sample []float64
	values := tab.Floats("value")
	for i, s := range tab.Text("sample") {
		of := 0.0
		if s == "baseline" {
			of, baseline = 1, append(baseline, values[i])
		} else {
			actual = append(actual, values[i])
		}
		if !math.IsNaN(values[i]) {
			known, sample = append(known, values[i]), append(sample, of)
		}
	}
	s, err := evaluate.New(sample, known, nil)
	if err != nil {
		t.Fatal(err)
	}
	value(t, c, "distance of the samples", &want.KS)(s.KolmogorovSmirnov())
	bins := 10
	if c.Name == "airquality_wind_b5" {
		bins = 5
	}
	return evaluate.NumericStability(baseline, actual, bins)
}

func whole(values []float64) (out []int) {
	for _, x := range values {
		out = append(out, int(x))
	}
	return out
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
