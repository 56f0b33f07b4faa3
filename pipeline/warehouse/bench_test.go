package warehouse

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
)

// The benchmarks move a feature table of 100,000 x 30 doubles and, in the same run, do the same by way of
// database/sql, as one would without chunks. They report how many times faster chunks are.
const (
	benchRows    = 100_000
	benchColumns = 30
)

var benchSelect = func() string {
	columns := make([]string, benchColumns)
	for i := range columns {
		columns[i] = fmt.Sprintf("CAST(hash(i * %d) AS DOUBLE) / 1e19 AS c%d", i+1, i)
	}
	return "SELECT " + strings.Join(columns, ", ") + fmt.Sprintf(" FROM range(%d) r(i)", benchRows)
}()

func BenchmarkQuery(b *testing.B) {
	db := openTest(b)
	if err := db.Exec(b.Context(), "CREATE TABLE t AS "+benchSelect); err != nil {
		b.Fatal(err)
	}
	rival, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer rival.Close()
	if _, err := rival.Exec("SET threads = 2; CREATE TABLE t AS " + benchSelect); err != nil {
		b.Fatal(err)
	}
	var chunks, rows time.Duration
	for b.Loop() {
		start := time.Now()
		r, err := db.Query(b.Context(), "SELECT * FROM t")
		if err != nil || r.NumRows() != benchRows {
			b.Fatal(err)
		}
		chunks += time.Since(start)

		b.StopTimer()
		start = time.Now()
		if n := scanAll(b, rival); n != benchRows {
			b.Fatalf("%d rows", n)
		}
		rows += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(rows.Seconds()/chunks.Seconds(), "x-database/sql")
}

// scanAll reads the table with database/sql into columns.
func scanAll(b *testing.B, rival *sql.DB) int {
	result, err := rival.Query("SELECT * FROM t")
	if err != nil {
		b.Fatal(err)
	}
	defer result.Close()
	columns := make([][]float64, benchColumns)
	row, targets := make([]float64, benchColumns), make([]any, benchColumns)
	for i := range row {
		targets[i] = &row[i]
	}
	for result.Next() {
		if err := result.Scan(targets...); err != nil {
			b.Fatal(err)
		}
		for i, v := range row {
			columns[i] = append(columns[i], v)
		}
	}
	if err := result.Err(); err != nil {
		b.Fatal(err)
	}
	return len(columns[0])
}

func BenchmarkInsert(b *testing.B) {
	db := openTest(b)
	record, err := db.Query(b.Context(), benchSelect)
	if err != nil {
		b.Fatal(err)
	}
	columns, err := columnsOf(record.Schema())
	if err != nil {
		b.Fatal(err)
	}
	var chunks, rows time.Duration
	n := 0
	for b.Loop() {
		n++
		name := Name{mainSchema, fmt.Sprintf("t%d", n)}
		start := time.Now()
		if err := db.createEmpty(b.Context(), name, columns); err != nil {
			b.Fatal(err)
		}
		if err := db.appendRecord(b.Context(), name, columns, record); err != nil {
			b.Fatal(err)
		}
		chunks += time.Since(start)

		b.StopTimer()
		rows += appendAll(b, record)
		b.StartTimer()
	}
	b.ReportMetric(rows.Seconds()/chunks.Seconds(), "x-database/sql")
}

// appendAll appends the record with the driver's row appender and returns how long that took.
func appendAll(b *testing.B, record arrow.RecordBatch) time.Duration {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer connector.Close()
	conn, err := connector.Connect(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	create := "CREATE TABLE t AS " + strings.Replace(benchSelect, fmt.Sprintf("range(%d)", benchRows), "range(0)", 1)
	if _, err := conn.(driver.ExecerContext).ExecContext(b.Context(), create, nil); err != nil {
		b.Fatal(err)
	}
	appender, err := duckdb.NewAppenderFromConn(conn, "", "t")
	if err != nil {
		b.Fatal(err)
	}
	row := make([]driver.Value, benchColumns)
	for i := range int(record.NumRows()) {
		for c := range row {
			row[c] = record.Column(c).(*array.Float64).Value(i)
		}
		if err := appender.AppendRow(row...); err != nil {
			b.Fatal(err)
		}
	}
	if err := appender.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkLogicalHash hashes a table of texts and numbers.
func BenchmarkLogicalHash(b *testing.B) {
	db := openTest(b)
	err := db.Exec(b.Context(), fmt.Sprintf("CREATE TABLE t AS SELECT CAST(hash(i) AS VARCHAR) AS k, 'crm:deals:' || i AS ref, CAST(i AS DECIMAL(18,4)) AS amount, DATE '2026-01-01' AS d, i FROM range(%d) r(i)", benchRows))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := db.session.logicalHash(b.Context(), Name{mainSchema, "t"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
