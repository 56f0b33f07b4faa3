package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
)

// backtest is three judged quarters, one before there was a model, and one whose outcome is open.
func backtest() []report.BacktestQuarter {
	quarter := func(name, on string, flagged, churned, caught int64, precision, low, high, recency, base float64) report.BacktestQuarter {
		return report.BacktestQuarter{Quarter: name, SnapshotOn: on, Method: "ridge", TrainedChurns: 40, AtRisk: 100, Flagged: flagged, Churned: churned, Caught: caught,
			Losses: churned, LossesCaught: caught, Precision: report.Measure{Value: f(precision), Low: f(low), High: f(high)}, Recall: report.Measure{Value: f(0.5)}, BaseRate: f(base),
			PrecisionRecency: f(recency), MedianLeadDays: f(71), ShortestLeadDays: f(12), RevenueChurned: "600000.0000", RevenueCaught: "400000.0000",
			RevenueCaughtShare: f(2.0 / 3), IsMatured: true, Status: "ok"}
	}
	ruled := quarter("2025Q1", "2025-01-01", 10, 9, 5, 0.5, 0.24, 0.76, 0.4, 0.09)
	ruled.Method = "scorecard"
	total := quarter("total", "", 30, 26, 18, 0.6, 0.42, 0.75, 0.4, 0.087)
	total.Method, total.RevenueCaught, total.Losses, total.LossesCaught = "", "1200000.0000", 22, 15
	return []report.BacktestQuarter{
		{Quarter: "2024Q4", SnapshotOn: "2024-10-01", AtRisk: 90, IsMatured: true, Status: "insufficient_events", Reason: "8 churns in the training window, a model needs 30"},
		ruled,
		quarter("2025Q2", "2025-04-01", 10, 8, 6, 0.6, 0.31, 0.83, 0.5, 0.08),
		quarter("2025Q3", "2025-07-01", 10, 9, 7, 0.7, 0.40, 0.89, 0.3, 0.09),
		{Quarter: "2025Q4", SnapshotOn: "2025-10-01", Method: "ridge", AtRisk: 100, Flagged: 11, Status: "open"},
		total,
	}
}

func TestTheBacktestIsPlottedForEverybody(t *testing.T) {
	n := &report.ModelNight{Currency: "USD", Backtest: backtest()}
	svg, err := report.PlotBacktest(n)
	if err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("PLOT"); path != "" {
		if err := os.WriteFile(path, svg, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	again, err := report.PlotBacktest(n)
	if err != nil || !bytes.Equal(svg, again) {
		t.Errorf("the same night gives other bytes: %v", err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
	for _, want := range []string{
		`<title id="backtest-title">Of 10 partners flagged, about 6 left; by days since the last deal alone, about 4</title>`,
		"2025Q3: 7 of 10 flagged left, 70 %, 95 % interval 40 % to 89 %; by days since the last deal 30 %; of all partners 9.0 %",
		`role="img"`, "#0072B2", "#D55E00", ">2025Q2</text>", ">80 %</text>",
	} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the plot lacks %s", want)
		}
	}
	for _, not := range []string{"2025Q4", "2024Q4", "NaN", "<?xml"} {
		if strings.Contains(string(svg), not) {
			t.Errorf("the plot holds %s", not)
		}
	}
}

func TestTheFindingHidesNoDifference(t *testing.T) {
	for _, tt := range []struct {
		precision, recency float64
		flagged, caught    int64
		want               string
	}{
		{0.6, 0.4, 30, 18, "Of 10 partners flagged, about 6 left; by days since the last deal alone, about 4"},
		{0.146, 0.124, 344, 49, "Of the partners flagged 15 % left; by days since the last deal alone, 12 %"},
		{0.146, 0.146, 344, 49, "Of 10 partners flagged, about 1 left; days since the last deal alone would have done as well"},
		{0, 0, 1, 0, "Of 1 partner flagged none left; days since the last deal alone would have done as well"},
		{0, 0.3, 20, 0, "Of 20 partners flagged none left; by days since the last deal alone, about 3 of 10"},
	} {
		n := &report.ModelNight{Backtest: []report.BacktestQuarter{{Quarter: "total", Flagged: tt.flagged, Caught: tt.caught,
			Precision: report.Measure{Value: f(tt.precision)}, PrecisionRecency: f(tt.recency)}}}
		if got := n.BacktestFinding(); got != tt.want {
			t.Errorf("finding %q, want %q", got, tt.want)
		}
	}
}

func TestABacktestOfOneQuarterReads(t *testing.T) {
	one, total := backtest()[1], backtest()[5]
	for _, q := range []*report.BacktestQuarter{&one, &total} {
		q.Flagged, q.Caught, q.Churned, q.Losses, q.LossesCaught = 1, 0, 3, 3, 0
		q.Precision, q.PrecisionRecency, q.MedianLeadDays, q.RevenueCaughtShare = report.Measure{Value: f(0)}, f(0), nil, f(0)
	}
	n := night()
	n.Models = models()
	n.Models.Backtest = []report.BacktestQuarter{one, total}
	demand(t, churnPage(t, n), "At the start of one past quarter, 2025Q1, it would have raised 1 flag. After none of them the partner left.",
		"No model was good enough yet to be used then; fixed rules raised the flags.", "It had flagged none of the 3 partners that left in that time.")
	var out bytes.Buffer
	if err := report.WriteBacktest(&out, n.Models); err != nil {
		t.Fatal(err)
	}
	demand(t, out.String(), "At 1 quarter start (2025Q1) 1 flag was raised", "No model was published then and the rule score ranked.")
}

func TestAPlotWithoutAQuarterSaysSo(t *testing.T) {
	svg, err := report.PlotBacktest(&report.ModelNight{Backtest: backtest()[:1]})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"No past quarter to judge by yet", "8 churns in the training window, a model needs 30"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
}
