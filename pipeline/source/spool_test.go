package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

func fetch(t *testing.T, s *source.Spool, store source.Store, path, text string) *source.Copy {
	t.Helper()
	c, err := s.Fetch(t.Context(), store, source.Object{Path: path, Size: int64(len(text))})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// held is how many files the folder of a spool holds; -1 when there is no folder.
func held(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func wantHeld(t *testing.T, dir string, want int, when string) {
	t.Helper()
	if got := held(t, dir); got != want {
		t.Errorf("%s: %d files are kept, want %d", when, got, want)
	}
}

func TestSpoolKeepsUpToItsLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	spool := source.NewSpool(dir, 10)
	store := shelf{"a.csv": "123456", "b.csv": "123456", "c.csv": "1234"}
	a := fetch(t, spool, store, "a.csv", store["a.csv"])
	b := fetch(t, spool, store, "b.csv", store["b.csv"])
	wantHeld(t, dir, 1, "with room for one of two")
	fetch(t, spool, store, "c.csv", store["c.csv"])
	wantHeld(t, dir, 2, "with a small one that still fits")

	f, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantHeld(t, dir, 3, "while one past the limit is open")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, dir, 2, "after it is closed")

	if err := errors.Join(a.Drop(), a.Drop()); err != nil {
		t.Error(err)
	}
	wantHeld(t, dir, 1, "after one is dropped, twice")
	fetch(t, spool, store, "b.csv", store["b.csv"])
	wantHeld(t, dir, 2, "with its room given to another")
	if err := spool.Close(); err != nil {
		t.Error(err)
	}
	wantHeld(t, dir, -1, "after the spool is closed")
}

func TestSpoolSweepsWhatAKilledRunLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1"), []byte("left behind"), 0o644); err != nil {
		t.Fatal(err)
	}
	spool := source.NewSpool(dir, 10)
	fetch(t, spool, shelf{"a.csv": "1"}, "a.csv", "1")
	wantHeld(t, dir, 1, "after the first export")
}

func TestSpoolForgetsWhatFailed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	spool := source.NewSpool(dir, 10)
	if _, err := spool.Fetch(t.Context(), shelf{}, source.Object{Path: "a.csv", Size: 10}); err == nil {
		t.Fatal("an export that is gone was fetched")
	}
	wantHeld(t, dir, 0, "after a download that failed")
	fetch(t, spool, shelf{"b.csv": "0123456789"}, "b.csv", "0123456789")
	wantHeld(t, dir, 1, "with the room of the one that failed")
}
