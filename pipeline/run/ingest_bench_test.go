package run_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// BenchmarkIngestBesideReadCSV loads one generated export of deals into Parquet twice in the same run: by our
// ingest into the lake (hash, scan, type, check, write, with lineage on every row), and by DuckDB's read_csv with
// the same types and zstd. Each is a process of its own, so that its peak memory can be read. Set
// PARTNERHEALTH_BENCH_MB for another size than 64 MB. Compare the ratios; seconds depend on the machine's mood.
func BenchmarkIngestBesideReadCSV(b *testing.B) {
	megabytes := 64
	if text := os.Getenv("PARTNERHEALTH_BENCH_MB"); text != "" {
		var err error
		if megabytes, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	path := filepath.Join(dir, "deals.csv")
	size, err := writeDeals(path, megabytes<<20/ingesttest.DealBytes)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ours, ourPeak := measure(b, "ingest", path)
		theirs, theirPeak := measure(b, "read_csv", path)
		mb := float64(size) / 1e6
		b.ReportMetric(mb/ours.Seconds(), "ingest-MB/s")
		b.ReportMetric(mb/theirs.Seconds(), "read_csv-MB/s")
		b.ReportMetric(theirs.Seconds()/ours.Seconds(), "speed-ratio")
		b.ReportMetric(ourPeak/1e6, "ingest-peak-MB")
		b.ReportMetric(theirPeak/1e6, "read_csv-peak-MB")
		b.ReportMetric(theirPeak/ourPeak, "memory-ratio")
	}
}

func writeDeals(path string, rows int) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := ingesttest.WriteDeals(w, rows, 1); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	return info.Size(), errors.Join(err, f.Close())
}

// measure runs a task in a child process and returns its time and the peak of its memory in bytes.
func measure(b *testing.B, task, path string) (time.Duration, float64) {
	b.Helper()
	cmd := child(b, task, path)
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		b.Fatal(err)
	}
	peak, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return took, peak
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
	return load.Commit(ctx, []lake.TableCount{{Table: t.Table, Rows: t.Rows}})
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
