package evaluate_test

import (
	"cmp"
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
	TopK     []topK  `json:"top_k"`
	DeLong   *struct {
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

// topK is what lies above the cut, the rows that are tied at it shared or taken in their order.
type topK struct {
	Fraction    float64 `json:"fraction"`
	K           float64 `json:"k"`
	Cut         float64 `json:"cut_score"`
	Hits        float64 `json:"hits_tie_shared"`
	Precision   float64 `json:"precision_tie_shared"`
	Recall      float64 `json:"recall_tie_shared"`
	Lift        float64 `json:"lift_tie_shared"`
	HitsByOrder float64 `json:"hits_tie_by_row_index"`
	LiftByOrder float64 `json:"lift_tie_by_row_index"`
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
	checkTop(t, c, s, want.TopK)
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

func checkTop(t *testing.T, c *reference.Case, s *evaluate.Sample, want []topK) {
	t.Helper()
	tab := c.Table(c.Name + ".csv")
	y, score := tab.Floats("y"), tab.Floats("score")
	points, err := s.ROC()
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := evaluate.New(y, withoutTies(score), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range want {
		top, err := s.TopShare(k.Fraction)
		at := func(what string) string { return fmt.Sprintf("top %g %s", k.Fraction, what) }
		value(t, c, at("k"), &k.K)(top.K, err)
		value(t, c, at("hits"), &k.Hits)(top.Hits, err)
		value(t, c, at("precision"), &k.Precision)(top.Precision, err)
		value(t, c, at("recall"), &k.Recall)(top.Recall, err)
		value(t, c, at("lift"), &k.Lift)(top.Lift, err)
		// The cut is the first threshold that flags as many rows.
		cut := slices.IndexFunc(points, func(p evaluate.ROCPoint) bool {
			return p.TruePositive*s.Events()+p.FalsePositive*(s.N()-s.Events()) >= top.K-1e-9
		})
		c.Close(at("cut"), points[cut].Threshold, k.Cut)
		top, err = ordered.TopShare(k.Fraction)
		value(t, c, at("hits in order"), &k.HitsByOrder)(top.Hits, err)
		value(t, c, at("lift in order"), &k.LiftByOrder)(top.Lift, err)
	}
}

// withoutTies returns scores in the same order, of equal ones the earlier row the higher.
func withoutTies(score []float64) []float64 {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	out := make([]float64, len(score))
	for rank, i := range order {
		out[i] = -float64(rank)
	}
	return out
}

func calibration(t *testing.T, c *reference.Case, s *evaluate.Sample, want measures) {
	t.Helper()
	w := want.Calibration
	if w == nil {
		return
	}
	c.Close("observed events", s.Events(), w.Observed)
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
