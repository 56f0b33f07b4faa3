package evaluate_test

import (
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// curves is what a reference case expects beyond single measures.
type curves struct {
	KS       float64 `json:"ks_statistic"`
	Distinct int     `json:"n_distinct_scores"`
	// Trapezoid is the area that a straight line between two points of precision and recall gives, which is too high.
	Trapezoid float64 `json:"pr_auc_trapezoid_from_recall0_precision1"`
	ROC       []struct {
		Threshold float64 `json:"threshold"`
		FPR       float64 `json:"fpr"`
		TPR       float64 `json:"tpr"`
	} `json:"roc_points"`
	Width10 *reliability `json:"ece_equal_width_10"`
	Mass10  *reliability `json:"ece_equal_mass_10"`
	Mass5   *float64     `json:"ece_equal_mass_5"`
	Platt   *struct {
		Targets struct {
			Positive float64 `json:"positive"`
			Negative float64 `json:"negative"`
		} `json:"targets"`
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
		Bin  int     `json:"bin"`
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
	if len(points) != want.Distinct {
		t.Errorf("%d thresholds, want %d", len(points), want.Distinct)
	}
	for i, p := range want.ROC {
		c.Close("threshold", points[i].Threshold, p.Threshold)
		c.Close("fpr", points[i].FalsePositive, p.FPR)
		c.Close("tpr", points[i].TruePositive, p.TPR)
	}
	area, recall, precision := 0.0, 0.0, 1.0
	for _, p := range points {
		hits, flagged := p.TruePositive*s.Events(), p.TruePositive*s.Events()+p.FalsePositive*(s.N()-s.Events())
		area += (p.TruePositive - recall) * (precision + hits/flagged) / 2
		recall, precision = p.TruePositive, hits/flagged
	}
	c.Close("area below precision and recall", area, want.Trapezoid)
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
		if err != nil || len(got.Bins) != 10 {
			t.Fatalf("%s: %d bins, %v", name, len(got.Bins), err)
		}
		c.Close(name+" ECE", got.ECE, pair.want.ECE)
		c.Close(name+" MCE", got.MCE, pair.want.MCE)
		rows := 0.0
		for _, b := range pair.want.Bins {
			bin := got.Bins[b.Bin]
			c.Close(name+" n", bin.N, b.N)
			c.Close(name+" mean", bin.MeanScore, b.Mean)
			c.Close(name+" rate", bin.ObservedRate, b.Rate)
			rows += b.N
		}
		c.Close(name+" rows of all bins", s.N(), rows)
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
		// At its optimum the sigmoid gives as many events as the targets do.
		given, n, events := 0.0, s.N(), s.Events()
		for _, x := range f.score {
			given += got.At(x)
		}
		c.Close(f.name+" sum", given, events*want.Platt.Targets.Positive+(n-events)*want.Platt.Targets.Negative)
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
