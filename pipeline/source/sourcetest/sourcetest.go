// Package sourcetest is the conformance suite that every kind of source.Store runs.
package sourcetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// Fixture is a store under test with a hand on what lies beneath it.
type Fixture struct {
	Store source.Store
	// Write creates or replaces an export, Remove takes one away.
	Write  func(path string, content []byte)
	Remove func(path string)
}

// Conformance checks a kind of store. Open returns a new store that holds the given files, by path; it is
// called once for every case and cleans up through t.
func Conformance(t *testing.T, open func(t *testing.T, files map[string][]byte) Fixture) {
	t.Run("lists sorted by path with nested folders", func(t *testing.T) { listsSorted(t, open) })
	t.Run("lists an empty folder", func(t *testing.T) { wantPaths(t, open(t, nil).Store) })
	t.Run("takes names literally", func(t *testing.T) { takesNamesLiterally(t, open) })
	t.Run("leaves out hidden and unfinished files", func(t *testing.T) { leavesOut(t, open) })
	t.Run("describes objects", func(t *testing.T) { describes(t, open) })
	t.Run("reads content", func(t *testing.T) { readsContent(t, open) })
	t.Run("refuses changed exports", func(t *testing.T) { refusesChanged(t, open) })
	t.Run("stops when cancelled", func(t *testing.T) { stopsWhenCancelled(t, open) })
	t.Run("hashes content", func(t *testing.T) { hashesContent(t, open) })
	t.Run("hands out through a spool", func(t *testing.T) { spools(t, open) })
	t.Run("keeps what a manifest promises", func(t *testing.T) { keepsPromises(t, open) })
}

type opener = func(t *testing.T, files map[string][]byte) Fixture

func list(t *testing.T, s source.Store) []source.Object {
	t.Helper()
	objects, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return objects
}

func wantPaths(t *testing.T, s source.Store, want ...string) {
	t.Helper()
	var got []string
	for _, o := range list(t, s) {
		got = append(got, o.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func one(t *testing.T, s source.Store, path string) source.Object {
	t.Helper()
	for _, o := range list(t, s) {
		if o.Path == path {
			return o
		}
	}
	t.Fatalf("%s is not listed", path)
	return source.Object{}
}

func files(paths ...string) map[string][]byte {
	out := make(map[string][]byte, len(paths))
	for _, p := range paths {
		out[p] = []byte("content of " + p)
	}
	return out
}

func listsSorted(t *testing.T, open opener) {
	s := open(t, files("b.csv", "a/z.csv", "a.csv", "a/b/c/deep.csv", "a-b.csv", "B.csv")).Store
	want := []string{"B.csv", "a-b.csv", "a.csv", "a/b/c/deep.csv", "a/z.csv", "b.csv"}
	wantPaths(t, s, want...)
	wantPaths(t, s, want...)
}

func takesNamesLiterally(t *testing.T, open opener) {
	names := []string{
		"[2026] deals*.csv", "a b/c  d.csv", "büro/Umsätze é.csv", "dots...csv", "percent%20.csv",
		"plus+and&.csv", "quote'\".csv", "what?.csv", "{a,b}.csv", "日本.csv",
	}
	fixture := open(t, files(names...))
	wantPaths(t, fixture.Store, names...)
	for _, name := range names {
		if got, want := read(t, fixture.Store, one(t, fixture.Store, name)), "content of "+name; got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
}

func leavesOut(t *testing.T, open opener) {
	s := open(t, files(
		"deals.csv", ".hidden.csv", ".git/config", "crm/.DS_Store", "crm/deals.csv", "deals.csv.tmp", "deals.csv.part",
		"deals.csv.PARTIAL", "deals.csv.filepart", "deals.csv.crdownload", "deals.csv~", "~$deals.xlsx",
		"crm/template.csv", "tmp/deals.csv", "part.csv", "a~b.csv",
	)).Store
	wantPaths(t, s, "a~b.csv", "crm/deals.csv", "crm/template.csv", "deals.csv", "part.csv", "tmp/deals.csv")
}

func describes(t *testing.T, open opener) {
	fixture := open(t, map[string][]byte{"empty.csv": {}, "deals.csv": []byte("12345")})
	empty, deals := one(t, fixture.Store, "empty.csv"), one(t, fixture.Store, "deals.csv")
	if empty.Size != 0 || deals.Size != 5 {
		t.Errorf("sizes are %d and %d, want 0 and 5", empty.Size, deals.Size)
	}
	if deals.ModTime.IsZero() || deals.ModTime.Location().String() != "UTC" {
		t.Errorf("modification time %v must be set and in UTC", deals.ModTime)
	}
	if again := one(t, fixture.Store, "deals.csv"); again != deals {
		t.Errorf("an export that nobody touched is %+v and then %+v", deals, again)
	}
}

func read(t *testing.T, s source.Store, o source.Object) string {
	t.Helper()
	r, err := s.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open %s: %v", o.Path, err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", o.Path, err)
	}
	if err := r.Close(); err != nil {
		t.Fatalf("close %s: %v", o.Path, err)
	}
	return string(content)
}

func readsContent(t *testing.T, open opener) {
	big := strings.Repeat("id;name\n1;ä\n", 100_000)
	fixture := open(t, map[string][]byte{"empty.csv": {}, "big.csv": []byte(big), "binary.gz": {0x1f, 0x8b, 0, 0xff, '\n'}})
	for path, want := range map[string]string{"empty.csv": "", "big.csv": big, "binary.gz": "\x1f\x8b\x00\xff\n"} {
		if got := read(t, fixture.Store, one(t, fixture.Store, path)); got != want {
			t.Errorf("%s: read %d bytes that differ from the %d written", path, len(got), len(want))
		}
	}
	o := one(t, fixture.Store, "big.csv")
	first, second := read(t, fixture.Store, o), read(t, fixture.Store, o)
	if first != second {
		t.Error("an export must read the same twice")
	}
}

func refusesChanged(t *testing.T, open opener) {
	var changed *source.ChangedError
	t.Run("longer", func(t *testing.T) {
		fixture := open(t, files("deals.csv"))
		o := one(t, fixture.Store, "deals.csv")
		fixture.Write("deals.csv", []byte("content of deals.csv and more"))
		if _, err := readAll(t.Context(), fixture.Store, o); !errors.As(err, &changed) || changed.Path != "deals.csv" {
			t.Errorf("reading a rewritten export: %v, want a *ChangedError", err)
		}
		if got := read(t, fixture.Store, one(t, fixture.Store, "deals.csv")); got != "content of deals.csv and more" {
			t.Errorf("after listing again the export holds %q", got)
		}
	})
	t.Run("shorter", func(t *testing.T) {
		fixture := open(t, files("deals.csv"))
		o := one(t, fixture.Store, "deals.csv")
		fixture.Write("deals.csv", nil)
		if _, err := readAll(t.Context(), fixture.Store, o); !errors.As(err, &changed) {
			t.Errorf("reading an emptied export: %v, want a *ChangedError", err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		fixture := open(t, files("crm/deals.csv", "crm/partners.csv"))
		o := one(t, fixture.Store, "crm/deals.csv")
		fixture.Remove("crm/deals.csv")
		if _, err := readAll(t.Context(), fixture.Store, o); !errors.As(err, &changed) {
			t.Errorf("reading a removed export: %v, want a *ChangedError", err)
		}
		wantPaths(t, fixture.Store, "crm/partners.csv")
	})
}

func readAll(ctx context.Context, s source.Store, o source.Object) ([]byte, error) {
	r, err := s.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	return content, errors.Join(err, r.Close())
}

func stopsWhenCancelled(t *testing.T, open opener) {
	fixture := open(t, map[string][]byte{"deals.csv": make([]byte, 1<<20)})
	o := one(t, fixture.Store, "deals.csv")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := fixture.Store.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("reading on after cancellation: %v", err)
	}
	if _, err := fixture.Store.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("listing after cancellation: %v", err)
	}
	if _, err := fixture.Store.Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("opening after cancellation: %v", err)
	}
	if _, err := source.Hash(ctx, fixture.Store, o); !errors.Is(err, context.Canceled) {
		t.Errorf("hashing after cancellation: %v", err)
	}
}

func hashesContent(t *testing.T, open opener) {
	content := []byte(strings.Repeat("0123456789", 100_000))
	fixture := open(t, map[string][]byte{"empty.csv": {}, "deals.csv": content})
	for path, data := range map[string][]byte{"empty.csv": nil, "deals.csv": content} {
		sum := sha256.Sum256(data)
		got, err := source.Hash(t.Context(), fixture.Store, one(t, fixture.Store, path))
		if err != nil || got != hex.EncodeToString(sum[:]) {
			t.Errorf("hash of %s is %q (%v), want %x", path, got, err, sum)
		}
	}
	o := one(t, fixture.Store, "deals.csv")
	fixture.Write("deals.csv", []byte("other"))
	var changed *source.ChangedError
	if _, err := source.Hash(t.Context(), fixture.Store, o); !errors.As(err, &changed) {
		t.Errorf("hashing a rewritten export: %v, want a *ChangedError", err)
	}
}

func spools(t *testing.T, open opener) {
	content := []byte(strings.Repeat("0123456789", 100_000))
	sum := sha256.Sum256(content)
	for name, limit := range map[string]int64{"kept": 1 << 30, "past the limit": 0} {
		t.Run(name, func(t *testing.T) {
			fixture := open(t, map[string][]byte{"deals.zip": content, "empty.csv": {}})
			spool := source.NewSpool(filepath.Join(t.TempDir(), "spool"), limit)
			copied, err := spool.Fetch(t.Context(), fixture.Store, one(t, fixture.Store, "deals.zip"))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := copied.SHA256(), hex.EncodeToString(sum[:]); got != want {
				t.Errorf("hash is %s, want %s", got, want)
			}
			f, err := copied.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if f.Size() != int64(len(content)) {
				t.Errorf("size is %d, want %d", f.Size(), len(content))
			}
			tail := make([]byte, 10)
			if _, err := f.ReadAt(tail, f.Size()-7); !errors.Is(err, io.EOF) || string(tail[:7]) != "3456789" {
				t.Errorf("the last bytes are %q (%v)", tail[:7], err)
			}
			if all, err := io.ReadAll(f); err != nil || string(all) != string(content) {
				t.Errorf("read %d bytes of %d from the beginning, %v", len(all), len(content), err)
			}
			if err := errors.Join(f.Close(), copied.Drop(), spool.Close()); err != nil {
				t.Error(err)
			}

			fixture.Write("deals.zip", []byte("other"))
			var changed *source.ChangedError
			if f, err := copied.Open(t.Context()); !errors.As(err, &changed) {
				t.Errorf("opening an export that was rewritten since it was hashed: %v, %v; want a *ChangedError", f, err)
			}
		})
	}
}

func keepsPromises(t *testing.T, open opener) {
	fixture := open(t, files("deals.csv"))
	o := one(t, fixture.Store, "deals.csv")
	sum := sha256.Sum256([]byte("content of deals.csv"))
	o.SHA256 = hex.EncodeToString(sum[:])
	if _, err := source.Hash(t.Context(), fixture.Store, o); err != nil {
		t.Errorf("the promised content: %v", err)
	}
	o.SHA256 = strings.Repeat("0", 64)
	var changed *source.ChangedError
	if _, err := source.Hash(t.Context(), fixture.Store, o); !errors.As(err, &changed) {
		t.Errorf("content that was not promised: %v, want a *ChangedError", err)
	}
	if _, err := source.NewSpool(t.TempDir(), 1<<20).Fetch(t.Context(), fixture.Store, o); !errors.As(err, &changed) {
		t.Errorf("fetching content that was not promised: %v, want a *ChangedError", err)
	}
}
