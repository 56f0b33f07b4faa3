package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// statement is what the graph needs to know of one SELECT: which relations it reads, and which of its
// parts make a result that depends on more than the data.
type statement struct {
	reads    []reference
	findings []finding
}

// reference is one relation that a statement reads, at a byte offset of the text.
type reference struct {
	name   Name
	offset int
}

// finding is one part of a statement that a model must not contain.
type finding struct {
	offset        int
	problem, hint string
}

// serialized is the outcome of DuckDB's json_serialize_sql.
type serialized struct {
	Error        bool   `json:"error"`
	ErrorMessage string `json:"error_message"`
	Position     string `json:"position"`
	Statements   []struct {
		Node any `json:"node"`
	} `json:"statements"`
}

// parseStatement lets DuckDB parse the text of one SELECT and walks the tree. The driver's own
// GetTableNames is not used: it answers an empty list for a query with JOIN ... USING.
func parseStatement(ctx context.Context, s *session, text string) (*statement, error) {
	tree, err := s.scalar(ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR), skip_default := true, skip_empty := true, skip_null := true) AS VARCHAR)", text)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(tree))
	decoder.UseNumber() // locations are unsigned 64 bit
	var parsed serialized
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("read syntax tree: %w", err)
	}
	if parsed.Error {
		e := &StatementError{Message: parsed.ErrorMessage}
		if at, err := strconv.Atoi(parsed.Position); err == nil {
			e.Line = lineAt(text, at)
		}
		return nil, e
	}
	if n := len(parsed.Statements); n != 1 {
		return nil, &StatementError{Message: fmt.Sprintf("%d statements, want one SELECT", n)}
	}
	w := walker{}
	w.walk(parsed.Statements[0].Node, nil)
	sort.SliceStable(w.found.reads, func(i, j int) bool { return w.found.reads[i].offset < w.found.reads[j].offset })
	return &w.found, nil
}

// lineAt returns the line number, from 1, of a byte offset.
func lineAt(text string, offset int) int {
	if offset < 0 || offset > len(text) {
		return 0
	}
	return 1 + strings.Count(text[:offset], "\n")
}

// scope is the chain of CTE names that are visible at a node.
type scope struct {
	name  string
	outer *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.name == name {
			return true
		}
	}
	return false
}

// walker collects references and findings from a syntax tree.
type walker struct{ found statement }

func (w *walker) walk(node any, visible *scope) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			w.walk(child, visible)
		}
	case map[string]any:
		visible = w.walkCTEs(n, visible)
		w.visit(n, visible)
		for _, key := range sortedKeys(n) {
			if key != "cte_map" {
				w.walk(n[key], visible)
			}
		}
	}
}

// walkCTEs walks the WITH clause of a node and returns the scope of its body. A CTE sees those before it,
// and itself only where it is recursive, so that `WITH deal AS (SELECT * FROM deal)` still reads a table.
func (w *walker) walkCTEs(n map[string]any, visible *scope) *scope {
	if name := text(n, "cte_name"); name != "" && text(n, "type") == "RECURSIVE_CTE_NODE" {
		visible = &scope{strings.ToLower(name), visible}
	}
	ctes, _ := n["cte_map"].(map[string]any)
	entries, _ := ctes["map"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		w.walk(entry["value"], visible)
		visible = &scope{strings.ToLower(text(entry, "key")), visible}
	}
	return visible
}

// visit looks at one node without its children.
func (w *walker) visit(n map[string]any, visible *scope) {
	at := location(n)
	switch text(n, "type") {
	case "BASE_TABLE":
		name := Name{strings.ToLower(text(n, "schema_name")), strings.ToLower(text(n, "table_name"))}
		if name.Schema == "" && visible.has(name.Table) {
			return
		}
		if name.Schema == "" {
			name.Schema = mainSchema
		}
		w.found.reads = append(w.found.reads, reference{name, at})
	case "TABLE_FUNCTION":
		function, _ := n["function"].(map[string]any)
		if f := text(function, "function_name"); !tableFunctions[f] {
			w.report(at, "reads from the function "+f+"()", "models read tables; range() and unnest() are allowed")
		}
	case "COLUMN_REF":
		if names, _ := n["column_names"].([]any); len(names) == 1 {
			if name, _ := names[0].(string); clockFunctions[strings.ToLower(name)] {
				w.report(at, name+" reads the clock or the session", hintClock)
			}
		}
	}
	if n["sample"] != nil {
		w.report(at, "takes a random sample", "")
	}
	if text(n, "class") == "FUNCTION" || text(n, "class") == "WINDOW" {
		w.visitFunction(n, at)
	}
}

func (w *walker) report(at int, problem, hint string) {
	w.found.findings = append(w.found.findings, finding{at, problem, hint})
}

func text(n map[string]any, key string) string {
	s, _ := n[key].(string)
	return s
}

// location returns the byte offset of a node, -1 where DuckDB gives none.
func location(n map[string]any) int {
	number, _ := n["query_location"].(json.Number)
	at, err := strconv.Atoi(number.String())
	if err != nil {
		return -1
	}
	return at
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
