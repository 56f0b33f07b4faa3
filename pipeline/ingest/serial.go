package ingest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// digitsOfSheet are those that a sheet shows of a number. It stores up to 17, by which the binary fraction is told:
// 4.35 is stored as 4.3499999999999996.
const digitsOfSheet = 15

// showNumber returns a stored number as text: as ISO date or time where its format says so, else as it is stored, but
// without the noise of its binary fraction.
func showNumber(text string, kind dateKind, is1904 bool) (string, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return text, fmt.Errorf("%q is no number", text)
	}
	if kind == noDate {
		if significant(text) > digitsOfSheet {
			if short := strconv.FormatFloat(x, 'f', -1, 64); significant(short) <= digitsOfSheet {
				return short, nil
			}
		}
		return text, nil
	}
	return showSerial(x, text, kind, is1904)
}

// significant counts the digits of a number from the first that is not zero to the last that is not.
func significant(text string) int {
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		text = text[:e]
	}
	text = strings.TrimLeft(text, "+-0.")
	if strings.ContainsRune(text, '.') {
		text = strings.TrimRight(text, "0")
	}
	return len(strings.ReplaceAll(strings.Trim(text, "0."), ".", ""))
}

// The days of a sheet are counted from the last day of 1899, or from the first of 1904.
var (
	epoch1900 = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	epoch1904 = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
)

const (
	// phantomDay is 29 February 1900, a day that never was and that sheets count.
	phantomDay = 60
	// maxSerial is the last day of the year 9999.
	maxSerial    = 2958466
	millisPerDay = 86_400_000
)

// showSerial returns a number of days as a date, a time of day, or both, to the millisecond.
func showSerial(x float64, text string, kind dateKind, is1904 bool) (string, error) {
	if x < 0 || x >= maxSerial {
		return text, fmt.Errorf("%q is no date", text)
	}
	millis := int64(math.Round(x * millisPerDay))
	days, rest := millis/millisPerDay, millis%millisPerDay
	clock := time.UnixMilli(rest).UTC().Format("15:04:05.999")
	if kind == timeOnly && days == 0 {
		return clock, nil
	}
	epoch := epoch1900
	switch {
	case is1904:
		epoch = epoch1904
	case days == 0:
		return text, fmt.Errorf("%q is 0 January 1900, a day that the calendar does not have", text)
	case days == phantomDay:
		return text, fmt.Errorf("%q is 29 February 1900, a day that the calendar does not have", text)
	case days > phantomDay:
		days--
	}
	day := epoch.AddDate(0, 0, int(days)).Format(time.DateOnly)
	if kind == dateOnly && rest == 0 {
		return day, nil
	}
	return day + " " + clock, nil
}
