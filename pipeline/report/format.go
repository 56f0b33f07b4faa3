package report

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Money renders an exact decimal text with its currency, rounded half away from zero to whole units from
// 1,000 up and to cents below: "USD 612,345", "USD 84.50". An empty amount renders as an en dash.
func Money(currency, amount string) string {
	if amount == "" {
		return noValue
	}
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return currency + " " + amount
	}
	decimals := 2
	if new(big.Rat).Abs(r).Cmp(big.NewRat(1000, 1)) >= 0 {
		decimals = 0
	}
	text := groupThousands(r.FloatString(decimals))
	return strings.TrimSpace(currency + " " + text)
}

// CompactMoney renders an exact decimal text in the largest fitting unit: "USD 4.1 M", "USD 612 k".
func CompactMoney(currency, amount string) string {
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return noValue
	}
	abs := new(big.Rat).Abs(r)
	for _, unit := range []struct {
		size     int64
		decimals int
		name     string
	}{{1_000_000_000, 1, "B"}, {1_000_000, 1, "M"}, {1_000, 0, "k"}} {
		if size := big.NewRat(unit.size, 1); abs.Cmp(size) >= 0 {
			return fmt.Sprintf("%s %s %s", currency, new(big.Rat).Quo(r, size).FloatString(unit.decimals), unit.name)
		}
	}
	return currency + " " + r.FloatString(0)
}

// Percent renders a share as a percentage with no decimals from 10 % up and one below.
func Percent(share *float64) string {
	if share == nil {
		return noValue
	}
	p := *share * 100
	decimals := 1
	if math.Abs(p) >= 10 {
		decimals = 0
	}
	return strconv.FormatFloat(p, 'f', decimals, 64) + " %"
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

// Caution says in words what to bear in mind about a number that is shown, "" where nothing.
func (n Number) Caution() string {
	if n.Value == nil || n.Status != "low_coverage" {
		return ""
	}
	return statusText(n.Status)
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
		return strconv.FormatFloat(*v, 'f', 0, 64) + " days"
	case "count":
		return groupThousands(strconv.FormatFloat(*v, 'f', 0, 64))
	case "money":
		return groupThousands(strconv.FormatFloat(*v, 'f', 0, 64))
	default:
		return strconv.FormatFloat(*v, 'f', 1, 64)
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

// title turns a snake_case name into words that begin with a capital.
func title(name string) string {
	words := Words(name)
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
