package warehouse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Column is one column of a relation that the warehouse makes or is given.
type Column struct {
	Name    string
	Type    Type
	Meaning string
}

// Severity says what a failed check means for the night.
type Severity string

// A failed error check stops publication, a failed warning is counted and ends the night with warnings. A note is for
// readers of the database and pages: nobody who runs the night can mend what it found.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Header is the contract at the top of a SQL file: the comment lines before the statement.
//
//	-- fct_deal: one row per deal with its outcome.      the file's name and one sentence
//	-- grain: deal                                       what one row is
//	-- key: deal_id                                      columns that identify a row; unique, never null
//	-- deal_id VARCHAR: native key of the deal           one line a column, in the order of the result
//	-- created_at TIMESTAMP                              without a meaning: the one in pipeline/contract
//	-- note: anything else worth knowing
//
// A line that is indented further continues the one before. A check has `severity: error|warning|note` and
// `table: <table it is about>` in place of grain, key and columns, and `next: <what a person can do>` where it is a warning
// or a note. A query of explain/ has columns and, for each of its parameters $1, $2, ..., a line `param: <name>: <meaning>`.
type Header struct {
	Name, Summary string
	Grain         string
	Key           []string
	Columns       []Column
	Notes         []string
	Params        []string
	Severity      Severity
	Table         string
	NextStep      string
}

var (
	titleLine   = regexp.MustCompile(`^([a-z_][a-z0-9_]*): (.+)$`)
	columnLine  = regexp.MustCompile(`^([a-z_][a-z0-9_]*) ([A-Z]+(?:\(\d+, ?\d+\))?)(?:: (.+))?$`)
	keywordLine = regexp.MustCompile(`^(grain|key|note|param|severity|table|next): (.+)$`)
)

// headerLine is one logical line of a header with the number of its first physical line.
type headerLine struct {
	number int
	text   string
}

// headerLines returns the leading comment of a file, continuation lines joined.
func headerLines(text string) []headerLine {
	var lines []headerLine
	for i, line := range strings.Split(text, "\n") {
		body, ok := strings.CutPrefix(strings.TrimRight(line, " \t\r"), "--")
		if !ok {
			break
		}
		switch {
		case strings.TrimSpace(body) == "":
		case strings.HasPrefix(body, "  ") && len(lines) > 0:
			lines[len(lines)-1].text += " " + strings.TrimSpace(body)
		default:
			lines = append(lines, headerLine{i + 1, strings.TrimSpace(body)})
		}
	}
	return lines
}

// parseHeader reads the header of the file named want in its layer. All problems are reported.
func parseHeader(file, want, text string) (Header, []*ModelError) {
	var h Header
	var problems []*ModelError
	report := func(line int, problem, hint string) {
		problems = append(problems, &ModelError{File: file, Line: line, Problem: problem, Hint: hint})
	}
	lines := headerLines(text)
	if len(lines) == 0 {
		report(1, "no header", "begin with `-- "+want+": <one sentence>`")
		return h, problems
	}
	if m := titleLine.FindStringSubmatch(lines[0].text); m == nil || m[1] != want {
		report(lines[0].number, fmt.Sprintf("header begins with %q", lines[0].text), "begin with `-- "+want+": <one sentence>`")
	} else {
		h.Name, h.Summary = m[1], m[2]
	}
	for _, l := range lines[1:] {
		if m := keywordLine.FindStringSubmatch(l.text); m != nil {
			if problem := h.keyword(m[1], m[2]); problem != "" {
				report(l.number, problem, "")
			}
			continue
		}
		m := columnLine.FindStringSubmatch(l.text)
		if m == nil {
			report(l.number, fmt.Sprintf("header line %q is not understood", l.text),
				"write `name TYPE: meaning` or `note: ...`; indent a continuation by two more spaces, and leave an empty line before other comments")
			continue
		}
		c := Column{Name: m[1], Type: Type(strings.ReplaceAll(m[2], ", ", ",")), Meaning: m[3]}
		if !c.Type.Valid() {
			report(l.number, fmt.Sprintf("column %s: type %s", c.Name, c.Type),
				"one of BOOLEAN, INTEGER, BIGINT, DOUBLE, VARCHAR, DATE, TIMESTAMP, DECIMAL(p,s); cast in the SELECT")
		}
		if slices.ContainsFunc(h.Columns, func(o Column) bool { return o.Name == c.Name }) {
			report(l.number, fmt.Sprintf("column %s is declared twice", c.Name), "")
		}
		h.Columns = append(h.Columns, c)
	}
	return h, problems
}

// keyword takes in a `word: value` line and returns what is wrong with it.
func (h *Header) keyword(word, value string) (problem string) {
	switch word {
	case "grain":
		h.Grain = value
	case "key":
		for _, k := range strings.Split(value, ",") {
			h.Key = append(h.Key, strings.TrimSpace(k))
		}
	case "note":
		h.Notes = append(h.Notes, value)
	case "param":
		h.Params = append(h.Params, value)
	case "severity":
		h.Severity = Severity(value)
		if h.Severity != Error && h.Severity != Warning && h.Severity != Note {
			return fmt.Sprintf("severity %q: want error, warning or note", value)
		}
	case "table":
		h.Table = value
	case "next":
		h.NextStep = value
	}
	return ""
}

// checkTable reports what a header of a table lacks: grain, key and columns, the key among the columns.
func (h *Header) checkTable(file string) []*ModelError {
	var problems []*ModelError
	report := func(problem string) {
		problems = append(problems, &ModelError{File: file, Line: 1, Problem: problem})
	}
	if h.Grain == "" {
		report("header has no `grain:` line")
	}
	if len(h.Key) == 0 {
		report("header has no `key:` line")
	}
	if len(h.Columns) == 0 {
		report("header declares no columns")
	}
	for _, k := range h.Key {
		if !slices.ContainsFunc(h.Columns, func(c Column) bool { return c.Name == k }) {
			report(fmt.Sprintf("key column %s is not among the declared columns", k))
		}
	}
	for i := range h.Columns {
		if h.Columns[i].Meaning == "" {
			report(fmt.Sprintf("column %s has no meaning", h.Columns[i].Name))
		}
	}
	return problems
}

// fillMeanings gives columns without a meaning the one of the canonical table's contract.
func (h *Header) fillMeanings(t *contract.Table) {
	meanings := map[string]string{}
	for _, c := range append(contract.Lineage(), t.Columns...) {
		meanings[c.Name] = c.Meaning
	}
	for i := range h.Columns {
		if c := &h.Columns[i]; c.Meaning == "" {
			c.Meaning = meanings[c.Name]
		}
	}
}
