package logistic

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

const (
	// blockRows is the number of rows that are worked on at a time: of 30 columns they take 15 kB and stay in the first
	// cache through the some 30 products that they enter.
	blockRows = 64
	// probeBlocks: a pass for the gradient alone looks at every so many blocks for the change of eta.
	probeBlocks = 8
	// noticeable is the exp(-|eta|) from which log(1+exp(-|eta|)) may be had from a product of several.
	noticeable = 1.0 / 1024
)

// sums are what one pass over the rows yields at given coefficients.
type sums struct {
	loss float64   // sum of w * log loss
	grad []float64 // d loss / d beta, intercept first
	hess []float64 // upper triangle of X'WX, row-major q*q
	// delta is the largest |change of eta| of any row by the last step; without hess, of one row in probeBlocks.
	delta float64
	rows  int // rows walked through, those left out as well
	// curved is set where hess was summed as well.
	curved bool
}

func newSums(q int) *sums {
	return &sums{grad: make([]float64, q), hess: make([]float64, q*q)}
}

func (s *sums) reset() {
	s.loss, s.delta, s.rows = 0, 0, 0
	clear(s.grad)
	clear(s.hess)
}

func (s *sums) merge(o *sums) {
	s.loss += o.loss
	s.delta = max(s.delta, o.delta)
	s.rows += o.rows
	for j, g := range o.grad {
		s.grad[j] += g
	}
	if !s.curved {
		return
	}
	for j, h := range o.hess {
		s.hess[j] += h
	}
}

// point is where a pass evaluates: beta are the coefficients of the centred and scaled columns, intercept first, and
// step is how they differ from the point before.
type point struct {
	beta, step []float64
}

// adder sums the rows of a chunk. They go through matrix-vector products of gonum by blocks: these use the vector
// instructions of the processor, which compiled Go does not.
type adder struct {
	*sums
	c      *columns
	inv    []float64
	at     point
	stride int // only every stride-th row counts

	n       int       // rows in the block
	z       []float64 // 1 and the scaled columns, row-major
	y, w    []float64
	eta     []float64
	change  []float64 // of eta by the step
	r, v    []float64 // weight of the row in gradient and Hessian
	vz      []float64 // the rows of z times v
	flushed int
}

func newAdder(q int) *adder {
	a := &adder{sums: newSums(q), z: make([]float64, blockRows*q), vz: make([]float64, blockRows*q)}
	for _, list := range []*[]float64{&a.y, &a.w, &a.eta, &a.change, &a.r, &a.v} {
		*list = make([]float64, blockRows)
	}
	return a
}

// add sums every stride-th row of the chunk that has a weight; without curvature the Hessian is left out, which takes a
// third of the time.
func (a *adder) add(d *Data, curvature bool) {
	a.reset()
	a.rows, a.curved, a.flushed = len(d.Y), curvature, 0
	q := len(a.grad)
	for i := 0; i < len(d.Y); i += a.stride {
		w := d.weight(i)
		if w == 0 {
			continue
		}
		standardise(a.z[a.n*q:][:q], d.X[i*d.Cols:][:d.Cols], a.c.mean, a.inv)
		a.y[a.n], a.w[a.n], a.eta[a.n] = d.Y[i], w, 0
		if d.Offset != nil {
			a.eta[a.n] = d.Offset[i]
		}
		if a.n++; a.n == blockRows {
			a.flush()
		}
	}
	if a.n > 0 {
		a.flush()
	}
}

// standardise writes 1 and the scaled row to z.
func standardise(z, x, mean, inv []float64) {
	z[0] = 1
	z, mean, inv = z[1:][:len(x)], mean[:len(x)], inv[:len(x)]
	for j, v := range x {
		z[j] = (v - mean[j]) * inv[j]
	}
}

// flush adds the block to the sums and empties it.
func (a *adder) flush() {
	q, n := len(a.grad), a.n
	z := blas64.General{Rows: n, Cols: q, Stride: q, Data: a.z[:n*q]}
	blas64.Gemv(blas.NoTrans, 1, z, vector(a.at.beta), 1, vector(a.eta[:n]))
	if a.curved || a.flushed%probeBlocks == 0 {
		change := a.change[:n]
		blas64.Gemv(blas.NoTrans, 1, z, vector(a.at.step), 0, vector(change))
		for _, c := range change {
			a.delta = max(a.delta, math.Abs(c))
		}
	}
	a.flushed++
	a.weigh()
	blas64.Gemv(blas.Trans, 1, z, vector(a.r[:n]), 1, vector(a.grad))
	a.n = 0
	if !a.curved {
		return
	}
	for i, v := range a.v[:n] {
		from := a.z[i*q:][:q]
		to := a.vz[i*q:][:len(from)]
		for j, x := range from {
			to[j] = v * x
		}
	}
	for j := range q {
		rest := blas64.General{Rows: n, Cols: q - j, Stride: q, Data: a.z[j : n*q]}
		column := blas64.Vector{N: n, Inc: q, Data: a.vz[j : n*q]}
		blas64.Gemv(blas.Trans, 1, rest, column, 1, vector(a.hess[j*q+j:(j+1)*q]))
	}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

// weigh adds the losses of the block and finds the weights of its rows.
func (a *adder) weigh() {
	n := a.n
	y, w, r, v := a.y[:n], a.w[:n], a.r[:n], a.v[:n]
	likely := 1.0 // the product of 1+e of the rows with weight 1: one logarithm does for a block
	for i, eta := range a.eta[:n] {
		// e = exp(-|eta|) gives probability, curvature and loss without cancellation on either side.
		e := math.Exp(-math.Abs(eta))
		u := 1 / (1 + e)
		p := u
		if eta < 0 {
			p = e * u
		}
		r[i] = w[i] * (p - y[i])
		v[i] = w[i] * (e * u * u)
		a.loss += w[i] * (max(eta, 0) - y[i]*eta)
		if w[i] == 1 && e > noticeable {
			likely *= 1 + e
		} else {
			a.loss += w[i] * math.Log1p(e)
		}
	}
	a.loss += math.Log(likely)
}
