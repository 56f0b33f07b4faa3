// Package run is the night: it carries the exports through every stage, in order, and publishes.
//
// It is the only package that sees all stages; the stages do not know each other. A night is a pure function
// of the exports received, the configuration, the as-of date and the code version: the same four give the
// same run id and the same published tables, row for row. Whatever a killed night leaves behind is swept
// or continued by the next one, because every stage either ends with a rename or starts from nothing.
package run
