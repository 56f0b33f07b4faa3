package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

func newDemoCommand(t terminal) *cobra.Command {
	var f synthFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make a synthetic programme, run the night on it, and say what to open",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return demo(cmd.Context(), t, f) },
	}
	cmd.Flags().StringVar(&f.out, "out", "partnerhealth-demo", "folder to write into")
	scaleFlags(cmd, &f)
	return cmd
}

// demo makes a programme and runs a night on it, from nothing: an earlier demo's state in the folder goes.
// The handful of records that the generator breaks on purpose is part of the show, so that a night with
// warnings is a success here.
func demo(ctx context.Context, t terminal, f synthFlags) error {
	made, err := synthesise(ctx, f)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "A synthetic programme of %d partners over %d months is in %s (%d export files, %d portal events).\n",
		f.partners, f.months, filepath.Join(f.out, "exports"), len(made.Files), made.Events)
	c, err := config.Load(made.Config)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(c.State); err != nil {
		return fmt.Errorf("remove state of an earlier demo: %w", err)
	}
	asOf, err := asOfDay(t, c, f.until)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s, as of %s\n\n", c.Program.Name, f.until)
	summary, err := run.Night(ctx, run.Options{
		Config: c, AsOf: asOf, Version: codeVersion(), EmailKey: emailKey(c), Now: t.now, Observer: demoWatcher(t)})
	if err != nil {
		return err
	}
	writeSummary(t.out, summary)
	_, err = fmt.Fprintf(t.out, `
Look around:
  %[3]s query   --config %[1]s "SELECT * FROM readme"
  %[3]s explain --config %[1]s %[2]q
  %[3]s model show --config %[1]s
  %[3]s rejects --config %[1]s
`, made.Config, topPartner(summary), invocation(os.Args[0]))
	return err
}

// invocation is how the person called this program, for commands to copy: built by go run it is gone when it ends.
func invocation(program string) string {
	if strings.Contains(filepath.ToSlash(program), "/go-build") {
		return "go run ./cmd/partnerhealth"
	}
	return program
}

// demoWatcher shows moving bars to a person, and the finished stages to whoever else looks.
func demoWatcher(t terminal) run.Observer {
	if t.interactive() {
		return newWatcher(t.out)
	}
	return stageLines{t.out}
}

// topPartner names a partner worth explaining.
func topPartner(s *run.Summary) string {
	if len(s.Attention.Top) > 0 {
		return s.Attention.Top[0].Partner
	}
	return "PARTNER"
}
