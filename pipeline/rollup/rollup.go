// Package rollup condenses raw events into daily rows, and does it again only for months that changed.
//
// Events are the one input that grows without bound, so that a night must not read all of them: a rollup is
// cut into calendar months, each computed from the lake files whose events touch it, and a month is computed
// again only when that set of files, or the computation itself, is another one. What computes a month is an
// Engine; DuckDB today (warehouse.RollupEngine), a distributed one where a programme outgrows a machine.
//
// A rollup is a folder:
//
//	<dir>/manifest.json                        which file holds which month, and what it was made from
//	<dir>/dt=2026-10/<fingerprint>.parquet     the days of October 2026
//
// Files are immutable and named by what they were made from; the manifest replaces the last one by rename,
// so that a run that is killed leaves the state before it, and files that the manifest does not list are
// swept by the next.
package rollup

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"
)

// Engine computes the days of a rollup.
type Engine interface {
	// Version identifies the computation; a month made by another version is made again.
	Version(ctx context.Context) (string, error)
	// Days returns the days, UTC, on which a file has events, in order, and whether it takes events back: those of
	// its rows that are marked as deleted void the event of their key, in whatever file that is.
	Days(ctx context.Context, file string) (days []time.Time, voids bool, err error)
	// Voided returns the days, UTC, of the events in the given files that a file takes back, in order.
	Voided(ctx context.Context, by string, in []string) ([]time.Time, error)
	// Write computes the days [from, to), which may depend on events up to a day before and after and on rows that
	// take events back, from the given files, writes them to path and returns the number of rows. The same input
	// gives the same bytes.
	Write(ctx context.Context, from, to time.Time, files []string, path string) (rows int64, err error)
}

// File is one file of the lake.
type File struct {
	Path string
	// Checksum is that of its bytes. The lake gives a name that became free to another file, so that a name alone does
	// not say which file it is.
	Checksum string
}

// id is by what a file is known again.
func (f File) id() string { return filepath.Base(f.Path) + " " + f.Checksum }

// paths are the paths of files.
func paths(files []File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}

// Rollup is one rollup in its folder.
type Rollup struct {
	dir      string
	engine   Engine
	manifest manifest
	damage   string
}

// Update says what bringing a rollup up to date took.
type Update struct {
	// Rebuilt and Removed list months ("2026-10") in order, Kept counts those left as they were.
	Rebuilt, Removed []string
	Kept             int
	// Rows is the number of rows of all months together.
	Rows int64
	// Damage says what was wrong with the rollup, so that all months had to be made again; "" where nothing was.
	Damage string
}

// Open opens the rollup in dir, which is made where it does not exist, and sweeps the leftovers of runs
// that were interrupted. Only one process may do so at a time; the run's lock sees to it.
func Open(dir string, engine Engine) (*Rollup, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find rollup folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create rollup folder: %w", err)
	}
	m, damage, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	r := &Rollup{dir: dir, engine: engine, manifest: m, damage: damage}
	if err := r.sweep(); err != nil {
		return nil, err
	}
	return r, nil
}

// Files returns the absolute paths of the live files, by month.
func (r *Rollup) Files() []string {
	files := make([]string, 0, len(r.manifest.Months))
	for _, month := range r.manifest.months() {
		files = append(files, r.path(month, r.manifest.Months[month].File))
	}
	return files
}

// Update brings the rollup up to date with the given files of the lake, which are all that are live. Months without
// events are removed.
func (r *Rollup) Update(ctx context.Context, files []File) (Update, error) {
	version, err := r.engine.Version(ctx)
	if err != nil {
		return Update{}, fmt.Errorf("read version of rollup: %w", err)
	}
	next := manifest{Format: manifestFormat, Months: map[string]partition{}, Touched: map[string][]string{}}
	touched, err := r.touched(ctx, files, &next)
	if err != nil {
		return Update{}, err
	}
	byMonth := map[string][]File{}
	for _, f := range files {
		next.Touched[f.id()] = touched[f]
		for _, month := range touched[f] {
			byMonth[month] = append(byMonth[month], f)
		}
	}
	done := Update{Damage: r.damage}
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		inputs := byMonth[month]
		sort.Slice(inputs, func(i, j int) bool { return inputs[i].id() < inputs[j].id() })
		var p partition
		for _, f := range inputs {
			p.Inputs = append(p.Inputs, f.id())
		}
		p.File = fingerprint(version, month, p.Inputs) + ".parquet"
		if old, ok := r.manifest.Months[month]; ok && old.File == p.File && r.isThere(month, old) {
			next.Months[month] = old
			done.Kept++
			done.Rows += old.Rows
			continue
		}
		if p.Rows, err = r.build(ctx, month, paths(inputs), p.File); err != nil {
			return Update{}, err
		}
		next.Months[month] = p
		done.Rebuilt = append(done.Rebuilt, month)
		done.Rows += p.Rows
	}
	for _, month := range r.manifest.months() {
		if _, ok := next.Months[month]; !ok {
			done.Removed = append(done.Removed, month)
		}
	}
	if err := next.write(r.dir); err != nil {
		return Update{}, err
	}
	r.manifest, r.damage = next, ""
	return done, r.sweep()
}

// touched returns, for each file, the months that its events can fall in, wherever the time zone moves
// them, and those of the events that it takes back. Only files not seen before are read; next learns which of all
// files take events back.
func (r *Rollup) touched(ctx context.Context, files []File, next *manifest) (map[File][]string, error) {
	touched := make(map[File][]string, len(files))
	names := make(map[string]bool, len(files))
	var unseen []File
	for _, f := range files {
		name := filepath.Base(f.Path)
		if names[name] {
			return nil, fmt.Errorf("update rollup: two files are called %s", name)
		}
		names[name] = true
		if months, ok := r.manifest.Touched[f.id()]; ok {
			touched[f] = months
			if slices.Contains(r.manifest.Voiding, f.id()) {
				next.Voiding = append(next.Voiding, f.id())
			}
			continue
		}
		days, voids, err := r.engine.Days(ctx, f.Path)
		if err != nil {
			return nil, fmt.Errorf("read event days of %s: %w", name, err)
		}
		touched[f] = monthsAround([]string{}, days)
		unseen = append(unseen, f)
		if voids {
			next.Voiding = append(next.Voiding, f.id())
		}
	}
	// An event may be taken back before it comes: what was known is looked for in the new files, what is new in all.
	for _, f := range files {
		if !slices.Contains(next.Voiding, f.id()) {
			continue
		}
		in := unseen
		if slices.Contains(unseen, f) {
			in = files
		}
		if len(in) == 0 {
			continue
		}
		days, err := r.engine.Voided(ctx, f.Path, paths(in))
		if err != nil {
			return nil, fmt.Errorf("read event days that %s takes back: %w", filepath.Base(f.Path), err)
		}
		touched[f] = monthsAround(touched[f], days)
	}
	return touched, nil
}

// monthsAround adds to months those that the days can fall in, and returns them in order, each once.
func monthsAround(months []string, days []time.Time) []string {
	months = slices.Clone(months)
	for _, day := range days {
		for around := -1; around <= 1; around++ {
			months = append(months, day.AddDate(0, 0, around).Format(monthLayout))
		}
	}
	slices.Sort(months)
	return slices.Compact(months)
}

// parseMonth returns the first day of a month as monthLayout writes it. The layout itself reads no year of five digits,
// and the days around 9999-12-31, by which many systems say "never", reach into one.
func parseMonth(text string) (time.Time, error) {
	var year int
	var month time.Month
	if _, err := fmt.Sscanf(text, "%d-%d", &year, &month); err != nil {
		return time.Time{}, err
	}
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC), nil
}

// build computes one month into a temporary file and renames it.
func (r *Rollup) build(ctx context.Context, month string, inputs []string, file string) (int64, error) {
	from, err := parseMonth(month)
	if err != nil {
		return 0, fmt.Errorf("read month: %w", err)
	}
	target := r.path(month, file)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return 0, fmt.Errorf("create folder of month %s: %w", month, err)
	}
	temporary := target + ".tmp"
	rows, err := r.engine.Write(ctx, from, from.AddDate(0, 1, 0), inputs, temporary)
	if err != nil {
		return 0, fmt.Errorf("roll up %s: %w", month, err)
	}
	if err := syncPath(temporary); err != nil {
		return 0, err
	}
	if err := os.Rename(temporary, target); err != nil {
		return 0, fmt.Errorf("keep month %s: %w", month, err)
	}
	return rows, syncPath(filepath.Dir(target))
}

// sweep removes what the manifest does not list: months of interrupted runs, and those that were replaced.
func (r *Rollup) sweep() error {
	live := map[string]bool{}
	for _, f := range r.Files() {
		live[f] = true
	}
	found, err := filepath.Glob(filepath.Join(globLiteral(r.dir), "dt=*", "*"))
	if err != nil {
		return fmt.Errorf("list rollup files: %w", err)
	}
	for _, f := range found {
		if live[f] {
			continue
		}
		if err := os.Remove(f); err != nil {
			return fmt.Errorf("sweep rollup: %w", err)
		}
	}
	return nil
}

func (r *Rollup) path(month, file string) string {
	return filepath.Join(r.dir, "dt="+month, file)
}

// isThere reports whether the file of a month is where the manifest says.
func (r *Rollup) isThere(month string, p partition) bool {
	_, err := os.Stat(r.path(month, p.File))
	return err == nil
}
