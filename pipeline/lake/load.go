package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Load is one delivery on its way into the lake, part by part. Nothing of it is seen by anyone before Commit has
// returned.
//
// Unchanged and Keep may be called from one goroutine while another calls Write and Reject; NextPart, Commit and
// Abort only after both are done. A row that Unchanged reported as changed must be written, in the same order.
type Load struct {
	l *Lake
	d Delivery
	// key is that of the delivery.
	key InputKey
	// at is the place in the manifest; replaces is the number of records there that an earlier reading of the same
	// export left.
	at, replaces int
	tables       map[string]*loadTable
	order        []*loadTable // in the order of the contract
	last         *loadTable   // the table of the last call of Unchanged
	parts        []*loadPart  // those begun; the last one is being read
	done         bool
}

// loadPart is what a load has of one part.
type loadPart struct {
	Part
	outs    map[string]*rowFile // by table, none where no row was written
	rejects *tableFile
	pending []contract.Vector
	refused int // rows in pending
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
}

var errDone = errors.New("the load is over")

// Begin starts loading an export of one file; see BeginDelivery.
func (l *Lake) Begin(in Input) (*Load, error) {
	return l.BeginDelivery(Delivery{Parts: []Part{{Key: in.Key, Provenance: in.Provenance}}, Modes: in.Modes, AllowShrink: in.AllowShrink})
}

// BeginDelivery starts loading a delivery with its first part. An older snapshot than the newest of its object is
// an *OrderError. If the same export was loaded under another mapping, or quarantined last of its object, the new
// reading takes its place in the manifest and its rows go: the lake is then what it would be had the mapping always
// been this. Facts that were received again since count from their first receipt.
func (l *Lake) BeginDelivery(d Delivery) (*Load, error) {
	if l.broken != nil {
		return nil, fmt.Errorf("begin load: %w", l.broken)
	}
	if l.open != nil {
		return nil, fmt.Errorf("begin load of %s: that of %s is still open", d.path(), l.open.d.path())
	}
	if err := l.validate(&d); err != nil {
		return nil, fmt.Errorf("begin load of %s: %w", d.path(), err)
	}
	d.Parts = slices.Clone(d.Parts)
	ld := &Load{l: l, d: d, key: d.Key(), tables: map[string]*loadTable{}}
	if err := ld.place(); err != nil {
		return nil, err
	}
	inUse := map[historyKey]bool{}
	for _, name := range l.order {
		mode, ok := d.Modes[name]
		if !ok {
			continue
		}
		t := &loadTable{table: l.tables[name], mode: mode, key: historyKey{source: ld.key.Source, table: name}}
		ld.tables[name], ld.order = t, append(ld.order, t)
		if mode != contract.Append {
			inUse[t.key] = true
		}
	}
	if err := l.makeRoom(inUse, idleIndexBytes); err != nil {
		return nil, fmt.Errorf("begin load of %s: %w", d.path(), err)
	}
	first := &ld.d.Parts[0].Provenance
	for _, t := range ld.order {
		if t.mode == contract.Append {
			continue
		}
		var err error
		if t.h, err = l.history(t.key, ld.at); err != nil {
			return nil, fmt.Errorf("begin load of %s: %w", d.path(), err)
		}
		t.arrival = t.h.x.arrive(first.LoadedAt, first.Object, true)
	}
	ld.parts = []*loadPart{newLoadPart(ld.d.Parts[0])}
	l.open = ld
	return ld, nil
}

func newLoadPart(p Part) *loadPart { return &loadPart{Part: p, outs: map[string]*rowFile{}} }

// NextPart goes on to the next part of the delivery.
func (ld *Load) NextPart() error {
	switch {
	case ld.done:
		return fmt.Errorf("begin part: %w", errDone)
	case len(ld.parts) == len(ld.d.Parts):
		return fmt.Errorf("begin part: the delivery of %s has %d parts", ld.d.path(), len(ld.d.Parts))
	}
	for _, t := range ld.order {
		if t.arrival != nil {
			t.arrival.finish() // As it is when the index is read back from the part's file.
		}
	}
	ld.parts = append(ld.parts, newLoadPart(ld.d.Parts[len(ld.parts)]))
	return nil
}

// part returns the part that is being read.
func (ld *Load) part() *loadPart { return ld.parts[len(ld.parts)-1] }

// SetDialect says how the part is read, where that is only known once it is open. Call it before the part's first
// Write.
func (ld *Load) SetDialect(dialect string) error {
	part := ld.part()
	if !utf8.ValidString(dialect) {
		return fmt.Errorf("dialect %q is not UTF-8", dialect)
	}
	if len(part.outs) > 0 {
		return fmt.Errorf("set dialect of %s: rows are written already", part.Provenance.File)
	}
	part.Provenance.Dialect = dialect
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
		return fmt.Errorf("write to lake: table %s is not among those of %s", b.Table.Name, ld.d.path())
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
	part := ld.part()
	out := part.outs[t.table.Name]
	if out == nil {
		rel, err := ld.newPath(t.table.Name)
		if err != nil {
			return err
		}
		if out, err = ld.l.d.newRowFile(rel, t.table, part.Provenance); err != nil {
			return err
		}
		part.outs[t.table.Name] = out
	}
	if err := out.append(b); err != nil {
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
	key := ld.part().Key
	prefix := key.SHA256[:12]
	same := manifest{}
	for i := range ld.l.m.Inputs {
		if strings.HasPrefix(ld.l.m.Inputs[i].SHA256, prefix) {
			same.Inputs = append(same.Inputs, ld.l.m.Inputs[i])
		}
	}
	taken := map[string]bool{}
	for _, f := range same.files() {
		taken[f.Path] = true
	}
	for _, d := range ld.drafts() {
		taken[d.rel] = true
	}
	name := folder + "/" + prefix + "-" + key.MappingVersion[:min(8, len(key.MappingVersion))]
	path := name + ".parquet"
	for n := 2; taken[path]; n++ {
		path = fmt.Sprintf("%s-%d.parquet", name, n)
	}
	return path, nil
}

// drafts returns the files that the load is writing, in the order of parts and contract.
func (ld *Load) drafts() []*draft {
	var out []*draft
	for _, part := range ld.parts {
		for _, t := range ld.order {
			if f := part.outs[t.table.Name]; f != nil {
				out = append(out, f.draft)
			}
		}
		if part.rejects != nil {
			out = append(out, part.rejects.draft)
		}
	}
	return out
}

// Reject adds a refused record, or a refused value of a record that is kept.
func (ld *Load) Reject(ctx context.Context, r contract.Reject) error {
	if ld.done {
		return fmt.Errorf("write reject to lake: %w", errDone)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write reject to lake: %w", err)
	}
	part := ld.part()
	if part.rejects == nil {
		columns := RejectColumns()
		rel, err := ld.newPath(rejectFolder)
		if err == nil {
			part.rejects, err = ld.l.d.newTableFile(rel, rejectFolder, columns)
		}
		if err != nil {
			return fmt.Errorf("write reject to lake: %w", err)
		}
		part.pending = make([]contract.Vector, len(columns))
		for i, c := range columns {
			part.pending[i] = contract.NewVector(c.Type, rejectBatch)
			part.rejects.vectors[i] = &part.pending[i]
		}
	}
	appendReject(part.pending, &r, part.Provenance.RunID, part.Provenance.LoadedAt)
	if part.refused++; part.refused == rejectBatch {
		return part.flushRejects()
	}
	return nil
}

func (p *loadPart) flushRejects() error {
	if p.refused == 0 {
		return nil
	}
	if err := p.rejects.w.Append(p.refused, p.rejects.vectors); err != nil {
		return fmt.Errorf("write reject to lake: %w", err)
	}
	for i := range p.pending {
		p.pending[i].Reset()
	}
	p.refused = 0
	return nil
}
