package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
)

func newRunsCommand(t terminal) *cobra.Command {
	var (
		configPath string
		format     formatFlags
	)
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "Show what past nights did",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := format.check(); err != nil {
				return err
			}
			c, err := loadConfig(configPath)
			if err != nil {
				return err
			}
			runs, err := publish.List(c.State)
			if err := format.write(t, runsTable(runs)); err != nil {
				return err
			}
			return err
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print a JSON array of objects")
	return cmd
}

// runsTable lists runs, the newest first.
func runsTable(runs []runlog.Run) result {
	r := result{
		Columns: []string{"run_id", "as_of", "status", "started_at", "seconds", "attempt", "warnings", "folder", "last_stage", "error"},
		Types:   []string{"VARCHAR", "DATE", "VARCHAR", "TIMESTAMP", "DOUBLE", "BIGINT", "BIGINT", "VARCHAR", "VARCHAR", "VARCHAR"},
	}
	for i := range runs {
		run := &runs[i]
		seconds, stage := "", ""
		if !run.Finished.IsZero() {
			seconds = fmt.Sprintf("%.1f", run.Finished.Sub(run.Started).Seconds())
		}
		if n := len(run.Stages); n > 0 {
			stage = run.Stages[n-1].Name
		}
		cells := []string{run.ID, run.AsOf, string(run.Status), run.Started.Format(time.DateTime), seconds, strconv.Itoa(run.Attempt),
			strconv.Itoa(len(run.Warnings)), run.Folder, stage, run.Error}
		row := make([]*string, len(cells))
		for j := range cells {
			if cells[j] != "" {
				row[j] = &cells[j]
			}
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}
