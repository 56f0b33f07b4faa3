package ingest

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// Any sequence of UTF-16 units reads as Go's own decoder reads it, but that what it replaces is no UTF-8 here; and
// it does not matter how the bytes arrive.
func TestUTF16AgreesWithTheStandardLibrary(t *testing.T) {
	unit := rapid.OneOf(rapid.Uint16(), rapid.Uint16Range(0xd7f0, 0xe010), rapid.Uint16Range('a', 'z'))
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOfN(unit, 0, 40).Draw(t, "units")
		big := rapid.Bool().Draw(t, "big endian")
		var data []byte
		for _, u := range units {
			lo, hi := byte(u), byte(u>>8)
			if big {
				lo, hi = hi, lo
			}
			data = append(data, lo, hi)
		}
		want := ""
		for i, r := range utf16.Decode(units) {
			if r == utf8.RuneError && !hasReplacement(units, i) {
				want += "\xff"
			} else {
				want += string(r)
			}
		}
		half := rapid.Bool().Draw(t, "half a unit at the end")
		if half {
			data, want = append(data, 'x'), want+"\xff"
		}
		decode := func(dst, src []byte, last bool) ([]byte, int) { return decodeUTF16(dst, src, big, last) }
		for _, r := range []io.Reader{strings.NewReader(string(data)), iotest.OneByteReader(strings.NewReader(string(data))), iotest.DataErrReader(strings.NewReader(string(data)))} {
			got, err := io.ReadAll(newConverter(r, decode))
			if string(got) != want || err != nil {
				t.Fatalf("%x reads as %q, %v; want %q", data, got, err, want)
			}
		}
	})
}

// hasReplacement reports whether the character number i of units is a replacement character that was written as one.
func hasReplacement(units []uint16, i int) bool {
	for k, n := 0, 0; k < len(units); k, n = k+1, n+1 {
		if n == i {
			return units[k] == utf8.RuneError
		}
		if k+1 < len(units) && utf16.DecodeRune(rune(units[k]), rune(units[k+1])) != utf8.RuneError {
			k++
		}
	}
	return false
}

func TestSingleBytesAgreeWithTheirTable(t *testing.T) {
	for _, name := range []string{"windows-1252", "iso-8859-15", "koi8-r", "ibm850"} {
		table, ok := preset.SingleByte(name)
		if !ok {
			t.Fatalf("no table for %s", name)
		}
		for b := range 256 {
			got, _ := byteDecoder(table)(nil, []byte{byte(b)}, false)
			if want := table.DecodeByte(byte(b)); want == utf8.RuneError {
				if utf8.Valid(got) {
					t.Errorf("%s: byte %#x has no character and reads as %q", name, b, got)
				}
			} else if string(got) != string(want) {
				t.Errorf("%s: byte %#x is %q, want %q", name, b, got, want)
			}
		}
	}
}

func TestConverterKeepsErrors(t *testing.T) {
	r := newConverter(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)), byteDecoder(charmap.ISO8859_1))
	if got, err := io.ReadAll(r); string(got) != "abc" || err != io.ErrUnexpectedEOF {
		t.Errorf("read %q, %v", got, err)
	}
}
