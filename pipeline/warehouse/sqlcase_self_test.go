package warehouse

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestSQLCases tests the runner of SQL cases: what passes must pass, and what must fail does.
func TestSQLCases(t *testing.T) {
	settings, err := treeFile("inputs/run_settings.sql")
	if err != nil {
		t.Fatal(err)
	}
	g, err := Load(t.Context(), tree(map[string]string{
		"inputs/run_settings.sql": settings,
		"canonical/partner.sql":   "-- partner: p\n-- grain: p\n-- key: partner_id\n-- partner_id VARCHAR\n-- name VARCHAR\n-- employee_count BIGINT\nSELECT partner_id, name, employee_count FROM lake.partner",
		"marts/fct.sql": `-- fct: f
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: p
-- name VARCHAR: n
-- size DECIMAL(18,4): s
-- min_n INTEGER: m
SELECT partner_id, name, CAST(employee_count AS DECIMAL(18,4)) AS size, s.min_n FROM canonical.partner CROSS JOIN run_settings s`,
		"checks/named.sql":      "-- named: every partner has a name\n-- severity: error\n-- table: canonical.partner\nSELECT partner_id FROM canonical.partner WHERE name IS NULL",
		"explain/explain_p.sql": "-- explain_p: p\n-- param: name: n\n-- partner_id VARCHAR: p\nSELECT partner_id FROM canonical.partner WHERE name = $1",
	}))
	if err != nil {
		t.Fatal(err)
	}
	const partners = "-- canonical.partner.csv --\npartner_id,name,employee_count\np2,'',7\np1,,\n"
	for _, c := range []struct{ name, model, text, want string }{
		{"all columns, any order of rows", "fct", partners + "-- want.csv --\npartner_id,name,size,min_n\np1,,,10\np2,'',7,10\n", ""},
		{"some columns, in another order", "fct", partners + "-- want.csv --\nsize,partner_id\n7.00,p2\n,p1\n", ""},
		{"cast in want", "fct", partners + "-- want.csv --\npartner_id,size:INTEGER\np1,\np2,7\n", ""},
		{"an unquoted DECIMAL(p,s) in a header", "fct", partners + "-- want.csv --\npartner_id,size:DECIMAL(9,1),min_n\np1,,10\np2,7,10\n", ""},
		{"settings are overridden", "fct", partners + "-- run_settings.csv --\nmin_n\n5\n-- want.csv --\npartner_id,min_n\np1,5\np2,5\n", ""},
		{"no input rows", "fct", "-- want.csv --\npartner_id\n", ""},
		{"a check", "named", partners + "-- want.csv --\npartner_id\np1\n", ""},
		{"an explain query", "explain_p", partners + "-- args.csv --\nname\n''\n-- want.csv --\npartner_id\np2\n", ""},
		{"a canonical model", "partner", "-- lake.partner.csv --\npartner_id,name\np1,x\n-- want.csv --\npartner_id,name,employee_count\np1,x,\n", ""},

		{"null is not the empty text", "fct", partners + "-- want.csv --\npartner_id,name\np1,''\np2,''\n", "rows differ"},
		{"a row missing", "fct", partners + "-- want.csv --\npartner_id\np1\n", "rows differ"},
		{"a row too many", "fct", partners + "-- want.csv --\npartner_id\np1\np2\np3\n", "rows differ"},
		{"a value", "fct", partners + "-- want.csv --\npartner_id,size\np1,\np2,7.0001\n", "rows differ"},
		{"no want", "fct", partners, "no want.csv"},
		{"an unknown column in want", "fct", partners + "-- want.csv --\nnothing\n", "fct has no column nothing"},
		{"an unknown input column", "fct", "-- canonical.partner.csv --\nnothing\nx\n-- want.csv --\npartner_id\n", "canonical.partner has no column nothing"},
		{"an input that the model does not read", "fct", "-- lake.partner.csv --\npartner_id\n-- want.csv --\npartner_id\n", "lake.partner.csv: fct does not read it"},
		{"an unknown type", "fct", "-- canonical.partner.csv --\npartner_id:TEXT\n-- want.csv --\npartner_id\n", `unknown type "TEXT"`},
		{"a value that does not fit its type", "fct", "-- canonical.partner.csv --\npartner_id,employee_count\np1,many\n-- want.csv --\npartner_id\n", "Conversion Error"},
		{"a key that is not unique", "fct", "-- canonical.partner.csv --\npartner_id\np1\np1\n-- want.csv --\npartner_id\n", "the key (partner_id) is never null and never twice"},
		{"an empty sheet", "fct", "-- want.csv --\n", "no header line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := sqlCase{db: openTest(t), graph: g, model: findModel(g, c.model), files: txtar.Parse([]byte(c.text)).Files}
			err := sc.run(t.Context())
			if c.want == "" && err != nil {
				t.Error(err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
