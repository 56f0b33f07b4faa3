package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// FileName makes a file name, without extension, out of an id: lower case ASCII letters, digits, dashes, underscores and dots.
// An id that does not survive this unchanged in meaning gets a hash of itself, so that two different ids never share a
// file, also on file systems that ignore case. The hash is short where only capitals were lost, and long where letters
// were: of a thousand ids in another script all that is left may be the hash.
func FileName(id string) string {
	var b strings.Builder
	exact := true
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		case r == ':':
			b.WriteByte('.')
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r + 'a' - 'A')
		default:
			exact = false
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-.")
	exact = exact && len(name) == b.Len()
	const longest = 80
	if len(name) > longest {
		name, exact = name[:longest], false
	}
	if exact && name != "" && strings.ToLower(id) == id {
		return name
	}
	const short, long = 3, 8
	size := short
	if !exact && id != "" {
		size, name = long, name[:min(len(name), longest-2*(long-short))]
	}
	sum := sha256.Sum256([]byte(id))
	return strings.TrimLeft(name+"-"+hex.EncodeToString(sum[:size]), "-")
}
