package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSuggest(t *testing.T) {
	known := []string{"floor", "drop", "at_most_per_manager"}
	for word, want := range map[string]string{
		"flor":                "did you mean floor?",
		"Floor":               "did you mean floor?",
		"dorp":                "did you mean drop?",
		"at_most_per_manger":  "did you mean at_most_per_manager?",
		"at_most_per_partner": "did you mean at_most_per_manager?",
		"colour":              "",
		"x":                   "",
		"":                    "",
	} {
		if got := suggest(word, known); got != want {
			t.Errorf("suggest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"floor", "flor", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"größe", "grösse", 2},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestEditDistanceIsSymmetricAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "a"), rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "b")
		d := editDistance(a, b)
		if d != editDistance(b, a) {
			t.Fatalf("distance of %q and %q is not symmetric", a, b)
		}
		if (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Fatalf("editDistance(%q, %q) = %d", a, b, d)
		}
	})
}
