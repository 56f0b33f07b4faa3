package warehouse

import (
	"regexp"
	"strings"
)

// The functions below make a result that depends on more than the data: on the clock, on chance, on the
// session, or on the order in which threads finish (measured, see architecture decision 6).

const (
	hintClock  = "use a column of run_settings, for example as_of"
	hintOrder  = "its answer depends on the order of rows; add ORDER BY inside the call, or use row_number() over a full ordering"
	hintFloats = "its answer depends on the number of threads; sum exact DECIMALs and divide once, or compute it in models/"
)

var clockFunctions = words(`now today current_date current_time current_timestamp get_current_time
	get_current_timestamp localtime localtimestamp transaction_timestamp current_localtime current_localtimestamp`)

var chanceFunctions = words(`random setseed uuid gen_random_uuid uuidv4 uuidv7 nextval currval txid_current
	getvariable current_setting current_user current_schema current_database current_query version pg_backend_pid
	getenv in_search_path current_catalog session_user query query_table`)

var orderFunctions = words(`first last any_value arbitrary list array_agg string_agg group_concat listagg mode`)

var tieFunctions = words(`arg_max arg_min argmax argmin max_by min_by arg_max_null arg_min_null`)

var floatFunctions = words(`avg mean favg fsum sumkahan kahan_sum stddev stddev_pop stddev_samp variance var_pop
	var_samp corr covar_pop covar_samp kurtosis kurtosis_pop skewness entropy sem regr_avgx regr_avgy regr_count
	regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy approx_count_distinct approx_quantile approx_top_k
	reservoir_quantile product geomean geometric_mean`)

// tableFunctions are the functions that may stand in FROM.
var tableFunctions = words(`range generate_series unnest`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// visitFunction looks at a call.
func (w *walker) visitFunction(n map[string]any, at int) {
	f := strings.ToLower(text(n, "function_name"))
	switch {
	case clockFunctions[f]:
		w.report(at, f+"() reads the clock", hintClock)
	case chanceFunctions[f]:
		w.report(at, f+"() depends on chance or on the session", hintClock)
	case text(n, "class") == "WINDOW":
		// A window has its own ordering, and a frame is computed by one thread.
	case orderFunctions[f] && !hasOrder(n):
		w.report(at, f+"() without ORDER BY", hintOrder)
	case tieFunctions[f] && !breaksTies(n):
		w.report(at, f+"() does not say how ties are broken", "order by a row: "+f+"(x, (value, key))")
	case floatFunctions[f]:
		w.report(at, f+"() is not reproducible", hintFloats)
	}
}

// hasOrder reports whether an aggregate is called with ORDER BY.
func hasOrder(n map[string]any) bool {
	modifier, _ := n["order_bys"].(map[string]any)
	orders, _ := modifier["orders"].([]any)
	return len(orders) > 0
}

// breaksTies reports whether the second argument is a row of several columns.
func breaksTies(n map[string]any) bool {
	children, _ := n["children"].([]any)
	if len(children) < 2 {
		return false
	}
	by, _ := children[1].(map[string]any)
	f := text(by, "function_name")
	return f == "row" || f == "struct_pack"
}

// portableOnly lists what another SQL engine does not accept; sql/rollup must do without it.
var portableOnly = []struct {
	pattern *regexp.Regexp
	what    string
}{
	{regexp.MustCompile(`(?i)\bqualify\b`), "QUALIFY"},
	{regexp.MustCompile(`(?i)\bgroup\s+by\s+all\b`), "GROUP BY ALL"},
	{regexp.MustCompile(`(?i)\border\s+by\s+all\b`), "ORDER BY ALL"},
	{regexp.MustCompile(`(?i)\*\s*(exclude|replace|rename)\b`), "SELECT * EXCLUDE"},
	{regexp.MustCompile(`::`), "the cast `::`"},
	{regexp.MustCompile(`->`), "a lambda or JSON arrow"},
	{regexp.MustCompile(`(?i)\binterval\s+\(?\s*\d`), "INTERVAL without quotes"},
}

var commentOrText = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'`)

// unportable returns the constructs of a rollup that other engines refuse, with their offsets.
func unportable(sql string) []finding {
	bare := commentOrText.ReplaceAllStringFunc(sql, func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, s)
	})
	var found []finding
	for _, p := range portableOnly {
		if at := p.pattern.FindStringIndex(bare); at != nil {
			found = append(found, finding{at[0], p.what + " is not portable", "the rollup must run on Trino too"})
		}
	}
	return found
}
