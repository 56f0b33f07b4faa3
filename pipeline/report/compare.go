package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Comparison is the churn models of two nights side by side.
type Comparison struct {
	Before NightModel `json:"before"`
	After  NightModel `json:"after"`
	// IsSameModel says that both nights report the same model: nothing that it learns from had changed.
	IsSameModel bool `json:"is_same_model"`
	// Measures are those of the held-out quarters that either model has, in the order of the card.
	Measures []MeasureChange `json:"measures"`
	// Coefficients are all columns of either model, those that moved most first.
	Coefficients []CoefficientChange `json:"coefficients"`
	// Moves are the partners that have a probability on both nights, those that moved most first.
	Moves []RiskMove `json:"moves"`
	// Appeared have a probability on the second night only, Gone on the first only.
	Appeared int `json:"appeared"`
	Gone     int `json:"gone"`
}

// NightModel is the reported model of one night in the facts that are compared.
type NightModel struct {
	AsOf   string `json:"as_of"`
	RunID  string `json:"run_id"`
	Source string `json:"source"`
	// ModelID is "" where the night reports no model.
	ModelID   string   `json:"model_id"`
	Role      string   `json:"role"`
	Method    string   `json:"method"`
	Verdict   string   `json:"verdict"`
	Reason    string   `json:"reason,omitempty"`
	Lambda    *float64 `json:"lambda"`
	Training  Training `json:"training"`
	HeldOut   HeldOut  `json:"held_out"`
	Scored    int      `json:"scored"`
	HasChance bool     `json:"has_probabilities"`
}

// MeasureChange is one measure on both nights.
type MeasureChange struct {
	Name   string  `json:"name"`
	Before Measure `json:"before"`
	After  Measure `json:"after"`
}

// CoefficientChange is one column on both nights. Changes are of the coefficient per standard deviation, so that columns
// compare; a column that is not in a model counts as 0.
type CoefficientChange struct {
	Column string   `json:"column"`
	Before *float64 `json:"before"`
	After  *float64 `json:"after"`
	Change float64  `json:"change"`
}

// RiskMove is a partner's risk on both nights and what moved it. The parts and the refit add up to the change of the
// log-odds: parts are what the change of the partner's features makes at the first night's coefficients, Refit is
// what the change of the model makes.
type RiskMove struct {
	ID     string     `json:"partner_id"`
	Name   string     `json:"partner_name"`
	Before float64    `json:"before"`
	After  float64    `json:"after"`
	Change float64    `json:"change"`
	Logit  float64    `json:"change_log_odds"`
	Parts  []MovePart `json:"parts"`
	Refit  float64    `json:"model_refit"`
	// Note is why there are no parts: one of the nights scored the partner by the rate of its segment.
	Note string `json:"note,omitempty"`
	// BandBefore and BandAfter are the risk bands.
	BandBefore string `json:"band_before,omitempty"`
	BandAfter  string `json:"band_after,omitempty"`
}

// MovePart is what the change of one feature adds to the log-odds.
type MovePart struct {
	Feature string  `json:"feature"`
	LogOdds float64 `json:"log_odds"`
}

// Compare puts two nights side by side.
func Compare(before, after *ModelNight) *Comparison {
	a, b := before.Reported(), after.Reported()
	c := &Comparison{Before: nightModel(before, a), After: nightModel(after, b),
		Measures: []MeasureChange{}, Coefficients: []CoefficientChange{}, Moves: []RiskMove{}}
	if a == nil || b == nil {
		return c
	}
	c.IsSameModel = a.ID == b.ID
	for _, t := range trackMeasures() {
		x, y := a.Measures[t.key], b.Measures[t.key]
		if x.Value != nil || y.Value != nil {
			c.Measures = append(c.Measures, MeasureChange{t.key, x, y})
		}
	}
	c.Coefficients = coefficientChanges(a, b)
	c.compareScores(before, after, a)
	return c
}

func nightModel(n *ModelNight, m *ModelCard) NightModel {
	out := NightModel{AsOf: n.AsOf, RunID: n.RunID, Source: n.Source, Scored: len(n.Scored)}
	for i := range n.Scored {
		out.HasChance = out.HasChance || n.Scored[i].Probability != nil
	}
	if m != nil {
		out.ModelID, out.Role, out.Method, out.Verdict, out.Reason = m.ID, m.Role, m.Method, m.Verdict, m.Reason
		out.Lambda, out.Training, out.HeldOut = m.Choice.Lambda, m.Training, m.HeldOut
	}
	return out
}

func coefficientChanges(a, b *ModelCard) []CoefficientChange {
	out := []CoefficientChange{}
	index := map[string]int{}
	add := func(m *ModelCard, into func(*CoefficientChange) **float64) {
		for _, k := range m.Coefficients {
			if k.Standard == nil {
				continue
			}
			at, known := index[k.Column]
			if !known {
				at = len(out)
				index[k.Column] = at
				out = append(out, CoefficientChange{Column: k.Column})
			}
			*into(&out[at]) = k.Standard
		}
	}
	add(a, func(c *CoefficientChange) **float64 { return &c.Before })
	add(b, func(c *CoefficientChange) **float64 { return &c.After })
	for i := range out {
		out[i].Change = orZero(out[i].After) - orZero(out[i].Before)
	}
	slices.SortStableFunc(out, func(x, y CoefficientChange) int { return cmp.Compare(math.Abs(y.Change), math.Abs(x.Change)) })
	return out
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// compareScores tells each partner's move as that of its features at the coefficients of the first night, and that of
// the model.
func (c *Comparison) compareScores(before, after *ModelNight, model *ModelCard) {
	then := make(map[string]*Scored, len(before.Scored))
	for i := range before.Scored {
		if s := &before.Scored[i]; s.Probability != nil {
			then[s.ID] = s
		}
	}
	was, is := newScale(model, before.Columns), newScale(model, after.Columns)
	for i := range after.Scored {
		now := &after.Scored[i]
		if now.Probability == nil {
			continue
		}
		old := then[now.ID]
		if old == nil {
			c.Appeared++
			continue
		}
		delete(then, now.ID)
		m := RiskMove{ID: now.ID, Name: now.Name, Before: *old.Probability, After: *now.Probability,
			Change: *now.Probability - *old.Probability, Logit: *now.Logit - *old.Logit, BandBefore: old.Band, BandAfter: now.Band, Parts: []MovePart{}}
		switch {
		case old.Status == statusScored && now.Status == statusScored:
			m.explain(was.amounts(old.Values), is.amounts(now.Values))
		case now.Status == statusScored:
			m.Note = "scored by its own numbers now; too new before, so that the rate of its segment stood in"
		case old.Status == statusScored:
			m.Note = "the rate of its segment stands in; scored by its own numbers before"
		default:
			m.Note = "too new for numbers of its own; the rate of its segment changed"
		}
		c.Moves = append(c.Moves, m)
	}
	c.Gone = len(then)
	slices.SortStableFunc(c.Moves, func(a, b RiskMove) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)), strings.Compare(a.ID, b.ID))
	})
}

// statusScored is the status of a partner that the model scored.
const statusScored = "scored"

// explain splits the move: what changed at fixed coefficients, and the rest, which is the model.
func (m *RiskMove) explain(old, now map[string]float64) {
	m.Refit = m.Logit
	for feature := range now {
		if d := now[feature] - old[feature]; d != 0 {
			m.Parts = append(m.Parts, MovePart{feature, d})
		}
	}
	slices.SortFunc(m.Parts, func(a, b MovePart) int {
		return cmp.Or(cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds)), strings.Compare(a.Feature, b.Feature))
	})
	for _, part := range m.Parts {
		m.Refit -= part.LogOdds
	}
	// What is left when nothing was refitted is rounding.
	if math.Abs(m.Refit) < roundingLogOdds {
		m.Refit = 0
	}
}

// roundingLogOdds is what published numbers of ten digits may leave of a logit.
const roundingLogOdds = 1e-6

// scale holds the coefficients of a model in the order of a night's columns.
type scale struct {
	features     []string
	slope, about []float64
}

func newScale(m *ModelCard, columns []string) scale {
	known := map[string]*Coefficient{}
	for i := range m.Coefficients {
		known[m.Coefficients[i].Column] = &m.Coefficients[i]
	}
	// A recalibrated model stretches all of its log-odds.
	stretch := 1.0
	if m.Recalibration.Slope != nil {
		stretch = *m.Recalibration.Slope
	}
	s := scale{make([]string, len(columns)), make([]float64, len(columns)), make([]float64, len(columns))}
	for j, column := range columns {
		s.features[j] = wordsOf(column).feature
		if k := known[column]; k != nil && k.Value != nil && k.Center != nil {
			s.slope[j], s.about[j] = stretch**k.Value, *k.Center
		}
	}
	return s
}

// amounts are what each feature adds to the log-odds of the average partner; a missing value adds nothing.
func (s scale) amounts(values []*float64) map[string]float64 {
	out := map[string]float64{}
	for j, v := range values {
		if v != nil {
			out[s.features[j]] += s.slope[j] * (*v - s.about[j])
		} else {
			out[s.features[j]] += 0
		}
	}
	return out
}

// Sentence says what changed between the nights.
func (c *Comparison) Sentence() string {
	a, b := &c.Before, &c.After
	switch {
	case a.ModelID == "" && b.ModelID == "":
		return "Neither night reports a model."
	case a.ModelID == "":
		return fmt.Sprintf("%s reports no model.", a.AsOf)
	case b.ModelID == "":
		return fmt.Sprintf("%s reports no model.", b.AsOf)
	case a.HasChance && !b.HasChance:
		return fmt.Sprintf("The model of %s was published, on %s none is (%s): health ranks the partners.", a.AsOf, b.AsOf, Words(b.Verdict))
	case !a.HasChance && b.HasChance:
		return fmt.Sprintf("On %s no model was published (%s); on %s one is: it is %s.", a.AsOf, Words(a.Verdict), b.AsOf, b.Verdict)
	case !a.HasChance && !b.HasChance:
		return fmt.Sprintf("No model is published on either night (%s): health ranks the partners.", Words(b.Verdict))
	case c.IsSameModel:
		return "Both nights use the same model: what it learns from had not changed. A risk that moved did so because the partner's own numbers did."
	}
	text := "The model was refitted: what it learns from, or a definition, had changed."
	if a.Verdict != b.Verdict {
		text += fmt.Sprintf(" Its verdict went from %s to %s.", a.Verdict, b.Verdict)
	}
	return text
}
