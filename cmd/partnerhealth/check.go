package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// rejectsShown is how many refusals of one file `check` lists.
const rejectsShown = 5

func newCheckCommand(t terminal) *cobra.Command {
	var (
		configPath string
		asJSON     bool
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell everything that is wrong with the configuration and the exports, before a row is written",
		Long: `Read the configuration, the mappings and every export, and tell all that is wrong with
them, and how each new export differs from the last good one: columns that are new, gone or
renamed, another dialect, far more or fewer records, and what the contract does about each.
Nothing is written. Exit code 0: a night would load everything; 2: the configuration has
problems; 3: a night would run and refuse what is listed.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return check(cmd.Context(), t, configPath, asJSON) },
	}
	configFlag(cmd, &configPath)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return cmd
}

func check(ctx context.Context, t terminal, configPath string, asJSON bool) error {
	c, err := loadConfig(configPath)
	if err != nil {
		return err
	}
	asOf, err := asOfDay(t, c, "")
	if err != nil {
		return err
	}
	found, err := run.Check(ctx, run.Options{Config: c, AsOf: asOf, Version: codeVersion(), EmailKey: emailKey(c), Now: t.now}, rejectsShown)
	if err != nil {
		return err
	}
	s := found.Summary
	if asJSON {
		out := json.NewEncoder(t.out)
		out.SetIndent("", "  ")
		if err := out.Encode(found); err != nil {
			return err
		}
	} else {
		printf(t.out, "configuration %s is good: %s, %s, days end in %s\n", configPath, c.Program.Name, c.Program.Currency, c.Program.Timezone)
		printf(t.out, "exports: %s of %s, %s\n", plural(s.Exports.Files, "file", "files"), plural(s.Exports.Sources, "source", "sources"),
			plural(s.Ingest.Records, "record", "records"))
		writeDifferences(t.out, found.Files)
		writeFindings(t.out, found)
	}
	if len(s.Warnings) > 0 {
		return errWarnings
	}
	if !asJSON {
		fmt.Fprintln(t.out, "A night would load everything.")
	}
	return nil
}

// writeDifferences lists the new files that are not as the last good export of their object was.
func writeDifferences(w io.Writer, files []run.FileCheck) {
	for i := range files {
		f := &files[i]
		if len(f.Differences) == 0 {
			continue
		}
		printf(w, "\n%s/%s differs from the last %s, received %s\n", f.Source, f.File, f.Object, f.LastReceived.UTC().Format("2006-01-02 15:04 UTC"))
		for _, d := range f.Differences {
			printf(w, "  %s: %s\n", d.Message, d.Effect)
		}
	}
}

// writeFindings lists what a night would refuse or doubt: files as a whole, words, records, then files that nobody reads.
func writeFindings(w io.Writer, found *run.Inspection) {
	s := found.Summary
	for _, q := range s.Ingest.Quarantined {
		printf(w, "\n%s/%s would not be loaded\n  %s\n", q.Source, q.File, q.Reason)
		if len(q.Tables) > 0 && !q.LastGood.IsZero() {
			printf(w, "  %s would stay as of %s\n", strings.Join(q.Tables, ", "), q.LastGood.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	for _, remark := range found.Remarks {
		printf(w, "\n%s\n", remark)
	}
	file := ""
	for i := range found.Rejects {
		r := &found.Rejects[i]
		if name := r.Source + "/" + r.File; name != file {
			file = name
			printf(w, "\n%s\n", file)
		}
		writeReject(w, r)
	}
	if shown := int64(len(found.Rejects)); s.Ingest.Rejected+s.Ingest.Values > shown {
		printf(w, "\n%d refusals in all; the first %d of each file are shown\n", s.Ingest.Rejected+s.Ingest.Values, rejectsShown)
	}
	for _, f := range s.Exports.Waiting {
		printf(w, "\n%s/%s would wait for the next night\n  %s; %s\n", f.Source, f.File, f.Reason, f.NextStep)
	}
	for _, name := range s.Exports.Unmatched {
		printf(w, "\n%s\n  no mapping names this file: add a pattern to the source's mapping, list it under ignore: of the source, or move it away\n", name)
	}
}

func writeReject(w io.Writer, r *contract.Reject) {
	where := fmt.Sprintf("record %d, line %d", r.Record, r.Line)
	if r.Column != "" {
		where += fmt.Sprintf(", column %q", r.Column)
	}
	what := "the record is refused"
	if r.RowKept {
		what = "the value is dropped, the row kept"
	}
	printf(w, "  %s: %s (%s)\n    %s\n", where, r.Message, what, r.NextStep)
}
