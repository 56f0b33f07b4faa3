package warehouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Build makes the tables of a graph in a working database, once.
//
// Inputs may come at any time: a model is made by the first RunReady after all that it reads is there. A
// night calls ProvideLake and Fill, RunReady, computes scores, Insert, RunReady again, then Check.
type Build struct {
	db    *DB
	graph *Graph
	clock func() time.Time
	// provided has the relations that others gave, made those that a model made.
	provided, made map[Name]bool
	// inserted has the declarations of tables that came with their own Arrow schema.
	inserted map[Name]*Model
	results  []CheckResult
	checked  bool
}

// NewBuild returns a build of graph in db. The clock times the models for the run manifest; no result
// depends on it.
func NewBuild(db *DB, graph *Graph, clock func() time.Time) *Build {
	return &Build{db: db, graph: graph, clock: clock, provided: map[Name]bool{}, made: map[Name]bool{}, inserted: map[Name]*Model{}}
}

// ModelRun says what making one table took.
type ModelRun struct {
	Name    Name
	File    string
	Rows    int64
	Elapsed time.Duration
}

// RunReady makes every model that is not made yet and whose upstream is all there, in the graph's order,
// and returns what it made. A model that fails stops it with a *ModelError.
func (b *Build) RunReady(ctx context.Context) ([]ModelRun, error) {
	var runs []ModelRun
	for _, m := range b.graph.order {
		if b.made[m.Relation] || len(b.missing(m)) > 0 {
			continue
		}
		start := b.clock()
		rows, err := b.materialise(ctx, m)
		if err != nil {
			return runs, err
		}
		runs = append(runs, ModelRun{Name: m.Relation, File: m.File, Rows: rows, Elapsed: b.clock().Sub(start)})
		b.made[m.Relation] = true
	}
	return runs, nil
}

// Waiting returns, for each model not yet made, the relations that it still waits for. It is empty when
// the graph is complete.
func (b *Build) Waiting() map[Name][]Name {
	waiting := map[Name][]Name{}
	for _, m := range b.graph.order {
		if !b.made[m.Relation] {
			waiting[m.Relation] = b.missing(m)
		}
	}
	return waiting
}

// missing returns the relations that a model reads and that are not there yet.
func (b *Build) missing(m *Model) []Name {
	var out []Name
	for _, up := range m.Upstream {
		if !b.made[up] && !b.provided[up] {
			out = append(out, up)
		}
	}
	return out
}

// materialise makes the table of one model and checks its key.
func (b *Build) materialise(ctx context.Context, m *Model) (rows int64, err error) {
	if err := b.db.createSchema(ctx, m.Relation.Schema); err != nil {
		return 0, err
	}
	// The model's own text begins on the second line, so that DuckDB's line numbers are the file's plus one.
	statement := "CREATE TABLE " + m.Relation.sql() + " AS SELECT * FROM (\n" + m.SQL + "\n) ORDER BY " + idents(m.Key)
	if err := b.db.Exec(ctx, statement); err != nil {
		// Columns that differ from the header say more than what DuckDB makes of them.
		if differ := b.db.verifyColumns(ctx, m, m.SQL); differ != nil {
			return 0, differ
		}
		return 0, modelFailure(m, "run", err, 1)
	}
	// Its columns are read from the table: to plan the statements of all models a second time is a tenth of a small night.
	if err := b.db.verifyColumns(ctx, m, "SELECT * FROM "+m.Relation.sql()); err != nil {
		return 0, err
	}
	if rows, err = b.db.count(ctx, m.Relation); err != nil {
		return 0, err
	}
	key, err := b.db.checkKey(ctx, m)
	if err == nil && b.checked && key.Failed() {
		return rows, &ModelError{File: m.File, Problem: key.Meaning + ", but: " + key.Sample}
	}
	b.results = append(b.results, key)
	return rows, err
}

// verifyColumns compares the columns of a query, a model's statement or its table, with those that the header declares.
func (db *DB) verifyColumns(ctx context.Context, m *Model, query string) error {
	described, err := db.session.describe(ctx, query)
	if err != nil {
		return modelFailure(m, "prepare", err, 0)
	}
	got := described.columns
	for i := range max(len(got), len(m.Columns)) {
		var problem string
		switch {
		case i >= len(got):
			problem = fmt.Sprintf("the header declares column %d as %s %s, the result has only %d columns", i+1, m.Columns[i].Name, m.Columns[i].Type, len(got))
		case i >= len(m.Columns):
			problem = fmt.Sprintf("column %d of the result, %s %s, is not declared in the header", i+1, got[i].Name, got[i].Type)
		case got[i].Name != m.Columns[i].Name || got[i].Type != m.Columns[i].Type:
			problem = fmt.Sprintf("column %d of the result is %s %s, the header declares %s %s", i+1, got[i].Name, got[i].Type, m.Columns[i].Name, m.Columns[i].Type)
		default:
			continue
		}
		return &ModelError{File: m.File, Problem: problem, Hint: "header and result must have the same columns in the same order; cast in the SELECT"}
	}
	return nil
}

// modelFailure says which model a statement belongs to that DuckDB refused. The model's text begins after
// `before` lines of the statement.
func modelFailure(m *Model, problem string, err error, before int) error {
	e := &ModelError{File: m.File, Problem: problem, Err: err}
	var statementError *StatementError
	if errors.As(err, &statementError) && statementError.Line > before {
		e.Line = statementError.Line - before
	}
	return e
}

// exists reports whether a relation was made or given.
func (b *Build) exists(n Name) bool { return b.made[n] || b.provided[n] }

// Fill makes an input table that Go code gives row by row, for example run_settings. Its columns are those
// of its file in inputs/, and every row must have all of them.
func (b *Build) Fill(ctx context.Context, table string, rows []Row) error {
	m, err := b.input(table)
	if err != nil {
		return err
	}
	if err := b.db.createEmpty(ctx, m.Relation, m.Columns); err != nil {
		return err
	}
	if err := b.db.insertRows(ctx, m.Relation, m.Columns, rows); err != nil {
		return err
	}
	return b.accept(ctx, m)
}

// input returns the declaration of a table that Go code gives, which must not have been given yet.
func (b *Build) input(table string) (*Model, error) {
	n, err := ParseName(table)
	if err != nil {
		return nil, err
	}
	m, ok := b.graph.inputs[n]
	if !ok {
		return nil, fmt.Errorf("fill %s: no file inputs/%s.sql declares it", n, n.Table)
	}
	if b.exists(n) {
		return nil, fmt.Errorf("fill %s: it was given before", n)
	}
	return m, nil
}

// accept checks the key of an input and lets models read it.
func (b *Build) accept(ctx context.Context, m *Model) error {
	key, err := b.db.checkKey(ctx, m)
	if err != nil {
		return err
	}
	b.results = append(b.results, key)
	b.provided[m.Relation] = true
	return nil
}

// relations returns what exists so far, given or made, sorted.
func (b *Build) relations() []Name {
	names := slices.AppendSeq(slices.Collect(maps.Keys(b.made)), maps.Keys(b.provided))
	slices.SortFunc(names, compareNames)
	return names
}
