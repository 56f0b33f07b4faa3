package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/internal/durable"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
)

// Build is a night that is being written and that no reader sees.
type Build struct {
	store *Store
	name  string
	dir   string
}

// Begin makes the private folder of a night. The run id is made of letters, digits and dashes.
func (s *Store) Begin(asOf time.Time, runID string) (*Build, error) {
	name := asOf.Format(time.DateOnly) + "_" + runID
	if !folderName.MatchString(name) {
		return nil, fmt.Errorf("run id %q is not made of letters, digits and dashes", runID)
	}
	b := &Build{store: s, name: name, dir: filepath.Join(s.dir, tempPrefix+name)}
	if err := s.step("create", func() error { return os.Mkdir(b.dir, 0o755) }); err != nil {
		return nil, err
	}
	return b, nil
}

// Dir returns the folder to write into: files and folders, no links.
func (b *Build) Dir() string { return b.dir }

// Discard removes the night. After Publish it does nothing.
func (b *Build) Discard() error {
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("discard unpublished night: %w", err)
	}
	return nil
}

// Publish makes the night current, or in a store apart just keeps it, and returns its manifest as published. r is the run's manifest with Finished
// set; Publish completes it with the folder's name and the content, and writes it into the folder.
//
// r.Content identifies the output: equal contents are the same output. Where it is empty the bytes of all files
// stand for it. A night that was published before under the same run id with the same content and files keeps
// its folder; with another content it gets a folder of its own beside it, with -2 and so on behind its name,
// so that what a reader has open is never changed.
func (b *Build) Publish(r runlog.Run) (runlog.Run, error) {
	s := b.store
	files, err := fileNames(b.dir)
	if err != nil {
		return r, err
	}
	if r.Content == "" {
		if r.Content, err = hashFiles(b.dir, files); err != nil {
			return r, err
		}
	}
	name, exists, err := b.place(r.Content, files)
	if err != nil {
		return r, err
	}
	r.Status, r.Folder = s.status(), name
	if exists {
		if err := s.step("discard", b.Discard); err != nil {
			return r, err
		}
		if r, err = runlog.Read(filepath.Join(s.dir, name)); err != nil {
			return r, err
		}
		return r, s.point(name)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"write manifest of", func() error { return runlog.Write(b.dir, r) }},
		{"flush", func() error { return durable.SyncTree(b.dir) }},
		{"rename", func() error { return os.Rename(b.dir, filepath.Join(s.dir, name)) }},
		{"flush folder of", s.sync},
	} {
		if err := s.step(step.name, step.do); err != nil {
			return r, err
		}
	}
	return r, s.point(name)
}

// status is that of a night in this store.
func (s *Store) status() runlog.Status {
	if s.apart {
		return runlog.Rebuilt
	}
	return runlog.Published
}

// place returns the name under which the night is published, and whether the same output is there already.
func (b *Build) place(content string, files []string) (name string, exists bool, err error) {
	for n := 1; ; n++ {
		name = b.name
		if n > 1 {
			name = fmt.Sprintf("%s-%d", b.name, n)
		}
		dir := filepath.Join(b.store.dir, name)
		if _, err := os.Lstat(dir); os.IsNotExist(err) {
			return name, false, nil
		} else if err != nil {
			return "", false, fmt.Errorf("look for published night: %w", err)
		}
		// A folder that somebody emptied or changed is another output, whatever its manifest says.
		r, err := runlog.Read(dir)
		if err != nil || r.Content != content {
			continue
		}
		if have, err := fileNames(dir); err == nil && slices.Equal(have, files) {
			return name, true, nil
		}
	}
}

// point makes the link current name the night, in one rename. A store apart has no such link.
func (s *Store) point(name string) error {
	if s.apart {
		return nil
	}
	link, temp := filepath.Join(s.dir, currentLink), filepath.Join(s.dir, tempPrefix+currentLink)
	if target, err := os.Readlink(link); err == nil && target == name {
		return nil
	}
	if err := s.step("link", func() error { return os.Symlink(name, temp) }); err != nil {
		return err
	}
	if err := s.step("switch to", func() error { return os.Rename(temp, link) }); err != nil {
		return err
	}
	return s.step("flush link to", s.sync)
}

// fileNames returns the paths of all files below dir except the manifest, relative, in lexical order.
func fileNames(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err == nil && rel != runlog.FileName {
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list files of night: %w", err)
	}
	slices.Sort(out)
	return out, nil
}

// hashFiles returns the SHA-256 of the files' names, lengths and bytes.
func hashFiles(dir string, files []string) (string, error) {
	h := sha256.New()
	for _, name := range files {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return "", fmt.Errorf("hash night: %w", err)
		}
		one := sha256.New()
		size, err := io.Copy(one, f)
		_ = f.Close() // opened for reading
		if err != nil {
			return "", fmt.Errorf("hash night: %w", err)
		}
		fmt.Fprintf(h, "%q %d %x\n", name, size, one.Sum(nil))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
