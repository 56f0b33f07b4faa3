package transform

// fixedLayout reads a layout whose elements all stand at fixed places, as those of most exports do: it is the same as
// reading element by element, and several times as fast.
type fixedLayout struct {
	size     int
	literals []literalAt
	// Places of the numbers, -1 where the layout does not show one. The fraction has width digits.
	year, month, day, hour, minute, second, fraction int
	width                                            int
}

type literalAt struct {
	at int
	c  byte
}

// compileFixed returns nil where an element of the layout can be of different lengths, or is no number.
func (l *Layout) compileFixed() *fixedLayout {
	f := &fixedLayout{year: -1, month: -1, day: -1, hour: -1, minute: -1, second: -1, fraction: -1}
	for _, p := range l.parts {
		place := f.placeOf(p)
		switch {
		case p.kind == partLiteral:
			for i := range len(p.text) {
				f.literals = append(f.literals, literalAt{f.size + i, p.text[i]})
			}
			f.size += len(p.text)
		case p.kind == partFraction && p.width <= 6:
			f.literals = append(f.literals, literalAt{f.size, p.text[0]})
			f.fraction, f.width = f.size+1, p.width
			f.size += 1 + p.width
		case place == nil || p.width == 0:
			return nil
		default:
			*place = f.size
			f.size += p.width
		}
	}
	return f
}

func (f *fixedLayout) placeOf(p part) *int {
	switch p.kind {
	case partYear:
		return &f.year
	case partMonth:
		return &f.month
	case partDay:
		return &f.day
	case partHour:
		return &f.hour
	case partMinute:
		return &f.minute
	case partSecond:
		return &f.second
	}
	return nil
}

// read takes b apart; it answers false where b does not fit.
func (f *fixedLayout) read(b []byte, c *civil) bool {
	if len(b) != f.size {
		return false
	}
	for _, l := range f.literals {
		if b[l.at] != l.c {
			return false
		}
	}
	century, ok0 := twoDigits(b, f.year)
	year, ok1 := twoDigits(b, f.year+2)
	var ok2, ok3, ok4, ok5, ok6 bool
	c.year = century*100 + year
	c.month, ok2 = twoDigits(b, f.month)
	c.day, ok3 = twoDigits(b, f.day)
	c.hour, ok4 = twoDigits(b, f.hour)
	c.minute, ok5 = twoDigits(b, f.minute)
	c.second, ok6 = twoDigits(b, f.second)
	if !(ok0 && ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
		return false
	}
	if f.fraction < 0 {
		return true
	}
	for i := range 6 {
		c.micro *= 10
		if i < f.width {
			d := b[f.fraction+i] - '0'
			if d > 9 {
				return false
			}
			c.micro += int(d)
		}
	}
	return true
}

// twoDigits reads the number of two digits at a place; where the layout has none, it is 0.
func twoDigits(b []byte, at int) (int, bool) {
	if at < 0 {
		return 0, true
	}
	hi, lo := b[at]-'0', b[at+1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}
