package lake

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// benchBatches returns batches as they come from an export of n records with about 1,000 partners and 5,000
// people, and the size that the export would have as CSV.
func benchBatches(table *contract.Table, n int) (batches []*contract.Batch, csv int) {
	const size = 4096
	r := rand.New(rand.NewPCG(1, 1))
	h := contract.NewRowHasher(table)
	var text []byte
	for from := 0; from < n; from += size {
		b := contract.NewBatch(table, size)
		for i := from; i < min(n, from+size); i++ {
			for c := range table.Columns {
				column, v := &table.Columns[c], &b.Columns[c]
				if column.Nullable && r.IntN(3) == 0 {
					v.AppendNull()
					csv++
					continue
				}
				switch column.Type {
				case contract.Bool:
					v.AppendBool(r.IntN(8) == 0)
					csv += len("false,")
				case contract.Float64:
					v.AppendFloat(float64(r.IntN(1000)) / 4)
					csv += len("123.25,")
				case contract.Date:
					v.AppendInt(19_000 + int64(i*1000/n))
					csv += len("2026-10-31,")
				case contract.Timestamp:
					v.AppendInt(1_600_000_000_000_000 + (int64(i)*31_536_000/int64(n)+int64(r.IntN(86400)))*1_000_000)
					csv += len("2026-10-31 12:00:00,")
				case contract.Decimal:
					v.AppendInt(int64(r.ExpFloat64()*2_000_000) * 100)
					csv += len("12345.67,")
				case contract.Int64:
					v.AppendInt(int64(r.IntN(100)))
					csv += len("12,")
				default:
					text = benchText(text[:0], table, column, r, i)
					v.AppendBytes(text)
					csv += len(text) + 1
				}
			}
			b.Extra.AppendNull()
			b.Row = append(b.Row, int64(i+1))
			b.Deleted = append(b.Deleted, false)
			j := b.Len() - 1
			b.KeyHash = append(b.KeyHash, h.Key(b, j))
			b.RowHash = append(b.RowHash, h.Row(b, j))
		}
		batches = append(batches, b)
	}
	return batches, csv
}

func benchText(dst []byte, table *contract.Table, c *contract.Column, r *rand.Rand, i int) []byte {
	switch {
	case len(c.Enum) > 0:
		return append(dst, c.Enum[r.IntN(len(c.Enum))]...)
	case c.Ref == "partner":
		return strconv.AppendInt(append(dst, "crm:account:001500000"...), int64(r.IntN(1000)), 36)
	case c.Ref == "person":
		return strconv.AppendInt(append(dst, "lms:contact:"...), int64(r.IntN(5000))*7919, 16)
	case table.IsKey(c.Name):
		return strconv.AppendInt(append(dst, "crm:object:00615"...), int64(i)*7919, 36)
	case c.Type == contract.JSON:
		return fmt.Appendf(dst, `{"page":"/p/%d","ms":%d}`, r.IntN(300), r.IntN(4000))
	default:
		return strconv.AppendInt(append(append(dst, c.Name...), ' '), int64(r.IntN(3000)), 10)
	}
}

// BenchmarkLoad measures a load from typed batches to the commit, on one core, waiting for the disk included. MB/s is
// megabytes of the CSV that the records would come from.
func BenchmarkLoad(b *testing.B) {
	for _, c := range []struct {
		table string
		mode  contract.Mode
	}{{"engagement_event", contract.Append}, {"opportunity", contract.Snapshot}, {"ledger_entry", contract.Upsert}} {
		b.Run(c.table+"/"+string(c.mode), func(b *testing.B) {
			table, _ := contract.Lookup(c.table)
			const n = 500_000
			batches, csv := benchBatches(table, n)
			b.SetBytes(int64(csv))
			b.ReportAllocs()
			var size int64
			for i := 0; b.Loop(); i++ {
				dir := filepath.Join(b.TempDir(), strconv.Itoa(i))
				l, err := Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				loadBatches(b, l, c.mode, i, batches)
				size = last(b, l, c.table).File.Bytes
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			b.ReportMetric(float64(size)/n, "B/row")
		})
	}
}

// BenchmarkUnchanged measures the nightly export that repeats yesterday: nothing is written.
func BenchmarkUnchanged(b *testing.B) {
	table, _ := contract.Lookup("opportunity")
	const n = 500_000
	batches, csv := benchBatches(table, n)
	l := openLake(b, b.TempDir())
	loadBatches(b, l, contract.Snapshot, 0, batches)
	b.SetBytes(int64(csv))
	night := 0
	for b.Loop() {
		night++
		loadBatches(b, l, contract.Snapshot, night, batches)
	}
	if got := last(b, l, "opportunity"); got.Unchanged != n {
		b.Fatalf("%d records unchanged, want %d", got.Unchanged, n)
	}
}

func loadBatches(b *testing.B, l *Lake, mode contract.Mode, night int, batches []*contract.Batch) {
	b.Helper()
	table := batches[0].Table
	e := export{source: "crm", object: "o", path: "o.csv", content: strconv.Itoa(night), hour: night, modes: map[string]contract.Mode{table.Name: mode}}
	ld, err := l.Begin(e.input())
	if err != nil {
		b.Fatal(err)
	}
	count := TableCount{Table: table.Name}
	for _, batch := range batches {
		changed := 0
		for i, key := range batch.KeyHash {
			if ld.Unchanged(table.Name, key, batch.RowHash[i]) {
				count.Unchanged++
			} else {
				changed++
			}
		}
		if changed == 0 {
			continue
		}
		count.Rows += int64(changed)
		if err := ld.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := ld.Commit(b.Context(), Outcome{Counts: []TableCount{count}}); err != nil {
		b.Fatal(err)
	}
}

const benchKeys = 5_000_000

// BenchmarkIndexPut measures 5 million keys going into an empty index.
func BenchmarkIndexPut(b *testing.B) {
	size := 0
	for b.Loop() {
		size = bigIndex(benchKeys).bytes()
	}
	b.ReportMetric(benchKeys*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
	b.ReportMetric(float64(size)/benchKeys, "B/key")
}

// BenchmarkIndexLookup measures finding keys of an index of 5 million unchanged, in the order in which they came.
func BenchmarkIndexLookup(b *testing.B) {
	for _, order := range []string{"same order", "random order"} {
		b.Run(order, func(b *testing.B) {
			x := bigIndex(benchKeys)
			r := rand.New(rand.NewPCG(2, 2))
			a := x.arrive(2, "deals", true)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if i++; order == "random order" {
					i = r.IntN(benchKeys)
				}
				block, j := x.at(i % benchKeys)
				if !a.put(block.key[j], 7) {
					b.Fatal("a known version counts as changed")
				}
			}
		})
	}
}

// BenchmarkIndexFile measures saving and reading an index of 5 million keys.
func BenchmarkIndexFile(b *testing.B) {
	x := bigIndex(benchKeys)
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			var out bytes.Buffer
			if err := x.save(&out, digest{}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(out.Len()))
		}
	})
	b.Run("load", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "x.idx")
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := x.save(f, digest{}); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(benchKeys * indexEntry)
		for b.Loop() {
			if _, _, err := loadIndex(path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkIndexRebuild measures building an index from the lake's files.
func BenchmarkIndexRebuild(b *testing.B) {
	table, _ := contract.Lookup("opportunity")
	const n = 500_000
	batches, _ := benchBatches(table, n)
	l := openLake(b, b.TempDir())
	loadBatches(b, l, contract.Upsert, 0, batches)
	for b.Loop() {
		clear(l.histories)
		if _, err := l.history(historyKey{source: "crm", table: "opportunity"}, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
}
