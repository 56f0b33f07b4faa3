package ingest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slowTextEnd is textEnd byte by byte.
func slowTextEnd(b []byte, from int) (end int, ok bool) {
	isEscaped := false
	for i := from; i < len(b); i++ {
		switch {
		case b[i] == '\n':
			return i, false
		case isEscaped:
			isEscaped = false
		case b[i] == '"':
			return i + 1, true
		default:
			isEscaped = b[i] == '\\'
		}
	}
	return -1, true
}

func TestTextEnd(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "1234567", "12345678", `\`, `\\`, `\"`, `"`, "\n", "é", "\xff", "\x00", " "})
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), ""))
		from := rapid.IntRange(0, len(b)).Draw(t, "from")
		wantEnd, wantOK := slowTextEnd(b, from)
		if end, ok := textEnd(b, from); end != wantEnd || ok != wantOK {
			t.Fatalf("%q from %d: %d, %v, want %d, %v", b, from, end, ok, wantEnd, wantOK)
		}
	})
}

// What is proven has the frame that it has, and within it every value ends where the proof of it ends.
func TestFramesOfProvenValues(t *testing.T) {
	var p jsonProof
	for _, seed := range proofSeeds() {
		b := []byte(seed)
		from := skipSpace(b, 0)
		end := p.value(b, from, 0)
		p.names.reset()
		if end == notJSON || end == from || skipSpace(b, end) < len(b) {
			continue
		}
		if sound := soundEnd(b, from); sound != end {
			t.Errorf("%.100q ends at %d, by its brackets at %d", seed, end, sound)
		}
		if n, f := frame(append(b[from:end:end], ' ')); f != deepFrame && (f != framed || n != end-from) && !strings.Contains(seed, "\n") {
			t.Errorf("%.100q: frame %d, %v, want %d", seed, n, f, end-from)
		}
	}
}
