package score_test

import (
	"flag"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

var large = flag.Bool("large", false, "run the benchmark with 5,000 partners")

// BenchmarkChurn scores a whole night: read, split, tune, fit twice, judge with 200 resamples, explain.
func BenchmarkChurn(b *testing.B) {
	g := programme{partners: 200, months: 36, seed: 4, base: -4.4, recency: 0.5, trend: 0.9}
	if *large {
		g.partners = 5000
	}
	rows := g.rows()
	rec := records{featureColumns, rows}.build(b)
	b.ReportMetric(float64(len(rows)), "rows")
	for b.Loop() {
		if _, err := score.Churn(b.Context(), rec, nil, score.DefaultOptions(asOf)); err != nil {
			b.Fatal(err)
		}
	}
}
