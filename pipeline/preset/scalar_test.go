package preset_test

import (
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

func TestValueAsYAML(t *testing.T) {
	for want, v := range map[string]preset.Value{
		"Partner":                            preset.Texts("Partner"),
		`[Partner, "1"]`:                     preset.Texts("Partner", "1"),
		"[]":                                 {},
		`{ "Closed: won": won, Open: open }`: {Map: map[string]string{"Open": "open", "Closed: won": "won"}},
	} {
		if got := v.String(); got != want {
			t.Errorf("%+v is %s, want %s", v, got, want)
		}
	}
}

func TestListOfOneStaysAList(t *testing.T) {
	one, two := preset.Texts("a"), preset.Texts("a", "b")
	list, text := preset.Parameter{List: true}, preset.Parameter{}
	for want, got := range map[string]string{"[a]": list.Text(&one), "[a, b]": list.Text(&two), "a": text.Text(&one)} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Whatever the text, it is read back as it was written, alone and within a list.
func TestScalarIsReadBack(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, text string) {
		var back struct{ A, B any }
		data := "a: " + preset.Scalar(text) + "\nb: [" + preset.Scalar(text) + "]\n"
		if err := yaml.Unmarshal([]byte(data), &back); err != nil {
			t.Errorf("%q: %v in %s", text, err, data)
		} else if list, ok := back.B.([]any); back.A != text || !ok || len(list) != 1 || list[0] != text {
			t.Errorf("%q is read back as %#v and %#v from %s", text, back.A, back.B, data)
		}
	}
	for _, text := range []string{"", " ", "yes", "No", "null", "1", "1.5", "2026-10-31", "~", "a: b", "a #b", "# a", "{a", "*a", "a,b", "a]", `a"b`, "a\nb", "ä", "- a", "$a", "a:", "Partner Name (EUR)", "../exports/a", "/srv/a", "./a", ".", "../..", "/"} {
		check(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) { check(rt, rapid.StringMatching(`[ -~äöü]{0,12}`).Draw(rt, "text")) })
}
