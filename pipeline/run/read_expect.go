package run

import (
	"cmp"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
)

func readExpectation(p *report.Partner, r *rows, i int) {
	p.Expectations = append(p.Expectations, report.Expectation{
		Purpose: r.text(i, "purpose"), Title: r.text(i, "title"), Explanation: r.text(i, "explanation"), Status: r.text(i, "status"),
		Method: r.text(i, "method"), Period: r.text(i, "period"), Unit: r.text(i, "unit"), Value: r.float(i, "value"),
		Low: r.float(i, "low"), High: r.float(i, "high"), Verdict: r.text(i, "verdict"), Caution: r.text(i, "caution")})
}

// readApplicants reads the applicants, the highest score first.
func readApplicants(n *report.Night, r *rows) {
	rank := map[string]int64{}
	for i := range r.len() {
		a := report.Applicant{
			ID: r.text(i, "application_id"), Name: r.text(i, "applicant_name"), SubmittedOn: r.text(i, "submitted_on"),
			Status: r.text(i, "application_status"), DaysWaiting: r.float(i, "days_waiting"), Score: r.float(i, "score"),
			Low: r.float(i, "low"), High: r.float(i, "high"), Reasons: r.texts(i, "reason_1", "reason_2", "reason_3"), Note: r.text(i, "note")}
		rank[a.ID] = r.integer(i, "rank")
		n.Applicants = append(n.Applicants, a)
	}
	slices.SortFunc(n.Applicants, func(a, b report.Applicant) int { return cmp.Compare(rank[a.ID], rank[b.ID]) })
}
