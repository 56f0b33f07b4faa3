package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// writeSummary ends a night at the terminal: who needs attention, what to know, what to open.
func writeSummary(w io.Writer, s *run.Summary) {
	a := s.Attention
	fmt.Fprintln(w)
	switch {
	case s.DryRun:
		printf(w, "Dry run: nothing was written. %s %s, of which %d would be refused.\n",
			plural(s.Exports.New, "new file holds", "new files hold"), plural(s.Ingest.Records, "record", "records"), s.Ingest.Rejected)
	case a.Partners == 0:
		fmt.Fprintln(w, "No partner needs attention tonight.")
	default:
		// The lists end at a limit per manager; partners beyond it need attention too, and are not counted here.
		printf(w, "%s to call, %s at stake; %s. First on the lists:\n", plural(a.Partners, "partner", "partners"),
			report.CompactMoney(s.Currency, a.AtStake), newTonight(a.New))
	}
	for _, top := range a.Top {
		risk := "by health"
		if top.Probability != nil {
			risk = "risk " + report.Percent(top.Probability)
		}
		printf(w, "  %-28s %-10s %-12s %s\n", top.Partner, risk, report.CompactMoney(s.Currency, top.AtStake), top.Reason)
	}
	if s.Score.Verdict != "" {
		printf(w, "Churn score: %s\n", s.Score.Verdict)
	}
	for _, warning := range s.Warnings {
		printf(w, "Warning: %s\n", warning)
	}
	switch {
	case s.KnownAt != "":
		printf(w, "Rebuilt as known at %s; the current night was not changed.\nOpen: %s\n", s.KnownAt, filepath.Join(s.Published, "pages", "index.html"))
	case s.Published != "":
		printf(w, "Open: %s\n", openPath(s))
	}
}

// newTonight says how many of those on the lists were not there in the nights before.
func newTonight(n int) string {
	if n == 0 {
		return "none of them new tonight"
	}
	return fmt.Sprintf("%d of them new tonight", n)
}

func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// writeWarnings is all that a night prints under cron.
func writeWarnings(w io.Writer, s *run.Summary) {
	for _, warning := range s.Warnings {
		printf(w, "partnerhealth: warning: %s\n", warning)
	}
}

func writeSummaryJSON(w io.Writer, s *run.Summary) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(s)
}
