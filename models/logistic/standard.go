package logistic

import "gonum.org/v1/gonum/mat"

// StandardMatrix returns the covariance matrix of StandardCoef, intercept first; the rows and columns of coefficients that
// are not estimated are 0. With z = (1, (x-Mean)/SD), and 0 for columns that are not estimated, z'Vz is the variance of the
// logit of x, without the loss of digits that Matrix has on columns far from zero.
func (c *Covariance) StandardMatrix() *mat.SymDense {
	q := c.v.SymmetricDim()
	out := mat.NewSymDense(q, nil)
	out.CopySym(c.v)
	return out
}
