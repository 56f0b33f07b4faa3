package ingest

import (
	"fmt"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// FileError refuses an export as a whole: it is not what the mapping says, or damaged. Nothing of it may be loaded,
// also where rows were handed to the sink before the damage was met. The run goes on with the other exports.
type FileError struct {
	Source, Object, File, SHA256 string
	// Rule is the short name of the rule that was broken, Message what is wrong as a clause, NextStep what to do.
	Rule, Message, NextStep string
	// Missing are the columns that the header lacks, with alternatives as "A or B"; Header is what was found.
	Missing, Header []string
	// Err is the cause where a library reported one.
	Err error
}

// The rules that a whole file can break.
const (
	RuleNotCSV         = "not_csv"
	RuleFormat         = "format"
	RuleLimit          = "limit"
	RuleEncoding       = "encoding"
	RuleDamaged        = "damaged"
	RuleBadHeader      = "bad_header"
	RuleMissingColumns = "missing_columns"
	RuleFileName       = "file_name"

	// Those of the contract.
	RuleNewColumns    = "frozen_new_columns"
	RuleAbsentColumns = "frozen_missing_columns"
	RuleTypes         = "frozen_types"
	RuleValues        = "frozen_values"
	RuleRowBudget     = "budget_rows"
	RuleValueBudget   = "budget_values"
)

// Error returns what is wrong and what to do.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s is refused: %s; %s", e.File, e.Message, e.NextStep)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Reject returns the refusal as a line of the list of rejects: record 0 stands for the file as a whole.
func (e *FileError) Reject() contract.Reject {
	return contract.Reject{
		Source: e.Source, Object: e.Object, File: e.File, SHA256: e.SHA256,
		Column: strings.Join(e.Missing, ", "), Rule: e.Rule, Message: e.Message, NextStep: e.NextStep,
		Raw: strings.Join(e.Header, ", "),
	}
}

// LawError says that records were lost or counted twice: for every table of a file, rows + unchanged + filtered +
// rejected must be its units, and these the records that were read, or more where a record makes several. It is a defect of this program; the file must not be loaded.
type LawError struct {
	File    string
	Count   TableCount
	Records int64
}

// Error returns the two sides of the broken equation.
func (e *LawError) Error() string {
	c := e.Count
	return fmt.Sprintf("%s: table %s: %d rows + %d unchanged + %d filtered + %d rejected are not the %d units of the %d records that were read",
		e.File, c.Table, c.Rows, c.Unchanged, c.Filtered, c.Rejected, c.Units, e.Records)
}
