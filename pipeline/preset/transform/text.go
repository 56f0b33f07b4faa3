package transform

import (
	"bytes"
	"regexp"
	"unicode/utf8"
)

// Blank reports whether c is one of the two bytes that typed values may have around them.
func Blank(c byte) bool { return c == ' ' || c == '\t' }

// Trim returns b without the blanks and tabs around it. Other white space, such as the no-break space of
// web pages, stays: it tells where a value comes from and may be part of it.
func Trim(b []byte) []byte {
	for len(b) > 0 && Blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && Blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// AppendLower appends b in lower case.
func AppendLower(dst, b []byte) []byte {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return append(dst, bytes.ToLower(b)...)
		}
	}
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendUpper appends b in upper case.
func AppendUpper(dst, b []byte) []byte {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return append(dst, bytes.ToUpper(b)...)
		}
	}
	for _, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// Split returns part index, 0 for the first and -1 for the last, of b cut at every sep; ok is false where there is no
// such part.
func Split(b, sep []byte, index int) (part []byte, ok bool) {
	for ; index < -1; index++ {
		i := bytes.LastIndex(b, sep)
		if i < 0 {
			return nil, false
		}
		b = b[:i]
	}
	if index < 0 {
		if i := bytes.LastIndex(b, sep); i >= 0 {
			b = b[i+len(sep):]
		}
		return b, true
	}
	for ; index > 0; index-- {
		i := bytes.Index(b, sep)
		if i < 0 {
			return nil, false
		}
		b = b[i+len(sep):]
	}
	if i := bytes.Index(b, sep); i >= 0 {
		b = b[:i]
	}
	return b, true
}

// Group returns what the first group of re finds in b, without blanks around it; ok is false where b does not match or
// the group takes no part in it.
func Group(re *regexp.Regexp, b []byte) (group []byte, ok bool) {
	at := re.FindSubmatchIndex(b)
	if len(at) < 4 || at[2] < 0 {
		return nil, false
	}
	return Trim(b[at[2]:at[3]]), true
}

// StripPrefix returns b without the prefix, and b itself where it does not begin with it.
func StripPrefix(b, prefix []byte) []byte { return bytes.TrimPrefix(Trim(b), prefix) }

// IsOneOf reports whether b is one of the texts, blanks around it apart.
func IsOneOf(b []byte, texts []string) bool {
	b = Trim(b)
	for _, t := range texts {
		if string(b) == t {
			return true
		}
	}
	return false
}
