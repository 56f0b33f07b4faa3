package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// frozen is what the contract freezes a file for: values of columns, in the order in which they were met.
type frozen []frozenColumn

// frozenColumn counts the refused values of a column, and keeps the first of them.
type frozenColumn struct {
	rule, column string
	count        int64
	record       int64
	text         string
}

// add counts a refusal of a column, table.column, in a record.
func (f *frozen) add(column string, record int64, r *refusal) {
	rule := RuleTypes
	if r.rule == errNotListed {
		rule = RuleValues
	}
	for i := range *f {
		if c := &(*f)[i]; c.column == column && c.rule == rule {
			c.count++
			return
		}
	}
	*f = append(*f, frozenColumn{rule, column, 1, record, head(r.text, maxValue)})
}

// merge adds what was met later.
func (f *frozen) merge(later frozen) {
	for _, c := range later {
		at := slices.IndexFunc(*f, func(known frozenColumn) bool { return known.rule == c.rule && known.column == c.column })
		if at < 0 {
			*f = append(*f, c)
		} else {
			(*f)[at].count += c.count
		}
	}
}

// judge refuses a file whose values the contract freezes, or of which more was refused than its budget allows. What
// was refused is with the sink by then, so that a person finds all of it.
func (f *file) judge() error {
	r, budget := &f.result, f.obj.Contract.Budget
	if len(f.frozen) > 0 {
		return f.frozen.refuse()
	}
	const next = "correct what the refusals of the file tell, or raise the budget in the contract of the mapping"
	if isOver(r.Refused, r.Records, budget.Rows, budget.From) {
		return &FileError{Rule: RuleRowBudget, NextStep: next,
			Message: fmt.Sprintf("%d of its %d records are refused, more than the %v%% of its budget", r.Refused, r.Records, percent(budget.Rows))}
	}
	if isOver(r.Values, r.Typed, budget.Values, budget.From) {
		return &FileError{Rule: RuleValueBudget, NextStep: next,
			Message: fmt.Sprintf("%d of its %d numbers, dates, ids and other values with a form are refused, more than the %v%% of its budget",
				r.Values, r.Typed, percent(budget.Values))}
	}
	return nil
}

// isOver reports whether refused of all is more than a share, and no handful.
func isOver(refused, all int64, share float64, from int64) bool {
	return refused > 0 && refused >= from && float64(refused) > share*float64(all)
}

// percent is a share as a mapping states it, without the noise of binary fractions.
func percent(share float64) float64 { return float64(int64(share*1e6+0.5)) / 1e4 }

// refuse says what froze the file.
func (f frozen) refuse() *FileError {
	columns := make([]string, len(f))
	for i, c := range f {
		columns[i] = fmt.Sprintf("%s (%d, first in record %d: %q)", c.column, c.count, c.record, head([]byte(c.text), 80))
	}
	return &FileError{Rule: f[0].rule,
		Message:  "it has values that its contract freezes a file for: " + strings.Join(columns, ", "),
		NextStep: "correct the values in the source, map them, or relax types or values in the contract of the mapping"}
}
