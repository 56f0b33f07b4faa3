package rollup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

const (
	manifestName   = "manifest.json"
	manifestFormat = 3
	monthLayout    = "2006-01"
)

// manifest says which file holds which month, and what it was made from.
type manifest struct {
	Format int `json:"format"`
	// Months are keyed like "2026-10".
	Months map[string]partition `json:"months"`
	// Touched remembers the months that each file of the lake touches, by its identity, so that no file is
	// read twice for them.
	Touched map[string][]string `json:"touched"`
	// Voiding are the files, by identity, that take events back.
	Voiding []string `json:"voiding,omitempty"`
}

// partition is the file of one month.
type partition struct {
	File   string   `json:"file"`
	Rows   int64    `json:"rows"`
	Inputs []string `json:"inputs"`
}

// months returns the months in order.
func (m manifest) months() []string { return slices.Sorted(maps.Keys(m.Months)) }

// readManifest reads the manifest of a folder; a folder without one is an empty rollup. So is one whose manifest has
// another format or is damaged, since everything can be made again; damage says what is wrong with it, if anything.
func readManifest(dir string) (m manifest, damage string, err error) {
	empty := manifest{Format: manifestFormat, Months: map[string]partition{}, Touched: map[string][]string{}}
	path := filepath.Join(dir, manifestName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, "", nil
	}
	if err != nil {
		return empty, "", fmt.Errorf("open rollup manifest: %w", err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return empty, fmt.Sprintf("its manifest %s was damaged: %v", path, err), nil
	}
	if m.Format != manifestFormat {
		return empty, "", nil
	}
	return m, "", nil
}

// write replaces the manifest by rename.
func (m manifest) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write rollup manifest: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, manifestName), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write rollup manifest: %w", err)
	}
	return syncPath(dir)
}

// fingerprint names a month's file by what it is made from.
func fingerprint(version, month string, inputs []string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", version, month)
	for _, id := range inputs {
		fmt.Fprintf(h, "%s\n", id)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// syncPath flushes a file, or the entries of a folder, to disk.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("flush %s: %w", path, err)
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("flush %s: %w", path, err)
	}
	return nil
}

// globLiteral escapes a folder's name for filepath.Glob.
func globLiteral(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
