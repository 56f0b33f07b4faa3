package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
	"github.com/partnerhealth/partnerhealth/sql"
)

// Explanation is where a partner's number or score came from.
type Explanation struct {
	PartnerID, PartnerName string
	// Lines are the answer in words; Trail are the rows behind it, each with file and record of the export.
	Lines []string
	Trail *warehouse.Rows
}

// UnknownNameError says that no partner, metric or period of the published database is called so.
type UnknownNameError struct {
	Kind, Name string
	// Candidates are what may have been meant.
	Candidates []string
}

func (e *UnknownNameError) Error() string {
	text := fmt.Sprintf("no %s is called %q", e.Kind, e.Name)
	if len(e.Candidates) > 0 {
		text += "; there is " + strings.Join(e.Candidates, ", ")
	}
	return text
}

// candidatesShown is how many candidates an error names.
const candidatesShown = 8

// ExplainMetric returns a metric of a partner in a period with the records behind it. An empty period is the
// newest fiscal quarter that is over, or else the newest one.
func ExplainMetric(ctx context.Context, db *warehouse.Reader, partner, metric, period string) (*Explanation, error) {
	e, err := findPartner(ctx, db, partner)
	if err != nil {
		return nil, err
	}
	catalog, err := catalogOf(ctx, db, metric)
	if err != nil {
		return nil, err
	}
	table, err := db.Between(ctx, "fct_metric", "partner_id", e.PartnerID, e.PartnerID)
	if err != nil {
		return nil, err
	}
	r := newRows(table)
	i, err := choosePeriod(r, metric, period)
	if err != nil {
		return nil, err
	}
	e.Lines = append(e.Lines, valueLine(r, i, catalog.unit))
	beside, err := besideLine(ctx, db, e.PartnerID, metric, r.text(i, "period"))
	if err != nil {
		return nil, err
	}
	if beside != "" {
		e.Lines = append(e.Lines, beside)
	}
	e.Lines = append(e.Lines, catalog.line())
	query, err := explainQuery(ctx, metric)
	if err != nil {
		return nil, err
	}
	if query == nil {
		e.Lines = append(e.Lines, "No list of records is kept for this metric: its definition says what is counted.")
		return e, r.err
	}
	args := []any{e.PartnerID, r.text(i, "period")}
	// A score is told for tonight only, so that its query has no period.
	if e.Trail, err = db.Query(ctx, query.SQL, args[:min(len(query.Params), len(args))]...); err != nil {
		return nil, fmt.Errorf("read records behind %s: %w", metric, err)
	}
	return e, r.err
}

// findPartner finds a partner by its id or, whatever the case, by its name.
func findPartner(ctx context.Context, db *warehouse.Reader, name string) (*Explanation, error) {
	table, err := db.Table(ctx, "rpt_partner")
	if err != nil {
		return nil, err
	}
	r := newRows(table)
	var found []int
	var like []string
	for i := range r.len() {
		id, called := r.text(i, "partner_id"), r.text(i, "partner_name")
		switch {
		case id == name:
			return &Explanation{PartnerID: id, PartnerName: called}, r.err
		case strings.EqualFold(called, name):
			found = append(found, i)
		case strings.Contains(strings.ToLower(called), strings.ToLower(name)), strings.HasSuffix(id, ":"+name):
			like = append(like, fmt.Sprintf("%s (%s)", called, id))
		}
	}
	if len(found) == 1 {
		return &Explanation{PartnerID: r.text(found[0], "partner_id"), PartnerName: r.text(found[0], "partner_name")}, r.err
	}
	for _, i := range found {
		like = append(like, fmt.Sprintf("%s (%s)", r.text(i, "partner_name"), r.text(i, "partner_id")))
	}
	if len(found) > 1 {
		return nil, &UnknownNameError{Kind: "single partner", Name: name, Candidates: like}
	}
	return nil, &UnknownNameError{Kind: "partner", Name: name, Candidates: like[:min(len(like), candidatesShown)]}
}

// catalogEntry is a metric's published definition.
type catalogEntry struct{ id, name, definition, numerator, denominator, unit string }

func (c catalogEntry) line() string {
	text := fmt.Sprintf("%s, %s: %s", c.id, c.name, c.definition)
	if c.numerator != "" {
		text += " Numerator: " + c.numerator + "."
	}
	if c.denominator != "" {
		text += " Denominator: " + c.denominator + "."
	}
	return text
}

func catalogOf(ctx context.Context, db *warehouse.Reader, metric string) (catalogEntry, error) {
	table, err := db.Table(ctx, "metric_catalog")
	if err != nil {
		return catalogEntry{}, err
	}
	r := newRows(table)
	var names []string
	for i := range r.len() {
		name := r.text(i, "metric")
		if name == metric {
			return catalogEntry{r.text(i, "code"), r.text(i, "name"), r.text(i, "definition"),
				r.text(i, "numerator"), r.text(i, "denominator"), r.text(i, "unit")}, r.err
		}
		names = append(names, name)
	}
	return catalogEntry{}, &UnknownNameError{Kind: "metric", Name: metric, Candidates: similar(metric, names)}
}

// similar returns the names that may have been meant: those that are the same but for underscores, then those
// that share a word, or else the first few.
func similar(name string, names []string) []string {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "") }
	var same, near []string
	for _, candidate := range names {
		switch {
		case strings.Contains(plain(candidate), plain(name)):
			same = append(same, candidate)
		case slices.ContainsFunc(strings.Split(strings.ToLower(name), "_"), func(word string) bool {
			return len(word) > 2 && strings.Contains(candidate, word)
		}):
			near = append(near, candidate)
		}
	}
	out := slices.Concat(same, near)
	if len(out) == 0 {
		out = names
	}
	return out[:min(len(out), candidatesShown)]
}

// choosePeriod finds the row of a metric and period among those of a partner.
func choosePeriod(r *rows, metric, period string) (int, error) {
	best := -1
	var periods []string
	for i := range r.len() {
		if r.text(i, "metric") != metric || r.text(i, "scope_kind") != "partner" {
			continue
		}
		p := r.text(i, "period")
		if p == period {
			return i, r.err
		}
		periods = append(periods, p)
		if period != "" || best >= 0 && !newer(r, i, best) {
			continue
		}
		best = i
	}
	if best >= 0 {
		return best, r.err
	}
	if period == "" || len(periods) == 0 {
		return 0, &UnknownNameError{Kind: "number of this partner", Name: metric, Candidates: []string{"a definition of it in metric_catalog"}}
	}
	slices.Sort(periods)
	return 0, &UnknownNameError{Kind: "period of " + metric, Name: period, Candidates: periods}
}

// newer reports whether row i is a better period to show than row j when none is asked for: quarters before
// others, finished ones before running ones, later ones first.
func newer(r *rows, i, j int) bool {
	quality := func(i int) int {
		q := 0
		if isQuarter(r.text(i, "period")) {
			q += 2
		}
		if !r.truth(i, "is_partial") {
			q++
		}
		return q
	}
	if a, b := quality(i), quality(j); a != b {
		return a > b
	}
	return r.day(i, "period_start").After(r.day(j, "period_start"))
}

// isQuarter recognises a fiscal quarter such as 2026Q3.
func isQuarter(period string) bool {
	year, quarter, ok := strings.Cut(period, "Q")
	return ok && len(year) == 4 && len(quarter) == 1
}

// valueLine writes a metric with its parts: win_rate 2026Q3 = 4 / 11 = 0.364, 95 % interval 0.152 to 0.646.
func valueLine(r *rows, i int, unit string) string {
	value := r.text(i, "value")
	if amount := r.text(i, "amount"); amount != "" {
		value = amount
	} else if v := r.float(i, "value"); v != nil {
		value = fmt.Sprintf("%.4g", *v)
	}
	text := fmt.Sprintf("%s %s = ", r.text(i, "metric"), r.text(i, "period"))
	numerator, denominator := r.float(i, "numerator"), r.float(i, "denominator")
	if numerator != nil && denominator != nil {
		text += fmt.Sprintf("%s / %s = ", plainNumber(*numerator), plainNumber(*denominator))
	}
	if value == "" {
		value = "none (" + strings.ReplaceAll(r.text(i, "status"), "_", " ") + ")"
	}
	text += value
	if unit == "days" {
		text += " days"
	}
	if low, high := r.float(i, "low"), r.float(i, "high"); low != nil && high != nil {
		text += fmt.Sprintf("   95 %% interval %.4g to %.4g", *low, *high)
	}
	if status := r.text(i, "status"); status != "ok" && r.text(i, "value") != "" {
		text += "   (" + strings.ReplaceAll(status, "_", " ") + ")"
	}
	return text
}

// plainNumber writes whole numbers without decimals and others with four.
func plainNumber(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%d", int64(v))
	}
	return fmt.Sprintf("%.4f", v)
}

// besideLine writes what the QBR data set puts beside the number: peers, the quarter before, the year before and
// the target; "" where there is nothing.
func besideLine(ctx context.Context, db *warehouse.Reader, partnerID, metric, period string) (string, error) {
	table, err := db.Between(ctx, "rpt_qbr_partner_quarter", "partner_id", partnerID, partnerID)
	if err != nil {
		return "", err
	}
	r := newRows(table)
	var parts []string
	for i := range r.len() {
		if r.text(i, "metric") != metric || r.text(i, "period") != period || r.text(i, "scope_kind") != "partner" {
			continue
		}
		for _, beside := range []struct{ column, words string }{
			{"segment_median", "segment median"}, {"previous_value", "quarter before"}, {"year_ago_value", "year before"}, {"target_value", "target"},
		} {
			if v := r.float(i, beside.column); v != nil {
				parts = append(parts, fmt.Sprintf("%s %.4g", beside.words, *v))
			}
		}
	}
	return strings.Join(parts, ", "), r.err
}

// explainQuery returns the query of the records behind a metric or score, nil where there is none.
func explainQuery(ctx context.Context, name string) (*warehouse.Model, error) {
	graph, err := warehouse.Load(ctx, sql.Files)
	if err != nil {
		return nil, err
	}
	query, ok := graph.Explain(name)
	if !ok {
		return nil, nil
	}
	return query, nil
}

// ExplainScores returns how a partner stands tonight: its health with each signal's points, and its churn
// risk with what raises and lowers it.
func ExplainScores(ctx context.Context, db *warehouse.Reader, partner string) ([]*Explanation, error) {
	found, err := findPartner(ctx, db, partner)
	if err != nil {
		return nil, err
	}
	table, err := db.Between(ctx, "rpt_partner", "partner_id", found.PartnerID, found.PartnerID)
	if err != nil {
		return nil, err
	}
	r := newRows(table)
	r.sparse = true
	health, churn := *found, *found
	health.Lines = []string{healthLine(r)}
	churn.Lines = append([]string{"", riskLine(r)}, r.texts(0, "reason_1", "reason_2", "reason_3")...)
	for _, text := range r.texts(0, "lowers_1", "lowers_2") {
		churn.Lines = append(churn.Lines, "lowers it: "+text)
	}
	if r.err != nil {
		return nil, r.err
	}
	for _, part := range []struct {
		e     *Explanation
		query string
	}{{&health, "health_score"}, {&churn, "churn_risk"}} {
		query, err := explainQuery(ctx, part.query)
		if err != nil {
			return nil, err
		}
		if query == nil {
			return nil, fmt.Errorf("explain scores: the query explain/%s.sql is missing", part.query)
		}
		if part.e.Trail, err = db.Query(ctx, query.SQL, found.PartnerID); err != nil {
			return nil, fmt.Errorf("explain %s: %w", part.query, err)
		}
		// A partner without a score has nothing that adds up to one.
		if len(part.e.Trail.Rows) == 0 {
			part.e.Trail = nil
		}
	}
	return []*Explanation{&health, &churn}, nil
}

func healthLine(r *rows) string {
	stage := strings.ReplaceAll(r.text(0, "stage"), "_", " ")
	score := r.float(0, "health_score")
	if score == nil {
		return fmt.Sprintf("health: none (%s), stage %s", strings.ReplaceAll(r.text(0, "health_status"), "_", " "), stage)
	}
	text := fmt.Sprintf("health %.1f of 100, stage %s", *score, stage)
	if median := r.float(0, "health_28d_median"); median != nil {
		text += fmt.Sprintf(", median of the last 28 nights %.1f", *median)
	}
	return text
}

func riskLine(r *rows) string {
	p, low, high := r.float(0, "probability"), r.float(0, "low"), r.float(0, "high")
	if p == nil {
		return "churn risk: no probability (" + strings.ReplaceAll(r.text(0, "score_status"), "_", " ") + ")"
	}
	text := fmt.Sprintf("churn risk %.1f %%", *p*100)
	if low != nil && high != nil {
		text += fmt.Sprintf(" (95 %% interval %.1f to %.1f)", *low*100, *high*100)
	}
	return text + ", band " + r.text(0, "band")
}
