package runlog

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/internal/durable"
)

// Log writes the manifest of the run that is going on. It is for one goroutine.
type Log struct {
	dir string
	now func() time.Time
	run Run
}

var runID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// Create begins the manifest of run r in folder state: r brings its id, as-of day, hashes and parameters. A run
// that was started before under the same id is continued as its next attempt.
func Create(state string, r Run, now func() time.Time) (*Log, error) {
	if !runID.MatchString(r.ID) {
		return nil, fmt.Errorf("run id %q is not made of letters, digits and dashes", r.ID)
	}
	l := &Log{dir: filepath.Join(folder(state), r.ID), now: now, run: r}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, fmt.Errorf("create folder of run: %w", err)
	}
	// An unreadable manifest of an earlier attempt must not stop the night; it is replaced.
	before, _ := Read(l.dir)
	l.run.Attempt = before.Attempt + 1
	l.run.PID = os.Getpid()
	l.run.Started = now().UTC()
	l.run.Status = Running
	if err := l.write(); err != nil {
		return nil, err
	}
	return l, nil
}

// Dir returns the run's own folder.
func (l *Log) Dir() string { return l.dir }

// Keep writes a file beside the manifest, whole or not at all: what later nights may want to know of this one. It
// stays when the published folder is removed.
func (l *Log) Keep(name string, data []byte) error {
	return durable.WriteFile(filepath.Join(l.dir, name), data)
}

// Kept returns a file that a run kept beside its manifest in folder state. The error matches fs.ErrNotExist where it
// kept none.
func Kept(state, id, name string) ([]byte, error) {
	if !runID.MatchString(id) {
		return nil, fmt.Errorf("run id %q is not made of letters, digits and dashes", id)
	}
	data, err := os.ReadFile(filepath.Join(folder(state), id, name))
	if err != nil {
		return nil, fmt.Errorf("read what run %s kept: %w", id, err)
	}
	return data, nil
}

// Run returns a copy of the manifest as it stands.
func (l *Log) Run() Run {
	r := l.run
	r.Stages = slices.Clone(r.Stages)
	r.Inputs = slices.Clone(r.Inputs)
	r.Warnings = slices.Clone(r.Warnings)
	r.Parameters, r.Versions, r.Tables = maps.Clone(r.Parameters), maps.Clone(r.Versions), maps.Clone(r.Tables)
	return r
}

// Update changes the manifest and writes it, for what is known only during the run: inputs, tables, warnings.
func (l *Log) Update(change func(*Run)) error {
	change(&l.run)
	return l.write()
}

// Begin records that a stage has begun.
func (l *Log) Begin(stage string) error {
	l.run.Stages = append(l.run.Stages, Stage{Name: stage, Status: Running, Started: l.now().UTC()})
	return l.write()
}

// End records that the stage begun last has ended well, with its counts.
func (l *Log) End(counts map[string]int64) error {
	if s := l.open(); s != nil {
		l.close(s, Done)
		s.Counts = counts
	}
	return l.write()
}

// Finish records how the run ended; cause, if any, is that of a stage still open too.
func (l *Log) Finish(status Status, cause error) error {
	l.run.Status = status
	l.run.Finished = l.now().UTC()
	l.run.Error = ""
	if cause != nil {
		l.run.Error = cause.Error()
	}
	if s := l.open(); s != nil {
		l.close(s, status)
		s.Error = l.run.Error
	}
	return l.write()
}

// open returns the stage that has not ended, or nil.
func (l *Log) open() *Stage {
	if n := len(l.run.Stages); n > 0 && l.run.Stages[n-1].Status == Running {
		return &l.run.Stages[n-1]
	}
	return nil
}

func (l *Log) close(s *Stage, status Status) {
	s.Status = status
	s.Seconds = l.now().UTC().Sub(s.Started).Seconds()
}

func (l *Log) write() error { return Write(l.dir, l.run) }
