package logistic_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

var large = flag.Bool("large", false, "run the benchmarks at full size: 180,000 and 1,000,000 rows of 30 columns")

// benchData draws n rows of 29 columns (with the intercept 30), 10 of them 0/1, with a base rate of about 7%.
func benchData(n int) logistic.Data {
	rnd := rand.New(rand.NewPCG(30, 1))
	d := logistic.Data{Cols: 29, X: make([]float64, n*29), Y: make([]float64, n)}
	for i := range n {
		eta := -3.2
		for j := range 29 {
			x := rnd.NormFloat64()
			if j >= 19 {
				x = float64(rnd.IntN(2))
			}
			d.X[i*29+j] = x
			eta += x * float64(j%5-2) * 0.12
		}
		if rnd.Float64() < logistic.Expit(eta) {
			d.Y[i] = 1
		}
	}
	return d
}

// processorSeconds is what the process has used of all processors: on a machine that does other work as well it tells more
// than the clock.
func processorSeconds(b *testing.B) float64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return float64(use.Utime.Sec+use.Stime.Sec) + float64(use.Utime.Usec+use.Stime.Usec)/1e6
}

func BenchmarkFit(b *testing.B) {
	sizes := []int{20_000}
	if *large {
		sizes = []int{180_000, 1_000_000}
	}
	for _, n := range sizes {
		d := benchData(n)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("rows=%d/workers=%d", n, workers), func(b *testing.B) {
				b.SetBytes(int64(8 * len(d.X)))
				b.ReportAllocs()
				var steps int
				before := processorSeconds(b)
				for b.Loop() {
					m, err := logistic.Fit(d, logistic.Options{Lambda: 1, Standardise: true, Workers: workers})
					if err != nil {
						b.Fatal(err)
					}
					steps = m.Iterations
				}
				b.ReportMetric((processorSeconds(b)-before)/float64(b.N), "cpu-s/op")
				b.ReportMetric(float64(steps), "steps")
			})
		}
	}
}

// BenchmarkPath is what a night's choice of the penalty takes for one fold: seven penalties, each from the one before.
func BenchmarkPath(b *testing.B) {
	n := 20_000
	if *large {
		n = 180_000
	}
	d := benchData(n)
	before := processorSeconds(b)
	for b.Loop() {
		if _, err := logistic.Path(d, []float64{0.3, 1, 3, 10, 30, 100, 300}, logistic.Options{Standardise: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorSeconds(b)-before)/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(n), "rows")
}
