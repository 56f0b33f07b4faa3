package warehouse

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// model returns the text of a model with one VARCHAR column k.
func model(name, sql string) string {
	return "-- " + name + ": what\n-- grain: thing\n-- key: k\n-- k VARCHAR: thing\n" + sql + "\n"
}

// input returns the text of an input with one VARCHAR column k.
func input(name string) string { return model(name, "") }

func TestGraphOrder(t *testing.T) {
	g, err := Load(t.Context(), tree(map[string]string{
		"inputs/score.sql":            input("score"),
		"canonical/partner.sql":       model("partner", "SELECT partner_id AS k FROM lake.partner"),
		"canonical/agreement.sql":     model("agreement", "SELECT k FROM canonical.partner"),
		"intermediate/int_b.sql":      model("int_b", "SELECT k FROM intermediate.int_a JOIN canonical.agreement USING (k);\n"),
		"intermediate/int_a.sql":      model("int_a", "SELECT k FROM canonical.partner"),
		"marts/fct_a.sql":             model("fct_a", "SELECT k FROM score JOIN intermediate.int_b USING (k)"),
		"reports/rpt_a.sql":           model("rpt_a", "SELECT k FROM fct_a"),
		"rollup/partner_day.sql":      model("partner_day", "SELECT event_id AS k FROM lake.engagement_event"),
		"intermediate/int_days.sql":   model("int_days", "SELECT k FROM rollup.partner_day"),
		"checks/no_deal_is_lost.sql":  "-- no_deal_is_lost: nothing\n-- severity: error\n-- table: fct_a\nSELECT k FROM fct_a",
		"explain/explain_partner.sql": "-- explain_partner: rows\n-- param: partner: id\n-- k VARCHAR: thing\nSELECT k FROM fct_a WHERE k = $1",
		"tests/fct_a/case.txtar":      "not SQL",
		"marts/notes.md":              "not SQL",
		"embed.go":                    "package sql",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, m := range g.Order() {
		order = append(order, m.Relation.String())
	}
	want := "canonical.partner canonical.agreement intermediate.int_a intermediate.int_b intermediate.int_days fct_a rpt_a"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("order\n%s, want\n%s", got, want)
	}
	if m, ok := g.Model(Name{"main", "fct_a"}); !ok || !slices.Equal(m.Upstream, []Name{{"intermediate", "int_b"}, {"main", "score"}}) {
		t.Errorf("fct_a reads %v", m.Upstream)
	}
	if _, ok := g.Rollup("partner_day"); !ok {
		t.Error("the rollup is not found")
	}
	if m, ok := g.Explain("explain_partner"); !ok || len(m.Params) != 1 {
		t.Error("the explain query is not found")
	}
	if len(g.Checks()) != 1 {
		t.Error("the check is not found")
	}
}

func TestGraphProblems(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a cycle", map[string]string{
			"marts/a.sql": model("a", "SELECT k FROM b"), "marts/b.sql": model("b", "SELECT k FROM c"), "marts/c.sql": model("c", "SELECT k FROM a"),
			"marts/d.sql": model("d", "SELECT k FROM a"),
		}, "marts/a.sql: reads itself by way of a <- b <- c <- a"},
		{"itself", map[string]string{"marts/a.sql": model("a", "SELECT k FROM a")}, "marts/a.sql: reads itself by way of a <- a"},
		{"a relation that nobody makes, near another", map[string]string{
			"marts/fct_deal.sql": model("fct_deal", "SELECT 'x' AS k"), "marts/a.sql": model("a", "SELECT k\nFROM fct_deals"),
		}, "marts/a.sql:6: reads fct_deals, which no file makes or declares (did you mean fct_deal?)"},
		{"a relation of another schema", map[string]string{
			"marts/a.sql": model("a", "SELECT name AS k FROM lake.rejects"),
		}, "did you mean lake.reject?"},
		{"an unqualified lake table", map[string]string{
			"canonical/partner.sql": model("partner", "SELECT partner_id AS k FROM agreement"),
		}, "did you mean lake.agreement?"},
		{"the lake read by a mart", map[string]string{
			"marts/a.sql": model("a", "SELECT partner_id AS k FROM lake.partner"),
		}, "marts/a.sql:5: reads lake.partner (only canonical and rollup read the lake; read canonical.partner)"},
		{"a mart read by canonical", map[string]string{
			"marts/a.sql": model("a", "SELECT 'x' AS k"), "canonical/partner.sql": model("partner", "SELECT k FROM a"),
		}, "canonical/partner.sql:5: canonical reads a (canonical reads the lake, its rollups, the run's settings and canonical only)"},
		{"canonical read by a rollup", map[string]string{
			"canonical/person.sql": model("person", "SELECT 'x' AS k"), "rollup/day.sql": model("day", "SELECT k FROM canonical.person"),
		}, "rollup/day.sql:5: a rollup reads canonical.person"},
		{"a rollup that is not portable", map[string]string{
			"rollup/day.sql": model("day", "SELECT event_id AS k\nFROM lake.engagement_event GROUP BY ALL"),
		}, "rollup/day.sql:6: GROUP BY ALL is not portable"},
		{"two files for one table", map[string]string{
			"marts/a.sql": model("a", "SELECT 'x' AS k"), "reports/a.sql": model("a", "SELECT 'x' AS k"),
		}, "reports/a.sql: marts/a.sql makes the table a already"},
		{"an input with a statement", map[string]string{"inputs/a.sql": model("a", "SELECT 1")}, "inputs/a.sql: an input is a header only"},
		{"a check without severity", map[string]string{"checks/a.sql": "-- a: what\nSELECT 1"}, "checks/a.sql:1: a check needs `severity:` and `table:` lines"},
		{"a syntax error", map[string]string{"marts/a.sql": model("a", "SELECT k\nFORM b c d")}, "marts/a.sql:6: parse: syntax error"},
		{"the clock", map[string]string{"marts/a.sql": model("a", "SELECT\n  now() AS k")}, "marts/a.sql:6: now() reads the clock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(t.Context(), tree(c.files))
			var problems Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("problems\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	_, err := Load(t.Context(), tree(map[string]string{
		"marts/a.sql": "-- b: what\nSELECT now() AS k FROM nowhere",
		"marts/c.sql": model("c", "SELECT random() AS k"),
	}))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	files := map[string]int{}
	for _, p := range problems {
		files[p.File]++
	}
	if files["marts/a.sql"] < 4 || files["marts/c.sql"] != 1 {
		t.Errorf("problems\n%v", problems)
	}
}

func TestCanonicalMeaningsComeFromTheContract(t *testing.T) {
	g, err := Load(t.Context(), tree(map[string]string{
		"canonical/partner.sql": "-- partner: what\n-- grain: partner\n-- key: partner_id\n-- partner_id VARCHAR\n-- name VARCHAR: our own words\n-- _row BIGINT\n" +
			"SELECT partner_id, name, _row FROM lake.partner",
	}))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := g.Model(Name{"canonical", "partner"})
	for i, want := range []string{"native key of the organisation in its source", "our own words", "record number in the export, 1 for the first record after the header"} {
		if m.Columns[i].Meaning != want {
			t.Errorf("meaning of %s is %q, want %q", m.Columns[i].Name, m.Columns[i].Meaning, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"deal", "deals", 1}, {"lake.partner", "lake.partner", 0}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
