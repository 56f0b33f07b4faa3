package score

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// minReason is the contribution in log-odds, about 10 % in odds, from which a feature is worth telling.
const minReason = 0.1

// recencyReason compares the silence with the partner's own rhythm.
func recencyReason(r reading) string {
	days, gap := r.value(colDaysSinceEvent), r.value(colMedianGap)
	if math.IsNaN(days) {
		return "no deal yet"
	}
	since := fmt.Sprintf("no deal for %s", plural(days, "day"))
	if math.IsNaN(gap) {
		return since + "; too few deals to know how often it usually brings one"
	}
	return fmt.Sprintf("%s; this partner usually brings one every %s", since, number(math.Round(gap)))
}

// pastFromMonths is the tenure from which a trend over quarters has a past: 90 days to look at and 90 to compare with.
const pastFromMonths = 6

// trendReason tells a logarithm of a ratio to the partner's own past. Both sides of the ratio were raised by the same
// amount, so that small numbers do not jump: the change itself is larger, never smaller, than what is told.
func trendReason(what, period string) func(reading) string {
	return func(r reading) string {
		x := r.value(r.shown)
		if math.IsNaN(x) {
			return what + ": no history to compare with"
		}
		if x == 0 && period == "quarter" && r.value(colTenureMonths) < pastFromMonths && !(r.value(colReturned) > 0) {
			return what + ": too new to have a usual quarter"
		}
		change := ratio(math.Trunc, x)
		if change != levelWith {
			change = "at least " + change
		}
		text := fmt.Sprintf("%s: %s its usual %s", what, change, period)
		if math.IsNaN(r.reference) {
			return text
		}
		typical := ratio(math.Round, r.reference)
		if typical == levelWith {
			typical = "no change"
		}
		return fmt.Sprintf("%s; typical is %s", text, typical)
	}
}

// levelWith is the ratio of 1 in words.
const levelWith = "level with"

// ratio says how far a logarithm of a ratio is from 1, in whole numbers that round makes of it.
func ratio(round func(float64) float64, x float64) string {
	whole := func(v float64) float64 { return round(v + math.Copysign(1e-6, v)) } // 62 %, not 61.99999
	switch percent := whole(100 * math.Expm1(x)); {
	case percent <= -1:
		return number(-percent) + " % below"
	case percent >= 1000:
		return number(whole(math.Exp(x))) + " times"
	case percent >= 1:
		return number(percent) + " % above"
	}
	return levelWith
}

func pipelineReason(r reading) string {
	amount := func(x float64) string {
		return strings.TrimSpace(r.currency + " " + number(twoDigits(math.Expm1(x))))
	}
	x := r.value(r.shown)
	if math.IsNaN(x) {
		return "open pipeline is not known"
	}
	text := "open pipeline of " + amount(x)
	if math.Expm1(x) < 1 {
		text = "no open pipeline"
	}
	if math.IsNaN(r.reference) {
		return text
	}
	return fmt.Sprintf("%s; typical is %s", text, amount(r.reference))
}

// ageReason tells the mean age of open deals, which is 0 where there are none, and where all are of the day before.
func ageReason(r reading) string {
	if r.value(r.shown) == 0 && !(r.value(colPipeline) > 0) {
		return "no open deals"
	}
	return plainReason("open deals are on average %s days old")(r)
}

// yearOfSilence is the longest silence that the feature tells.
const yearOfSilence = 365

func activityReason(r reading) string {
	x := r.value(r.shown)
	if math.IsNaN(x) {
		return "no portal or training activity yet"
	}
	days := math.Round(math.Expm1(x))
	text := "no portal or training activity for " + plural(days, "day")
	if days >= yearOfSilence {
		text = "no portal or training activity for a year or longer"
	}
	if math.IsNaN(r.reference) {
		return text
	}
	return fmt.Sprintf("%s; typical is %s", text, plural(math.Round(math.Expm1(r.reference)), "day"))
}

// shareReason tells a share as a percentage; what holds one %s.
func shareReason(what string) func(reading) string {
	percent := func(x float64) string { return number(math.Round(100*x)) + " %" }
	return func(r reading) string {
		x := r.value(r.shown)
		if math.IsNaN(x) {
			return fmt.Sprintf(what, "an unknown share")
		}
		text := fmt.Sprintf(what, percent(x))
		if math.IsNaN(r.reference) {
			return text
		}
		return fmt.Sprintf("%s; typical is %s", text, percent(r.reference))
	}
}

// plainReason tells a number as it is; what holds one %s.
func plainReason(what string) func(reading) string {
	return func(r reading) string {
		x := r.value(r.shown)
		if math.IsNaN(x) {
			return fmt.Sprintf(what, "not known")
		}
		text := fmt.Sprintf(what, number(twoDigits(x)))
		if math.IsNaN(r.reference) {
			return text
		}
		return text + "; typical is " + number(twoDigits(r.reference))
	}
}

// satisfactionReason tells the latest answers, unless the flag says that there are none.
func satisfactionReason(r reading) string {
	if r.value("psat_missing") > 0 || math.IsNaN(r.value(r.shown)) {
		return "no answer to the satisfaction survey"
	}
	return shareReason("latest satisfaction answers average %s of the scale")(r)
}

func tenureReason(r reading) string {
	months := r.value(colTenureMonths)
	if math.IsNaN(months) {
		return "time since the first deal is not known"
	}
	if r.value(colReturned) > 0 { // tenure begins anew with every spell
		return "back in business for " + plural(math.Floor(months), "month")
	}
	return "doing business for " + plural(math.Floor(months), "month")
}

func returnedReason(r reading) string {
	if r.value(r.shown) > 0 {
		return "left once before and came back"
	}
	return "never left before"
}

// plural writes a whole number with its unit.
func plural(n float64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return number(n) + " " + unit + "s"
}

// twoDigits rounds to two significant digits below 100 and to whole numbers above.
func twoDigits(x float64) float64 {
	if math.Abs(x) >= 100 {
		x = math.Round(x)
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', max(2, intDigits(x)), 64), 64)
	if err != nil {
		return x
	}
	return r
}

// intDigits counts the digits before the decimal point.
func intDigits(x float64) int {
	return len(strconv.FormatFloat(math.Trunc(math.Abs(x)), 'f', 0, 64))
}

// number writes a number with thousands separated by commas and without trailing zeros.
func number(x float64) string {
	s := strconv.FormatFloat(math.Abs(x), 'f', -1, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if x < 0 {
		return "-" + whole
	}
	return whole
}
