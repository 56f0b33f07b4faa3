package run

import (
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"testing"
	"testing/fstest"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// loaded is a night that stopped behind the canonical tables, or behind the lake: what exports became, before any
// metric is counted.
type loaded struct {
	db      *warehouse.DB
	summary *Summary
}

// loadExports reads the exports of c as a night does, and makes the canonical tables where they are asked for: all, or
// those named by only with what they read.
func loadExports(t testing.TB, c *config.Config, asOf time.Time, canonical bool, only ...string) *loaded {
	t.Helper()
	return loadNight(t, newNight(Options{Config: c, AsOf: asOf, Version: "test", EmailKey: []byte("test"), Now: time.Now}), canonical, only...)
}

// loadNight does so for a night that the test has made.
func loadNight(t testing.TB, n *night, canonical bool, only ...string) *loaded {
	t.Helper()
	ctx, c := context.Background(), n.config
	lock, err := publish.Acquire(ctx, c.State, n.now())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n.store, err = publish.Open(lock)
	must(err)
	n.lake, err = lake.Open(filepath.Join(c.State, "lake"))
	must(err)
	must(n.list(ctx))
	before := n.lake.View
	n.known = &before
	must(n.begin())
	must(n.ingest(ctx))
	after := n.lake.View
	n.known = &after
	db, err := n.openWorkspace(ctx)
	must(err)
	t.Cleanup(db.Close)
	graph, err := warehouse.Load(ctx, canonicalFiles(t, canonical, only))
	must(err)
	b := warehouse.NewBuild(db, graph, n.now)
	must(n.fillInputs(ctx, b))
	var days []string
	if canonical {
		days, err = n.rollup(ctx, b)
		must(err)
	}
	must(b.ProvideLake(ctx, n.lakeFiles(days)))
	if canonical {
		_, err := b.RunReady(ctx)
		must(err)
		if waiting := b.Waiting(); len(waiting) > 0 {
			t.Fatalf("canonical tables were not made: %v", waiting)
		}
	}
	return &loaded{db: db, summary: n.summary}
}

// canonicalFiles is the SQL tree without what lies behind the canonical tables, and without these where none are asked
// for.
func canonicalFiles(t testing.TB, canonical bool, only []string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	add := func(pattern string) {
		t.Helper()
		names, err := fs.Glob(sql.Files, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			data, err := fs.ReadFile(sql.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = &fstest.MapFile{Data: data}
		}
	}
	add("inputs/*.sql")
	switch {
	case !canonical:
		return out
	case len(only) == 0:
		only = []string{"*"}
	}
	add("rollup/*.sql")
	for len(only) > 0 {
		file := "canonical/" + only[0] + ".sql"
		only = only[1:]
		if out[file] != nil {
			continue
		}
		add(file)
		if text := out[file]; text != nil {
			for _, upstream := range readsCanonical.FindAllSubmatch(text.Data, -1) {
				only = append(only, string(upstream[1]))
			}
		}
	}
	return out
}

// readsCanonical finds the canonical tables that a file reads. Names in comments do no harm.
var readsCanonical = regexp.MustCompile(`\bcanonical\.([a-z_]+)\b`)

// texts answers a query as texts, with null for null.
func (l *loaded) texts(t *testing.T, query string, null string) (columns []string, rows [][]string) {
	t.Helper()
	record, err := l.db.Query(context.Background(), "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ("+query+")")
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer record.Release()
	for _, f := range record.Schema().Fields() {
		columns = append(columns, f.Name)
	}
	rows = make([][]string, record.NumRows())
	for i := range rows {
		rows[i] = make([]string, record.NumCols())
		for j := range rows[i] {
			if column := record.Column(j); column.IsNull(i) {
				rows[i][j] = null
			} else {
				rows[i][j] = column.ValueStr(i)
			}
		}
	}
	return columns, rows
}
