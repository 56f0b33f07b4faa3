package transform

import "slices"

// ErrNotBool refuses a text that says neither yes nor no.
var ErrNotBool = &Error{"not_a_bool", "says neither yes nor no",
	"export true or false, or declare the source's words: bool: {true: [...], false: [...]}"}

// Words are the texts by which a source says yes and no. The zero value knows true, false, yes, no, t, f, y, n,
// 1 and 0 in any case; declared words are compared exactly and replace those.
type Words struct {
	True, False []string
}

// Parse returns what b says.
func (w *Words) Parse(b []byte) (bool, error) {
	b = Trim(b)
	if len(w.True) > 0 || len(w.False) > 0 {
		switch {
		case slices.Contains(w.True, string(b)):
			return true, nil
		case slices.Contains(w.False, string(b)):
			return false, nil
		}
		return false, ErrNotBool
	}
	switch {
	case is(b, "true"), is(b, "1"), is(b, "yes"), is(b, "t"), is(b, "y"):
		return true, nil
	case is(b, "false"), is(b, "0"), is(b, "no"), is(b, "f"), is(b, "n"):
		return false, nil
	}
	return false, ErrNotBool
}

// is compares b with a lower-case ASCII word in any case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
