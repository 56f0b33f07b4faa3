package transform

import (
	"bytes"
	"crypto/sha1" // xAPI identifies people by it; nothing is kept secret with it
	"encoding/hex"
	"regexp"
	"strconv"
)

// ErrNotShifted refuses what has no decimal point to move.
var ErrNotShifted = &Error{"not_a_number", "is not a number", "correct it in the source, or take the transform shift out of the mapping"}

// maxShift is how far a decimal point may move, exponent included: farther is no number that anybody exports.
const maxShift = 40

// AppendReplaced appends b with every match of re replaced by with, in which $1 is the text of the first group.
func AppendReplaced(dst, b []byte, re *regexp.Regexp, with []byte) []byte {
	at := 0
	for _, match := range re.FindAllSubmatchIndex(b, -1) {
		dst = append(dst, b[at:match[0]]...)
		dst = re.Expand(dst, with, b, match)
		at = match[1]
	}
	return append(dst, b[at:]...)
}

// AppendShifted appends the decimal number b with its point moved digits to the right, to the left where digits is
// negative: 0.472 shifted by 2 is 47.2. No digit is lost and none is made up.
func AppendShifted(dst, b []byte, digits int) ([]byte, error) {
	b = Trim(b)
	mantissa, exponent := b, 0
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(b[i+1:]))
		if err != nil || e < -maxShift || e > maxShift {
			return dst, ErrNotShifted
		}
		mantissa, exponent = b[:i], e
	}
	if len(mantissa) > 0 && (mantissa[0] == '-' || mantissa[0] == '+') {
		if mantissa[0] == '-' {
			dst = append(dst, '-')
		}
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	if len(whole)+len(fraction) == 0 || !isDigits(whole) || !isDigits(fraction) {
		return dst, ErrNotShifted
	}
	point := len(whole) + exponent + digits
	all := append(append(make([]byte, 0, len(mantissa)+maxShift), whole...), fraction...)
	for ; point <= 0; point++ {
		all = append([]byte{'0'}, all...)
	}
	for len(all) < point {
		all = append(all, '0')
	}
	head := bytes.TrimLeft(all[:point], "0")
	if len(head) == 0 {
		head = []byte{'0'}
	}
	dst = append(dst, head...)
	if tail := bytes.TrimRight(all[point:], "0"); len(tail) > 0 {
		dst = append(append(dst, '.'), tail...)
	}
	return dst, nil
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// AppendSHA1 appends the SHA-1 of b as 40 hexadecimal digits, as xAPI writes a mailto address in mbox_sha1sum.
func AppendSHA1(dst, b []byte) []byte {
	sum := sha1.Sum(Trim(b))
	return hex.AppendEncode(dst, sum[:])
}
