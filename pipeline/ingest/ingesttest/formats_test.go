package ingesttest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/ingesttest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// hashes keeps the hashes of rows by record.
type hashes map[int64]uint64

func (h hashes) SetDialect(string) error                         { return nil }
func (h hashes) Unchanged(string, contract.KeyHash, uint64) bool { return false }
func (h hashes) Keep(string, contract.KeyHash)                   {}
func (h hashes) Reject(_ context.Context, r contract.Reject) error {
	return fmt.Errorf("refused: %s", r.Message)
}
func (h hashes) Write(_ context.Context, b *contract.Batch) error {
	for i, row := range b.Row {
		h[row] = b.RowHash[i]
	}
	return nil
}

// The deals are the same in every format, and of the size that is stated.
func TestDealsAreTheSameInEveryFormat(t *testing.T) {
	const n = 500
	m, err := preset.Parse("deals.yaml", []byte(ingesttest.DealsMapping))
	if err != nil {
		t.Fatal(err)
	}
	var want hashes
	for _, f := range []struct {
		name  string
		write func(io.Writer, int, uint64) error
		bytes int
	}{{"csv", ingesttest.WriteDeals, ingesttest.DealBytes}, {"json", ingesttest.WriteDealsJSON, ingesttest.DealJSONBytes}, {"xlsx", ingesttest.WriteDealsXLSX, ingesttest.DealXLSXBytes}} {
		var b bytes.Buffer
		if err := f.write(&b, n, 3); err != nil {
			t.Fatal(err)
		}
		if mean := b.Len() / n; mean < f.bytes*8/10 || mean > f.bytes*12/10 {
			t.Errorf("%s: %d bytes a record, stated are %d", f.name, mean, f.bytes)
		}
		got := hashes{}
		if _, err := ingest.File(t.Context(), &b, "deals", "", &m.Objects[0], ingest.Options{Source: "crm"}, got); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if len(got) != n {
			t.Errorf("%s: %d rows", f.name, len(got))
		}
		for row, hash := range want {
			if got[row] != hash {
				t.Errorf("%s: record %d is another one", f.name, row)
				break
			}
		}
	}
}
