package run

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// endOfDay returns the first instant after the day in the programme's zone, in UTC: events from then on are
// not known to the night (G1). A day may last 23 or 25 hours.
func endOfDay(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone).UTC()
}

// fillInputs gives the graph the tables that Go code makes before any model runs: the parameters of the
// run, the lists and overrides of the configuration, the freshness of the feeds and the trail of inputs.
func (n *night) fillInputs(ctx context.Context, b *warehouse.Build) error {
	zone, err := time.LoadLocation(n.config.Program.Timezone)
	if err != nil {
		return fmt.Errorf("load time zone: %w", err)
	}
	settings := warehouse.Row{
		"as_of":        n.asOf.Format(time.DateOnly),
		"as_of_end":    endOfDay(n.asOf, zone).Format("2006-01-02 15:04:05"),
		"config_hash":  n.config.Hash(),
		"code_version": n.version,
		"run_id":       n.id,
	}
	for _, s := range n.config.Settings() {
		settings[s.Name] = s.Value
	}
	for _, table := range []struct {
		name string
		rows []warehouse.Row
	}{
		{"run_settings", []warehouse.Row{settings}},
		{"setting_list", listRows(n.config)},
		{"tier_requirement", tierRows(n.config)},
		{"certificate_validity", validityRows(n.config)},
		{"health_weight", weightRows(n.config)},
		{"health_bar", barRows(n.config)},
		{"source_feed", feedRows(n.known.Inputs())},
		{"run_info", n.infoRows()},
	} {
		if err := b.Fill(ctx, table.name, table.rows); err != nil {
			return err
		}
	}
	return nil
}

func listRows(c *config.Config) []warehouse.Row {
	var rows []warehouse.Row
	for _, l := range c.Lists() {
		rows = append(rows, warehouse.Row{"setting": l.Setting, "value": l.Value})
	}
	return rows
}

func tierRows(c *config.Config) []warehouse.Row {
	var rows []warehouse.Row
	for _, t := range c.TierRequirements() {
		rows = append(rows, warehouse.Row{"tier_code": t.TierCode, "required_certifications": t.RequiredCertifications})
	}
	return rows
}

func validityRows(c *config.Config) []warehouse.Row {
	var rows []warehouse.Row
	for _, v := range c.CertificateValidities() {
		rows = append(rows, warehouse.Row{"cert_code": v.CertCode, "validity_months": v.ValidityMonths})
	}
	return rows
}

func weightRows(c *config.Config) []warehouse.Row {
	var rows []warehouse.Row
	for _, w := range c.HealthWeights() {
		rows = append(rows, warehouse.Row{"stage": w.Stage, "signal": w.Signal, "weight": w.Weight})
	}
	return rows
}

func barRows(c *config.Config) []warehouse.Row {
	var rows []warehouse.Row
	for _, bar := range c.HealthBars() {
		rows = append(rows, warehouse.Row{"signal": bar.Signal, "low": bar.Low, "high": bar.High})
	}
	return rows
}

// feedRows has the newest good export of each object and table, and whether a newer one was refused.
func feedRows(inputs []lake.InputRecord) []warehouse.Row {
	type object struct{ source, object string }
	type feed struct {
		object
		table string
	}
	newest, refused := map[feed]time.Time{}, map[object]time.Time{}
	for i := range inputs {
		in := &inputs[i]
		of, at := object{in.Source, in.Object}, in.ReceivedAt
		if in.Quarantined != "" && at.After(refused[of]) {
			refused[of] = at
		}
		for _, t := range in.Tables {
			if key := (feed{of, t.Table}); at.After(newest[key]) {
				newest[key] = at
			}
		}
	}
	rows := make([]warehouse.Row, 0, len(newest))
	for key, at := range newest {
		row := warehouse.Row{"source": key.source, "object": key.object.object, "table_name": key.table, "received_at": timestamp(at), "refused_at": nil}
		if after := refused[key.object]; after.After(at) {
			row["refused_at"] = timestamp(after)
		}
		rows = append(rows, row)
	}
	sort.Slice(rows, func(i, j int) bool {
		return fmt.Sprint(rows[i]["source"], "\t", rows[i]["object"], "\t", rows[i]["table_name"]) <
			fmt.Sprint(rows[j]["source"], "\t", rows[j]["object"], "\t", rows[j]["table_name"])
	})
	return rows
}

// infoRows is the trail of the published database: run, versions, and every input with its hash. Nothing in
// it depends on the clock, so that the same night gives the same table.
func (n *night) infoRows() []warehouse.Row {
	row := func(section, item, value string) warehouse.Row {
		return warehouse.Row{"section": section, "item": item, "value": value}
	}
	rows := []warehouse.Row{
		row("run", "run_id", n.id),
		row("run", "program", n.config.Program.Name),
		row("run", "as_of", n.asOf.Format(time.DateOnly)),
		row("run", "currency", n.config.Program.Currency),
		row("version", "partnerhealth", n.version),
		row("version", "configuration", n.config.Hash()),
	}
	if !n.knownAt.IsZero() {
		rows = append(rows, row("run", "known_at", n.knownAt.UTC().Format(time.RFC3339Nano)))
	}
	for i := range n.config.Sources {
		s := &n.config.Sources[i]
		rows = append(rows, row("version", "mapping "+s.Name, s.Mapping.Version()))
	}
	seen := map[string]int{}
	for _, in := range n.known.Inputs() {
		item := in.Source + "/" + in.Path + " received " + in.ReceivedAt.UTC().Format(time.RFC3339)
		// One file can be read twice under two versions of its mapping.
		if seen[item]++; seen[item] > 1 {
			item = fmt.Sprintf("%s, reading %d", item, seen[item])
		}
		rows = append(rows, row("input", item, in.SHA256))
	}
	return rows
}

// timestamp renders an instant as DuckDB reads a TIMESTAMP in UTC.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999") }
