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
// once, in constant memory. Errors of the store, among them *ChangedError, are wrapped.
func Hash(ctx context.Context, s Store, o Object) (_ string, err error) {
	r, err := s.Open(ctx, o)
	if err != nil {
		return "", fmt.Errorf("hash export: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	// The wrapper hides WriterTo and ReaderFrom, so that the block size holds and cancellation is seen between blocks.
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, hashBlock)); err != nil {
		return "", fmt.Errorf("hash export: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
