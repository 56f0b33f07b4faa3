package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// whyNoJSON says what is wrong with a record that could not be proven. jsontext reads it once more, which knows where
// and what.
func whyNoJSON(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := d.ReadValue(); err != nil {
		return noEOF(err)
	}
	switch _, err := d.ReadToken(); {
	case err == nil:
		return errors.New("something follows the value")
	case errors.Is(err, io.EOF):
		return errNotProven
	default:
		return err
	}
}

// noEOF makes the end of the text within a value an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// errNotProven is for a record that jsontext takes and we do not. There is none that we know of.
var errNotProven = errors.New("it could not be proven")

// describeJSON says in words why a record is refused.
func describeJSON(err error) complaint {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		switch {
		case errors.Is(err, errZeroByte):
			return complaint{"nul_byte", "holds a zero byte", "remove it in the source"}
		case errors.Is(err, io.ErrUnexpectedEOF):
			return complaint{"invalid_json", "ends within a JSON value", jsonNext}
		}
		return complaint{"invalid_json", "is no JSON: " + err.Error(), jsonNext}
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return complaint{"duplicate_member", fmt.Sprintf("names the member %s twice", syntax.JSONPointer), "export each member once: which of the two is meant cannot be known"}
	case syntax.Err != nil && syntax.Err.Error() == "invalid UTF-8":
		return complaint{"invalid_text", "holds bytes that are no text in the encoding of the file",
			"export as UTF-8, or declare the encoding in the mapping, for example read: {encoding: utf-16le}"}
	}
	return complaint{"invalid_json", fmt.Sprintf("is no JSON from byte %d on: %v", syntax.ByteOffset, syntax.Err), jsonNext}
}

const jsonNext = "export the record again: it is no JSON as RFC 8259 defines it"
