package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// withPublished opens the current night's database, locked and read-only, for the time of do.
func withPublished(ctx context.Context, configPath string, do func(*config.Config, *warehouse.Reader) error) error {
	c, err := loadConfig(configPath)
	if err != nil {
		return err
	}
	folder, err := publish.Current(c.State)
	if errors.Is(err, fs.ErrNotExist) {
		return errNotPublished
	}
	if err != nil {
		return err
	}
	db, err := warehouse.OpenReader(ctx, warehouse.Options{
		Path: filepath.Join(folder, run.DatabaseFile), Threads: c.Resources.Threads, MemoryLimit: c.Resources.MemoryLimit})
	if err != nil {
		return err
	}
	defer db.Close()
	return do(c, db)
}

// toResult turns the database's answer into a table to print; no answer is an empty table.
func toResult(r *warehouse.Rows) result {
	if r == nil {
		return result{}
	}
	out := result{Columns: make([]string, len(r.Columns)), Types: make([]string, len(r.Columns)), Rows: make([][]*string, len(r.Rows))}
	for i, c := range r.Columns {
		out.Columns[i], out.Types[i] = c.Name, string(c.Type)
	}
	for i, row := range r.Rows {
		out.Rows[i] = make([]*string, len(row))
		for j := range row {
			if !row[j].Null {
				out.Rows[i][j] = &row[j].Text
			}
		}
	}
	return out
}

// formatFlags choose how a table is printed.
type formatFlags struct{ csv, json bool }

func (f formatFlags) check() error {
	if f.csv && f.json {
		return usageError{fmt.Errorf("--csv and --json exclude each other")}
	}
	return nil
}

func (f formatFlags) write(t terminal, r result) error {
	switch {
	case f.csv:
		return writeCSV(t.out, r)
	case f.json:
		return writeJSON(t.out, r)
	default:
		return writeTable(t.out, r)
	}
}
