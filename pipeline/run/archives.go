package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest/archive"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// archives opens the members of archives, one archive at a time: exports of one archive follow each other.
type archives struct {
	dir    string
	of     *source.Copy
	file   source.File
	opened *archive.Contents
}

// look returns what a file holds: the members of an archive, or none where it is a file itself.
func (a *archives) look(ctx context.Context, c *source.Copy, o source.Object) (content archiveContent, err error) {
	f, err := c.Open(ctx)
	if err != nil {
		return content, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return content, err
	}
	if !archive.IsArchive(head[:n]) {
		return content, nil
	}
	contents, err := archive.Expand(ctx, o.Path, f, o.Size, o.ModTime, a.limits())
	refused := refusalOf(err)
	switch {
	case refused != nil && refused.Rule == archive.RuleDamaged && !bytes.HasPrefix(head[:n], []byte("PK")):
		return content, nil // Something compressed, mostly one export: reading it will say what is wrong.
	case refused != nil:
		return archiveContent{Refused: refused}, nil
	}
	if err != nil {
		return content, err
	}
	defer func() { err = errors.Join(err, contents.Close()) }()
	if len(contents.Members) == 1 && contents.Members[0].Path == o.Path {
		return content, nil
	}
	for _, m := range contents.Members {
		content.Members = append(content.Members, archiveMember{Path: strings.TrimPrefix(m.Path, o.Path+"/"), Size: m.Size, SHA256: m.SHA256})
	}
	return content, nil
}

// open opens a member of the archive c.
func (a *archives) open(ctx context.Context, c *source.Copy, o source.Object, member archiveMember) (io.ReadCloser, error) {
	if a.of != c {
		if err := a.close(); err != nil {
			return nil, err
		}
		f, err := c.Open(ctx)
		if err != nil {
			return nil, err
		}
		contents, err := archive.Expand(ctx, o.Path, f, o.Size, o.ModTime, a.limits())
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		a.of, a.file, a.opened = c, f, contents
	}
	for _, m := range a.opened.Members {
		// The bytes that were hashed, and no others: an archive that was written anew waits for the next night.
		if m.Path == o.Path+"/"+member.Path && m.SHA256 == member.SHA256 {
			return a.opened.Open(m)
		}
	}
	return nil, &source.ChangedError{Path: o.Path, Reason: fmt.Sprintf("it no longer holds %s as it was", path.Base(member.Path))}
}

// close lets go of the archive that is open. That it was rewritten meanwhile is no error any more: each member was
// compared by its hash when it was opened, and by its checksum at its end.
func (a *archives) close() error {
	if a.of == nil {
		return nil
	}
	err := errors.Join(a.opened.Close(), a.file.Close())
	a.of, a.file, a.opened = nil, nil, nil
	var changed *source.ChangedError
	if errors.As(err, &changed) {
		return nil
	}
	return err
}

func (a *archives) limits() archive.Limits {
	l := archive.DefaultLimits()
	l.Dir = a.dir
	return l
}
