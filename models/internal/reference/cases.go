package reference

import (
	"maps"
	"slices"
	"testing"
)

// claims says which packages of models/ compare their estimators with each case, `folder/name`. A package's test takes
// its cases through Test, which fails where the package's own list differs from this one; the test of this package
// fails where a file of the reference folder or of testdata is not here. The first of several packages answers for all values of
// the case that parts does not give to another.
var claims = map[string][]string{
	"01_logistic/birthwt_cv_lambda":         {"logistic"},
	"01_logistic/birthwt_intercept_only":    {"logistic"},
	"01_logistic/birthwt_quasi_separation":  {"logistic"},
	"01_logistic/birthwt_ridge":             {"logistic"},
	"01_logistic/birthwt_unpenalised":       {"logistic"},
	"01_logistic/birthwt_weighted":          {"logistic"},
	"01_logistic/iris_complete_separation":  {"logistic"},
	"01_logistic/iris_near_separation":      {"logistic"},
	"01_logistic/titanic_frequency_weights": {"logistic"},

	"02_kaplan_meier/aml":                       {"survival"},
	"02_kaplan_meier/edge_all_censored":         {"survival"},
	"02_kaplan_meier/edge_event_at_zero":        {"survival"},
	"02_kaplan_meier/edge_median_exactly_half":  {"survival"},
	"02_kaplan_meier/edge_not_reached":          {"survival"},
	"02_kaplan_meier/edge_single_event":         {"survival"},
	"02_kaplan_meier/edge_tie_event_and_censor": {"survival"},
	"02_kaplan_meier/left_truncated":            {"survival"},
	"02_kaplan_meier/lung_by_sex":               {"survival"},
	"02_kaplan_meier/partner_first_revenue":     {"survival"},

	"03_cox/heart_start_stop": {"survival"},
	"03_cox/lung":             {"survival"},
	"03_cox/rossi":            {"survival"},

	"04_metrics/all_equal":      {"evaluate"},
	"04_metrics/asah_s100b":     {"evaluate"},
	"04_metrics/birthwt_scores": {"evaluate"},
	"04_metrics/perfect":        {"evaluate"},
	"04_metrics/tiny_ties":      {"evaluate"},
	"04_metrics/zeros_and_ones": {"evaluate"},

	"05_ols/nist_filip":       {"linear"},
	"05_ols/nist_longley":     {"linear"},
	"05_ols/nist_noint1":      {"linear"},
	"05_ols/nist_norris":      {"linear"},
	"05_ols/nist_pontius":     {"linear"},
	"05_ols/trend_12_months":  {"linear"},
	"05_ols/trend_flat":       {"linear"},
	"05_ols/trend_gap_months": {"linear"},
	"05_ols/trend_two_points": {"linear"},
	"05_ols/trend_weighted":   {"linear"},

	"06_attribution/mta_paths_3000": {"attribution"},
	"06_attribution/seven_journeys": {"attribution"},
	"06_attribution/shapley_games":  {"attribution"},

	"07_market_basket/groceries":            {"affinity"},
	"07_market_basket/partner_products_400": {"affinity"},
	"07_market_basket/textbook_5":           {"affinity"},

	"08_psi/airquality_ozone_missing": {"evaluate"},
	"08_psi/airquality_temp":          {"evaluate"},
	"08_psi/airquality_wind_b5":       {"evaluate"},
	"08_psi/constant_baseline":        {"evaluate"},
	"08_psi/many_zeros":               {"evaluate"},
	"08_psi/tier_new_and_gone":        {"evaluate"},
	"08_psi/tier_shares":              {"evaluate"},

	"09_person_period/life_table":               {"survival", "logistic"},
	"09_person_period/synthetic_partner_months": {"logistic", "survival"},
	"09_person_period/worked_example":           {"survival"},

	"10_ipp_lookalike/lookalike": {"intensity"},
}

// Test runs the test of each case, `folder/name`, that a package claims. It fails where the names are not exactly those
// of the package in claims, where a test compares nothing, and where it never asked for a value that the package answers
// for.
func Test(t *testing.T, pkg string, tests map[string]func(t *testing.T, c *Case)) {
	t.Helper()
	for name, packages := range claims {
		if _, ok := tests[name]; ok != slices.Contains(packages, pkg) {
			t.Errorf("%s: tested by %s: %v, claimed: %v", name, pkg, ok, !ok)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		if claims[name] == nil {
			t.Errorf("%s: no such case is claimed", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := open(t, name)
			tests[name](t, c)
			if c.compared == 0 && !t.Failed() {
				t.Errorf("%s: nothing was compared", name)
			}
			for _, path := range c.missed(pkg, name) {
				t.Errorf("%s: the test never asked for %s", name, path)
			}
		})
	}
}
