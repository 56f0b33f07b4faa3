// Package lake keeps every export that was ever loaded as typed rows in immutable Parquet files.
//
//	<dir>/manifest.json                                   the live files, and what each export was
//	<dir>/<table>/<sha256:12>-<mapping:8>[-n].parquet     rows of one export in one table, with lineage
//	<dir>/rejects/<sha256:12>-<mapping:8>[-n].parquet     its refused records
//	<dir>/index/<table>-<source hash>.idx                 newest version of each key, rebuilt when lost
//
// Files are named by the content that they come from, written beside their name, synced and renamed; then the
// manifest that lists them is replaced in the same way. Only the manifest makes a file part of the lake, so a
// run that is killed at any moment leaves the lake as it was before or after a load, and Open sweeps the rest.
// The same exports in the same order give the same files, byte for byte.
//
// An export may come in several files, the parts of one Delivery: they are loaded, refused and compared together.
// What the lake held at an earlier moment is a View of it, by leaving out what was received later (View.KnownAt).
//
// The lake keeps changes, not copies. Of a snapshot or upsert table only rows whose hash differs from the
// newest version of their key are written; a key that a snapshot no longer has gets a row that repeats its
// last version with _deleted set, _row 0 and another row hash. Rows of an append table are all written.
//
// A lake has one writer: Open takes no lock, and sweeps what it does not know, so whoever opens a lake to load
// must hold the lock of the state folder (package run does). Within a process one load is open at a time.
package lake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

const rejectFolder = "rejects"

// Lake is an open lake. What it holds is seen through its View, at all times as of the last commit; a copy of the
// View stays as it was. Not safe for concurrent use, but for what Load says.
type Lake struct {
	View
	tables    map[string]*contract.Table
	order     []string // tables in the order of the contract
	histories map[historyKey]*history
	open      *Load
	// broken is set when the manifest on the disk and in memory may differ.
	broken error
}

// Open opens the lake in folder dir and makes it if there is none. It removes what an interrupted run left
// behind: temporary files, and lake files that the manifest does not list. A manifest that is unreadable,
// newer than this program, missing beside Parquet files, or lists files that are missing or of another size
// is a *ManifestError, and nothing is touched. The caller must hold the lock of the state folder.
func Open(dir string) (*Lake, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	return open(&disk{dir: dir})
}

func open(d *disk) (*Lake, error) {
	l := &Lake{View: View{d: d}, tables: map[string]*contract.Table{}, histories: map[historyKey]*history{}}
	for _, t := range contract.Tables() {
		l.tables[t.Name] = t
		l.order = append(l.order, t.Name)
	}
	if err := d.mkdir("."); err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	m, ok, err := readManifest(d)
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	leftovers, files, err := l.leftovers(&m)
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	if !ok {
		// Without this a lost manifest would have every file swept.
		if files > 0 {
			return nil, fmt.Errorf("open lake: %w", &ManifestError{Path: d.path(manifestName),
				Reason: fmt.Sprintf("is missing, but there are %d Parquet files; restore it, or move the folder away to load everything again", files)})
		}
		m = manifest{Version: manifestVersion}
		if _, err := m.write(d); err != nil {
			return nil, fmt.Errorf("open lake: %w", err)
		}
	}
	for _, path := range leftovers {
		if err := d.remove(path); err != nil {
			return nil, fmt.Errorf("sweep lake: %w", err)
		}
	}
	l.m = m
	return l, nil
}

// lakeFile matches the names that the lake gives to files; others are not its own and stay.
var lakeFile = regexp.MustCompile(`^[0-9a-f]{12}-[0-9A-Za-z._]{1,8}(-[0-9]+)?\.parquet(\.tmp)?$`)

// leftovers returns the lake's own files that the manifest does not list, and the number of all Parquet
// files that are not temporary.
func (l *Lake) leftovers(m *manifest) (paths []string, files int, err error) {
	live := map[string]bool{}
	for _, f := range m.files() {
		live[f.Path] = true
	}
	for _, folder := range append(slices.Clone(l.order), rejectFolder, indexFolder, ".") {
		entries, err := os.ReadDir(l.d.path(folder))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		for _, e := range entries {
			name := e.Name()
			path := folder + "/" + name
			switch {
			case folder == indexFolder || folder == ".":
				if (strings.HasSuffix(name, ".idx"+tempSuffix)) || name == manifestName+tempSuffix {
					paths = append(paths, path)
				}
			case lakeFile.MatchString(name):
				if !strings.HasSuffix(name, tempSuffix) {
					files++
				}
				if !live[path] {
					paths = append(paths, path)
				}
			}
		}
	}
	return paths, files, nil
}

// Close saves the indexes. A lake that is not closed loses nothing but the time to build them again.
// An open load is aborted. A closed lake takes no loads; what is in it can still be asked for.
func (l *Lake) Close() error {
	var err error
	if l.open != nil {
		err = l.open.Abort()
	}
	keys := make([]historyKey, 0, len(l.histories))
	for k := range l.histories {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b historyKey) int { return strings.Compare(a.file(), b.file()) })
	for _, k := range keys {
		err = errors.Join(err, l.save(k, l.histories[k]))
	}
	l.histories = map[historyKey]*history{}
	if l.broken == nil {
		l.broken = errors.New("the lake is closed")
	}
	return err
}
