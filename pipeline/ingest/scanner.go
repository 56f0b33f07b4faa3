package ingest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"unicode/utf8"
)

const (
	// A quote that does not close costs a search of up to maxRecord bytes. These searches may take searchBudget
	// bytes, and searchPerByte more for every byte of sound records, so that no file costs more than a multiple
	// of its length. When the budget is used up, a quote must close on its own line.
	searchBudget  = 64 << 20
	searchPerByte = 16
)

// scanner cuts decoded text into records as RFC 4180 defines them, with any delimiter and quote. LF, CRLF and a CR
// alone end a record outside of quotes; within quotes they are kept byte for byte. Blank lines are no records.
//
// A record whose quotes are broken is refused as its first line alone, and reading goes on with the next line, so
// that a lost quote costs one line and not the rest of the file. The first quote in an unquoted field behind it, if
// no sound record comes before, is refused as well: it is the end of the broken record.
type scanner struct {
	window
	delim      byte
	quote      byte
	quotes     bool // whether there is a quote sign
	width      int  // number of fields, 0 while not known
	limit      int  // size of the longest record
	line       int64
	records    int64
	budget     int64
	recovering bool
	skipping   bool // the rest of a line that is too long is still to be passed over
	rec        record
}

// newScanner returns a scanner of the decoded text of r whose buffer has the given size at first. The delimiter
// is to be set before the first record is read.
func newScanner(r io.Reader, quote byte, size int) *scanner {
	return &scanner{window: newWindow(r, size), quote: quote, quotes: quote != 0, line: 1, limit: maxRecord, budget: searchBudget}
}

// fill is that of the window, and sets the sentinels, which stop every search at the end of the data without a test
// of its own.
func (s *scanner) fill() {
	s.window.fill()
	s.buf[s.end], s.buf[s.end+1] = '\n', s.quote
}

// sample returns the first bytes of the text, up to n, without reading any of it.
func (s *scanner) sample(n int) []byte {
	if s.end == 0 && !s.eof {
		s.fill()
	}
	return s.buf[s.pos:min(s.end, s.pos+n)]
}

// skipBOM passes over a byte order mark.
func (s *scanner) skipBOM() {
	if bytes.HasPrefix(s.sample(len(bomUTF8)), []byte(bomUTF8)) {
		s.pos += len(bomUTF8)
	}
}

// next returns the next record, or io.EOF, or the error of the reader. The record may have a fault.
func (s *scanner) next() (*record, error) {
	if err := s.skipToRecord(); err != nil {
		return nil, err
	}
	rec := &s.rec
	rec.line = s.line
	for {
		end, next, f := s.cut()
		if f == needMore {
			s.fill()
			if s.err != nil {
				return nil, s.err
			}
			continue
		}
		s.records++
		rec.number, rec.offset = s.records, s.base+int64(s.pos)
		rec.fault = f
		if f == sound {
			s.finish(end, next)
			return rec, nil
		}
		s.recovering = true
		if err := s.dropLine(int64(end - s.pos)); err != nil {
			return nil, err
		}
		return rec, nil
	}
}

func (s *scanner) count() int64 { return s.records }

// begin implements table.
func (s *scanner) begin(width int) { s.width, s.records = width, 0 }

// pass implements table: it passes over lines, whatever quotes they hold.
func (s *scanner) pass(n int) (first string, err error) {
	for i := range n {
		if err := s.load(maxRecord); err != nil {
			return first, err
		}
		at := indexLineEnd(s.buf[s.pos:s.end])
		if at < 0 {
			at = s.end - s.pos
		}
		if i == 0 {
			first = head(s.buf[s.pos:s.pos+at], maxNote)
		}
		if s.pos += at; s.pos < s.end {
			s.pos = s.afterLineEnd(s.pos)
			s.line++
		}
	}
	return first, nil
}

// load is that of the window, with the sentinels that fill sets.
func (s *scanner) load(n int) error {
	for s.end-s.pos < n && !s.eof {
		s.fill()
	}
	return s.err
}

// skipToRecord passes over the rest of a line that was too long, and over blank lines.
func (s *scanner) skipToRecord() error {
	for {
		for s.pos >= s.end-1 && !s.eof {
			s.fill() // a CR may be half of a CRLF
		}
		if s.err != nil {
			return s.err
		}
		if s.pos >= s.end {
			return io.EOF
		}
		if s.skipping {
			at := indexLineEnd(s.buf[s.pos:s.end])
			if at < 0 {
				s.pos = s.end
				continue
			}
			s.pos += at
			s.skipping = false
			for s.pos == s.end-1 && !s.eof {
				s.fill()
			}
			s.pos = s.afterLineEnd(s.pos)
			s.line++
			continue
		}
		if c := s.buf[s.pos]; c != '\n' && c != '\r' {
			return nil
		}
		s.pos = s.afterLineEnd(s.pos)
		s.line++
	}
}

// afterLineEnd returns where the next line begins, given the LF, CRLF or CR at p.
func (s *scanner) afterLineEnd(p int) int {
	if s.buf[p] == '\r' && s.buf[p+1] == '\n' {
		p++
	}
	return min(p+1, s.end)
}

// needMore is what cut answers when the record may not be whole yet.
const needMore fault = 255

// cut finds the fields of the record at pos. It returns the end of the record and the beginning of the next, or a
// fault and the byte up to which it searched.
func (s *scanner) cut() (end, next int, f fault) {
	rec := &s.rec
	rec.fields, rec.unescaped, rec.quoted = rec.fields[:0], rec.unescaped[:0], false
	start, stop := s.pos, s.end
	// Faults must not depend on how much happens to be in the buffer: a search that passes limit has failed,
	// wherever the data ends.
	limit := start + s.limit
	// More data could change the outcome as long as there may be more and the limit is not in sight.
	partial := !s.eof && stop <= limit+2
	quoteLimit := limit
	if s.quotes && s.budget <= 0 {
		if at := indexLineEnd(s.buf[start:stop]); at >= 0 {
			quoteLimit = min(limit, start+at)
		}
	}
	buf := s.buf
	delim := swarByte(s.delim)
	for p := start; ; p++ {
		if s.quotes && buf[p] == s.quote && p < stop {
			var closed bool
			p, closed = s.quotedField(p, stop, quoteLimit)
			if p > quoteLimit || !closed && !partial {
				return min(p, quoteLimit), 0, openQuote
			}
			if p >= stop && partial {
				return p, p, needMore
			}
		} else {
			from := p
			for {
				w := binary.LittleEndian.Uint64(buf[p:])
				if m := swarFind(w, delim) | swarFind(w, swarLF) | swarFind(w, swarCR); m != 0 {
					p += bits.TrailingZeros64(m) >> 3
					break
				}
				p += 8
			}
			if p >= stop && partial {
				return p, p, needMore
			}
			rec.fields = append(rec.fields, span{int32(from - start), int32(p - start)})
		}
		if p > limit {
			return p, 0, tooLong
		}
		switch c := buf[p]; {
		case p < stop && c == s.delim:
		case p >= stop || c == '\n':
			return p, min(p+1, stop), sound
		case c == '\r':
			if p+1 >= stop && partial {
				return p, p, needMore
			}
			return p, s.afterLineEnd(p), sound
		default:
			return p, 0, strayQuote
		}
	}
}

// quotedField reads the field whose opening quote is at p and returns where it ended; closed is false where no quote
// ended it before stop or, as far as was looked, before limit.
func (s *scanner) quotedField(p, stop, limit int) (after int, closed bool) {
	rec, buf, start := &s.rec, s.buf, s.pos
	rec.quoted = true
	from := p + 1
	copied := -1 // beginning of the field in unescaped, once it holds a doubled quote
	quote := swarByte(s.quote)
	for p = from; ; from = p {
		for {
			if m := swarFind(binary.LittleEndian.Uint64(buf[p:]), quote); m != 0 {
				p += bits.TrailingZeros64(m) >> 3
				break
			}
			p += 8
		}
		if p >= stop || p > limit {
			return min(p, stop), false
		}
		if p+1 >= stop || buf[p+1] != s.quote {
			break
		}
		if copied < 0 {
			copied = len(rec.unescaped)
		}
		rec.unescaped = append(rec.unescaped, buf[from:p+1]...)
		p += 2
	}
	if copied < 0 {
		rec.fields = append(rec.fields, span{int32(from - start), int32(p - start)})
	} else {
		rec.unescaped = append(rec.unescaped, buf[from:p]...)
		rec.fields = append(rec.fields, span{^int32(copied), int32(len(rec.unescaped))})
	}
	return p + 1, true
}

// finish completes a record that was cut without a fault, and looks at its text.
func (s *scanner) finish(end, next int) {
	rec := &s.rec
	rec.raw = s.buf[s.pos:end]
	s.budget = min(s.budget+searchPerByte*int64(next-s.pos), searchBudget)
	s.pos = next
	s.line++
	if rec.quoted {
		s.line += lineEnds(rec.raw)
	}
	switch {
	case s.recovering && s.hasBareQuote():
		rec.fault = strayQuote
		s.recovering = false
	case bytes.IndexByte(rec.raw, 0) >= 0:
		rec.fault = nulByte
	case !utf8.Valid(rec.raw):
		rec.fault = badUTF8
	case s.width > 0 && len(rec.fields) != s.width:
		rec.fault = fieldCount
	default:
		s.recovering = false
	}
}

// hasBareQuote reports whether an unquoted field holds a quote.
func (s *scanner) hasBareQuote() bool {
	for i, f := range s.rec.fields {
		if f.from < 0 || f.from > 0 && s.rec.raw[f.from-1] == s.quote {
			continue
		}
		if bytes.IndexByte(s.rec.field(i), s.quote) >= 0 {
			return true
		}
	}
	return false
}

// dropLine takes the first line of a faulty record as the record. searched is how far it was looked at.
func (s *scanner) dropLine(searched int64) error {
	for {
		at := indexLineEnd(s.buf[s.pos:s.end])
		if at >= 0 && (s.pos+at+1 < s.end || s.eof) {
			s.rec.raw = s.buf[s.pos : s.pos+min(at, s.limit)]
			s.budget -= max(0, searched-int64(at))
			s.pos = s.afterLineEnd(s.pos + at)
			s.line++
			return nil
		}
		if s.eof {
			s.rec.raw = s.buf[s.pos:min(s.end, s.pos+s.limit)]
			s.pos = s.end
			s.line++
			return nil
		}
		if s.end-s.pos > s.limit {
			s.rec.raw = s.buf[s.pos : s.pos+s.limit]
			s.pos += s.limit
			s.skipping = true
			return nil
		}
		s.fill()
		if s.err != nil {
			return s.err
		}
	}
}

// indexLineEnd returns the position of the first LF or CR, or -1.
func indexLineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// lineEnds counts the line ends within a record.
func lineEnds(b []byte) int64 {
	n := bytes.Count(b, []byte{'\n'})
	if bytes.IndexByte(b, '\r') >= 0 {
		n += bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
	}
	return int64(n)
}

// Eight bytes are searched at once (Mycroft 1987): x - 0x01.. borrows into the high bit of a zero byte and, at
// most, of bytes above it, so the lowest bit that swarFind returns is right.
const (
	swarOnes = 0x0101010101010101
	swarHigh = 0x8080808080808080
	swarLF   = swarOnes * '\n'
	swarCR   = swarOnes * '\r'
)

func swarByte(c byte) uint64 { return swarOnes * uint64(c) }

func swarFind(w, pattern uint64) uint64 {
	x := w ^ pattern
	return (x - swarOnes) &^ x & swarHigh
}
