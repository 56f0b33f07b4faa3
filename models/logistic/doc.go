// Package logistic fits logistic regressions by Newton's method: plain, ridge-penalised, weighted, with sign
// constraints, with an offset, or with Firth's penalty.
//
// Fit minimises over the intercept b0 and the slopes b
//
//	sum_i w_i * ( log(1 + exp(eta_i)) - y_i*eta_i )  +  (lambda/2) * sum_j b_j^2 ,   eta_i = o_i + b0 + x_i*b
//
// The intercept is never penalised and the sum is not divided by the number of rows, so that lambda is the inverse of
// a prior variance and fades as data grow (scikit-learn: C = 1/lambda; glmnet: lambda/sum(w)). With Options.Standardise
// the penalty falls on the coefficients of the standardised columns (weighted mean, population standard deviation).
//
// Inside, columns are always centred and scaled, each Newton step is solved by Cholesky, and the fit has converged when
// a full step changes no row's eta by 1e-8 or more. That rule alone tells a divergent fit from a slow one: on separated
// data gradient and deviance vanish while eta runs away. A fit that does not converge in 30 steps is an error that
// names the columns, never a set of numbers.
//
// Rows are summed in chunks of 8,192, chunks in 32 lanes that take them in turn, lanes in their order; none of this
// depends on the workers, hence the result has the same bits for any number of them. (Other processors may fuse x*y+z:
// publish ten significant digits.)
//
// References: Hosmer and Lemeshow, Applied Logistic Regression, 1989; Albert and Anderson, Biometrika 71 (1984), on
// separation; le Cessie and van Houwelingen, Applied Statistics 41 (1992), on ridge.
package logistic
