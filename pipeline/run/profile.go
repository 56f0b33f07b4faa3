package run

import (
	"maps"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// shape is what the export of an object looked like, its parts taken together.
type shape struct {
	content  lake.InputKey
	columns  []string
	dialects []string
	records  int64
	// isRecords is set where columns are those that the records have, and none is promised by a header.
	isRecords bool
}

// shapeOf puts the files of one delivery together.
func shapeOf(parts []lake.InputRecord) *shape {
	if len(parts) == 0 {
		return nil
	}
	s := &shape{content: parts[0].Content()}
	for i := range parts {
		s.add(&parts[i])
	}
	return s
}

func (s *shape) add(in *lake.InputRecord) {
	s.columns = union(s.columns, in.Columns)
	s.dialects = union(s.dialects, []string{in.Dialect})
	s.records += in.Records
	s.isRecords = s.isRecords || in.Format == preset.FormatJSON
}

// union returns a and what of b it does not have.
func union(a, b []string) []string {
	return append(a[:len(a):len(a)], without(b, a)...)
}

// without returns what of a is not in b, in the order of a.
func without(a, b []string) []string {
	known := make(map[string]bool, len(b))
	for _, x := range b {
		known[x] = true
	}
	var out []string
	for _, x := range a {
		if !known[x] {
			known[x] = true
			out = append(out, x)
		}
	}
	return out
}

// inputRows are the rows of lake.input: what came in, table by table, and how it differs from the last good export
// of its object.
func inputRows(inputs []lake.InputRecord) []warehouse.Row {
	type object struct{ source, object string }
	// Of each object the export that is being told, and the good one before it.
	now, before := map[object]*shape{}, map[object]*shape{}
	var rows []warehouse.Row
	for i := range inputs {
		in := &inputs[i]
		at := object{in.Source, in.Object}
		last := now[at]
		switch {
		case in.Quarantined != "":
		case last != nil && in.Delivery != "" && last.content == in.Content():
			last, now[at] = before[at], last
			now[at].add(in)
		default:
			before[at], now[at] = last, shapeOf([]lake.InputRecord{*in})
		}
		row := fileRow(i+1, in, last)
		if len(in.Tables) == 0 {
			rows = append(rows, tableRow(row, nil))
		}
		for j := range in.Tables {
			rows = append(rows, tableRow(row, &in.Tables[j]))
		}
	}
	return rows
}

// fileRow is what lake.input says of the file; last is nil for the first of its object.
func fileRow(number int, in *lake.InputRecord, last *shape) warehouse.Row {
	row := warehouse.Row{
		"input_no": number, "source": in.Source, "object": in.Object, "file": in.Path, "sha256": in.SHA256,
		"mapping_version": in.MappingVersion, "received_at": timestamp(in.ReceivedAt), "run_id": in.RunID,
		"delivery": textOrNull(in.Delivery), "copies": linesOrNull(in.Copies), "format": textOrNull(in.Format), "dialect": textOrNull(in.Dialect),
		"columns": linesOrNull(in.Columns), "unmapped_columns": linesOrNull(in.Unmapped), "absent_columns": linesOrNull(in.Absent),
		"new_columns": nil, "missing_columns": nil, "records_before": nil,
		"records": in.Records, "values_dropped": in.Values, "quarantined": textOrNull(in.Quarantined), "notes": linesOrNull(in.Notes),
	}
	if last == nil {
		return row
	}
	row["records_before"] = last.records
	// A file whose header nobody could read has not lost its columns.
	if len(in.Columns) > 0 && len(last.columns) > 0 {
		row["new_columns"] = linesOrNull(without(in.Columns, last.columns))
		row["missing_columns"] = linesOrNull(without(last.columns, in.Columns))
	}
	return row
}

// tableRow is the row of one table that the file fed, or for nil of a file that fed none.
func tableRow(file warehouse.Row, t *lake.TableRecord) warehouse.Row {
	row := maps.Clone(file)
	if t == nil {
		for _, name := range []string{"table_name", "rows", "unchanged", "filtered", "rejected", "deleted", "held", "conflicting", "min_event_on", "max_event_on"} {
			row[name] = nil
		}
		return row
	}
	row["table_name"], row["rows"], row["unchanged"], row["filtered"], row["rejected"] = t.Table, t.Rows, t.Unchanged, t.Filtered, t.Rejected
	row["deleted"], row["held"], row["conflicting"] = t.Deleted, t.Held, t.Conflicting
	row["min_event_on"], row["max_event_on"] = dayOrNull(t.MinEvent), dayOrNull(t.MaxEvent)
	return row
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func linesOrNull(lines []string) any { return textOrNull(strings.Join(lines, "\n")) }
