//go:build !race

package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing/fstest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
	"github.com/partnerhealth/partnerhealth/fixtures/truth"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// plantedAsOf is the as-of date of the nights on generated programmes; the programmes go on behind it.
var plantedAsOf = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

const (
	// pastMonths lie before the as-of date, futureMonths behind it: the night does not see them.
	pastMonths, futureMonths = 36, 12
	// plantedHorizon is churn.horizon_days of the configuration that the fixtures write.
	plantedHorizon = 180
)

// planted is one generated programme on the way to its scores: the product's own exports, ingest, SQL and estimators,
// without the tables that the churn score does not read, the reports and the publication.
type planted struct {
	programme *programme.Programme
	night     *night
}

// plant generates a programme, writes its exports into the folder and loads them.
func plant(ctx context.Context, folder string, o programme.Options) (*planted, error) {
	o.Months, o.Until = pastMonths+futureMonths, plantedAsOf.AddDate(0, 0, 1).AddDate(0, futureMonths, -1)
	p, err := programme.Generate(o)
	if err != nil {
		return nil, err
	}
	written, err := plain.Write(ctx, folder, p, plain.Options{Clean: true})
	if err != nil {
		return nil, err
	}
	if err := forgetEvents(folder); err != nil {
		return nil, err
	}
	c, err := config.Load(written.Config)
	if err != nil {
		return nil, err
	}
	n := newNight(Options{Config: c, AsOf: plantedAsOf, Version: "test", Now: time.Now})
	lock, err := publish.Acquire(ctx, c.State, plantedAsOf)
	if err != nil {
		return nil, err
	}
	return &planted{programme: p, night: n}, errors.Join(n.takeIn(ctx), lock.Release())
}

// forgetEvents removes the portal's exports of the months behind the as-of date: the night leaves them aside anyway, and to
// read them would cost a quarter of the time.
func forgetEvents(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "exports", "portal", "events-*"))
	if err != nil {
		return err
	}
	last := "events-" + plantedAsOf.Format("2006-01") + ".csv.gz"
	for _, f := range files {
		if filepath.Base(f) > last {
			err = errors.Join(err, os.Remove(f))
		}
	}
	return err
}

// takeIn is a night up to the lake.
func (n *night) takeIn(ctx context.Context) (err error) {
	if n.lake, err = lake.Open(filepath.Join(n.config.State, "lake")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.closeLister()) }()
	if err := n.list(ctx); err != nil {
		return err
	}
	known := n.lake.View
	n.known = &known
	if err := n.begin(); err != nil {
		return err
	}
	err = n.ingest(ctx)
	known = n.lake.View
	return err
}

// churnTables are what the churn score reads.
var churnTables = []string{"fct_partner_month_feature", "dim_partner"}

// churnGraph is the graph of the SQL files that make them, and of no others: a quarter of a night's.
var churnGraph = sync.OnceValues(func() (*warehouse.Graph, error) {
	graph, err := warehouse.Load(context.Background(), sql.Files)
	if err != nil {
		return nil, err
	}
	needed := map[warehouse.Name]bool{}
	for _, table := range churnTables {
		needed[warehouse.Name{Schema: "main", Table: table}] = true
	}
	files, err := fs.Glob(sql.Files, "inputs/*.sql")
	if err != nil {
		return nil, err
	}
	files = append(files, "rollup/"+partnerDay+".sql")
	for _, m := range slices.Backward(graph.Order()) {
		if needed[m.Relation] {
			files = append(files, m.File)
			for _, up := range m.Upstream {
				needed[up] = true
			}
		}
	}
	pruned := fstest.MapFS{}
	for _, file := range files {
		data, err := fs.ReadFile(sql.Files, file)
		if err != nil {
			return nil, err
		}
		pruned[file] = &fstest.MapFile{Data: data}
	}
	return warehouse.Load(context.Background(), pruned)
})

// churnInput builds the two tables as a night of the as-of date would.
func (p *planted) churnInput(ctx context.Context, asOf time.Time) (features, partners arrow.RecordBatch, err error) {
	n := *p.night
	n.asOf = asOf
	db, err := n.openWorkspace(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	graph, err := churnGraph()
	if err != nil {
		return nil, nil, err
	}
	b := warehouse.NewBuild(db, graph, n.now)
	if err := n.fillInputs(ctx, b); err != nil {
		return nil, nil, err
	}
	days, err := n.rollup(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	if err := b.ProvideLake(ctx, n.lakeFiles(days)); err != nil {
		return nil, nil, err
	}
	if _, err := b.RunReady(ctx); err != nil {
		return nil, nil, err
	}
	if waiting := b.Waiting(); len(waiting) > 0 {
		return nil, nil, fmt.Errorf("build churn tables: %d models never got their inputs", len(waiting))
	}
	tables, _, err := records(ctx, b, churnTables...)
	if err != nil {
		return nil, nil, err
	}
	return tables[0], tables[1], nil
}

// fate is what truly became of a partner within the horizon, by the generator's own account.
type fate uint8

const (
	stayed fate = iota
	churned
	exited // left for a reason that is not churn
)

// fates tells what became of each partner in the horizon after the as-of date, from the world that was simulated and not
// from anything that the product made of it: churned is who ended the agreement, or had no commercial event (M43).
func (p *planted) fates(asOf time.Time) map[string]fate {
	from := programme.DayOf(asOf) + 1
	inside := func(d programme.Day) bool { return d >= from && d < from+plantedHorizon }
	busy := map[*programme.Partner]bool{}
	for _, r := range p.programme.Registrations {
		if r.Status != "Rejected" && inside(r.Submitted.Day()) {
			busy[r.Partner] = true
		}
	}
	for _, d := range truth.Compute(p.programme).Deals {
		if d.LostReason == "Duplicate" {
			continue
		}
		if d.Source != nil && inside(d.Created.Day()) {
			busy[d.Source] = true
		}
		if d.Outcome == programme.Won && inside(d.Closed.Day()) {
			for _, q := range d.Booked {
				busy[q] = true
			}
		}
	}
	out := map[string]fate{}
	for _, q := range p.programme.Partners {
		f := stayed
		switch {
		case q.Ended != 0 && inside(q.Ended) && (q.EndReason == "Merger" || q.EndReason == "Programme closed"):
			f = exited
		case q.Ended != 0 && inside(q.Ended), !busy[q]:
			f = churned
		}
		out[plain.PartnerKey(q.ID)] = f
	}
	return out
}
