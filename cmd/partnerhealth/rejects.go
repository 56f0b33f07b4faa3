package main

import (
	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

func newRejectsCommand(t terminal) *cobra.Command {
	var (
		configPath string
		last       bool
		format     formatFlags
	)
	cmd := &cobra.Command{
		Use:   "rejects",
		Short: "Show every refused record with its file, record, rule and next step",
		Long: `Show every record that was refused and every value that was dropped: the export, the
record and line, the column, the rule that it breaks, the value, and what to do next. The
full text of each record is in the Parquet files under <state>/lake/rejects.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			c, err := loadConfig(configPath)
			if err != nil {
				return err
			}
			rows, err := run.Rejects(cmd.Context(), c, last)
			if err != nil {
				return err
			}
			return format.write(t, toResult(rows))
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().BoolVar(&last, "last", false, "of the newest run that refused anything only")
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print a JSON array of objects")
	return cmd
}
