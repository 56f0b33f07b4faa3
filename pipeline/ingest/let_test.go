package ingest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lets names the course by the file, the person by what a record has, and a share as a percentage.
const lets = `
objects:
	- object: report
		files: ["*.csv"]
		mode: upsert
		drop: [Full Name]
		let:
			course: {transform: [{from_filename: "^(te)st"}, upper]}
			account: {from: [Home, Account], transform: [{concat: "#"}]}
			person: {from: [Mail, "@account"]}
			share: {from: Share, transform: [{shift: 2}]}
			attempt: {from: ["@person", "@course", Try], transform: [{concat: "/"}]}
		tables:
			- table: learning_record
				where: [{from: "@person", not_in: [nobody]}]
				columns:
					learning_id: {key: attempt, from: "@attempt"}
					person_id: {key: person, from: "@person"}
					course_code: {from: "@course"}
					course_name: {from: "@course", transform: [lower]}
					status: {from: "@course", match: [{matches: TE, to: enrolled}], else: unknown}
					progress_pct: {from: [Percent, "@share"]}
`

func TestLets(t *testing.T) {
	result, sink := mustLoad(t, mapping(t, lets), "Mail,Home,Account,Try,Share,Percent,Full Name,Remark\n"+
		"a@b.example,,,1,0.472,,Ada B,x\n"+
		",https://lms.example,u7,,,55,Uwe,\n"+
		"nobody,,,,,,,\n"+
		"c@d.example,,,2,half,,Cem,\n"+
		",,,3,0.5,,,\n")
	want := []map[string]string{
		{"learning_id": "crm:attempt:a@b.example/TE/1", "person_id": "crm:person:a@b.example", "course_code": "TE", "course_name": "te", "status": "enrolled", "status_raw": "TE", "progress_pct": "47.2"},
		{"learning_id": "crm:attempt:https://lms.example#u7/TE", "person_id": "crm:person:https://lms.example#u7", "course_code": "TE", "course_name": "te", "status": "enrolled", "status_raw": "TE", "progress_pct": "55"},
		{"learning_id": "crm:attempt:c@d.example/TE/2", "person_id": "crm:person:c@d.example", "course_code": "TE", "course_name": "te", "status": "enrolled", "status_raw": "TE"},
	}
	var got []map[string]string
	for _, r := range sink.rows {
		got = append(got, r.Values)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	// A text that shift cannot shift is refused by the column that reads it; a record without a person has no key part.
	if len(sink.rejects) != 2 || sink.rejects[0].Value != "half" || !sink.rejects[0].RowKept || sink.rejects[1].Rule != "missing_value" {
		t.Errorf("rejects %+v", sink.rejects)
	}
	if got := result.ExtraColumns; !cmp.Equal(got, []string{"Remark"}) {
		t.Errorf("columns beside the mapping %q: what is dropped is neither kept nor new", got)
	}
	if result.MissingColumns != nil {
		t.Errorf("missing columns %q", result.MissingColumns)
	}
}
