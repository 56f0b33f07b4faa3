package warehouse

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatAStatementReads(t *testing.T) {
	s := openTest(t).session
	for _, c := range []struct{ name, sql, want string }{
		{"a table", "SELECT * FROM deal", "deal"},
		{"qualified and upper case", "SELECT * FROM Canonical.DEAL", "canonical.deal"},
		{"quoted", `SELECT * FROM "canonical"."deal"`, "canonical.deal"},
		{"join using", "SELECT * FROM a JOIN canonical.b USING (x) LEFT JOIN c USING (y)", "a canonical.b c"},
		{"cross join and comma", "SELECT * FROM a, b CROSS JOIN run_settings s", "a b run_settings"},
		{"subqueries", "SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (SELECT 1 FROM c) AND y IN (SELECT y FROM d)", "a b c d"},
		{"set operations", "SELECT x FROM a UNION ALL SELECT x FROM b EXCEPT SELECT x FROM c", "a b c"},
		{"common table expressions are not tables", "WITH x AS (SELECT * FROM a), y AS (SELECT * FROM x) SELECT * FROM x JOIN y USING (k)", "a"},
		{"inside its own definition a name is the table", "WITH deal AS (SELECT * FROM deal) SELECT * FROM deal", "deal"},
		{"a qualified name is never a common table expression", "WITH deal AS (SELECT 1) SELECT * FROM canonical.deal", "canonical.deal"},
		{"a definition is not visible to those before it", "WITH x AS (SELECT * FROM y), y AS (SELECT 1 k) SELECT * FROM x, y", "y"},
		{"nor outside of its query", "SELECT * FROM (WITH x AS (SELECT * FROM a) SELECT * FROM x), x", "a x"},
		{"recursion", "WITH RECURSIVE up AS (SELECT k FROM a UNION ALL SELECT b.k FROM up JOIN b USING (k)) SELECT * FROM up", "a b"},
		{"two recursions in one clause", "WITH RECURSIVE n AS (SELECT k FROM a), m AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM m WHERE i < 3) SELECT * FROM m, n", "a"},
		{"materialized expressions", "WITH x AS MATERIALIZED (SELECT * FROM a) SELECT * FROM x", "a"},
		{"table functions", "SELECT * FROM range(3) t(i), unnest([1]) u(j), a", "a"},
		{"pivot and lateral", "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.k = a.k)", "a b"},
		{"window and filter", "SELECT sum(x) FILTER (WHERE k IN (SELECT k FROM b)) OVER (PARTITION BY y) FROM a QUALIFY row_number() OVER (ORDER BY x) = 1", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Model{SQL: c.sql}
			for _, p := range m.parse(t.Context(), s) {
				t.Error(p)
			}
			names := make([]string, len(m.Upstream))
			for i, n := range m.Upstream {
				names[i] = n.String()
			}
			want := strings.Fields(c.want)
			if diff := cmp.Diff(sorted(want), sorted(names)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSyntaxErrorsHaveALine(t *testing.T) {
	_, err := parseStatement(t.Context(), openTest(t).session, "-- a comment\nSELECT *\nFORM a b c")
	var e *StatementError
	if !errors.As(err, &e) || e.Line != 3 || !strings.Contains(e.Message, "syntax error") {
		t.Errorf("error %v, want a syntax error on line 3", err)
	}
}

func TestOneSelectAFile(t *testing.T) {
	s := openTest(t).session
	for _, sql := range []string{"SELECT 1; SELECT 2", "CREATE TABLE x AS SELECT 1", "DELETE FROM x", "SET threads = 1", ""} {
		if _, err := parseStatement(t.Context(), s, sql); err == nil {
			t.Errorf("%q was accepted", sql)
		}
	}
}

// TestForbidden lists what must not be in a model, and what looks like it and may.
func TestForbidden(t *testing.T) {
	s := openTest(t).session
	for sql, want := range map[string]string{
		"SELECT now()":                         "now() reads the clock",
		"SELECT today()":                       "today() reads the clock",
		"SELECT current_date":                  "current_date reads the clock",
		"SELECT CURRENT_TIMESTAMP FROM a":      "reads the clock",
		"SELECT random() FROM a":               "random() depends on chance",
		"SELECT uuid() FROM a":                 "uuid() depends on chance",
		"SELECT gen_random_uuid()":             "depends on chance",
		"SELECT * FROM a USING SAMPLE 3":       "random sample",
		"SELECT * FROM a TABLESAMPLE 3 ROWS":   "random sample",
		"SELECT getvariable('x')":              "depends on chance or on the session",
		"SELECT first(x) FROM a":               "first() without ORDER BY",
		"SELECT any_value(x) FROM a":           "any_value() without ORDER BY",
		"SELECT string_agg(x, ',') FROM a":     "string_agg() without ORDER BY",
		"SELECT list(x) FROM a":                "list() without ORDER BY",
		"SELECT array_agg(x) FROM a":           "array_agg() without ORDER BY",
		"SELECT arg_max(x, y) FROM a":          "does not say how ties are broken",
		"SELECT max_by(x, y) FROM a":           "does not say how ties are broken",
		"SELECT avg(x) FROM a":                 "avg() is not reproducible",
		"SELECT stddev(x) FROM a":              "stddev() is not reproducible",
		"SELECT regr_slope(x, y) FROM a":       "regr_slope() is not reproducible",
		"SELECT * FROM read_csv('a.csv')":      "reads from the function read_csv()",
		"SELECT * FROM glob('*')":              "reads from the function glob()",
		"SELECT * FROM query('SELECT 1')":      "reads from the function query()",
		"WITH x AS (SELECT now()) FROM x":      "now() reads the clock",
		"SELECT 1 WHERE (SELECT random()) > 0": "random() depends on chance",

		"SELECT string_agg(x, ',' ORDER BY x) FROM a":                             "",
		"SELECT first(x ORDER BY y) FROM a":                                       "",
		"SELECT arg_max(x, (y, k)) FROM a":                                        "",
		"SELECT arg_max(x, row(y, k)) FROM a":                                     "",
		"SELECT first_value(x) OVER (ORDER BY k) FROM a":                          "",
		"SELECT sum(x), count(*), max(y), median(z), count(DISTINCT k) FROM a":    "",
		"SELECT s.as_of, a.now FROM a CROSS JOIN run_settings s":                  "",
		"SELECT 'now() and random()' AS note /* uuid() */ FROM a -- current_date": "",
	} {
		t.Run(sql, func(t *testing.T) {
			got, err := parseStatement(t.Context(), s, sql)
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				if len(got.findings) > 0 {
					t.Errorf("refused: %v", got.findings)
				}
				return
			}
			for _, f := range got.findings {
				if strings.Contains(f.problem, want) {
					return
				}
			}
			t.Errorf("findings %v, want %q", got.findings, want)
		})
	}
}

func TestPortable(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT x FROM a\nQUALIFY row_number() OVER (ORDER BY x) = 1": "QUALIFY",
		"SELECT x::DATE FROM a":                                                           "the cast `::`",
		"SELECT x, count(*) FROM a GROUP BY ALL":                                          "GROUP BY ALL",
		"SELECT * EXCLUDE (x) FROM a":                                                     "SELECT * EXCLUDE",
		"SELECT x + INTERVAL 7 DAY FROM a":                                                "INTERVAL without quotes",
		"SELECT list_transform(x, y -> y + 1) FROM a":                                     "a lambda",
		"SELECT x + INTERVAL '7' DAY, CAST(y AS DATE) FROM a GROUP BY 1, 2 -- QUALIFY ::": "",
		"SELECT 'a::b -> c' FROM a /* GROUP BY ALL */":                                    "",
	} {
		found := unportable(sql)
		switch {
		case want == "" && len(found) > 0:
			t.Errorf("%q: refused for %v", sql, found)
		case want != "" && (len(found) == 0 || !strings.HasPrefix(found[0].problem, want)):
			t.Errorf("%q: %v, want %s", sql, found, want)
		}
	}
	if found := unportable("SELECT x\nFROM a\nQUALIFY true"); lineAt("SELECT x\nFROM a\nQUALIFY true", found[0].offset) != 3 {
		t.Error("the line of QUALIFY is not 3")
	}
}
