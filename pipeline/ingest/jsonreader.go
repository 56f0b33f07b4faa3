package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// jsonShape is how the records of a JSON file are arranged.
type jsonShape uint8

const (
	// jsonLines: a record a line.
	jsonLines jsonShape = iota
	// jsonArray: the elements of an array, which may lie within objects.
	jsonArray
	// jsonWhole: the file is one record.
	jsonWhole
)

// jsonReader cuts the text of a JSON file into records. Their fields are read by jsonFields, which the typers do at the
// same time.
//
// A damaged record is refused alone. In lines reading goes on with the next line. In an array the end of a record is
// known as long as its brackets and quotes fit; where they do not, reading goes on at the next record that begins
// like the ones before, and is whole. The array must be closed: a file that ends within it was cut off, and is refused.
type jsonReader struct {
	window
	// root is where the paths of the mapping lead.
	root  *jsonNode
	shape jsonShape
	// within are the names of the objects around the array, outermost first; around is how many are still open.
	within []string
	around int
	// isNamed is set where the mapping names the array.
	isNamed bool

	rec     record
	records int64
	line    int64
	cause   error // why the record is refused
	// isFirst is set where no comma comes before the next element; isLost where the next record must be searched for.
	isFirst, isLost bool
	// isOver is set behind the end of the array, or of the file.
	isOver bool
	// followed is the line in which something follows the end of the array that cannot, 0 where nothing does.
	followed int64
	// opening is how the records so far began: bracket, white space and the first name.
	opening []byte
	// beside are the members next to the array.
	beside []string
}

// newJSONReader returns a reader of decoded text, of whose records the mapping reads the paths called names. path is that
// of the array of records, "" to find it.
func newJSONReader(t io.Reader, names []string, path string) (*jsonReader, error) {
	j := &jsonReader{window: newWindow(t, startBuffer), root: &newJSONFields(names).root, line: 1, isFirst: true}
	j.skipBOM()
	if err := j.space(); err != nil {
		return nil, err
	}
	err := j.arrange(path)
	return j, err
}

func (j *jsonReader) count() int64 { return j.records }

func (j *jsonReader) describe(rec *record) complaint {
	switch {
	case rec.fault == tooLong:
		return complaint{"record_too_long", fmt.Sprintf("is longer than %d bytes", maxRecord), "leave long texts out of the export"}
	case errors.Is(j.cause, errTooDeep):
		return complaint{"too_deep", fmt.Sprintf("is nested more than %d deep", maxDepth), "export flatter records"}
	}
	return complaint{"invalid_json", "is out of step: brackets, quotes and commas do not fit", jsonNext}
}

var (
	errTooDeep   = errors.New("nested too deep")
	errOutOfStep = errors.New("brackets, quotes and commas do not fit")
	errFollowed  = errors.New("something follows the end of the array")
)

// next returns the next record.
func (j *jsonReader) next() (*record, error) {
	if j.isOver {
		return nil, io.EOF
	}
	switch j.shape {
	case jsonArray:
		return j.nextElement()
	case jsonWhole:
		return j.nextWhole()
	}
	return j.nextLine()
}

// take makes the next n bytes the record, of which the first size are its text. cause is why it is refused, nil where
// its fields will say.
func (j *jsonReader) take(n, size int, f fault, cause error) *record {
	rec := &j.rec
	j.records++
	rec.number, rec.line, rec.offset = j.records, j.line, j.offset()
	rec.raw, rec.fault = j.buf[j.pos:j.pos+size], f
	j.cause = cause
	j.skip(n)
	return rec
}

// skip passes over n bytes.
func (j *jsonReader) skip(n int) {
	j.line += int64(bytes.Count(j.buf[j.pos:j.pos+n], []byte{'\n'}))
	j.pos += n
}

// space passes over white space; j.pos == j.end afterwards only at the end of the text.
func (j *jsonReader) space() error {
	for {
		j.skip(skipSpace(j.buf[:j.end], j.pos) - j.pos)
		if j.pos < j.end {
			return nil
		}
		if j.eof {
			return j.window.err
		}
		j.fill()
	}
}

// frame finds the end of the value at pos, loading as much of it as a record may be long.
func (j *jsonReader) frame() (n int, f framing, err error) {
	for {
		n, f = frame(j.buf[j.pos:j.end])
		switch {
		case f != openFrame:
			return n, f, nil
		case j.eof:
			if n > 0 && !bytes.ContainsAny(j.buf[j.pos:j.pos+1], `{["`) {
				f = framed // a number or a word ends with the text
			}
			return n, f, j.window.err
		case j.end-j.pos > maxRecord:
			return n, f, nil
		}
		j.fill()
	}
}

func (j *jsonReader) nextLine() (*record, error) {
	if err := j.space(); err != nil {
		return nil, err
	}
	if j.pos == j.end {
		j.isOver = true
		return nil, io.EOF
	}
	for {
		n := bytes.IndexByte(j.buf[j.pos:j.end], '\n')
		switch {
		case n < 0 && j.end-j.pos > maxRecord:
			return j.longLine()
		case n < 0 && !j.eof:
			j.fill()
			continue
		case j.window.err != nil:
			return nil, j.window.err
		case n < 0:
			n = j.end - j.pos
		}
		if n > maxRecord {
			return j.take(n, maxRecord, tooLong, nil), nil
		}
		return j.take(n, beforeSpace(j.buf[j.pos:j.pos+n]), sound, nil), nil
	}
}

// longLine refuses a line that is longer than a record may be, and passes over the rest of it.
func (j *jsonReader) longLine() (*record, error) {
	rec := j.take(maxRecord, maxRecord, tooLong, nil)
	rec.raw = bytes.Clone(rec.raw)
	for {
		if n := bytes.IndexByte(j.buf[j.pos:j.end], '\n'); n >= 0 {
			j.skip(n)
			return rec, nil
		}
		j.skip(j.end - j.pos)
		if j.eof {
			return rec, j.window.err
		}
		j.fill()
	}
}

// nextWhole returns the file as one record.
func (j *jsonReader) nextWhole() (*record, error) {
	j.isOver = true
	if err := j.load(maxRecord + 1); err != nil {
		return nil, err
	}
	n := j.end - j.pos
	if n > maxRecord {
		return j.take(maxRecord, maxRecord, tooLong, nil), nil
	}
	if _, f := frame(j.buf[j.pos:j.end]); f == deepFrame {
		return j.take(n, n, damagedJSON, errTooDeep), nil
	}
	return j.take(n, len(bytes.TrimRight(j.buf[j.pos:j.end], " \t\r\n")), sound, nil), nil
}

// nextElement returns the next element of the array.
func (j *jsonReader) nextElement() (*record, error) {
	if err := j.space(); err != nil {
		return nil, err
	}
	switch {
	case j.pos == j.end && j.followed > 0:
		return nil, &FileError{Rule: RuleDamaged, Message: fmt.Sprintf("something follows the end of its array of records in line %d", j.followed),
			NextStep: "export the file again, or remove what stands behind the array"}
	case j.pos == j.end:
		return nil, cutOff()
	case j.isLost:
		return j.lost(errOutOfStep)
	case j.buf[j.pos] == ']':
		return j.closing()
	case !j.isFirst && j.buf[j.pos] != ',':
		return j.lost(errOutOfStep)
	case !j.isFirst:
		j.skip(1)
		if err := j.space(); err != nil {
			return nil, err
		}
		if j.pos == j.end {
			return nil, cutOff()
		}
		if j.buf[j.pos] == ']' {
			return j.lost(errOutOfStep)
		}
	}
	j.isFirst = false
	n, f, err := j.frame()
	if err != nil {
		return nil, err
	}
	switch {
	case f == framed && n > maxRecord:
		return j.take(n, maxRecord, tooLong, nil), nil
	case f == framed && j.buf[j.pos] != '{' && !j.isFollowed(n):
		return j.lost(errOutOfStep) // the name of a member, say, whose record lost its bracket
	case f == framed:
		j.followed = 0 // what seemed to be the end of the array was none
		j.learn(j.buf[j.pos : j.pos+n])
		return j.take(n, n, sound, nil), nil
	case f == deepFrame:
		return j.lost(errTooDeep)
	}
	return j.lost(errOutOfStep)
}

// isFollowed reports whether what stands behind the next n bytes may follow an element, as far as it is in memory.
func (j *jsonReader) isFollowed(n int) bool {
	at := skipSpace(j.buf[:j.end], j.pos+n)
	return at == j.end || j.buf[at] == ',' || j.buf[at] == ']'
}

// cutOff refuses a file that ends within its array.
func cutOff() error {
	return &FileError{Rule: RuleDamaged, Message: "it ends before its array of records does: it was cut off", NextStep: "export or copy the file again"}
}

// learn remembers how a record begins.
func (j *jsonReader) learn(value []byte) {
	if opening := jsonOpening(value); opening != nil && !bytes.Equal(opening, j.opening) {
		j.opening = append(j.opening[:0], opening...)
	}
}

// jsonOpening returns the beginning of an object up to the end of its first name, nil where there is none.
func jsonOpening(value []byte) []byte {
	if len(value) == 0 || value[0] != '{' {
		return nil
	}
	at := skipSpace(value, 1)
	if at == len(value) || value[at] != '"' {
		return nil
	}
	end, ok := textEnd(value, at+1)
	if !ok || end < 0 {
		return nil
	}
	return value[:end]
}

// closing reads what follows the end of the array. Where that cannot be, the end is none, and what stands there is
// refused as a record.
func (j *jsonReader) closing() (*record, error) {
	if err := j.load(maxRecord); err != nil {
		return nil, err
	}
	begin, line := j.offset(), j.line
	j.skip(1)
	err := j.leave()
	var refused *FileError
	if errors.As(err, &refused) || j.window.err != nil {
		return nil, errors.Join(err, j.window.err)
	}
	if err != nil {
		if errors.Is(err, errFollowed) {
			j.followed = j.line
		}
		if begin >= j.base { // else so much followed that it is not in memory any more
			j.pos, j.line = int(begin-j.base), line
		}
		return j.lost(errOutOfStep)
	}
	j.isOver = true
	return nil, io.EOF
}

// lost refuses what stands at pos, up to the next record that is whole and begins like those before it.
func (j *jsonReader) lost(cause error) (*record, error) {
	if err := j.load(maxRecord + 1); err != nil {
		return nil, err
	}
	b := j.buf[j.pos:min(j.end, j.pos+maxRecord)]
	j.isLost = false
	if at := j.search(b); at > 0 {
		text := bytes.TrimRight(b[:at], ", \t\r\n")
		j.isFirst = true
		return j.take(at, max(1, len(text)), damagedJSON, cause), nil
	}
	if j.pos+len(b) < j.end || !j.eof {
		j.isLost = true
		return j.take(len(b), len(b), damagedJSON, cause), nil
	}
	// This is the rest of the file. Where it ends as the file should, the array is taken to be closed.
	last := byte(']')
	if len(j.within) > 0 {
		last = '}'
	}
	text := bytes.TrimRight(b, " \t\r\n")
	j.isOver = len(text) > 0 && text[len(text)-1] == last
	return j.take(len(b), max(1, len(text)), damagedJSON, cause), nil
}

// searchCost bounds how many bytes are looked at to find the next record, as a multiple of those that are in memory.
const searchCost = 16

// search returns where in b the next record begins: an object behind a comma that is whole and is followed by a comma
// or the end of the array. One that begins like the records before is preferred, since an object within a damaged
// record may look like one.
func (j *jsonReader) search(b []byte) int {
	budget, fallback := searchCost*len(b), 0
	for at := 1; budget > 0; {
		next := bytes.IndexByte(b[at:], '{')
		if next < 0 {
			break
		}
		at += next + 1
		begin := at - 1
		before := bytes.TrimRight(b[:begin], " \t\r\n")
		if len(before) == 0 || before[len(before)-1] != ',' {
			continue
		}
		opening := jsonOpening(b[begin:])
		if opening == nil {
			continue
		}
		isLike := bytes.Equal(opening, j.opening)
		if !isLike && fallback > 0 {
			continue
		}
		n, f := frame(b[begin:])
		budget -= n
		if f != framed {
			continue
		}
		if end := skipSpace(b, begin+n); end == len(b) || b[end] != ',' && b[end] != ']' {
			continue
		}
		if isLike {
			return begin
		}
		fallback = begin
	}
	return fallback
}

// leave reads what follows the array up to the end of the file: further members and the ends of the objects around it.
func (j *jsonReader) leave() error {
	for open := j.around; open > 0; {
		if err := j.space(); err != nil {
			return err
		}
		if j.pos == j.end {
			return cutOff()
		}
		switch j.buf[j.pos] {
		case '}':
			open--
			j.skip(1)
		case ',':
			j.skip(1)
			name, err := j.memberName()
			if err != nil {
				return err
			}
			if err := j.passMember(name); err != nil {
				return err
			}
		default:
			return errFollowed
		}
	}
	if err := j.space(); err != nil {
		return err
	}
	if j.pos < j.end {
		return errFollowed
	}
	return nil
}

// memberName reads the name of a member and the colon behind it.
func (j *jsonReader) memberName() (string, error) {
	if err := j.space(); err != nil {
		return "", err
	}
	n, f, err := j.frame()
	if err != nil {
		return "", err
	}
	if f != framed || j.buf[j.pos] != '"' {
		return "", errOutOfStep
	}
	name := jsonText(j.buf[j.pos : j.pos+n])
	j.skip(n)
	if err := j.space(); err != nil {
		return "", err
	}
	if j.pos == j.end || j.buf[j.pos] != ':' {
		return "", errOutOfStep
	}
	j.skip(1)
	return name, j.space()
}

// passMember passes over the value of a member next to the records, which is told.
func (j *jsonReader) passMember(name string) error {
	n, f, err := j.frame()
	if err != nil {
		return err
	}
	if f != framed {
		return errOutOfStep
	}
	if !j.isNamed && isArrayOfObjects(j.buf[j.pos:j.pos+n]) {
		return &FileError{Rule: RuleFormat, Message: fmt.Sprintf("it holds several lists of records, one of them as %q", name),
			NextStep: "name the one that is meant in the mapping: read: {records: ...}"}
	}
	if !slices.Contains(j.beside, name) {
		j.beside = append(j.beside, name)
	}
	j.skip(n)
	return nil
}

func isArrayOfObjects(value []byte) bool {
	if len(value) == 0 || value[0] != '[' {
		return false
	}
	at := skipSpace(value, 1)
	return at < len(value) && value[at] == '{'
}
