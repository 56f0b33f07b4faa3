package transform

import "math"

// The refusals of durations.
var (
	ErrNotDuration = &Error{"not_a_duration", "is no ISO 8601 duration",
		"write it like PT1H30M or P2DT4H"}
	ErrVagueDuration = &Error{"vague_duration", "counts years or months, which are not always of one length",
		"write days, hours, minutes and seconds"}
)

// durationUnits are the designators in the order in which a duration may hold them, with their seconds; 0 is vague.
var durationUnits = [...]struct {
	sign    byte
	time    bool
	seconds int64
}{
	{'Y', false, 0}, {'M', false, 0}, {'W', false, 604_800}, {'D', false, 86_400},
	{'H', true, 3_600}, {'M', true, 60}, {'S', true, 1},
}

// Duration parses b, an ISO 8601 duration such as P1DT2H30M or PT8.62S, as whole seconds: a fraction of a second is
// cut off, because no more is kept of any duration. Only seconds may have a fraction.
func Duration(b []byte) (int64, error) {
	b = Trim(b)
	if len(b) < 3 || b[0] != 'P' {
		return 0, ErrNotDuration
	}
	b = b[1:]
	var total int64
	inTime, next, vague, any := false, 0, false, false
	for len(b) > 0 {
		if b[0] == 'T' {
			if inTime || len(b) == 1 {
				return 0, ErrNotDuration
			}
			inTime, b = true, b[1:]
			continue
		}
		n, fraction, rest := leadingNumber(b)
		if n < 0 || len(rest) == 0 {
			return 0, ErrNotDuration
		}
		unit := next
		for unit < len(durationUnits) && (durationUnits[unit].sign != rest[0] || durationUnits[unit].time != inTime) {
			unit++
		}
		if unit == len(durationUnits) || fraction && rest[0] != 'S' {
			return 0, ErrNotDuration
		}
		seconds := durationUnits[unit].seconds
		if vague = vague || seconds == 0 && n != 0; seconds > 0 && n > (math.MaxInt64-total)/seconds {
			return 0, ErrOverflow
		}
		total += n * seconds
		next, any, b = unit+1, true, rest[1:]
	}
	switch {
	case !any:
		return 0, ErrNotDuration
	case vague:
		return 0, ErrVagueDuration
	}
	return total, nil
}

// leadingNumber reads the digits at the beginning of b, and passes over a fraction. n is -1 where there are none, or
// more than fit.
func leadingNumber(b []byte) (n int64, fraction bool, rest []byte) {
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if n > (math.MaxInt64-9)/10 {
			return -1, false, nil
		}
		n = n*10 + int64(b[i]-'0')
	}
	if i == 0 {
		return -1, false, nil
	}
	if i < len(b) && (b[i] == '.' || b[i] == ',') {
		from := i + 1
		for i = from; i < len(b) && b[i]-'0' <= 9; i++ {
		}
		if i == from {
			return -1, false, nil
		}
		fraction = true
	}
	return n, fraction, b[i:]
}
