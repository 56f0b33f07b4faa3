package transform

import "errors"

// The refusals of dates and times.
var (
	ErrNotDate = &Error{"not_a_date", "does not look like any declared date layout",
		"declare the layout that the source uses, for example date: [02.01.2006]"}
	ErrNotTimestamp = &Error{"not_a_timestamp", "does not look like any declared time layout",
		"declare the layout that the source uses, for example ts: [\"2006-01-02 15:04:05\"]"}
	ErrNoSuchDay = &Error{"no_such_day", "is a day that the calendar does not have",
		"correct it in the source"}
	ErrNoSuchTime = &Error{"no_such_time", "is a time of day that the clock does not have",
		"correct it in the source"}
	ErrWeekday = &Error{"wrong_weekday", "names a weekday that the date does not fall on",
		"correct it in the source"}
	ErrFineTime = &Error{"rounding", "is finer than the microseconds that are kept",
		"round it in the source, where the decision can be seen"}
	ErrNoZone = &Error{"no_zone", "carries no zone and none is declared",
		"declare read: {timezone: ...} with the zone that the export is written in"}
	ErrFarTime = &Error{"no_such_year", "lies outside the years 1 to 9999",
		"check the unit of the declared layout: unix counts seconds, unix_ms milliseconds, unix_us microseconds"}
	ErrSkippedTime = &Error{"skipped_time", "is a local time that the change of clocks skipped",
		"check the declared time zone: this time never was on its clocks"}
)

const (
	secondsPerDay = 86_400
	microsPerDay  = secondsPerDay * 1_000_000
)

// The moments that a date of four digits can tell. What lies outside is a count in another unit, and would end as a month
// that no other part of the night can name.
var (
	firstMoment = daysFromCivil(1, 1, 1) * microsPerDay
	lastMoment  = daysFromCivil(9999, 12, 31)*microsPerDay + microsPerDay - 1
)

// civil is a calendar date and a time of day as written.
type civil struct {
	year, month, day     int
	hour, minute, second int
	micro                int
	offset               int // seconds east of UTC, where zoned
	zoned, pm, half      bool
	weekday              int // 0 is Sunday, -1 not written
}

// Date parses b as days since 1970-01-01. Where the layout shows a time of day, the date is the one written; where
// it shows an offset as well, or counts from an epoch, the moment is taken to the declared zone first.
func (ls Layouts) Date(b []byte, zone *Zone) (int64, error) {
	b = Trim(b)
	err := error(ErrNotDate)
	for _, l := range ls {
		micros, zoned, e := l.moment(b)
		if e != nil {
			err = stronger(err, e)
			continue
		}
		if zoned {
			if zone == nil {
				return 0, ErrNoZone
			}
			micros = zone.Local(micros)
		}
		if _, err := near(micros); err != nil {
			return 0, err
		}
		return floorDiv(micros, microsPerDay), nil
	}
	return 0, err
}

// Timestamp parses b as microseconds since 1970 UTC. A value without an offset is a local time of the declared
// zone, and refused where there is none.
func (ls Layouts) Timestamp(b []byte, zone *Zone) (int64, error) {
	b = Trim(b)
	err := error(ErrNotTimestamp)
	for _, l := range ls {
		micros, zoned, e := l.moment(b)
		if e != nil {
			err = stronger(err, e)
			continue
		}
		if !zoned {
			if zone == nil {
				return 0, ErrNoZone
			}
			if micros, e = zone.UTC(micros); e != nil {
				return 0, e
			}
		}
		return near(micros)
	}
	return 0, err
}

// near refuses moments that no date of four digits can tell.
func near(micros int64) (int64, error) {
	if micros < firstMoment || micros > lastMoment {
		return 0, ErrFarTime
	}
	return micros, nil
}

// errShape is what a layout answers that does not fit at all: another may.
var errShape = &Error{Rule: "shape", Message: "does not fit the layout"}

// stronger keeps the error of a layout that fitted but held an impossible value over one that did not fit.
func stronger(have, next error) error {
	if errors.Is(next, errShape) {
		return have
	}
	return next
}

// moment parses b: microseconds since 1970, in UTC where zoned, else as a clock on the wall would show.
func (l *Layout) moment(b []byte) (micros int64, zoned bool, err error) {
	if l.epoch != 0 {
		n, err := Numbers{}.Int(b)
		if err != nil {
			return 0, true, errShape
		}
		if micros = n * l.epoch; micros/l.epoch != n {
			return 0, true, ErrOverflow
		}
		return micros, true, nil
	}
	c := civil{weekday: -1}
	if l.fixed != nil {
		if !l.fixed.read(b, &c) {
			return 0, false, errShape
		}
		return c.moment()
	}
	for i := range l.parts {
		if b = c.read(&l.parts[i], b); b == nil {
			return 0, false, errShape
		}
	}
	if len(b) != 0 {
		return 0, false, errShape
	}
	return c.moment()
}

// moment checks the written date and time against calendar and clock.
func (c *civil) moment() (micros int64, zoned bool, err error) {
	if c.half {
		if c.hour < 1 || c.hour > 12 {
			return 0, false, ErrNoSuchTime
		}
		c.hour %= 12
		if c.pm {
			c.hour += 12
		}
	}
	switch {
	case c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > daysIn(c.year, c.month):
		return 0, false, ErrNoSuchDay
	case c.hour > 23 || c.minute > 59 || c.second > 59:
		return 0, false, ErrNoSuchTime
	case c.micro < 0:
		return 0, false, ErrFineTime
	}
	days := daysFromCivil(c.year, c.month, c.day)
	if c.weekday >= 0 && int(((days+4)%7+7)%7) != c.weekday {
		return 0, false, ErrWeekday
	}
	seconds := days*secondsPerDay + int64(c.hour*3600+c.minute*60+c.second)
	if c.zoned {
		seconds -= int64(c.offset)
	}
	return seconds*1_000_000 + int64(c.micro), c.zoned, nil
}

// read takes the text of one element from b and returns the rest, or nil where it does not fit.
func (c *civil) read(p *part, b []byte) []byte {
	switch p.kind {
	case partLiteral:
		if len(b) < len(p.text) || string(b[:len(p.text)]) != p.text {
			return nil
		}
		return b[len(p.text):]
	case partYear:
		return digits(b, p.width, &c.year)
	case partYear2:
		// The century of a two-digit year follows POSIX: 69 to 99 are the last century's.
		if b = digits(b, p.width, &c.year); c.year < 69 {
			c.year += 100
		}
		c.year += 1900
		return b
	case partMonth:
		return digits(b, p.width, &c.month)
	case partMonthName, partMonthShort:
		return name(b, monthNames[:], p.kind == partMonthShort, &c.month, 1)
	case partDay:
		return digits(b, p.width, &c.day)
	case partDayPadded:
		// The pad is gone where the day comes first, since blanks around a value are ignored.
		if len(b) > 0 && b[0] == ' ' {
			return digits(b[1:], 1, &c.day)
		}
		return digits(b, 0, &c.day)
	case partWeekday, partWeekdayShort:
		return name(b, dayNames[:], p.kind == partWeekdayShort, &c.weekday, 0)
	case partHour, partHour12:
		return digits(b, p.width, &c.hour)
	case partMinute:
		return digits(b, p.width, &c.minute)
	case partSecond:
		return digits(b, p.width, &c.second)
	case partFraction, partFractionAny:
		return c.fraction(p, b)
	case partHalf:
		return c.readHalf(b)
	default:
		return c.readOffset(p, b)
	}
}

// digits reads exactly width digits, or one or two where width is 0.
func digits(b []byte, width int, out *int) []byte {
	n := width
	if n == 0 {
		n = 1
		if len(b) > 1 && b[1]-'0' <= 9 {
			n = 2
		}
	}
	if len(b) < n {
		return nil
	}
	v := 0
	for _, d := range b[:n] {
		if d -= '0'; d > 9 {
			return nil
		}
		v = v*10 + int(d)
	}
	*out = v
	return b[n:]
}

var (
	monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september",
		"october", "november", "december"}
	dayNames = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// name reads one of names in any case, its first three letters where short.
func name(b []byte, names []string, short bool, out *int, first int) []byte {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if len(b) >= len(n) && is(b[:len(n)], n) {
			*out = i + first
			return b[len(n):]
		}
	}
	return nil
}

// fraction reads the sign and digits behind the seconds. Digits past the sixth must be zero: micro is then -1.
func (c *civil) fraction(p *part, b []byte) []byte {
	if len(b) == 0 || b[0] != p.text[0] {
		if p.kind == partFractionAny {
			return b
		}
		return nil
	}
	b = b[1:]
	n, fine := 0, false
	for ; n < len(b) && n < 9 && b[n]-'0' <= 9; n++ {
		if n < 6 {
			c.micro = c.micro*10 + int(b[n]-'0')
		} else if b[n] != '0' {
			fine = true
		}
	}
	if n == 0 || p.kind == partFraction && n != p.width {
		return nil
	}
	for i := n; i < 6; i++ {
		c.micro *= 10
	}
	if fine {
		c.micro = -1
	}
	return b[n:]
}

func (c *civil) readHalf(b []byte) []byte {
	if len(b) < 2 {
		return nil
	}
	c.half, c.pm = true, is(b[:2], "pm")
	if !c.pm && !is(b[:2], "am") {
		return nil
	}
	return b[2:]
}

// readOffset reads +hh:mm, +hhmm or +hh by the width of the layout, or Z where the layout allows it.
func (c *civil) readOffset(p *part, b []byte) []byte {
	c.zoned = true
	if p.kind == partOffsetZ && len(b) > 0 && b[0] == 'Z' {
		return b[1:]
	}
	if len(b) < p.width || b[0] != '+' && b[0] != '-' {
		return nil
	}
	hours, minutes := 0, 0
	tail := digits(b[1:], 2, &hours)
	if p.width == 6 && tail != nil {
		if len(tail) == 0 || tail[0] != ':' {
			return nil
		}
		tail = tail[1:]
	}
	if p.width > 3 && tail != nil {
		tail = digits(tail, 2, &minutes)
	}
	if tail == nil || hours > 18 || minutes > 59 {
		return nil
	}
	if c.offset = hours*3600 + minutes*60; b[0] == '-' {
		c.offset = -c.offset
	}
	return tail
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromCivil counts the days from 1970-01-01 in the proleptic Gregorian calendar (Hinnant, chrono-Compatible
// Low-Level Date Algorithms): years begin in March, so that the leap day comes last. The year is 1 or later.
func daysFromCivil(year, month, day int) int64 {
	y, m := uint(year), uint(month)
	if m <= 2 {
		y, m = y-1, m+12
	}
	return int64(365*y+y/4-y/100+y/400+(153*(m-3)+2)/5+uint(day)) - 719_469
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
