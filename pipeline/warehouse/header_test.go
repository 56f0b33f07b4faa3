package warehouse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeader(t *testing.T) {
	text := `-- fct_deal: one row per deal.
-- grain: deal
-- key: deal_id, period
-- deal_id VARCHAR: native key of the deal
-- period VARCHAR: fiscal period, written
--   as 2026Q3
--
-- amount_base DECIMAL(18, 4): amount: exact
-- note: deals without amount are 0

-- This comment is the statement's.
SELECT 1
`
	got, problems := parseHeader("marts/fct_deal.sql", "fct_deal", text)
	for _, p := range append(problems, got.checkTable("marts/fct_deal.sql")...) {
		t.Error(p)
	}
	want := Header{
		Name: "fct_deal", Summary: "one row per deal.", Grain: "deal", Key: []string{"deal_id", "period"},
		Columns: []Column{
			{"deal_id", Varchar, "native key of the deal"},
			{"period", Varchar, "fiscal period, written as 2026Q3"},
			{"amount_base", Decimal(18, 4), "amount: exact"},
		},
		Notes: []string{"deals without amount are 0"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no header", "SELECT 1", "x.sql:1: no header (begin with `-- x: <one sentence>`)"},
		{"another name", "-- y: what", "x.sql:1: header begins with \"y: what\""},
		{"a type that tables do not have", "-- x: what\n-- a FLOAT: f", "x.sql:2: column a: type FLOAT"},
		{"a decimal that is too wide", "-- x: what\n-- a DECIMAL(39,2): f", "x.sql:2: column a: type DECIMAL(39,2)"},
		{"a column twice", "-- x: what\n-- a DATE: f\n-- a DATE: f", "x.sql:3: column a is declared twice"},
		{"prose", "-- x: what\n-- and so on", "x.sql:2: header line \"and so on\" is not understood"},
		{"no grain", "-- x: what\n-- key: a\n-- a DATE: f", "x.sql:1: header has no `grain:` line"},
		{"no key", "-- x: what\n-- grain: g\n-- a DATE: f", "x.sql:1: header has no `key:` line"},
		{"key that is no column", "-- x: what\n-- grain: g\n-- key: b\n-- a DATE: f", "x.sql:1: key column b is not among the declared columns"},
		{"no meaning", "-- x: what\n-- grain: g\n-- key: a\n-- a DATE", "x.sql:1: column a has no meaning"},
		{"unknown severity", "-- x: what\n-- severity: bad", "x.sql:2: severity \"bad\": want error, warning or note"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, problems := parseHeader("x.sql", "x", c.text)
			problems = append(problems, h.checkTable("x.sql")...)
			for _, p := range problems {
				if strings.HasPrefix(p.Error(), c.want) {
					return
				}
			}
			t.Errorf("problems %v, want one like %q", problems, c.want)
		})
	}
}

func TestParseName(t *testing.T) {
	for text, want := range map[string]Name{
		"fct_deal":       {"main", "fct_deal"},
		"main.fct_deal":  {"main", "fct_deal"},
		"canonical.deal": {"canonical", "deal"},
	} {
		if got, err := ParseName(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if got := (Name{"main", "fct_deal"}).String(); got != "fct_deal" {
		t.Errorf("a table of main is written %s", got)
	}
	for _, text := range []string{"", "A", `a"b`, "a.b.c", "a b", "1a", "a;drop"} {
		if n, err := ParseName(text); err == nil {
			t.Errorf("%q was taken for %v", text, n)
		}
	}
}

func TestIdentifiersAndLiteralsAreQuoted(t *testing.T) {
	s := openTest(t).session
	for _, text := range []string{`a"b`, `it's`, `"'"; DROP TABLE x --`, "a\nb", ""} {
		got, err := s.scalar(t.Context(), "SELECT "+literal(text)+" AS "+ident("x"+text))
		if err != nil || got != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}
