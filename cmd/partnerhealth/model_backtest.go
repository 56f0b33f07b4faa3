package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// backtestTable is the published table of the backtest.
const backtestTable = "model_backtest"

func newModelBacktestCommand(t terminal) *cobra.Command {
	var (
		configPath, plotFile string
		format               formatFlags
	)
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "Show every past quarter's alerts against what then happened",
		Long: `Show the walk-forward backtest: for the start of each quarter of the history the score is made
from what was known that day, and the partners that it would have flagged are held against what
then happened: how many left (precision), how many of those that left had been flagged (recall),
the same for as many partners flagged by days since the last deal alone, how many days the flag
came before, and the revenue that went with those caught.`,
		Example: `  partnerhealth model backtest
  partnerhealth model backtest --plot backtest.svg
  partnerhealth query "SELECT * FROM model_backtest_alert WHERE quarter = '2026Q1'"`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			if plotFile != "" && (format.csv || format.json) {
				return usageError{errors.New("--plot writes a picture: give it without --csv and --json")}
			}
			ctx := cmd.Context()
			return withPublished(ctx, configPath, func(_ *config.Config, db *warehouse.Reader) error {
				if format.csv || format.json {
					rows, err := db.Table(ctx, backtestTable)
					if err != nil {
						return err
					}
					return format.write(t, toResult(rows))
				}
				n, err := run.ReadModels(ctx, db)
				if err != nil {
					return err
				}
				if plotFile != "" {
					return plotBacktest(t, n, plotFile)
				}
				return report.WriteBacktest(t.out, n)
			})
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().StringVar(&plotFile, "plot", "", "write the plot of the backtest into this SVG file")
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print the quarters as CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print the quarters as a JSON array of objects")
	return cmd
}

// plotBacktest writes the plot and says what it shows.
func plotBacktest(t terminal, n *report.ModelNight, path string) error {
	svg, err := report.PlotBacktest(n)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, svg, 0o644); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	_, err = fmt.Fprintf(t.out, "%s: %s\n", path, n.BacktestFinding())
	return err
}
