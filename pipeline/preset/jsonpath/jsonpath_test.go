package jsonpath_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

func member(name string) jsonpath.Step { return jsonpath.Step{Name: name} }

func TestParse(t *testing.T) {
	for text, want := range map[string]jsonpath.Path{
		"id":                             {member("id")},
		"context.page.path":              {member("context"), member("page"), member("path")},
		"Deal Name (EUR)":                {member("Deal Name (EUR)")},
		`Date entered "Demo"`:            {member(`Date entered "Demo"`)},
		`"a.b".c`:                        {member("a.b"), member("c")},
		`ext["https://w3id.org/x.y"]`:    {member("ext"), member("https://w3id.org/x.y")},
		`["a\"b"]`:                       {member(`a"b`)},
		"tags[0]":                        {member("tags"), {Kind: jsonpath.Index}},
		"a[12].b":                        {member("a"), {Kind: jsonpath.Index, Index: 12}, member("b")},
		"name[*]":                        {member("name"), {Kind: jsonpath.Any}},
		`name["*"]`:                      {member("name"), member("*")},
		`a["0"]`:                         {member("a"), member("0")},
		"p[key=page_location].value.str": {member("p"), {Kind: jsonpath.Filter, Name: "key", Value: "page_location"}, member("value"), member("str")},
		`p["a=b"="c]d"]`:                 {member("p"), {Kind: jsonpath.Filter, Name: "a=b", Value: "c]d"}},
	} {
		got, err := jsonpath.Parse(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", text, diff, err)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":         `wants a name at position 1 of the path ""`,
		"a.":       `wants a name at position 3 of the path "a."`,
		"a..b":     `wants a name at position 3 of the path "a..b"`,
		"a[0":      `wants ] at position 4 of the path "a[0"`,
		"a[-1]":    "wants a number, *, key=value or a name in quotes between brackets at position 5 of the path \"a[-1]\"",
		"a[x]":     "wants a number, *, key=value or a name in quotes between brackets at position 4 of the path \"a[x]\"",
		"a[01]":    "wants a number, *, key=value or a name in quotes between brackets at position 5 of the path \"a[01]\"",
		`a["x`:     `has a quote that does not close at position 3 of the path "a[\"x"`,
		"a[k=]":    `wants a name at position 5 of the path "a[k=]"`,
		"a[0]b":    `wants . or [ at position 5 of the path "a[0]b"`,
		"a]":       `wants . or [ at position 2 of the path "a]"`,
		`a["x"]."`: `has a quote that does not close at position 8 of the path "a[\"x\"].\""`,
	} {
		if _, err := jsonpath.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s: error %q, want %q", text, err, want)
		}
	}
}

// What String writes, Parse reads, for any names at all.
func TestStringReadsBack(t *testing.T) {
	names := rapid.StringN(0, 5, -1)
	steps := rapid.OneOf(
		rapid.Map(names, func(s string) jsonpath.Step { return jsonpath.Step{Kind: jsonpath.Member, Name: s} }),
		rapid.Map(rapid.IntRange(0, 99), func(i int) jsonpath.Step { return jsonpath.Step{Kind: jsonpath.Index, Index: i} }),
		rapid.Map(rapid.SliceOfN(names, 2, 2), func(s []string) jsonpath.Step {
			return jsonpath.Step{Kind: jsonpath.Filter, Name: s[0], Value: s[1]}
		}),
		rapid.Just(jsonpath.Step{Kind: jsonpath.Any}),
	)
	rapid.Check(t, func(t *rapid.T) {
		want := jsonpath.Path(rapid.SliceOfN(steps, 1, 4).Draw(t, "path"))
		got, err := jsonpath.Parse(want.String())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%s (-want +got):\n%s%v", want, diff, err)
		}
	})
}

func TestJoin(t *testing.T) {
	if got := jsonpath.Join(jsonpath.Join(jsonpath.Join("", "a"), "b.c"), "d"); got != `a["b.c"].d` {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a.b[0]", `a["x"]`, "a[k=v].c", "a[*]", `"`, "a\xf9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := jsonpath.Parse(text)
		if err != nil {
			return
		}
		again, err := jsonpath.Parse(p.String())
		if diff := cmp.Diff(p, again); diff != "" || err != nil {
			t.Fatalf("%q is written %q (-first +again):\n%s%v", text, p, diff, err)
		}
	})
}
