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
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

const rejectFolder = "rejects"

// Lake is an open lake. Not safe for concurrent use, but for what Load says.
type Lake struct {
	d         *disk
	m         manifest
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
	l := &Lake{d: d, tables: map[string]*contract.Table{}, histories: map[historyKey]*history{}}
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

// Has reports whether an export with this content was loaded under this mapping. See Loaded for the rare
// export whose content has been seen before but counts again.
func (l *Lake) Has(k InputKey) bool {
	for i := range l.m.Inputs {
		if in := &l.m.Inputs[i]; in.Quarantined == "" && in.Key() == k {
			return true
		}
	}
	return false
}

// Loaded reports whether an export received at receivedAt need not be loaded. It is what Has says but for a
// content that comes back: where another export of the same object was loaded in between, and a table of it is
// a snapshot or upserted, the return to the old content is a change that must be loaded.
func (l *Lake) Loaded(k InputKey, receivedAt time.Time) bool {
	var last *InputRecord
	for i := range l.m.Inputs {
		in := &l.m.Inputs[i]
		if in.Quarantined == "" && in.Key() == k && (last == nil || in.ReceivedAt.After(last.ReceivedAt)) {
			last = in
		}
	}
	if last == nil {
		return false
	}
	if appendsOnly(last) {
		return true
	}
	for i := range l.m.Inputs {
		in := &l.m.Inputs[i]
		if in.Quarantined == "" && in.Source == last.Source && in.Object == last.Object && in.SHA256 != last.SHA256 &&
			in.ReceivedAt.After(last.ReceivedAt) && receivedAt.After(in.ReceivedAt) {
			return false
		}
	}
	return true
}

func appendsOnly(in *InputRecord) bool {
	for i := range in.Tables {
		if in.Tables[i].Mode != contract.Append {
			return false
		}
	}
	return true
}

// Files returns the absolute paths of the live files of a table, in the order of the manifest.
func (l *Lake) Files(table string) []string {
	var out []string
	for i := range l.m.Inputs {
		for j := range l.m.Inputs[i].Tables {
			if t := &l.m.Inputs[i].Tables[j]; t.Table == table && t.File.Path != "" {
				out = append(out, l.d.path(t.File.Path))
			}
		}
	}
	return out
}

// Rejects returns the absolute paths of the live files of refused records, in the order of the manifest.
func (l *Lake) Rejects() []string {
	var out []string
	for i := range l.m.Inputs {
		if f := l.m.Inputs[i].Rejects; f.Path != "" {
			out = append(out, l.d.path(f.Path))
		}
	}
	return out
}

// Inputs returns a record of every export in the lake, in the order of the manifest.
func (l *Lake) Inputs() []InputRecord {
	out := slices.Clone(l.m.Inputs)
	for i := range out {
		out[i].Tables = slices.Clone(out[i].Tables)
	}
	return out
}

// Generation returns the number of commits that made the lake what it is.
func (l *Lake) Generation() int64 { return l.m.Generation }

// Dir returns the lake's folder, to which the paths of a FileRecord are relative.
func (l *Lake) Dir() string { return l.d.dir }
