package ingest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

// arrange finds out how the records lie in the file, and goes to the first.
//
// An array is an array of records. An object is a line among others where another value follows it. One that stands
// alone, or is longer than a record may be, holds the records if it has a list of objects under a name that
// the mapping does not read; else it is a record.
func (j *jsonReader) arrange(path string) error {
	if path != "" {
		j.isNamed = true
		return j.enter(path)
	}
	if j.pos == j.end {
		return nil
	}
	if j.buf[j.pos] == '[' {
		j.skip(1)
		j.shape = jsonArray
		return nil
	}
	n, f, err := j.frame()
	if err != nil {
		return err
	}
	if f == framed {
		if err := j.load(n + 1); err != nil {
			return err
		}
		for !j.eof && skipSpace(j.buf[:j.end], j.pos+n) == j.end && j.end-j.pos <= 2*maxRecord {
			j.fill()
		}
		if skipSpace(j.buf[:j.end], j.pos+n) < j.end {
			return j.window.err
		}
	} else if line := bytes.IndexByte(j.buf[j.pos:j.end], '\n'); f != openFrame && n < line {
		return nil // damage within a line: it is one among others
	}
	if j.buf[j.pos] != '{' {
		return nil
	}
	j.shape = jsonWhole
	if name := j.soleList(j.buf[j.pos:j.end]); name != "" {
		return j.enter(jsonpath.Literal(name).String())
	}
	if f != framed && bytes.IndexByte(j.buf[j.pos:j.end], '\n') >= 0 {
		j.shape = jsonLines // a line that was cut off or lost a bracket
	}
	return nil
}

// soleList returns the name of the first member of the object at the beginning of b whose value is a list of
// objects and that no path reads, "" where there is none.
func (j *jsonReader) soleList(b []byte) string {
	for at := 1; ; {
		at = skipSpace(b, at)
		if at < len(b) && b[at] == ',' {
			at = skipSpace(b, at+1)
		}
		if at == len(b) || b[at] != '"' {
			return ""
		}
		end, ok := textEnd(b, at+1)
		if !ok || end < 0 {
			return ""
		}
		name := b[at:end]
		if at = skipSpace(b, end); at == len(b) || b[at] != ':' {
			return ""
		}
		at = skipSpace(b, at+1)
		if isArrayOfObjects(b[at:]) && j.root.find(name) == nil {
			return jsonText(name)
		}
		n, f := frame(b[at:])
		if f != framed {
			return ""
		}
		at += n
	}
}

// enter goes to the first record of the array at path.
func (j *jsonReader) enter(path string) error {
	steps, err := jsonpath.Parse(path)
	if err != nil {
		return &FileError{Rule: RuleFormat, Message: "the place of its records cannot be found: " + err.Error(), NextStep: "correct read: {records: ...} in the mapping"}
	}
	j.shape = jsonArray
	for _, step := range steps {
		j.within = append(j.within, step.Name)
		if step.Kind != jsonpath.Member {
			return noRecords(path, "names members alone")
		}
		if err := j.enterMember(path, step.Name); err != nil {
			return err
		}
	}
	j.around = len(j.within)
	if j.pos == j.end || j.buf[j.pos] != '[' {
		return noRecords(path, "is no array")
	}
	j.skip(1)
	return nil
}

func (j *jsonReader) enterMember(path, wanted string) error {
	if j.pos == j.end || j.buf[j.pos] != '{' {
		return noRecords(path, "lies in no object")
	}
	j.skip(1)
	for {
		if err := j.space(); err != nil {
			return err
		}
		if j.pos == j.end {
			return cutOff()
		}
		switch j.buf[j.pos] {
		case '}':
			return noRecords(path, "is not in the file")
		case ',':
			j.skip(1)
		}
		name, err := j.memberName()
		if err == nil && name == wanted {
			return j.window.err
		}
		if err == nil {
			err = j.passMember(name)
		}
		if errors.Is(err, errOutOfStep) {
			return &FileError{Rule: RuleDamaged, Message: fmt.Sprintf("it is no JSON at byte %d, before its records", j.offset()), NextStep: "export or copy the file again"}
		}
		if err != nil {
			return err
		}
	}
}

func noRecords(path, what string) error {
	return &FileError{Rule: RuleFormat, Message: fmt.Sprintf("the place of its records, %s, %s", path, what),
		NextStep: "correct read: {records: ...} in the mapping: the path of the array, such as statements or data.items"}
}
