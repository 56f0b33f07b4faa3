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
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// Options is what a night is a function of, and how it is watched.
type Options struct {
	Config *config.Config
	// AsOf is the last day that the night knows; only its date counts.
	AsOf time.Time
	// KnownAt, where it is set, rebuilds a night of the past: only what the lake received up to this moment
	// counts, and nothing new is read. See Night.
	KnownAt time.Time
	// Version is the version of this program, part of what makes a night reproducible.
	Version string
	// AllowShrink lets snapshots delete any number of rows: a person has looked at what the night before refused.
	AllowShrink bool
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

// UnknownFilesError says that a source with unknown_files: freeze holds files that nobody knows. Nothing was read.
type UnknownFilesError struct {
	// Files are named by source and path.
	Files []string
}

func (e *UnknownFilesError) Error() string {
	text := fmt.Sprintf("%s is known to no mapping, and its source takes no unknown files", e.Files[0])
	if more := len(e.Files) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text + "; add a pattern to its mapping, list it under ignore: of the source, or move it away; the last good night stays current"
}

// night is one run with what its stages hand on to each other.
type night struct {
	config  *config.Config
	asOf    time.Time
	knownAt time.Time
	// allowShrink lets snapshots delete any number of rows.
	allowShrink bool
	version     string
	emailKey    []byte
	// keyMark names emailKey.
	keyMark  string
	observer Observer
	now      func() time.Time
	// models is the tree of SQL files.
	models fs.FS

	id string
	// lake takes the exports in; nil for a night that reads none. known is what the night counts.
	lake   *lake.Lake
	known  *lake.View
	lister *lister
	found  *listing
	// work is the night's own folder, which is removed at its end.
	work    string
	log     *runlog.Log
	store   *publish.Store
	output  *publish.Build
	inputs  []runlog.Input
	summary *Summary
}

func newNight(opt Options) *night {
	n := &night{
		config: opt.Config, asOf: opt.AsOf, knownAt: opt.KnownAt, allowShrink: opt.AllowShrink, version: opt.Version, observer: opt.Observer, now: opt.Now,
		emailKey: opt.EmailKey, keyMark: keyMark(opt.EmailKey), models: sql.Files,
		summary: &Summary{
			Version: summaryVersion, Program: opt.Config.Program.Name, Currency: opt.Config.Program.Currency,
			AsOf: opt.AsOf.Format(time.DateOnly), DryRun: opt.DryRun, Started: opt.Now().UTC(),
			Stages: []Stage{}, Warnings: []string{}, Attention: Attention{Top: []Top{}},
			Notes:   []string{},
			Exports: Exports{Unmatched: []string{}, Waiting: []Waiting{}}, Ingest: Ingest{Quarantined: []Quarantine{}, Files: []FileCount{}},
		},
	}
	if !n.knownAt.IsZero() {
		n.summary.KnownAt = n.knownAt.UTC().Format(time.RFC3339Nano)
	}
	if n.observer == nil {
		n.observer = silent{}
	}
	return n
}

// Night carries one night from the exports to the published folder.
//
// A night of the past, with Options.KnownAt, counts the exports that had been received up to that moment, as the
// lake has them: no source is listed, nothing is read. It is published in <state>/rebuilt, and `current` stays
// where it is. With the configuration and the version of that time its tables are those of the night that was run
// then, whatever came later, but for the names of the run in run_info and run_settings; three things can make a
// difference. An export that arrived after the night with an older time of receipt counts; so does one that had
// been quarantined and was loaded since; and what was read again under a changed mapping, or with another key of
// e-mail addresses, counts as it is read now: whoever changes a key that others know wants no hash by it to come back.
//
// The summary is returned with an error too, as far as the night came. Errors that callers tell apart:
// *publish.LockedError when another run holds the state folder, *GateError when a check stopped publication, the
// context's when interrupted.
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
	if n.knownAt.IsZero() {
		err = n.locked(ctx, lock)
	} else {
		err = n.past(ctx, lock)
	}
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
	defer func() { err = errors.Join(err, n.closeLister()) }()
	if err := n.list(ctx); err != nil {
		return err
	}
	if len(n.found.frozen) > 0 {
		return &UnknownFilesError{Files: n.found.frozen}
	}
	known := n.lake.View
	n.known = &known
	if err := n.begin(); err != nil {
		return err
	}
	return n.finish(ctx, n.ingestAndBuild(ctx))
}

// finish says in the run's manifest how the night ended.
func (n *night) finish(ctx context.Context, err error) error {
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
	known := make([]lake.InputKey, 0, len(n.known.Inputs()))
	for _, in := range n.known.Inputs() {
		known = append(known, in.Key())
	}
	if n.found != nil {
		for i := range n.found.deliveries {
			for _, p := range n.found.deliveries[i].parts {
				known = append(known, p.key())
			}
		}
	}
	n.id = runID(n.asOf, n.knownAt, n.config.Hash(), n.version, known)
	n.summary.RunID = n.id
	n.log, err = runlog.Create(n.config.State, runlog.Run{
		ID: n.id, AsOf: n.asOf.Format(time.DateOnly), ConfigHash: n.config.Hash(),
		Versions: map[string]string{"partnerhealth": n.version}, Parameters: n.parameters(),
	}, n.now)
	return err
}

// parameters are those of the run beside its as-of day.
func (n *night) parameters() map[string]string {
	out := map[string]string{}
	if !n.knownAt.IsZero() {
		out["known_at"] = n.knownAt.UTC().Format(time.RFC3339Nano)
	}
	if n.allowShrink {
		out["allow_shrink"] = "true"
	}
	return out
}

// ingestAndBuild is a night from the exports on.
func (n *night) ingestAndBuild(ctx context.Context) error {
	if err := n.ingest(ctx); err != nil {
		return err
	}
	known := n.lake.View
	n.known = &known
	return n.stages(ctx)
}

// stages are the stages behind the lake, in order.
func (n *night) stages(ctx context.Context) (err error) {
	db, err := n.openWorkspace(ctx)
	if err != nil {
		return err
	}
	defer func() {
		db.Close()
		err = errors.Join(err, os.RemoveAll(n.work))
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

// note adds what is worth knowing and nothing to act on.
func (n *night) note(format string, args ...any) {
	n.summary.Notes = append(n.summary.Notes, fmt.Sprintf(format, args...))
}

func (n *night) warn(format string, args ...any) {
	n.summary.Warnings = append(n.summary.Warnings, fmt.Sprintf(format, args...))
}

// list finds the exports. The caller closes the lister, through which they are read.
func (n *night) list(ctx context.Context) error {
	return n.stage("exports", 0, func() (string, map[string]int64, error) {
		var err error
		if n.lister, err = n.newLister(); err != nil {
			return "", nil, err
		}
		if n.found, err = n.lister.list(ctx, n.config.Sources); err != nil {
			return "", nil, err
		}
		n.summariseListing()
		if n.lake != nil {
			err = n.lister.catalog.save()
		}
		e := &n.summary.Exports
		return fmt.Sprintf("%s   %s, %d new", count(e.Sources, "source"), count(e.Files, "file"), e.New), nil, err
	})
}

// spoolLimit is how much of a bucket's exports may lie on this machine at a time.
const spoolLimit = 8 << 30

// newLister returns the lister of tonight. A night that only looks keeps nothing in the state folder.
func (n *night) newLister() (*lister, error) {
	catalog, err := openCatalog(filepath.Join(n.config.State, catalogFile), n.version)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(n.config.State, "spool")
	if n.lake == nil {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("partnerhealth-%d", os.Getpid()))
	}
	return &lister{
		catalog: catalog, spool: source.NewSpool(dir, spoolLimit), archives: &archives{}, observer: n.observer, now: n.now(), keyMark: n.keyMark,
	}, nil
}

// closeLister lets go of the exports.
func (n *night) closeLister() error {
	if n.lister == nil {
		return nil
	}
	return n.lister.close()
}

// summariseListing says what was found.
func (n *night) summariseListing() {
	e := &n.summary.Exports
	e.Sources, e.Ignored = len(n.config.Sources), n.found.ignored
	e.Unmatched = append(e.Unmatched, n.found.unmatched...)
	e.Waiting = append(e.Waiting, n.found.waiting...)
	for i := range n.found.deliveries {
		d := &n.found.deliveries[i]
		e.Files += len(d.parts)
		if n.lake == nil || !n.lake.Has(d.key()) {
			e.New += len(d.parts)
		}
	}
	switch k := len(e.Unmatched); k {
	case 0:
	case 1:
		n.warn("%s was not read because no mapping names it: %s", e.Unmatched[0], whatToDoUnmatched)
	default:
		n.warn("%d files were not read because no mapping names them, the first is %s: %s", k, e.Unmatched[0], whatToDoUnmatched)
	}
	for _, w := range e.Waiting {
		n.warn("%s/%s is left to the next night: %s; %s", w.Source, w.File, w.Reason, w.NextStep)
	}
}

// whatToDoUnmatched is the next step where a file has no mapping.
const whatToDoUnmatched = "add a pattern to the source's mapping, list it under ignore: of the source, or move it away"

func count[T int | int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
