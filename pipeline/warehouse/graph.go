package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// The schemas of the working database.
const (
	mainSchema         = "main"
	lakeSchema         = "lake"
	rollupSchema       = "rollup"
	canonicalSchema    = "canonical"
	intermediateSchema = "intermediate"
)

// Layer is the folder of a SQL file; it says what the file may read and where its table lies.
type Layer string

// The layers of the SQL tree.
const (
	Inputs       Layer = "inputs"
	Canonical    Layer = "canonical"
	Rollup       Layer = "rollup"
	Intermediate Layer = "intermediate"
	Marts        Layer = "marts"
	Reports      Layer = "reports"
	Checks       Layer = "checks"
	Explain      Layer = "explain"
)

// layers lists all layers in the order in which their files are read.
var layers = []Layer{Inputs, Canonical, Rollup, Intermediate, Marts, Reports, Checks, Explain}

// schema returns where the tables of a layer lie.
func (l Layer) schema() string {
	switch l {
	case Canonical:
		return canonicalSchema
	case Intermediate:
		return intermediateSchema
	case Rollup:
		return rollupSchema
	default:
		return mainSchema
	}
}

// Model is one SQL file: a table that the graph makes (canonical, intermediate, marts, reports), one that
// others make and the graph reads (inputs, rollup), a check, or a query of explain.
type Model struct {
	Header
	// Relation is the table that the file makes; for checks and explain queries only a label.
	Relation Name
	Layer    Layer
	File     string
	// SQL is the file's text without a final semicolon; the header is kept, so that lines are the file's.
	SQL string
	// Upstream lists the relations that the statement reads, sorted, without duplicates.
	Upstream []Name
	upstream []reference
}

// Graph is the SQL tree: what makes what from what. It is immutable once loaded.
type Graph struct {
	models  map[Name]*Model
	order   []*Model
	inputs  map[Name]*Model
	rollup  map[Name]*Model
	checks  []*Model
	explain map[string]*Model
}

// Problems are all that is wrong with a SQL tree.
type Problems []*ModelError

// Error returns one line a problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, e := range p {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Load reads the SQL tree: `<layer>/<name>.sql`. It checks headers, dependencies, cycles, layer rules and
// the absence of functions that depend on the clock, chance or thread order. The error is Problems where
// the files are at fault.
func Load(ctx context.Context, fsys fs.FS) (*Graph, error) {
	g, problems, err := load(ctx, fsys)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return g, nil
}

// load returns the graph of the sound files and the problems of the others.
func load(ctx context.Context, fsys fs.FS) (*Graph, Problems, error) {
	s, err := openSession("", [][2]string{{"threads", "1"}})
	if err != nil {
		return nil, nil, err
	}
	defer s.close()
	g := &Graph{
		models: map[Name]*Model{}, inputs: map[Name]*Model{}, rollup: map[Name]*Model{}, explain: map[string]*Model{},
	}
	var problems Problems
	for _, layer := range layers {
		files, err := fs.Glob(fsys, path.Join(string(layer), "*.sql"))
		if err != nil {
			return nil, nil, fmt.Errorf("list SQL files: %w", err)
		}
		sort.Strings(files)
		for _, file := range files {
			data, err := fs.ReadFile(fsys, file)
			if err != nil {
				return nil, nil, fmt.Errorf("read SQL file: %w", err)
			}
			m, found := readModel(ctx, s, layer, file, string(data))
			problems = append(problems, found...)
			if m != nil {
				problems = append(problems, g.add(m)...)
			}
		}
	}
	problems = append(problems, g.checkReads()...)
	problems = append(problems, g.sort()...)
	return g, problems, nil
}

// readModel parses one file. The model is nil where nothing can be made of the file; a model with
// problems may still serve those that read its declared columns.
func readModel(ctx context.Context, s *session, layer Layer, file, data string) (*Model, []*ModelError) {
	name := strings.TrimSuffix(path.Base(file), ".sql")
	header, problems := parseHeader(file, name, data)
	m := &Model{Header: header, Relation: Name{layer.schema(), name}, Layer: layer, File: file}
	if layer == Canonical {
		if t, ok := contract.Lookup(name); ok {
			m.fillMeanings(t)
		}
	}
	switch layer {
	case Checks:
		if m.Severity == "" || m.Table == "" {
			problems = append(problems, &ModelError{File: file, Line: 1, Problem: "a check needs `severity:` and `table:` lines"})
		}
		if m.Severity != Error && m.NextStep == "" {
			problems = append(problems, &ModelError{File: file, Line: 1, Problem: "a check that does not stop the night needs a `next:` line for who reads of it"})
		}
	case Explain:
		if len(m.Columns) == 0 {
			problems = append(problems, &ModelError{File: file, Line: 1, Problem: "header declares no columns"})
		}
	default:
		problems = append(problems, m.checkTable(file)...)
	}
	body := strings.TrimSpace(commentOrText.ReplaceAllString(data, ""))
	if layer == Inputs {
		if body != "" {
			problems = append(problems, &ModelError{File: file, Problem: "an input is a header only"})
		}
		return m, problems
	}
	m.SQL = strings.TrimSuffix(strings.TrimRight(data, " \t\r\n"), ";")
	return m, append(problems, m.parse(ctx, s)...)
}

// parse finds what the statement reads and what it must not contain.
func (m *Model) parse(ctx context.Context, s *session) []*ModelError {
	parsed, err := parseStatement(ctx, s, m.SQL)
	if err != nil {
		e := &ModelError{File: m.File, Problem: "parse", Err: err}
		var statementError *StatementError
		if errors.As(err, &statementError) {
			e.Line = statementError.Line
		}
		return []*ModelError{e}
	}
	findings := parsed.findings
	if m.Layer == Rollup {
		findings = append(findings, unportable(m.SQL)...)
	}
	var problems []*ModelError
	for _, f := range findings {
		problems = append(problems, &ModelError{File: m.File, Line: lineAt(m.SQL, f.offset), Problem: f.problem, Hint: f.hint})
	}
	m.upstream = parsed.reads
	for _, r := range parsed.reads {
		if !slices.Contains(m.Upstream, r.name) {
			m.Upstream = append(m.Upstream, r.name)
		}
	}
	slices.SortFunc(m.Upstream, compareNames)
	return problems
}

func compareNames(a, b Name) int {
	if c := strings.Compare(a.Schema, b.Schema); c != 0 {
		return c
	}
	return strings.Compare(a.Table, b.Table)
}

// add files a model under its layer.
func (g *Graph) add(m *Model) []*ModelError {
	switch m.Layer {
	case Checks:
		g.checks = append(g.checks, m)
		return nil
	case Explain:
		g.explain[m.Relation.Table] = m
		return nil
	}
	if other, ok := g.declared(m.Relation); ok {
		return []*ModelError{{File: m.File, Problem: fmt.Sprintf("%s makes the table %s already", other.File, m.Relation)}}
	}
	switch m.Layer {
	case Inputs:
		g.inputs[m.Relation] = m
	case Rollup:
		g.rollup[m.Relation] = m
	default:
		g.models[m.Relation] = m
	}
	return nil
}

// declared returns the file that declares a relation, whoever makes it.
func (g *Graph) declared(n Name) (*Model, bool) {
	for _, set := range []map[Name]*Model{g.models, g.inputs, g.rollup} {
		if m, ok := set[n]; ok {
			return m, true
		}
	}
	return nil, false
}

// Model returns the model that makes a table.
func (g *Graph) Model(n Name) (*Model, bool) {
	m, ok := g.models[n]
	return m, ok
}

// Order returns the models in the order in which they can be made: upstream first, by name among equals.
func (g *Graph) Order() []*Model { return slices.Clone(g.order) }

// Checks returns the checks by name.
func (g *Graph) Checks() []*Model { return slices.Clone(g.checks) }

// Explain returns a query of explain/ by name.
func (g *Graph) Explain(name string) (*Model, bool) {
	m, ok := g.explain[name]
	return m, ok
}

// Rollup returns a rollup, for example partner_day.
func (g *Graph) Rollup(name string) (*Model, bool) {
	m, ok := g.rollup[Name{rollupSchema, name}]
	return m, ok
}
