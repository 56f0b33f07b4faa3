package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
)

const (
	coefficientsShown = 8
	movesShown        = 10
	partsShown        = 3
	// leastCoefficient, leastMove and leastPart are changes that are told.
	leastCoefficient, leastMove, leastPart = 0.005, 0.001, 0.01
)

// WriteComparison writes two nights side by side for a person.
func WriteComparison(w io.Writer, c *Comparison) error {
	s := &sheet{}
	a, b := &c.Before, &c.After
	s.title(fmt.Sprintf("Churn model, %s beside %s", a.AsOf, b.AsOf))
	for _, n := range []*NightModel{a, b} {
		if n.Source == FromRecord {
			s.text(fmt.Sprintf("The folder of %s is no longer kept; its side is from the record in runs/%s.", n.AsOf, n.RunID))
		}
	}
	s.text(c.Sentence())
	s.blank()
	rows := [][]string{{"", a.AsOf, b.AsOf}}
	for _, fact := range []struct {
		name string
		text func(*NightModel) string
	}{
		{"run", func(n *NightModel) string { return n.RunID }},
		{"model", func(n *NightModel) string { return orNone(n.ModelID) }},
		{"role", func(n *NightModel) string { return Words(n.Role) }},
		{"method", func(n *NightModel) string { return methodName(n.Method) }},
		{"lambda", func(n *NightModel) string { return significant(n.Lambda) }},
		{"verdict", func(n *NightModel) string { return n.Verdict }},
		{"window", func(n *NightModel) string { return span(n.Training.From, n.Training.To) }},
		{"churns (E)", func(n *NightModel) string { return integer(n.Training.Churns) }},
		{"partner-months", func(n *NightModel) string { return integer(n.Training.Rows) }},
		{"held out", func(n *NightModel) string { return span(n.HeldOut.From, n.HeldOut.To) }},
		{"partners scored", func(n *NightModel) string { return integer(int64(n.Scored)) }},
	} {
		rows = append(rows, []string{fact.name, fact.text(a), fact.text(b)})
	}
	for _, m := range c.Measures {
		for _, t := range trackMeasures() {
			if t.key == m.Name {
				rows = append(rows, []string{t.name, measureText(m.Before, t.digits), measureText(m.After, t.digits)})
			}
		}
	}
	s.table(rows, "lll")
	c.writeCoefficients(s)
	c.writeMoves(s)
	return s.writeTo(w)
}

func orNone(text string) string { return cmp.Or(text, "none") }

func span(from, to string) string {
	if from == "" {
		return noValue
	}
	return from + " to " + to
}

func (c *Comparison) writeCoefficients(s *sheet) {
	rows := [][]string{{"column", "before", "after", "change"}}
	for _, k := range c.Coefficients {
		if k.Column == intercept || math.Abs(k.Change) < leastCoefficient || len(rows) > coefficientsShown {
			continue
		}
		rows = append(rows, []string{k.Column, cmp.Or(signed(k.Before, 2), "not in it"), cmp.Or(signed(k.After, 2), "not in it"), signed(&k.Change, 2)})
	}
	if len(rows) == 1 {
		return
	}
	s.heading("Coefficients that moved most, per standard deviation")
	s.table(rows, "lrrr")
}

func (c *Comparison) writeMoves(s *sheet) {
	if !c.Before.HasChance || !c.After.HasChance {
		return
	}
	s.heading("Partners whose risk moved most")
	shown := 0
	for i := range c.Moves {
		m := &c.Moves[i]
		if math.Abs(m.Change) < leastMove || shown == movesShown {
			break
		}
		shown++
		s.item(fmt.Sprintf("%s: %s to %s; %s", m.Name, Percent(&m.Before), Percent(&m.After), m.words()))
	}
	if shown == 0 {
		s.part("No partner's risk moved by a tenth of a percentage point.")
	} else {
		s.part("In log-odds, at the coefficients of the first night; model refit is what the new coefficients make. They add up to the change.")
	}
	if c.Appeared+c.Gone > 0 {
		s.part(fmt.Sprintf("%s a risk on %s only, %s on %s only.", count(c.Appeared, "partner has", "partners have"), c.After.AsOf,
			count(c.Gone, "partner", "partners"), c.Before.AsOf))
	}
}

// words tells the largest parts of a move.
func (m *RiskMove) words() string {
	if m.Note != "" {
		return m.Note
	}
	var parts []string
	rest := 0.0
	for i, p := range m.Parts {
		if i >= partsShown || math.Abs(p.LogOdds) < leastPart {
			rest += p.LogOdds
			continue
		}
		parts = append(parts, p.Feature+" "+signed(&p.LogOdds, 2))
	}
	if math.Abs(rest) >= leastPart {
		parts = append(parts, "other features "+signed(&rest, 2))
	}
	if math.Abs(m.Refit) >= leastPart {
		parts = append(parts, "model refit "+signed(&m.Refit, 2))
	}
	if len(parts) == 0 {
		return "many small changes"
	}
	return strings.Join(parts, ", ")
}
