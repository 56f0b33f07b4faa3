package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
)

// lastDay is the last day of a synthetic programme unless another is asked for. It is fixed, so that the
// same command gives the same programme next year.
var lastDay = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

type synthFlags struct {
	out, until       string
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
The same seed gives the same bytes.`,
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
			_, err = fmt.Fprintf(t.out, "%s: %d partners, %d months, %d files, %d portal events\nNext: partnerhealth run --config %s --as-of %s\n",
				f.out, f.partners, f.months, len(made.Files), made.Events, filepath.Join(f.out, "partnerhealth.yaml"), f.until)
			return err
		},
	}
	cmd.Flags().StringVar(&f.out, "out", "", "folder to write into")
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
	if f.partners < 1 || f.months < 1 || f.events < 0 {
		return nil, usageError{errors.New("--partners and --months are at least 1, --events at least 0")}
	}
	if err := mayWriteInto(f.out); err != nil {
		return nil, err
	}
	return fixtures.Write(ctx, f.out, programme.Options{
		Partners: f.partners, Months: f.months, Seed: f.seed, Until: until, EventsPerPartnerMonth: f.events,
	}, plain.Options{})
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
