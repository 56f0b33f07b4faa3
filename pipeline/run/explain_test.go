package run_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"math/big"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// A number that cannot be taken apart into records of the exports is not believed. One night, and every number
// that claims to be explained is: what `explain` lists adds up to what was published, and each line of it is
// found in the export that it names.
func TestEveryNumberIsExplainedByItsRecords(t *testing.T) {
	t.Parallel()
	run.SkipRaced(t)
	n := ledgerNight(t)
	db := open(t, n.config)
	graph, err := warehouse.Load(context.Background(), sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	e := explained{made: n.made, db: db, graph: graph, exports: map[string][][]string{}}
	t.Run("metrics", e.metrics)
	t.Run("command", e.command)
	t.Run("health", e.health)
	t.Run("churn", e.churn)
	t.Run("scores", e.scores)
	t.Run("readme", e.readme)
}

// explained is a published night with the exports behind it.
type explained struct {
	made    *fixtures.Made
	db      *warehouse.Reader
	graph   *warehouse.Graph
	exports map[string][][]string // records of the exports read so far, header first
}

// agreeMoreTargets gives every partner with a target on bookings the same target on the other measures, which
// the generator leaves out.
func agreeMoreTargets(m *fixtures.Made) error {
	name := filepath.Join(filepath.Dir(m.Config), "exports", "crm", "targets.csv")
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	agreed := string(data)
	for _, measure := range []string{"sourced_revenue", "influenced_revenue", "sourced_pipeline"} {
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "Partner,") {
				agreed += strings.Replace(line, ",bookings,", ","+measure+",", 1)
			}
		}
	}
	return os.WriteFile(name, []byte(agreed), 0o644)
}

// sample is one published number of a partner.
type sample struct{ metric, partner, period string }

// explainedMetrics are the metrics whose records are kept: the files of sql/explain but those of the scores
// and of the rejects and unresolved references.
func explainedMetrics(t *testing.T) []string {
	t.Helper()
	entries, err := sql.Files.ReadDir("explain")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".sql")
		if !slices.Contains([]string{"health_score", "churn_risk", "rejects", "unresolved"}, name) {
			names = append(names, name)
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %d metrics are explained", len(names))
	}
	return names
}

// metrics takes numbers of every explained metric, partners and periods mixed, and adds up their records.
func (e explained) metrics(t *testing.T) {
	const perMetric = 12
	found := 0
	for _, metric := range explainedMetrics(t) {
		rows := query(t, e.db, `
			SELECT partner_id, period, CAST(numerator AS DECIMAL(38, 4)), CAST(denominator AS DECIMAL(38, 4)), n
			FROM fct_metric
			WHERE metric = $1 AND scope_kind = 'partner' AND value IS NOT NULL AND n > 0
			ORDER BY numerator IS NOT DISTINCT FROM 0, md5(metric || partner_id || period)
			LIMIT $2`, metric, perMetric)
		if len(rows) < 4 {
			t.Errorf("%s: only %d partners and periods have the metric: the programme says little about it", metric, len(rows))
		}
		for _, row := range rows {
			s := sample{metric, row[0], row[1]}
			records := e.records(t, s)
			numerator, denominator := sums(t, records)
			switch {
			case row[2] == "":
				// A median has no numerator: its records are those that n counts.
				if got := strconv.Itoa(len(records)); got != row[4] {
					t.Errorf("%v: %s records are listed, n is %s", s, got, row[4])
				}
			case numerator != row[2]:
				t.Errorf("%v: the records add up to the numerator %s, published is %s", s, numerator, row[2])
			case row[3] != "" && denominator != row[3]:
				t.Errorf("%v: the records add up to the denominator %s, published is %s", s, denominator, row[3])
			}
			for _, r := range records {
				found += e.findInExport(t, s, r)
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d records were found again in the exports", found)
	}
}

// records are the rows of an explanation, by column.
func (e explained) records(t *testing.T, s sample) []map[string]string {
	t.Helper()
	model, ok := e.graph.Explain(s.metric)
	if !ok {
		t.Fatalf("no query explains %s", s.metric)
	}
	rows, err := e.db.Query(context.Background(), model.SQL, s.partner, s.period)
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	return byColumn(rows)
}

// byColumn returns the rows by column name; there are none where nothing is explained.
func byColumn(rows *warehouse.Rows) []map[string]string {
	if rows == nil {
		return nil
	}
	out := make([]map[string]string, len(rows.Rows))
	for i, row := range rows.Rows {
		out[i] = map[string]string{}
		for j, cell := range row {
			out[i][rows.Columns[j].Name] = cell.Text
		}
	}
	return out
}

// sums adds the contributions up, exactly.
func sums(t *testing.T, records []map[string]string) (numerator, denominator string) {
	t.Helper()
	var up, down big.Rat
	for _, r := range records {
		v, ok := new(big.Rat).SetString(r["contribution"])
		if !ok {
			t.Fatalf("contribution %q is no number", r["contribution"])
		}
		switch r["counts_as"] {
		case "numerator":
			up.Add(&up, v)
		case "denominator":
			down.Add(&down, v)
		case "both":
			up.Add(&up, v)
			down.Add(&down, v)
		default:
			t.Fatalf("a record counts as %q", r["counts_as"])
		}
	}
	return up.FloatString(4), down.FloatString(4)
}

// findInExport opens the export that a record names and looks for the record's own id there. Only what belongs
// to no single record, the partner's part of shared cost, names none. It returns how many it found.
func (e explained) findInExport(t *testing.T, s sample, r map[string]string) int {
	t.Helper()
	if r["record_kind"] == "shared_cost" {
		if r["file"] != "" {
			t.Errorf("%v: shared cost names %s", s, r["file"])
		}
		return 0
	}
	records := e.export(t, path.Join(r["source"], r["file"]))
	n, err := strconv.Atoi(r["row"])
	if err != nil || n < 1 || n >= len(records) {
		t.Errorf("%v: %s %s is said to be record %q of %s, which has %d", s, r["record_kind"], r["ref_id"], r["row"], r["file"], len(records)-1)
		return 0
	}
	id := r["ref_id"][strings.LastIndex(r["ref_id"], ":")+1:]
	if r["record_kind"] == "target" {
		id = s.partner[strings.LastIndex(s.partner, ":")+1:] // a target has no id but whose it is
	}
	if !slices.Contains(records[n], id) {
		t.Errorf("%v: record %d of %s is not %s but %q", s, n, r["file"], id, records[n])
		return 0
	}
	return 1
}

// export reads an export without any of the product's readers.
func (e explained) export(t *testing.T, name string) [][]string {
	t.Helper()
	if records, ok := e.exports[name]; ok {
		return records
	}
	data, err := os.ReadFile(filepath.Join(filepath.Dir(e.made.Config), "exports", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(data)))
	header, _, _ := strings.Cut(string(data), "\n")
	if strings.Count(header, ";") > strings.Count(header, ",") {
		r.Comma = ';'
	}
	records, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	e.exports[name] = records
	return records
}

// command asks as the command does: without a period the newest quarter that is over, with one that one, and
// the records are those of the query.
func (e explained) command(t *testing.T) {
	for _, metric := range []string{"win_rate", "ropi", "sales_cycle_days", "target_attainment_bookings"} {
		for _, row := range query(t, e.db, `
			SELECT partner_id, partner_name, period, (
				SELECT max(period) FROM fct_metric AS quarter
				WHERE quarter.metric = fct_metric.metric AND quarter.scope_kind = 'partner' AND quarter.partner_id = fct_metric.partner_id
					AND NOT quarter.is_partial AND quarter.period SIMILAR TO '\d{4}Q\d')
			FROM fct_metric JOIN dim_partner USING (partner_id)
			WHERE metric = $1 AND scope_kind = 'partner' AND n > 0
				AND partner_name IN (SELECT partner_name FROM dim_partner GROUP BY partner_name HAVING count(*) = 1)
			ORDER BY md5(partner_id || period) LIMIT 1`, metric) {
			for _, ask := range []struct{ partner, period, gets string }{
				{row[0], row[2], row[2]},
				{strings.ToUpper(row[1]), "", row[3]},
			} {
				got, err := run.ExplainMetric(context.Background(), e.db, ask.partner, metric, ask.period)
				if err != nil {
					t.Fatal(err)
				}
				if got.PartnerID != row[0] || got.PartnerName != row[1] {
					t.Errorf("asked for %s, was told of %s (%s)", ask.partner, got.PartnerName, got.PartnerID)
				}
				if want := fmt.Sprintf("%s %s = ", metric, ask.gets); !strings.HasPrefix(got.Lines[0], want) {
					t.Errorf("the explanation begins with %q, want %q", got.Lines[0], want)
				}
				if diff := cmp.Diff(e.records(t, sample{metric, row[0], ask.gets}), byColumn(got.Trail)); diff != "" {
					t.Errorf("%s of %s in %s: other records (-query +command):\n%s", metric, row[0], ask.gets, diff)
				}
			}
		}
	}
}

// health adds up the signals of every partner that has a health score.
func (e explained) health(t *testing.T) {
	scores := query(t, e.db, "SELECT partner_id, health_score FROM score_partner_health WHERE health_score IS NOT NULL ORDER BY partner_id")
	if len(scores) < 20 {
		t.Fatalf("only %d partners have a health score", len(scores))
	}
	for _, row := range scores {
		sum := e.contributions(t, "health_score", row[0])
		if want := number(t, row[1]); math.Abs(sum-want) > 1e-6 {
			t.Errorf("%s: the signals add up to %v, the score is %v", row[0], sum, want)
		}
	}
}

// churn adds up the contributions to every partner's logit, which begin with the average partner's.
func (e explained) churn(t *testing.T) {
	scores := query(t, e.db, `
		SELECT partner_id, logit, baseline_logit FROM score_partner_churn
		WHERE logit IS NOT NULL AND baseline_logit IS NOT NULL ORDER BY partner_id`)
	if len(scores) < 20 {
		t.Fatalf("only %d partners have a logit", len(scores))
	}
	for _, row := range scores {
		sum := number(t, row[2]) + e.contributions(t, "churn_risk", row[0])
		if want := number(t, row[1]); math.Abs(sum-want) > 1e-6 {
			t.Errorf("%s: the contributions add up to %v, the logit is %v", row[0], sum, want)
		}
	}
	if got := query(t, e.db, `
		SELECT count(*) FROM score_churn_contribution ANTI JOIN score_partner_churn USING (partner_id)`); got[0][0] != "0" {
		t.Errorf("%s contributions belong to no score", got[0][0])
	}
}

// contributions runs the query that explains a score and adds up its contributions; what is not known adds nothing.
func (e explained) contributions(t *testing.T, name, partner string) float64 {
	t.Helper()
	model, ok := e.graph.Explain(name)
	if !ok {
		t.Fatalf("no query explains %s", name)
	}
	rows, err := e.db.Query(context.Background(), model.SQL, partner)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, r := range byColumn(rows) {
		if r["contribution"] != "" {
			sum += number(t, r["contribution"])
		}
	}
	return sum
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// scores asks as the command does: health and churn risk of a partner, in words and with the same rows.
func (e explained) scores(t *testing.T) {
	for _, row := range query(t, e.db, `
		SELECT partner_id, partner_name, format('health {:.1f} of 100', health_score), coalesce(reason_1, '')
		FROM rpt_partner WHERE health_score IS NOT NULL AND score_status <> 'exited' ORDER BY reason_1 IS NULL, partner_id LIMIT 1`) {
		parts, err := run.ExplainScores(context.Background(), e.db, row[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(parts) != 2 || parts[0].PartnerName != row[1] || parts[1].PartnerID != row[0] {
			t.Fatalf("%d explanations, of %s: want health and churn risk of %s", len(parts), parts[0].PartnerName, row[1])
		}
		if !strings.HasPrefix(parts[0].Lines[0], row[2]) {
			t.Errorf("the explanation begins with %q, want %q", parts[0].Lines[0], row[2])
		}
		if text := strings.Join(parts[1].Lines, "\n"); !strings.Contains(text, "churn risk") || !strings.Contains(text, row[3]) {
			t.Errorf("the risk is told as %q, without its first reason %q", text, row[3])
		}
		for i, name := range []string{"health_score", "churn_risk"} {
			sum := 0.0
			for _, r := range byColumn(parts[i].Trail) {
				if r["contribution"] != "" {
					sum += number(t, r["contribution"])
				}
			}
			if want := e.contributions(t, name, row[0]); sum != want {
				t.Errorf("%s: the rows told add up to %v, those of the query to %v", name, sum, want)
			}
		}
	}
}

// readme runs every query that the published database offers to paste. Two may have no answer: the one with
// places to fill in, and the one for the checks that failed.
func (e explained) readme(t *testing.T) {
	lines := query(t, e.db, "SELECT topic, query FROM readme WHERE query IS NOT NULL ORDER BY line_no")
	if len(lines) < 5 {
		t.Fatalf("only %d queries are offered", len(lines))
	}
	for _, line := range lines {
		answer := query(t, e.db, line[1])
		if len(answer) == 0 && !strings.Contains(line[1], "'...'") && !strings.Contains(line[1], "failed_rows > 0") {
			t.Errorf("%s: the query has no answer: %s", line[0], line[1])
		}
	}
}
