package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/builtin"
)

func newPresetCommand(t terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preset",
		Short: "List and show the built-in presets, which know the exports of common systems",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newPresetListCommand(t), newPresetShowCommand(t))
	return cmd
}

func newPresetListCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the built-in presets",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return listPresets(t.out) },
	}
}

func newPresetShowCommand(t terminal) *cobra.Command {
	var parameters bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a built-in preset as the mapping file that it is",
		Long: `Print a built-in preset. It is a mapping file like your own ones: print it into a file, change
it, and name the file as ` + "`mapping:`" + ` of a source. With --parameters only what a source
states or may state under ` + "`with:`" + ` is printed, with its meaning and its default.`,
		Example: "  partnerhealth preset show salesforce --parameters\n  partnerhealth preset show docebo > mappings/academy.yaml",
		Args:    between(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := builtin.Read(args[0])
			if err != nil {
				return usageError{err}
			}
			if parameters {
				return showParameters(t.out, args[0], data)
			}
			_, err = t.out.Write(data)
			return err
		},
	}
	cmd.Flags().BoolVar(&parameters, "parameters", false, "print only what a source states under `with:`")
	return cmd
}

func listPresets(w io.Writer) error {
	names := builtin.Names()
	width := 0
	for _, name := range names {
		width = max(width, len(name))
	}
	for _, name := range names {
		m, err := builtin.Example(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-*s  %s\n", width, name, m.Title)
	}
	fmt.Fprintf(w, "\nShow one:        partnerhealth preset show salesforce --parameters\nFind out which:  partnerhealth init --from FOLDER\n")
	return nil
}

// showParameters tells what a source may state, the required ones first.
func showParameters(w io.Writer, name string, data []byte) error {
	parameters, err := preset.Parameters(name, data)
	if err != nil {
		return err
	}
	for _, required := range []bool{true, false} {
		for _, p := range parameters {
			if p.Required != required {
				continue
			}
			fmt.Fprintf(w, "%s  (%s)\n    %s\n", p.Name, parameterKind(&p), p.About)
			if p.Default != nil {
				fmt.Fprintf(w, "    default: %s\n", p.Text(p.Default))
			}
			if p.Example != nil {
				fmt.Fprintf(w, "    example: %s\n", p.Text(p.Example))
			}
		}
	}
	return nil
}

func parameterKind(p *preset.Parameter) string {
	kind := "text"
	switch {
	case p.List:
		kind = "list"
	case p.Map:
		kind = "map"
	}
	if p.Required {
		kind += ", required"
	}
	return kind
}
