package evaluate_test

import (
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// curves is what a reference case expects beyond single measures.
type curves struct {
	KS  float64 `json:"ks_statistic"`
	ROC []struct {
		Threshold float64 `json:"threshold"`
		FPR       float64 `json:"fpr"`
		TPR       float64 `json:"tpr"`
	} `json:"roc_points"`
	Width10 *reliability `json:"ece_equal_width_10"`
	Mass10  *reliability `json:"ece_equal_mass_10"`
	Mass5   *float64     `json:"ece_equal_mass_5"`
	Platt   *struct {
		OnLogit *platt `json:"on_logit_score"`
		OnScore *platt `json:"on_score"`
	} `json:"platt"`
	Isotonic *struct {
		Blocks []struct {
			Low    float64 `json:"score_lo"`
			High   float64 `json:"score_hi"`
			Value  float64 `json:"value"`
			Weight float64 `json:"weight"`
		} `json:"blocks"`
		Fitted    []float64 `json:"fitted_at_rows_first10"`
		New       []float64 `json:"new_scores"`
		Predicted []float64 `json:"predicted_new_linear_between_blocks"`
	} `json:"isotonic"`
}

type reliability struct {
	ECE  float64 `json:"ece"`
	MCE  float64 `json:"mce"`
	Bins []struct {
		N    float64 `json:"n"`
		Mean float64 `json:"mean_score"`
		Rate float64 `json:"observed_rate"`
	} `json:"bins"`
}

type platt struct {
	A          float64   `json:"A"`
	B          float64   `json:"B"`
	Calibrated []float64 `json:"calibrated_first5"`
}

func checkCurves(t *testing.T, c *reference.Case) {
	var want curves
	c.Field("expected", &want)
	tab := c.Table(c.Name + ".csv")
	y, score := tab.Floats("y"), tab.Floats("score")
	s, err := evaluate.New(y, score, nil)
	if err != nil {
		t.Fatal(err)
	}
	value(t, c, "ks", &want.KS)(s.KolmogorovSmirnov())
	points, err := s.ROC()
	if err != nil || len(points) != len(want.ROC) {
		t.Fatalf("%d ROC points (%v), want %d", len(points), err, len(want.ROC))
	}
	for i, p := range want.ROC {
		c.Close("threshold", points[i].Threshold, p.Threshold)
		c.Close("fpr", points[i].FalsePositive, p.FPR)
		c.Close("tpr", points[i].TruePositive, p.TPR)
	}
	checkBins(t, c, s, &want)
	checkPlatt(t, c, y, score, &want)
	checkIsotonic(t, c, s, score, &want)
}

func checkBins(t *testing.T, c *reference.Case, s *evaluate.Sample, want *curves) {
	t.Helper()
	if want.Width10 == nil {
		if _, err := s.ByWidth(10); err == nil {
			t.Error("scores that are no probabilities have reliability bins")
		}
		return
	}
	for name, pair := range map[string]struct {
		of   func(int) (evaluate.Reliability, error)
		want *reliability
	}{"by width": {s.ByWidth, want.Width10}, "by count": {s.ByCount, want.Mass10}} {
		got, err := pair.of(10)
		if err != nil || len(got.Bins) != len(pair.want.Bins) {
			t.Fatalf("%s: %d bins, %v", name, len(got.Bins), err)
		}
		c.Close(name+" ECE", got.ECE, pair.want.ECE)
		c.Close(name+" MCE", got.MCE, pair.want.MCE)
		for i, b := range pair.want.Bins {
			c.Close(name+" n", got.Bins[i].N, b.N)
			c.Close(name+" mean", got.Bins[i].MeanScore, b.Mean)
			c.Close(name+" rate", got.Bins[i].ObservedRate, b.Rate)
		}
	}
	five, err := s.ByCount(5)
	value(t, c, "ECE of five", want.Mass5)(five.ECE, err)
}

func checkPlatt(t *testing.T, c *reference.Case, y, score []float64, want *curves) {
	t.Helper()
	if want.Platt == nil {
		return
	}
	logit := make([]float64, len(score))
	for i, p := range score {
		logit[i] = logistic.Logit(p)
	}
	for _, f := range []struct {
		name  string
		score []float64
		want  *platt
	}{{"on logit", logit, want.Platt.OnLogit}, {"on score", score, want.Platt.OnScore}} {
		s, err := evaluate.New(y, f.score, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Platt()
		if f.want == nil {
			if err == nil {
				t.Errorf("%s: sigmoid %+v of scores that are all the same", f.name, got)
			}
			continue
		}
		value(t, c, f.name+" A", &f.want.A)(got.A, err)
		value(t, c, f.name+" B", &f.want.B)(got.B, err)
		for i, p := range f.want.Calibrated {
			c.Close(f.name+" calibrated", got.At(f.score[i]), p)
		}
	}
}

func checkIsotonic(t *testing.T, c *reference.Case, s *evaluate.Sample, score []float64, want *curves) {
	t.Helper()
	if want.Isotonic == nil {
		return
	}
	f := s.Isotonic()
	if len(f.Blocks) != len(want.Isotonic.Blocks) {
		t.Fatalf("%d blocks, want %d", len(f.Blocks), len(want.Isotonic.Blocks))
	}
	for i, b := range want.Isotonic.Blocks {
		c.Close("block low", f.Blocks[i].Low, b.Low)
		c.Close("block high", f.Blocks[i].High, b.High)
		c.Close("block value", f.Blocks[i].Value, b.Value)
		c.Close("block weight", f.Blocks[i].Weight, b.Weight)
	}
	for i, p := range want.Isotonic.Fitted {
		c.Close("fitted", f.At(score[i]), p)
	}
	for i, x := range want.Isotonic.New {
		c.Close("predicted", f.At(x), want.Isotonic.Predicted[i])
	}
}
