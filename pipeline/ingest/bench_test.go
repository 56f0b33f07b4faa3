package ingest_test

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/ingesttest"
)

// null is a sink that takes everything and keeps nothing, so that reading and typing alone are measured.
type null struct{ rows, rejects int }

func (n *null) SetDialect(string) error                         { return nil }
func (n *null) Unchanged(string, contract.KeyHash, uint64) bool { return false }
func (n *null) Keep(string, contract.KeyHash)                   {}
func (n *null) Reject(context.Context, contract.Reject) error   { n.rejects++; return nil }
func (n *null) Write(_ context.Context, b *contract.Batch) error {
	n.rows += b.Len()
	return nil
}

// dealFile is a generated export of about PARTNERHEALTH_BENCH_MB megabytes, 16 where that is not set.
func dealFile(tb testing.TB) (data []byte, rows int) {
	tb.Helper()
	size := 16
	if text := os.Getenv("PARTNERHEALTH_BENCH_MB"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			tb.Fatal(err)
		}
	}
	if testing.Short() {
		size = 1
	}
	rows = size << 20 / ingesttest.DealBytes
	var b bytes.Buffer
	b.Grow((size + 1) << 20)
	if err := ingesttest.WriteDeals(&b, rows, 1); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), rows
}

// BenchmarkFile reads and types a generated file of deals, 15 columns of which 14 are mapped to 17. Run it with
// -cpu 1 for the speed of one core.
func BenchmarkFile(b *testing.B) {
	data, rows := dealFile(b)
	obj := mapping(b, ingesttest.DealsMapping)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		sink := &null{}
		if _, err := ingest.File(context.Background(), bytes.NewReader(data), "deals.csv", "", obj, ingest.Options{Source: "crm"}, sink); err != nil {
			b.Fatal(err)
		}
		if sink.rows != rows || sink.rejects != 0 {
			b.Fatalf("%d rows and %d rejects, want %d rows", sink.rows, sink.rejects, rows)
		}
	}
}

// Memory does not grow with the file, and typing a field allocates nothing: a file of twice the size needs as many
// allocations but for a few.
func TestAllocationsDoNotGrowWithTheFile(t *testing.T) {
	obj := mapping(t, ingesttest.DealsMapping)
	allocations := func(rows int) float64 {
		var data bytes.Buffer
		if err := ingesttest.WriteDeals(&data, rows, 1); err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(3, func() {
			if _, err := ingest.File(context.Background(), bytes.NewReader(data.Bytes()), "deals.csv", "", obj, ingest.Options{Source: "crm", BatchRows: 256}, &null{}); err != nil {
				t.Error(err)
			}
		})
	}
	runtime.GC()
	once, twice := allocations(3_000), allocations(6_000)
	if twice > once+50 {
		t.Errorf("%v allocations for 3,000 records and %v for 6,000", once, twice)
	}
}
