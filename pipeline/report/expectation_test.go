package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
)

// The page tells an expectation in words with what to bear in mind; the review has its numbers, null where there is none.
func TestExpectationsAreToldOnThePageAndInTheReview(t *testing.T) {
	n := night()
	p := &report.Partner{ID: "new", Name: "New <b>Partner</b>", Expectations: []report.Expectation{{
		Purpose: "first_revenue", Title: "First revenue", Explanation: "first revenue expected in about 4 months (2 months or more)",
		Status: "expected", Method: "cox", Unit: "days", Value: f(120), Low: f(60), Verdict: "better than baseline", Caution: "Learned from <few>.",
	}}}
	pages, err := report.NewPages(n)
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := pages.Partner(&page, p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<b>First revenue:</b> first revenue expected in about 4 months (2 months or more).", "Learned from &lt;few&gt;."} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var review bytes.Buffer
	if err := report.WriteQBR(&review, n, p); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Expectations []map[string]any `json:"expectations"`
	}
	if err := json.Unmarshal(review.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	got := doc.Expectations[0]
	if got["purpose"] != "first_revenue" || got["value"] != 120.0 || got["low"] != 60.0 || got["high"] != nil || got["verdict"] != "better than baseline" {
		t.Errorf("the review has %v", got)
	}
}

// The overview lists the first applicants with the note that goes with every score, and nothing where nobody applied.
func TestOverviewListsApplicants(t *testing.T) {
	n := night()
	overview := func() string {
		pages, err := report.NewPages(n)
		if err != nil {
			t.Fatal(err)
		}
		var page bytes.Buffer
		if err := pages.Index(&page); err != nil {
			t.Fatal(err)
		}
		return page.String()
	}
	if strings.Contains(overview(), "Applicants") {
		t.Error("an empty list of applicants")
	}
	for i := range 20 {
		n.Applicants = append(n.Applicants, report.Applicant{
			ID: fmt.Sprint(i), Name: fmt.Sprintf("Applicant %02d", i), Status: "in_review", DaysWaiting: f(9), Score: f(71.4), Low: f(50), High: f(86),
			Reasons: []string{"source: referral"}, Note: "Only applicants who signed have an outcome."})
	}
	page := overview()
	for _, want := range []string{"Applicant 14", "71 (50 to 86)", "source: referral", "Only applicants who signed have an outcome."} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview lacks %q", want)
		}
	}
	if strings.Contains(page, "Applicant 15") {
		t.Error("the overview lists everybody")
	}
}
