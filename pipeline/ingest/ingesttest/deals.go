// Package ingesttest makes exports to measure readers with.
package ingesttest

import (
	"bufio"
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// DealsMapping is the mapping of the files that WriteDeals writes: one table, opportunity, and one column that
// nothing maps.
const DealsMapping = `objects:
  - object: deals
    files: ["**/*.csv"]
    mode: append
    read: {timezone: Europe/Berlin}
    tables:
      - table: opportunity
        columns:
          opportunity_id: {key: deal, from: Deal ID}
          name: {from: Deal Name}
          customer_key: {key: account, from: Account ID}
          stage_class: {from: Stage, map: {Closed Won: won, Closed Lost: lost}, else: open}
          is_closed: {from: Stage, map: {Closed Won: true, Closed Lost: true}, else: false}
          is_won: {from: Stage, map: {Closed Won: true}, else: false}
          amount: {from: Amount}
          currency: {from: Currency}
          probability: {from: Probability, transform: pct}
          created_at: {from: Created, transform: {ts: "2006-01-02 15:04:05"}}
          expected_close_on: {from: Close Date}
          closed_at: {from: Closed At, transform: {ts: "2006-01-02 15:04:05"}}
          deal_type: {from: Type, map: {New Business: new, Existing Business: expansion}}
          source_partner_id: {from: Partner ID, resolve: partner_key}
          owner_key: {from: Owner}
          source_modified_at: {from: Modified, transform: {ts: "2006-01-02 15:04:05"}}
`

// DealBytes is the mean size of a record that WriteDeals writes.
const DealBytes = 217

// WriteDeals writes a CSV file of n deals as a CRM would export them: quoted names with commas, quotes and umlauts,
// empty fields, local times. The same seed gives the same bytes.
func WriteDeals(w io.Writer, n int, seed uint64) error {
	out := bufio.NewWriterSize(w, 64<<10)
	d := deals{rng: rand.New(rand.NewPCG(seed, 1))}
	if _, err := out.WriteString("Deal ID,Deal Name,Account ID,Partner ID,Stage,Amount,Currency,Probability,Created,Close Date,Closed At,Type,Owner,Modified,Next Step\n"); err != nil {
		return err
	}
	for i := range n {
		d.row = d.row[:0]
		d.write(i + 1)
		if _, err := out.Write(d.row); err != nil {
			return err
		}
	}
	return out.Flush()
}

type deals struct {
	rng *rand.Rand
	row []byte
}

var (
	stages   = []string{"Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"}
	chances  = []string{"10", "50", "75", "100", "0"}
	types    = []string{"New Business", "Existing Business"}
	products = []string{"Alpine Suite", "Backup, 3 years", `27"" displays`, "Übergabe-Paket", "Renewal 2026"}
	steps    = []string{"", "", "call the customer", "send the offer, again", "wait for legal"}
)

// write appends deal number i.
func (d *deals) write(i int) {
	day := time.Date(2021, 1, 1+d.rng.IntN(5*365), 0, 0, 0, 0, time.UTC)
	closes := day.AddDate(0, 0, 20+d.rng.IntN(200))
	stage := d.rng.IntN(len(stages))
	d.text("006Qx00000" + strconv.Itoa(10_000_000 + i)[1:])
	d.text(`"Company ` + strconv.Itoa(d.rng.IntN(40_000)) + ", " + products[d.rng.IntN(len(products))] + `"`)
	d.text("001Qx00000" + strconv.Itoa(10_000_000 + d.rng.IntN(40_000))[1:])
	d.text("P-" + strconv.Itoa(10_000 + d.rng.IntN(2_000))[1:])
	d.text(stages[stage])
	d.text(strconv.Itoa(100+d.rng.IntN(250_000)) + "." + strconv.Itoa(100 + d.rng.IntN(100))[1:])
	d.text([]string{"EUR", "USD"}[d.rng.IntN(2)])
	d.text(chances[stage])
	d.text(d.officeHours(day))
	d.text(closes.Format(time.DateOnly))
	if stage >= 3 {
		d.text(d.officeHours(closes))
	} else {
		d.text("")
	}
	d.text(types[d.rng.IntN(len(types))])
	d.text("owner" + strconv.Itoa(d.rng.IntN(60)) + "@vendor.example")
	d.text(d.officeHours(closes))
	step := steps[d.rng.IntN(len(steps))]
	d.text(`"` + step + `"`)
	d.row[len(d.row)-1] = '\n'
}

// officeHours returns a time between 8 and 18 o'clock, when no clocks are changed.
func (d *deals) officeHours(day time.Time) string {
	return day.Add(8*time.Hour + time.Duration(d.rng.IntN(10*3600))*time.Second).Format(time.DateTime)
}

// text appends a field and a delimiter.
func (d *deals) text(s string) {
	d.row = append(append(d.row, s...), ',')
}
