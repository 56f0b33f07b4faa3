package lake

import (
	"context"
	"errors"
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/lake/parquetfile"
)

// A snapshot of an object that had at least shrinkFrom keys may delete up to half of them.
const shrinkFrom = 20

// deletionBatch is how many deletions are written at a time.
const deletionBatch = 1024

// deleteVanished writes a deletion for every key of the load's object that the snapshot no longer has.
func (ld *Load) deleteVanished(ctx context.Context, t *loadTable, rejected int64) error {
	known, gone := t.arrival.owned()
	if len(gone) == 0 {
		return nil
	}
	if rejected > t.kept {
		t.held = int64(len(gone))
		return nil
	}
	if !ld.d.AllowShrink && known >= shrinkFrom && 2*len(gone) > known && ld.shrinks(t, known) {
		return &ShrinkError{Source: ld.key.Source, Object: ld.d.Parts[0].Provenance.Object, Table: t.table.Name, Known: known, Gone: len(gone)}
	}
	return ld.writeDeletions(ctx, t, gone)
}

// shrinks reports whether vanishing keys mean a broken export. Under another mapping than last time all keys
// may have got another form; the snapshot is then judged by how many it has.
func (ld *Load) shrinks(t *loadTable, known int) bool {
	for i := ld.at - 1; i >= 0; i-- {
		in := &ld.l.m.Inputs[i]
		if in.Source != ld.key.Source || in.Object != ld.d.Parts[0].Provenance.Object || in.Quarantined != "" {
			continue
		}
		if in.MappingVersion == ld.key.MappingVersion {
			return true
		}
		break
	}
	return 2*(t.changed+t.unchanged) < int64(known)
}

// writeDeletions copies the last version of every key of gone (positions in the index), marked as deleted. It
// reads the lake files that hold those versions, one row group at a time.
func (ld *Load) writeDeletions(ctx context.Context, t *loadTable, gone []int) error {
	newest := make(map[contract.KeyHash]uint64, len(gone))
	loads := map[int64]bool{}
	for _, i := range gone {
		block, j := t.h.x.at(i)
		newest[block.key[j]] = block.row[j]
		loads[t.h.x.origins[block.origin[j]].loadedAt] = true
	}
	d := &deleter{ld: ld, t: t, newest: newest, out: contract.NewBatch(t.table, deletionBatch)}
	for _, c := range ld.l.chapters(t.key, ld.at) {
		if !loads[c.loadedAt] || len(newest) == 0 {
			continue
		}
		if err := d.copyFrom(ctx, c.file.Path); err != nil {
			return fmt.Errorf("delete from %s: %w", t.table.Name, err)
		}
	}
	if err := d.flush(ctx); err != nil {
		return fmt.Errorf("delete from %s: %w", t.table.Name, err)
	}
	if len(newest) > 0 {
		err := fmt.Errorf("delete from %s: the index names %d keys that no file holds; it is dropped, load again", t.table.Name, len(newest))
		return errors.Join(err, ld.l.discardIndex(t.key))
	}
	return nil
}

// deleter copies rows into deletions.
type deleter struct {
	ld *Load
	t  *loadTable
	// newest holds, of the keys still to be found, the row hash of their last version.
	newest map[contract.KeyHash]uint64
	out    *contract.Batch
}

func (d *deleter) copyFrom(ctx context.Context, path string) (err error) {
	f, err := parquetfile.Open(d.ld.l.d.path(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	keys := newKeyReader(d.t.table, f)
	for g := range f.Groups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := keys.read(g); err != nil {
			return err
		}
		var rows []int
		for i := range keys.hash.Ints {
			key := keys.key(i)
			if row, ok := d.newest[key]; ok && row == uint64(keys.hash.Ints[i]) {
				delete(d.newest, key)
				rows = append(rows, i)
				d.out.KeyHash = append(d.out.KeyHash, key)
				d.out.RowHash = append(d.out.RowHash, deletionHash(row))
			}
		}
		if err := d.copyRows(ctx, f, g, rows); err != nil {
			return err
		}
	}
	return nil
}

// deletionHash is the row hash of a deletion: not that of the version it repeats, so that the same version
// counts as changed when it comes back.
func deletionHash(row uint64) uint64 { return ^row }

// copyRows copies the given rows of a row group, whose hashes are in the batch already.
func (d *deleter) copyRows(ctx context.Context, f *parquetfile.File, g int, rows []int) error {
	if len(rows) == 0 {
		return nil
	}
	for i, c := range d.t.table.Columns {
		read := contract.NewVector(c.Type, 0)
		if err := f.Read(g, c, &read); err != nil {
			return err
		}
		appendPicked(&d.out.Columns[i], &read, rows)
	}
	read := contract.NewVector(contract.JSON, 0)
	if err := f.Read(g, contract.Column{Name: "_extra", Type: contract.JSON, Nullable: true}, &read); err != nil {
		return err
	}
	appendPicked(&d.out.Extra, &read, rows)
	for range rows {
		d.out.Row = append(d.out.Row, 0)
		d.out.Deleted = append(d.out.Deleted, true)
	}
	if d.out.Len() >= deletionBatch {
		return d.flush(ctx)
	}
	return nil
}

func appendPicked(dst, src *contract.Vector, rows []int) {
	for _, i := range rows {
		switch {
		case !src.Valid[i]:
			dst.AppendNull()
		case src.Offsets != nil:
			dst.AppendBytes(src.Bytes(i))
		case src.Type == contract.Bool:
			dst.AppendBool(src.Bools[i])
		case src.Type == contract.Float64:
			dst.AppendFloat(src.Floats[i])
		default:
			dst.AppendInt(src.Ints[i])
		}
	}
}

// flush writes the deletions collected so far.
func (d *deleter) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.out.Len() == 0 {
		return nil
	}
	d.t.deleting = true
	for i, key := range d.out.KeyHash {
		d.t.arrival.put(key, d.out.RowHash[i])
	}
	if err := d.ld.writeRows(d.t, d.out); err != nil {
		return err
	}
	d.t.deleted += int64(d.out.Len())
	d.out.Reset()
	return nil
}
