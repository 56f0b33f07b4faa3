package ingest

import (
	"bytes"
	"errors"
	"io"
)

// sampleSize is how much of a file decides on its delimiter.
const sampleSize = 64 << 10

// detectDelimiter returns the delimiter under which the header of a file has most of the columns that the mapping
// knows. Among equals it is the one under which most records of the sample have as many fields as the
// header, then the one that makes more fields, then the first of the list.
func detectDelimiter(sample []byte, quote byte, known []string) byte {
	best, bestScore := byte(','), [3]int{-1}
	for _, delim := range []byte{',', ';', '\t', '|'} {
		if score := scoreDelimiter(sample, quote, delim, known); less(bestScore, score) {
			best, bestScore = delim, score
		}
	}
	return best
}

// scoreDelimiter returns known columns, records with as many fields as the header, and fields of the header. A
// delimiter that never occurs makes every file consistent, so records only count where there are two fields.
func scoreDelimiter(sample []byte, quote, delim byte, known []string) [3]int {
	s := newScanner(bytes.NewReader(sample), quote, len(sample)+1)
	s.delim = delim
	rec, err := s.next()
	if err != nil || rec.fault != sound {
		return [3]int{}
	}
	h := newHeader(cells(rec))
	score := [3]int{2: len(h.names)}
	for _, name := range known {
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

func less(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// cells copies the fields of a record.
func cells(rec *record) []string {
	out := make([]string, len(rec.fields))
	for i := range out {
		out[i] = string(rec.field(i))
	}
	return out
}
