package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/rollup"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// partnerDay is the rollup of portal and LMS events to days.
const partnerDay = "partner_day"

// openWorkspace opens the night's private database in a folder of its own, n.work, which the caller removes. What
// a killed night left there is swept first.
func (n *night) openWorkspace(ctx context.Context) (*warehouse.DB, error) {
	n.work = filepath.Join(n.config.State, "work")
	if err := os.RemoveAll(n.work); err != nil {
		return nil, fmt.Errorf("sweep working folder: %w", err)
	}
	if err := os.MkdirAll(n.work, 0o755); err != nil {
		return nil, fmt.Errorf("create working folder: %w", err)
	}
	// In memory, spilling to the folder: no table of the night is worth a write-ahead log.
	return warehouse.Open(ctx, warehouse.Options{
		Threads:     n.config.Resources.Threads,
		MemoryLimit: n.config.Resources.MemoryLimit,
		TempDir:     filepath.Join(n.work, "spill"),
		AllowedDirs: []string{n.config.State},
	})
}

// build makes every table of the night: rollup, marts, scores, reports, checks.
func (n *night) build(ctx context.Context, db *warehouse.DB) (*warehouse.Build, error) {
	graph, err := warehouse.Load(ctx, n.models)
	if err != nil {
		return nil, err
	}
	b := warehouse.NewBuild(db, graph, n.now)
	if err := n.fillInputs(ctx, b); err != nil {
		return nil, err
	}
	var days []string
	if err := n.stage("rollup", 0, func() (string, map[string]int64, error) {
		var err error
		days, err = n.rollup(ctx, b)
		r := n.summary.Rollup
		return fmt.Sprintf("%s, %d rebuilt", count(r.Months, "month"), r.Rebuilt), map[string]int64{"months": int64(r.Months), "rebuilt": int64(r.Rebuilt)}, err
	}); err != nil {
		return nil, err
	}
	tables := 0
	if err := n.stage("marts", 0, func() (string, map[string]int64, error) {
		if err := b.ProvideLake(ctx, n.lakeFiles(days)); err != nil {
			return "", nil, err
		}
		made, err := b.RunReady(ctx)
		if tables = len(made); err == nil {
			err = n.tellOldHashes(ctx, db)
		}
		return count(tables, "table"), map[string]int64{"tables": int64(tables)}, err
	}); err != nil {
		return nil, err
	}
	if err := n.stage("score", 0, func() (string, map[string]int64, error) { return n.score(ctx, b) }); err != nil {
		return nil, err
	}
	return b, n.stage("checks", 0, func() (string, map[string]int64, error) {
		made, err := b.RunReady(ctx)
		if err != nil {
			return "", nil, err
		}
		n.summary.Marts.Tables = tables + len(made)
		return n.check(ctx, b)
	})
}

// rollup brings the daily rows up to date and returns their files.
func (n *night) rollup(ctx context.Context, b *warehouse.Build) ([]string, error) {
	engine, err := b.RollupEngine(partnerDay)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(n.config.State, "rollup")
	if !n.knownAt.IsZero() {
		folder = filepath.Join(n.work, "rollup") // The nightly one is of all that is known today.
	}
	days, err := rollup.Open(filepath.Join(folder, partnerDay), engine)
	if err != nil {
		return nil, err
	}
	update, err := days.Update(ctx, n.eventFiles())
	if err != nil {
		return nil, err
	}
	if update.Damage != "" {
		n.warn("the days of portal events were counted anew, which takes time and changes no number, because %s", update.Damage)
	}
	n.summary.Rollup = Rollup{Months: update.Kept + len(update.Rebuilt), Rebuilt: len(update.Rebuilt)}
	return days.Files(), nil
}

// eventFiles are the files of the lake that the rollup condenses.
func (n *night) eventFiles() []rollup.File {
	var files []rollup.File
	for _, in := range n.known.Inputs() {
		for i := range in.Tables {
			if t := &in.Tables[i]; t.Table == "engagement_event" && t.File.Path != "" {
				files = append(files, rollup.File{Path: filepath.Join(n.known.Dir(), filepath.FromSlash(t.File.Path)), Checksum: t.File.Checksum})
			}
		}
	}
	return files
}

// lakeFiles lists what the graph may read of the lake.
func (n *night) lakeFiles(days []string) warehouse.LakeFiles {
	files := warehouse.LakeFiles{
		Tables:  map[string][]string{},
		Rejects: n.known.Rejects(),
		Rollups: map[string][]string{partnerDay: days},
	}
	for _, t := range contract.Tables() {
		files.Tables[t.Name] = n.known.Files(t.Name)
	}
	files.Inputs = inputRows(n.known.Inputs())
	return files
}

func dayOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.DateOnly)
}

// found tells of a check that failed what must hold, how many rows break it, the first of them, and what to do about it.
func found(r warehouse.CheckResult) string {
	first, _, _ := strings.Cut(r.Sample, "; ")
	return fmt.Sprintf("%s: %s (%s, such as %s). Next: %s", r.Table, strings.TrimSuffix(r.Meaning, "."), count(r.FailedRows, "row"), first, r.NextStep)
}

// check runs the checks. One of severity error that fails stops publication; warnings and notes are counted.
func (n *night) check(ctx context.Context, b *warehouse.Build) (string, map[string]int64, error) {
	results, err := b.Check(ctx)
	if err != nil {
		return "", nil, err
	}
	var failed []warehouse.CheckResult
	m := &n.summary.Marts
	m.Checks = len(results)
	for _, r := range results {
		switch {
		case !r.Failed():
		case r.Severity == warehouse.Error:
			failed = append(failed, r)
			m.Errors++
		case r.Severity == warehouse.Note:
			m.Notes++
			n.note("%s", found(r))
		default:
			m.Warnings++
			n.warn("%s", found(r))
		}
	}
	detail := fmt.Sprintf("%s   %d passed, %s", count(m.Tables, "table"), m.Checks-m.Errors-m.Warnings-m.Notes, count(m.Warnings, "warning"))
	counts := map[string]int64{"checks": int64(m.Checks), "errors": int64(m.Errors), "warnings": int64(m.Warnings)}
	if len(failed) > 0 {
		return detail, counts, &GateError{Failed: failed}
	}
	// Models that read data_quality come last.
	made, err := b.RunReady(ctx)
	m.Tables += len(made)
	if waiting := b.Waiting(); err == nil && len(waiting) > 0 {
		err = errors.New("build database: some models never got their inputs")
	}
	return detail, counts, err
}
