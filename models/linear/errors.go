package linear

import (
	"fmt"
	"strings"
)

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

// CollinearError says that a column is constant, or so nearly a linear combination of others that its coefficient is
// not determined.
type CollinearError struct {
	Column string
	// Condition is the condition number of the scaled columns, 0 for a constant column.
	Condition float64
}

func (e *CollinearError) Error() string {
	if e.Condition == 0 {
		return fmt.Sprintf("column %s is constant", e.Column)
	}
	return fmt.Sprintf("column %s is nearly a linear combination of the others: condition number %.2g", e.Column, e.Condition)
}
