package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

func newExplainCommand(t terminal) *cobra.Command {
	var (
		configPath, period string
		format             formatFlags
	)
	cmd := &cobra.Command{
		Use:   "explain PARTNER [METRIC]",
		Short: "Show where a partner's score or number came from, down to the record in the export",
		Long: `Show where a number came from. With a partner alone: its health score with each signal's
points, and the reasons of its churn risk. With a metric: the value, its parts and
definition, and every record behind it with file and record of the export.

PARTNER is a partner's name or id; METRIC is a name of metric_catalog.`,
		Example: `  partnerhealth explain "Alpine Systems"
  partnerhealth explain "Alpine Systems" win_rate --period 2026Q3`,
		Args: between(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := format.check(); err != nil {
				return err
			}
			if err := checkScores(args, period, format); err != nil {
				return err
			}
			return withPublished(cmd.Context(), configPath, func(_ *config.Config, db *warehouse.Reader) error {
				return explain(cmd.Context(), t, db, args, period, format)
			})
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().StringVar(&period, "period", "", "period of the metric, such as 2026Q3 (default: the newest finished quarter)")
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print the records as CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print the records as a JSON array; without METRIC an object of two arrays, health_score and churn_risk")
	return cmd
}

// checkScores refuses what makes sense for a metric only: without METRIC there is no period, and what is told
// is two tables.
func checkScores(args []string, period string, format formatFlags) error {
	switch {
	case len(args) == 2:
		return nil
	case period != "":
		return usageError{errors.New("--period needs a METRIC: the scores are those of the last night")}
	case format.csv:
		return usageError{errors.New("--csv needs a METRIC: the scores are two tables; take --json, or query fct_health_signal and score_churn_contribution")}
	}
	return nil
}

func explain(ctx context.Context, t terminal, db *warehouse.Reader, args []string, period string, format formatFlags) error {
	parts, err := explanations(ctx, db, args, period)
	var unknown *run.UnknownNameError
	switch {
	case errors.As(err, &unknown):
		return usageError{err}
	case err != nil:
		return err
	case format.json && len(parts) == 2:
		return writeScoresJSON(t.out, parts[0], parts[1])
	case format.json, format.csv:
		return format.write(t, toResult(parts[0].Trail))
	}
	printf(t.out, "%s (%s)\n", parts[0].PartnerName, parts[0].PartnerID)
	for _, e := range parts {
		for _, line := range e.Lines {
			printf(t.out, "%s\n", line)
		}
		if e.Trail == nil {
			continue
		}
		if err := writeTable(t.out, toResult(e.Trail)); err != nil {
			return err
		}
	}
	return nil
}

// explanations are one for a metric, and two for a partner alone: its health and its churn risk.
func explanations(ctx context.Context, db *warehouse.Reader, args []string, period string) ([]*run.Explanation, error) {
	if len(args) == 1 {
		return run.ExplainScores(ctx, db, args[0])
	}
	e, err := run.ExplainMetric(ctx, db, args[0], args[1], period)
	return []*run.Explanation{e}, err
}

func writeScoresJSON(w io.Writer, health, churn *run.Explanation) error {
	fmt.Fprint(w, "{\"health_score\": ")
	if err := writeJSON(w, toResult(health.Trail)); err != nil {
		return err
	}
	fmt.Fprint(w, ", \"churn_risk\": ")
	if err := writeJSON(w, toResult(churn.Trail)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "}")
	return err
}
