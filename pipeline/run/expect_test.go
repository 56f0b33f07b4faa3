package run_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/report"
)

// What a night publishes of the future: a row for everybody whom it concerns, one card a purpose, and the same words on
// the partner's page and in its review.
func TestTheNightSaysWhatToExpect(t *testing.T) {
	t.Parallel()
	n := ledgerNight(t)
	db := open(t, n.config)
	none := func(what, statement string) {
		t.Helper()
		if rows := query(t, db, statement); len(rows) > 0 {
			t.Errorf("%s: %d, such as %v", what, len(rows), rows[0])
		}
	}
	if got := query(t, db, `SELECT purpose FROM expectation_card
		WHERE reason IS NOT NULL AND verdict IN ('better than baseline', 'no better than baseline', 'insufficient_events', 'not fitted') ORDER BY 1`); len(got) != 3 {
		t.Errorf("cards of %v", got)
	}
	none("partners in the programme without a next quarter", `SELECT partner_id FROM dim_partner ANTI JOIN score_partner_next_quarter USING (partner_id)
		WHERE exited_on IS NULL AND status NOT IN ('prospect', 'terminated') AND signed_on IS NOT NULL`)
	none("partners that wait and have revenue", `SELECT wait.partner_id FROM score_partner_first_revenue AS wait
		JOIN fct_metric AS metric ON metric.scope_kind = 'partner' AND metric.scope_id = wait.partner_id
		WHERE metric.metric = 'bookings' AND metric.value > 0 AND metric.period LIKE '____Q_'`)
	// The as-of date ends a fiscal quarter, whose line in the review the last three months must equal.
	none("last quarters that differ from the review", `SELECT next.partner_id, next.last_quarter, review.value
		FROM score_partner_next_quarter AS next
		JOIN rpt_qbr_partner_quarter AS review USING (partner_id)
		WHERE review.metric = 'bookings' AND review.period = '2027Q3' AND next.quarter = '2027Q4'
			AND abs(next.last_quarter - review.value) > 0.005`)
	if got := query(t, db, `SELECT count(*) > 20 FROM score_partner_next_quarter JOIN rpt_qbr_partner_quarter AS review USING (partner_id)
		WHERE review.metric = 'bookings' AND review.period = '2027Q3' AND quarter = '2027Q4' AND last_quarter > 0`); got[0][0] != "true" {
		t.Error("hardly a partner was compared with its review")
	}
	if got := query(t, db, "SELECT count(*) FROM rpt_applicant WHERE note IS NOT NULL"); got[0][0] == "0" {
		t.Error("no applicant waits for a decision")
	}

	folder, err := publish.Current(n.config.State)
	if err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []string{"first_revenue", "next_quarter"} {
		rows := query(t, db, "SELECT partner_id, explanation FROM rpt_partner_expectation WHERE purpose = ? ORDER BY status <> 'expected', partner_id LIMIT 1", purpose)
		if len(rows) == 0 {
			t.Errorf("nobody has a %s", purpose)
			continue
		}
		name := report.FileName(rows[0][0])
		data, err := os.ReadFile(filepath.Join(folder, "qbr", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var review struct {
			Expectations []struct{ Purpose, Explanation string } `json:"expectations"`
		}
		if err := json.Unmarshal(data, &review); err != nil {
			t.Fatal(err)
		}
		if len(review.Expectations) != 1 || review.Expectations[0].Purpose != purpose || review.Expectations[0].Explanation != rows[0][1] {
			t.Errorf("the review of %s says %v, the table %q", rows[0][0], review.Expectations, rows[0][1])
		}
		page, err := os.ReadFile(filepath.Join(folder, "pages", "partners", name+".html"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), rows[0][1]) {
			t.Errorf("the page of %s does not say %q", rows[0][0], rows[0][1])
		}
	}
}
