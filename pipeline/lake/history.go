package lake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/lake/parquetfile"
)

const indexFolder = "index"

// idleIndexBytes is how much memory indexes that the current load does not need may hold.
const idleIndexBytes = 64 << 20

// historyKey names an index: keys are compared within a source and a table.
type historyKey struct{ source, table string }

func (k historyKey) file() string {
	sum := sha256.Sum256([]byte(k.source)) // A source's name may hold what a file's may not.
	return indexFolder + "/" + k.table + "-" + hex.EncodeToString(sum[:6]) + ".idx"
}

// digest identifies a sequence of lake files.
type digest [sha256.Size]byte

// history is an index and what it has taken in.
type history struct {
	x *keyIndex
	// covered identifies the files that the index has taken in, in order; files is their number.
	covered digest
	files   int
	// saved is set while the index file says the same.
	saved bool
}

// chapter is one file of a history.
type chapter struct {
	file     FileRecord
	loadedAt int64
	object   string
}

// firstDigest is that of a history without files. It holds the key's columns, since another key has other hashes.
func firstDigest(k historyKey, t *contract.Table) digest {
	return sha256.Sum256([]byte(strings.Join(append([]string{k.source, k.table}, t.Key...), "\x00")))
}

func (d digest) extend(c chapter) digest {
	b := append([]byte(nil), d[:]...)
	b = append(append(b, c.file.Path...), 0)
	b = append(b, c.file.Checksum...)
	b = binary.LittleEndian.AppendUint64(append(b, 0), uint64(c.loadedAt))
	return sha256.Sum256(append(b, c.object...))
}

// chapters returns the files of a history among the first n inputs of the manifest.
func (l *Lake) chapters(k historyKey, n int) []chapter {
	var out []chapter
	for i := range l.m.Inputs[:n] {
		in := &l.m.Inputs[i]
		if in.Source != k.source {
			continue
		}
		for j := range in.Tables {
			t := &in.Tables[j]
			if t.Table == k.table && t.Mode != contract.Append && t.File.Path != "" {
				out = append(out, chapter{file: t.File, loadedAt: in.ReceivedAt.UnixMicro(), object: in.Object})
			}
		}
	}
	return out
}

// history returns the index of k over the first n inputs: the one in memory or on disk if it begins the same
// story, brought up to date from the lake's files.
func (l *Lake) history(k historyKey, n int) (*history, error) {
	table, ok := l.tables[k.table]
	if !ok {
		return nil, fmt.Errorf("index %s: it is not in the contract", k.table)
	}
	story := l.chapters(k, n)
	prefixes := make([]digest, len(story)+1)
	prefixes[0] = firstDigest(k, table)
	for i, c := range story {
		prefixes[i+1] = prefixes[i].extend(c)
	}
	h := l.histories[k]
	if h == nil || h.files > len(story) || prefixes[h.files] != h.covered {
		h = l.savedHistory(k, prefixes)
	}
	delete(l.histories, k) // Until it is whole again.
	for ; h.files < len(story); h.files++ {
		if err := l.read(table, h.x, story[h.files]); err != nil {
			return nil, fmt.Errorf("index %s of %s: %w", k.table, k.source, err)
		}
		h.covered, h.saved = prefixes[h.files+1], false
	}
	l.histories[k] = h
	return h, nil
}

// savedHistory reads the index file if it holds one of the prefixes, and else begins at none.
func (l *Lake) savedHistory(k historyKey, prefixes []digest) *history {
	x, covered, err := loadIndex(l.d.path(k.file()))
	if err == nil {
		for files, prefix := range prefixes {
			if prefix == covered {
				return &history{x: x, covered: covered, files: files, saved: true}
			}
		}
	}
	return &history{x: newKeyIndex(), covered: prefixes[0]}
}

// read takes the rows of one file into the index.
func (l *Lake) read(table *contract.Table, x *keyIndex, c chapter) (err error) {
	f, err := parquetfile.Open(l.d.path(c.file.Path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	keys := newKeyReader(table, f)
	a := x.arrive(c.loadedAt, c.object, false)
	for g := range f.Groups() {
		if err := keys.read(g); err != nil {
			return err
		}
		for i := range keys.hash.Ints {
			key := keys.key(i)
			a.put(key, uint64(keys.hash.Ints[i]))
			a.deletes(key, keys.deleted.Bools[i])
		}
	}
	a.finish()
	return nil
}

// keyReader reads what an index needs of a lake file: key columns, row hash, deletion mark.
type keyReader struct {
	f       *parquetfile.File
	table   *contract.Table
	hasher  *contract.RowHasher
	batch   *contract.Batch
	hash    contract.Vector
	deleted contract.Vector
}

func newKeyReader(table *contract.Table, f *parquetfile.File) *keyReader {
	return &keyReader{
		f: f, table: table, hasher: contract.NewRowHasher(table), batch: contract.NewBatch(table, 0),
		hash: contract.NewVector(contract.Int64, 0), deleted: contract.NewVector(contract.Bool, 0),
	}
}

// read reads row group g.
func (r *keyReader) read(g int) error {
	for i, c := range r.table.Columns {
		if !r.table.IsKey(c.Name) {
			continue
		}
		if err := r.f.Read(g, c, &r.batch.Columns[i]); err != nil {
			return err
		}
	}
	if err := r.f.Read(g, contract.Column{Name: "_row_hash", Type: contract.Int64}, &r.hash); err != nil {
		return err
	}
	return r.f.Read(g, contract.Column{Name: "_deleted", Type: contract.Bool}, &r.deleted)
}

func (r *keyReader) key(i int) contract.KeyHash { return r.hasher.Key(r.batch, i) }

// save writes the index file, unless it says the same already.
func (l *Lake) save(k historyKey, h *history) error {
	if h.saved {
		return nil
	}
	if err := l.d.mkdir(indexFolder); err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	_, err := l.d.replace(k.file(), false, func(w io.Writer) error { return h.x.save(w, h.covered) })
	if err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	h.saved = true
	return nil
}

// forget drops an index whose load did not come to an end. The next load reads it again.
func (l *Lake) forget(k historyKey) { delete(l.histories, k) }

// discardIndex drops an index that contradicts the lake, its file too.
func (l *Lake) discardIndex(k historyKey) error {
	l.forget(k)
	if err := l.d.remove(k.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove index: %w", err)
	}
	return nil
}

// makeRoom saves and drops the indexes that are not in use where they hold more than limit bytes.
func (l *Lake) makeRoom(inUse map[historyKey]bool, limit int) error {
	idle := 0
	for k, h := range l.histories {
		if !inUse[k] {
			idle += h.x.bytes()
		}
	}
	if idle <= limit {
		return nil
	}
	for k, h := range l.histories {
		if inUse[k] {
			continue
		}
		if err := l.save(k, h); err != nil {
			return err
		}
		delete(l.histories, k)
	}
	return nil
}
