package lake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"
)

// disk is the lake's only way to change files below its folder. Paths are relative to it.
type disk struct {
	dir string
	// step, where set, is called before every change with what is about to happen; its error is the change's.
	// Tests interrupt the lake at each step by it.
	step func(op, path string) error
	// volatile leaves out the waiting for the disk. Only for tests, which kill processes but cut no power.
	volatile bool
}

func (d *disk) path(rel string) string { return filepath.Join(d.dir, filepath.FromSlash(rel)) }

func (d *disk) before(op, rel string) error {
	if d.step == nil {
		return nil
	}
	return d.step(op, rel)
}

// mkdir makes a folder and its parents, and makes its entry durable where it is new.
func (d *disk) mkdir(rel string) error {
	if _, err := os.Stat(d.path(rel)); err == nil {
		return nil
	}
	if err := d.before("mkdir", rel); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path(rel), 0o755); err != nil {
		return err
	}
	return d.syncFolder(filepath.Dir(d.path(rel)))
}

func (d *disk) rename(from, to string) error {
	if err := d.before("rename", to); err != nil {
		return err
	}
	return os.Rename(d.path(from), d.path(to))
}

// remove removes a file; one that is gone already is no error.
func (d *disk) remove(rel string) error {
	if err := d.before("remove", rel); err != nil {
		return err
	}
	if err := os.Remove(d.path(rel)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes the entries of a folder durable.
func (d *disk) syncDir(rel string) error {
	if err := d.before("syncdir", rel); err != nil {
		return err
	}
	return d.syncFolder(d.path(rel))
}

func (d *disk) syncFolder(path string) error {
	if d.volatile {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

const tempSuffix = ".tmp"

// draft is a file that is written under a temporary name beside its own and hashed on the way.
type draft struct {
	d    *disk
	rel  string
	f    *os.File
	buf  *bufio.Writer
	hash *xxh3.Hasher128
	size int64
	// renamed is set once the file has its own name.
	renamed bool
}

func (d *disk) create(rel string) (*draft, error) {
	if err := d.before("create", rel); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.path(rel)+tempSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	w := &draft{d: d, rel: rel, f: f, hash: xxh3.New128()}
	w.buf = bufio.NewWriterSize((*draftFile)(w), 256<<10)
	return w, nil
}

// draftFile is the draft behind its buffer.
type draftFile draft

func (w *draftFile) Write(p []byte) (int, error) {
	if err := w.d.before("write", w.rel); err != nil {
		return 0, err
	}
	n, err := w.f.Write(p)
	w.size += int64(n)
	_, _ = w.hash.Write(p[:n]) // Never fails.
	return n, err
}

// Write implements io.Writer.
func (w *draft) Write(p []byte) (int, error) { return w.buf.Write(p) }

// finish closes the file, with its content on the disk if durable is set.
func (w *draft) finish(durable bool) error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	if durable {
		if err := w.d.before("sync", w.rel); err != nil {
			return err
		}
		if !w.d.volatile {
			if err := w.f.Sync(); err != nil {
				return err
			}
		}
	}
	f := w.f
	w.f = nil
	return f.Close()
}

// publish gives the finished file its own name.
func (w *draft) publish() error {
	if err := w.d.rename(w.rel+tempSuffix, w.rel); err != nil {
		return err
	}
	w.renamed = true
	return nil
}

// discard closes and removes the file in whatever state it is.
func (w *draft) discard() error {
	var err error
	if w.f != nil {
		err = w.f.Close()
		w.f = nil
	}
	name := w.rel
	if !w.renamed {
		name += tempSuffix
	}
	return errors.Join(err, w.d.remove(name))
}

func (w *draft) checksum() string {
	sum := w.hash.Sum128().Bytes()
	return fmt.Sprintf("xxh3-%x", sum)
}

// replace writes a whole file so that it is seen old or new, never in between. Where durable is set it
// survives a loss of power too. It reports whether the new file has taken its place, which an error after
// that point does not undo.
func (d *disk) replace(rel string, durable bool, write func(io.Writer) error) (replaced bool, err error) {
	w, err := d.create(rel)
	if err != nil {
		return false, err
	}
	if err := write(w); err != nil {
		return false, errors.Join(err, w.discard())
	}
	if err := w.finish(durable); err != nil {
		return false, errors.Join(err, w.discard())
	}
	if err := w.publish(); err != nil {
		return false, errors.Join(err, w.discard())
	}
	if !durable {
		return true, nil
	}
	folder := filepath.ToSlash(filepath.Dir(rel))
	return true, d.syncDir(folder)
}
