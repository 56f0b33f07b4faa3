package ingest_test

import (
	"bytes"
	"context"
	"io"
	"math"
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

// dealFile is a generated export of about PARTNERHEALTH_BENCH_MB megabytes, usual where that is not set.
func dealFile(tb testing.TB, usual, bytesEach int, write func(io.Writer, int, uint64) error) (data []byte, rows int) {
	tb.Helper()
	size := usual
	if text := os.Getenv("PARTNERHEALTH_BENCH_MB"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			tb.Fatal(err)
		}
	}
	if testing.Short() {
		size = 1
	}
	rows = size << 20 / bytesEach
	var b bytes.Buffer
	b.Grow((size + 1) << 20)
	if err := write(&b, rows, 1); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), rows
}

// BenchmarkFile reads and types a generated file of deals in each format, 15 columns of which 14 are mapped to 17. Run
// it with -cpu 1 for the speed of one core.
func BenchmarkFile(b *testing.B) {
	for _, f := range []struct {
		name             string
		usual, bytesEach int
		write            func(io.Writer, int, uint64) error
	}{
		{"csv", 16, ingesttest.DealBytes, ingesttest.WriteDeals},
		{"json", 16, ingesttest.DealJSONBytes, ingesttest.WriteDealsJSON},
		{"xlsx", 1, ingesttest.DealXLSXBytes, ingesttest.WriteDealsXLSX},
	} {
		b.Run(f.name, func(b *testing.B) {
			data, rows := dealFile(b, f.usual, f.bytesEach, f.write)
			obj := mapping(b, ingesttest.DealsMapping)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				sink := &null{}
				if _, err := ingest.File(context.Background(), bytes.NewReader(data), "deals", "", obj, ingest.Options{Source: "crm"}, sink); err != nil {
					b.Fatal(err)
				}
				if sink.rows != rows || sink.rejects != 0 {
					b.Fatalf("%d rows and %d rejects, want %d rows", sink.rows, sink.rejects, rows)
				}
			}
		})
	}
}

// Memory does not grow with the file, and reading and typing a field allocates nothing: a file of twice the size needs as
// many allocations but for a few.
func TestAllocationsDoNotGrowWithTheFile(t *testing.T) {
	if raced {
		t.Skip("the race detector slows typing down, so that the number of blocks that are made on demand differs from run to run")
	}
	obj := mapping(t, ingesttest.DealsMapping)
	for name, write := range map[string]func(io.Writer, int, uint64) error{"csv": ingesttest.WriteDeals, "json": ingesttest.WriteDealsJSON} {
		allocations := func(rows int) float64 {
			var data bytes.Buffer
			if err := write(&data, rows, 1); err != nil {
				t.Fatal(err)
			}
			fewest := math.Inf(1) // blocks are made on demand: another load of the machine, another number of them
			for range 5 {
				fewest = min(fewest, testing.AllocsPerRun(1, func() {
					if _, err := ingest.File(context.Background(), bytes.NewReader(data.Bytes()), "deals", "", obj, ingest.Options{Source: "crm", BatchRows: 256}, &null{}); err != nil {
						t.Error(err)
					}
				}))
			}
			return fewest
		}
		runtime.GC()
		once, twice := allocations(20_000), allocations(40_000)
		if twice > once+100 {
			t.Errorf("%s: %v allocations for 20,000 records and %v for 40,000", name, once, twice)
		}
	}
}
