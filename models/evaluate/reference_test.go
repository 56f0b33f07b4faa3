package evaluate_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
)

// measures is what a reference case expects of outcomes and scores.
type measures struct {
	N        float64 `json:"n"`
	Events   float64 `json:"n_pos"`
	BaseRate float64 `json:"base_rate"`
	AUC      float64 `json:"roc_auc"`
	AP       float64 `json:"average_precision_step"`
	TopK     []struct {
		Fraction  float64 `json:"fraction"`
		K         float64 `json:"k"`
		Hits      float64 `json:"hits_tie_shared"`
		Precision float64 `json:"precision_tie_shared"`
		Recall    float64 `json:"recall_tie_shared"`
		Lift      float64 `json:"lift_tie_shared"`
	} `json:"top_k"`
	DeLong *struct {
		Variance float64    `json:"variance"`
		CI       [2]float64 `json:"ci95"`
	} `json:"delong"`
	Brier        *float64 `json:"brier"`
	BrierOfBase  *float64 `json:"brier_of_base_rate"`
	BrierSkill   *float64 `json:"brier_skill"`
	LogLoss      *float64 `json:"log_loss"`
	LogLossOfBas *float64 `json:"log_loss_of_base_rate"`
	Calibration  *struct {
		Intercept   *float64 `json:"intercept"`
		Slope       *float64 `json:"slope"`
		InterceptSE *float64 `json:"se_intercept"`
		SlopeSE     *float64 `json:"se_slope"`
		Shift       *float64 `json:"calibration_in_the_large_intercept_with_offset"`
		ShiftSE     *float64 `json:"se"`
		Expected    float64  `json:"expected_events"`
		Observed    float64  `json:"observed_events"`
		Ratio       float64  `json:"eo_ratio"` // observed over expected, as its definition says
	} `json:"calibration"`
	Weighted *struct {
		AUC     float64 `json:"roc_auc"`
		AP      float64 `json:"average_precision_step"`
		Brier   float64 `json:"brier"`
		LogLoss float64 `json:"log_loss"`
	} `json:"weighted"`
}

// value fails the test on an error and compares otherwise; a nil want is a measure that the case does not list.
func value(t *testing.T, c *reference.Case, what string, want *float64) func(got float64, err error) {
	return func(got float64, err error) {
		t.Helper()
		if want == nil {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		c.Close(what, got, *want)
	}
}

func TestReference(t *testing.T) {
	reference.Test(t, "evaluate", map[string]func(*testing.T, *reference.Case){
		"04_metrics/all_equal":            checkScores,
		"04_metrics/asah_s100b":           checkScores,
		"04_metrics/birthwt_scores":       checkScores,
		"04_metrics/perfect":              checkScores,
		"04_metrics/tiny_ties":            checkScores,
		"04_metrics/zeros_and_ones":       checkScores,
		"08_psi/airquality_ozone_missing": checkStability,
		"08_psi/airquality_temp":          checkStability,
		"08_psi/airquality_wind_b5":       checkStability,
		"08_psi/constant_baseline":        checkStability,
		"08_psi/many_zeros":               checkStability,
		"08_psi/tier_new_and_gone":        checkStability,
		"08_psi/tier_shares":              checkStability,
	})
}

func checkScores(t *testing.T, c *reference.Case) {
	checkMeasures(t, c)
	checkCurves(t, c)
}

func checkMeasures(t *testing.T, c *reference.Case) {
	var want measures
	c.Field("expected", &want)
	tab := c.Table(c.Name + ".csv")
	s, err := evaluate.New(tab.Floats("y"), tab.Floats("score"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.N() != want.N || s.Events() != want.Events {
		t.Errorf("%v rows, %v events; want %v, %v", s.N(), s.Events(), want.N, want.Events)
	}
	c.Close("base rate", s.BaseRate(), want.BaseRate)
	value(t, c, "auc", &want.AUC)(s.AUC())
	value(t, c, "average precision", &want.AP)(s.AveragePrecision())
	for _, k := range want.TopK {
		top, err := s.TopShare(k.Fraction)
		at := func(what string) string { return fmt.Sprintf("top %g %s", k.Fraction, what) }
		value(t, c, at("k"), &k.K)(top.K, err)
		value(t, c, at("hits"), &k.Hits)(top.Hits, err)
		value(t, c, at("precision"), &k.Precision)(top.Precision, err)
		value(t, c, at("recall"), &k.Recall)(top.Recall, err)
		value(t, c, at("lift"), &k.Lift)(top.Lift, err)
	}
	if d := want.DeLong; d != nil {
		got, err := s.DeLong(0.95)
		value(t, c, "delong variance", &d.Variance)(got.Variance, err)
		value(t, c, "delong low", &d.CI[0])(got.Low, err)
		value(t, c, "delong high", &d.CI[1])(got.High, err)
	}
	value(t, c, "brier", want.Brier)(s.Brier())
	value(t, c, "brier of the base rate", want.BrierOfBase)(s.BrierOfBaseRate(), nil)
	value(t, c, "brier skill", want.BrierSkill)(s.BrierSkill())
	value(t, c, "log loss", want.LogLoss)(s.LogLoss())
	value(t, c, "log loss of the base rate", want.LogLossOfBas)(s.LogLossOfBaseRate(), nil)
	calibration(t, c, s, want)
	weighted(t, c, tab, want)
}

func calibration(t *testing.T, c *reference.Case, s *evaluate.Sample, want measures) {
	t.Helper()
	w := want.Calibration
	if w == nil {
		return
	}
	value(t, c, "expected events", &w.Expected)(s.Expected())
	value(t, c, "observed over expected", &w.Ratio)(s.ObservedExpected())
	if w.Shift != nil {
		shift, se, err := s.Shift()
		value(t, c, "shift", w.Shift)(shift, err)
		value(t, c, "se of shift", w.ShiftSE)(se, err)
	}
	got, err := s.Calibrate()
	if w.Slope == nil {
		if err == nil {
			t.Errorf("calibration slope %v, want none", got.Slope)
		}
		return
	}
	value(t, c, "intercept", w.Intercept)(got.Intercept, err)
	value(t, c, "slope", w.Slope)(got.Slope, err)
	value(t, c, "se of intercept", w.InterceptSE)(got.InterceptSE, err)
	value(t, c, "se of slope", w.SlopeSE)(got.SlopeSE, err)
}

func weighted(t *testing.T, c *reference.Case, tab *reference.Table, want measures) {
	t.Helper()
	w := want.Weighted
	if w == nil {
		return
	}
	s, err := evaluate.New(tab.Floats("y"), tab.Floats("score"), tab.Floats("weight"))
	if err != nil {
		t.Fatal(err)
	}
	value(t, c, "weighted auc", &w.AUC)(s.AUC())
	value(t, c, "weighted average precision", &w.AP)(s.AveragePrecision())
	value(t, c, "weighted brier", &w.Brier)(s.Brier())
	value(t, c, "weighted log loss", &w.LogLoss)(s.LogLoss())
}

func checkStability(t *testing.T, c *reference.Case) {
	var want struct {
		Baseline []int     `json:"baseline_counts"`
		Actual   []int     `json:"actual_counts"`
		PSI      float64   `json:"psi_floor"`
		Expected float64   `json:"null_expected"`
		Limit95  float64   `json:"null_95"`
		Edges    []float64 `json:"edges"`
	}
	c.Field("expected", &want)
	tab := c.Table(c.Name + ".csv")
	got, err := stability(tab, len(want.Edges), c.Name)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Baseline, want.Baseline) || !slices.Equal(got.Actual, want.Actual) {
		t.Errorf("counts %v and %v, want %v and %v", got.Baseline, got.Actual, want.Baseline, want.Actual)
	}
	c.Close("psi", got.PSI, want.PSI)
	c.Close("expected by chance", got.Expected, want.Expected)
	c.Close("95% limit", got.Limit95, want.Limit95)
	c.AllClose("edges", got.Edges, want.Edges)
}

func stability(tab *reference.Table, edges int, name string) (evaluate.Stability, error) {
	if edges == 0 {
		toInt := func(v []float64) (out []int) {
			for _, x := range v {
				out = append(out, int(x))
			}
			return out
		}
		return evaluate.CountStability(toInt(tab.Floats("baseline_count")), toInt(tab.Floats("actual_count")))
	}
	var baseline, actual []float64
	values := tab.Floats("value")
	for i, s := range tab.Text("sample") {
		if s == "baseline" {
			baseline = append(baseline, values[i])
		} else {
			actual = append(actual, values[i])
		}
	}
	bins := 10
	if name == "airquality_wind_b5" {
		bins = 5
	}
	return evaluate.NumericStability(baseline, actual, bins)
}

// Golden vector 7 of the metric definitions, and the ends of the range.
func TestWilson(t *testing.T) {
	for _, w := range []struct{ k, n, low, high float64 }{
		{2, 3, 0.2077, 0.9385}, {12, 38, 0.1908, 0.4746}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1},
	} {
		low, high, err := evaluate.Wilson(w.k, w.n, 0.95)
		if err != nil || math.Abs(low-w.low) > 5e-5 || math.Abs(high-w.high) > 5e-5 {
			t.Errorf("%v/%v: [%.4f, %.4f] %v, want [%.4f, %.4f]", w.k, w.n, low, high, err, w.low, w.high)
		}
	}
	for _, w := range []struct{ k, n float64 }{{0, 0}, {2, 1}, {-1, 4}, {math.NaN(), 4}, {1, math.Inf(1)}} {
		if _, _, err := evaluate.Wilson(w.k, w.n, 0.95); err == nil {
			t.Errorf("%v/%v: no error", w.k, w.n)
		}
	}
}
