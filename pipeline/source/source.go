// Package source lists and opens the exports that other systems leave for us.
//
// A Store is a folder of exports, wherever it lives: package local reads a directory, package s3 a bucket, and
// package open chooses between them. Every kind of store runs the same conformance suite, package sourcetest,
// so that the stages behind it see no difference.
//
// Which of the listed exports are whole is for Completeness to say. A Spool hands them out hashed and readable
// in any order, and downloads each one once.
package source

import (
	"context"
	"io"
	"path"
	"strings"
	"time"
)

// Object is one export as it was found in a listing.
type Object struct {
	// Path is relative to the store and separated by '/' on every system. It is a name, never a pattern:
	// `*`, `?` and `[` stand for themselves.
	Path string
	// Size is in bytes.
	Size int64
	// ModTime is when the export was last written, in UTC: the moment at which it counts as received.
	ModTime time.Time
	// ETag changes when the content does, as far as the store can tell; "" where it has no such mark. As in
	// HTTP, one that begins with W/ is weak (see Strong).
	ETag string
	// SHA256 is the hash that a manifest promises, 64 lower-case hexadecimal digits; "" where nothing does.
	SHA256 string
}

// Strong reports whether exports with the same path and ETag have the same bytes, so that what was hashed
// once need not be read again. A file system knows size and time only: its marks are weak.
func (o Object) Strong() bool { return o.ETag != "" && !strings.HasPrefix(o.ETag, "W/") }

// Store is a folder of exports that can be listed and read, and never written. Implementations are safe
// for concurrent use.
type Store interface {
	// List returns every export, those of nested folders too, sorted by Path byte by byte. Hidden and
	// unfinished files are left out (see Skipped). A folder that does not exist is a *FolderError, a
	// folder without exports an empty list.
	List(ctx context.Context) ([]Object, error)
	// Open reads an export as it was listed. An export that is gone or was rewritten since is a
	// *ChangedError, from Open or from a later Read: what was read until then must not be used.
	// The reader ends with ctx's error once ctx is done.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
}

// Skipped reports whether the export at the '/'-separated path p is hidden or unfinished: a file or folder
// whose name begins with a dot, the lock file of an open spreadsheet (`~$...`), or a file that is still
// being written by the usual sign of its name (.tmp, .part, .partial, .filepart, .crdownload, or a final ~).
func Skipped(p string) bool {
	for name := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(name, ".") {
			return true
		}
	}
	name := strings.ToLower(path.Base(p))
	if strings.HasPrefix(name, "~$") || strings.HasSuffix(name, "~") {
		return true
	}
	switch path.Ext(name) {
	case ".tmp", ".part", ".partial", ".filepart", ".crdownload":
		return true
	}
	return false
}

// File is an open export that can be read from its beginning, in any order, or both; the two do not disturb
// each other. Close returns a *ChangedError when the export was rewritten while it was open: what was read
// must not be used then.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
	// Size is the export's length in bytes.
	Size() int64
}

// RandomAccess is a store whose exports can be read in any order where they lie.
type RandomAccess interface {
	Store
	// OpenFile opens an export as it was listed, with the errors of Open.
	OpenFile(ctx context.Context, o Object) (File, error)
}
