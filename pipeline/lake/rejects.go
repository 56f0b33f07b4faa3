package lake

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// RejectColumns returns the columns of the reject files, in order: those of contract.Reject, then the run
// that refused the record and when its export was received.
func RejectColumns() []contract.Column {
	text := func(name, meaning string) contract.Column {
		return contract.Column{Name: name, Type: contract.String, Meaning: meaning}
	}
	number := func(name, meaning string) contract.Column {
		return contract.Column{Name: name, Type: contract.Int64, Meaning: meaning}
	}
	return []contract.Column{
		text("source", "configured name of the source instance"),
		text("object", "object of the source that the file holds"),
		text("table", "canonical table that the record was meant for; empty where it never came that far"),
		text("file", "path of the export inside its source"),
		text("sha256", "content hash of the export"),
		number("record", "record number, 1 for the first after the header, 0 for the file as a whole"),
		number("line", "line on which the record begins"),
		number("offset", "byte at which the record begins in the decoded text"),
		text("column", "column of the export; empty where the record as a whole is at fault"),
		text("rule", "rule that was broken"),
		text("message", "what is wrong"),
		text("next_step", "what a person can do about it"),
		text("value", "offending value"),
		text("raw", "text of the record; bytes that are not UTF-8 are shown as \\xNN"),
		{Name: "row_kept", Type: contract.Bool, Meaning: "true where only the value was dropped"},
		text("_run_id", "run that refused the record"),
		{Name: "_loaded_at", Type: contract.Timestamp, Meaning: "when the export was received"},
	}
}

// rejectBatch is how many refused records are handed to the file at a time.
const rejectBatch = 256

// appendReject adds one record to vectors in the order of RejectColumns.
func appendReject(v []contract.Vector, r *contract.Reject, runID string, loadedAt int64) {
	texts := [...]struct {
		column int
		text   string
	}{
		{0, r.Source}, {1, r.Object}, {2, r.Table}, {3, r.File}, {4, r.SHA256}, {8, r.Column}, {9, r.Rule},
		{10, r.Message}, {11, r.NextStep}, {12, r.Value}, {13, r.Raw}, {15, runID},
	}
	for _, t := range texts {
		v[t.column].AppendBytes([]byte(readable(t.text)))
	}
	v[5].AppendInt(r.Record)
	v[6].AppendInt(r.Line)
	v[7].AppendInt(r.Offset)
	v[14].AppendBool(r.RowKept)
	v[16].AppendInt(loadedAt)
}

// readable returns s with bytes that are not UTF-8 written as \xNN, since no reader would take the file with them.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		if c == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			fmt.Fprintf(&b, "\\x%02x", s[i])
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
