package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

func newModelCommand(t terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Tell what the churn model is, how it changed, and how its alerts turned out",
		Long: `Tell what the churn score rests on: the card of tonight's model, two nights side by side,
and every past quarter's alerts against what then happened. The same in plain words is on the
page <state>/published/current/pages/churn-risk.html.`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newModelShowCommand(t), newModelCompareCommand(t), newModelBacktestCommand(t))
	return cmd
}

func newModelShowCommand(t terminal) *cobra.Command {
	var (
		configPath string
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "show [MODEL]",
		Short: "Show the card of a model: what it learned from, how it did on what it never saw, its coefficients",
		Long: `Show the card of a model: what it predicts and what it learned from, how it was chosen, how it
did on quarters that it never saw beside recency alone, the rule score and the base rate, its
risk bands with what became of partners in them, its coefficients, groups and drift.

MODEL is a model_id, a role (published, stand_in, shadow, rejected, baseline) or a method (ridge,
ridge_cv, scorecard, recency, majority). Without it: the method that ranks the partners tonight.`,
		Example: `  partnerhealth model show
  partnerhealth model show shadow
  partnerhealth model show --json | jq '.models[0].measures.auc'`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return withModels(cmd.Context(), configPath, func(n *report.ModelNight) error {
				return showModels(t.out, n, name, asJSON)
			})
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the same facts as JSON: an object with the night and an array of models")
	return cmd
}

// withModels reads the churn models of the current night.
func withModels(ctx context.Context, configPath string, do func(*report.ModelNight) error) error {
	return withPublished(ctx, configPath, func(_ *config.Config, db *warehouse.Reader) error {
		n, err := run.ReadModels(ctx, db)
		if err != nil {
			return err
		}
		return do(n)
	})
}

func showModels(w io.Writer, n *report.ModelNight, name string, asJSON bool) error {
	models, err := n.Choose(name)
	var unknown *report.UnknownModelError
	switch {
	case errors.As(err, &unknown):
		return usageError{err}
	case err != nil:
		return err
	case asJSON:
		return writeIndented(w, struct {
			Program string             `json:"program"`
			AsOf    string             `json:"as_of"`
			RunID   string             `json:"run_id"`
			Models  []report.ModelCard `json:"models"`
		}{n.Program, n.AsOf, n.RunID, models})
	}
	for i := range models {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := report.WriteModelCard(w, n, &models[i]); err != nil {
			return err
		}
	}
	return nil
}

// writeIndented writes a document as indented JSON.
func writeIndented(w io.Writer, document any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(document)
}
