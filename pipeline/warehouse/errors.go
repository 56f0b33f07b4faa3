package warehouse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// StatementError is DuckDB's answer to a statement that it refuses.
type StatementError struct {
	// Message is DuckDB's text without the excerpt of the statement.
	Message string
	// Line is the line of the statement at which DuckDB points, from 1; 0 where it points nowhere.
	Line int
}

// Error returns DuckDB's message.
func (e *StatementError) Error() string { return e.Message }

var lineMark = regexp.MustCompile(`(?s)\n\nLINE (\d+): .*$`)

// newStatementError splits DuckDB's message into text and position.
func newStatementError(message string) *StatementError {
	e := &StatementError{Message: strings.TrimSpace(message)}
	if m := lineMark.FindStringSubmatchIndex(message); m != nil {
		e.Line, _ = strconv.Atoi(message[m[2]:m[3]])
		e.Message = strings.TrimSpace(message[:m[0]])
	}
	return e
}

// ModelError says which SQL file is at fault, where and why.
type ModelError struct {
	// File is the path within the SQL tree, for example marts/fct_deal.sql; Line counts from 1, 0 is the
	// file as a whole.
	File string
	Line int
	// Problem is what is wrong, Hint what the author can do about it ("" where Problem says it all).
	Problem, Hint string
	// Err is the cause where DuckDB or a reader gave one.
	Err error
}

// Error returns `<file>:<line>: <problem> (<hint>)`.
func (e *ModelError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": " + e.Problem)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *ModelError) Unwrap() error { return e.Err }
