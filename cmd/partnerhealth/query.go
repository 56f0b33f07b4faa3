package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

func newQueryCommand(t terminal) *cobra.Command {
	var (
		configPath, file string
		format           formatFlags
	)
	cmd := &cobra.Command{
		Use:   "query [SQL]",
		Short: "Query the published database, read-only",
		Long: `Query the published database with DuckDB SQL. Nothing can be written, attached or read
beside the published tables. Any DuckDB client can open the same file:
<state>/published/current/partnerhealth.duckdb

Begin with:  partnerhealth query "SELECT * FROM readme"`,
		Example: `  partnerhealth query "SELECT metric, definition FROM metric_catalog"
  partnerhealth query --csv "SELECT * FROM rpt_churn_alert" > alerts.csv
  partnerhealth query --json -f question.sql`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := format.check(); err != nil {
				return err
			}
			statement, err := statementOf(cmd.InOrStdin(), args, file)
			if err != nil {
				return err
			}
			if strings.TrimSpace(statement) == "" {
				return usageError{errors.New("the statement is empty; begin with \"SELECT * FROM readme\"")}
			}
			return withPublished(cmd.Context(), configPath, func(_ *config.Config, db *warehouse.Reader) error {
				rows, err := db.Query(cmd.Context(), statement)
				if err != nil {
					return fmt.Errorf("run query: %w", err)
				}
				return format.write(t, toResult(rows))
			})
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print a JSON array of objects")
	cmd.Flags().StringVarP(&file, "file", "f", "", "read the statement from a file, - for standard input")
	return cmd
}

// statementOf takes the statement from the argument or from a file, and from one of them only.
func statementOf(in io.Reader, args []string, file string) (string, error) {
	switch {
	case len(args) == 1 && file != "":
		return "", usageError{errors.New("give the statement or --file, not both")}
	case len(args) == 1:
		return args[0], nil
	case file == "-":
		data, err := io.ReadAll(in)
		return string(data), err
	case file != "":
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read statement: %w", err)
		}
		return string(data), nil
	default:
		return "", usageError{errors.New("give a statement, for example: partnerhealth query \"SELECT * FROM readme\"")}
	}
}
