package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// qbrVersion is the version of the QBR document; it changes when a field changes its meaning.
const qbrVersion = 1

type qbrDocument struct {
	Version  int        `json:"version"`
	Program  string     `json:"program"`
	Currency string     `json:"currency"`
	AsOf     string     `json:"as_of"`
	RunID    string     `json:"run_id"`
	Partner  qbrPartner `json:"partner"`
	Health   qbrHealth  `json:"health"`
	Risk     qbrRisk    `json:"risk"`
	// Expectations are the next quarter, or the first revenue of who has none yet.
	Expectations []qbrExpectation `json:"expectations"`
	Scorecard    []qbrMetric      `json:"scorecard"`
	Lists        []qbrList        `json:"lists"`
}

type qbrPartner struct {
	ID      string `json:"partner_id"`
	Name    string `json:"partner_name"`
	Type    string `json:"partner_type"`
	Segment string `json:"segment"`
	Tier    string `json:"tier"`
	Region  string `json:"region"`
	Stage   string `json:"stage"`
	Owner   string `json:"owner"`
}

type qbrHealth struct {
	Score      *float64    `json:"health_score"`
	Engagement *float64    `json:"engagement_score"`
	Status     string      `json:"status"`
	Signals    []qbrSignal `json:"signals"`
	Trend      []qbrPoint  `json:"trend"`
}

type qbrSignal struct {
	Signal       string   `json:"signal"`
	Value        *float64 `json:"value"`
	Low          *float64 `json:"low"`
	High         *float64 `json:"high"`
	Points       *float64 `json:"points"`
	Weight       *float64 `json:"weight"`
	Contribution *float64 `json:"contribution"`
	Status       string   `json:"status"`
}

type qbrPoint struct {
	On    string  `json:"on"`
	Value float64 `json:"value"`
}

type qbrRisk struct {
	Probability *float64 `json:"probability"`
	Low         *float64 `json:"low"`
	High        *float64 `json:"high"`
	Band        string   `json:"band"`
	Status      string   `json:"status"`
	Reasons     []string `json:"reasons"`
}

type qbrMetric struct {
	Metric            string   `json:"metric"`
	Name              string   `json:"name"`
	Period            string   `json:"period"`
	IsPartial         bool     `json:"is_partial"`
	Scope             string   `json:"scope"`
	Unit              string   `json:"unit"`
	Value             *float64 `json:"value"`
	Amount            string   `json:"amount,omitempty"`
	Numerator         *float64 `json:"numerator"`
	Denominator       *float64 `json:"denominator"`
	Low               *float64 `json:"low"`
	High              *float64 `json:"high"`
	N                 int64    `json:"n"`
	Status            string   `json:"status"`
	Previous          *float64 `json:"previous_quarter"`
	YearAgo           *float64 `json:"same_quarter_last_year"`
	Target            *float64 `json:"target"`
	Attainment        *float64 `json:"attainment"`
	SegmentMedian     *float64 `json:"segment_median"`
	RankBand          string   `json:"rank_band"`
	DefinitionVersion int64    `json:"definition_version"`
}

type qbrList struct {
	List   string `json:"list"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	DueOn  string `json:"due_on,omitempty"`
	Amount string `json:"amount,omitempty"`
	RefID  string `json:"ref_id"`
}

// WriteQBR writes the QBR data set of one partner as JSON: every quarter's scorecard beside its previous
// quarter, the same quarter last year, target and segment median, and the lists to talk about.
func WriteQBR(w io.Writer, n *Night, p *Partner) error {
	doc := qbrDocument{
		Version: qbrVersion, Program: n.Program, Currency: n.Currency, AsOf: n.AsOf.Format(time.DateOnly), RunID: n.RunID,
		Partner: qbrPartner{ID: p.ID, Name: p.Name, Type: p.Type, Segment: p.Segment, Tier: p.Tier, Region: p.Region, Stage: p.Stage, Owner: p.OwnerName},
		Health:  qbrHealth{Score: p.Health, Engagement: p.Engagement, Status: p.HealthStatus, Signals: []qbrSignal{}, Trend: []qbrPoint{}},
		Risk: qbrRisk{Probability: p.Probability, Low: p.ProbabilityLow, High: p.ProbabilityHigh, Band: p.Band,
			Status: p.ScoreStatus, Reasons: append([]string{}, p.Reasons...)},
		Expectations: qbrExpectations(p),
		Scorecard:    make([]qbrMetric, 0, len(p.Scorecard)), Lists: make([]qbrList, 0, len(p.Lists)),
	}
	for _, s := range p.Signals {
		doc.Health.Signals = append(doc.Health.Signals, qbrSignal{Signal: s.Name, Value: s.X, Low: s.Low, High: s.High,
			Points: s.Points, Weight: s.Weight, Contribution: s.Contribution, Status: s.Status})
	}
	for _, point := range p.HealthTrend {
		doc.Health.Trend = append(doc.Health.Trend, qbrPoint{On: point.On.Format(time.DateOnly), Value: point.Value})
	}
	for i := range p.Scorecard {
		l := &p.Scorecard[i]
		doc.Scorecard = append(doc.Scorecard, qbrMetric{Metric: l.Metric, Name: l.Name, Period: l.Period, IsPartial: l.IsPartial,
			Scope: l.Scope, Unit: l.Unit, Value: l.Value, Amount: l.Money, Numerator: l.Numerator, Denominator: l.Denominator,
			Low: l.Low, High: l.High, N: l.N, Status: l.Status, Previous: l.Previous, YearAgo: l.YearAgo, Target: l.Target,
			Attainment: l.Attainment, SegmentMedian: l.SegmentMedian, RankBand: l.RankBand, DefinitionVersion: l.DefinitionVersion})
	}
	for _, item := range p.Lists {
		doc.Lists = append(doc.Lists, qbrList(item))
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	if err := out.Encode(doc); err != nil {
		return fmt.Errorf("write QBR data of %s: %w", p.ID, err)
	}
	return nil
}
