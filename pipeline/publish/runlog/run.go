// Package runlog records what a night did, in one file, run.json, that is rewritten whole after each stage: a
// run that was killed is seen as such, and so is the stage that it died in.
//
// The file lies in <state>/runs/<run-id>/ and, once published, beside the published database.
package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/internal/durable"
)

// FileName is the name of the manifest in the folder of a run.
const FileName = "run.json"

// formatVersion is that of the JSON. Fields are added, never renamed or given another meaning.
const formatVersion = 1

// Status says how far a run or a stage has come.
type Status string

// The states of a run and of a stage.
const (
	Running Status = "running"
	// Done is the state of a stage that ended well.
	Done Status = "done"
	// Published is the state of a run whose output became current.
	Published Status = "published"
	// Rebuilt is the state of a run that made a past night anew, beside the one that is current.
	Rebuilt Status = "rebuilt"
	Failed  Status = "failed"
	// Stopped is the state of a run whose output a quality gate kept back.
	Stopped Status = "stopped"
	// Interrupted is the state of a run that was killed or cancelled.
	Interrupted Status = "interrupted"
)

// Run is the manifest of one night. Times are UTC.
type Run struct {
	Format int    `json:"format"`
	ID     string `json:"run_id"`
	// AsOf is the day that the night is about, as YYYY-MM-DD.
	AsOf   string `json:"as_of"`
	Status Status `json:"status"`
	// Attempt counts how often this run was started, 1 for the first time.
	Attempt  int       `json:"attempt"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started_at"`
	Finished time.Time `json:"finished_at,omitzero"`
	// ConfigHash and Versions, with Inputs and AsOf, are what the results are a function of.
	ConfigHash string            `json:"config_hash"`
	Versions   map[string]string `json:"versions,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Inputs     []Input           `json:"inputs,omitempty"`
	Stages     []Stage           `json:"stages,omitempty"`
	// Tables holds the logical hash of every published table.
	Tables map[string]string `json:"tables,omitempty"`
	// Content identifies everything published: equal contents are the same output.
	Content string `json:"content,omitempty"`
	// Folder is the name of the published folder.
	Folder   string   `json:"folder,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// Input is one export that the night knew.
type Input struct {
	Source  string `json:"source"`
	Path    string `json:"path"`
	SHA256  string `json:"sha256"`
	Mapping string `json:"mapping"`
	Bytes   int64  `json:"bytes"`
	// IsNew is true for exports that this night read; the others were in the lake already.
	IsNew     bool  `json:"is_new"`
	Records   int64 `json:"records"`
	Rows      int64 `json:"rows"`
	Unchanged int64 `json:"unchanged"`
	Filtered  int64 `json:"filtered"`
	Rejected  int64 `json:"rejected"`
}

// Stage is one step of the night.
type Stage struct {
	Name    string           `json:"name"`
	Status  Status           `json:"status"`
	Started time.Time        `json:"started_at"`
	Seconds float64          `json:"seconds"`
	Counts  map[string]int64 `json:"counts,omitempty"`
	Error   string           `json:"error,omitempty"`
}

// Write writes the manifest into folder dir, whole or not at all.
func Write(dir string, r Run) error {
	r.Format = formatVersion
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode run manifest: %w", err)
	}
	return durable.WriteFile(filepath.Join(dir, FileName), append(data, '\n'))
}

// Read returns the manifest in folder dir.
func Read(dir string) (Run, error) {
	var r Run
	data, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		return r, fmt.Errorf("read run manifest: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("decode run manifest in %s: %w", dir, err)
	}
	if r.Format > formatVersion {
		return r, fmt.Errorf("run manifest in %s has format %d; this program knows up to %d", dir, r.Format, formatVersion)
	}
	return r, nil
}

// List returns the manifests of all runs, newest first. One that cannot be read does not hide the others: the
// error then names it and the rest is returned all the same.
func List(state string) ([]Run, error) {
	entries, err := os.ReadDir(folder(state))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	var runs []Run
	var broken error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		r, err := Read(filepath.Join(folder(state), e.Name()))
		if err != nil {
			broken = errors.Join(broken, err)
			continue
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b Run) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return runs, broken
}

// MarkInterrupted gives every run that still calls itself running the state Interrupted, and returns their ids.
// Only the holder of the state's lock may call it: then no other run is alive.
func MarkInterrupted(state string) ([]string, error) {
	runs, err := List(state)
	var ids []string
	for _, r := range runs {
		if r.Status != Running {
			continue
		}
		if e := Write(filepath.Join(folder(state), r.ID), r.AsInterrupted()); e != nil {
			err = errors.Join(err, e)
			continue
		}
		ids = append(ids, r.ID)
	}
	return ids, err
}

// AsInterrupted returns r as it was left by a process that is gone: the stage it died in is interrupted too.
func (r Run) AsInterrupted() Run {
	r.Status = Interrupted
	r.Stages = slices.Clone(r.Stages)
	for i := range r.Stages {
		if r.Stages[i].Status == Running {
			r.Stages[i].Status = Interrupted
		}
	}
	return r
}

func folder(state string) string { return filepath.Join(state, "runs") }
