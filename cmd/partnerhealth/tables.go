package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

func newTablesCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "tables [NAME]",
		Short: "List the tables that a mapping fills, or the columns of one",
		Long: `List the canonical tables that a mapping fills, with what one row is, or the columns of one
table with their types and meanings. Columns of the key are marked *; a mapping must fill
them and those marked "required".`,
		Example: "  partnerhealth tables\n  partnerhealth tables opportunity",
		Args:    between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listTables(t.out)
			}
			table, ok := contract.Lookup(args[0])
			if !ok {
				return usageError{fmt.Errorf("no table is called %q; `partnerhealth tables` lists them", args[0])}
			}
			return showTable(t.out, table)
		},
	}
}

func listTables(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, table := range contract.Tables() {
		fmt.Fprintf(out, "%s\t%s\n", table.Name, table.Grain)
	}
	return out.Flush()
}

func showTable(w io.Writer, table *contract.Table) error {
	fmt.Fprintf(w, "%s: %s; key %s\n\n", table.Name, table.Grain, strings.Join(table.Key, ", "))
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range table.Columns {
		mark, need := "  ", ""
		if table.IsKey(c.Name) {
			mark = "* "
		}
		if !c.Nullable {
			need = "required"
		}
		meaning := c.Meaning
		if len(c.Enum) > 0 {
			meaning += ": " + strings.Join(c.Enum, ", ")
		}
		fmt.Fprintf(out, "%s%s\t%s\t%s\t%s\n", mark, c.Name, c.Type, need, meaning)
	}
	return out.Flush()
}
