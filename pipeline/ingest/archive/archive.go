// Package archive lists what is in the archives that exports come in: zip files, zip files within zip files, and zip
// files that were compressed once more.
//
// An archive is refused as a whole or taken as a whole. Expand reads every member to its end, so that each checksum is
// compared before anything is loaded, and stops at limits that no export reaches and that archives which were made
// to fill a disk do. What is in an archive is told by its content, never by its name: an Excel workbook is a zip file as
// well, and is a member. Members that are compressed themselves stay as they are.
package archive

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Limits bound what an archive may hold.
type Limits struct {
	// Total and Member are bytes, unpacked, of all members and of each.
	Total, Member int64
	// Ratio is how many bytes one byte of the archive may become, beyond the first few million.
	Ratio int64
	// Members is the number of members, Depth how many archives may lie within each other.
	Members, Depth int
	// Dir is the folder of scratch files for archives within archives, "" for that of the system.
	Dir string
}

// DefaultLimits returns limits that no export reaches.
func DefaultLimits() Limits {
	return Limits{Total: 64 << 30, Member: 16 << 30, Ratio: 500, Members: 10_000, Depth: 4}
}

// ratioFrom is how many bytes come out before their ratio counts.
const ratioFrom = 64 << 20

// Member is one file in an archive that is no archive itself.
type Member struct {
	// Path is that of the archive with the member's path within it: "in/outer.zip/dir/inner.csv".
	Path string
	Size int64
	// SHA256 is that of the content, in hexadecimal.
	SHA256 string
	// ModTime is when the archive arrived. The time that the archive tells of a member has no zone and proves nothing.
	ModTime time.Time
}

// Contents are the members of an archive, in its order.
type Contents struct {
	Members []Member

	open    map[string]func() (io.ReadCloser, error)
	scratch []*os.File
	named   []string // scratch files that keep their name while they are open
}

// Open returns the content of a member. The reader of Expand must still be open.
func (c *Contents) Open(m Member) (io.ReadCloser, error) {
	open, ok := c.open[m.Path]
	if !ok {
		return nil, fmt.Errorf("open %s: no such member", m.Path)
	}
	r, err := open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", m.Path, err)
	}
	return r, nil
}

// Close removes the scratch files. What Open returned cannot be read any more.
func (c *Contents) Close() error {
	var errs []error
	for _, f := range c.scratch {
		errs = append(errs, f.Close())
	}
	for _, name := range c.named {
		errs = append(errs, os.Remove(name))
	}
	c.scratch, c.named = nil, nil
	return errors.Join(errs...)
}

// Error refuses an archive as a whole.
type Error struct {
	// Path is that of the archive, or of the member where it is that which cannot be taken.
	Path string
	// Rule is the short name of the rule that was broken, Message what is wrong as a clause, NextStep what to do.
	Rule, Message, NextStep string
	// Err is the cause where a library reported one.
	Err error
}

// The rules that an archive can break.
const (
	RuleDamaged   = "archive_damaged"
	RuleEncrypted = "archive_encrypted"
	RuleLimit     = "archive_limit"
	RuleName      = "archive_name"
)

// Error returns what is wrong and what to do.
func (e *Error) Error() string {
	return fmt.Sprintf("%s is refused: %s; %s", e.Path, e.Message, e.NextStep)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func damaged(path string, err error) *Error {
	return &Error{Path: path, Rule: RuleDamaged, Message: "the archive is cut off or damaged: " + err.Error(), NextStep: "export or copy it again", Err: err}
}

func beyond(path, what string) *Error {
	return &Error{Path: path, Rule: RuleLimit, Message: "it " + what, NextStep: "check where it comes from; send what is meant in several files, or uncompressed"}
}

// workbookPart is the member that makes a zip file an Excel workbook.
const workbookPart = "xl/workbook.xml"

// The first bytes of what is packed.
const (
	magicZip     = "PK\x03\x04"
	magicZipNone = "PK\x05\x06"
	magicGzip    = "\x1f\x8b"
	magicZstd    = "\x28\xb5\x2f\xfd"
)

// IsArchive reports whether a file that begins with head, of which four bytes are enough, may hold an archive: whether
// it is a zip file, or is compressed. For others Expand answers the file itself.
func IsArchive(head []byte) bool { return isZip(head) || isCompressed(head) }

func isZip(head []byte) bool {
	return strings.HasPrefix(string(head), magicZip) || strings.HasPrefix(string(head), magicZipNone)
}

func isCompressed(head []byte) bool {
	return strings.HasPrefix(string(head), magicGzip) || isZstd(string(head))
}

// isZstd reports whether data begin with a frame of zstd, be it one to pass over, of which the first byte has 16 values.
func isZstd(head string) bool {
	const skippable = "\x2a\x4d\x18"
	return strings.HasPrefix(head, magicZstd) || len(head) > len(skippable) && head[0]>>4 == 5 && strings.HasPrefix(head[1:], skippable)
}

// Expand lists what is in the file of size bytes at path that arrived at modTime. For a file that is no archive, and
// for a workbook, that is the file itself. An *Error refuses the archive; errors of r come out as they are. Close the
// contents when their members were read.
func Expand(ctx context.Context, path string, r io.ReaderAt, size int64, modTime time.Time, l Limits) (*Contents, error) {
	in := &input{ReaderAt: r}
	e := &expander{ctx: ctx, limits: l, modTime: modTime, size: size,
		contents: &Contents{open: map[string]func() (io.ReadCloser, error){}}}
	err := e.file(path, io.NewSectionReader(in, 0, size))
	if err == nil {
		return e.contents, nil
	}
	if closing := e.contents.Close(); closing != nil {
		err = errors.Join(err, closing)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case in.err != nil:
		return nil, fmt.Errorf("read %s: %w", path, in.err)
	}
	return nil, err
}

// input keeps the error of the reader, so that a broken connection can be told from a damaged archive.
type input struct {
	io.ReaderAt
	err error
}

// ReadAt implements io.ReaderAt.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	n, err := in.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return n, err
}

// expander walks through an archive and those within it.
type expander struct {
	ctx      context.Context
	limits   Limits
	modTime  time.Time
	size     int64 // of the outermost archive
	total    int64
	contents *Contents
}

// file lists the file that r reads from its beginning.
func (e *expander) file(path string, r *io.SectionReader) error {
	head := make([]byte, len(magicZip))
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	if isZip(head) {
		isArchive, err := e.zip(path, r, 1)
		if err != nil || isArchive {
			return err
		}
	}
	if isCompressed(head) {
		isArchive, err := e.compressed(path, io.NewSectionReader(r, 0, r.Size()), 1, false)
		if err != nil || isArchive {
			return err
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, &cancellable{e.ctx, io.NewSectionReader(r, 0, r.Size())}); err != nil {
		return err
	}
	e.add(path, r.Size(), h.Sum(nil), func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(r, 0, r.Size())), nil
	})
	return nil
}

func (e *expander) add(path string, size int64, sum []byte, open func() (io.ReadCloser, error)) {
	e.contents.Members = append(e.contents.Members, Member{Path: path, Size: size, SHA256: hex.EncodeToString(sum), ModTime: e.modTime})
	e.contents.open[path] = open
}

// zip lists a zip file that lies depth deep. isArchive is false for a workbook, which is a file.
func (e *expander) zip(path string, r *io.SectionReader, depth int) (isArchive bool, err error) {
	if depth > e.limits.Depth {
		return true, beyond(path, fmt.Sprintf("holds archives more than %d deep", e.limits.Depth))
	}
	z, err := zip.NewReader(r, r.Size())
	if err != nil {
		return true, damaged(path, err)
	}
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor())
	for _, f := range z.File {
		if f.Name == workbookPart {
			return false, nil
		}
	}
	for _, f := range z.File {
		name, err := memberName(path, f)
		if err != nil {
			return true, err
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := e.member(path+"/"+name, f, depth); err != nil {
			return true, err
		}
	}
	return true, nil
}
