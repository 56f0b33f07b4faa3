package warehouse

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// checkReads reports reads of relations that nobody makes, and reads that the layer forbids.
func (g *Graph) checkReads() []*ModelError {
	var problems []*ModelError
	for _, m := range g.all() {
		for _, r := range m.upstream {
			columns := g.columns(r.name)
			line := lineAt(m.SQL, r.offset)
			if columns == nil {
				problems = append(problems, &ModelError{
					File: m.File, Line: line, Problem: fmt.Sprintf("reads %s, which no file makes or declares", r.name), Hint: g.suggest(r.name),
				})
			} else if problem, hint := mayRead(m.Layer, r.name, g); problem != "" {
				problems = append(problems, &ModelError{File: m.File, Line: line, Problem: problem, Hint: hint})
			}
		}
	}
	return problems
}

// mayRead says what is wrong with a read from a layer, "" where nothing is.
func mayRead(layer Layer, n Name, g *Graph) (problem, hint string) {
	_, isInput := g.inputs[n]
	fact := n.Schema == lakeSchema && n != lakeInput.Name && n != lakeReject.Name
	switch {
	case layer == Checks || layer == Explain:
		return "", ""
	case layer == Rollup && !fact && !isInput:
		return fmt.Sprintf("a rollup reads %s", n), "a rollup reads the lake and the run's settings only"
	case fact && layer != Canonical && layer != Rollup:
		return fmt.Sprintf("reads %s", n), "only canonical and rollup read the lake; read canonical." + n.Table
	case layer == Canonical && n.Schema != lakeSchema && n.Schema != rollupSchema && n.Schema != canonicalSchema && !isInput:
		return fmt.Sprintf("canonical reads %s", n), "canonical reads the lake, its rollups, the run's settings and canonical only"
	}
	return "", ""
}

// all returns every file of the graph that has a statement, by file name.
func (g *Graph) all() []*Model {
	var out []*Model
	for _, m := range g.models {
		out = append(out, m)
	}
	for _, m := range g.rollup {
		out = append(out, m)
	}
	for _, m := range g.explain {
		out = append(out, m)
	}
	out = append(out, g.checks...)
	sort.Slice(out, func(i, j int) bool { return out[i].File < out[j].File })
	return out
}

// columns returns the declared columns of a relation, nil where nobody declares it.
func (g *Graph) columns(n Name) []Column {
	if m, ok := g.declared(n); ok {
		return m.Columns
	}
	return lakeColumns(n)
}

// suggest names the relation that was probably meant.
func (g *Graph) suggest(n Name) string {
	var known []Name
	for _, set := range []map[Name]*Model{g.models, g.inputs, g.rollup} {
		for name := range set {
			known = append(known, name)
		}
	}
	known = append(known, lakeNames()...)
	slices.SortFunc(known, compareNames)
	best, least := "", 4
	for _, k := range known {
		if k.Table == n.Table {
			return "did you mean " + k.String() + "?"
		}
		if d := editDistance(k.String(), n.String()); d < least {
			best, least = "did you mean "+k.String()+"?", d
		}
	}
	switch {
	case best != "":
		return best
	case n.Schema == mainSchema:
		return "a table that Go code fills is declared in inputs/" + n.Table + ".sql"
	default:
		return "its file would be " + n.Schema + "/" + n.Table + ".sql"
	}
}

// editDistance is Levenshtein's distance of two short strings.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(diagonal+cost, row[j]+1, row[j+1]+1)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// sort fills the order of the models, upstream first and by name among equals, and reports cycles.
func (g *Graph) sort() []*ModelError {
	waiting := map[Name]int{}
	readers := map[Name][]Name{}
	var ready []Name
	for name, m := range g.models {
		for _, up := range m.Upstream {
			if _, ok := g.models[up]; ok {
				waiting[name]++
				readers[up] = append(readers[up], name)
			}
		}
		if waiting[name] == 0 {
			ready = append(ready, name)
		}
	}
	for len(ready) > 0 {
		slices.SortFunc(ready, compareNames)
		name := ready[0]
		ready = ready[1:]
		g.order = append(g.order, g.models[name])
		for _, r := range readers[name] {
			if waiting[r]--; waiting[r] == 0 {
				ready = append(ready, r)
			}
		}
	}
	if len(g.order) == len(g.models) {
		return nil
	}
	cycle := g.cycle(waiting)
	return []*ModelError{{File: g.models[cycle[0]].File, Problem: "reads itself by way of " + joinNames(cycle)}}
}

// cycle walks upstream among the models that could not be ordered until one repeats.
func (g *Graph) cycle(waiting map[Name]int) []Name {
	var start []Name
	for name, n := range waiting {
		if n > 0 {
			start = append(start, name)
		}
	}
	slices.SortFunc(start, compareNames)
	var seen []Name
	for at := start[0]; ; {
		if i := slices.Index(seen, at); i >= 0 {
			return append(slices.Clone(seen[i:]), at)
		}
		seen = append(seen, at)
		for _, up := range g.models[at].Upstream {
			if waiting[up] > 0 {
				at = up
				break
			}
		}
	}
}

func joinNames(names []Name) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = n.String()
	}
	return strings.Join(texts, " <- ")
}
