// Package local is the store of exports that lie in a directory.
//
// Symbolic links are not followed. A link to something inside the directory is passed over, since its target
// is listed under its own name (`latest.csv -> deals-2026-10-31.csv` must not count twice). A link that leads
// outside, nowhere or to something hidden, which is not listed, is an error, so that no export is lost in silence and nobody
// who can write into the directory can have another file of this machine read. The directory itself may be a link.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// Store lists and opens the exports of one directory.
type Store struct {
	dir string
}

var _ source.RandomAccess = (*Store)(nil)

// New returns the store of directory dir. Whether it exists is seen by List, since it may be mounted later.
func New(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open export folder: no folder is given")
	}
	return &Store{dir: dir}, nil
}

// List implements source.Store. A name that is not UTF-8 and a link that leads outside are a *source.NameError.
func (s *Store) List(ctx context.Context) ([]source.Object, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, &source.FolderError{Folder: s.dir, Err: err}
	}
	defer root.Close()
	var out []source.Object
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case err != nil && errors.Is(err, fs.ErrNotExist) && path != ".":
			return nil // Removed since its folder was read.
		case err != nil:
			return &source.FolderError{Folder: s.dir, Err: err}
		case path == ".":
			return nil
		case source.Skipped(path):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		o, ok, err := s.entry(root, path, d)
		if ok {
			out = append(out, o)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	// WalkDir sorts within each folder, which puts "a/b" before "a.csv".
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

// entry returns what the listing shows for one directory entry, if anything.
func (s *Store) entry(root *os.Root, path string, d fs.DirEntry) (source.Object, bool, error) {
	if !utf8.ValidString(path) {
		return source.Object{}, false, &source.NameError{Path: path, Reason: "its name is not UTF-8; rename it"}
	}
	if d.Type()&fs.ModeSymlink != 0 {
		if _, err := root.Stat(path); err != nil {
			return source.Object{}, false, &source.NameError{Path: path, Reason: "it is a link that leads outside the export folder or nowhere; copy the file into the folder instead"}
		}
		if s.leadsToHidden(path) {
			return source.Object{}, false, &source.NameError{Path: path, Reason: "it is a link to a hidden or unfinished file, which is not listed; copy the file into the folder instead, or make the folder of its target the source"}
		}
		return source.Object{}, false, nil
	}
	if !d.Type().IsRegular() {
		return source.Object{}, false, nil
	}
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return source.Object{}, false, nil
	}
	if err != nil {
		return source.Object{}, false, fmt.Errorf("list export %s: %w", path, err)
	}
	o := describe(path, info)
	if year := o.ModTime.Year(); year < 1 || year > 9999 {
		return o, false, &source.NameError{Path: path, Reason: fmt.Sprintf("its time of writing lies in the year %d; correct it, for example by touch", year)}
	}
	return o, true, nil
}

// leadsToHidden reports whether the target of a link within the directory is one that the listing passes over.
func (s *Store) leadsToHidden(path string) bool {
	dir, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return false // the listing of the next night says what is wrong with the directory
	}
	target, err := filepath.EvalSymlinks(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return false // removed since it was looked at
	}
	inside, err := filepath.Rel(dir, target)
	return err == nil && inside != "." && source.Skipped(filepath.ToSlash(inside))
}

// describe turns a file's metadata into an object. The ETag holds size and time to the nanosecond, the only
// marks of change that a file system offers without reading the file: a weak one, since a rewrite may keep both.
func describe(path string, info fs.FileInfo) source.Object {
	modified := info.ModTime().UTC()
	return source.Object{
		Path:    path,
		Size:    info.Size(),
		ModTime: modified,
		ETag:    fmt.Sprintf("W/%x-%x", info.Size(), modified.UnixNano()),
	}
}

// Open implements source.Store.
func (s *Store) Open(ctx context.Context, o source.Object) (io.ReadCloser, error) {
	r, err := s.open(ctx, o)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// OpenFile implements source.RandomAccess.
func (s *Store) OpenFile(ctx context.Context, o source.Object) (source.File, error) {
	r, err := s.open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &file{reader: r}, nil
}

func (s *Store) open(ctx context.Context, o source.Object) (*reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, &source.FolderError{Folder: s.dir, Err: err}
	}
	defer root.Close()
	info, err := root.Lstat(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &source.ChangedError{Path: o.Path, Reason: "it is gone"}
	}
	if err != nil {
		return nil, fmt.Errorf("open export: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &source.ChangedError{Path: o.Path, Reason: "it is no longer a regular file"}
	}
	f, err := root.Open(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open export: %w", err)
	}
	r := &reader{ctx: ctx, f: f, o: o}
	if err := r.verify(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// reader reads a file and makes sure, before the first and after the last byte, that it is what was listed.
type reader struct {
	ctx  context.Context
	f    *os.File
	o    source.Object
	read int64
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.f.Read(p)
	r.read += int64(n)
	if err == io.EOF {
		if changed := r.verify(); changed != nil {
			return n, changed
		}
		if r.read != r.o.Size {
			return n, &source.ChangedError{Path: r.o.Path, Reason: fmt.Sprintf("%d bytes were read of %d", r.read, r.o.Size)}
		}
	}
	return n, err
}

// verify compares the open file with the listing.
func (r *reader) verify() error {
	info, err := r.f.Stat()
	if err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	now := describe(r.o.Path, info)
	var reasons []string
	if now.Size != r.o.Size {
		reasons = append(reasons, fmt.Sprintf("it has %d bytes, the listing said %d", now.Size, r.o.Size))
	}
	if !now.ModTime.Equal(r.o.ModTime) {
		reasons = append(reasons, "it was written again")
	}
	if len(reasons) > 0 {
		return &source.ChangedError{Path: r.o.Path, Reason: strings.Join(reasons, ", ")}
	}
	return nil
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.f.Close() }

// file is a reader that can also be read in any order. A reader in any order may never see the end, so the
// listing is compared once more when it is closed.
type file struct{ *reader }

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.f.ReadAt(p, off)
}

// Size implements source.File.
func (f *file) Size() int64 { return f.o.Size }

// Close implements io.Closer.
func (f *file) Close() error { return errors.Join(f.verify(), f.f.Close()) }
