package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

type runFlags struct {
	config, asOf, knownAt string

	dryRun, allowShrink, json bool
}

func newRunCommand(t terminal) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run one night: read the exports, build the database, publish alerts and QBR data",
		Long: `Run one night: read new exports, rebuild the database, score, check, publish.

At a terminal each stage is shown; under a scheduler nothing is printed but warnings, on
standard error. The same exports, configuration and as-of date give the same tables, however
often and whenever the night is run. A night that was killed is continued by the next.

With --known-at a night of the past is built again from the exports that had been received
by then, whatever came later: no new export is read, the result lies in <state>/rebuilt, and
the current night stays current.`,
		Example: "  partnerhealth run --config partnerhealth.yaml\n  partnerhealth run --config partnerhealth.yaml --as-of 2026-10-31 --json\n  partnerhealth run --as-of 2026-09-30 --known-at 2026-10-01",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runNight(cmd.Context(), t, f) },
	}
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "last day that the night knows, YYYY-MM-DD (default: yesterday in the programme's time zone)")
	cmd.Flags().StringVar(&f.knownAt, "known-at", "", "build the night again from what had been received by then: a day (to its end in the programme's time zone) or a time like 2026-10-01T06:00:00Z")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "read and type every export, write nothing")
	cmd.Flags().BoolVar(&f.allowShrink, "allow-shrink", false, "let complete exports delete any number of rows, after somebody has looked at what was refused")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summary as JSON")
	return cmd
}

func runNight(ctx context.Context, t terminal, f runFlags) error {
	c, err := loadConfig(f.config)
	if err != nil {
		return err
	}
	asOf, err := asOfDay(t, c, f.asOf)
	if err != nil {
		return err
	}
	knownAt, err := knownAtMoment(c, f)
	if err != nil {
		return err
	}
	opt := run.Options{Config: c, AsOf: asOf, KnownAt: knownAt, AllowShrink: f.allowShrink, Version: codeVersion(), DryRun: f.dryRun, EmailKey: emailKey(c), Now: t.now}
	watched := t.interactive() && !f.json
	if watched {
		printf(t.out, "%s, as of %s\n\n", c.Program.Name, asOf.Format(time.DateOnly))
		opt.Observer = newWatcher(t.out)
	}
	summary, err := run.Night(ctx, opt)
	if err != nil {
		return err
	}
	switch {
	case f.json:
		err = writeSummaryJSON(t.out, summary)
	case watched:
		writeSummary(t.out, summary)
	default:
		writeWarnings(t.err, summary)
		if summary.KnownAt != "" {
			fmt.Fprintln(t.out, summary.Published)
		}
	}
	if err == nil && len(summary.Warnings) > 0 {
		err = errWarnings
	}
	return err
}

// asOfDay reads the as-of date. Without one it is yesterday in the programme's zone: the last whole day.
func asOfDay(t terminal, c *config.Config, text string) (time.Time, error) {
	if text != "" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return time.Time{}, usageError{fmt.Errorf("--as-of %q is not a day like 2026-10-31", text)}
		}
		return day, nil
	}
	zone, err := time.LoadLocation(c.Program.Timezone)
	if err != nil {
		return time.Time{}, fmt.Errorf("load time zone: %w", err)
	}
	yesterday := t.now().In(zone).AddDate(0, 0, -1)
	return time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 0, 0, 0, 0, time.UTC), nil
}

// knownAtMoment reads the moment up to which exports count; zero where none is given. A day counts to its end.
func knownAtMoment(c *config.Config, f runFlags) (time.Time, error) {
	if f.knownAt == "" {
		return time.Time{}, nil
	}
	switch {
	case f.asOf == "":
		return time.Time{}, usageError{errors.New("--known-at needs the night to build again: add --as-of YYYY-MM-DD")}
	case f.dryRun:
		return time.Time{}, usageError{errors.New("--known-at reads no exports, so that --dry-run has nothing to do")}
	}
	if t, err := time.Parse(time.RFC3339, f.knownAt); err == nil {
		return t, nil
	}
	day, err := time.Parse(time.DateOnly, f.knownAt)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--known-at %q is neither a day like 2026-10-31 nor a time like 2026-10-31T06:00:00Z", f.knownAt)}
	}
	zone, err := time.LoadLocation(c.Program.Timezone)
	if err != nil {
		return time.Time{}, fmt.Errorf("load time zone: %w", err)
	}
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone).Add(-time.Microsecond), nil
}

// emailKey is the key of the e-mail hash: the one thing that is never written into a file.
func emailKey(c *config.Config) []byte {
	if c.People.EmailKeyEnv == "" {
		return nil
	}
	return []byte(os.Getenv(c.People.EmailKeyEnv))
}

// openPath is the page to open, relative to where the person stands if that is shorter.
func openPath(s *run.Summary) string {
	page := filepath.Join(filepath.Dir(s.Published), "current", "pages", "index.html")
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, page); err == nil && len(rel) < len(page) {
			return rel
		}
	}
	return page
}

// errNotPublished says what to do when there is nothing to read yet.
var errNotPublished = errors.New("nothing has been published yet: run `partnerhealth run` first")
