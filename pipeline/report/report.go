// Package report tells the night's story to people: alert lists for partner managers, QBR data sets,
// and pages that open in any browser.
//
// It takes plain structs and writes to an io.Writer; it knows nothing of databases, folders or clocks.
// All text that came from an export is escaped for the medium it goes into: HTML by html/template,
// spreadsheets by WriteAlertCSV.
package report

import (
	"fmt"
	"slices"
	"time"
)

// Night is everything that one night's reports are made of.
type Night struct {
	Program  string
	Currency string
	AsOf     time.Time
	RunID    string
	Version  string
	Headline []Figure
	Alerts   []Alert
	Partners []Partner
	Model    Model
	Checks   []Check
	Feeds    []Feed
	// Applicants wait for a decision or were approved lately.
	Applicants []Applicant
	Warnings   []string
	// Models are the night's churn models, Change what changed since an earlier night; nil where there is none.
	Models *ModelNight
	Change *Comparison
}

// Number is a published number with its uncertainty. Value is nil where the metric has none, and Status
// says why, or what to bear in mind about it. Money is the exact decimal text in the reporting currency; it is "" for other units.
type Number struct {
	Value, Low, High       *float64
	Money                  string
	Numerator, Denominator *float64
	N                      int64
	Unit, Status           string
	IsPartial              bool
}

// Figure is one line of the overview: a number with its name and the period that it covers.
type Figure struct {
	Metric, Name, Period, Definition string
	Number
}

// Alert is one partner and one cause that a partner manager should act on.
type Alert struct {
	ID, PartnerID, PartnerName string
	OwnerKey, OwnerName        string
	Stage, Cause, Severity     string
	Rank                       int64
	Probability, Health        *float64
	Band                       string
	LastGoodValue, LastGoodOn  string
	TrailingRevenue, AtStake   string
	Reasons                    []string
	Suggestion                 string
	IsNew, IsListed, IsMuted   bool
	MuteReason                 string
	// Basis says what the rank rests on: the churn model, or health where there is no probability.
	Basis string
}

// Model is the churn model's card in the few facts that a page shows.
type Model struct {
	Method, Verdict, Reason   string
	Events                    int64
	AUC, AUCLow, AUCHigh      *float64
	AUCRecency, Brier         *float64
	CalibrationSlope          *float64
	Bands                     []Band
	HoldoutFrom, HoldoutUntil string
}

// Band is a risk band with its track record in the held-out quarters.
type Band struct {
	Name            string
	Partners        int64
	Events          int64
	ObservedPercent *float64
}

// HasRecord reports whether anybody was flagged in the held-out quarters, so that the bands have a track record.
func (m *Model) HasRecord() bool {
	return slices.ContainsFunc(m.Bands, func(b Band) bool { return b.ObservedPercent != nil })
}

// Check is one data-quality check that found something.
type Check struct {
	Name, Severity, Meaning, Sample, NextStep string
	FailedRows                                int64
}

// Feed is one source and object with the time of its newest export.
type Feed struct {
	Source, Object string
	ReceivedAt     time.Time
	IsStale        bool
}

// Partner is one partner's page and QBR data set.
type Partner struct {
	ID, Name, Type, Segment, Tier, Region, Stage, OwnerName string
	Status                                                  string
	Health, Engagement                                      *float64
	HealthStatus                                            string
	HealthTrend                                             []Point
	Probability, ProbabilityLow, ProbabilityHigh            *float64
	Band, ScoreStatus                                       string
	Signals                                                 []Signal
	Reasons                                                 []string
	// Lowers is what speaks against the risk.
	Lowers       []string
	Scorecard    []ScorecardLine
	Lists        []ListItem
	Expectations []Expectation
}

// Point is one value of a trend; it holds what was dated before On.
type Point struct {
	On    time.Time
	Value float64
}

// Signal is one part of the health score; the contributions of all signals add up to it.
type Signal struct {
	// Name is the signal, Title what people call it, Position its place in the telling.
	Name, Title          string
	Position             int64
	Status               string
	X, Low, High, Points *float64
	Weight, Contribution *float64
	Stage, Note          string
}

// ScorecardLine is one metric of one fiscal quarter beside what it is compared with.
type ScorecardLine struct {
	Metric, Name, Period, Scope string
	Number
	Previous, YearAgo, Target *float64
	Attainment, SegmentMedian *float64
	RankBand, Better          string
	DefinitionVersion         int64
}

// ListItem is one line of a list to talk about in the QBR.
type ListItem struct {
	List, Title, Detail, DueOn, Amount, RefID string
}

// Validate reports whether the night can be reported: every alert names a partner and a cause.
func (n *Night) Validate() error {
	for i := range n.Alerts {
		if n.Alerts[i].PartnerID == "" || n.Alerts[i].Cause == "" {
			return fmt.Errorf("alert %q: needs a partner and a cause", n.Alerts[i].ID)
		}
	}
	return nil
}
