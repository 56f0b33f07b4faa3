package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/ingesttest"
)

// However many goroutines type, rows and rejects come in the order of the records, and what is counted does not depend
// on who was faster: the first hundred unmapped texts are those of the first records.
func TestOrderIsThatOfTheFile(t *testing.T) {
	const n = 12_000
	for name, write := range map[string]func(io.Writer, int, uint64) error{"csv": ingesttest.WriteDeals, "json": ingesttest.WriteDealsJSON} {
		var b bytes.Buffer
		if err := write(&b, n, 5); err != nil {
			t.Fatal(err)
		}
		records := strings.SplitAfter(b.String(), "\n")
		for i := range records {
			switch {
			case i%7 == 3:
				records[i] = strings.Replace(records[i], "@vendor.example", "\xff", 1)
			case i%5 == 2:
				records[i] = strings.ReplaceAll(records[i], " Business", fmt.Sprintf(" kind %d", i))
			}
		}
		obj := lenientDeals(t)
		var first *memory
		var firstResult ingest.Result
		for _, rows := range []int{0, 100, 5000} {
			sink := &memory{}
			result, err := ingest.File(t.Context(), strings.NewReader(strings.Join(records, "")), "in/test.csv", "abc", obj, ingest.Options{Source: "crm", BatchRows: rows}, sink)
			if err != nil {
				t.Fatal(err)
			}
			checkResult(t, result, sink)
			if first == nil {
				first, firstResult = sink, result
				if len(sink.rejects) < n/8 || len(sink.rows) < n/2 || result.Records != n {
					t.Errorf("%s: %d rows, %d rejects", name, len(sink.rows), len(sink.rejects))
				}
				continue
			}
			if diff := cmp.Diff(firstResult, result); diff != "" {
				t.Errorf("%s: results differ:\n%s", name, diff)
			}
			if !cmp.Equal(first.rows, sink.rows) || !cmp.Equal(first.rejects, sink.rejects) {
				t.Errorf("%s: rows or rejects differ with batches of %d rows", name, rows)
			}
		}
		for i := range first.rows[1:] {
			if first.rows[i].Number >= first.rows[i+1].Number {
				t.Fatalf("%s: row of record %d stands before that of %d", name, first.rows[i].Number, first.rows[i+1].Number)
			}
		}
		for i := range first.rejects[1:] {
			if first.rejects[i].Record > first.rejects[i+1].Record {
				t.Fatalf("%s: reject of record %d stands before that of %d", name, first.rejects[i].Record, first.rejects[i+1].Record)
			}
		}
	}
}
