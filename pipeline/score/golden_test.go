package score_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the difference")

// The whole answer of small programmes, to four digits: what a change of the method changes is seen here first.
func TestGoldenProgrammes(t *testing.T) {
	for name, tc := range map[string]struct {
		g      programme
		change func(*score.Options)
	}{
		"published": {small, nil},
		"tuned":     {strong, func(o *score.Options) { o.Ladder.CrossValidate = 90 }},
		"no_signal": {programme{partners: 150, months: 36, seed: 12, base: -3.9}, nil},
		"few":       {programme{partners: 30, months: 24, seed: 3, base: -4.5}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := churn(t, tc.g.rows(), tc.change)
			got := golden(r)
			path := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-golden +now):\n%s", diff)
			}
		})
	}
}

// golden writes the tables of a night as text: a line per row of cards, bands and groups, coefficients that are not left
// out, and the partners of the highest bands.
func golden(r *score.ChurnResult) string {
	var b strings.Builder
	write := func(title string, rows []map[string]any, columns ...string) {
		fmt.Fprintln(&b, title)
		for _, row := range rows {
			for _, c := range columns {
				switch v := row[c].(type) {
				case nil:
				case float64:
					fmt.Fprintf(&b, "  %s=%.4g", c, v)
				default:
					fmt.Fprintf(&b, "  %s=%v", c, v)
				}
			}
			fmt.Fprintln(&b)
		}
	}
	write("cards", table(r.Cards), "role", "method", "verdict", "reason", "churns_train", "lambda_value", "coefficients", "auc", "auc_low", "auc_high", "auc_recency",
		"brier", "calibration_slope", "observed_expected", "recalibration", "recalibration_churns", "drifted_features", "score_psi", "outcome_z")
	fitted := slices.DeleteFunc(table(r.Coefficients), func(c map[string]any) bool { return c["state"] == "left out" })
	write("coefficients", fitted, "feature", "state", "standard_coefficient", "std_error", "psi", "drift")
	write("bands", table(r.Bands), "band", "partners", "lowest_score", "held_out", "churned")
	write("groups", table(r.Groups), "group_kind", "group_name", "churned", "expected", "observed_expected", "low", "high", "flagged_share", "false_positive_share", "status")
	high := slices.DeleteFunc(table(r.Partners), func(p map[string]any) bool { return p["band"] != "high" })
	write("high", high[:min(len(high), 5)], "partner_id", "status", "probability", "low", "high", "reason_1", "lowers_1")
	return b.String()
}
