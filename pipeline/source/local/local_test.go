package local_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/local"
	"github.com/partnerhealth/partnerhealth/pipeline/source/sourcetest"
)

func write(t *testing.T, dir, path string, content []byte) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func store(t *testing.T, dir string) *local.Store {
	t.Helper()
	s, err := local.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	sourcetest.Conformance(t, func(t *testing.T, files map[string][]byte) sourcetest.Fixture {
		dir := t.TempDir()
		for path, content := range files {
			write(t, dir, path, content)
		}
		return sourcetest.Fixture{
			Store: store(t, dir),
			Write: func(path string, content []byte) { write(t, dir, path, content) },
			Remove: func(path string) {
				if err := os.Remove(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func TestFolderThatCannotBeListed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "deals.csv", nil)
	for name, path := range map[string]string{"missing": filepath.Join(dir, "no"), "a file": filepath.Join(dir, "deals.csv")} {
		_, err := store(t, path).List(t.Context())
		var folder *source.FolderError
		if !errors.As(err, &folder) || folder.Folder != path {
			t.Errorf("%s: %v, want a *FolderError that names it", name, err)
		}
	}
	_, err := store(t, filepath.Join(dir, "no")).List(t.Context())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v must say that it does not exist", err)
	}
	if _, err := local.New(""); err == nil {
		t.Error("a store needs a folder")
	}
}

func TestLinks(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, "secret.csv", []byte("secret"))
	write(t, dir, "2026-10/deals.csv", []byte("a"))
	link := func(target, name string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(target, path); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
		return path
	}
	link("2026-10", "latest")
	link("2026-10/deals.csv", "latest.csv")
	link(".", "loop")
	objects, err := store(t, dir).List(t.Context())
	if err != nil || len(objects) != 1 || objects[0].Path != "2026-10/deals.csv" {
		t.Fatalf("links inside the folder: %v, %v; want the one file under its own name", objects, err)
	}

	for name, target := range map[string]string{
		"file outside": filepath.Join(outside, "secret.csv"), "folder outside": outside,
		"upwards": "../" + filepath.Base(outside) + "/secret.csv", "nowhere": "no-such-file.csv",
	} {
		path := link(target, "bad.csv")
		_, err := store(t, dir).List(t.Context())
		var named *source.NameError
		if !errors.As(err, &named) || named.Path != "bad.csv" {
			t.Errorf("%s: %v, want a *NameError for bad.csv", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}

	// What is passed over under its own name would be read under none: so do mounted volumes of Kubernetes look, where
	// deals.csv leads to ..data/deals.csv.
	for _, hidden := range []string{"..2026_10_31/kube.csv", "incoming.tmp", ".new/deep/er.csv"} {
		write(t, dir, hidden, []byte("x"))
		path := link(hidden, "bad.csv")
		_, err := store(t, dir).List(t.Context())
		var named *source.NameError
		if !errors.As(err, &named) || named.Path != "bad.csv" {
			t.Errorf("%s: %v, want a *NameError for bad.csv", hidden, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	link("..2026_10_31", "..data")
	chained := link("..data/kube.csv", "kube.csv")
	if _, err := store(t, dir).List(t.Context()); err == nil {
		t.Error("a link through a hidden link: want a *NameError")
	}
	if err := os.Remove(chained); err != nil {
		t.Fatal(err)
	}

	// A file that turns into a link after the listing is not followed either.
	if err := os.Remove(filepath.Join(dir, "2026-10", "deals.csv")); err != nil {
		t.Fatal(err)
	}
	link(filepath.Join(outside, "secret.csv"), "2026-10/deals.csv")
	var changed *source.ChangedError
	if _, err := store(t, dir).Open(t.Context(), objects[0]); !errors.As(err, &changed) {
		t.Errorf("opening what became a link: %v, want a *ChangedError", err)
	}
}

// A time of writing that no date of four digits tells is named with its file: nothing behind could say when the export
// came.
func TestTimesThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "deals.csv", nil)
	name := filepath.Join(dir, "deals.csv")
	for seconds, isOdd := range map[string]bool{"570000000000": true, "253402300799": false, "-62135596801": true} {
		// os.Chtimes knows no times that far away.
		if out, err := exec.Command("touch", "-d", "@"+seconds, name).CombinedOutput(); err != nil {
			t.Skipf("touch: %v, %s", err, out)
		}
		if info, err := os.Stat(name); err != nil || strconv.FormatInt(info.ModTime().Unix(), 10) != seconds {
			t.Skip("this file system has no such times")
		}
		_, err := store(t, dir).List(t.Context())
		var named *source.NameError
		if errors.As(err, &named) != isOdd {
			t.Errorf("%s seconds since 1970: %v", seconds, err)
		}
	}
}

func TestFolderMayBeALink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "deals.csv", []byte("a"))
	alias := filepath.Join(t.TempDir(), "exports")
	if err := os.Symlink(dir, alias); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if objects, err := store(t, alias).List(t.Context()); err != nil || len(objects) != 1 {
		t.Errorf("%v, %v; want one export", objects, err)
	}
}

func TestPathsCannotLeaveTheFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "secret.csv", []byte("secret"))
	write(t, dir, "exports/deals.csv", []byte("a"))
	if _, err := store(t, filepath.Join(dir, "exports")).Open(t.Context(), source.Object{Path: "../secret.csv"}); err == nil {
		t.Error("a path that leaves the folder was opened")
	}
}

func TestNameThatIsNotUTF8(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "caf\xe9.csv"), nil, 0o644); err != nil {
		t.Skipf("this file system takes no such name: %v", err)
	}
	_, err := store(t, dir).List(t.Context())
	var named *source.NameError
	if !errors.As(err, &named) {
		t.Errorf("%v, want a *NameError", err)
	}
}

func TestSameSizeRewriteIsSeen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "deals.csv", []byte("aaaa"))
	s := store(t, dir)
	objects, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "deals.csv", []byte("bbbb"))
	later := objects[0].ModTime.Add(time.Second)
	if err := os.Chtimes(filepath.Join(dir, "deals.csv"), later, later); err != nil {
		t.Fatal(err)
	}
	var changed *source.ChangedError
	if _, err := s.Open(t.Context(), objects[0]); !errors.As(err, &changed) {
		t.Errorf("%v, want a *ChangedError", err)
	}
}

func TestRewriteWhileReadingIsSeen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "deals.csv", make([]byte, 1000))
	s := store(t, dir)
	objects, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), objects[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "deals.csv", make([]byte, 400))
	var changed *source.ChangedError
	if _, err := io.ReadAll(r); !errors.As(err, &changed) {
		t.Errorf("%v, want a *ChangedError", err)
	}
}

func TestListingStopsAtUnreadableFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads every folder")
	}
	dir := t.TempDir()
	write(t, dir, "closed/deals.csv", nil)
	closed := filepath.Join(dir, "closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(closed, 0o755); err != nil {
			t.Error(err)
		}
	})
	var folder *source.FolderError
	if _, err := store(t, dir).List(t.Context()); !errors.As(err, &folder) {
		t.Errorf("%v, want a *FolderError", err)
	}
}

func BenchmarkHash(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "deals.csv"), make([]byte, 64<<20), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := local.New(dir)
	if err != nil {
		b.Fatal(err)
	}
	objects, err := s.List(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(64 << 20)
	for b.Loop() {
		if _, err := source.Hash(b.Context(), s, objects[0]); err != nil {
			b.Fatal(err)
		}
	}
}
