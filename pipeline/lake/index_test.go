package lake

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Few distinct halves, so that slots and marks collide.
func drawKey(t *rapid.T) contract.KeyHash {
	half := rapid.SampledFrom([]uint64{0, 1, 2, 63, 64, 1 << 32, 1<<32 + 1, 1 << 58, ^uint64(0)})
	return contract.KeyHash{half.Draw(t, "high"), half.Draw(t, "low")}
}

func TestIndexIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, want := newKeyIndex(), map[contract.KeyHash]uint64{}
		a := x.arrive(1, "o", true)
		for range rapid.IntRange(0, 300).Draw(t, "puts") {
			key, row := drawKey(t), rapid.Uint64Range(0, 2).Draw(t, "row")
			old, known := want[key]
			if got := a.put(key, row); got != (known && old == row) {
				t.Fatalf("put(%v, %d) = %v with %d (%v) known", key, row, got, old, known)
			}
			want[key] = row
		}
		if x.n != len(want) {
			t.Fatalf("%d keys, want %d", x.n, len(want))
		}
		for key, row := range want {
			i, ok := x.find(key)
			if !ok {
				t.Fatalf("key %v is lost", key)
			}
			if block, j := x.at(i); block.key[j] != key || block.row[j] != row {
				t.Fatalf("key %v has row %d, want %d", key, block.row[j], row)
			}
		}
		if _, ok := x.find(contract.KeyHash{7, 7}); ok {
			t.Fatal("a key that was never put was found")
		}
	})
}

func TestIndexGrows(t *testing.T) {
	x := bigIndex(100_000)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 100_000 {
		key := contract.KeyHash{r.Uint64(), r.Uint64()}
		if at, ok := x.find(key); !ok || at != i {
			t.Fatalf("key %d is at %d (%v)", i, at, ok)
		}
	}
	if per := float64(x.bytes()) / 100_000; per > 40 {
		t.Errorf("%.1f bytes a key", per)
	}
}

func bigIndex(n int) *keyIndex {
	x := newKeyIndex()
	r := rand.New(rand.NewPCG(1, 1))
	a := x.arrive(1, "deals", false)
	for range n {
		a.put(contract.KeyHash{r.Uint64(), r.Uint64()}, 7)
	}
	return x
}

func TestIndexFileComesBack(t *testing.T) {
	for _, n := range []int{0, 1, 47, 48, 49, blockKeys - 1, blockKeys, blockKeys + 1, 50_000} {
		x := bigIndex(n)
		a := x.arrive(5, "other é", false)
		a.put(contract.KeyHash{1, 1}, 1)
		a.deletes(contract.KeyHash{1, 1}, true)
		a.finish()
		var saved bytes.Buffer
		if err := x.save(&saved, digest{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		back, covered, err := readIndex(bytes.NewReader(saved.Bytes()), int64(saved.Len()))
		if err != nil || covered != (digest{1, 2, 3}) {
			t.Fatalf("%d keys: %v, covered %v", n, err, covered)
		}
		var again bytes.Buffer
		if err := back.save(&again, covered); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(saved.Bytes(), again.Bytes()) {
			t.Errorf("%d keys: saved again the file differs", n)
		}
		if !back.arrive(6, "deals", false).put(contract.KeyHash{1, 1}, 1) {
			t.Errorf("%d keys: a key is lost", n)
		}
		if back.bytes() > x.bytes() {
			t.Errorf("%d keys: %d bytes after reading, %d before", n, back.bytes(), x.bytes())
		}
	}
}

func TestDamagedIndexFileCountsAsNone(t *testing.T) {
	var saved bytes.Buffer
	if err := bigIndex(100).save(&saved, digest{}); err != nil {
		t.Fatal(err)
	}
	refused := func(content []byte) bool {
		_, _, err := readIndex(bytes.NewReader(content), int64(len(content)))
		return err != nil
	}
	whole := saved.Bytes()
	if refused(whole) {
		t.Fatal("a whole file was refused")
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x40
		if !refused(damaged) {
			t.Errorf("a flipped bit in byte %d of %d was not seen", i, len(whole))
		}
		if !refused(whole[:i]) {
			t.Errorf("a file cut off after byte %d was not seen", i)
		}
	}
	if !refused(append(bytes.Clone(whole), 0)) {
		t.Error("a byte too many was not seen")
	}
	if _, _, err := loadIndex(filepath.Join(t.TempDir(), "no.idx")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func FuzzIndexFile(f *testing.F) {
	var saved bytes.Buffer
	if err := bigIndex(3).save(&saved, digest{}); err != nil {
		f.Fatal(err)
	}
	f.Add(saved.Bytes())
	f.Add([]byte(indexMagic))
	f.Fuzz(func(t *testing.T, content []byte) {
		if x, _, err := readIndex(bytes.NewReader(content), int64(len(content))); err == nil && x.n > len(content)/indexEntry {
			t.Errorf("%d keys from %d bytes", x.n, len(content))
		}
	})
}

// An index of another history, or of none, is built again; the lake never believes it blindly.
func TestIndexIsTiedToTheFiles(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	e := nightly("lines", contract.Upsert)
	for dir, version := range map[string]string{one: "a", two: "b"} {
		l := openLake(t, dir)
		mustLoad(t, l, e.with(1, "opportunity_line", line("d1", version)))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	name := historyKey{source: "crm", table: "opportunity_line"}.file()
	foreign, err := os.ReadFile(filepath.Join(two, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(one, name), foreign, 0o644); err != nil {
		t.Fatal(err)
	}
	l := openLake(t, one)
	mustLoad(t, l, e.with(2, "opportunity_line", line("d1", "a")))
	wantLast(t, l, 0, 1, 0, 0)
}

func TestIndexIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	l := openLake(t, dir)
	k := historyKey{source: "crm", table: "opportunity_line"}
	e := nightly("lines", contract.Snapshot)
	mustLoad(t, l, e.with(1, "opportunity_line", line("d1", "a"), line("d2", "a")))
	x := l.histories[k].x
	mustLoad(t, l, e.with(2, "opportunity_line", line("d1", "b")), e.with(3, "opportunity_line", line("d1", "b")))
	h, err := l.history(k, len(l.m.Inputs))
	if err != nil || h.x != x {
		t.Errorf("an index that was up to date in memory was read again (%v)", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Saved, it spares the files.
	for _, path := range l.Files("opportunity_line") {
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
	}
	l.histories = map[historyKey]*history{}
	if h, err := l.history(k, len(l.m.Inputs)); err != nil || !h.saved || h.files != 2 || h.x.n != 2 {
		t.Errorf("an index that was up to date on the disk was built again (%v)", err)
	}
}

func TestIdleIndexesMakeRoom(t *testing.T) {
	l := openLake(t, t.TempDir())
	k := historyKey{source: "crm", table: "opportunity_line"}
	l.histories[k] = &history{x: bigIndex(5000)}
	for _, c := range []struct {
		inUse map[historyKey]bool
		limit int
		kept  bool
	}{{map[historyKey]bool{k: true}, 0, true}, {nil, 1 << 20, true}, {nil, 5000 * indexEntry, false}} {
		if err := l.makeRoom(c.inUse, c.limit); err != nil || (l.histories[k] != nil) != c.kept {
			t.Fatalf("in use %v, limit %d: kept %v (%v)", c.inUse, c.limit, l.histories[k] != nil, err)
		}
	}
	if _, _, err := loadIndex(l.d.path(k.file())); err != nil {
		t.Errorf("it was not saved: %v", err)
	}
}
