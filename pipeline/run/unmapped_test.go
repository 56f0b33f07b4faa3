package run

import "testing"

func TestUnmappedWordsAreListedByHowOftenTheyOccur(t *testing.T) {
	for _, c := range []struct {
		name  string
		texts map[string]int64
		want  string
	}{
		{"one", map[string]int64{"on_ice": 3}, `"on_ice" (3)`},
		{"the most frequent first, then by the alphabet", map[string]int64{"b": 1, "a": 1, "c": 2}, `"c" (2), "a" (1), "b" (1)`},
		{"no more than five", map[string]int64{"a": 7, "b": 6, "c": 5, "d": 4, "e": 3, "f": 2, "g": 1}, `"a" (7), "b" (6), "c" (5), "d" (4), "e" (3), and 2 more`},
		{"what a terminal could take for a command", map[string]int64{"\x1b[2J": 1}, `"\x1b[2J" (1)`},
	} {
		if got := listUnmapped(c.texts); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
