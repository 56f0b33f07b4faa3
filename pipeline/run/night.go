package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// Options is what a night is a function of, and how it is watched.
type Options struct {
	Config *config.Config
	// AsOf is the last day that the night knows; only its date counts.
	AsOf time.Time
	// Version is the version of this program, part of what makes a night reproducible.
	Version string
	// DryRun reads and types every export and writes nothing.
	DryRun bool
	// EmailKey keys the hash of e-mail addresses; without one no address is kept in any form.
	EmailKey []byte
	// Observer is told how the night goes on; nil looks away.
	Observer Observer
	// Now is the clock of the run manifest and its timings. No result depends on it.
	Now func() time.Time
}

// GateError says that checks of severity error failed: nothing was published and yesterday stays current.
type GateError struct{ Failed []warehouse.CheckResult }

func (e *GateError) Error() string {
	first := e.Failed[0]
	text := fmt.Sprintf("publication stopped: %s on %s breaks for %d rows (%s), for example %s",
		first.Check, first.Table, first.FailedRows, first.Meaning, first.Sample)
	if more := len(e.Failed) - 1; more > 0 {
		text += fmt.Sprintf("; %d more checks failed", more)
	}
	return text + "; the last good night stays current"
}

// night is one run with what its stages hand on to each other.
type night struct {
	config   *config.Config
	asOf     time.Time
	version  string
	emailKey []byte
	observer Observer
	now      func() time.Time
	// models is the tree of SQL files.
	models fs.FS

	id      string
	lake    *lake.Lake
	found   *listing
	log     *runlog.Log
	store   *publish.Store
	output  *publish.Build
	inputs  []runlog.Input
	summary *Summary
}

func newNight(opt Options) *night {
	n := &night{
		config: opt.Config, asOf: opt.AsOf, version: opt.Version, emailKey: opt.EmailKey, observer: opt.Observer, now: opt.Now,
		models: sql.Files,
		summary: &Summary{
			Version: summaryVersion, Program: opt.Config.Program.Name, Currency: opt.Config.Program.Currency,
			AsOf: opt.AsOf.Format(time.DateOnly), DryRun: opt.DryRun, Started: opt.Now().UTC(),
			Stages: []Stage{}, Warnings: []string{}, Attention: Attention{Top: []Top{}},
			Exports: Exports{Unmatched: []string{}}, Ingest: Ingest{Quarantined: []Quarantine{}, Files: []FileCount{}},
		},
	}
	if n.observer == nil {
		n.observer = silent{}
	}
	return n
}

// Night carries one night from the exports to the published folder. The summary is returned with an error
// too, as far as the night came. Errors that callers tell apart: *publish.LockedError when another run
// holds the state folder, *GateError when a check stopped publication, the context's when interrupted.
func Night(ctx context.Context, opt Options) (*Summary, error) {
	n := newNight(opt)
	defer func() { n.summary.Seconds = n.now().Sub(n.summary.Started).Seconds() }()
	if opt.DryRun {
		return n.summary, n.rehearse(ctx)
	}
	lock, err := publish.Acquire(ctx, n.config.State, n.now())
	if err != nil {
		return n.summary, err
	}
	err = n.locked(ctx, lock)
	return n.summary, errors.Join(err, lock.Release())
}

// locked is the night while it holds the state folder.
func (n *night) locked(ctx context.Context, lock *publish.Lock) (err error) {
	if n.store, err = publish.Open(lock); err != nil {
		return err
	}
	if n.lake, err = lake.Open(filepath.Join(n.config.State, "lake")); err != nil {
		return err
	}
	if err := n.list(ctx); err != nil {
		return err
	}
	if err := n.begin(); err != nil {
		return err
	}
	err = n.stages(ctx)
	var gate *GateError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &gate):
		return errors.Join(err, n.log.Finish(runlog.Stopped, err))
	case ctx.Err() != nil:
		return errors.Join(err, n.log.Finish(runlog.Interrupted, err))
	default:
		return errors.Join(err, n.log.Finish(runlog.Failed, err))
	}
}

// begin names the run by its inputs and opens its manifest.
func (n *night) begin() (err error) {
	known := make([]lake.InputKey, 0, len(n.lake.Inputs()))
	for _, in := range n.lake.Inputs() {
		known = append(known, in.Key())
	}
	n.id = runID(n.asOf, n.config.Hash(), n.version, known, n.found.exports)
	n.summary.RunID = n.id
	n.log, err = runlog.Create(n.config.State, runlog.Run{
		ID: n.id, AsOf: n.asOf.Format(time.DateOnly), ConfigHash: n.config.Hash(),
		Versions: map[string]string{"partnerhealth": n.version},
	}, n.now)
	return err
}

// stages are the stages behind the listing, in order.
func (n *night) stages(ctx context.Context) (err error) {
	if err := n.ingest(ctx); err != nil {
		return err
	}
	db, work, err := n.openWorkspace(ctx)
	if err != nil {
		return err
	}
	defer func() {
		db.Close()
		err = errors.Join(err, os.RemoveAll(work))
	}()
	build, err := n.build(ctx, db)
	if err != nil {
		return err
	}
	if n.output, err = n.store.Begin(n.asOf, n.id); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.output.Discard()) }()
	if err := n.report(ctx, build); err != nil {
		return err
	}
	return n.publish()
}

// stage runs one stage, times it, and tells manifest and observer. do returns the stage's line for people
// and its counts for the manifest.
func (n *night) stage(name string, total int64, do func() (string, map[string]int64, error)) error {
	start := n.now()
	n.observer.StageStarted(name, total)
	if n.log != nil {
		if err := n.log.Begin(name); err != nil {
			return err
		}
	}
	detail, counts, err := do()
	done := Stage{Name: name, Detail: detail, Seconds: n.now().Sub(start).Seconds()}
	if err != nil {
		done.Detail = "failed"
		n.observer.StageDone(done)
		return err
	}
	n.summary.Stages = append(n.summary.Stages, done)
	n.observer.StageDone(done)
	if n.log != nil {
		return n.log.End(counts)
	}
	return nil
}

func (n *night) warn(format string, args ...any) {
	n.summary.Warnings = append(n.summary.Warnings, fmt.Sprintf(format, args...))
}

// list finds the exports.
func (n *night) list(ctx context.Context) error {
	return n.stage("exports", 0, func() (string, map[string]int64, error) {
		found, err := listExports(ctx, n.config.Sources, n.observer)
		if err != nil {
			return "", nil, err
		}
		n.found = found
		e := &n.summary.Exports
		e.Sources, e.Files = len(n.config.Sources), len(found.exports)
		e.Unmatched = append(e.Unmatched, found.unmatched...)
		for i := range found.exports {
			if n.lake == nil || !n.lake.Has(found.exports[i].key()) {
				e.New++
			}
		}
		if k := len(found.unmatched); k > 0 {
			n.warn("%s not read because no mapping names them, the first is %s: add a pattern to the source's mapping, or move them away",
				files(k), found.unmatched[0])
		}
		return fmt.Sprintf("%s   %s, %d new", count(e.Sources, "source"), count(e.Files, "file"), e.New), nil, nil
	})
}

func files(n int) string {
	if n == 1 {
		return "1 file was"
	}
	return fmt.Sprintf("%d files were", n)
}

func count[T int | int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
