package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

const (
	// registryFolder holds the fits of the churn model, in the state folder. It may be removed at any time: the next
	// night fits again.
	registryFolder = "models/churn"
	// fitsKept is how many of them are kept: with one new fit a month, more than a life of nights.
	fitsKept = 400
)

// registry keeps the fits of a model in a folder, one file a fingerprint. Files appear whole or not at all.
type registry struct{ dir string }

// openRegistry returns that of the churn model.
func openRegistry(state string) registry {
	return registry{filepath.Join(state, filepath.FromSlash(registryFolder))}
}

func (r registry) path(fingerprint string) string {
	return filepath.Join(r.dir, fingerprint+".json")
}

// Load returns the fit that was saved under a fingerprint.
func (r registry) Load(fingerprint string) ([]byte, bool, error) {
	data, err := os.ReadFile(r.path(fingerprint))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read kept fit: %w", err)
	}
	return data, true, nil
}

// Save keeps a fit, and forgets the oldest of too many.
func (r registry) Save(fingerprint string, data []byte) error {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return fmt.Errorf("keep fit: %w", err)
	}
	if err := renameio.WriteFile(r.path(fingerprint), data, 0o644); err != nil {
		return fmt.Errorf("keep fit: %w", err)
	}
	return r.prune(fingerprint + ".json")
}

// prune removes the oldest fits beyond those that are kept, never the one just saved.
func (r registry) prune(saved string) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("prune fits: %w", err)
	}
	type fit struct {
		name string
		made time.Time
	}
	var fits []fit
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasSuffix(e.Name(), ".json") || e.Name() == saved {
			continue // What another run has just removed is gone already.
		}
		fits = append(fits, fit{e.Name(), info.ModTime()})
	}
	slices.SortFunc(fits, func(a, b fit) int {
		if c := b.made.Compare(a.made); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	for _, f := range fits[min(len(fits), fitsKept-1):] {
		if err := os.Remove(filepath.Join(r.dir, f.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("prune fits: %w", err)
		}
	}
	return nil
}
