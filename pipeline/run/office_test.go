package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
)

// office is a small partner office whose exports a test writes itself, night by night.
type office struct {
	tb     testing.TB
	dir    string
	config *config.Config
	// allowShrink is that of the nights.
	allowShrink bool
	// later are exports on their way.
	later []held
}

// officeConfig has one source, crm, whose mapping is officeMapping unless a test has its own.
const officeConfig = `
program: { name: Office, currency: EUR, timezone: UTC }
state: state
sources:
  - { name: crm, path: exports, mapping: crm.yaml, timezone: UTC }
`

// officeMapping has a snapshot in parts, an upserted object with a flag and a file of tombstones for what was deleted,
// and facts.
const officeMapping = `
objects:
  - object: partners
    files: ["**/partners*.csv"]
    header: [Account, Account Name]
    parts: '^(?:.*/)?partners-(\w+)-\d+\.csv$'
    mode: snapshot
    tables:
      - table: partner
        deleted: { from: Deleted, in: ["1"], optional: true }
        columns:
          partner_id: { key: crm_account, from: [Account] }
          name: { from: Account Name }
          partner_type: { from: Type }
          status: { from: Status }
          tier_code: { from: Tier }
          owner_key: { from: Owner }
          region: { from: Region }
          parent_partner_id: { from: Parent, resolve: { id_type: crm_account } }
          joined_on: { from: Joined }
          source_modified_at: { from: Modified }
  - object: deals
    files: ["**/deals*.csv"]
    mode: upsert
    tables:
      - table: opportunity
        deleted: { from: Deleted, in: ["1"], optional: true }
        columns: &deal
          opportunity_id: { key: deal, from: [Deal] }
          name: { from: Deal Name }
          stage_raw: { from: Stage, default: none }
          stage_class: { from: Stage, map: { Won: won, Lost: lost }, else: open }
          amount: { from: Amount }
          currency: { from: Currency, default: EUR }
          created_at: { from: Created, default: "2026-01-01T00:00:00Z" }
          deal_type: { from: Kind }
          source_partner_id: { from: Partner, resolve: { id_type: crm_account } }
          source_modified_at: { from: Modified }
  - object: deal_tombstones
    files: ["**/gone*.csv"]
    mode: upsert
    tables:
      - table: opportunity
        deleted: { from: Deal, empty: false }
        columns:
          opportunity_id: { key: deal, from: [Deal] }
          stage_raw: { const: gone }
          stage_class: { const: unknown }
          created_at: { const: "2026-01-01T00:00:00Z" }
          deal_type: { const: unknown }
          source_modified_at: { from: Gone }
  - object: payments
    files: ["**/payments*.csv"]
    mode: append
    tables:
      - table: ledger_entry
        columns:
          entry_id: { key: payment, from: [No] }
          partner_id: { from: Account, resolve: { id_type: crm_account } }
          kind: { const: commission }
          direction: { const: cost }
          amount: { from: Amount }
          currency: { const: EUR }
          incurred_on: { from: Paid }
          status: { const: paid }
`

// officeStart is when the first exports of an office are received.
var officeStart = time.Date(2026, time.March, 2, 1, 0, 0, 0, time.UTC)

func newOffice(tb testing.TB, mapping string) *office {
	tb.Helper()
	o := &office{tb: tb, dir: tb.TempDir()}
	o.write("partnerhealth.yaml", officeConfig)
	o.write("crm.yaml", mapping)
	o.mkdir("exports")
	o.load()
	return o
}

// load reads the configuration anew, for a mapping that changed.
func (o *office) load() {
	o.tb.Helper()
	c, err := config.Load(filepath.Join(o.dir, "partnerhealth.yaml"))
	if err != nil {
		o.tb.Fatal(err)
	}
	o.config = c
}

func (o *office) mkdir(name string) {
	o.tb.Helper()
	if err := os.MkdirAll(filepath.Join(o.dir, filepath.FromSlash(name)), 0o755); err != nil {
		o.tb.Fatal(err)
	}
}

func (o *office) write(name, text string) string {
	o.tb.Helper()
	path := filepath.Join(o.dir, filepath.FromSlash(name))
	o.mkdir(filepath.ToSlash(filepath.Dir(name)))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		o.tb.Fatal(err)
	}
	return path
}

// send writes an export as received on a night, 0 for the first, and so many minutes into it.
func (o *office) send(name, text string, night, minute int) {
	o.tb.Helper()
	path := o.write("exports/"+name, text)
	at := officeStart.AddDate(0, 0, night).Add(time.Duration(minute) * time.Minute)
	if err := os.Chtimes(path, at, at); err != nil {
		o.tb.Fatal(err)
	}
}

func (o *office) options(night int) Options {
	asOf := officeStart.AddDate(0, 0, night)
	return Options{Config: o.config, AsOf: asOf, AllowShrink: o.allowShrink, Version: "test", Now: func() time.Time { return asOf.Add(6 * time.Hour) }}
}

// take reads the exports into the lake, as a night does, and no further. use is called while the lake is open.
func (o *office) take(night int, use ...func(*lake.Lake)) *Summary {
	o.tb.Helper()
	ctx := context.Background()
	n := newNight(o.options(night))
	must := func(err error) {
		o.tb.Helper()
		if err != nil {
			o.tb.Fatal(err)
		}
	}
	lock, err := publish.Acquire(ctx, o.config.State, n.now())
	must(err)
	defer func() { must(lock.Release()) }()
	n.lake, err = lake.Open(filepath.Join(o.config.State, "lake"))
	must(err)
	must(n.list(ctx))
	known := n.lake.View
	n.known = &known
	must(n.begin())
	must(errors.Join(n.ingest(ctx), n.closeLister()))
	for _, u := range use {
		u(n.lake)
	}
	return n.summary
}

// view is what the lake holds.
func (o *office) view() *lake.View {
	o.tb.Helper()
	v, err := lake.OpenView(filepath.Join(o.config.State, "lake"))
	if err != nil {
		o.tb.Fatal(err)
	}
	return v
}

// canonical takes the exports of a night and makes the canonical tables.
func (o *office) canonical(t *testing.T, night int) *loaded {
	t.Helper()
	return loadExports(t, o.config, officeStart.AddDate(0, 0, night), true)
}
