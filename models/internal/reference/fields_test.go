package reference

import (
	"encoding/json"
	"slices"
	"testing"
)

// A value that a test did not ask for is missed: not one that only describes, nor one of another package.
func TestMissed(t *testing.T) {
	const body = `{
		"case": "x", "note": "", "crosscheck_R": {"se": 1}, "tolerance": {"rel": 1},
		"expected": {"n": 1, "se": [1, 2], "note": "", "groups": {"a": {"b": 1, "c": null}, "d": {"b": 2}},
			"rows": [{"k": 1}, {"k": 2, "l": 3}], "none": {}, "cloglog": {"coef": [1]}},
		"total": 3}`
	const name = "09_person_period/synthetic_partner_months"
	type inner struct {
		B float64 `json:"b"`
		C *float64
	}
	for what, c := range map[string]struct {
		ask  func(c *Case)
		pkg  string
		want []string
	}{
		"nothing asked for": {func(*Case) {}, "logistic", []string{
			"expected.cloglog.coef[]", "expected.groups.a.b", "expected.groups.a.c", "expected.groups.d.b", "expected.n",
			"expected.none", "expected.rows[].k", "expected.rows[].l", "expected.se[]", "total"}},
		"in two parts": {func(c *Case) {
			var first struct {
				N    int              `json:"n"`
				SE   []float64        `json:"se"`
				G    map[string]inner `json:"groups"`
				None any              `json:"none"`
			}
			var second struct {
				Rows []struct {
					K int `json:"k"`
				} `json:"rows"`
			}
			c.Field("expected", &first)
			c.Field("expected", &second)
		}, "logistic", []string{"expected.cloglog.coef[]", "expected.rows[].l", "total"}},
		"everything": {func(c *Case) {
			var all map[string]any
			var total float64
			c.Field("expected", &all)
			c.Field("total", &total)
		}, "logistic", nil},
		"of another package": {func(*Case) {}, "survival", nil},
	} {
		r := &Case{t: t, Name: what}
		if err := json.Unmarshal([]byte(body), &r.body); err != nil {
			t.Fatal(err)
		}
		c.ask(r)
		if got := r.missed(c.pkg, name); !slices.Equal(got, c.want) {
			t.Errorf("%s: missed %v, want %v", what, got, c.want)
		}
	}
}

// Only claimed cases have parts, and only packages that claim them answer for one.
func TestPartsAreClaimed(t *testing.T) {
	for name, paths := range parts {
		for path, pkg := range paths {
			if !slices.Contains(claims[name], pkg) {
				t.Errorf("%s: %s answers for %s and does not claim the case", name, pkg, path)
			}
		}
	}
}
