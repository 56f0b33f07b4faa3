package run_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/ingesttest"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/local"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// benchMegabytes is PARTNERHEALTH_BENCH_MB, or usual where that is not set.
func benchMegabytes(b *testing.B, usual int) int {
	b.Helper()
	text := os.Getenv("PARTNERHEALTH_BENCH_MB")
	if text == "" {
		return usual
	}
	megabytes, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return megabytes
}

// BenchmarkIngestBesideReadCSV loads one generated export of deals into Parquet twice in the same run: by our
// ingest into the lake (hash, scan, type, check, write, with lineage on every row), and by DuckDB's read_csv with
// the same types and zstd. Each is a process of its own, so that its peak memory can be read. Set
// PARTNERHEALTH_BENCH_MB for another size than 64 MB. Compare the ratios; seconds depend on the machine's mood.
func BenchmarkIngestBesideReadCSV(b *testing.B) {
	rows := benchMegabytes(b, 64) << 20 / ingesttest.DealBytes
	beside(b, "deals.csv", rows, ingesttest.WriteDeals, "read_csv")
}

// BenchmarkIngestBesideReadJSON is the same for lines of JSON and read_json.
func BenchmarkIngestBesideReadJSON(b *testing.B) {
	rows := benchMegabytes(b, 64) << 20 / ingesttest.DealJSONBytes
	beside(b, "deals.jsonl", rows, ingesttest.WriteDealsJSON, "read_json")
}

// BenchmarkIngestXLSX loads a generated workbook of 8 MB.
func BenchmarkIngestXLSX(b *testing.B) {
	rows := benchMegabytes(b, 8) << 20 / ingesttest.DealXLSXBytes
	beside(b, "deals.xlsx", rows, ingesttest.WriteDealsXLSX, "")
}

// beside measures our ingest, and a rival task where there is one, on the same file.
func beside(b *testing.B, name string, rows int, write func(io.Writer, int, uint64) error, rival string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	size, err := writeDeals(path, rows, write)
	if err != nil {
		b.Fatal(err)
	}
	mb := float64(size) / 1e6
	for b.Loop() {
		ours := measure(b, "ingest", path)
		b.ReportMetric(mb/ours.took.Seconds(), "ingest-MB/s")
		b.ReportMetric(ours.cpu.Seconds(), "ingest-cpu-s")
		b.ReportMetric(ours.peak/1e6, "ingest-peak-MB")
		if rival == "" {
			continue
		}
		theirs := measure(b, rival, path)
		b.ReportMetric(mb/theirs.took.Seconds(), rival+"-MB/s")
		b.ReportMetric(theirs.peak/1e6, rival+"-peak-MB")
		b.ReportMetric(theirs.took.Seconds()/ours.took.Seconds(), "speed-ratio")
		b.ReportMetric(theirs.cpu.Seconds()/ours.cpu.Seconds(), "cpu-ratio")
		b.ReportMetric(theirs.peak/ours.peak, "memory-ratio")
	}
}

func writeDeals(path string, rows int, write func(io.Writer, int, uint64) error) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w, rows, 1); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	return info.Size(), errors.Join(err, f.Close())
}

// measurement is what a process took: time, time on all processors, and the peak of its memory in bytes.
type measurement struct {
	took, cpu time.Duration
	peak      float64
}

// measure runs a task in a child process.
func measure(b *testing.B, task, path string) measurement {
	b.Helper()
	cmd := child(b, task, path)
	start := time.Now()
	out, err := cmd.Output()
	m := measurement{took: time.Since(start)}
	if err != nil {
		b.Fatal(err)
	}
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if m.peak, err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64); err != nil {
		b.Fatal(err)
	}
	return m
}

// withPeak runs a task and prints the peak of the process's memory in bytes. What the system tells the parent
// will not do: on Linux it counts the parent's own memory, which the child had until it became another program.
func withPeak(task func(context.Context, string) error) func(context.Context, string) error {
	return func(ctx context.Context, path string) error {
		if err := task(ctx, path); err != nil {
			return err
		}
		peak, err := peakMemory()
		if err == nil {
			_, err = fmt.Println(peak)
		}
		return err
	}
}

func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var usage syscall.Rusage
		err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		return usage.Maxrss, err // macOS, in bytes
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kilobytes), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("the system does not tell the peak of the memory")
}

// ingestDeals loads the export at path into a fresh lake beside it.
func ingestDeals(ctx context.Context, path string) (err error) {
	mapping, err := preset.Parse("deals.yaml", []byte(ingesttest.DealsMapping))
	if err != nil {
		return err
	}
	store, err := local.New(filepath.Dir(path))
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	file := source.Object{Path: filepath.Base(path), Size: info.Size(), ModTime: info.ModTime().UTC()}
	sum, err := source.Hash(ctx, store, file)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".lake-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l, err := lake.Open(dir)
	if err != nil {
		return err
	}
	object := &mapping.Objects[0]
	load, err := l.Begin(lake.Input{
		Key:        lake.InputKey{SHA256: sum, MappingVersion: object.Version(), Source: "crm"},
		Modes:      map[string]contract.Mode{object.Tables[0].Name: contract.Append},
		Provenance: contract.Provenance{Source: "crm", Object: object.Name, File: file.Path, SHA256: sum, RunID: "bench", LoadedAt: file.ModTime.UnixMicro()},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, load.Abort()) }()
	r, err := store.Open(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	result, err := ingest.File(ctx, r, file.Path, sum, object, ingest.Options{Source: "crm"}, load)
	if err != nil {
		return err
	}
	t := result.Tables[0]
	if t.Rows != result.Records {
		return fmt.Errorf("%d of %d records became rows", t.Rows, result.Records)
	}
	return load.Commit(ctx, lake.Outcome{Counts: []lake.TableCount{{Table: t.Table, Rows: t.Rows}}})
}

// readCSV loads the same export by DuckDB, on all cores and with the types that ours has.
func readCSV(ctx context.Context, path string) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".duckdb-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := warehouse.Open(ctx, warehouse.Options{AllowedDirs: []string{filepath.Dir(path)}})
	if err != nil {
		return err
	}
	defer db.Close()
	out := filepath.Join(dir, "deals.parquet")
	return db.Exec(ctx, "COPY (SELECT * FROM read_csv('"+path+"', header = true, types = {"+
		"'Amount': 'DECIMAL(18,4)', 'Created': 'TIMESTAMP', 'Closed At': 'TIMESTAMP', 'Modified': 'TIMESTAMP', 'Close Date': 'DATE'})) TO '"+out+"' (FORMAT parquet, COMPRESSION zstd)")
}

// readJSON loads the same deals from lines of JSON by DuckDB, on all cores and with the types that ours has.
func readJSON(ctx context.Context, path string) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".duckdb-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := warehouse.Open(ctx, warehouse.Options{AllowedDirs: []string{filepath.Dir(path)}})
	if err != nil {
		return err
	}
	defer db.Close()
	out := filepath.Join(dir, "deals.parquet")
	var columns []string
	for _, name := range []string{"Deal ID", "Deal Name", "Account ID", "Partner ID", "Stage", "Amount", "Currency", "Probability", "Created", "Close Date",
		"Closed At", "Type", "Owner", "Modified", "Next Step"} {
		typ := "VARCHAR"
		switch name {
		case "Amount":
			typ = "DECIMAL(18,4)"
		case "Probability":
			typ = "BIGINT"
		case "Created", "Closed At", "Modified":
			typ = "TIMESTAMP"
		case "Close Date":
			typ = "DATE"
		}
		columns = append(columns, fmt.Sprintf("'%s': '%s'", name, typ))
	}
	return db.Exec(ctx, "COPY (SELECT * FROM read_json('"+path+"', format = 'newline_delimited', columns = {"+strings.Join(columns, ", ")+"})) TO '"+
		out+"' (FORMAT parquet, COMPRESSION zstd)")
}
