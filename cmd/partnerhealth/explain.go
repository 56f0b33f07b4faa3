package main

import (
	"context"
	"errors"
	"fmt"

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
			return withPublished(cmd.Context(), configPath, func(_ *config.Config, db *warehouse.Reader) error {
				return explain(cmd.Context(), t, db, args, period, format)
			})
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().StringVar(&period, "period", "", "period of the metric, such as 2026Q3 (default: the newest finished quarter)")
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print the records as CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print the records as a JSON array")
	return cmd
}

func explain(ctx context.Context, t terminal, db *warehouse.Reader, args []string, period string, format formatFlags) error {
	var parts []*run.Explanation
	var err error
	if len(args) == 2 {
		var e *run.Explanation
		e, err = run.ExplainMetric(ctx, db, args[0], args[1], period)
		parts = []*run.Explanation{e}
	} else {
		parts, err = run.ExplainScores(ctx, db, args[0])
	}
	var unknown *run.UnknownNameError
	if errors.As(err, &unknown) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	for i, e := range parts {
		if !format.csv && !format.json {
			if i == 0 {
				fmt.Fprintf(t.out, "%s (%s)\n", e.PartnerName, e.PartnerID)
			}
			for _, line := range e.Lines {
				fmt.Fprintf(t.out, "%s\n", line)
			}
		}
		if e.Trail == nil {
			continue
		}
		if err := format.write(t, toResult(e.Trail)); err != nil {
			return err
		}
	}
	return nil
}
