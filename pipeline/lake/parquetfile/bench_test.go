package parquetfile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

type size int64

func (s *size) Write(p []byte) (int, error) {
	*s += size(len(p))
	return len(p), nil
}

// benchColumns are columns as a lake table of deals has them: a key, names that repeat, money, times, flags,
// and behind them lineage that is the same in all rows.
func benchColumns() []contract.Column {
	out := []contract.Column{
		{Name: "id", Type: contract.String},
		{Name: "partner", Type: contract.String, Nullable: true},
		{Name: "stage", Type: contract.String},
		{Name: "amount", Type: contract.Decimal, Nullable: true},
		{Name: "created_at", Type: contract.Timestamp},
		{Name: "close_on", Type: contract.Date, Nullable: true},
		{Name: "is_won", Type: contract.Bool},
		{Name: "probability", Type: contract.Float64, Nullable: true},
		{Name: "hash", Type: contract.Int64},
	}
	for i := range benchConstants {
		out = append(out, contract.Column{Name: fmt.Sprintf("lineage%d", i), Type: contract.String})
	}
	return out
}

const (
	benchConstants = 7
	benchLineage   = "crm/exports/deals.csv"
)

const benchRows = 200_000

func benchVectors(columns []contract.Column) []contract.Vector {
	r := rand.New(rand.NewPCG(1, 1))
	out := draw(r, columns, benchRows)
	stages := []string{"Prospecting", "Qualification", "Proposal", "Closed Won", "Closed Lost"}
	partner, stage := contract.NewVector(contract.String, benchRows), contract.NewVector(contract.String, benchRows)
	for i := range benchRows {
		if i%5 == 0 {
			partner.AppendNull()
		} else {
			partner.AppendBytes([]byte("crm:account:" + string(rune('A'+r.IntN(26))) + string(rune('A'+r.IntN(26)))))
		}
		stage.AppendBytes([]byte(stages[r.IntN(len(stages))]))
		out[8].Ints[i] = int64(r.Uint64())
	}
	out[1], out[2] = partner, stage
	for i := len(out) - benchConstants; i < len(out); i++ {
		out[i] = contract.NewVector(contract.String, benchRows)
		for range benchRows {
			out[i].AppendBytes([]byte(benchLineage))
		}
	}
	return out
}

func BenchmarkAppend(b *testing.B) {
	columns := benchColumns()
	rows := benchVectors(columns)
	vectors := pointers(rows)
	var out size
	b.ReportAllocs()
	for b.Loop() {
		out = 0
		w := NewWriter(&out, "deals", columns)
		for i := len(columns) - benchConstants; i < len(columns); i++ {
			w.SetText(i, benchLineage)
		}
		if err := w.Append(benchRows, vectors); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, int64(out))
}

// BenchmarkAppendByParquetGo writes the same rows with the column writers of parquet-go, the rival that this
// package stands in for.
func BenchmarkAppendByParquetGo(b *testing.B) {
	columns := benchColumns()
	rows := benchVectors(columns)
	group := parquet.Group{}
	for _, c := range columns {
		group[c.Name] = benchNode(c)
	}
	schema := parquet.NewSchema("deals", group)
	var out size
	b.ReportAllocs()
	for b.Loop() {
		out = 0
		w := parquet.NewGenericWriter[any](&out, schema, parquet.DataPageVersion(1), parquet.DataPageStatistics(false),
			parquet.PageBufferSize(1<<20), parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}))
		writers := w.ColumnWriters()
		values := make([]parquet.Value, 0, 4096)
		for from := 0; from < benchRows; from += 4096 {
			to := min(benchRows, from+4096)
			for c := range columns {
				leaf, _ := schema.Lookup(columns[c].Name)
				values = benchValues(values[:0], &columns[c], &rows[c], leaf.ColumnIndex, from, to)
				if _, err := writers[leaf.ColumnIndex].WriteRowValues(values); err != nil {
					b.Fatal(err)
				}
			}
			if to%groupRows == 0 {
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, int64(out))
}

func report(b *testing.B, bytes int64) {
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	b.ReportMetric(float64(bytes)/benchRows, "B/row")
}

func benchNode(c contract.Column) parquet.Node {
	var n parquet.Node
	switch c.Type {
	case contract.Bool:
		n = parquet.Leaf(parquet.BooleanType)
	case contract.Float64:
		n = parquet.Leaf(parquet.DoubleType)
	case contract.Decimal:
		n = parquet.Decimal(contract.DecimalScale, decimalPrecision, parquet.Int64Type)
	case contract.Date:
		n = parquet.Date()
	case contract.Timestamp:
		n = parquet.TimestampAdjusted(parquet.Microsecond, false)
	case contract.Int64:
		n = parquet.Leaf(parquet.Int64Type)
	default:
		n = parquet.String()
		if c.Name != "id" {
			n = parquet.Encoded(n, &parquet.RLEDictionary)
		}
	}
	if c.Nullable {
		n = parquet.Optional(n)
	}
	return n
}

func benchValues(dst []parquet.Value, c *contract.Column, v *contract.Vector, column, from, to int) []parquet.Value {
	level := 0
	if c.Nullable {
		level = 1
	}
	for i := from; i < to; i++ {
		var x parquet.Value
		switch {
		case !v.Valid[i]:
			dst = append(dst, parquet.NullValue().Level(0, 0, column))
			continue
		case v.Offsets != nil:
			x = parquet.ByteArrayValue(v.Bytes(i))
		case c.Type == contract.Bool:
			x = parquet.BooleanValue(v.Bools[i])
		case c.Type == contract.Float64:
			x = parquet.DoubleValue(v.Floats[i])
		case c.Type == contract.Date:
			x = parquet.Int32Value(int32(v.Ints[i]))
		default:
			x = parquet.Int64Value(v.Ints[i])
		}
		dst = append(dst, x.Level(0, level, column))
	}
	return dst
}

// BenchmarkRead measures reading all columns of a file.
func BenchmarkRead(b *testing.B) {
	columns := benchColumns()
	f := openBytes(b, encodeAll(b, columns, benchVectors(columns)))
	v := vectorsOf(columns)
	for b.Loop() {
		for g := range f.Groups() {
			for i, c := range columns {
				if err := f.Read(g, c, &v[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
