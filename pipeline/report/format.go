package report

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Money renders an exact decimal text with its currency, rounded half away from zero to whole units from
// 1,000 up and to cents below: "USD 612,345", "USD 84.50"; nothing is "USD 0". An empty amount renders as an en dash.
func Money(currency, amount string) string {
	if amount == "" {
		return noValue
	}
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return currency + " " + amount
	}
	return strings.TrimSpace(currency + " " + moneyText(r))
}

// moneyText chooses the decimals by the rounded amount, so that nothing reads "1,000.00" beside "1,000".
func moneyText(r *big.Rat) string {
	text := r.FloatString(2)
	switch rounded, _ := new(big.Rat).SetString(text); {
	case rounded.Sign() == 0:
		return "0"
	case rounded.Abs(rounded).Cmp(big.NewRat(1000, 1)) >= 0:
		text = r.FloatString(0)
	}
	return groupThousands(text)
}

// CompactMoney renders an exact decimal text in the largest fitting unit: "USD 4.1 M", "USD 612 k". A unit fits that
// leaves less than a thousand of it after rounding: 999,999 is "USD 1.0 M".
func CompactMoney(currency, amount string) string {
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return noValue
	}
	units := []struct {
		size     int64
		decimals int
		name     string
	}{{1, 0, ""}, {1_000, 0, " k"}, {1_000_000, 1, " M"}, {1_000_000_000, 1, " B"}}
	thousand := big.NewRat(1000, 1)
	text := ""
	for _, unit := range units {
		text = new(big.Rat).Quo(r, big.NewRat(unit.size, 1)).FloatString(unit.decimals)
		rounded, _ := new(big.Rat).SetString(text)
		text = unsigned(text) + unit.name
		if rounded.Abs(rounded).Cmp(thousand) < 0 {
			break
		}
	}
	return currency + " " + text
}

// unsigned takes the sign off a number that was rounded to nothing.
func unsigned(text string) string {
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
}

// Percent renders a share as a percentage with no decimals from 10 % up and one below; 9.96 % is up there already.
func Percent(share *float64) string {
	if share == nil {
		return noValue
	}
	p := *share * 100
	decimals := 1
	if math.Abs(p) >= 9.95 {
		decimals = 0
	}
	return unsigned(strconv.FormatFloat(p, 'f', decimals, 64)) + " %"
}

// Text renders a number in its own unit; a missing one renders as its status in words.
func (n Number) Text(currency string) string {
	if n.Unit == "money" && n.Money != "" {
		return Money(currency, n.Money)
	}
	if n.Value == nil {
		return statusText(n.Status)
	}
	return formatUnit(n.Unit, n.Value)
}

// Caution says in words what to bear in mind about a number that is shown, "" where nothing. That a number rests on few
// cases is told by their count.
func (n Number) Caution() string {
	if n.Value == nil {
		return ""
	}
	switch n.Status {
	case "low_coverage", "stale":
		return statusText(n.Status)
	case "incomplete":
		return "incomplete: something that belongs in it is not known, such as an exchange rate"
	}
	return ""
}

// Interval renders the 95 % interval, or "" where there is none.
func (n Number) Interval() string {
	if n.Low == nil || n.High == nil {
		return ""
	}
	return formatUnit(n.Unit, n.Low) + " to " + formatUnit(n.Unit, n.High)
}

func formatUnit(unit string, v *float64) string {
	if v == nil {
		return noValue
	}
	switch unit {
	case "ratio":
		return Percent(v)
	case "days":
		text := unsigned(strconv.FormatFloat(*v, 'f', 0, 64))
		if text == "1" {
			return "1 day"
		}
		return groupThousands(text) + " days"
	case "count":
		return groupThousands(unsigned(strconv.FormatFloat(*v, 'f', 0, 64)))
	case "money":
		// As the amount beside it, whose exact text is rounded the same way; the currency stands there.
		return Money("", strconv.FormatFloat(*v, 'f', 4, 64))
	default:
		return unsigned(strconv.FormatFloat(*v, 'f', 1, 64))
	}
}

const noValue = "–"

// statusText says in words why a number is missing, or not to be taken as it is.
func statusText(status string) string {
	switch status {
	case "no_denominator":
		return "nothing to measure"
	case "insufficient":
		return "too few cases"
	case "not_reached":
		return "not reached yet"
	case "no_target":
		return "no target"
	case "absent":
		return "not loaded"
	case "incomplete":
		return "incomplete"
	case "stale":
		return "feed too old"
	case "low_coverage":
		return "low coverage: records of unknown partners are missing"
	case "", "ok":
		return noValue
	default:
		return strings.ReplaceAll(status, "_", " ")
	}
}

// groupThousands puts commas into the integer part of a plain decimal text.
func groupThousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, hasFraction := strings.Cut(s, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if hasFraction {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return sign + b.String()
}

// Words turns a snake_case name into words: "commercial_silence" is "commercial silence".
func Words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// wholeScore renders a score of 0 to 100 without decimals, cut and not rounded: 39.7 is below a floor of 40 and reads so,
// and the reasons of the alerts tell it the same way.
func wholeScore(v *float64) string {
	if v == nil {
		return noValue
	}
	return strconv.FormatFloat(math.Floor(*v), 'f', 0, 64)
}

// title turns a snake_case name into words that begin with a capital.
func title(name string) string {
	words := Words(name)
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
