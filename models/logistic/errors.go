package logistic

import (
	"errors"
	"fmt"
	"strings"
)

// ErrOneClass is returned when every row with weight has the same outcome, 0 or 1: there is nothing to tell apart.
var ErrOneClass = errors.New("all outcomes are the same")

// ErrPenalised is returned by tests whose null distribution holds for the unpenalised fit only.
var ErrPenalised = errors.New("the fit is penalised or constrained")

// InputError says which part of the data cannot be fitted.
type InputError struct {
	// Row is the 0-based row, -1 when the problem is not in one row.
	Row int
	// Column is the column's name, empty when the problem is not in one column.
	Column string
	Reason string
}

func (e *InputError) Error() string {
	var b strings.Builder
	if e.Row >= 0 {
		fmt.Fprintf(&b, "row %d: ", e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %s: ", e.Column)
	}
	b.WriteString(e.Reason)
	return b.String()
}

// CollinearError says that a column is a linear combination of others, so that their coefficients are not determined.
type CollinearError struct {
	Column string
	// With lists the columns that reproduce it.
	With []string
}

func (e *CollinearError) Error() string {
	if len(e.With) == 0 {
		return fmt.Sprintf("column %s is collinear with the others", e.Column)
	}
	return fmt.Sprintf("column %s is a linear combination of %s", e.Column, strings.Join(e.With, ", "))
}

// SeparationError says that Newton's method did not settle: almost always because some combination of columns
// separates the outcomes, so that the likelihood has no finite maximum.
type SeparationError struct {
	// Columns have the largest last steps, largest first.
	Columns    []string
	Iterations int
}

func (e *SeparationError) Error() string {
	return fmt.Sprintf("no finite solution after %d iterations: separation or collinearity, largest steps in %s",
		e.Iterations, strings.Join(e.Columns, ", "))
}

// ConstraintError says that the search for the set of sign-constrained columns did not end.
type ConstraintError struct {
	Rounds int
}

func (e *ConstraintError) Error() string {
	return fmt.Sprintf("sign constraints not settled after %d rounds", e.Rounds)
}
