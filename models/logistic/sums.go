package logistic

import "math"

// sums are what one pass over the rows yields at given coefficients.
type sums struct {
	loss  float64   // sum of w * log loss
	grad  []float64 // d loss / d beta, intercept first
	hess  []float64 // upper triangle of X'WX, row-major q*q
	delta float64   // largest |change of eta| of any row by the last step
	rows  int       // rows walked through, those left out as well
	// curved is set where hess was summed as well.
	curved bool
	z      [4][]float64
}

func newSums(q int) *sums {
	s := &sums{grad: make([]float64, q), hess: make([]float64, q*q)}
	for k := range s.z {
		s.z[k] = make([]float64, q)
	}
	return s
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

// add sums every stride-th row of a chunk. Rows are taken four at a time, so that each entry of the Hessian is loaded and stored
// once for four rows; rows of weight 0 are skipped and the last group is filled with zeros. Without curvature the Hessian
// is left out, which takes half of the time.
func (s *sums) add(d *Data, c *columns, inv []float64, at point, stride int, curvature bool) {
	s.reset()
	s.rows, s.curved = len(d.Y), curvature
	flush := s.gradient4
	if curvature {
		flush = s.rank4
	}
	var r, v [4]float64 // residual and curvature weights
	n := 0
	for i := 0; i < len(d.Y); i += stride {
		w := d.weight(i)
		if w == 0 {
			continue
		}
		eta, change := standardise(s.z[n], d.X[i*d.Cols:(i+1)*d.Cols], c.mean, inv, at)
		if d.Offset != nil {
			eta += d.Offset[i]
		}
		s.delta = max(s.delta, math.Abs(change))
		// e = exp(-|eta|) gives probability, curvature and loss without cancellation on either side.
		e := math.Exp(-math.Abs(eta))
		p := 1 / (1 + e)
		if eta < 0 {
			p = e / (1 + e)
		}
		y := d.Y[i]
		s.loss += w * (max(eta, 0) - y*eta + math.Log1p(e))
		r[n] = w * (p - y)
		v[n] = w * (e / ((1 + e) * (1 + e)))
		if n++; n == 4 {
			flush(r, v)
			n = 0
		}
	}
	if n == 0 {
		return
	}
	for k := n; k < 4; k++ {
		clear(s.z[k])
		r[k], v[k] = 0, 0
	}
	flush(r, v)
}

// standardise writes 1 and the scaled row to z, and returns beta'z and step'z. Two partial sums each keep the additions
// from waiting for one another.
func standardise(z, x, mean, inv []float64, at point) (eta, change float64) {
	beta, step := at.beta[1:][:len(x)], at.step[1:][:len(x)]
	z[0] = 1
	z, mean, inv = z[1:][:len(x)], mean[:len(x)], inv[:len(x)]
	var eta2, change2 float64
	j := 0
	for ; j+1 < len(x); j += 2 {
		u, v := (x[j]-mean[j])*inv[j], (x[j+1]-mean[j+1])*inv[j+1]
		z[j], z[j+1] = u, v
		eta += u * beta[j]
		change += u * step[j]
		eta2 += v * beta[j+1]
		change2 += v * step[j+1]
	}
	if j < len(x) {
		z[j] = (x[j] - mean[j]) * inv[j]
		eta += z[j] * beta[j]
		change += z[j] * step[j]
	}
	return at.beta[0] + (eta + eta2), at.step[0] + (change + change2)
}

// gradient4 adds four rows to the gradient alone.
func (s *sums) gradient4(r, _ [4]float64) {
	q := len(s.grad)
	z0, z1, z2, z3 := s.z[0][:q], s.z[1][:q], s.z[2][:q], s.z[3][:q]
	for a := range s.grad {
		s.grad[a] += r[0]*z0[a] + r[1]*z1[a] + r[2]*z2[a] + r[3]*z3[a]
	}
}

// rank4 adds four rows to gradient and Hessian. One row of the Hessian at a time: two would halve the loads of z, but
// run out of registers and are slower.
func (s *sums) rank4(r, v [4]float64) {
	q := len(s.grad)
	z0, z1, z2, z3 := s.z[0][:q], s.z[1][:q], s.z[2][:q], s.z[3][:q]
	for a := range s.grad {
		s.grad[a] += r[0]*z0[a] + r[1]*z1[a] + r[2]*z2[a] + r[3]*z3[a]
		c0, c1, c2, c3 := v[0]*z0[a], v[1]*z1[a], v[2]*z2[a], v[3]*z3[a]
		h := s.hess[a*q+a : (a+1)*q]
		u0, u1, u2, u3 := z0[a:][:len(h)], z1[a:][:len(h)], z2[a:][:len(h)], z3[a:][:len(h)]
		for j := range h {
			h[j] += c0*u0[j] + c1*u1[j] + c2*u2[j] + c3*u3[j]
		}
	}
}
