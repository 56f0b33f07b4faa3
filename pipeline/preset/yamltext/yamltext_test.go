package yamltext

import (
	"errors"
	"strings"
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
		if got := Suggest(word, known); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
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

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text      string
		documents int
		line      int // of the error, 0 for none
	}{
		{"a: 1\n", 1, 0},
		{"\ufeffa: 1\r\nb: 2\r\n", 1, 0},
		{"# nothing\n", 0, 0},
		{"a: 1\n---\nb: 2\n", 2, 0},
		{"a: 1\nb: [1, 2\n", 0, 2},
		{"a: 1\nb: 'x\n", 0, 2},
	} {
		documents, err := Parse(Lines([]byte(c.text)))
		var syntax *SyntaxError
		if errors.As(err, &syntax) != (c.line > 0) || err == nil && len(documents) != c.documents {
			t.Errorf("%q: %d documents, %v", c.text, len(documents), err)
		} else if err != nil && (syntax.Line != c.line || err.Error() == "") {
			t.Errorf("%q: line %d, %v; want line %d", c.text, syntax.Line, err, c.line)
		}
	}
}

func TestFirstLine(t *testing.T) {
	documents, err := Parse(Lines([]byte("\n\nkey:\n  - a\n  - b: 1\n")))
	if err != nil || FirstLine(documents[0]) != 3 {
		t.Errorf("a mapping begins where its first key stands: %v", err)
	}
}

func TestSnippet(t *testing.T) {
	lines := []string{"one", "two", "three"}
	for _, c := range []struct {
		above, n int
		want     string
	}{
		{0, 2, "  >   2 | two\n"},
		{1, 3, "      1 | one\n  >   3 | three\n"},
		{2, 2, "  >   2 | two\n"},
		{1, 0, ""},
		{1, 4, ""},
	} {
		if got := Snippet(lines, c.above, c.n); got != c.want {
			t.Errorf("line %d below %d is\n%swant\n%s", c.n, c.above, got, c.want)
		}
	}
}

// A file that is nothing but brackets is told at once: the library would take minutes, or all of the stack.
func TestDepth(t *testing.T) {
	times := strings.Repeat
	for _, c := range []struct {
		name, text string
		line       int
	}{
		{"lists", "a: 1\nb: " + times("[", 101) + times("]", 101), 2},
		{"many lists", times("[", 100_000), 1},
		{"lists on lines of their own", times("[\n", 50_000), 101},
		{"mappings", times("{a: ", 50_000) + times("}", 50_000), 1},
		{"dashes", "a:\n  " + times("- ", 100_000) + "x", 2},
		{"keys", times("? ", 100_000) + "x", 1},
		{"what is allowed", "a: " + times("[", 100) + times("]", 100) + "\nb: " + times("{a: ", 100) + times("}", 100), 0},
		{"a long list", "a: [" + times("[1], ", 10_000) + "]\nb:\n" + times("  - x\n", 10_000), 0},
	} {
		_, err := Parse(Lines([]byte(c.text)))
		var syntax *SyntaxError
		switch {
		case c.line == 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.line > 0 && (!errors.As(err, &syntax) || syntax.Line != c.line || !strings.Contains(syntax.Message, "nested more than 100 deep")):
			t.Errorf("%s: %v, want line %d", c.name, syntax, c.line)
		}
	}
}
