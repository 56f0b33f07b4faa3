package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Input is one export to be loaded.
type Input struct {
	Key InputKey
	// Provenance is what goes on every row. Source and SHA256 are those of Key; Dialect may be set later.
	Provenance contract.Provenance
	// Modes says, for each table that the export may feed, how its records meet those already there.
	Modes map[string]contract.Mode
	// AllowShrink lets a snapshot delete any number of keys: a person has looked at the *ShrinkError.
	AllowShrink bool
}

// Load is one export on its way into the lake. Nothing of it is seen by anyone before Commit has returned.
//
// Unchanged and Keep may be called from one goroutine while another calls Write and Reject; Commit and Abort
// only after both are done. A row that Unchanged reported as changed must be written, in the same order.
type Load struct {
	l  *Lake
	in Input
	// at is the place in the manifest, that of an earlier reading of the same export if replaces is set.
	at       int
	replaces bool
	tables   map[string]*loadTable
	order    []*loadTable // in the order of the contract
	last     *loadTable   // the table of the last call of Unchanged
	rejects  *tableFile
	pending  []contract.Vector
	refused  int // rows in pending
	done     bool
}

// loadTable is what a load does to one table.
type loadTable struct {
	table *contract.Table
	mode  contract.Mode
	key   historyKey
	// h and arrival are nil for append tables.
	h       *history
	arrival *arrival
	// changed and unchanged count calls of Unchanged, kept those of Keep.
	changed, unchanged, kept int64
	// deleting is set once deletions have gone into the index.
	deleting bool
	// rows and deleted count what was written, held the deletions that were not made.
	rows, deleted, held int64
	out                 *rowFile
}

var errDone = errors.New("the load is over")

// Begin starts loading an export. An older snapshot than the newest of its object is an *OrderError.
// If the same export was loaded under another mapping, or quarantined last of its object, the new reading
// takes its place in the manifest and its rows go: the lake is then what it would be had the mapping always
// been this.
func (l *Lake) Begin(in Input) (*Load, error) {
	if l.broken != nil {
		return nil, fmt.Errorf("begin load: %w", l.broken)
	}
	if l.open != nil {
		return nil, fmt.Errorf("begin load of %s: that of %s is still open", in.Provenance.File, l.open.in.Provenance.File)
	}
	if err := l.validate(in); err != nil {
		return nil, fmt.Errorf("begin load of %s: %w", in.Provenance.File, err)
	}
	ld := &Load{l: l, in: in, tables: map[string]*loadTable{}}
	var err error
	if ld.at, ld.replaces, err = l.place(in); err != nil {
		return nil, err
	}
	inUse := map[historyKey]bool{}
	for _, name := range l.order {
		mode, ok := in.Modes[name]
		if !ok {
			continue
		}
		t := &loadTable{table: l.tables[name], mode: mode, key: historyKey{source: in.Key.Source, table: name}}
		ld.tables[name], ld.order = t, append(ld.order, t)
		if mode != contract.Append {
			inUse[t.key] = true
		}
	}
	if err := l.makeRoom(inUse, idleIndexBytes); err != nil {
		return nil, fmt.Errorf("begin load of %s: %w", in.Provenance.File, err)
	}
	for _, t := range ld.order {
		if t.mode == contract.Append {
			continue
		}
		if t.h, err = l.history(t.key, ld.at); err != nil {
			return nil, fmt.Errorf("begin load of %s: %w", in.Provenance.File, err)
		}
		t.arrival = t.h.x.arrive(in.Provenance.LoadedAt, in.Provenance.Object, t.mode == contract.Snapshot)
	}
	l.open = ld
	return ld, nil
}

var (
	sha256Hex   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	versionName = regexp.MustCompile(`^[0-9A-Za-z._]+$`)
)

func (l *Lake) validate(in Input) error {
	p := in.Provenance
	switch {
	case !sha256Hex.MatchString(in.Key.SHA256):
		return fmt.Errorf("sha256 %q is not 64 hexadecimal digits", in.Key.SHA256)
	case !versionName.MatchString(in.Key.MappingVersion):
		return fmt.Errorf("mapping version %q is not of letters and digits", in.Key.MappingVersion)
	case in.Key.Source == "" || p.Source != in.Key.Source || p.SHA256 != in.Key.SHA256:
		return fmt.Errorf("source %q and sha256 %q of the rows are not those of the input", p.Source, p.SHA256)
	case len(in.Modes) == 0:
		return errors.New("it feeds no table")
	}
	for _, text := range []string{p.Source, p.Preset, p.Object, p.File, p.Dialect, p.RunID} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%q is not UTF-8", text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.Modes)) {
		if l.tables[name] == nil {
			return fmt.Errorf("table %s is not in the contract", name)
		}
		if !in.Modes[name].Valid() {
			return fmt.Errorf("table %s: write mode %q is unknown", name, in.Modes[name])
		}
	}
	return nil
}

// place finds where in the manifest an input goes.
func (l *Lake) place(in Input) (at int, replaces bool, err error) {
	received := time.UnixMicro(in.Provenance.LoadedAt).UTC()
	for i := range l.m.Inputs {
		r := &l.m.Inputs[i]
		// Two objects may have exports of the same content, empty ones for example: those are not one export.
		if r.Source != in.Key.Source || r.SHA256 != in.Key.SHA256 || r.Object != in.Provenance.Object && r.Path != in.Provenance.File {
			continue
		}
		same := r.ReceivedAt.Equal(received)
		if r.Quarantined == "" && r.MappingVersion == in.Key.MappingVersion {
			if same {
				return 0, false, fmt.Errorf("begin load of %s: it is loaded already", in.Provenance.File)
			}
			continue
		}
		if r.Quarantined != "" && l.hasLater(i) {
			continue // What came after it was compared with what was before it: it is late now.
		}
		// Facts do not depend on when they were received, so that another reading replaces them in any case.
		if same || appendsOnly(r) && appendsAll(in.Modes) {
			return i, true, nil
		}
	}
	for i := range l.m.Inputs {
		r := &l.m.Inputs[i]
		if r.Source != in.Key.Source || r.Object != in.Provenance.Object || !r.ReceivedAt.After(received) {
			continue
		}
		for j := range r.Tables {
			if t := &r.Tables[j]; t.Mode == contract.Snapshot && in.Modes[t.Table] == contract.Snapshot {
				return 0, false, &OrderError{Source: r.Source, Object: r.Object, Path: in.Provenance.File,
					Received: received, Newest: r.ReceivedAt, NewestPath: r.Path}
			}
		}
	}
	return len(l.m.Inputs), false, nil
}

// hasLater reports whether an export of the same object was loaded after input i.
func (l *Lake) hasLater(i int) bool {
	r := &l.m.Inputs[i]
	return slices.ContainsFunc(l.m.Inputs[i+1:], func(in InputRecord) bool {
		return in.Source == r.Source && in.Object == r.Object && in.Quarantined == ""
	})
}

func appendsAll(modes map[string]contract.Mode) bool {
	for _, mode := range modes {
		if mode != contract.Append {
			return false
		}
	}
	return true
}

// SetDialect says how the export is read, where that is only known once it is open. Call it before the first
// Write or Reject.
func (ld *Load) SetDialect(dialect string) error {
	if !utf8.ValidString(dialect) {
		return fmt.Errorf("dialect %q is not UTF-8", dialect)
	}
	for _, t := range ld.order {
		if t.out != nil {
			return fmt.Errorf("set dialect of %s: rows are written already", ld.in.Provenance.File)
		}
	}
	ld.in.Provenance.Dialect = dialect
	return nil
}

// Unchanged reports whether the version is the newest that is known of its key, and remembers it otherwise:
// the row must then be written. It is always false for a table of mode append.
func (ld *Load) Unchanged(table string, key contract.KeyHash, row uint64) bool {
	t := ld.last
	if t == nil || t.table.Name != table {
		if t = ld.tables[table]; t == nil {
			return false // Write says what is wrong.
		}
		ld.last = t
	}
	if t.arrival == nil {
		return false
	}
	if t.arrival.put(key, row) {
		t.unchanged++
		return true
	}
	t.changed++
	return false
}

// Keep says that the export has a record of this key that was refused, so that a snapshot does not delete
// what is only broken. Snapshots with refused records that were not kept delete nothing.
func (ld *Load) Keep(table string, key contract.KeyHash) {
	if t := ld.tables[table]; t != nil && t.arrival != nil {
		t.arrival.keep(key)
		t.kept++
	}
}

// Write adds the rows of a batch, which may be reused afterwards. Key and row hashes must be those of
// contract.RowHasher, by which the index is rebuilt. Text must be UTF-8 and required columns filled.
func (ld *Load) Write(ctx context.Context, b *contract.Batch) error {
	if ld.done {
		return fmt.Errorf("write to lake: %w", errDone)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to lake: %w", err)
	}
	t := ld.tables[b.Table.Name]
	if t == nil {
		return fmt.Errorf("write to lake: table %s is not among those of %s", b.Table.Name, ld.in.Provenance.File)
	}
	if b.Len() == 0 {
		return nil
	}
	if err := checkBatch(b); err != nil {
		return fmt.Errorf("write to lake: %w", err)
	}
	if err := ld.writeRows(t, b); err != nil {
		return fmt.Errorf("write to lake: %w", err)
	}
	t.rows += int64(b.Len())
	return nil
}

// checkBatch checks that the parts of a batch are of one length and that required columns are filled, which
// the files themselves do not ask for.
func checkBatch(b *contract.Batch) error {
	n := b.Len()
	if len(b.RowHash) != n || len(b.KeyHash) != n || len(b.Deleted) != n {
		return fmt.Errorf("a batch of %d rows of %s has %d row hashes, %d key hashes, %d deletion marks",
			n, b.Table.Name, len(b.RowHash), len(b.KeyHash), len(b.Deleted))
	}
	for i := range b.Table.Columns {
		c := &b.Table.Columns[i]
		if c.Nullable {
			continue
		}
		if row := slices.Index(b.Columns[i].Valid, false); row >= 0 {
			return fmt.Errorf("column %s of %s requires a value, row %d of the batch has none", c.Name, b.Table.Name, row)
		}
	}
	return nil
}

func (ld *Load) writeRows(t *loadTable, b *contract.Batch) error {
	if t.out == nil {
		rel, err := ld.newPath(t.table.Name)
		if err != nil {
			return err
		}
		if t.out, err = ld.l.d.newRowFile(rel, t.table, ld.in.Provenance); err != nil {
			return err
		}
	}
	if err := t.out.append(b); err != nil {
		return err
	}
	if t.arrival != nil {
		for i, key := range b.KeyHash {
			t.arrival.deletes(key, b.Deleted[i])
		}
	}
	return nil
}

// newPath returns the path of a new file in a folder of the lake, which it makes.
func (ld *Load) newPath(folder string) (string, error) {
	if err := ld.l.d.mkdir(folder); err != nil {
		return "", err
	}
	prefix := ld.in.Key.SHA256[:12]
	same := manifest{}
	for i := range ld.l.m.Inputs {
		if strings.HasPrefix(ld.l.m.Inputs[i].SHA256, prefix) {
			same.Inputs = append(same.Inputs, ld.l.m.Inputs[i])
		}
	}
	live := map[string]bool{}
	for _, f := range same.files() {
		live[f.Path] = true
	}
	version := ld.in.Key.MappingVersion
	name := folder + "/" + prefix + "-" + version[:min(8, len(version))]
	path := name + ".parquet"
	for n := 2; live[path]; n++ {
		path = fmt.Sprintf("%s-%d.parquet", name, n)
	}
	return path, nil
}

// Reject adds a refused record, or a refused value of a record that is kept.
func (ld *Load) Reject(ctx context.Context, r contract.Reject) error {
	if ld.done {
		return fmt.Errorf("write reject to lake: %w", errDone)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write reject to lake: %w", err)
	}
	if ld.rejects == nil {
		columns := RejectColumns()
		rel, err := ld.newPath(rejectFolder)
		if err == nil {
			ld.rejects, err = ld.l.d.newTableFile(rel, rejectFolder, columns)
		}
		if err != nil {
			return fmt.Errorf("write reject to lake: %w", err)
		}
		ld.pending = make([]contract.Vector, len(columns))
		for i, c := range columns {
			ld.pending[i] = contract.NewVector(c.Type, rejectBatch)
			ld.rejects.vectors[i] = &ld.pending[i]
		}
	}
	appendReject(ld.pending, &r, ld.in.Provenance.RunID, ld.in.Provenance.LoadedAt)
	if ld.refused++; ld.refused == rejectBatch {
		return ld.flushRejects()
	}
	return nil
}

func (ld *Load) flushRejects() error {
	if ld.refused == 0 {
		return nil
	}
	if err := ld.rejects.w.Append(ld.refused, ld.rejects.vectors); err != nil {
		return fmt.Errorf("write reject to lake: %w", err)
	}
	for i := range ld.pending {
		ld.pending[i].Reset()
	}
	ld.refused = 0
	return nil
}
