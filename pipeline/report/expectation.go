package report

import (
	"strings"
	"unicode/utf8"
)

// Expectation is what may be expected of a partner: its first revenue, or its next quarter.
type Expectation struct {
	// Purpose is first_revenue or next_quarter, Title what it is about, Explanation the expectation in words.
	Purpose, Title, Explanation string
	// Status is expected, or says why there is no number; Method made the number.
	Status, Method string
	// Period is the fiscal quarter, for next_quarter; Unit is days or money.
	Period, Unit     string
	Value, Low, High *float64
	// Verdict says how the method did later in time, Caution what to bear in mind.
	Verdict, Caution string
}

// Applicant is an application that waits for a decision, or was approved lately, with its look-alike score.
type Applicant struct {
	ID, Name, SubmittedOn, Status string
	// DaysWaiting is nil once the application is decided.
	DaysWaiting      *float64
	Score, Low, High *float64
	Reasons          []string
	// Note says what to bear in mind, or why there is no score.
	Note string
}

// applicantsShown is how many applicants the overview lists.
const applicantsShown = 15

// ApplicantsShown are those that the overview lists.
func (n *Night) ApplicantsShown() []Applicant {
	return n.Applicants[:min(len(n.Applicants), applicantsShown)]
}

// ApplicantNote is what to bear in mind about all of them.
func (n *Night) ApplicantNote() string {
	if len(n.Applicants) == 0 {
		return ""
	}
	note := n.Applicants[0].Note
	_, first := utf8.DecodeRuneInString(note)
	return strings.ToUpper(note[:first]) + note[first:] // the reason of a card begins small
}

type qbrExpectation struct {
	Purpose     string   `json:"purpose"`
	Title       string   `json:"title"`
	Explanation string   `json:"explanation"`
	Status      string   `json:"status"`
	Method      string   `json:"method,omitempty"`
	Period      string   `json:"period,omitempty"`
	Unit        string   `json:"unit"`
	Value       *float64 `json:"value"`
	Low         *float64 `json:"low"`
	High        *float64 `json:"high"`
	Verdict     string   `json:"verdict,omitempty"`
	Caution     string   `json:"caution,omitempty"`
}

func qbrExpectations(p *Partner) []qbrExpectation {
	out := make([]qbrExpectation, 0, len(p.Expectations))
	for _, e := range p.Expectations {
		out = append(out, qbrExpectation(e))
	}
	return out
}
