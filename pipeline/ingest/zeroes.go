package ingest

import (
	"bytes"
	"io"
)

// zeroStripper takes the zero bytes out of a text and counts them. Some systems let them into their texts and export
// them as they are; only where the mapping says so they are no reason to refuse a record.
type zeroStripper struct {
	io.Reader
	removed int64
}

// Read implements io.Reader.
func (z *zeroStripper) Read(p []byte) (int, error) {
	for {
		n, err := z.Reader.Read(p)
		if at := bytes.IndexByte(p[:n], 0); at >= 0 {
			kept := p[:at]
			for _, c := range p[at:n] {
				if c != 0 {
					kept = append(kept, c)
				}
			}
			z.removed += int64(n - len(kept))
			n = len(kept)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}
