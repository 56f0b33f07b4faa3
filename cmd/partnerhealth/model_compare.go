package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

func newModelCompareCommand(t terminal) *cobra.Command {
	var (
		configPath string
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "compare [NIGHT [NIGHT]]",
		Short: "Compare the models of two nights, and say why partners' risks moved",
		Long: `Compare the churn models of two nights: verdict, method, window, measures, coefficients that
moved, and the partners whose risk moved most. A move is told as what the partner's own numbers
changed, at the coefficients of the first night, plus one part "model refit".

NIGHT is an as-of day (YYYY-MM-DD) or a run id of a published night. With one NIGHT it is compared
with the current night; with none the current night is compared with the one before. A night whose
folder is no longer kept is told from the record that its run left.`,
		Example: `  partnerhealth model compare
  partnerhealth model compare 2026-09-30
  partnerhealth model compare 2026-09-30 2026-10-31 --json`,
		Args: between(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(configPath)
			if err != nil {
				return err
			}
			comparison, err := run.CompareModels(cmd.Context(), c, args...)
			if err != nil {
				return compareError(err)
			}
			if asJSON {
				return writeIndented(t.out, comparison)
			}
			return report.WriteComparison(t.out, comparison)
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the same facts as JSON, with every partner that has a risk on both nights")
	return cmd
}

// compareError says which nights cannot be compared as wrong usage: the message has those that can.
func compareError(err error) error {
	var (
		unknown *run.UnknownNameError
		gone    *run.NightGoneError
		first   *run.NoEarlierNightError
	)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNotPublished
	case errors.As(err, &unknown), errors.As(err, &gone), errors.As(err, &first):
		return usageError{err}
	}
	return err
}
