package run_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

var until = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

// made writes a synthetic programme and loads its configuration.
func made(tb testing.TB, world programme.Options, form plain.Options) (*fixtures.Made, *config.Config) {
	tb.Helper()
	m, err := fixtures.Write(context.Background(), tb.TempDir(), world, form)
	if err != nil {
		tb.Fatal(err)
	}
	return m, load(tb, m.Config)
}

func load(tb testing.TB, path string) *config.Config {
	tb.Helper()
	c, err := config.Load(path)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func options(c *config.Config) run.Options {
	return run.Options{Config: c, AsOf: until, Version: "test", Now: time.Now}
}

// night runs a night that must be published.
func night(tb testing.TB, opt run.Options) *run.Summary {
	tb.Helper()
	s, err := run.Night(context.Background(), opt)
	if err != nil {
		tb.Fatal(err)
	}
	if s.Published == "" {
		tb.Fatal("nothing was published")
	}
	return s
}

// open opens the current night's database.
func open(tb testing.TB, c *config.Config) *warehouse.Reader {
	tb.Helper()
	folder, err := publish.Current(c.State)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := warehouse.OpenReader(context.Background(), warehouse.Options{Path: filepath.Join(folder, run.DatabaseFile)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(db.Close)
	return db
}

func hashes(tb testing.TB, c *config.Config) map[string]string {
	tb.Helper()
	h, err := open(tb, c).LogicalHashes(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	if len(h) < 40 {
		tb.Fatalf("only %d tables were published", len(h))
	}
	return h
}

// query returns the answer as texts; null is "".
func query(tb testing.TB, db *warehouse.Reader, statement string, args ...any) [][]string {
	tb.Helper()
	r, err := db.Query(context.Background(), statement, args...)
	if err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
	out := make([][]string, len(r.Rows))
	for i, row := range r.Rows {
		for _, cell := range row {
			out[i] = append(out[i], cell.Text)
		}
	}
	return out
}

func small() (programme.Options, plain.Options) { return fixtures.Small() }

// tiny is the least programme in which every stage of the night has something to do.
func tiny() (programme.Options, plain.Options) {
	return programme.Options{Partners: 12, Months: 9, Seed: 11, EventsPerPartnerMonth: 4}, plain.Options{}
}

// The promise of the architecture: the same exports, configuration, as-of date and code version give the same
// tables, row for row, on any number of threads, from nothing or on what an earlier night left.
func TestTheSameNightGivesTheSameTables(t *testing.T) {
	t.Parallel()
	world, form := small()
	// As many threads as there are cores.
	want := hashes(t, calmSmall(t).config)
	for _, threads := range []int{1, 2, 4} {
		_, c := made(t, world, form)
		c.Resources.Threads = threads
		first := night(t, options(c))
		if diff := cmp.Diff(want, hashes(t, c)); diff != "" {
			t.Errorf("%d threads give other tables:\n%s", threads, diff)
		}
		if threads != 4 {
			continue
		}
		again := night(t, options(c))
		if diff := cmp.Diff(want, hashes(t, c)); diff != "" {
			t.Errorf("a second run of the night gives other tables:\n%s", diff)
		}
		if again.RunID != first.RunID || again.Published != first.Published {
			t.Errorf("the same night is called %s and %s", first.Published, again.Published)
		}
		if !first.Score.Refitted || again.Score.Refitted {
			t.Errorf("churn model refitted: %v, and on the same data again: %v", first.Score.Refitted, again.Score.Refitted)
		}
		if again.Exports.New != 0 || again.Ingest.Records != 0 || again.Rollup.Rebuilt != 0 {
			t.Errorf("the second run read %d exports, %d records, rebuilt %d months; it has nothing to read", again.Exports.New, again.Ingest.Records, again.Rollup.Rebuilt)
		}
	}
}

func TestAllRecordsAreAccountedFor(t *testing.T) {
	t.Parallel()
	n := calmSmall(t)
	m, c, s := n.made, n.config, n.summary
	if len(s.Ingest.Files) == 0 || s.Ingest.Records == 0 {
		t.Fatal("nothing was read")
	}
	records := map[string]int64{}
	for _, f := range s.Ingest.Files {
		if f.Rows+f.Unchanged+f.Filtered+f.Rejected != f.Records {
			t.Errorf("%s/%s, %s: %d rows + %d unchanged + %d filtered + %d refused are not %d records", f.Source, f.File, f.Table,
				f.Rows, f.Unchanged, f.Filtered, f.Rejected, f.Records)
		}
		records[f.Source+"/"+f.File] = f.Records
	}
	for _, f := range m.Files {
		name := strings.TrimPrefix(filepath.ToSlash(f.Path), "exports/")
		if got := records[name]; got != int64(f.Records) {
			t.Errorf("%s has %d records, the night counted %d", name, f.Records, got)
		}
	}
	if s.Ingest.Rejected == 0 {
		t.Error("the records that the generator breaks on purpose were not refused")
	}
	db := open(t, c)
	if got := query(t, db, "SELECT count(*) FROM run_info WHERE section = 'input'"); got[0][0] == "0" {
		t.Error("the published database does not name its inputs")
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	world, form := tiny()
	_, c := made(t, world, form)
	opt := options(c)
	opt.DryRun = true
	s, err := run.Night(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if s.Ingest.Records == 0 || s.Ingest.Rejected == 0 {
		t.Errorf("the rehearsal saw %d records and refused %d", s.Ingest.Records, s.Ingest.Rejected)
	}
	if _, err := os.Stat(c.State); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state folder was made (%v)", err)
	}
}

// A file that lacks a column it must have is set aside; the others go in.
func TestAFileWithoutItsKeyDoesNotStopTheNight(t *testing.T) {
	t.Parallel()
	run.SkipRaced(t)
	world, form := tiny()
	m, c := made(t, world, plain.Options{Clean: form.Clean})
	path := filepath.Join(filepath.Dir(m.Config), "exports", "crm", "deals.csv")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header, rest, _ := strings.Cut(string(data), "\n")
	columns := strings.Split(header, ",")
	broken := strings.Replace(header, columns[0], "Nonsense", 1) + "\n" + rest
	if err := os.WriteFile(path, []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	s := night(t, options(c))
	if len(s.Ingest.Quarantined) != 1 || !strings.Contains(s.Ingest.Quarantined[0].Reason, strings.Trim(columns[0], "\ufeff\"")) {
		t.Errorf("quarantined %+v, want deals.csv for its missing column %s", s.Ingest.Quarantined, columns[0])
	}
	if len(s.Warnings) == 0 {
		t.Error("the night did not warn")
	}
	if got := query(t, open(t, c), "SELECT count(*) > 0 FROM dim_partner"); got[0][0] != "true" {
		t.Error("the partners were lost with the deals")
	}
}

func TestOneNightAtATime(t *testing.T) {
	t.Parallel()
	world, form := tiny()
	_, c := made(t, world, form)
	lock, err := publish.Acquire(context.Background(), c.State, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	var locked *publish.LockedError
	if _, err := run.Night(context.Background(), options(c)); !errors.As(err, &locked) {
		t.Fatalf("a second night began beside the first: %v", err)
	}
}

func TestAnInterruptedNightLeavesYesterdayCurrent(t *testing.T) {
	t.Parallel()
	world, form := tiny()
	_, c := made(t, world, form)
	first := night(t, options(c))
	ctx, cancel := context.WithCancel(context.Background())
	opt := options(c)
	opt.AsOf = until.AddDate(0, 0, -1)
	opt.Observer = stopAt{stage: "score", stop: cancel}
	if _, err := run.Night(ctx, opt); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted night ended with %v", err)
	}
	folder, err := publish.Current(c.State)
	if err != nil || folder != first.Published {
		t.Errorf("current is %s (%v), want %s", folder, err, first.Published)
	}
	night(t, run.Options{Config: c, AsOf: opt.AsOf, Version: "test", Now: time.Now})
}

// stopAt cancels the night when a stage begins.
type stopAt struct {
	stage string
	stop  func()
}

func (s stopAt) StageStarted(name string, _ int64) {
	if name == s.stage {
		s.stop()
	}
}
func (stopAt) StageAdvanced(int64)   {}
func (stopAt) StageDone(_ run.Stage) {}
