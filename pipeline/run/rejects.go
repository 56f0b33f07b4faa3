package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// ErrNoLake says that no night has run on this state folder yet.
var ErrNoLake = errors.New("no night has run here yet: run `partnerhealth run` first")

// Rejects returns every refused record and dropped value that the lake keeps, with file, record, line, column,
// rule, value and next step; of the newest run only where last is true. It changes nothing and needs no lock.
//
// They are read from the lake and are no table of the published database: the text of a refused record may
// hold what the mapping would have hashed.
func Rejects(ctx context.Context, c *config.Config, last bool) (*warehouse.Rows, error) {
	folder := filepath.Join(c.State, "lake")
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoLake
	}
	files, err := lake.LiveRejects(folder)
	if err != nil {
		return nil, err
	}
	graph, err := warehouse.Load(ctx, sql.Files)
	if err != nil {
		return nil, err
	}
	query, ok := graph.Explain("rejects")
	if !ok {
		return nil, errors.New("read rejects: the query explain/rejects.sql is missing")
	}
	db, err := warehouse.Open(ctx, warehouse.Options{Threads: c.Resources.Threads, MemoryLimit: c.Resources.MemoryLimit, AllowedDirs: []string{folder}})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := warehouse.NewBuild(db, graph, func() time.Time { return time.Time{} }).ProvideLake(ctx, warehouse.LakeFiles{Rejects: files}); err != nil {
		return nil, err
	}
	rows, err := db.Rows(ctx, query.SQL, last)
	if err != nil {
		return nil, fmt.Errorf("read rejects: %w", err)
	}
	return rows, nil
}
