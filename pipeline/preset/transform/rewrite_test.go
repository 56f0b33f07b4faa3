package transform_test

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

func TestReplaced(t *testing.T) {
	for _, c := range []struct{ pattern, with, text, want string }{
		{"[^a-z0-9-]", "_", "c-110: selling & more", "c-110__selling___more"},
		{"([a-z0-9])([A-Z])", "$1 $2", "SignInFailed", "Sign In Failed"},
		{`(\.\d{6})\d+`, "$1", "2021-11-24T10:56:03.3834991Z", "2021-11-24T10:56:03.383499Z"},
		{"x", "y", "", ""},
		{"^", "mailto:", "a@b", "mailto:a@b"},
	} {
		got := transform.AppendReplaced([]byte("before "), []byte(c.text), regexp.MustCompile(c.pattern), []byte(c.with))
		if want := "before " + c.want; string(got) != want {
			t.Errorf("replace %q by %q in %q: got %q, want %q", c.pattern, c.with, c.text, got, want)
		}
	}
}

func TestShifted(t *testing.T) {
	for _, c := range []struct {
		text   string
		digits int
		want   string
	}{
		{"0.472", 2, "47.2"},
		{"1", 2, "100"},
		{"0", 2, "0"},
		{"0.00", 2, "0"},
		{" -0.29 ", 2, "-29"},
		{"4.72e-1", 2, "47.2"},
		{"1E1", 2, "1000"},
		{"12.5", -2, "0.125"},
		{"+.5", 2, "50"},
		{"7.", 0, "7"},
	} {
		got, err := transform.AppendShifted(nil, []byte(c.text), c.digits)
		if err != nil || string(got) != c.want {
			t.Errorf("%q by %d digits: got %q, %v, want %q", c.text, c.digits, got, err, c.want)
		}
	}
	for _, text := range []string{"", "-", ".", "1.2.3", "1e", "1e99", "0x1", "NaN", "half", "1,5"} {
		if got, err := transform.AppendShifted(nil, []byte(text), 2); !errors.Is(err, transform.ErrNotShifted) {
			t.Errorf("%q was shifted to %q", text, got)
		}
	}
}

// Shifting is multiplying by a power of ten, exactly.
func TestShiftedIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,12})?(e-?[0-9])?`).Draw(t, "number")
		digits := rapid.IntRange(-6, 6).Draw(t, "digits")
		got, err := transform.AppendShifted(nil, []byte(text), digits)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := new(big.Rat).SetString(text)
		factor := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(digits, -digits))), nil))
		if digits < 0 {
			factor.Inv(factor)
		}
		if have, ok := new(big.Rat).SetString(string(got)); !ok || have.Cmp(want.Mul(want, factor)) != 0 {
			t.Fatalf("%q by %d digits is %q", text, digits, got)
		}
		if strings.ContainsAny(string(got), "eE") {
			t.Fatalf("%q keeps an exponent", got)
		}
	})
}

// The whole address is hashed, with its mailto, as sha1sum does.
func TestSHA1(t *testing.T) {
	const want = "c89da884114cb795065ce008ef6f25750a78e8be"
	for _, text := range []string{"mailto:foo@bar.com", " mailto:foo@bar.com\t"} {
		if got := transform.AppendSHA1(nil, []byte(text)); string(got) != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
