// Package linear fits straight lines and planes by weighted least squares, with the errors that go with them, and
// describes monthly trends.
//
// The fit is a QR decomposition of the columns after centring (where there is an intercept) and scaling to unit
// length, never the normal equations, which lose half of the digits. A design whose columns are so nearly dependent
// that fewer than about five digits of the coefficients would be right is refused with a *CollinearError.
//
// A quantity that does not exist, such as the standard error of a line through two points, is told by a false second
// value or a nil pointer, never by NaN.
//
// References: Golub and Van Loan, Matrix Computations, chapter 5; Seber and Lee, Linear Regression Analysis; NIST
// Statistical Reference Datasets for the certified values of the tests; Sen, JASA 63 (1968) for the slope of medians.
package linear
