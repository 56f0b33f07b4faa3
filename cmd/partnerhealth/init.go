package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run/start"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
)

type initFlags struct {
	from  open.Place
	out   string
	force bool
	hints start.Hints
}

func newInitCommand(t terminal) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Look at a folder of exports and write the configuration that reads them",
		Long: `Look at the beginning of every export in a folder, recognise the systems that wrote them by
the built-in presets, and write a configuration that runs. What only you can know is
assumed and marked ASK. For exports that no preset knows a mapping to complete is written
beside it, with their columns. Nothing is replaced without --force.`,
		Example: "  partnerhealth init --from exports\n  partnerhealth init --from s3://acme-exports/partners/ --region eu-central-1 --currency EUR --timezone Europe/Berlin",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return initialise(cmd.Context(), t, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from.Path, "from", "", "folder of exports, or s3://bucket/folder/")
	flags.StringVar(&f.out, "out", "partnerhealth.yaml", "configuration to write")
	flags.BoolVar(&f.force, "force", false, "replace files that are there")
	flags.StringVar(&f.hints.Name, "name", "", "name of the partner programme")
	flags.StringVar(&f.hints.Currency, "currency", "", "reporting currency, such as EUR")
	flags.StringVar(&f.hints.Timezone, "timezone", "", "time zone of days and of times that carry none, such as Europe/Berlin")
	flags.StringVar(&f.from.Endpoint, "endpoint", "", "address of an S3 store other than Amazon's")
	flags.StringVar(&f.from.Region, "region", "", "region of the bucket")
	return cmd
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// verify refuses flags that the configuration would refuse.
func (f *initFlags) verify() error {
	if f.from.Path == "" {
		return usageError{errors.New("--from is required: the folder of your exports")}
	}
	if c := f.hints.Currency; c != "" && !currencyForm.MatchString(c) {
		return usageError{fmt.Errorf("--currency %q is no currency code like EUR", c)}
	}
	if z := f.hints.Timezone; z != "" {
		if _, err := time.LoadLocation(z); err != nil || z == "Local" {
			return usageError{fmt.Errorf("--timezone %q is no IANA time zone like Europe/Berlin", z)}
		}
	}
	return nil
}

func initialise(ctx context.Context, t terminal, f initFlags) error {
	if err := f.verify(); err != nil {
		return err
	}
	found, err := start.Look(ctx, f.from, f.hints)
	var folder *source.FolderError
	if errors.Is(err, start.ErrNothing) || errors.As(err, &folder) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	written, err := found.Write(f.out, f.force)
	var exists *start.ExistsError
	if errors.As(err, &exists) {
		return usageError{fmt.Errorf("%w and was left as it is: choose another file with --out, or replace it with --force", err)}
	}
	var inside *start.InsideError
	if errors.As(err, &inside) {
		return usageError{fmt.Errorf("%w: choose a place beside them, for example --out ../partnerhealth.yaml", err)}
	}
	if err != nil {
		return err
	}
	if err := tellFindings(t.out, found, written); err != nil {
		return err
	}
	if len(found.Instances) == 0 {
		_, err := fmt.Fprintf(t.out, "\nNo preset knows these exports (partnerhealth preset list shows what there is).\nNext: complete %s, and list its source in %s\n", written[len(written)-1], f.out)
		return err
	}
	if _, err := config.Load(f.out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "\nNext: partnerhealth check --config %s\n      partnerhealth run --config %s\n", f.out, f.out)
	return err
}

// tellFindings prints what was found, what was assumed and what was written.
func tellFindings(w io.Writer, found *start.Findings, written []string) error {
	printf(w, "Looked at %s in %s\n\n", plural(found.Listed, "export", "exports"), found.From.Path)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  source\tpreset\tfolder\tfiles\twhat they are")
	for i := range found.Instances {
		in := &found.Instances[i]
		for j, kind := range in.Kinds() {
			lead := "  \t\t\t\t"
			if j == 0 {
				lead = fmt.Sprintf("  %s\t%s\t%s\t%d\t", visible(in.Name), in.Preset, folderText(in.Folder), len(in.Files))
			}
			fmt.Fprintln(table, lead+visible(kind))
		}
	}
	for _, u := range found.Unknown {
		printf(table, "  %s\t-\t%s\t%d\tnot recognised: %s\n", u.Name, folderText(u.Folder), len(u.Files), u.MappingFile())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(found.Troubled) > 0 {
		fmt.Fprintln(w, "\nThese cannot be looked into:")
	}
	for _, file := range found.Troubled {
		printf(w, "  %s\n", file.Complaint())
	}
	if err := tellAssumptions(w, found, written[0]); err != nil {
		return err
	}
	printf(w, "\nWrote %s\n", strings.Join(written, ", "))
	return nil
}

func folderText(folder string) string {
	if folder == "" {
		return "."
	}
	return visible(folder) + "/"
}

// tellAssumptions lists the lines of the configuration that a person should confirm, and those that only wait for
// an answer.
func tellAssumptions(w io.Writer, found *start.Findings, file string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if assumed := found.Assumed(); len(assumed) > 0 {
		fmt.Fprintf(w, "\nAssumed; please confirm the lines marked ASK in %s:\n", file)
		for _, s := range assumed {
			fmt.Fprintf(table, "  %s: %s\t%s\n", s.Key, s.Value, s.Why)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if proposed := found.Proposed(); len(proposed) > 0 {
		fmt.Fprintln(w, "\nLeft open, as comments marked ASK; a night runs without, and tells more with an answer:")
		for _, s := range proposed {
			fmt.Fprintf(table, "  %s\t%s\n", s.Key, s.Why)
		}
	}
	return table.Flush()
}
