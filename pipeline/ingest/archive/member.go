package archive

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/charmap"
)

// isEncrypted is the bit of a member's flags that says so.
const isEncrypted = 1

// memberName returns the name of a member, which must stay within its archive wherever it is put.
func memberName(archive string, f *zip.File) (string, error) {
	name := f.Name
	if !utf8.ValidString(name) {
		// Zip files without the flag for UTF-8 name their members in the code page of the first PC.
		decoded, err := charmap.CodePage437.NewDecoder().String(name)
		if err != nil {
			return "", badName(archive, name)
		}
		name = decoded
	}
	inner := strings.TrimSuffix(name, "/")
	if inner == "" || inner != path.Clean(inner) || path.IsAbs(inner) || inner == ".." || strings.HasPrefix(inner, "../") || strings.ContainsAny(inner, "\\\x00\r\n") || len(inner) > 1 && inner[1] == ':' {
		return "", badName(archive, name)
	}
	return name, nil
}

func badName(archive, name string) *Error {
	return &Error{Path: archive, Rule: RuleName, Message: fmt.Sprintf("it names a member %q, which is no path within an archive", name),
		NextStep: "pack it again with plain relative names, and check where it comes from"}
}

// member lists what a member of a zip file holds.
func (e *expander) member(name string, f *zip.File, depth int) (err error) {
	switch _, taken := e.contents.open[name]; {
	case taken:
		return &Error{Path: name, Rule: RuleName, Message: "the archive names this member twice", NextStep: "pack it again with each file once"}
	case f.Flags&isEncrypted != 0:
		return &Error{Path: name, Rule: RuleEncrypted, Message: "the archive has a password", NextStep: "send it without one, over a connection that is encrypted"}
	case len(e.contents.Members) >= e.limits.Members:
		return beyond(name, fmt.Sprintf("is member number %d of its archive", e.limits.Members+1))
	}
	rc, err := f.Open()
	if err != nil {
		return damaged(name, err)
	}
	defer func() { err = errors.Join(err, rc.Close()) }()
	content := &measured{e: e, path: name, r: &cancellable{e.ctx, rc}, packed: int64(f.CompressedSize64), hash: sha256.New()}
	r := bufio.NewReaderSize(content, 64<<10)
	head, err := r.Peek(len(magicZip))
	if err != nil && !errors.Is(err, io.EOF) {
		return content.fault(err)
	}
	switch {
	case isZip(head):
		section, err := e.spool(r)
		if err != nil {
			return content.fault(err)
		}
		if isArchive, err := e.zip(name, section, depth+1); err != nil || isArchive {
			return err
		}
	case isCompressed(head):
		isArchive, err := e.compressed(name, r, depth+1, true)
		if err != nil || isArchive {
			return err
		}
	}
	// What follows compressed data, and the checksum, are read as well.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return content.fault(err)
	}
	e.add(name, content.n, content.hash.Sum(nil), f.Open)
	return nil
}

// compressed looks into data that are compressed: for an archive, and where isChecked is set for damage. isArchive is
// true where there is one, which is then listed.
func (e *expander) compressed(name string, r io.Reader, depth int, isChecked bool) (isArchive bool, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	packed := &counted{r: in}
	head, err := in.Peek(len(magicZip))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, asDamaged(name, err)
	}
	var unpacked io.Reader
	if strings.HasPrefix(string(head), magicGzip) {
		z, err := gzip.NewReader(bufio.NewReader(packed))
		if err != nil {
			return false, lenient(isChecked, name, err)
		}
		unpacked = z
	} else {
		const window = 128 << 20
		z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return false, lenient(isChecked, name, err)
		}
		defer z.Close()
		unpacked = z
	}
	content := &measured{e: e, path: name, r: &cancellable{e.ctx, unpacked}, in: packed, hash: sha256.New()}
	out := bufio.NewReaderSize(content, 64<<10)
	start, err := out.Peek(len(magicZip))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, lenient(isChecked, name, err)
	}
	if isZip(start) {
		section, err := e.spool(out)
		if err != nil {
			return true, content.fault(err)
		}
		return e.zip(name, section, depth)
	}
	if isChecked {
		if _, err := io.Copy(io.Discard, out); err != nil {
			return false, content.fault(err)
		}
		e.total -= content.n // the bytes are not in the archive's members
	}
	return false, nil
}

// lenient leaves the damage of a file that is no archive to those who read it.
func lenient(isChecked bool, name string, err error) error {
	if isChecked {
		return asDamaged(name, err)
	}
	return nil
}

func asDamaged(name string, err error) error {
	var refused *Error
	if errors.As(err, &refused) {
		return err
	}
	return damaged(name, err)
}

// spool copies an archive within an archive to a scratch file, since it is read from its end.
func (e *expander) spool(r io.Reader) (*io.SectionReader, error) {
	f, err := os.CreateTemp(e.limits.Dir, "partnerhealth-*")
	if err != nil {
		return nil, &scratchError{err}
	}
	e.contents.scratch = append(e.contents.scratch, f)
	// It is read under its handle alone, so that a run that is killed leaves nothing behind, where the system allows it.
	if os.Remove(f.Name()) != nil {
		e.contents.named = append(e.contents.named, f.Name())
	}
	n, err := io.Copy(scratch{f}, r)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, n), nil
}

// scratchError is a failure of this machine, and none of the archive.
type scratchError struct{ err error }

func (e *scratchError) Error() string { return "write scratch file: " + e.err.Error() }
func (e *scratchError) Unwrap() error { return e.err }

// scratch marks the errors of a scratch file.
type scratch struct{ w io.Writer }

func (s scratch) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = &scratchError{err}
	}
	return n, err
}

// cancellable reads until the run is cancelled.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// counted counts the bytes that are read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// measured hashes the content of a member and compares its size with the limits. Its packed size is what the archive
// says, or what in has read.
type measured struct {
	e      *expander
	path   string
	r      io.Reader
	packed int64
	in     *counted
	n      int64
	hash   hash.Hash
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.hash.Write(p[:n])
	m.n += int64(n)
	m.e.total += int64(n)
	packed, l := m.packed, &m.e.limits
	if m.in != nil {
		packed = m.in.n
	}
	switch {
	case m.n > l.Member:
		return n, beyond(m.path, fmt.Sprintf("is larger than %d bytes", l.Member))
	case m.e.total > l.Total:
		return n, beyond(m.path, fmt.Sprintf("makes its archive larger than %d bytes", l.Total))
	case m.n > ratioFrom && m.n/l.Ratio > packed, m.e.total > ratioFrom && m.e.total/l.Ratio > m.e.size:
		return n, beyond(m.path, fmt.Sprintf("unpacks to more than %d times its size", l.Ratio))
	}
	return n, err
}

// fault makes an error of reading one of the archive, where it is.
func (m *measured) fault(err error) error {
	var local *scratchError
	if errors.As(err, &local) {
		return err
	}
	return asDamaged(m.path, err)
}
