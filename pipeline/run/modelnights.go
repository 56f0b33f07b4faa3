package run

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// modelRecord is what a night keeps of its churn models beside its manifest, so that it can be compared with later
// ones after its folder is gone: a report.ModelNight as JSON, compressed.
const modelRecord = "model.json.gz"

// keepModels writes the record of tonight's models.
func (n *night) keepModels(models *report.ModelNight) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(models); err != nil {
		return fmt.Errorf("encode record of churn models: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress record of churn models: %w", err)
	}
	return n.log.Keep(modelRecord, b.Bytes())
}

// addModels adds tonight's churn models and what changed since the night before, and keeps them for later nights. The
// night before can be missing or unreadable: then the page says that there is nothing to compare with.
func (n *night) addModels(ctx context.Context, data *report.Night, db *warehouse.Reader) error {
	models, err := ReadModels(ctx, db)
	if err != nil {
		return err
	}
	data.Models = models
	if err := n.keepModels(models); err != nil {
		return err
	}
	nights, err := openModelNights(n.config)
	if err != nil {
		return err
	}
	before, err := nights.before(ctx, models.AsOf)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		n.note("the churn models of an earlier night cannot be read, so that nothing is compared with them: %v", err)
	case before != nil:
		data.Change = report.Compare(before, models)
	}
	return nil
}

// writeChurnRisk writes the page that explains the churn risk, and the plot of the backtest where there is one.
func writeChurnRisk(dir string, pages *report.Pages, models *report.ModelNight) error {
	if err := writeFile(filepath.Join(dir, "pages", report.ChurnRiskFile), pages.ChurnRisk); err != nil {
		return err
	}
	if !models.HasBacktest() {
		return nil
	}
	return writeFile(filepath.Join(dir, "pages", report.BacktestPlotFile), func(w io.Writer) error {
		svg, err := report.PlotBacktest(models)
		if err == nil {
			_, err = w.Write(svg)
		}
		return err
	})
}

// readModelRecord reads the record of a run.
func readModelRecord(state, id string) (*report.ModelNight, error) {
	data, err := runlog.Kept(state, id, modelRecord)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read record of churn models of run %s: %w", id, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("read record of churn models of run %s: %w", id, err)
	}
	night := &report.ModelNight{}
	if err := json.Unmarshal(text, night); err != nil {
		return nil, fmt.Errorf("decode record of churn models of run %s: %w", id, err)
	}
	if night.Format > report.ModelFormat {
		return nil, fmt.Errorf("record of churn models of run %s has format %d; this program knows up to %d", id, night.Format, report.ModelFormat)
	}
	night.Source = report.FromRecord
	return night, nil
}

// NightGoneError says that a night was published, but neither its folder nor a record of its models is left.
type NightGoneError struct {
	AsOf, RunID string
	// Comparable are the nights that can still be told.
	Comparable []string
}

func (e *NightGoneError) Error() string {
	text := fmt.Sprintf("the night of %s (run %s) was published, but its folder is no longer kept and it left no record of its models; raise publish.keep to keep more nights",
		e.AsOf, e.RunID)
	if len(e.Comparable) > 0 {
		text += "; there is " + strings.Join(e.Comparable, ", ")
	}
	return text
}

// NoEarlierNightError says that no night was published for an earlier day.
type NoEarlierNightError struct{ AsOf string }

func (e *NoEarlierNightError) Error() string {
	return fmt.Sprintf("no night before %s is known to compare it with: the next night will have this one", e.AsOf)
}

// modelNights finds the nights of a state folder whose churn models can be told.
type modelNights struct {
	config *config.Config
	// current is the folder of the current night, without its path.
	current string
	// published are the runs whose output became current, newest as-of day first, of a day the latest first.
	published []runlog.Run
}

func openModelNights(c *config.Config) (*modelNights, error) {
	folder, err := publish.Current(c.State)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A manifest that cannot be read hides its own night only.
	runs, _ := publish.List(c.State)
	m := &modelNights{config: c, current: filepath.Base(folder)}
	for i := range runs {
		if runs[i].Status == runlog.Published {
			m.published = append(m.published, runs[i])
		}
	}
	slices.SortStableFunc(m.published, func(a, b runlog.Run) int { return cmp.Compare(b.AsOf, a.AsOf) })
	return m, nil
}

// read returns the models of a run, out of its published folder or else out of its record. The error matches
// fs.ErrNotExist where neither is left.
func (m *modelNights) read(ctx context.Context, r *runlog.Run) (*report.ModelNight, error) {
	if _, err := os.Stat(m.database(r.Folder)); err != nil {
		return readModelRecord(m.config.State, r.ID)
	}
	return m.readFolder(ctx, r.Folder)
}

func (m *modelNights) database(folder string) string {
	return filepath.Join(m.config.State, "published", folder, DatabaseFile)
}

func (m *modelNights) readFolder(ctx context.Context, folder string) (*report.ModelNight, error) {
	db, err := warehouse.OpenReader(ctx, warehouse.Options{
		Path: m.database(folder), Threads: m.config.Resources.Threads, MemoryLimit: m.config.Resources.MemoryLimit})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return ReadModels(ctx, db)
}

// named returns the run that a person means: an as-of day, of several runs the latest, or a run id.
func (m *modelNights) named(name string) (*runlog.Run, error) {
	for i := range m.published {
		if r := &m.published[i]; r.AsOf == name || r.ID == name || r.Folder == name {
			return r, nil
		}
	}
	return nil, &UnknownNameError{Kind: "published night", Name: name, Candidates: m.names()}
}

// names lists the nights that can still be told, newest first.
func (m *modelNights) names() []string {
	var out []string
	for i := range m.published {
		r := &m.published[i]
		_, noFolder := os.Stat(m.database(r.Folder))
		_, noRecord := os.Stat(filepath.Join(m.config.State, "runs", r.ID, modelRecord))
		if noFolder == nil || noRecord == nil {
			out = append(out, fmt.Sprintf("%s (run %s)", r.AsOf, r.ID))
		}
	}
	return out[:min(len(out), candidatesShown)]
}

func (m *modelNights) night(ctx context.Context, name string) (*report.ModelNight, error) {
	r, err := m.named(name)
	if err != nil {
		return nil, err
	}
	night, err := m.read(ctx, r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NightGoneError{AsOf: r.AsOf, RunID: r.ID, Comparable: m.names()}
	}
	return night, err
}

// before returns the newest night of an earlier day that can be told, nil where there is none.
func (m *modelNights) before(ctx context.Context, asOf string) (*report.ModelNight, error) {
	for i := range m.published {
		if m.published[i].AsOf >= asOf {
			continue
		}
		night, err := m.read(ctx, &m.published[i])
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return night, err
	}
	return nil, nil
}

// CompareModels compares the churn models of two nights, each named by its as-of day or run id: by default the current
// night with the newest one of an earlier day; with one name that night with the current one. Errors that callers
// tell apart: *UnknownNameError, *NightGoneError, *NoEarlierNightError; one that matches fs.ErrNotExist when nothing
// has been published.
func CompareModels(ctx context.Context, c *config.Config, names ...string) (*report.Comparison, error) {
	if _, err := publish.Current(c.State); err != nil {
		return nil, err
	}
	m, err := openModelNights(c)
	if err != nil {
		return nil, err
	}
	var first, second *report.ModelNight
	if len(names) == 2 {
		second, err = m.night(ctx, names[1])
	} else {
		second, err = m.readFolder(ctx, m.current)
	}
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if first, err = m.before(ctx, second.AsOf); err == nil && first == nil {
			err = &NoEarlierNightError{AsOf: second.AsOf}
		}
	} else {
		first, err = m.night(ctx, names[0])
	}
	if err != nil {
		return nil, err
	}
	return report.Compare(first, second), nil
}
