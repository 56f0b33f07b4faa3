package ingest

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestZeroStripper(t *testing.T) {
	for _, c := range []struct {
		text, want string
		removed    int64
	}{
		{"", "", 0},
		{"a,b\n", "a,b\n", 0},
		{"\x00a\x00\x00b\x00", "ab", 4},
		{strings.Repeat("\x00", 10_000) + "x", "x", 10_000},
	} {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text)), "with its end": iotest.DataErrReader(strings.NewReader(c.text)),
		} {
			z := &zeroStripper{Reader: r}
			got, err := io.ReadAll(z)
			if err != nil || string(got) != c.want || z.removed != c.removed {
				t.Errorf("%.10q read %s: %.10q without %d zero bytes, %v; want %.10q without %d", c.text, name, got, z.removed, err, c.want, c.removed)
			}
		}
	}
}
