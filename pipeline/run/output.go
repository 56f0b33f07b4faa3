package run

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// DatabaseFile is the name of the published database in its folder.
const DatabaseFile = "partnerhealth.duckdb"

// report writes the database into the night's private folder, then everything for people, which is read
// back from that very database: pages and lists cannot say anything else than the tables.
func (n *night) report(ctx context.Context, b *warehouse.Build) error {
	return n.stage("report", 0, func() (string, map[string]int64, error) {
		dir := n.output.Dir()
		tables, err := b.Publish(ctx, filepath.Join(dir, DatabaseFile))
		if err != nil {
			return "", nil, err
		}
		if err := b.ExportParquet(ctx, "rpt_churn_alert", filepath.Join(dir, "alerts", "churn_alerts.parquet")); err != nil {
			return "", nil, err
		}
		if err := b.ExportParquet(ctx, "rpt_qbr_partner_quarter", filepath.Join(dir, "qbr", "qbr_partner_quarter.parquet")); err != nil {
			return "", nil, err
		}
		reader, err := warehouse.OpenReader(ctx, warehouse.Options{
			Path: filepath.Join(dir, DatabaseFile), Threads: n.config.Resources.Threads, MemoryLimit: n.config.Resources.MemoryLimit})
		if err != nil {
			return "", nil, err
		}
		defer reader.Close()
		hashes, err := reader.LogicalHashes(ctx)
		if err != nil {
			return "", nil, err
		}
		if err := n.log.Update(func(r *runlog.Run) { r.Tables = hashes }); err != nil {
			return "", nil, err
		}
		data, err := readNight(ctx, reader)
		if err != nil {
			return "", nil, err
		}
		data.RunID, data.Version, data.Warnings = n.id, n.version, n.summary.Warnings
		if err := n.addModels(ctx, data, reader); err != nil {
			return "", nil, err
		}
		if err := n.writeReports(ctx, data, reader); err != nil {
			return "", nil, err
		}
		r := n.summary.Report
		return fmt.Sprintf("%s for %s, %s", count(r.Alerts, "alert"), count(r.Managers, "manager"), count(r.QBR, "QBR data set")),
			map[string]int64{"tables": int64(len(tables)), "alerts": int64(r.Alerts), "managers": int64(r.Managers), "qbr": int64(r.QBR)}, nil
	})
}

// writeReports writes lists, data sets and pages.
func (n *night) writeReports(ctx context.Context, data *report.Night, reader *warehouse.Reader) error {
	dir := n.output.Dir()
	pages, err := report.NewPages(data)
	if err != nil {
		return err
	}
	for _, folder := range []string{"alerts", "qbr", "pages/owners", "pages/partners"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(folder)), 0o755); err != nil {
			return fmt.Errorf("create report folder: %w", err)
		}
	}
	if err := writeFile(filepath.Join(dir, "alerts", "churn_alerts.csv"), func(w io.Writer) error {
		return report.WriteAlertCSV(w, data.Currency, data.Alerts)
	}); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "pages", "index.html"), pages.Index); err != nil {
		return err
	}
	if err := writeChurnRisk(dir, pages, data.Models); err != nil {
		return err
	}
	owners := pages.Owners()
	for i := range owners {
		name := filepath.Join(dir, "pages", "owners", report.OwnerFile(owners[i].Key))
		if err := writeFile(name, func(w io.Writer) error { return pages.Owner(w, &owners[i]) }); err != nil {
			return err
		}
	}
	for block := range slices.Chunk(data.Partners, partnerBlock) {
		if err := readDetails(ctx, reader, block); err != nil {
			return err
		}
		if err := writePartners(dir, data, pages, block); err != nil {
			return err
		}
	}
	n.summarise(data, owners)
	return nil
}

// writePartners writes page and QBR data set of each partner and lets go of its details.
func writePartners(dir string, data *report.Night, pages *report.Pages, block []report.Partner) error {
	for i := range block {
		p := &block[i]
		name := report.FileName(p.ID)
		if err := writeFile(filepath.Join(dir, "pages", "partners", name+".html"), func(w io.Writer) error { return pages.Partner(w, p) }); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, "qbr", name+".json"), func(w io.Writer) error { return report.WriteQBR(w, data, p) }); err != nil {
			return err
		}
		p.Signals, p.HealthTrend, p.Scorecard, p.Lists = nil, nil, nil, nil
	}
	return nil
}

// writeFile writes one report through a buffer.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create report: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffered := bufio.NewWriter(f)
	if err := write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// topShown is how many partners the summary names.
const topShown = 3

// summarise puts the night's result into the words of a partner manager.
func (n *night) summarise(data *report.Night, owners []report.OwnerList) {
	s := n.summary
	s.Report = Report{Alerts: len(data.Alerts), QBR: len(data.Partners)}
	s.Score.Verdict, s.Score.Method = data.Model.Verdict, data.Model.Method
	s.Score.AUC, s.Score.AUCRecency, s.Score.Events = data.Model.AUC, data.Model.AUCRecency, data.Model.Events
	all := report.OwnerList{}
	for i := range owners {
		all.Partners = append(all.Partners, owners[i].Partners...)
		s.Attention.Beyond += owners[i].PartnersBeyond
		if owners[i].Key != "" { // partners whom nobody owns have a list, and no manager
			s.Report.Managers++
		}
	}
	slices.SortStableFunc(all.Partners, func(a, b report.OwnerPartner) int { return int(a.Rank - b.Rank) })
	s.Attention.Partners = len(all.Partners)
	s.Attention.AtStake = report.SumAtStake(all.Partners)
	for i := range all.Partners {
		p := &all.Partners[i]
		if p.IsNew {
			s.Attention.New++
		}
		if i >= topShown {
			continue
		}
		top := Top{Partner: p.PartnerName, Probability: p.Probability, AtStake: p.AtStake, Cause: p.Cause, IsNew: p.IsNew}
		if len(p.Reasons) > 0 {
			top.Reason = p.Reasons[0]
		}
		s.Attention.Top = append(s.Attention.Top, top)
	}
}

// publish makes the night's folder current and forgets nights beyond those that are kept. A night of the past is
// kept beside them, until somebody removes it.
func (n *night) publish() error {
	status, folder := runlog.Published, "published"
	if !n.knownAt.IsZero() {
		status, folder = runlog.Rebuilt, rebuiltFolder
	}
	err := n.stage("publish", 0, func() (string, map[string]int64, error) {
		manifest := n.log.Run()
		manifest.Finished = n.now().UTC()
		manifest.Warnings = n.summary.Warnings
		manifest.Content = contentHash(manifest.Tables)
		published, err := n.output.Publish(manifest)
		if err != nil {
			return "", nil, err
		}
		n.summary.Published = filepath.Join(n.config.State, folder, published.Folder)
		var removed []string
		if n.knownAt.IsZero() {
			if removed, err = n.store.Prune(n.config.Publish.Keep); err != nil {
				return "", nil, err
			}
		}
		if err := n.log.Update(func(r *runlog.Run) {
			r.Folder, r.Content, r.Warnings = published.Folder, published.Content, manifest.Warnings
		}); err != nil {
			return "", nil, err
		}
		// People know where their state folder is; the summary has the whole path.
		shown := filepath.Join(filepath.Base(n.config.State), folder, published.Folder)
		return shown, map[string]int64{"removed": int64(len(removed))}, nil
	})
	if err != nil {
		return err
	}
	return n.log.Finish(status, nil)
}

// contentHash identifies the output by the logical hashes of its tables: pages and lists are a function of
// them, but for what the page on the churn risk says of an earlier night, and the bytes of a DuckDB file are not
// reproducible.
func contentHash(tables map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		fmt.Fprintf(h, "%s %s\n", name, tables[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
