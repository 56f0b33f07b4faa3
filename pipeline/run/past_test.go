package run_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// exportFile is one export of a synthetic programme, to be sent again in another form.
type exportFile struct {
	tb   testing.TB
	path string
}

func exportOf(tb testing.TB, m *fixtures.Made, name string) exportFile {
	return exportFile{tb, filepath.Join(filepath.Dir(m.Config), "exports", filepath.FromSlash(name))}
}

// send writes the file as received at a moment.
func (f exportFile) send(text string, at time.Time) {
	f.tb.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o644); err != nil {
		f.tb.Fatal(err)
	}
	if err := os.Chtimes(f.path, at, at); err != nil {
		f.tb.Fatal(err)
	}
}

func (f exportFile) receivedAt() time.Time {
	f.tb.Helper()
	info, err := os.Stat(f.path)
	if err != nil {
		f.tb.Fatal(err)
	}
	return info.ModTime()
}

func (f exportFile) lines() []string {
	f.tb.Helper()
	data, err := os.ReadFile(f.path)
	if err != nil {
		f.tb.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
}

// tablesOf returns the logical hashes of a published folder, without the tables that name the run.
func tablesOf(tb testing.TB, folder string) map[string]string {
	tb.Helper()
	db, err := warehouse.OpenReader(context.Background(), warehouse.Options{Path: filepath.Join(folder, run.DatabaseFile)})
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	h, err := db.LogicalHashes(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	maps.DeleteFunc(h, func(table, _ string) bool {
		return slices.Contains([]string{"run_info", "run_settings", "readme"}, strings.TrimPrefix(table, "main."))
	})
	if len(h) < 40 {
		tb.Fatalf("only %d tables were published", len(h))
	}
	return h
}

// What later nights brought, corrections, deletions, another order, an export sent again, changes nothing in what a
// past night is when it is run again as it was known then.
func TestAPastNightIsRebuiltExactly(t *testing.T) {
	t.Parallel()
	world, _ := tiny()
	m, c := made(t, world, plain.Options{})
	first := options(c)
	first.AsOf = until.AddDate(0, 0, -1)
	then := night(t, first)
	want := tablesOf(t, then.Published)
	received := exportOf(t, m, "crm/deals.csv").receivedAt()

	// Next night: partners and deals lose a record, change one and come in another order.
	next := received.Add(24 * time.Hour)
	for _, name := range []string{"crm/partners.csv", "crm/deals.csv"} {
		f := exportOf(t, m, name)
		lines := f.lines()
		kept := []string{lines[0]}
		for i := len(lines) - 1; i > 1; i-- {
			kept = append(kept, strings.TrimRight(lines[i], "\n")+"\n")
		}
		f.send(strings.Join(kept, ""), next)
	}
	// The same bytes once more, and facts that nobody knew.
	again := exportOf(t, m, "crm/deal_lines.csv")
	again.send(strings.Join(again.lines(), ""), next)
	facts := exportOf(t, m, "crm/deal_stage_history.csv")
	facts.send(strings.Join(facts.lines()[:3], ""), next)
	later := night(t, options(c))
	if diff := cmp.Diff(want, tablesOf(t, later.Published)); diff == "" {
		t.Fatal("the next night changed nothing: nothing is tried")
	}

	rollups := rollupFiles(t, c)
	opt := first
	opt.KnownAt = received
	rebuilt, err := run.Night(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tablesOf(t, rebuilt.Published)); diff != "" {
		t.Errorf("the night differs from what it was (-then +rebuilt):\n%s", diff)
	}
	if rebuilt.RunID == then.RunID || filepath.Base(filepath.Dir(rebuilt.Published)) != "rebuilt" || rebuilt.KnownAt == "" {
		t.Errorf("rebuilt as %s in %s, known at %q", rebuilt.RunID, rebuilt.Published, rebuilt.KnownAt)
	}
	if current, err := publish.Current(c.State); err != nil || current != later.Published {
		t.Errorf("current is %s (%v), want %s", current, err, later.Published)
	}
	if rebuilt.Ingest.Records != 0 {
		t.Errorf("%d records were read", rebuilt.Ingest.Records)
	}
	if after := rollupFiles(t, c); !slices.Equal(after, rollups) {
		t.Errorf("the nightly rollup was touched: %v, it was %v", after, rollups)
	}
}

func rollupFiles(t *testing.T, c *config.Config) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.State, "rollup", "*", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the rollup: %v", err)
	}
	return files
}

func TestAPastNightNeedsExports(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.State = t.TempDir()
	opt := options(c)
	opt.KnownAt = until
	var nothing *run.NothingKnownError
	if _, err := run.Night(context.Background(), opt); !errors.As(err, &nothing) || !nothing.First.IsZero() {
		t.Errorf("%v, want a *NothingKnownError", err)
	}
}
