package ingest

import (
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// notUTF8 stands for what has no place in the encoding of the file. It occurs in no UTF-8 text, so the record that
// holds it is refused, and no replacement character slips into a name.
const notUTF8 = 0xff

// decodeFunc appends the UTF-8 of src to dst and returns how much of src it took; it may leave the beginning of a
// character, unless last says that nothing follows.
type decodeFunc func(dst, src []byte, last bool) ([]byte, int)

// converter reads text of another encoding as UTF-8.
type converter struct {
	r       io.Reader
	decode  decodeFunc
	in, out []byte
	have    int // bytes in in
	room    []byte
	err     error
}

func newConverter(r io.Reader, decode decodeFunc) *converter {
	const chunk = 16 << 10
	// A byte becomes three at most, and so do two bytes of UTF-16.
	return &converter{r: r, decode: decode, in: make([]byte, chunk), room: make([]byte, 0, 3*chunk)}
}

// Read implements io.Reader.
func (c *converter) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var n, taken int
		n, c.err = c.r.Read(c.in[c.have:])
		c.have += n
		c.out, taken = c.decode(c.room, c.in[:c.have], c.err != nil)
		c.have = copy(c.in, c.in[taken:c.have])
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// decodeUTF16 decodes UTF-16 of either byte order. A surrogate without its other half, and half a unit at the end,
// become notUTF8.
func decodeUTF16(dst, src []byte, big, last bool) ([]byte, int) {
	unit := func(i int) rune {
		if big {
			return rune(binary.BigEndian.Uint16(src[i:]))
		}
		return rune(binary.LittleEndian.Uint16(src[i:]))
	}
	i := 0
	for ; i+2 <= len(src); i += 2 {
		r := unit(i)
		if !utf16.IsSurrogate(r) {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		if i+4 > len(src) && !last {
			return dst, i
		}
		pair := utf8.RuneError
		if i+4 <= len(src) {
			pair = utf16.DecodeRune(r, unit(i+2))
		}
		if pair == utf8.RuneError {
			dst = append(dst, notUTF8)
			continue
		}
		dst = utf8.AppendRune(dst, pair)
		i += 2
	}
	if i < len(src) && last {
		return append(dst, notUTF8), len(src)
	}
	return dst, i
}

// byteDecoder returns the decoder of a single-byte encoding. Bytes without a character become notUTF8.
func byteDecoder(table *charmap.Charmap) decodeFunc {
	var utf [256]string
	for b := range utf {
		utf[b] = string([]byte{notUTF8})
		if r := table.DecodeByte(byte(b)); r != utf8.RuneError {
			utf[b] = string(r)
		}
	}
	return func(dst, src []byte, _ bool) ([]byte, int) {
		for _, b := range src {
			dst = append(dst, utf[b]...)
		}
		return dst, len(src)
	}
}
