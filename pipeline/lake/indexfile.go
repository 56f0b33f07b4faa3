package lake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/zeebo/xxh3"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// An index file is a saved keyIndex: a copy of what the lake's Parquet files say, to spare reading them. It is
// therefore not made durable, and one that is damaged, of another version or of another history counts as none.
//
//	"PHIX" version:u32 covered:[32]byte
//	origins:u32 { loadedAt:i64 deleted:u8 object:text }
//	keys:u64    { high:u64 low:u64 row:u64 origin:u32 }
//	checksum:[16]byte, XXH3 of everything before
//
// Numbers are little-endian, a text is its length as u32 and its bytes. Covered says which files the index has taken in.
const (
	indexMagic   = "PHIX"
	indexVersion = 1
	indexEntry   = 28
)

var errIndexFile = errors.New("index file is damaged or of another version")

// save writes the index.
func (x *keyIndex) save(w io.Writer, covered digest) error {
	hash := xxh3.New128()
	out := bufio.NewWriterSize(io.MultiWriter(w, hash), 64<<10)
	le := binary.LittleEndian
	head := le.AppendUint32([]byte(indexMagic), indexVersion)
	head = append(head, covered[:]...)
	head = le.AppendUint32(head, uint32(len(x.origins)))
	for _, o := range x.origins {
		head = le.AppendUint64(head, uint64(o.loadedAt))
		var deleted byte
		if o.deleted {
			deleted = 1
		}
		head = append(head, deleted)
		head = append(le.AppendUint32(head, uint32(len(o.object))), o.object...)
	}
	head = le.AppendUint64(head, uint64(x.n))
	if _, err := out.Write(head); err != nil {
		return err
	}
	entry := make([]byte, 0, indexEntry)
	for i := range x.n {
		block, j := x.at(i)
		entry = le.AppendUint64(entry[:0], block.key[j][0])
		entry = le.AppendUint64(entry, block.key[j][1])
		entry = le.AppendUint64(entry, block.row[j])
		entry = le.AppendUint32(entry, block.origin[j])
		if _, err := out.Write(entry); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	sum := hash.Sum128().Bytes()
	_, err := w.Write(sum[:])
	return err
}

// loadIndex reads the index file at path. Any error means that the index has to be built from the lake.
func loadIndex(path string) (_ *keyIndex, covered digest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, covered, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, covered, err
	}
	return readIndex(bufio.NewReaderSize(f, 256<<10), info.Size())
}

// readIndex reads an index file of the given size.
func readIndex(in io.Reader, size int64) (_ *keyIndex, covered digest, err error) {
	r := &indexReader{in: in, hash: xxh3.New128(), left: size - 16}
	x := newKeyIndex()
	if string(r.take(len(indexMagic))) != indexMagic || r.u32() != indexVersion {
		return nil, covered, errIndexFile
	}
	copy(covered[:], r.take(len(covered)))
	for range r.u32() {
		o := origin{loadedAt: int64(r.u64())}
		o.deleted = r.take(1)[0] == 1
		o.object = string(r.take(int(r.u32())))
		if r.err != nil {
			return nil, covered, r.err
		}
		x.number(o)
	}
	n := r.u64()
	if r.err != nil || n > math.MaxUint32/2 || int64(n)*indexEntry != r.left {
		return nil, covered, errIndexFile
	}
	if err := r.keys(x, int(n)); err != nil {
		return nil, covered, err
	}
	sum := r.hash.Sum128().Bytes()
	stored := make([]byte, len(sum))
	if _, err := io.ReadFull(r.in, stored); err != nil || string(stored) != string(sum[:]) {
		return nil, covered, errIndexFile
	}
	return x, covered, nil
}

// keys reads n entries and finds room for all of them at once.
func (r *indexReader) keys(x *keyIndex, n int) error {
	width := x.width
	for 4*n >= 3<<width {
		width++
	}
	for i := range n {
		if i%blockKeys == 0 {
			x.blocks = append(x.blocks, new(keyBlock))
		}
		entry := r.take(indexEntry)
		if r.err != nil {
			return r.err
		}
		le := binary.LittleEndian
		block, j := x.at(i)
		block.key[j] = contract.KeyHash{le.Uint64(entry), le.Uint64(entry[8:])}
		block.row[j], block.origin[j] = le.Uint64(entry[16:]), le.Uint32(entry[24:])
		if int(block.origin[j]) >= len(x.origins) {
			return errIndexFile
		}
	}
	x.n = n
	x.spread(width)
	return nil
}

// indexReader reads and hashes; after an error it reads zeros. What take returns holds until the next call.
type indexReader struct {
	in   io.Reader
	hash *xxh3.Hasher128
	left int64 // bytes before the checksum
	buf  []byte
	err  error
}

func (r *indexReader) take(n int) []byte {
	if r.err == nil && int64(n) > r.left {
		r.err = errIndexFile
	}
	if r.err != nil {
		return make([]byte, min(n, 64))
	}
	if cap(r.buf) < n {
		r.buf = make([]byte, max(n, 64))
	}
	b := r.buf[:n]
	if _, err := io.ReadFull(r.in, b); err != nil {
		r.err = fmt.Errorf("read index file: %w", err)
		clear(b)
	}
	r.left -= int64(n)
	_, _ = r.hash.Write(b) // Never fails.
	return b
}

func (r *indexReader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *indexReader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
