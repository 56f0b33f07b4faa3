package reference

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// descriptions are the top-level fields that say how a case was made: none of them holds a number that an estimator
// could be compared with. Those of crosscheck compare the reference with other software.
var descriptions = []string{
	"call", "case", "choice", "closed_form", "coding", "data", "definition", "definitions", "design", "folds", "kind",
	"licence", "mapping", "metric", "model", "note", "notes", "objective", "response", "row_index_base", "rules_order",
	"scaling", "se", "software", "source", "tolerance", "weights",
}

// remarks are fields within others that do the same.
var remarks = []string{
	"R_coef_ptl3_arbitrary", "R_converged", "R_deviance_at_stop", "R_iter", "R_se_ptl3_arbitrary", "R_warnings",
	"also_by_all_permutations", "definition", "note", "numpy_solve_maxabs_diff", "reason", "rule",
	"sklearn_coef_maxabs_diff", "weights",
}

// parts says which of the packages that claim a case answers for the fields that begin with a path; the first of them
// answers for all others.
var parts = map[string]map[string]string{
	"09_person_period/life_table":               {"expected[].logit_": "logistic"},
	"09_person_period/synthetic_partner_months": {"expected.full_fit.cloglog.": "survival"},
}

// describes tells whether the value at a path only describes its case.
func describes(path string) bool {
	names := strings.Split(strings.ReplaceAll(path, "[]", ""), ".")
	last := len(names) - 1
	return slices.Contains(descriptions, names[0]) || strings.HasPrefix(names[0], "crosscheck") ||
		last > 0 && slices.Contains(remarks, names[last])
}

// answers returns the package that answers for a value of a case.
func answers(name, path string) string {
	for prefix, pkg := range parts[name] {
		if strings.HasPrefix(path, prefix) {
			return pkg
		}
	}
	return claims[name][0]
}

// leaves calls visit with the path of each value within v that is no object or list itself, or is an empty one. Elements
// of a list share a path, "a.b[].c".
func leaves(v any, path string, visit func(path string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			leaves(inner, path+"."+name, visit)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for _, inner := range v {
			leaves(inner, path+"[]", visit)
		}
		if len(v) > 0 {
			return
		}
	}
	visit(path)
}

// taken calls visit with the path of each leaf of v that decoding into a value of type t keeps: what a struct has no
// field for is dropped.
func taken(v any, t reflect.Type, path string, visit func(path string)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			switch t.Kind() {
			case reflect.Struct:
				if f, ok := fieldOf(t, name); ok {
					taken(inner, f, path+"."+name, visit)
				}
			case reflect.Map:
				taken(inner, t.Elem(), path+"."+name, visit)
			default:
				leaves(inner, path+"."+name, visit)
			}
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for _, inner := range v {
			if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
				taken(inner, t.Elem(), path+"[]", visit)
			} else {
				leaves(inner, path+"[]", visit)
			}
		}
		if len(v) > 0 {
			return
		}
	}
	visit(path)
}

// fieldOf returns the type of the struct field that a JSON field is decoded into.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name || tag == "" && strings.EqualFold(f.Name, name) {
			return f.Type, true
		}
	}
	return nil, false
}

// take notes which values a test asked for by decoding the field of a case into v.
func (c *Case) take(field string, raw json.RawMessage, v any) {
	var body any
	if err := json.Unmarshal(raw, &body); err != nil {
		c.t.Fatalf("decode %s of %s: %v", field, c.Name, err)
	}
	if c.taken == nil {
		c.taken = map[string]bool{}
	}
	taken(body, reflect.TypeOf(v), field, func(path string) { c.taken[path] = true })
}

// missed lists the values that the tests of a package had to ask for and did not.
func (c *Case) missed(pkg, name string) []string {
	var out []string
	for field, raw := range c.body {
		var body any
		if err := json.Unmarshal(raw, &body); err != nil {
			c.t.Fatalf("decode %s of %s: %v", field, c.Name, err)
		}
		leaves(body, field, func(path string) {
			if !c.taken[path] && !describes(path) && answers(name, path) == pkg {
				out = append(out, path)
			}
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}
