package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/run/identitymap"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// identityMapPreset is the built-in mapping that reads the sheet.
const identityMapPreset = "identity-map"

func newUnresolvedCommand(t terminal) *cobra.Command {
	var (
		configPath, sheet string
		limit             int
		format            formatFlags
	)
	cmd := &cobra.Command{
		Use:   "unresolved",
		Short: "List identifiers that belong to no known partner, with likely partners, and write the map",
		Long: `List the identifiers of partners and people that nobody could be found for: how many records
and how much money hang on each and count for nobody, and up to three partners that it may
mean, with what speaks for them. Likeness is offered to you and never used by itself.

--write makes a sheet of them, in a folder of its own. Fill in partner_id where you know it, name
the folder in the configuration as a source of the preset identity-map, and run: what is
declared there goes before every rule. Written again, the sheet keeps what you decided.`,
		Example: `  partnerhealth unresolved
  partnerhealth unresolved --write identity/map.csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			if sheet != "" && (format.csv || format.json) {
				return usageError{errors.New("--write writes a sheet and prints no table: leave out --csv and --json")}
			}
			if limit < 0 {
				return usageError{fmt.Errorf("--limit is %d, wants 0 for all, or more", limit)}
			}
			return withPublished(cmd.Context(), configPath, func(c *config.Config, db *warehouse.Reader) error {
				if sheet != "" && !cmd.Flags().Changed("limit") {
					limit = 0
				}
				rows, err := run.Unresolved(cmd.Context(), db, limit)
				switch {
				case err != nil:
					return err
				case sheet != "":
					return writeIdentityMap(t, c, configPath, sheet, rows)
				case format.csv || format.json:
					return format.write(t, toResult(rows))
				}
				return writeTable(t.out, choose(toResult(rows),
					"weight_rank", "id_source", "id_type", "id_value", "records", "amount_base", "last_on", "candidates"))
			})
		},
	}
	configFlag(cmd, &configPath)
	cmd.Flags().IntVar(&limit, "limit", 50, "how many identifiers, 0 for all; a sheet has all unless this is stated")
	cmd.Flags().StringVar(&sheet, "write", "", "write, or bring up to date, the sheet to complete")
	cmd.Flags().BoolVar(&format.csv, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&format.json, "json", false, "print a JSON array of objects")
	return cmd
}

// choose returns some columns of a table, in the order of names.
func choose(r result, names ...string) result {
	out := result{Columns: names, Types: make([]string, len(names)), Rows: make([][]*string, len(r.Rows))}
	for i := range r.Rows {
		out.Rows[i] = make([]*string, len(names))
	}
	for j, name := range names {
		at := slices.Index(r.Columns, name)
		if at < 0 {
			continue
		}
		out.Types[j] = r.Types[at]
		for i, row := range r.Rows {
			out.Rows[i][j] = row[at]
		}
	}
	return out
}

// writeIdentityMap brings the sheet up to date and says what to do with it.
func writeIdentityMap(t terminal, c *config.Config, configPath, path string, unresolved *warehouse.Rows) error {
	open, err := run.OpenIdentifiers(unresolved)
	if err != nil {
		return err
	}
	before, err := readIdentityMap(path)
	if err != nil {
		return err
	}
	lines := identitymap.Merge(before, open)
	if err := replaceFile(path, lines); err != nil {
		return err
	}
	decided := 0
	for _, l := range lines {
		if l.Partner != "" {
			decided++
		}
	}
	if len(lines) == 0 {
		fmt.Fprintf(t.out, "%s has nothing to fill in: every identifier belongs to a known partner\n", path)
		return nil
	}
	fmt.Fprintf(t.out, "%s has %s, %d of them with a partner\n", path, plural(len(lines), "identifier", "identifiers"), decided)
	if readsIdentityMap(c, filepath.Dir(path)) {
		fmt.Fprintln(t.out, "Next: fill in partner_id and run")
		return nil
	}
	folder, err := filepath.Rel(filepath.Dir(configPath), filepath.Dir(path))
	if err != nil {
		folder = filepath.Dir(path)
	}
	fmt.Fprintf(t.out, "Next: fill in partner_id, add the folder to the sources of %s, and run:\n  - { name: identity, preset: %s, path: %s }\n",
		configPath, identityMapPreset, filepath.ToSlash(folder))
	return nil
}

func readIdentityMap(path string) ([]identitymap.Line, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines, err := identitymap.Read(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return lines, nil
}

// replaceFile writes the sheet beside its place and moves it there, so that what a person wrote is never half gone.
func replaceFile(path string, lines []identitymap.Line) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".identity-map-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(identitymap.Write(f, lines), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readsIdentityMap reports whether the configuration has folder as a source of the preset already.
func readsIdentityMap(c *config.Config, folder string) bool {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(c.Sources, func(s config.Source) bool {
		path, err := filepath.Abs(s.Path)
		return err == nil && s.Preset == identityMapPreset && path == folder
	})
}
