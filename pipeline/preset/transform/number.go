package transform

import (
	"errors"
	"math"
	"strconv"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// The refusals of numbers.
var (
	ErrNotNumber = &Error{"not_a_number", "is not a number",
		"export the number alone, or declare its decimal and group signs in the mapping"}
	ErrNotInteger = &Error{"not_an_integer", "is not a whole number",
		"export a whole number, or map it to a column that holds fractions"}
	ErrRounding = &Error{"rounding", "has more decimals than the 4 that are kept",
		"round it in the source, where the decision can be seen"}
	ErrOverflow = &Error{"overflow", "is too large for its column",
		"check the value in the source: money holds 14 digits before the decimal sign"}
)

// MaxDecimal is the largest unscaled value of a Decimal column: 18 digits.
const MaxDecimal = 999_999_999_999_999_999

// Numbers says how a source writes numbers. The zero value is a decimal point and no grouping.
type Numbers struct {
	// Point is the decimal sign, '.' where zero.
	Point byte
	// Group is what separates groups of three digits, for example "," or a no-break space; "" for none.
	Group string
}

// Decimal parses a DECIMAL(18,4) and returns it unscaled: "12.5" is 125000. A value that needs a fifth decimal
// is refused, zeros there are not; exponents are accepted where the result is exact.
func (f Numbers) Decimal(b []byte) (int64, error) {
	if v, decimals, ok := f.short(b); ok && decimals <= contract.DecimalScale {
		return v * int64(pow10[contract.DecimalScale-decimals]), nil
	}
	n, err := f.scan(b)
	if err != nil {
		return 0, err
	}
	return n.scaled(contract.DecimalScale, MaxDecimal)
}

// MinorUnits parses a whole number of minor units, digits of them to one unit (2 for cents), as an unscaled
// DECIMAL(18,4): "1250" cents are 125000. digits is 0 to 4.
func (f Numbers) MinorUnits(b []byte, digits int) (int64, error) {
	n, err := f.scan(b)
	if err != nil {
		return 0, err
	}
	if _, err := n.integer(); err != nil {
		return 0, err
	}
	return n.scaled(contract.DecimalScale-digits, MaxDecimal)
}

// Int parses a whole number. "12.0" and "1.2e1" are whole, "12.5" is refused.
func (f Numbers) Int(b []byte) (int64, error) {
	if v, decimals, ok := f.short(b); ok && decimals == 0 {
		return v, nil
	}
	n, err := f.scan(b)
	if err != nil {
		return 0, err
	}
	return n.integer()
}

// Float parses a number to the nearest float64. Infinity, NaN and hexadecimal are no numbers.
func (f Numbers) Float(b []byte) (float64, error) {
	if v, decimals, ok := f.short(b); ok && v != 0 {
		return float64(v) / float10[decimals], nil
	}
	n, err := f.scan(b)
	if err != nil {
		return 0, err
	}
	return n.float()
}

// Percent parses a percentage, with or without its sign, as a share: "45 %" and "45" are 0.45.
func (f Numbers) Percent(b []byte) (float64, error) {
	b = Trim(b)
	if len(b) > 0 && b[len(b)-1] == '%' {
		b = b[:len(b)-1]
	}
	if v, decimals, ok := f.short(b); ok && v != 0 {
		return float64(v) / float10[decimals+2], nil
	}
	n, err := f.scan(b)
	if err != nil {
		return 0, err
	}
	n.exp -= 2
	n.shift -= 2
	return n.float()
}

// short reads what most numbers are: an optional minus, up to 14 digits and at most one decimal sign. The value is
// v / 10^decimals. Everything else, wrong or not, is left to scan.
func (f Numbers) short(b []byte) (v int64, decimals int, ok bool) {
	point := f.Point
	if point == 0 {
		point = '.'
	}
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 14 {
		return 0, 0, false
	}
	behind := -1
	for i, c := range b {
		if d := c - '0'; d <= 9 {
			v = v*10 + int64(d)
			continue
		}
		if c != point || behind >= 0 || len(b) == 1 {
			return 0, 0, false
		}
		behind = i
	}
	if behind >= 0 {
		decimals = len(b) - 1 - behind
	}
	if negative {
		v = -v
	}
	return v, decimals, true
}

// number is a decimal literal taken apart: its value is digits * 10^exp, plus something smaller than 10^exp
// where cut is set because more digits follow than digits holds.
type number struct {
	negative bool
	digits   uint64
	exp      int
	cut      bool
	// text is the literal without sign and exponent, shift the power of ten that belongs to it.
	text   []byte
	format Numbers
	shift  int
}

// maxExponent bounds what is read behind an e, far beyond any value that fits.
const maxExponent = 9999

// scan takes b apart: an optional sign, digits, optionally a decimal sign and digits, optionally an exponent.
func (f Numbers) scan(b []byte) (number, error) {
	n := number{format: f}
	if f.Point == 0 {
		n.format.Point = '.'
	}
	b = Trim(b)
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		n.negative = b[0] == '-'
		b = b[1:]
	}
	i, ok := n.whole(b)
	if !ok {
		return n, ErrNotNumber
	}
	seen := i
	if i < len(b) && b[i] == n.format.Point {
		i++
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			n.push(b[i]-'0', true)
			seen++
		}
	}
	if seen == 0 {
		return n, ErrNotNumber
	}
	n.text = b[:i]
	if i == len(b) {
		return n, nil
	}
	e, err := exponent(b[i:])
	n.exp += e
	n.shift = e
	return n, err
}

// whole reads the digits before the decimal sign and returns their length; groups must have three digits each.
func (n *number) whole(b []byte) (int, bool) {
	i, group, grouped := 0, 0, false
	for i < len(b) {
		if d := b[i] - '0'; d <= 9 {
			n.push(d, false)
			group++
			i++
			continue
		}
		g := n.format.Group
		if g == "" || len(b)-i < len(g) || string(b[i:i+len(g)]) != g {
			break
		}
		if group == 0 || group > 3 || grouped && group != 3 {
			return 0, false
		}
		grouped, group = true, 0
		i += len(g)
	}
	return i, !grouped || group == 3
}

// push adds a digit. 19 digits always fit; those that follow only move the exponent.
func (n *number) push(d byte, fraction bool) {
	if n.digits < 1e18 {
		n.digits = n.digits*10 + uint64(d)
		if fraction {
			n.exp--
		}
		return
	}
	n.cut = n.cut || d != 0
	if !fraction {
		n.exp++
	}
}

// exponent reads an e and the whole number behind it.
func exponent(b []byte) (int, error) {
	if b[0] != 'e' && b[0] != 'E' {
		return 0, ErrNotNumber
	}
	b = b[1:]
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, ErrNotNumber
	}
	e := 0
	for _, c := range b {
		if c-'0' > 9 {
			return 0, ErrNotNumber
		}
		e = min(e*10+int(c-'0'), maxExponent)
	}
	if negative {
		e = -e
	}
	return e, nil
}

var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// scaled returns the number times 10^scale as an integer of at most limit, with its sign.
func (n *number) scaled(scale int, limit uint64) (int64, error) {
	if n.digits == 0 {
		return 0, nil
	}
	u, exact := n.digits, !n.cut
	switch shift := n.exp + scale; {
	case shift >= len(pow10):
		return 0, ErrOverflow
	case shift >= 0:
		if u > limit/pow10[shift] {
			return 0, ErrOverflow
		}
		u *= pow10[shift]
	case -shift >= len(pow10):
		return 0, ErrRounding
	default:
		exact = exact && u%pow10[-shift] == 0
		u /= pow10[-shift]
	}
	if u > limit {
		return 0, ErrOverflow
	}
	if !exact {
		return 0, ErrRounding
	}
	if n.negative {
		return -int64(u), nil
	}
	return int64(u), nil
}

func (n *number) integer() (int64, error) {
	limit := uint64(math.MaxInt64)
	if n.negative {
		limit++
	}
	v, err := n.scaled(0, limit)
	if errors.Is(err, ErrRounding) {
		return 0, ErrNotInteger
	}
	return v, err
}

var float10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float returns the number rounded once. Up to 2^53 and 10^22 both sides are exact in float64, so that one
// multiplication or division rounds correctly (Clinger 1990); everything else is left to strconv.
func (n *number) float() (float64, error) {
	var v float64
	switch exact := !n.cut && n.digits < 1<<53; {
	case exact && n.exp >= 0 && n.exp < len(float10):
		v = float64(n.digits) * float10[n.exp]
	case exact && n.exp < 0 && -n.exp < len(float10):
		v = float64(n.digits) / float10[-n.exp]
	default:
		text := make([]byte, 0, 64)
		for _, c := range n.text {
			switch {
			case c-'0' <= 9:
				text = append(text, c)
			case c == n.format.Point:
				text = append(text, '.')
			}
		}
		text = strconv.AppendInt(append(text, 'e'), int64(n.shift), 10)
		var err error
		if v, err = strconv.ParseFloat(string(text), 64); err != nil {
			return 0, ErrOverflow
		}
	}
	if n.negative {
		v = -v
	}
	return v, nil
}
