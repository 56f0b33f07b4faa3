package warehouse

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// sqlTree is the project's SQL, read from disk so that the tests see the cases beside it.
const sqlTree = "../../sql"

// defaultSettings is the one row of run_settings that the tests run with: the documented defaults, on
// 2026-10-31 in UTC.
func defaultSettings() Row {
	return Row{
		"as_of": "2026-10-31", "as_of_end": "2026-11-01 00:00:00", "timezone": "UTC", "program_name": "Test programme",
		"currency_base": "USD", "fiscal_start_month": 1, "fiscal_label": "end_year", "min_n": 10, "shrink_m": 10,
		"active_events": "won", "active_min_tenure_days": 90, "state_active_days": 90, "sla_response_hours": 24,
		"onboarding_deadline_days": 60, "activation_window_days": 90, "winrate_no_decision": "lost",
		"winrate_qualified_stage_order": nil, "influence_lookback_days": 90, "influence_exclusive": true,
		"attribution_headline": "linear", "attribution_lookback_days": 180, "sourced_set_within_days": 14,
		"ropi_benefit": "gross_margin", "ropi_credit": "attributed", "ropi_driver": "deals_worked", "ropi_lag_quarters": 0,
		"churn_kind": "either", "churn_silence_min_days": 90, "churn_silence_max_days": 180, "churn_horizon_days": 180,
		"alert_floor": 40, "alert_drop": 15, "alert_at_most_per_manager": 10, "freshness_max_age_days": 3,
		"freshness_carry_days": 7, "identity_coverage_min": 0.9, "qbr_days_before": 10, "qbr_freeze_days": 10,
		"config_hash": "0", "code_version": "test", "run_id": "test",
	}
}

// stoppedClock is the clock of tests that do not look at durations.
func stoppedClock() time.Time { return time.Unix(0, 0) }

// openTest opens a database in memory with all schemas.
func openTest(t testing.TB) *DB {
	t.Helper()
	db, err := Open(context.Background(), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for _, schema := range []string{lakeSchema, rollupSchema, canonicalSchema, intermediateSchema} {
		if err := db.createSchema(context.Background(), schema); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// loadTree loads the project's SQL; problems of files are left to TestGraph.
func loadTree(t *testing.T) (*Graph, Problems) {
	t.Helper()
	g, problems, err := load(context.Background(), os.DirFS(sqlTree))
	if err != nil {
		t.Fatal(err)
	}
	return g, problems
}

// provideEmpty gives a build empty inputs and the default settings.
func provideEmpty(t *testing.T, b *Build) {
	t.Helper()
	ctx := context.Background()
	if err := b.ProvideLake(ctx, LakeFiles{}); err != nil {
		t.Fatal(err)
	}
	for _, n := range slices.SortedFunc(maps.Keys(b.graph.inputs), compareNames) {
		var rows []Row
		if n.Table == "run_settings" {
			rows = []Row{defaultSettings()}
		}
		if err := b.Fill(ctx, n.String(), rows); err != nil {
			t.Error(err)
		}
	}
}

// TestGraph checks every file of the SQL tree: header, what it reads, layer rules, forbidden functions, and
// that the columns of the result are those of the header when all inputs are empty.
func TestGraph(t *testing.T) {
	ctx := context.Background()
	g, problems := loadTree(t)
	for _, p := range problems {
		t.Errorf("sql/%v", p)
	}
	broken := map[string]bool{}
	for _, p := range problems {
		broken[p.File] = true
	}
	b := NewBuild(openTest(t), g, stoppedClock)
	provideEmpty(t, b)
	for _, m := range g.order {
		if _, err := b.materialise(ctx, m); err != nil {
			if !broken[m.File] || !errors.As(err, new(*StatementError)) {
				t.Errorf("sql/%v", err)
			}
			// Those that read it still get the columns that it promises.
			if err := b.db.createEmpty(ctx, m.Relation, m.Columns); err != nil && !strings.Contains(err.Error(), "already exists") {
				t.Logf("sql/%s: no table for those that read it: %v", m.File, err)
			}
		}
		b.made[m.Relation] = true
	}
	for _, m := range g.all() {
		switch m.Layer {
		case Rollup, Explain:
			if err := b.db.verifyColumns(ctx, m, m.SQL); err != nil {
				t.Errorf("sql/%v", err)
			}
		case Checks:
			if n, err := ParseName(m.Table); err != nil || g.columns(n) == nil {
				t.Errorf("sql/%s: no file makes the table %q of its header", m.File, m.Table)
			}
			if err := b.db.collect(ctx, m.SQL, &CheckResult{}); err != nil {
				t.Errorf("sql/%v", modelFailure(m, "run", err, 1))
			}
		}
	}
	for _, r := range b.results {
		if r.Failed() {
			t.Errorf("%s: on empty inputs, %s: %s", r.Table, r.Meaning, r.Sample)
		}
	}
}
