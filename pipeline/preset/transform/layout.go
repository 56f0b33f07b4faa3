package transform

import (
	"fmt"
	"strings"
)

// Layout is a compiled form of how a source writes dates or times. It is written like the layouts of Go's time
// package, as the reference time Mon Jan 2 15:04:05 MST 2006 would look, and read strictly: nothing but what the
// layout shows is accepted. The names unix, unix_ms and unix_us stand for seconds, milliseconds and microseconds
// since 1970 UTC. A Layout is immutable and safe for concurrent use.
type Layout struct {
	text  string
	parts []part
	epoch int64 // microseconds in a unit of an epoch layout, 0 for others
	have  uint32
	fixed *fixedLayout
}

// String returns the layout as it was declared.
func (l *Layout) String() string { return l.text }

// HasZone reports whether values carry their zone, so that none needs to be declared.
func (l *Layout) HasZone() bool { return l.epoch != 0 || l.have&(1<<partOffset|1<<partOffsetZ) != 0 }

// HasTime reports whether values carry a time of day.
func (l *Layout) HasTime() bool { return l.epoch != 0 || l.have&(1<<partHour|1<<partHour12) != 0 }

// part is one element of a layout: a number, a name, or literal text.
type part struct {
	kind partKind
	// width is the exact number of digits of a number, 0 for one or two.
	width int
	text  string
}

type partKind uint8

const (
	partLiteral partKind = iota
	partYear
	partYear2
	partMonth
	partMonthName
	partMonthShort
	partDay
	partDayPadded
	partWeekday
	partWeekdayShort
	partHour
	partHour12
	partMinute
	partSecond
	partFraction    // exactly width digits
	partFractionAny // a sign and one to nine digits, or nothing
	partHalf        // AM or PM
	partOffset      // -07:00, -0700 or -07 by width 6, 5 or 3
	partOffsetZ     // the same, or Z
)

// layoutTokens are the elements that a layout may hold, longest first where one begins another.
var layoutTokens = []struct {
	text string
	part part
}{
	{"January", part{kind: partMonthName}}, {"Jan", part{kind: partMonthShort}},
	{"Monday", part{kind: partWeekday}}, {"Mon", part{kind: partWeekdayShort}},
	{"2006", part{kind: partYear, width: 4}},
	{"Z07:00", part{kind: partOffsetZ, width: 6}}, {"Z0700", part{kind: partOffsetZ, width: 5}}, {"Z07", part{kind: partOffsetZ, width: 3}},
	{"-07:00", part{kind: partOffset, width: 6}}, {"-0700", part{kind: partOffset, width: 5}}, {"-07", part{kind: partOffset, width: 3}},
	{"01", part{kind: partMonth, width: 2}}, {"02", part{kind: partDay, width: 2}}, {"03", part{kind: partHour12, width: 2}},
	{"04", part{kind: partMinute, width: 2}}, {"05", part{kind: partSecond, width: 2}}, {"06", part{kind: partYear2, width: 2}},
	{"15", part{kind: partHour, width: 2}}, {"_2", part{kind: partDayPadded}},
	{"PM", part{kind: partHalf}}, {"pm", part{kind: partHalf}},
	{"1", part{kind: partMonth}}, {"2", part{kind: partDay}}, {"3", part{kind: partHour12}},
}

// CompileLayout compiles a layout. The error says what is wrong with it and how layouts are written.
func CompileLayout(text string) (*Layout, error) {
	switch text {
	case "unix":
		return &Layout{text: text, epoch: 1_000_000}, nil
	case "unix_ms":
		return &Layout{text: text, epoch: 1_000}, nil
	case "unix_us":
		return &Layout{text: text, epoch: 1}, nil
	}
	l := &Layout{text: text}
	for rest := text; rest != ""; {
		p, n := nextPart(rest)
		if p.kind != partLiteral {
			if l.have&(1<<p.kind) != 0 {
				return nil, fmt.Errorf("layout %q names the same element twice", text)
			}
			l.have |= 1 << p.kind
			l.parts = append(l.parts, p)
		} else if last := len(l.parts) - 1; last >= 0 && l.parts[last].kind == partLiteral {
			l.parts[last].text += p.text
		} else {
			l.parts = append(l.parts, p)
		}
		rest = rest[n:]
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	l.fixed = l.compileFixed()
	return l, nil
}

// nextPart returns the element with which rest begins, and its length.
func nextPart(rest string) (part, int) {
	if rest[0] == '.' || rest[0] == ',' {
		n := 1
		for n < len(rest) && n <= 9 && rest[n] == rest[1] {
			n++
		}
		if n > 1 && (n == len(rest) || rest[n]-'0' > 9) {
			switch rest[1] {
			case '0':
				return part{kind: partFraction, width: n - 1, text: rest[:1]}, n
			case '9':
				return part{kind: partFractionAny, text: rest[:1]}, n
			}
		}
	}
	for _, t := range layoutTokens {
		if strings.HasPrefix(rest, t.text) {
			return t.part, len(t.text)
		}
	}
	return part{kind: partLiteral, text: rest[:1]}, 1
}

// check refuses layouts that would leave something to guess.
func (l *Layout) check() error {
	const how = "write it as 2 January 2006, 15:04:05 would look, for example 2006-01-02 or 02.01.2006 15:04"
	for _, p := range l.parts {
		if p.kind == partLiteral && strings.ContainsAny(p.text, "%0123456789") {
			return fmt.Errorf("layout %q holds %q, which means nothing in a layout: %s", l.text, p.text, how)
		}
		if p.kind == partLiteral && strings.Contains(p.text, "MST") {
			return fmt.Errorf("layout %q holds a zone abbreviation, which is ambiguous: use an offset such as Z07:00, or declare the time zone", l.text)
		}
	}
	has := func(kinds ...partKind) int {
		n := 0
		for _, k := range kinds {
			if l.have&(1<<k) != 0 {
				n++
			}
		}
		return n
	}
	switch {
	case has(partYear, partYear2) != 1 || has(partMonth, partMonthName, partMonthShort) != 1 || has(partDay, partDayPadded) != 1:
		return fmt.Errorf("layout %q must show one year, one month and one day: %s", l.text, how)
	case has(partHour, partHour12) > 1 || has(partFraction, partFractionAny) > 1 || has(partOffset, partOffsetZ) > 1:
		return fmt.Errorf("layout %q names the same element twice", l.text)
	case has(partHour12) != has(partHalf):
		return fmt.Errorf("layout %q: a twelve-hour clock needs PM, and PM needs 03 or 3", l.text)
	case has(partMinute) > has(partHour, partHour12) || has(partSecond) > has(partMinute) ||
		has(partFraction, partFractionAny) > has(partSecond):
		return fmt.Errorf("layout %q leaves out a larger unit of the time of day", l.text)
	}
	return nil
}

// shape describes what values of the layout look like, without saying which number means what.
func (l *Layout) shape() string {
	if l.epoch != 0 {
		return "epoch"
	}
	var b strings.Builder
	for _, p := range l.parts {
		switch p.kind {
		case partLiteral:
			b.WriteString(p.text)
		case partMonth, partDay, partDayPadded, partYear2, partHour, partHour12, partMinute, partSecond:
			b.WriteByte('#')
		default:
			fmt.Fprintf(&b, "<%d>", p.kind)
		}
	}
	return b.String()
}

// order lists which number stands where.
func (l *Layout) order() string {
	kinds := make([]byte, 0, len(l.parts)+1)
	for _, p := range l.parts {
		k := p.kind
		if k == partDayPadded {
			k = partDay
		}
		kinds = append(kinds, byte(k))
	}
	return fmt.Sprint(kinds, l.epoch)
}

// Layouts are the layouts that a column may use; the first that fits a value reads it.
type Layouts []*Layout

// CompileLayouts compiles a list. Two layouts that could read the same text differently are refused, because
// which of day and month comes first would then be guessed value by value.
func CompileLayouts(texts []string) (Layouts, error) {
	ls := make(Layouts, 0, len(texts))
	for _, text := range texts {
		l, err := CompileLayout(text)
		if err != nil {
			return nil, err
		}
		for _, other := range ls {
			if l.shape() == other.shape() && l.order() != other.order() {
				return nil, fmt.Errorf("layouts %q and %q read the same text differently: declare the one that the source uses", other.text, l.text)
			}
		}
		ls = append(ls, l)
	}
	return ls, nil
}
