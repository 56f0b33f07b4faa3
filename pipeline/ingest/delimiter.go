package ingest

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// sampleSize is how much of a file decides on its delimiter.
const sampleSize = 64 << 10

// delimiters are those that are looked for, the likeliest first.
const delimiters = ",;\t|^`"

// detectDelimiter returns the delimiter under which the header of a file has most of the columns that the mapping
// knows. Among equals it is the one under which most records of the sample have as many fields as the
// header, then the one that makes more fields, then the first of the list.
func detectDelimiter(sample []byte, quote byte, want *opening) byte {
	best, bestScore := byte(','), [3]int{math.MinInt}
	for _, delim := range []byte(delimiters) {
		if score := scoreDelimiter(sample, quote, delim, want); less(bestScore, score) {
			best, bestScore = delim, score
		}
	}
	return best
}

// scoreDelimiter returns known columns, records with as many fields as the header, and fields of the header. A
// delimiter that never occurs makes every file consistent, so records only count where there are two fields.
func scoreDelimiter(sample []byte, quote, delim byte, want *opening) [3]int {
	s := newScanner(bytes.NewReader(sample), quote, len(sample)+1)
	s.delim = delim
	var h *header
	for i := range max(1, want.read.Header) {
		rec, err := s.next()
		if err != nil || rec.fault != sound {
			return [3]int{}
		}
		if i == min(want.read.HeaderIndex, want.read.Header) {
			h = newHeader(cells(rec))
		}
	}
	score := [3]int{2: len(h.names)}
	if want.read.Header == 0 {
		// The first record is none of names: it has as many fields as are declared, or not.
		score[0] = -max(len(h.names)-len(want.read.Columns), len(want.read.Columns)-len(h.names))
	}
	for _, name := range want.names {
		if h.find(name) >= 0 {
			score[0]++
		}
	}
	s.width = len(h.names)
	for s.width > 1 {
		rec, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if rec.fault == sound {
			score[1]++
		}
	}
	return score
}

// linesFrom returns text without its first n lines.
func linesFrom(text []byte, n int) []byte {
	for ; n > 0; n-- {
		at := bytes.IndexByte(text, '\n')
		if at < 0 {
			return nil
		}
		text = text[at+1:]
	}
	return text
}

func less(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
