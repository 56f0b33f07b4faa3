package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// CheckResult is the outcome of one check.
type CheckResult struct {
	// Check is the name of the file in checks/, or `key` for the check that every table's key has.
	Check    string
	Table    string
	Severity Severity
	// FailedRows is the number of rows that break the rule, Sample the first of them as text.
	FailedRows int64
	Sample     string
	// Meaning is what must hold.
	Meaning string
	// NextStep is what a person can do about it; empty where only the makers of the software can.
	NextStep string
}

// Failed reports whether any row breaks the rule.
func (r CheckResult) Failed() bool { return r.FailedRows > 0 }

// Status is `ok`, or the severity of what failed.
func (r CheckResult) Status() string {
	if r.Failed() {
		return string(r.Severity)
	}
	return "ok"
}

// sampleRows is how many offending rows a result shows.
const sampleRows = 3

// checkKey checks that a table's key is present and unique.
func (db *DB) checkKey(ctx context.Context, m *Model) (CheckResult, error) {
	isNull := make([]string, len(m.Key))
	for i, k := range m.Key {
		isNull[i] = ident(k) + " IS NULL"
	}
	broken := fmt.Sprintf("SELECT %[1]s, count(*) AS rows FROM %[2]s GROUP BY %[1]s HAVING count(*) > 1 OR %[3]s",
		idents(m.Key), m.Relation.sql(), strings.Join(isNull, " OR "))
	result := CheckResult{
		Check: "key", Table: m.Relation.String(), Severity: Error,
		Meaning: "the key (" + strings.Join(m.Key, ", ") + ") is never null and never twice",
	}
	if err := db.collect(ctx, broken, &result); err != nil {
		return result, fmt.Errorf("check key of %s: %w", m.Relation, err)
	}
	return result, nil
}

// collect runs a query of offending rows and puts their number and a sample into result.
func (db *DB) collect(ctx context.Context, query string, result *CheckResult) (err error) {
	result.FailedRows, err = db.session.integer(ctx, "SELECT count(*) FROM (\n"+query+"\n)")
	if err != nil || result.FailedRows == 0 {
		return err
	}
	described, err := db.session.describe(ctx, query)
	if err != nil {
		return err
	}
	rows, err := db.session.texts(ctx, fmt.Sprintf("SELECT * FROM (\n%s\n) ORDER BY ALL LIMIT %d", query, sampleRows), nil)
	if err != nil {
		return err
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			if cells[j] = described.columns[j].Name + "=" + cell.Text; cell.Null {
				cells[j] = described.columns[j].Name + " is null"
			}
		}
		lines[i] = strings.Join(cells, ", ")
	}
	result.Sample = strings.Join(lines, "; ")
	return nil
}

// Check runs every check of the graph, writes all results, those of the keys too, into data_quality, and
// returns them by check and table. Whether a failed check stops the night is for the caller to say. Models
// that read data_quality are made by a RunReady after it.
func (b *Build) Check(ctx context.Context) ([]CheckResult, error) {
	for _, m := range b.graph.checks {
		if missing := b.missing(m); len(missing) > 0 {
			return nil, &ModelError{File: m.File, Problem: "run before its upstream is there: " + joinNames(missing)}
		}
		result := CheckResult{Check: m.Relation.Table, Table: m.Table, Severity: m.Severity, Meaning: m.Summary, NextStep: m.NextStep}
		if err := b.db.collect(ctx, m.SQL, &result); err != nil {
			return nil, modelFailure(m, "run", err, 1)
		}
		b.results = append(b.results, result)
	}
	results := slices.Clone(b.results)
	slices.SortFunc(results, func(a, b CheckResult) int {
		return cmp.Or(strings.Compare(a.Check, b.Check), strings.Compare(a.Table, b.Table))
	})
	rows := make([]Row, len(results))
	for i, r := range results {
		rows[i] = Row{
			"check_name": r.Check, "table_name": r.Table, "severity": string(r.Severity), "failed_rows": r.FailedRows,
			"sample": nil, "status": r.Status(), "meaning": r.Meaning, "next_step": nil,
		}
		if r.NextStep != "" {
			rows[i]["next_step"] = r.NextStep
		}
		if r.Failed() {
			rows[i]["sample"] = r.Sample
		}
	}
	b.checked = true
	return results, b.Fill(ctx, "data_quality", rows)
}
