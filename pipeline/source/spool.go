package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Spool hands out exports that are hashed and can be read in any order, and reads each one from its store
// once: an export of a store that cannot seek is kept in a folder of this machine from its hashing until it
// is dropped. It is safe for concurrent use; a Copy is not.
type Spool struct {
	dir   string
	limit int64

	mu   sync.Mutex
	made bool
	used int64
	next int
}

// NewSpool returns a spool that keeps exports in dir, at most limit bytes of them. The folder belongs to the
// spool: it is made when the first export is kept, what a killed run left in it is removed then, and Close
// removes it. Exports past the limit are hashed without being kept and downloaded again while they are open,
// so that the disk holds at most limit bytes and the exports that are open at the same time.
func NewSpool(dir string, limit int64) *Spool { return &Spool{dir: dir, limit: limit} }

// Close removes the folder and every copy in it.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made {
		return nil
	}
	s.made, s.used = false, 0
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("remove spooled exports: %w", err)
	}
	return nil
}

// Fetch reads an export once: hashes it and, where its store cannot seek, keeps it. Errors of the store,
// among them *ChangedError, are wrapped.
func (s *Spool) Fetch(ctx context.Context, store Store, o Object) (*Copy, error) {
	c := s.Known(store, o, "")
	if _, seeks := store.(RandomAccess); seeks || !s.fits(o.Size) {
		sum, err := Hash(ctx, store, o)
		if err != nil {
			return nil, err
		}
		c.sha256 = sum
		return c, nil
	}
	if err := c.download(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Known returns an export whose hash is known without reading it, from an earlier night that saw the same
// strong ETag.
func (s *Spool) Known(store Store, o Object, sha256 string) *Copy {
	return &Copy{spool: s, store: store, object: o, sha256: sha256}
}

func (s *Spool) fits(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used+size <= s.limit
}

// take makes room for an export and returns the name of its file.
func (s *Spool) take(size int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made {
		if err := errors.Join(os.RemoveAll(s.dir), os.MkdirAll(s.dir, 0o700)); err != nil {
			return "", fmt.Errorf("make folder for downloaded exports: %w", err)
		}
		s.made = true
	}
	s.used += size
	s.next++
	return filepath.Join(s.dir, strconv.Itoa(s.next)), nil
}

// give removes the file of an export and gives its room back.
func (s *Spool) give(name string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made {
		return nil
	}
	s.used -= size
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove downloaded export: %w", err)
	}
	return nil
}

// Copy is one export with its hash.
type Copy struct {
	spool  *Spool
	store  Store
	object Object
	sha256 string
	// name is the kept file; "" when none is kept.
	name string
}

// SHA256 is the hash of the export's bytes, 64 lower-case hexadecimal digits.
func (c *Copy) SHA256() string { return c.sha256 }

// Open opens the export. One that is not kept is downloaded for as long as it is open; it is a *ChangedError
// if its content no longer has the hash that Fetch found.
func (c *Copy) Open(ctx context.Context) (File, error) {
	if store, ok := c.store.(RandomAccess); ok {
		return store.OpenFile(ctx, c.object)
	}
	onClose := func() error { return nil }
	if c.name == "" {
		if err := c.download(ctx); err != nil {
			return nil, err
		}
		onClose = c.Drop
	}
	f, err := os.Open(c.name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open downloaded export: %w", err), onClose())
	}
	return &spooled{ctx: ctx, f: f, size: c.object.Size, onClose: onClose}, nil
}

// Drop removes what is kept of the export and gives its room back. The hash stays, and Open downloads anew.
func (c *Copy) Drop() error {
	if c.name == "" {
		return nil
	}
	name := c.name
	c.name = ""
	return c.spool.give(name, c.object.Size)
}

// download keeps the export and hashes it on the way.
func (c *Copy) download(ctx context.Context) (err error) {
	name, err := c.spool.take(c.object.Size)
	if err != nil {
		return err
	}
	c.name = name
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Drop())
		}
	}()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep downloaded export: %w", err)
	}
	sum, err := copyHashed(ctx, f, c.store, c.object)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("download export: %w", err)
	}
	if c.sha256 != "" && c.sha256 != sum {
		return &ChangedError{Path: c.object.Path, Reason: "its content is not what it was when it was first read"}
	}
	c.sha256 = sum
	return nil
}

// spooled is a kept export.
type spooled struct {
	ctx     context.Context
	f       *os.File
	size    int64
	onClose func() error
}

var _ File = (*spooled)(nil)

// Read implements io.Reader.
func (s *spooled) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.f.Read(p)
}

// ReadAt implements io.ReaderAt.
func (s *spooled) ReadAt(p []byte, off int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.f.ReadAt(p, off)
}

// Size implements File.
func (s *spooled) Size() int64 { return s.size }

// Close implements io.Closer.
func (s *spooled) Close() error { return errors.Join(s.f.Close(), s.onClose()) }
