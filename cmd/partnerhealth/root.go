package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
)

// terminal is the outside world of the command: its streams and its clock.
type terminal struct {
	out, err         io.Writer
	outFile, errFile *os.File
	now              func() time.Time
}

// interactive reports whether a person watches standard output.
func (t terminal) interactive() bool {
	return t.outFile != nil && term.IsTerminal(int(t.outFile.Fd()))
}

const longHelp = `partnerhealth turns the exports of a partner programme (CRM, LMS, portal, finance) into
one DuckDB database with published definitions, churn alerts for partner managers and
QBR data sets. A scheduler runs it every night.

Start with:  partnerhealth demo

Exit codes:
  0    published, or the command did what it was asked
  1    failed; yesterday's output stays current
  2    wrong usage or configuration
  3    published, with refused records or warnings
  4    a data-quality gate stopped publication; yesterday's output stays current
  5    another run holds the lock
  130  interrupted; the next run continues`

// execute runs the command line and returns the exit code; it prints the error, nobody else does.
func execute(ctx context.Context, t terminal, args []string) int {
	root := newRoot(t)
	root.SetArgs(args)
	root.SetOut(t.out)
	root.SetErr(t.err)
	command, err := root.ExecuteContextC(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(errInterrupted, err)
	}
	return conclude(t.err, command.CommandPath(), err)
}

func newRoot(t terminal) *cobra.Command {
	root := &cobra.Command{
		Use:               "partnerhealth",
		Short:             "Partner programme health: KPIs, churn alerts and QBR data from your exports",
		Long:              longHelp,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		Args:              knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRunCommand(t),
		newCheckCommand(t),
		newQueryCommand(t),
		newExplainCommand(t),
		newModelCommand(t),
		newRejectsCommand(t),
		newUnresolvedCommand(t),
		newRunsCommand(t),
		newInitCommand(t),
		newPresetCommand(t),
		newTablesCommand(t),
		newSynthCommand(t),
		newDemoCommand(t),
		newVersionCommand(t),
	)
	return root
}

// knownCommand refuses what is no command as wrong usage, with the commands that may have been meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		text += ", did you mean " + strings.Join(like, " or ") + "?"
	}
	return usageError{errors.New(text)}
}

// noArguments and between refuse too few and too many arguments as wrong usage.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes no arguments, %q is one", cmd.CommandPath(), args[0])}
}

func between(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if low <= len(args) && len(args) <= high {
			return nil
		}
		return usageError{fmt.Errorf("%d arguments are given, it is: %s %s", len(args), cmd.Parent().CommandPath(), cmd.Use)}
	}
}

// configFlag adds the flag that names the configuration.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "partnerhealth.yaml", "configuration file")
}

// loadConfig reads the configuration. That it is not there is wrong usage: the name is mistyped, or the person
// stands in another folder.
func loadConfig(path string) (*config.Config, error) {
	c, err := config.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("there is no configuration %s; name one with --config, or begin with `partnerhealth demo`", path)}
	}
	return c, err
}
