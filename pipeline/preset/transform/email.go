package transform

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"unicode"
)

// ErrNotEmail refuses what is not one e-mail address.
var ErrNotEmail = &Error{"not_an_email", "is not an e-mail address",
	"map the column that holds one address alone"}

// EmailHasher replaces e-mail addresses by a keyed hash, so that people can be told apart and joined across
// sources by whoever holds the same key, and not be named. It serves one goroutine.
type EmailHasher struct {
	mac   hash.Hash
	lower []byte
	sum   [sha256.Size]byte
}

// NewEmailHasher returns a hasher with the given key.
func NewEmailHasher(key []byte) *EmailHasher {
	return &EmailHasher{mac: hmac.New(sha256.New, key)}
}

// Append appends the HMAC-SHA256 of the trimmed, lower-cased address b as 64 hexadecimal digits.
func (h *EmailHasher) Append(dst, b []byte) ([]byte, error) {
	b = Trim(b)
	at := bytes.IndexByte(b, '@')
	if at <= 0 || at == len(b)-1 || bytes.IndexByte(b[at+1:], '@') >= 0 || bytes.IndexFunc(b, unicode.IsSpace) >= 0 {
		return dst, ErrNotEmail
	}
	h.lower = AppendLower(h.lower[:0], b)
	h.mac.Reset()
	h.mac.Write(h.lower)
	return hex.AppendEncode(dst, h.mac.Sum(h.sum[:0])), nil
}
