package logistic_test

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// textbook is the rival: Newton's method as one writes it with gonum, on the whole design standardised once, the Hessian by
// blas64.Syrk on blocks of rows times the root of their weight.
type textbook struct {
	z      []float64 // standardised rows, 1 first
	y      []float64
	q      int
	lambda float64
}

// blockRows is the size of a block of the rival, the best of those that were tried.
const blockRows = 4096

func newTextbook(d logistic.Data, lambda float64) *textbook {
	n, q := len(d.Y), d.Cols+1
	t := &textbook{z: make([]float64, n*q), y: d.Y, q: q, lambda: lambda}
	mean, sd := make([]float64, d.Cols), make([]float64, d.Cols)
	for i := range n {
		floats.Add(mean, d.X[i*d.Cols:][:d.Cols])
	}
	floats.Scale(1/float64(n), mean)
	for i := range n {
		for j, x := range d.X[i*d.Cols:][:d.Cols] {
			sd[j] += (x - mean[j]) * (x - mean[j])
		}
	}
	for i := range n {
		t.z[i*q] = 1
		for j, x := range d.X[i*d.Cols:][:d.Cols] {
			t.z[i*q+1+j] = (x - mean[j]) / math.Sqrt(sd[j]/float64(n))
		}
	}
	return t
}

// pass adds gradient and Hessian of the rows from lo to hi.
func (t *textbook) pass(lo, hi int, beta, grad []float64, hess blas64.Symmetric) {
	block := make([]float64, blockRows*t.q)
	for ; lo < hi; lo += blockRows {
		rows := min(blockRows, hi-lo)
		for i := range rows {
			z := t.z[(lo+i)*t.q:][:t.q]
			p := logistic.Expit(floats.Dot(z, beta))
			floats.AddScaled(grad, p-t.y[lo+i], z)
			floats.ScaleTo(block[i*t.q:][:t.q], math.Sqrt(p*(1-p)), z)
		}
		blas64.Syrk(blas.Trans, 1, blas64.General{Rows: rows, Cols: t.q, Stride: t.q, Data: block}, 1, hess)
	}
}

// fit returns the coefficients of the standardised columns.
func (t *textbook) fit(workers int) ([]float64, error) {
	n, beta := len(t.y), make([]float64, t.q)
	beta[0] = logistic.Logit(floats.Sum(t.y) / float64(n))
	for range 30 {
		grads, hessians := make([][]float64, workers), make([]*mat.SymDense, workers)
		var done sync.WaitGroup
		for w := range workers {
			grads[w], hessians[w] = make([]float64, t.q), mat.NewSymDense(t.q, nil)
			done.Go(func() { t.pass(n*w/workers, n*(w+1)/workers, beta, grads[w], hessians[w].RawSymmetric()) })
		}
		done.Wait()
		for w := 1; w < workers; w++ {
			floats.Add(grads[0], grads[w])
			hessians[0].AddSym(hessians[0], hessians[w])
		}
		for j := 1; j < t.q; j++ {
			grads[0][j] += t.lambda * beta[j]
			hessians[0].SetSym(j, j, hessians[0].At(j, j)+t.lambda)
		}
		var chol mat.Cholesky
		if !chol.Factorize(hessians[0]) {
			return nil, fmt.Errorf("the Hessian is not positive definite")
		}
		step := mat.NewVecDense(t.q, nil)
		if err := chol.SolveVecTo(step, mat.NewVecDense(t.q, grads[0])); err != nil {
			return nil, err
		}
		floats.Sub(beta, step.RawVector().Data)
		if floats.Norm(step.RawVector().Data, math.Inf(1)) < 1e-8 {
			return beta, nil
		}
	}
	return nil, fmt.Errorf("no convergence")
}

// BenchmarkFitBesideTextbook fits the same data both ways in one run, in turn, and reports how many times longer the rival
// takes: on a machine that others use as well, only the ratio tells.
func BenchmarkFitBesideTextbook(b *testing.B) {
	sizes := []int{20_000}
	if *large {
		sizes = []int{180_000, 1_000_000}
	}
	for _, n := range sizes {
		d := benchData(n)
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			var ours, theirs float64
			for b.Loop() {
				start := processorSeconds(b)
				m, err := logistic.Fit(d, logistic.Options{Lambda: 1, Standardise: true, Workers: 2})
				if err != nil {
					b.Fatal(err)
				}
				middle := processorSeconds(b)
				beta, err := newTextbook(d, 1).fit(2)
				if err != nil {
					b.Fatal(err)
				}
				ours, theirs = ours+middle-start, theirs+processorSeconds(b)-middle
				if !floats.EqualApprox(beta, m.StandardCoef(), 1e-9) {
					b.Fatal("the two fits differ")
				}
			}
			b.ReportMetric(ours/float64(b.N), "cpu-s/fit")
			b.ReportMetric(theirs/float64(b.N), "rival-cpu-s/fit")
			b.ReportMetric(theirs/ours, "times-faster")
		})
	}
}
