package run

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRegistryKeepsWhatItWasGiven(t *testing.T) {
	r := openRegistry(t.TempDir())
	if _, found, err := r.Load("a"); found || err != nil {
		t.Fatalf("found %v in an empty registry, %v", found, err)
	}
	for _, text := range []string{"one", "two"} {
		if err := r.Save("a", []byte(text)); err != nil {
			t.Fatal(err)
		}
		data, found, err := r.Load("a")
		if err != nil || !found || string(data) != text {
			t.Errorf("%q, %v, %v; want %q", data, found, err, text)
		}
	}
	if entries, err := os.ReadDir(r.dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
	// A folder in the place of a file cannot be read, and that is no empty registry.
	if err := os.MkdirAll(r.path("b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, found, err := r.Load("b"); found || err == nil {
		t.Error("a fit that cannot be read was not reported")
	}
}

func TestRegistryForgetsTheOldest(t *testing.T) {
	r := openRegistry(t.TempDir())
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	for k := range fitsKept + 2 {
		path := r.path(fmt.Sprintf("f%04d", k))
		if err := os.WriteFile(path, []byte("fit"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, day.AddDate(0, 0, k), day.AddDate(0, 0, k)); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(r.dir, "notes.txt")
	if err := os.WriteFile(other, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Save("f0000", []byte("again")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"f0000": true, "f0001": false, "f0002": false, "f0003": true, fmt.Sprintf("f%04d", fitsKept+1): true} {
		if _, found, err := r.Load(name); found != want || err != nil {
			t.Errorf("%s is kept: %v, %v", name, found, err)
		}
	}
	if entries, err := os.ReadDir(r.dir); err != nil || len(entries) != fitsKept+1 {
		t.Errorf("%d files, want %d fits and a file of others; %v", len(entries), fitsKept, err)
	}
}
