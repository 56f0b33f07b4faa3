package transform_test

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

var (
	plain  = transform.Numbers{}
	german = transform.Numbers{Point: ',', Group: "."}
	swiss  = transform.Numbers{Group: "’"}
)

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		format transform.Numbers
		text   string
		want   int64
		err    error
	}{
		{plain, "0", 0, nil}, {plain, "12.5", 125_000, nil}, {plain, "-12.5", -125_000, nil}, {plain, "+7", 70_000, nil},
		{plain, ".5", 5_000, nil}, {plain, "5.", 50_000, nil}, {plain, "  1\t", 10_000, nil}, {plain, "007", 70_000, nil},
		{plain, "-0.00", 0, nil}, {plain, "1.0000000000000000000000000", 10_000, nil},
		{plain, "1.0005", 10_005, nil}, {plain, "1.00005", 0, transform.ErrRounding}, {plain, "0.00001", 0, transform.ErrRounding},
		{plain, "1.00000000000000000000000001", 0, transform.ErrRounding},
		{plain, "99999999999999.9999", transform.MaxDecimal, nil}, {plain, "-99999999999999.9999", -transform.MaxDecimal, nil},
		{plain, "100000000000000", 0, transform.ErrOverflow}, {plain, "99999999999999999999999999999", 0, transform.ErrOverflow},
		{plain, "1.25e3", 12_500_000, nil}, {plain, "125E-2", 12_500, nil}, {plain, "1e-4", 1, nil}, {plain, "1e-5", 0, transform.ErrRounding},
		{plain, "10e-5", 1, nil}, {plain, "1e14", 0, transform.ErrOverflow}, {plain, "0e99999999", 0, nil}, {plain, "1e99999999", 0, transform.ErrOverflow},
		{german, "1.234.567,89", 12_345_678_900, nil}, {german, "12,5", 125_000, nil}, {german, "1234,5", 12_345_000, nil},
		{german, "1.23", 0, transform.ErrNotNumber}, {german, "12.34,5", 0, transform.ErrNotNumber}, {german, "1234.567", 0, transform.ErrNotNumber},
		{german, ".123", 0, transform.ErrNotNumber}, {german, "1,234.567", 0, transform.ErrNotNumber}, {german, "1.234.56", 0, transform.ErrNotNumber},
		{swiss, "1’234.50", 12_345_000, nil}, {swiss, "1'234.50", 0, transform.ErrNotNumber},
		{plain, "1,234.50", 0, transform.ErrNotNumber}, {plain, "12,500 EUR", 0, transform.ErrNotNumber}, {plain, "", 0, transform.ErrNotNumber},
		{plain, "   ", 0, transform.ErrNotNumber}, {plain, ".", 0, transform.ErrNotNumber}, {plain, "-", 0, transform.ErrNotNumber},
		{plain, "1-", 0, transform.ErrNotNumber}, {plain, "(1)", 0, transform.ErrNotNumber}, {plain, "1e", 0, transform.ErrNotNumber},
		{plain, "1e+", 0, transform.ErrNotNumber}, {plain, "0x10", 0, transform.ErrNotNumber}, {plain, "1_000", 0, transform.ErrNotNumber},
		{plain, "NaN", 0, transform.ErrNotNumber}, {plain, "\u00a01", 0, transform.ErrNotNumber}, {plain, "１", 0, transform.ErrNotNumber},
		{plain, "−1", 0, transform.ErrNotNumber}, {plain, "1 2", 0, transform.ErrNotNumber}, {plain, "1.2.3", 0, transform.ErrNotNumber},
	} {
		got, err := c.format.Decimal([]byte(c.text))
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v: Decimal(%q) = %d, %v; want %d, %v", c.format, c.text, got, err, c.want, c.err)
		}
	}
}

// Any decimal literal gives what exact rational arithmetic gives, or is refused where that does not fit.
func TestDecimalAgreesWithExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[-+]?([0-9]{1,24}(\.[0-9]{0,24})?|\.[0-9]{1,9})([eE][-+]?[0-9]{1,2})?`).Draw(t, "text")
		exact, ok := new(big.Rat).SetString(strings.TrimPrefix(text, "+"))
		if !ok {
			t.Fatalf("%q is no rational", text)
		}
		exact.Mul(exact, big.NewRat(10_000, 1))
		got, err := plain.Decimal([]byte(text))
		fits := new(big.Rat).Abs(exact).Cmp(new(big.Rat).SetInt64(transform.MaxDecimal)) <= 0
		switch {
		case err == nil:
			if new(big.Rat).SetInt64(got).Cmp(exact) != 0 {
				t.Fatalf("Decimal(%q) = %d, want %s", text, got, exact)
			}
			if !fits {
				t.Fatalf("Decimal(%q) must overflow", text)
			}
		case fits && exact.IsInt():
			t.Fatalf("Decimal(%q) refused: %v", text, err)
		case fits && !errors.Is(err, transform.ErrRounding):
			t.Fatalf("Decimal(%q): %v, want rounding", text, err)
		}
	})
}

func TestMinorUnits(t *testing.T) {
	for _, c := range []struct {
		text   string
		digits int
		want   int64
		err    error
	}{
		{"1250", 2, 125_000, nil}, {"-5", 2, -500, nil}, {"7", 0, 70_000, nil}, {"7", 4, 7, nil}, {"1e3", 3, 10_000, nil}, {"12.0", 2, 1_200, nil},
		{"12.5", 2, 0, transform.ErrNotInteger}, {"999999999999999999", 4, transform.MaxDecimal, nil}, {"999999999999999999", 2, 0, transform.ErrOverflow},
		{"", 2, 0, transform.ErrNotNumber},
	} {
		if got, err := plain.MinorUnits([]byte(c.text), c.digits); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("MinorUnits(%q, %d) = %d, %v; want %d, %v", c.text, c.digits, got, err, c.want, c.err)
		}
	}
}

func TestInt(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		err  error
	}{
		{"0", 0, nil}, {"-3", -3, nil}, {"12.0", 12, nil}, {"1.2e1", 12, nil}, {"9223372036854775807", math.MaxInt64, nil},
		{"-9223372036854775808", math.MinInt64, nil}, {"9223372036854775808", 0, transform.ErrOverflow}, {"1e19", 0, transform.ErrOverflow},
		{"12.5", 0, transform.ErrNotInteger}, {"1e-1", 0, transform.ErrNotInteger}, {"0.00000000000000000000000000001", 0, transform.ErrNotInteger},
		{"1,000", 0, transform.ErrNotNumber}, {"", 0, transform.ErrNotNumber},
	} {
		if got, err := plain.Int([]byte(c.text)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Int(%q) = %d, %v; want %d, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		format transform.Numbers
		text   string
		want   float64
		err    error
	}{
		{plain, "0.1", 0.1, nil}, {plain, "-2.5e-3", -0.0025, nil}, {plain, "1.00090081072966", 1.00090081072966, nil}, {plain, "1e400", 0, transform.ErrOverflow},
		{german, "1.234,5", 1234.5, nil}, {german, "0,1000000000000000055511151231257827", 0.1, nil}, {plain, "5e-324", 5e-324, nil},
		{plain, "Inf", 0, transform.ErrNotNumber}, {plain, "nan", 0, transform.ErrNotNumber}, {plain, "0x1p-2", 0, transform.ErrNotNumber}, {plain, "", 0, transform.ErrNotNumber},
	} {
		if got, err := c.format.Float([]byte(c.text)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Float(%q) = %v, %v; want %v, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func TestFloatAgreesWithStrconv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,25})?(e-?[0-9]{1,2})?`).Draw(t, "text")
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Skip(err)
		}
		if got, err := plain.Float([]byte(text)); got != want || err != nil {
			t.Fatalf("Float(%q) = %v, %v; want %v", text, got, err, want)
		}
	})
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		format transform.Numbers
		text   string
		want   float64
		err    error
	}{
		{plain, "45", 0.45, nil}, {plain, "45%", 0.45, nil}, {plain, " 45 % ", 0.45, nil}, {plain, "-0.7 %", -0.007, nil}, {german, "12,5 %", 0.125, nil},
		{plain, "33.333333333333333333333333", 0.33333333333333333333333333, nil},
		{plain, "%", 0, transform.ErrNotNumber}, {plain, "45%%", 0, transform.ErrNotNumber}, {plain, "45 pct", 0, transform.ErrNotNumber},
	} {
		if got, err := c.format.Percent([]byte(c.text)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Percent(%q) = %v, %v; want %v, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"12.5", "-1e3", "1.234,56", "99999999999999.9999", "1.00005", "", "1’234"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []transform.Numbers{plain, german, swiss} {
			v, err := format.Decimal([]byte(text))
			if err != nil {
				continue
			}
			if v > transform.MaxDecimal || v < -transform.MaxDecimal {
				t.Fatalf("Decimal(%q) = %d does not fit", text, v)
			}
			// What was accepted reads the same once it is written plainly.
			r := new(big.Rat).SetFrac64(v, 10_000)
			if again, err := plain.Decimal([]byte(r.FloatString(4))); again != v || err != nil {
				t.Fatalf("%q is %d, and %s is %d, %v", text, v, r.FloatString(4), again, err)
			}
			if whole, err := format.Int([]byte(text)); err == nil && whole*10_000 != v {
				t.Fatalf("%q is %d as a decimal and %d as a whole number", text, v, whole)
			}
		}
	})
}

func BenchmarkDecimal(b *testing.B) {
	text := []byte("12345.67")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plain.Decimal(text); err != nil {
			b.Fatal(err)
		}
	}
}
