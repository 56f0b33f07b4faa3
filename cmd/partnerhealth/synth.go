package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
)

// lastDay is the last day of a synthetic programme unless another is asked for. It is fixed, so that the
// same command gives the same programme next year.
var lastDay = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

// maxEvents keeps a mistyped number from filling the disk.
const maxEvents = 100_000

type synthFlags struct {
	out, until       string
	dialect          string
	partners, months int
	events           int
	seed             uint64
}

func newSynthCommand(t terminal) *cobra.Command {
	var f synthFlags
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Generate a synthetic partner programme with planted truth",
		Long: `Generate the exports of a synthetic partner programme as a CRM, an LMS, a portal, a
finance sheet and a survey tool would write them, with mappings and a configuration that
run on them, and beside them the planted truth: who fades and since when, who sourced what.
The same seed gives the same bytes.

With --dialect the same programme is exported as one vendor's system would: its files, columns and
words. What that system has no place for is written plainly beside it. Dialects:

` + dialectList() + `
  mixed                exports of several vendors and no configuration: a folder for partnerhealth init`,
		Example: "  partnerhealth synth --out ./programme --partners 500 --months 36 --seed 7\n  partnerhealth run --config ./programme/partnerhealth.yaml --as-of 2026-10-31",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.out == "" {
				return usageError{errors.New("--out is required: the folder to write into")}
			}
			made, err := synthesise(cmd.Context(), f)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "%s: %d partners, %d months, %d files%s\nNext: %s\n",
				f.out, f.partners, f.months, len(made.Files), events(made), next(f, made))
			return err
		},
	}
	cmd.Flags().StringVar(&f.out, "out", "", "folder to write into")
	cmd.Flags().StringVar(&f.dialect, "dialect", "plain", "whose exports to write")
	scaleFlags(cmd, &f)
	return cmd
}

// scaleFlags adds the flags that say how large a programme is.
func scaleFlags(cmd *cobra.Command, f *synthFlags) {
	cmd.Flags().IntVar(&f.partners, "partners", 400, "number of partners")
	cmd.Flags().IntVar(&f.months, "months", 36, "months of history")
	cmd.Flags().IntVar(&f.events, "events", 12, "portal events a partner and month, about")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the generator")
	cmd.Flags().StringVar(&f.until, "until", lastDay.Format(time.DateOnly), "last day of the programme, YYYY-MM-DD")
}

// synthesise writes the programme. A folder that holds something else is refused, so that nothing of the
// user's is overwritten.
func synthesise(ctx context.Context, f synthFlags) (*fixtures.Made, error) {
	until, err := time.Parse(time.DateOnly, f.until)
	if err != nil {
		return nil, usageError{fmt.Errorf("--until %q is not a day like 2026-10-31", f.until)}
	}
	for _, n := range []struct {
		flag             string
		value, low, high int
	}{
		{"--partners", f.partners, 1, programme.MaxPartners},
		{"--months", f.months, programme.MinMonths, programme.MaxMonths},
		{"--events", f.events, 1, maxEvents},
	} {
		if n.value < n.low || n.value > n.high {
			return nil, usageError{fmt.Errorf("%s is %d, want %d to %d", n.flag, n.value, n.low, n.high)}
		}
	}
	if err := mayWriteInto(f.out); err != nil {
		return nil, err
	}
	world := programme.Options{Partners: f.partners, Months: f.months, Seed: f.seed, Until: until, EventsPerPartnerMonth: f.events}
	if f.dialect == "" || f.dialect == "plain" {
		return fixtures.Write(ctx, f.out, world, plain.Options{})
	}
	if _, err := fixtures.FindDialect(f.dialect); err != nil && f.dialect != fixtures.Mixed {
		return nil, usageError{err}
	}
	return fixtures.WriteDialect(ctx, f.out, f.dialect, world)
}

// dialectList names the dialects, a line each.
func dialectList() string {
	var b strings.Builder
	for _, d := range fixtures.Dialects() {
		fmt.Fprintf(&b, "  %-20s %s\n", d.Name(), d.About())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// events says how many portal events were written, where they are counted.
func events(made *fixtures.Made) string {
	if made.Events == 0 {
		return ""
	}
	return fmt.Sprintf(", %d portal events", made.Events)
}

// next is the command that goes on with what was written.
func next(f synthFlags, made *fixtures.Made) string {
	if made.Config == "" {
		return "partnerhealth init --from " + filepath.Join(f.out, "exports")
	}
	return "partnerhealth run --config " + made.Config + " --as-of " + f.until
}

// mayWriteInto accepts a folder that is absent, empty, or holds an earlier synthetic programme.
func mayWriteInto(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "truth")); err == nil {
		return nil
	}
	return usageError{fmt.Errorf("%s is not empty and holds no synthetic programme; choose another folder", dir)}
}
