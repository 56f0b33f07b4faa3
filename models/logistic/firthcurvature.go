package logistic

import "gonum.org/v1/gonum/mat"

// jeffreysCurvature gathers the second derivatives of Firth's objective over the rows. With u_i the columns of row i, I the
// information and h_i, v_i as in firth, they are
//
//	I - 1/2 sum_i h_i (1 - 6 p_i (1 - p_i)) u_i u_i' + 1/2 [tr(I^-1 T_r I^-1 T_s)]_rs ,  T_r = sum_i v_i (1 - 2 p_i) u_ir u_i u_i' ,
//
// which follows from d log det I = tr(I^-1 dI). Memory grows with the third power of the columns, not with the rows.
type jeffreysCurvature struct {
	q     int
	idx   []int     // the free coefficients
	hess  []float64 // q x q, upper triangle
	third []float64 // T in the solver's scale, r <= s <= t
}

func newJeffreysCurvature(q int, idx []int) *jeffreysCurvature {
	m := len(idx)
	return &jeffreysCurvature{q: q, idx: idx, hess: make([]float64, q*q), third: make([]float64, m*(m+1)*(m+2)/6)}
}

// begin starts from the information.
func (c *jeffreysCurvature) begin(information []float64) {
	copy(c.hess, information)
	clear(c.third)
}

// add adds a row: its standardised columns z, these in the solver's scale u, its probability, v and leverage.
func (c *jeffreysCurvature) add(z []float64, u *mat.VecDense, p, v, leverage float64) {
	share := leverage * (0.5 - 3*p*(1-p))
	for a, za := range z {
		for b := a; b < c.q; b++ {
			c.hess[a*c.q+b] -= share * za * z[b]
		}
	}
	turn, at, raw := v*(1-2*p), 0, u.RawVector().Data
	for r, ur := range raw {
		for s := r; s < len(raw); s++ {
			pair := turn * ur * raw[s]
			for _, ut := range raw[s:] {
				c.third[at] += pair * ut
				at++
			}
		}
	}
}

// finish adds the traces; the solver holds the information at the same point.
func (c *jeffreysCurvature) finish(solver *solver) error {
	m := len(c.idx)
	turned := make([]*mat.SymDense, m)
	for r := range turned {
		turned[r] = mat.NewSymDense(m, nil)
	}
	at := 0
	for r := range m {
		for s := r; s < m; s++ {
			for t := s; t < m; t++ {
				turned[r].SetSym(s, t, c.third[at])
				turned[s].SetSym(r, t, c.third[at])
				turned[t].SetSym(r, s, c.third[at])
				at++
			}
		}
	}
	solved := make([]*mat.Dense, m)
	for r := range solved {
		solved[r] = mat.NewDense(m, m, nil)
		if err := solver.chol.SolveTo(solved[r], turned[r]); err != nil {
			return err
		}
	}
	for r := range m {
		for s := r; s < m; s++ {
			trace := 0.0
			for a := range m {
				for b := range m {
					trace += solved[r].At(a, b) * solved[s].At(b, a)
				}
			}
			c.hess[c.idx[r]*c.q+c.idx[s]] += trace / (2 * solver.scale[r] * solver.scale[s])
		}
	}
	return nil
}
