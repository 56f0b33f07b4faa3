package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
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
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(errInterrupted, err)
	}
	return conclude(t.err, err)
}

func newRoot(t terminal) *cobra.Command {
	root := &cobra.Command{
		Use:               "partnerhealth",
		Short:             "Partner programme health: KPIs, churn alerts and QBR data from your exports",
		Long:              longHelp,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRunCommand(t),
		newCheckCommand(t),
		newQueryCommand(t),
		newExplainCommand(t),
		newRejectsCommand(t),
		newRunsCommand(t),
		newSynthCommand(t),
		newDemoCommand(t),
		newVersionCommand(t),
	)
	return root
}

// noArguments and exactly refuse surplus arguments as wrong usage.
func noArguments(cmd *cobra.Command, args []string) error {
	return asUsage(cobra.NoArgs(cmd, args))
}

func between(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		return asUsage(cobra.RangeArgs(low, high)(cmd, args))
	}
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// configFlag adds the flag that names the configuration.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "partnerhealth.yaml", "configuration file")
}
