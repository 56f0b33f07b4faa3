package run

import (
	"bufio"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/lake"
)

// The size of BenchmarkNights. A year of a large programme is -nights-deals 500000 -nights-played 365.
var (
	nightsDeals  = flag.Int("nights-deals", 20_000, "deals in the exports of BenchmarkNights")
	nightsNumber = flag.Int("nights-played", 30, "nights of BenchmarkNights behind the first")
	nightsInputs = flag.Int("nights-inputs", 300, "files in the lake of BenchmarkManyInputs")
)

// benchMapping reads the deals of BenchmarkNights: a full export each night.
const benchMapping = `
objects:
  - object: deals
    files: ["deals.csv"]
    mode: snapshot
    tables:
      - table: opportunity
        columns:
          opportunity_id: { key: deal, from: [Deal] }
          name: { from: Deal Name }
          stage_raw: { from: Stage }
          stage_class: { from: Stage, map: { Won: won, Lost: lost }, else: open }
          amount: { from: Amount }
          currency: { const: EUR }
          created_at: { from: Created }
          deal_type: { const: new }
          owner_key: { from: Owner }
          source_partner_id: { from: Partner, resolve: { id_type: crm_account } }
          source_modified_at: { from: Modified }
`

// BenchmarkNights loads nightly full exports of which one deal in a hundred changes, and compares what they leave
// with the first export alone: bytes of the lake, rows and time of the rebuild of the canonical tables.
func BenchmarkNights(b *testing.B) {
	for b.Loop() {
		o := newOffice(b, benchMapping)
		d := newBenchDeals(*nightsDeals)
		d.write(o, 0)
		o.take(0)
		oneBytes, oneRows := o.lakeSize()
		oneRebuild := o.rebuild(0)
		var loading time.Duration
		for night := 1; night <= *nightsNumber; night++ {
			d.change(night)
			d.write(o, night)
			start := time.Now()
			o.take(night)
			loading += time.Since(start)
		}
		bytes, rows := o.lakeSize()
		rebuild := o.rebuild(*nightsNumber)
		nights := float64(*nightsNumber)
		b.ReportMetric(float64(oneBytes), "first-export-B")
		b.ReportMetric(float64(bytes-oneBytes)/nights, "B/night")
		b.ReportMetric(float64(bytes)/float64(oneBytes), "space-ratio")
		b.ReportMetric(float64(rows)/float64(oneRows), "row-ratio")
		b.ReportMetric(loading.Seconds()/nights, "load-s/night")
		b.ReportMetric(oneRebuild.Seconds(), "first-rebuild-s")
		b.ReportMetric(rebuild.Seconds(), "rebuild-s")
		b.ReportMetric(float64(d.size)/1e6, "export-MB")
	}
}

// rebuild is the time that the canonical tables take.
func (o *office) rebuild(night int) time.Duration {
	start := time.Now()
	loadExports(o.tb, o.config, officeStart.AddDate(0, 0, night), true)
	return time.Since(start)
}

// lakeSize is what the lake takes on disk, and the rows in it.
func (o *office) lakeSize() (bytes, rows int64) {
	o.tb.Helper()
	err := filepath.WalkDir(filepath.Join(o.config.State, "lake"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		o.tb.Fatal(err)
	}
	for _, in := range o.view().Inputs() {
		for _, t := range in.Tables {
			rows += t.Rows + t.Deleted
		}
	}
	return bytes, rows
}

// benchDeals are the lines of the nightly export.
type benchDeals struct {
	r     *rand.Rand
	lines []string
	size  int
}

func newBenchDeals(n int) *benchDeals {
	d := &benchDeals{r: rand.New(rand.NewPCG(1, 1)), lines: make([]string, n)}
	for i := range d.lines {
		d.line(i, 0)
	}
	return d
}

func (d *benchDeals) line(i, night int) {
	stage := [...]string{"Open", "Proposal", "Won", "Lost"}[d.r.IntN(4)]
	created := officeStart.Add(-time.Duration(i*7919%30_000_000) * time.Second)
	d.lines[i] = fmt.Sprintf("006%09d,Renewal of customer %d,%s,%d.%02d,%s,owner%02d,001%06d,%s\n", i, d.r.IntN(90_000), stage, d.r.IntN(200_000), d.r.IntN(100),
		created.Format(time.RFC3339), d.r.IntN(40), d.r.IntN(800), officeStart.AddDate(0, 0, night-1).Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano))
}

// change changes one deal in a hundred.
func (d *benchDeals) change(night int) {
	for range len(d.lines) / 100 {
		d.line(d.r.IntN(len(d.lines)), night)
	}
}

func (d *benchDeals) write(o *office, night int) {
	o.tb.Helper()
	path := filepath.Join(o.dir, "exports", "deals.csv")
	f, err := os.Create(path)
	if err != nil {
		o.tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	d.size, _ = w.WriteString("Deal,Deal Name,Stage,Amount,Created,Owner,Partner,Modified\n")
	for _, line := range d.lines {
		n, _ := w.WriteString(line) // Flush tells.
		d.size += n
	}
	if err := w.Flush(); err != nil {
		o.tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		o.tb.Fatal(err)
	}
	at := officeStart.AddDate(0, 0, night)
	if err := os.Chtimes(path, at, at); err != nil {
		o.tb.Fatal(err)
	}
}

// BenchmarkManyInputs measures what a commit costs in a lake of thousands of export files: the manifest is written
// anew for each.
func BenchmarkManyInputs(b *testing.B) {
	known := *nightsInputs
	o := newOffice(b, benchMapping)
	o.write("crm.yaml", manyMapping)
	o.load()
	for i := range known {
		o.send(fmt.Sprintf("p/%05d.csv", i), fmt.Sprintf("No,Amount,Paid\n%d,1,2026-01-01\n", i), 0, 0)
	}
	start := time.Now()
	o.take(0)
	first := time.Since(start)
	night := 0
	for b.Loop() {
		night++
		o.send(fmt.Sprintf("p/new%05d.csv", night), fmt.Sprintf("No,Amount,Paid\nn%d,1,2026-01-01\n", night), night, 0)
		o.take(night, func(l *lake.Lake) {
			if n := len(l.Inputs()); n != known+night {
				b.Fatalf("%d inputs", n)
			}
		})
	}
	b.ReportMetric(first.Seconds()/float64(known)*1e3, "first-ms/file")
}

const manyMapping = `
objects:
  - object: payments
    files: ["p/*.csv"]
    mode: append
    tables:
      - table: ledger_entry
        columns:
          entry_id: { key: payment, from: [No] }
          kind: { const: commission }
          direction: { const: cost }
          amount: { from: Amount }
          currency: { const: EUR }
          incurred_on: { from: Paid }
          status: { const: paid }
`
