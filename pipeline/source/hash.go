package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

const hashBlock = 256 << 10

// Hash returns the SHA-256 of an export's bytes as 64 lower-case hexadecimal digits. It reads the export
// once, in constant memory. Errors of the store, among them *ChangedError, are wrapped; content that is not
// what a manifest promises is a *ChangedError too.
func Hash(ctx context.Context, s Store, o Object) (string, error) {
	sum, err := copyHashed(ctx, io.Discard, s, o)
	if err != nil {
		return "", fmt.Errorf("hash export: %w", err)
	}
	return sum, nil
}

// copyHashed writes an export to w and returns its hash.
func copyHashed(ctx context.Context, w io.Writer, s Store, o Object) (_ string, err error) {
	r, err := s.Open(ctx, o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	// The wrappers hide WriterTo and ReaderFrom, so that the block size holds and cancellation is seen between blocks.
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(h, w)}, struct{ io.Reader }{r}, make([]byte, hashBlock)); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if o.SHA256 != "" && o.SHA256 != sum {
		return "", &ChangedError{Path: o.Path, Reason: "its SHA-256 is " + sum + ", its manifest says " + o.SHA256}
	}
	return sum, nil
}
