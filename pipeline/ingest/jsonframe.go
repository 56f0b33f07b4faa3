package ingest

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep the values of a record may be nested.
const maxDepth = 512

// framing is what frame found.
type framing uint8

const (
	// framed: the value is whole.
	framed framing = iota
	// openFrame: the text ends within the value.
	openFrame
	// brokenFrame: brackets, quotes and commas do not fit.
	brokenFrame
	// deepFrame: the value is nested deeper than maxDepth.
	deepFrame
)

// what may come next in a value, by what came last.
const (
	afterOpen = iota
	afterName
	afterValue
	afterComma
	afterColon
)

// frame finds the end of the JSON value at the beginning of b: the end of the value, or where it went wrong. It
// minds what brackets, quotes, commas and colons may follow each other, and no line end within a text, so that a lost
// quote or bracket is noticed where it is and not at the end of the file; the rest of the grammar is jsontext's.
func frame(b []byte) (n int, f framing) {
	var (
		isObject [maxDepth/64 + 1]uint64 // a bit for each level
		depth    int
		inObject bool // the bit of depth
		last     = afterOpen
	)
	for i := 0; i < len(b); {
		c := b[i]
		wantsName := inObject && (last == afterOpen || last == afterComma)
		switch c {
		case ' ', '\t', '\n', '\r':
			i++
			continue
		case '{', '[':
			if last == afterValue || last == afterName || wantsName {
				return i, brokenFrame
			}
			if depth++; depth > maxDepth {
				return i, deepFrame
			}
			inObject = c == '{'
			if isObject[depth/64] &^= 1 << (depth % 64); inObject {
				isObject[depth/64] |= 1 << (depth % 64)
			}
			last = afterOpen
			i++
			continue
		case '}', ']':
			if inObject != (c == '}') || depth == 0 || last == afterColon || last == afterName {
				return i, brokenFrame
			}
			depth--
			inObject = isObject[depth/64]&(1<<(depth%64)) != 0
			i++
		case ',':
			if last != afterValue || depth == 0 {
				return i, brokenFrame
			}
			last = afterComma
			i++
			continue
		case ':':
			if last != afterName {
				return i, brokenFrame
			}
			last = afterColon
			i++
			continue
		case '"':
			if last == afterValue || last == afterName {
				return i, brokenFrame
			}
			end, ok := textEnd(b, i+1)
			if !ok {
				return end, brokenFrame
			}
			if end < 0 {
				return len(b), openFrame
			}
			i = end
			if wantsName {
				last = afterName
				continue
			}
		default:
			if last == afterValue || last == afterName || wantsName {
				return i, brokenFrame
			}
			for i < len(b) && !endsWord[b[i]] {
				i++
			}
			if i == len(b) {
				return i, openFrame
			}
		}
		if last = afterValue; depth == 0 {
			return i, framed
		}
	}
	return len(b), openFrame
}

// endsWord marks the bytes that end a number or a word.
var endsWord = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, ',': true, ':': true, '{': true, '}': true, '[': true, ']': true, '"': true}

// textEnd returns what follows the quote that ends the text at from, -1 where there is none. ok is false where a line
// ends within the text.
func textEnd(b []byte, from int) (end int, ok bool) {
	for i := from; i < len(b); {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			special := swarFind(w, swarQuote) | swarFind(w, swarBackslash) | swarFind(w, swarLF)
			if special == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(special) >> 3
		}
		switch b[i] {
		case '"':
			return i + 1, true
		case '\n':
			return i, false
		case '\\':
			if i++; i < len(b) && b[i] != '\n' {
				i++
			}
		default:
			i++
		}
	}
	return -1, true
}

// skipSpace returns the position of the first byte from at on that is no white space of JSON.
func skipSpace(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\n' || b[at] == '\r' || b[at] == '\t') {
		at++
	}
	return at
}

// beforeSpace returns the length of b without the white space at its end.
func beforeSpace(b []byte) int {
	n := len(b)
	for n > 0 && (b[n-1] == ' ' || b[n-1] == '\n' || b[n-1] == '\r' || b[n-1] == '\t') {
		n--
	}
	return n
}
