// Package publish makes a night's output visible in one step, and keeps earlier nights.
//
// A night is built in a private folder, flushed to disk, renamed to <state>/published/<as-of>_<run-id>, and then
// the symbolic link <state>/published/current is replaced by one rename. Whoever opens a file through current
// gets yesterday's or tonight's, never a half, whatever moment the run is killed at.
//
// Readers. One file opened through current stays readable for as long as it is held open. Who opens several
// files, or the same one again, resolves the link once (for example with readlink) and goes on inside the
// folder that it named: that folder stays for as many further nights as are kept, at least one. Retention knows nothing of
// open files; a folder removed while a file in it is open stays readable through that handle only.
package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/internal/durable"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
)

const (
	currentLink = "current"
	// tempPrefix begins the name of everything that is not finished.
	tempPrefix = ".tmp-"
)

var folderName = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}_[A-Za-z0-9-]+$`)

// Store is the folder of published nights, held by a run.
type Store struct {
	dir string
	// apart is set where no link names a night as the current one.
	apart bool
	// before is called ahead of every step that changes the disk; tests stop or kill the process there.
	before func(step string) error
}

// Open returns the store of the state folder that lock holds. It sweeps what killed runs left: unfinished
// folders are removed, and their manifests say that they were interrupted.
func Open(lock *Lock) (*Store, error) {
	return openStore(lock, &Store{dir: publishedDir(lock.state)})
}

// OpenApart returns the store in folder name of the state folder that lock holds: for nights that are made beside
// the current one. Publish makes none of them current, and Prune is not for them: whoever asked for such a night
// removes it.
func OpenApart(lock *Lock, name string) (*Store, error) {
	return openStore(lock, &Store{dir: filepath.Join(lock.state, name), apart: true})
}

func openStore(lock *Lock, s *Store) (*Store, error) {
	s.before = func(string) error { return nil }
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("create folder of published nights: %w", err)
	}
	link := filepath.Join(s.dir, currentLink)
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return nil, fmt.Errorf("%s is not a symbolic link: move it away, publishing replaces it", link)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list published nights: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
			return nil, fmt.Errorf("sweep leftover of a killed run: %w", err)
		}
	}
	// A manifest that cannot be read is of a run that is over; `runs` shows it, and the night goes on.
	_, _ = runlog.MarkInterrupted(lock.state)
	return s, nil
}

// Current returns the folder that current names, an absolute path. The error matches fs.ErrNotExist when
// nothing has been published yet.
func Current(state string) (string, error) {
	dir, err := filepath.Abs(publishedDir(state))
	if err != nil {
		return "", fmt.Errorf("find current night: %w", err)
	}
	target, err := os.Readlink(filepath.Join(dir, currentLink))
	if err != nil {
		return "", fmt.Errorf("find current night: %w", err)
	}
	return filepath.Join(dir, target), nil
}

// List returns what all runs did, newest first, also those whose output is no longer kept. A run that calls
// itself running while no living process holds the lock for it is returned as interrupted. The error names
// manifests that could not be read; the other runs are returned all the same.
func List(state string) ([]runlog.Run, error) {
	h, held, err := holder(state)
	runs, listErr := runlog.List(state)
	for i, r := range runs {
		alive := held && r.PID == h.PID && !r.Started.Before(h.Started)
		if r.Status == runlog.Running && !alive {
			runs[i] = r.AsInterrupted()
		}
	}
	return runs, errors.Join(err, listErr)
}

// Prune removes the oldest nights so that the current one and keep others (at least one) stay, and returns the
// names of those removed. Age goes by the time of publication, so that a night run for a past date is young. A
// folder without a readable manifest is not ours and stays.
func (s *Store) Prune(keep int) ([]string, error) {
	current, err := os.Readlink(filepath.Join(s.dir, currentLink))
	if err != nil {
		return nil, fmt.Errorf("find current night: %w", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list published nights: %w", err)
	}
	type night struct {
		name string
		at   time.Time
	}
	var nights []night
	for _, e := range entries {
		if !e.IsDir() || !folderName.MatchString(e.Name()) || e.Name() == current {
			continue
		}
		if r, err := runlog.Read(filepath.Join(s.dir, e.Name())); err == nil {
			nights = append(nights, night{e.Name(), r.Finished})
		}
	}
	slices.SortFunc(nights, func(a, b night) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return strings.Compare(b.name, a.name)
	})
	var removed []string
	for _, n := range nights[min(max(keep, 1), len(nights)):] {
		if err := s.remove(n.name); err != nil {
			return removed, err
		}
		removed = append(removed, n.name)
	}
	return removed, nil
}

// remove takes a night away by a rename first: a kill half-way leaves no half folder under a published name.
func (s *Store) remove(name string) error {
	doomed := filepath.Join(s.dir, tempPrefix+"old-"+name)
	if err := s.step("retire", func() error { return os.Rename(filepath.Join(s.dir, name), doomed) }); err != nil {
		return err
	}
	return s.step("remove", func() error { return os.RemoveAll(doomed) })
}

// step does one change of the disk.
func (s *Store) step(name string, do func() error) error {
	if err := s.before(name); err != nil {
		return err
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s published night: %w", name, err)
	}
	return nil
}

func (s *Store) sync() error { return durable.SyncDir(s.dir) }

func publishedDir(state string) string { return filepath.Join(state, "published") }
