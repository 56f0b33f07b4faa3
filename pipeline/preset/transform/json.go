package transform

import (
	"bytes"
	"encoding/json"
)

// ErrNotJSON refuses what is not one JSON value.
var ErrNotJSON = &Error{"not_json", "is not JSON",
	"export the column as one JSON value, or leave it unmapped: it is then kept as text"}

// AppendJSON appends b without the white space between its tokens. Numbers and the order of keys stay as written.
func AppendJSON(dst, b []byte) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	if err := json.Compact(buf, b); err != nil {
		return dst, ErrNotJSON
	}
	return buf.Bytes(), nil
}
