// Package transform turns the text of an export into typed values, strictly.
//
// Every function is pure: the same text gives the same value on every machine. Nothing is rounded, guessed or
// repaired: a number with more decimals than the column holds, a day that the calendar does not have, a local
// time that a change of clocks skipped, all are refused with an *Error that says which rule was broken and what
// a person can do about it. Blanks and tabs around a typed value are ignored, other white space is not.
//
// The parsers append to or read from byte slices and allocate nothing, because they run once a field.
package transform

// Error is a refused value: the short name of the rule, what is wrong as a clause that follows the value, and the
// next step for a person. The errors of this package are constants, so they can be compared.
type Error struct {
	Rule, Message, Next string
}

// Error returns what is wrong.
func (e *Error) Error() string { return e.Message }
