package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// lines has everything that can be refused: a key, a required column, a nullable one, a list and a date.
const lines = `
objects:
	- object: lines
		files: ["*.csv"]
		mode: append
		read: {encoding: utf-8}
		tables:
			- table: opportunity_line
				columns:
					opportunity_id: {key: order, from: Order}
					line_no: {from: Line}
					product_code: {from: Product}
					quantity: {from: Quantity}
					source_modified_at: {from: Changed, transform: {ts: "2006-01-02 15:04Z07:00"}}
`

// The reject of every kind says exactly where and what.
func TestRejects(t *testing.T) {
	const header = "Order,Line,Product,Quantity,Changed\n" // 36 bytes
	const good = "1,1,A,2,2026-01-01 00:00Z\n"             // 26 bytes
	base := contract.Reject{Source: "crm", Object: "lines", File: "in/test.csv", SHA256: "abc", Record: 2, Line: 3, Offset: 62}
	for _, c := range []struct {
		name, record string
		want         contract.Reject
		rows         int
	}{
		{"null key", ",2,A,2,2026-01-01 00:00Z", contract.Reject{Table: "opportunity_line", Column: "Order", Rule: "missing_value",
			Message:  "Order is empty, but every row needs it: opportunity_id of opportunity_line",
			NextStep: "fill it in the source, or give the column a default in the mapping"}, 2},
		{"null in a required column", "1,2,,2,2026-01-01 00:00Z", contract.Reject{Table: "opportunity_line", Column: "Product", Rule: "missing_value",
			Message:  "Product is empty, but every row needs it: product_code of opportunity_line",
			NextStep: "fill it in the source, or give the column a default in the mapping"}, 2},
		{"value that is no number", "1,2,A,\"12,500 EUR\",2026-01-01 00:00Z", contract.Reject{Table: "opportunity_line", Column: "Quantity", Rule: "not_a_number",
			Message:  `Quantity "12,500 EUR" is not a number`,
			NextStep: "export the number alone, or declare its decimal and group signs in the mapping", Value: "12,500 EUR", RowKept: true}, 3},
		{"value that would be rounded", "1,2,A,1.00005,", contract.Reject{Table: "opportunity_line", Column: "Quantity", Rule: "rounding",
			Message:  `Quantity "1.00005" has more decimals than the 4 that are kept`,
			NextStep: "round it in the source, where the decision can be seen", Value: "1.00005", RowKept: true}, 3},
		{"day that never was", "1,2,A,,2026-02-29 00:00Z", contract.Reject{Table: "opportunity_line", Column: "Changed", Rule: "no_such_day",
			Message:  `Changed "2026-02-29 00:00Z" is a day that the calendar does not have`,
			NextStep: "correct it in the source", Value: "2026-02-29 00:00Z", RowKept: true}, 3},
		{"too few fields", "1,2,A", contract.Reject{Rule: "field_count", Message: "the record has 3 fields where the header has 5",
			NextStep: "quote the fields that hold the delimiter or a line break"}, 2},
		{"too many fields", "1,2,A,2,2026-01-01 00:00Z,", contract.Reject{Rule: "field_count", Message: "the record has 6 fields where the header has 5",
			NextStep: "quote the fields that hold the delimiter or a line break"}, 2},
		{"quote that does not close", "1,2,\"A,2,x", contract.Reject{Rule: "unterminated_quote", Message: "the record opens a quote in field 3 that does not close",
			NextStep: "close the quote, and double the quotes within quoted text"}, 2},
		{"text behind a quote", "1,2,\"A\"B,2,x", contract.Reject{Rule: "stray_quote",
			Message:  "the record has text behind a closing quote, or the rest of a record whose quotes are broken",
			NextStep: "double the quotes within quoted text"}, 2},
		{"zero byte", "1,2,A\x00,2,x", contract.Reject{Rule: "nul_byte", Message: "the record holds a zero byte",
			NextStep: "remove it in the source; text of two bytes a character is read as utf-16le or utf-16be"}, 2},
		{"bytes that are no text", "1,2,\xfc,2,x", contract.Reject{Rule: "invalid_text", Message: "the record holds bytes that are no text in the encoding of the file",
			NextStep: "export as UTF-8, or declare the encoding in the mapping, for example read: {encoding: windows-1252}"}, 2},
	} {
		text := header + good + c.record + "\n" + good
		result, sink := mustLoad(t, mapping(t, lines), text)
		want := c.want
		want.Source, want.Object, want.File, want.SHA256 = base.Source, base.Object, base.File, base.SHA256
		want.Record, want.Line, want.Offset, want.Raw = base.Record, base.Line, base.Offset, c.record
		if diff := cmp.Diff([]contract.Reject{want}, sink.rejects); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if len(sink.rows) != c.rows || result.Records != 3 {
			t.Errorf("%s: %d rows of %d records, want %d of 3", c.name, len(sink.rows), result.Records, c.rows)
		}
		if c.want.RowKept && sink.values("opportunity_line", "line_no")[1] != "2" {
			t.Errorf("%s: the row must go on without the value", c.name)
		}
	}
}

func TestRejectsBehindQuotedLineBreaks(t *testing.T) {
	_, sink := mustLoad(t, mapping(t, lines), "\xef\xbb\xbfOrder,Line,Product,Quantity,Changed\r\n\r\n1,1,\"A\r\nB\",x,\r\n\r\n1,\"2\r3\",C,y,\r\n")
	want := []string{"1 line 3 byte 42: Quantity not_a_number kept", "2 line 6 byte 59: Quantity not_a_number kept"}
	if diff := cmp.Diff(want, sink.refusals()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongRejectsAreCut(t *testing.T) {
	long := strings.Repeat("9", 70_000)
	_, sink := mustLoad(t, mapping(t, lines), "Order,Line,Product,Quantity,Changed\n1,1,A,"+long+",\n1,2,A,1,\n"+strings.Repeat("x", 1<<20)+",\n1,3,A,1,\n")
	if len(sink.rejects) != 2 || len(sink.rows) != 3 {
		t.Fatalf("%d rejects and %d rows", len(sink.rejects), len(sink.rows))
	}
	value, record := sink.rejects[0], sink.rejects[1]
	if value.Rule != "overflow" || len(value.Raw) != 64<<10 || len(value.Value) != 1<<10 || len(value.Message) > 200 {
		t.Errorf("long value: rule %s, %d bytes raw, %d of value, %d of message", value.Rule, len(value.Raw), len(value.Value), len(value.Message))
	}
	if record.Rule != "record_too_long" || len(record.Raw) != 64<<10 || record.Record != 3 || record.Line != 4 {
		t.Errorf("long record: rule %s, %d bytes raw, record %d, line %d", record.Rule, len(record.Raw), record.Record, record.Line)
	}
}

// A broken record is one reject and counts for every table of its object.
func TestABrokenRecordIsRefusedForEveryTable(t *testing.T) {
	obj := mapping(t, strings.ReplaceAll(lines, "		tables:\n", `		tables:
			- table: code_map
				where: [{from: Product, in: [A]}]
				columns: {source: {const: crm}, domain: {const: product}, raw_value: {from: Product}, canonical: {from: Line}}
`))
	result, sink := mustLoad(t, obj, "Order,Line,Product,Quantity,Changed\n1,1,A,x,\n1,2\n,3,A,1,\n,4,B,1,\n")
	want := []string{
		"1 line 2 byte 36: Quantity not_a_number kept", "2 line 3 byte 45:  field_count refused",
		"3 line 4 byte 49: Order missing_value refused", "4 line 5 byte 57: Order missing_value refused",
	}
	if diff := cmp.Diff(want, sink.refusals()); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	counts := map[string][4]int64{}
	for _, c := range result.Tables {
		counts[c.Table] = [4]int64{c.Rows, c.Unchanged, c.Filtered, c.Rejected}
	}
	if diff := cmp.Diff(map[string][4]int64{"code_map": {2, 0, 1, 1}, "opportunity_line": {1, 0, 0, 3}}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
