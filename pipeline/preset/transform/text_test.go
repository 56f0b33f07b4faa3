package transform_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

func TestTrimTakesBlanksAndTabsOnly(t *testing.T) {
	for text, want := range map[string]string{
		" a ": "a", "\t a b \t": "a b", "": "", "  ": "", "\u00a0a": "\u00a0a", "a\u2003": "a\u2003", "\na": "\na",
	} {
		if got := string(transform.Trim([]byte(text))); got != want {
			t.Errorf("Trim(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestBool(t *testing.T) {
	declared := &transform.Words{True: []string{"ja"}, False: []string{"nein", "0"}}
	for _, c := range []struct {
		words *transform.Words
		text  string
		want  bool
		err   error
	}{
		{&transform.Words{}, "true", true, nil}, {&transform.Words{}, " TRUE ", true, nil}, {&transform.Words{}, "1", true, nil}, {&transform.Words{}, "Yes", true, nil},
		{&transform.Words{}, "t", true, nil}, {&transform.Words{}, "Y", true, nil}, {&transform.Words{}, "false", false, nil}, {&transform.Words{}, "0", false, nil},
		{&transform.Words{}, "no", false, nil}, {&transform.Words{}, "F", false, nil}, {&transform.Words{}, "n", false, nil},
		{&transform.Words{}, "", false, transform.ErrNotBool}, {&transform.Words{}, "2", false, transform.ErrNotBool}, {&transform.Words{}, "wahr", false, transform.ErrNotBool},
		{declared, "ja", true, nil}, {declared, "nein", false, nil}, {declared, "0", false, nil}, {declared, "Ja", false, transform.ErrNotBool}, {declared, "true", false, transform.ErrNotBool},
	} {
		if got, err := c.words.Parse([]byte(c.text)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v: %q is %v, %v; want %v, %v", c.words, c.text, got, err, c.want, c.err)
		}
	}
}

// The ids and checksums are those of exports.md section 1.3.
func TestID18(t *testing.T) {
	for _, c := range []struct {
		text, want string
		err        error
	}{
		{"0017Q00000KGhjM", "0017Q00000KGhjMQAT", nil},
		{"0017Q00000M1H7E", "0017Q00000M1H7EQAV", nil},
		{"0014W000027f6Uw", "0014W000027f6UwQAI", nil},
		{" 0014W000027f6UwQAI ", "0014W000027f6UwQAI", nil},
		{"0014w000027f6uwQAI", "", transform.ErrIDChecksum},
		{"0014W000027f6UwqAI", "", transform.ErrIDChecksum},
		{"0014W000027f6U", "", transform.ErrNotID},
		{"0014W000027f6U-", "", transform.ErrNotID},
		{"0014W000027f6UwQA", "", transform.ErrNotID},
		{"", "", transform.ErrNotID},
	} {
		got, err := transform.AppendID18(nil, []byte(c.text))
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("AppendID18(%q) = %q, %v; want %q, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func TestID18IsIdempotentAndNoticesCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		short := rapid.StringMatching(`[0-9A-Za-z]{15}`).Draw(t, "id")
		long, err := transform.AppendID18(nil, []byte(short))
		if err != nil || string(long[:15]) != short {
			t.Fatalf("%q becomes %q, %v", short, long, err)
		}
		if again, err := transform.AppendID18(nil, long); string(again) != string(long) || err != nil {
			t.Fatalf("%q becomes %q, %v", long, again, err)
		}
		lower := strings.ToLower(short)
		if lower == short {
			return
		}
		if _, err := transform.AppendID18(nil, []byte(lower+string(long[15:]))); !errors.Is(err, transform.ErrIDChecksum) {
			t.Fatalf("%q with its case lost: %v", long, err)
		}
	})
}

func TestEmailHash(t *testing.T) {
	h := transform.NewEmailHasher([]byte("key"))
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte("jo.müller@example.com"))
	want := hex.EncodeToString(mac.Sum(nil))
	for _, text := range []string{"jo.müller@example.com", " Jo.MÜLLER@Example.COM\t"} {
		if got, err := h.Append([]byte("x"), []byte(text)); string(got) != "x"+want || err != nil {
			t.Errorf("%q hashes to %s, %v; want %s", text, got, err, want)
		}
	}
	if other, _ := transform.NewEmailHasher([]byte("other")).Append(nil, []byte("jo.müller@example.com")); string(other) == want {
		t.Error("the key must matter")
	}
	for _, text := range []string{"", "jo", "@example.com", "jo@", "a@b@c", "jo @example.com", "jo@example.com, al@example.com", "jo@\u00a0example.com"} {
		if _, err := h.Append(nil, []byte(text)); !errors.Is(err, transform.ErrNotEmail) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCase(t *testing.T) {
	for _, c := range []struct{ text, lower, upper string }{
		{"Ab9-", "ab9-", "AB9-"}, {"ÄÖ ß", "äö ß", "ÄÖ ß"}, {"", "", ""},
	} {
		if got := string(transform.AppendLower([]byte("x"), []byte(c.text))); got != "x"+c.lower {
			t.Errorf("lower %q is %q", c.text, got)
		}
		if got := string(transform.AppendUpper([]byte("x"), []byte(c.text))); got != "x"+c.upper {
			t.Errorf("upper %q is %q", c.text, got)
		}
	}
}

func TestDomain(t *testing.T) {
	for text, want := range map[string]string{
		"example.com": "example.com", "WWW.Example.com.": "example.com", "https://shop.example.co.uk:8080/a?b#c": "example.co.uk",
		"jo@mail.example.org": "example.org", "http://user:pw@www.example.com": "example.com", "//x": "", "https://www.bücher.example.de": "example.de",
		"bücher.de": "xn--bcher-kva.de", "a.b.kawasaki.jp": "a.b.kawasaki.jp", "example.com?x": "example.com",
		"localhost": "", "co.uk": "", "192.0.2.1": "", "http://[2001:db8::1]:80/": "", "": "", "not a domain": "", "http://": "",
	} {
		got, err := transform.Domain([]byte(text))
		if got != want || (want == "") != errors.Is(err, transform.ErrNoDomain) {
			t.Errorf("Domain(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text, sep string
		index     int
		want      string
		ok        bool
	}{
		{"a;b;c", ";", 0, "a", true}, {"a;b;c", ";", 1, "b", true}, {"a;b;c", ";", 2, "c", true}, {"a;b;c", ";", 3, "", false},
		{"a", ";", 0, "a", true}, {"", ";", 0, "", true}, {"a;", ";", 1, "", true}, {"a::b", "::", 1, "b", true},
		{"a;b;c", ";", -1, "c", true}, {"a;b;c", ";", -2, "b", true}, {"a;b;c", ";", -3, "a", true}, {"a;b;c", ";", -4, "", false},
		{"a", ";", -1, "a", true}, {"a;", ";", -1, "", true}, {"EMEA/DACH/Alpine", "/", -1, "Alpine", true},
	} {
		if got, ok := transform.Split([]byte(c.text), []byte(c.sep), c.index); string(got) != c.want || ok != c.ok {
			t.Errorf("part %d of %q is %q, %v", c.index, c.text, got, ok)
		}
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		pattern, text, want string
		ok                  bool
	}{
		{`user with id '(\d+)'`, "The user with id '1046' viewed", "1046", true},
		{`user with id '(\d+)'`, "nobody viewed", "", false},
		{`^(?:a|b(.*))$`, "a", "", false}, // the group takes no part
		{`^a(.*)$`, "a", "", true},
		{`name:(.*)`, "name:  x ", "x", true},
	} {
		got, ok := transform.Group(regexp.MustCompile(c.pattern), []byte(c.text))
		if string(got) != c.want || ok != c.ok {
			t.Errorf("%s in %q is %q, %v; want %q, %v", c.pattern, c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestStripPrefix(t *testing.T) {
	for text, want := range map[string]string{"mailto:a@b.c": "a@b.c", "mailto: a": " a", "a@b.c": "a@b.c", "MAILTO:a": "MAILTO:a", "mailto:": ""} {
		if got := string(transform.StripPrefix([]byte(text), []byte("mailto:"))); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestIsOneOf(t *testing.T) {
	never := []string{"0", "-0001-11-30 00:00:00"}
	for text, want := range map[string]bool{"0": true, " 0\t": true, "-0001-11-30 00:00:00": true, "00": false, "": false} {
		if got := transform.IsOneOf([]byte(text), never); got != want {
			t.Errorf("%q is one of %q: %v", text, never, got)
		}
	}
}

func TestJSONKeepsNumbersAndOrder(t *testing.T) {
	got, err := transform.AppendJSON([]byte("x"), []byte("{ \"b\": 1.10,\n \"a\": [ 12345678901234567890, \"é\\u00e9\" ] }"))
	if want := `x{"b":1.10,"a":[12345678901234567890,"é\u00e9"]}`; string(got) != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for _, text := range []string{"", "{", "{'a':1}", "1 2", "nan"} {
		if got, err := transform.AppendJSON([]byte("x"), []byte(text)); !errors.Is(err, transform.ErrNotJSON) || string(got) != "x" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		typ  contract.Type
		text string
		want transform.Value
		err  error
	}{
		{contract.Bool, "true", transform.Value{Bool: true}, nil}, {contract.Int64, "-7", transform.Value{Int: -7}, nil},
		{contract.Float64, "0.5", transform.Value{Float: 0.5}, nil}, {contract.Decimal, "1.5", transform.Value{Int: 15_000}, nil},
		{contract.Date, "1970-01-02", transform.Value{Int: 1}, nil}, {contract.Timestamp, "1970-01-01T00:00:01.5Z", transform.Value{Int: 1_500_000}, nil},
		{contract.Timestamp, "1970-01-01 01:00:00+0100", transform.Value{}, nil}, {contract.String, " x ", transform.Value{Text: " x "}, nil},
		{contract.JSON, "[ 1 ]", transform.Value{Text: "[1]"}, nil},
		{contract.Timestamp, "1970-01-01T00:00:01", transform.Value{}, transform.ErrNoZone}, {contract.Timestamp, "1970-01-01", transform.Value{}, transform.ErrNotTimestamp},
		{contract.Date, "02.01.1970", transform.Value{}, transform.ErrNotDate}, {contract.Decimal, "1,5", transform.Value{}, transform.ErrNotNumber},
	} {
		if got, err := transform.Canonical(c.typ, c.text); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s %q is %+v, %v; want %+v, %v", c.typ, c.text, got, err, c.want, c.err)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, text := range []string{"https://www.example.com", "jo@example.com", "0014W000027f6Uw", "{\"a\":1}", "", "xn--", "[::1]"} {
		f.Add(text)
	}
	h := transform.NewEmailHasher([]byte("key"))
	f.Fuzz(func(t *testing.T, text string) {
		b := []byte(text)
		if d, err := transform.Domain(b); err == nil {
			if again, err := transform.Domain([]byte(d)); again != d || err != nil {
				t.Fatalf("the domain of %q is %q, whose domain is %q, %v", text, d, again, err)
			}
		}
		if sum, err := h.Append(nil, b); err == nil && len(sum) != 64 {
			t.Fatalf("%q hashes to %q", text, sum)
		}
		if id, err := transform.AppendID18(nil, b); err == nil && len(id) != 18 {
			t.Fatalf("%q has the id %q", text, id)
		}
		if compact, err := transform.AppendJSON(nil, b); err == nil {
			if again, err := transform.AppendJSON(nil, compact); string(again) != string(compact) || err != nil {
				t.Fatalf("%q compacts to %q and then to %q, %v", text, compact, again, err)
			}
		}
		if string(b) != text {
			t.Fatal("the text was changed")
		}
	})
}
