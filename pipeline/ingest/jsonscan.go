package ingest

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// The grammar of the values of RFC 8259 that hold no others: each function proves one value and answers what follows it,
// or notJSON. What they take is what jsontext takes, which a fuzz target holds them to.
//
// Of the libraries that were measured only jsontext proves as much, at 135 MB/s by tokens and 190 MB/s where it skips
// values. fastjson reads 290 MB/s, but takes names that occur twice and bytes that are no text; goccy/go-json reads
// 64 MB/s into raw members.

// notJSON is what stands for a position where a value is none.
const notJSON = -1

const (
	swarQuote     = swarOnes * '"'
	swarBackslash = swarOnes * '\\'
	swarSpace     = swarOnes * ' '
)

// proveText proves the text that begins at from, behind its quote. isEscaped is set where it is not the bytes between
// its quotes.
func proveText(b []byte, from int) (end int, isEscaped bool) {
	var seen uint64 // all bytes, one over the other: their high bits tell whether all are ASCII
	for i := from; ; {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			seen |= w
			// A byte below the space borrows into its high bit as swarFind's do.
			special := swarFind(w, swarQuote) | swarFind(w, swarBackslash) | (w-swarSpace)&^w&swarHigh
			if special == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(special) >> 3
		} else {
			for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
				seen |= uint64(b[i])
				i++
			}
			if i == len(b) {
				return notJSON, false
			}
		}
		switch b[i] {
		case '"':
			if seen&swarHigh != 0 && !utf8.Valid(b[from:i]) {
				return notJSON, false
			}
			return i + 1, isEscaped
		case '\\':
			isEscaped = true
			if i = proveEscape(b, i); i == notJSON {
				return notJSON, false
			}
		default:
			return notJSON, false
		}
	}
}

// proveEscape proves the escape whose backslash is at i. Half of a surrogate pair is no text.
func proveEscape(b []byte, i int) int {
	if i+1 == len(b) {
		return notJSON
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		first, ok := hexUnit(b, i+2)
		switch {
		case !ok:
			return notJSON
		case !utf16.IsSurrogate(first):
			return i + 6
		case i+8 > len(b) || b[i+6] != '\\' || b[i+7] != 'u':
			return notJSON
		}
		if second, ok := hexUnit(b, i+8); ok && utf16.DecodeRune(first, second) != utf8.RuneError {
			return i + 12
		}
	}
	return notJSON
}

// hexUnit reads the four hexadecimal digits at i.
func hexUnit(b []byte, i int) (unit rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// proveNumber proves the number at i. What may follow a number is for the caller to say.
func proveNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = proveDigits(b, i); i == notJSON {
		return notJSON
	}
	if i < len(b) && b[i] == '.' {
		if i = proveDigits(b, i+1); i == notJSON {
			return notJSON
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return proveDigits(b, i)
	}
	return i
}

// proveDigits passes over the digits at i, of which there is one at least.
func proveDigits(b []byte, i int) int {
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == from {
		return notJSON
	}
	return i
}

// proveWord proves that word is at i.
func proveWord(b []byte, i int, word string) int {
	if end := i + len(word); end <= len(b) && string(b[i:end]) == word {
		return end
	}
	return notJSON
}

// behindSpace returns the position of the first byte from i on that is no white space, and that byte, 0 at the end.
func behindSpace(b []byte, i int) (at int, c byte) {
	if i < len(b) && b[i] > ' ' {
		return i, b[i]
	}
	if i = skipSpace(b, i); i < len(b) {
		c = b[i]
	}
	return i, c
}
