package warehouse

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestSQL runs the cases sql/tests/<model>/<case>.txtar, each as TestSQL/<model>/<case>. A case gives the
// rows of what the model reads and the rows that it must make:
//
//	What the case shows, in words.
//	-- main.run_settings.csv --        overrides of the default settings, one row
//	as_of,min_n
//	2026-06-30,5
//	-- canonical.deal.csv --           input rows; columns that are not named are null
//	deal_id,amount
//	d1,10.5
//	-- args.csv --                     for explain/: the parameters, one row
//	partner_id
//	p1
//	-- want.csv --                     some or all columns of the result
//	deal_id,amount_base:DECIMAL(18,2)
//	d1,10.50
//
// An empty cell is null; two single quotes are the empty string. Columns have the types that the relation
// declares; `name:TYPE` states the type of a relation that no file declares yet, and in want.csv the type
// to which the result is cast before it is compared. Rows are compared without order. Models, rollups,
// checks and explain queries are all tested in this way, one alone at a time.
func TestSQL(t *testing.T) {
	g, problems := loadTree(t)
	tree := os.DirFS(sqlTree)
	dirs, err := fs.Glob(tree, "tests/*")
	if err != nil {
		t.Fatal(err)
	}
	db := openTest(t)
	for _, dir := range dirs {
		t.Run(path.Base(dir), func(t *testing.T) {
			m := findModel(g, path.Base(dir))
			if m == nil {
				t.Fatalf("sql/%s: no model, check or query has this name", dir)
			}
			for _, p := range problems {
				// A relation that nobody makes yet may be given by the case.
				if p.File == m.File && !strings.Contains(p.Problem, "no file makes") {
					t.Errorf("sql/%v", p)
				}
			}
			if t.Failed() {
				return
			}
			cases, err := fs.Glob(tree, path.Join(dir, "*.txtar"))
			if err != nil || len(cases) == 0 {
				t.Fatalf("sql/%s: no *.txtar files (%v)", dir, err)
			}
			for _, file := range cases {
				t.Run(strings.TrimSuffix(path.Base(file), ".txtar"), func(t *testing.T) {
					data, err := fs.ReadFile(tree, file)
					if err != nil {
						t.Fatal(err)
					}
					c := sqlCase{db: db, graph: g, model: m, files: txtar.Parse(data).Files}
					if err := c.run(context.Background()); err != nil {
						t.Errorf("sql/%s: %v", file, err)
					}
				})
			}
		})
	}
}

// findModel finds the file with a name in any layer but inputs.
func findModel(g *Graph, name string) *Model {
	for _, m := range g.all() {
		if m.Relation.Table == name {
			return m
		}
	}
	return nil
}

// sqlCase is one case of one model.
type sqlCase struct {
	db    *DB
	graph *Graph
	model *Model
	files []txtar.File
}

// run runs the case in a transaction that is rolled back.
func (c *sqlCase) run(ctx context.Context) (err error) {
	if err := c.db.Exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	defer func() {
		if e := c.db.Exec(ctx, "ROLLBACK"); e != nil && err == nil {
			err = e
		}
	}()
	var want *sheet
	var args []any
	given := map[Name]*sheet{}
	for _, f := range c.files {
		s, err := readSheet(f)
		if err != nil {
			return err
		}
		switch f.Name {
		case "want.csv":
			want = s
		case "args.csv":
			for _, name := range s.columns {
				args = append(args, s.rows[0][name.Name])
			}
		default:
			n, err := ParseName(strings.TrimSuffix(f.Name, ".csv"))
			if err != nil {
				return err
			}
			if !slices.Contains(c.model.Upstream, n) && n.Table != "run_settings" {
				return fmt.Errorf("%s: %s does not read it", f.Name, c.model.Relation)
			}
			given[n] = s
		}
	}
	if want == nil {
		return fmt.Errorf("no want.csv")
	}
	for _, n := range c.model.Upstream {
		if err := c.provide(ctx, n, given[n]); err != nil {
			return err
		}
	}
	return c.compare(ctx, want, args)
}

// provide makes one relation that the model reads.
func (c *sqlCase) provide(ctx context.Context, n Name, s *sheet) error {
	columns := c.graph.columns(n)
	if s == nil {
		s = &sheet{file: n.String()}
		if columns == nil {
			return fmt.Errorf("%s reads %s, which no file declares and the case does not give", c.model.Relation, n)
		}
	}
	if columns == nil {
		columns = s.typed(Varchar)
	}
	if n.Table == "run_settings" && len(s.rows) == 0 {
		s = &sheet{file: s.file, rows: []Row{{}}}
	}
	rows := make([]Row, len(s.rows))
	for i, given := range s.rows {
		row := Row{}
		for _, column := range columns {
			row[column.Name] = nil
		}
		if n.Table == "run_settings" {
			row = defaultSettings()
		}
		for name, value := range given {
			if !hasColumn(columns, name) {
				return fmt.Errorf("%s: %s has no column %s", s.file, n, name)
			}
			row[name] = value
		}
		rows[i] = row
	}
	if err := c.db.createEmpty(ctx, n, columns); err != nil {
		return err
	}
	return c.db.insertRows(ctx, n, columns, rows)
}

// compare runs the model and compares its rows with those wanted.
func (c *sqlCase) compare(ctx context.Context, want *sheet, args []any) error {
	columns := want.typed("")
	for i := range columns {
		declared := slices.IndexFunc(c.model.Columns, func(d Column) bool { return d.Name == columns[i].Name })
		switch {
		case columns[i].Type != "":
		case declared >= 0:
			columns[i].Type = c.model.Columns[declared].Type
		case c.model.Layer == Checks:
			columns[i].Type = Varchar
		default:
			return fmt.Errorf("want.csv: %s has no column %s", c.model.Relation, columns[i].Name)
		}
	}
	query := c.model.SQL
	switch c.model.Layer {
	case Checks:
	case Rollup, Explain:
		if err := c.db.verifyColumns(ctx, c.model, c.model.SQL); err != nil {
			return err
		}
	default:
		b := NewBuild(c.db, c.graph, stoppedClock)
		if _, err := b.materialise(ctx, c.model); err != nil {
			return err
		}
		if key := b.results[0]; key.Failed() {
			return fmt.Errorf("%s: %s", key.Meaning, key.Sample)
		}
		query = "SELECT * FROM " + c.model.Relation.sql()
	}
	got, err := c.rows(ctx, query, columns, args)
	if err != nil {
		return modelFailure(c.model, "run", err, 1)
	}
	wanted := Name{mainSchema, "want"}
	if err := c.db.createEmpty(ctx, wanted, columns); err != nil {
		return err
	}
	if err := c.db.insertRows(ctx, wanted, columns, want.rows); err != nil {
		return err
	}
	expected, err := c.rows(ctx, "SELECT * FROM "+wanted.sql(), columns, nil)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		return fmt.Errorf("rows differ (-want +got), columns %s:\n%s", idents(names(columns)), diff)
	}
	return nil
}

// rows returns the rows of a query as sorted lines of text.
func (c *sqlCase) rows(ctx context.Context, query string, columns []Column, args []any) ([]string, error) {
	casts := make([]string, len(columns))
	for i, column := range columns {
		casts[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", ident(column.Name), column.Type, ident(column.Name))
	}
	rows, err := c.db.session.texts(ctx, "SELECT "+strings.Join(casts, ", ")+" FROM (\n"+query+"\n)", args)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			if cells[j] = cell.Text; cell.Text == "" && !cell.Null {
				cells[j] = "''"
			}
		}
		lines[i] = strings.Join(cells, ",")
	}
	sort.Strings(lines)
	return lines, nil
}

func names(columns []Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

// sheet is one CSV of a case.
type sheet struct {
	file    string
	columns []Column // Type is "" where the header cell states none
	rows    []Row
}

// typed returns the columns, with fallback as the type of those without.
func (s *sheet) typed(fallback Type) []Column {
	columns := slices.Clone(s.columns)
	for i := range columns {
		if columns[i].Type == "" {
			columns[i].Type = fallback
		}
	}
	return columns
}

func readSheet(f txtar.File) (*sheet, error) {
	r := csv.NewReader(bytes.NewReader(f.Data))
	r.TrimLeadingSpace = true
	r.Comment = '#'
	r.FieldsPerRecord = -1 // the comma of a DECIMAL(p,s) in the header
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: no header line", f.Name)
	}
	s := &sheet{file: f.Name}
	for _, cell := range splitTypes(records[0]) {
		name, typ, typed := strings.Cut(cell, ":")
		c := Column{Name: name, Type: Type(typ)}
		if typed && !c.Type.Valid() {
			return nil, fmt.Errorf("%s: column %s has unknown type %q", f.Name, name, typ)
		}
		s.columns = append(s.columns, c)
	}
	for i, record := range records[1:] {
		row := Row{}
		if len(record) != len(s.columns) {
			return nil, fmt.Errorf("%s: row %d has %d cells, the header has %d", f.Name, i+1, len(record), len(s.columns))
		}
		for j, cell := range record {
			switch cell {
			case "":
				row[s.columns[j].Name] = nil
			case "''":
				row[s.columns[j].Name] = ""
			default:
				row[s.columns[j].Name] = cell
			}
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}

// splitTypes joins header cells that the comma of an unquoted DECIMAL(p,s) has split.
func splitTypes(cells []string) []string {
	var out []string
	for _, cell := range cells {
		if n := len(out); n > 0 && strings.Count(out[n-1], "(") > strings.Count(out[n-1], ")") {
			out[n-1] += "," + cell
			continue
		}
		out = append(out, cell)
	}
	return out
}
