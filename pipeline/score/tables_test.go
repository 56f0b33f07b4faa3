package score_test

import (
	"bufio"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

var waitColumns = concat(fields(arrow.BinaryTypes.String, "partner_id", "cohort"), fields(arrow.PrimitiveTypes.Int32, "days", "event"))

var scopeColumns = fields(arrow.BinaryTypes.String, "partner_id", "scope_kind", "scope_id")

// waits makes int_first_revenue of days and events, with all partners in one programme.
func waits(days, events []int) (wait, scope records) {
	wait.columns, scope.columns = waitColumns, scopeColumns
	for i := range days {
		id := string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		wait.rows = append(wait.rows, map[string]any{"partner_id": id, "cohort": "2026Q1", "days": days[i], "event": events[i]})
		for _, s := range [][2]string{{"program", "P"}, {"partner", id}, {"partner_family", id}} {
			scope.rows = append(scope.rows, map[string]any{"partner_id": id, "scope_kind": s[0], "scope_id": s[1]})
		}
	}
	return wait, scope
}

func firstRevenue(t testing.TB, wait, scope records) []map[string]any {
	t.Helper()
	rec, err := score.FirstRevenue(wait.build(t), scope.build(t))
	if err != nil {
		t.Fatalf("first revenue: %v", err)
	}
	return table(rec)
}

// Golden vector 1 of the metric definitions; its median is tested with the estimator, four sales are too few to publish one.
func TestFirstRevenueGolden(t *testing.T) {
	wait, scope := waits([]int{20, 35, 35, 50, 60, 90, 120, 150}, []int{1, 1, 0, 1, 0, 1, 0, 0})
	got := firstRevenue(t, wait, scope)[0]
	want := map[string]any{
		"scope_kind": "program", "scope_id": "P", "n": int64(8), "events": int64(4), "median_days": nil, "low_days": nil, "high_days": nil,
		"rmst_365_days": nil, "activated_by_90": 0.6, "activated_by_180": nil, "activated_by_365": nil, "naive_mean_days": 48.75,
		"status": "insufficient", // no median under five first revenues
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFirstRevenueStatuses(t *testing.T) {
	for _, tc := range []struct {
		name         string
		days, events []int
		want         map[string]any
	}{
		{
			"half sold", []int{10, 20, 30, 40, 50, 400, 400, 400, 400, 400}, []int{1, 1, 1, 1, 1, 0, 0, 0, 0, 0},
			map[string]any{"median_days": 50.0, "low_days": 10.0, "high_days": nil, "rmst_365_days": 197.5, "activated_by_365": 0.5, "naive_mean_days": 30.0, "status": "ok"},
		},
		{
			"fewer than half sold", []int{10, 20, 30, 40, 50, 400, 400, 400, 400, 400, 400}, []int{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0},
			map[string]any{"median_days": nil, "activated_by_90": 0.4545454545, "status": "not_reached"},
		},
		{
			// An exit is censored for the median, and for the shares one who will never sell.
			"half sold, the others left", []int{10, 20, 30, 40, 50, 15, 15, 15, 15, 15}, []int{1, 1, 1, 1, 1, 2, 2, 2, 2, 2},
			map[string]any{"median_days": 30.0, "activated_by_90": 0.5, "activated_by_365": 0.5, "status": "ok"},
		},
		{
			"nobody sold", []int{100, 100, 100, 100, 100, 100, 100, 100, 100, 100}, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			map[string]any{"median_days": nil, "naive_mean_days": nil, "activated_by_90": 0.0, "activated_by_180": nil, "rmst_365_days": nil, "status": "insufficient"},
		},
		{
			"everybody sold on the first day", []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
			map[string]any{"median_days": 0.0, "activated_by_90": 1.0, "rmst_365_days": 0.0, "naive_mean_days": 0.0, "status": "ok"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wait, scope := waits(tc.days, tc.events)
			rows := firstRevenue(t, wait, scope)
			if len(rows) != 1 {
				t.Fatalf("%d scopes, want the programme alone: %v", len(rows), rows)
			}
			for column, want := range tc.want {
				if got := rows[0][column]; got != want {
					t.Errorf("%s is %v, want %v", column, got, want)
				}
			}
		})
	}
}

func TestFirstRevenueRefusesWhatCannotBe(t *testing.T) {
	for name, damage := range map[string]func(w, s *records){
		"negative wait":  func(w, _ *records) { w.rows[0]["days"] = -1 },
		"unknown wait":   func(w, _ *records) { w.rows[0]["days"] = nil },
		"unknown event":  func(w, _ *records) { w.rows[0]["event"] = 3 },
		"partner twice":  func(w, _ *records) { w.rows[1]["partner_id"] = "a" },
		"scope kindless": func(_, s *records) { s.rows[0]["scope_kind"] = nil },
	} {
		w, s := waits([]int{10, 20}, []int{1, 0})
		damage(&w, &s)
		var input *score.InputError
		if _, err := score.FirstRevenue(w.build(t), s.build(t)); !errors.As(err, &input) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if rows := firstRevenue(t, records{columns: waitColumns}, records{columns: scopeColumns}); len(rows) != 0 {
		t.Errorf("scores of nobody: %v", rows)
	}
}

func TestFirstRevenueDoesNotDependOnTheOrder(t *testing.T) {
	w, s := waits([]int{10, 20, 20, 40, 50, 70, 20, 400, 90, 13, 17}, []int{1, 0, 1, 2, 1, 0, 2, 0, 1, 1, 1})
	a, err := score.FirstRevenue(w.build(t), s.build(t))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(w.rows)
	slices.Reverse(s.rows)
	b, err := score.FirstRevenue(w.build(t), s.build(t))
	if err != nil || !array.RecordEqual(a, b) {
		t.Errorf("another order gives another table, %v", err)
	}
}

var pairColumns = concat(fields(arrow.BinaryTypes.String, "basket_window", "item_a", "item_b"),
	fields(arrow.PrimitiveTypes.Int64, "n_ab", "n_a", "n_b", "n_baskets"))

func pair(window, a, b string, both, nA, nB, n int) map[string]any {
	return map[string]any{"basket_window": window, "item_a": a, "item_b": b, "n_ab": both, "n_a": nA, "n_b": nB, "n_baskets": n}
}

// Golden vector 6 of the metric definitions.
func TestAffinityGolden(t *testing.T) {
	rec, err := score.Affinity(records{pairColumns, []map[string]any{pair("all_time", "crm", "erp", 6, 20, 10, 100)}}.build(t), score.AffinityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"basket_window": "all_time", "item_a": "crm", "item_b": "erp", "n_ab": int64(6), "n_a": int64(20), "n_b": int64(10), "n_baskets": int64(100),
		"support": 0.06, "confidence_ab": 0.3, "confidence_ba": 0.6, "lift": 3.0, "leverage": 0.04, "fisher_p": 0.003933076467,
		"q_value": 0.003933076467, "is_reported": true,
	}
	if diff := cmp.Diff(want, table(rec)[0]); diff != "" {
		t.Error(diff)
	}
}

func TestAffinityReportsWhatStandsOut(t *testing.T) {
	rows := []map[string]any{
		pair("all_time", "a", "b", 30, 40, 50, 200),   // strong
		pair("all_time", "a", "c", 10, 40, 50, 200),   // as chance would have it
		pair("all_time", "a", "d", 4, 40, 4, 200),     // too few baskets to ever be reported
		pair("all_time", "a", "e", 0, 40, 0, 200),     // an item in no basket
		pair("trailing_24m", "a", "b", 5, 6, 6, 600),  // 5 baskets, but under 1 %
		pair("trailing_24m", "a", "c", 6, 20, 8, 600), // exactly 1 %
	}
	first, err := score.Affinity(records{pairColumns, rows}.build(t), score.DefaultAffinityOptions())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range table(first) {
		mark := "-"
		if r["is_reported"] == true {
			mark = "reported"
		}
		if (r["q_value"] == nil) != (r["item_b"] == "d" || r["item_b"] == "e") {
			t.Errorf("q of %v", r)
		}
		if (r["lift"] == nil) != (r["item_b"] == "e") {
			t.Errorf("lift of %v", r)
		}
		got = append(got, strings.Join([]string{r["basket_window"].(string), r["item_a"].(string), r["item_b"].(string), mark}, " "))
	}
	want := []string{
		"all_time a b reported", "all_time a c -", "all_time a d -", "all_time a e -", "trailing_24m a b -", "trailing_24m a c reported",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	second, err := score.Affinity(records{pairColumns, rows}.build(t), score.DefaultAffinityOptions())
	if err != nil || !array.RecordEqual(first, second) {
		t.Errorf("another order gives another table, %v", err)
	}
}

func TestAffinityRefusesImpossibleCounts(t *testing.T) {
	for name, row := range map[string]map[string]any{
		"more than there are": pair("all_time", "a", "b", 9, 5, 5, 10), "negative": pair("all_time", "a", "b", -1, 5, 5, 10),
		"unknown": {"basket_window": "all_time", "item_a": "a", "item_b": "b", "n_ab": 1},
	} {
		var input *score.InputError
		if _, err := score.Affinity(records{pairColumns, []map[string]any{row}}.build(t), score.AffinityOptions{}); !errors.As(err, &input) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// The SQL side declares the score tables that its models read; the records must have those columns.
func TestSchemasAreThoseThatSQLReads(t *testing.T) {
	sqlType := map[arrow.Type]string{arrow.STRING: "VARCHAR", arrow.FLOAT64: "DOUBLE", arrow.INT64: "BIGINT", arrow.BOOL: "BOOLEAN", arrow.DATE32: "DATE"}
	churn, backtest := score.EmptyChurn(), score.EmptyBacktest()
	for name, rec := range map[string]arrow.RecordBatch{
		"score_partner_churn": churn.Partners, "score_churn_contribution": churn.Contributions, "model_card": churn.Cards,
		"model_coefficient": churn.Coefficients, "model_holdout": churn.HeldOut, "model_band": churn.Bands, "model_group": churn.Groups,
		"model_backtest": backtest.Quarters, "model_backtest_alert": backtest.Alerts,
		"score_first_revenue": score.EmptyFirstRevenue(), "score_cosell_affinity": score.EmptyAffinity(),
	} {
		schema := rec.Schema()
		var got []string
		for _, f := range schema.Fields() {
			got = append(got, f.Name+" "+sqlType[f.Type.ID()])
			if meaning, ok := f.Metadata.GetValue("comment"); !ok || meaning == "" {
				t.Errorf("%s.%s has no meaning", name, f.Name)
			}
		}
		meta := schema.Metadata()
		for _, k := range []string{"comment", "grain", "key"} {
			if v, ok := meta.GetValue(k); !ok || v == "" {
				t.Errorf("%s says no %s", name, k)
			}
		}
		key, _ := meta.GetValue("key")
		for _, k := range strings.Split(key, ", ") {
			if !schema.HasField(k) {
				t.Errorf("%s has no key column %s", name, k)
			}
		}
		if want, declared := declaredColumns(t, name); declared {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s differs from sql/inputs: %s", name, diff)
			}
		}
	}
}

// declaredColumns reads the columns of sql/inputs/<table>.sql.
func declaredColumns(t *testing.T, table string) (columns []string, declared bool) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "sql", "inputs", table+".sql"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		head, _, ok := strings.Cut(strings.TrimPrefix(s.Text(), "-- "), ":")
		if words := strings.Fields(head); ok && len(words) == 2 && words[1] == strings.ToUpper(words[1]) {
			columns = append(columns, head)
		}
	}
	return columns, true
}

func TestNumbersHaveTenDigits(t *testing.T) {
	wait, scope := waits([]int{1, 2, 3, 400, 400, 400, 400}, []int{1, 1, 1, 0, 0, 0, 0})
	if got := number(t, firstRevenue(t, wait, scope)[0], "activated_by_365"); got != 0.4285714286 || math.Abs(got-3.0/7) > 1e-10 {
		t.Errorf("3/7 is published as %v", got)
	}
}
