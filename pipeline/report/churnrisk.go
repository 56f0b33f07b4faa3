package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ChurnRiskFile is the name of the page that explains the churn risk, beside index.html.
const ChurnRiskFile = "churn-risk.html"

// BacktestPlotFile is the name of the plot of the backtest, beside index.html; a night without a judged quarter has
// none.
const BacktestPlotFile = "churn-backtest.svg"

// HasBacktest reports whether a past quarter could be judged, so that there is something to plot.
func (n *ModelNight) HasBacktest() bool { return len(n.judged()) > 0 && n.BacktestTotal() != nil }

// churnRisk is what the page on the churn risk shows, in the words of a partner manager.
type churnRisk struct {
	*Night
	Models *ModelNight
	// Model is the regression, published or not; nil where none was tried. Reported ranks the partners tonight.
	Model, Reported *ModelCard
	IsPublished     bool
	Horizon         int64
	// Highest is the partner with the highest risk tonight, Median the risk that half of the partners are below.
	Highest *Partner
	Median  *float64
	// Count of partners by why they have no risk of their own.
	Cold, NoEvent, Left int
	Bands               []bandInWords
	Drivers             []driverInWords
	Weak                []string
	// Groups are those with enough departures to judge by, FewGroups counts the others.
	Groups        []groupInWords
	FewGroups     int
	Moves         []moveInWords
	Plot          template.HTML
	BacktestWords string
}

// bandInWords is a risk band with its record as so many of ten.
type bandInWords struct {
	RiskBand
	OfTen, Range string
}

// driverInWords is a feature with what more of it does to the risk.
type driverInWords struct {
	What, Direction, Strength string
	// Points are the strength as a share of the strongest, 0 to 100.
	Points *float64
}

// groupInWords is how right the score was for one group.
type groupInWords struct {
	Group
	Kind, Verdict string
	IsOff         bool
}

// moveInWords is a partner whose risk moved, and mostly why.
type moveInWords struct {
	ID, Name, Before, After, Why string
}

// ChurnRisk writes the page that explains the churn risk to a partner manager, from the night's own numbers.
func (p *Pages) ChurnRisk(w io.Writer) error {
	v, err := p.churnRisk()
	if err != nil {
		return err
	}
	return p.execute(w, ChurnRiskFile, v)
}

func (p *Pages) churnRisk() (*churnRisk, error) {
	n := p.night.Models
	if n == nil {
		n = &ModelNight{Currency: p.night.Currency}
	}
	v := &churnRisk{Night: p.night, Models: n, Model: n.Regression(), Reported: n.Reported(), BacktestWords: n.backtestPlainly()}
	v.IsPublished = v.Reported != nil && v.Reported.Role == rolePublished
	v.Horizon = p.horizon()
	v.count()
	// Bands in which nobody was ever held out say nothing of how good the score was.
	if v.Reported != nil && slices.ContainsFunc(v.Reported.Bands, func(b RiskBand) bool { return b.Observed.Value != nil }) {
		for _, b := range v.Reported.Bands {
			v.Bands = append(v.Bands, bandInWords{b, ofTen(b.Observed.Value), ofTenRange(b.Observed)})
		}
	}
	if v.IsPublished {
		v.Drivers, v.Weak = driversInWords(v.Reported.Coefficients)
		v.Groups, v.FewGroups = groupsInWords(v.Reported.Groups)
		v.Moves = movesInWords(p.night.Change)
	}
	if n.HasBacktest() {
		svg, err := PlotBacktest(n)
		if err != nil {
			return nil, err
		}
		v.Plot = template.HTML(svg) //nolint:gosec // our own drawing, its texts are escaped
	}
	return v, nil
}

// horizon is in how many days the score looks for churn; 0 where the night has no model.
func (p *Pages) horizon() int64 {
	if p.night.Models == nil {
		return 0
	}
	if m := p.night.Models.Reported(); m != nil {
		return m.HorizonDays
	}
	return 0
}

// count takes stock of tonight's risks and of the partners without one.
func (v *churnRisk) count() {
	var risks []float64
	for i := range v.Partners {
		q := &v.Partners[i]
		switch q.ScoreStatus {
		case "cold_start":
			v.Cold++
		case "no_commercial_event":
			v.NoEvent++
		case "exited", "churned":
			v.Left++
		}
		if q.Probability == nil || q.ScoreStatus != statusScored {
			continue
		}
		risks = append(risks, *q.Probability)
		if v.Highest == nil || *q.Probability > *v.Highest.Probability {
			v.Highest = q
		}
	}
	if len(risks) > 0 {
		slices.Sort(risks)
		v.Median = &risks[len(risks)/2]
	}
}

// ofTen says a share as so many of ten, or, where that is less than one, as one of so many.
func ofTen(share *float64) string {
	switch {
	case share == nil:
		return noValue
	case *share == 0:
		return "none"
	case *share < 0.095:
		return "about 1 of " + strconv.FormatFloat(math.Round(1 / *share), 'f', 0, 64)
	case *share > 0.95:
		return "nearly all of 10"
	}
	return "about " + strconv.FormatFloat(math.Round(10**share), 'f', 0, 64) + " of 10"
}

// longDay writes YYYY-MM-DD as people do; what is no day stays as it is.
func longDay(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 January 2006")
}

// ofTenRange is the interval of a share in whole per cent.
func ofTenRange(m Measure) string {
	if m.Low == nil || m.High == nil {
		return ""
	}
	return Percent(m.Low) + " to " + Percent(m.High)
}

// Strengths of a feature, by the change of the log-odds for a difference between partners that is usual, a standard
// deviation: the odds of leaving change by half, by a fifth, by a twentieth.
var strengths = []struct {
	least float64
	words string
}{{math.Log(1.5), "strong"}, {math.Log(1.2), "clear"}, {math.Log(1.05), "slight"}}

// driversInWords returns the features that count, strongest first, and those that hardly do.
func driversInWords(coefficients []Coefficient) (strong []driverInWords, weak []string) {
	ordered := slices.DeleteFunc(slices.Clone(coefficients), func(c Coefficient) bool { return c.Column == intercept || c.Standard == nil })
	slices.SortStableFunc(ordered, func(a, b Coefficient) int { return cmp.Compare(math.Abs(*b.Standard), math.Abs(*a.Standard)) })
	for _, c := range ordered {
		size := math.Abs(*c.Standard)
		words := ""
		for _, s := range strengths {
			if size >= s.least {
				words = s.words
				break
			}
		}
		if words == "" {
			weak = append(weak, wordsOf(c.Column).what)
			continue
		}
		direction := "raises"
		if *c.Standard < 0 {
			direction = "lowers"
		}
		points := 100 * size / math.Abs(*ordered[0].Standard)
		strong = append(strong, driverInWords{What: upperFirst(wordsOf(c.Column).what), Direction: direction, Strength: words, Points: &points})
	}
	return strong, weak
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// groupKind is what partners are grouped by.
func groupKind(kind string) string {
	switch kind {
	case "tenure":
		return "time in business with us"
	case "partner_type":
		return "type of partner"
	case "size":
		return "size by revenue"
	default:
		return Words(kind)
	}
}

// groupsInWords says for each group whether the score was right for it, and how many groups have too few departures
// to say.
func groupsInWords(groups []Group) (out []groupInWords, few int) {
	for _, g := range groups {
		o := g.ObservedExpected.Value
		if g.Status == "insufficient" || o == nil {
			few++
			continue
		}
		w := groupInWords{Group: g, Kind: groupKind(g.Kind), Verdict: "as right as for others", IsOff: g.isOff()}
		switch {
		case w.IsOff && *o > 1:
			w.Verdict = "too low: more left than it expected"
		case w.IsOff:
			w.Verdict = "too high: fewer left than it expected"
		}
		out = append(out, w)
	}
	return out, few
}

// pageMoves is how many partners whose risk moved the page names, and pageMove the least move that is named.
const (
	pageMoves = 5
	pageMove  = 0.02
)

func movesInWords(c *Comparison) []moveInWords {
	if c == nil {
		return nil
	}
	var out []moveInWords
	for i := range c.Moves {
		m := &c.Moves[i]
		if math.Abs(m.Change) < pageMove || len(out) == pageMoves {
			break
		}
		why := "many small changes"
		switch {
		case m.Note != "":
			why = m.Note
		case len(m.Parts) > 0 && math.Abs(m.Parts[0].LogOdds) >= math.Abs(m.Refit):
			why = "mostly " + wordsOf(m.Parts[0].Feature).what
		case m.Refit != 0:
			why = "mostly the model, which learned from newer outcomes"
		}
		out = append(out, moveInWords{m.ID, m.Name, Percent(&m.Before), Percent(&m.After), why})
	}
	return out
}

// backtestPlainly is the backtest in a partner manager's words.
func (n *ModelNight) backtestPlainly() string {
	t, judged := n.BacktestTotal(), n.judged()
	if t == nil || len(judged) == 0 || t.Precision.Value == nil {
		return n.BacktestSentence()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "At the start of %s it would have raised %s. ", quartersText(judged), count(int(t.Flagged), "flag", "flags"))
	if t.Caught == 0 {
		b.WriteString("After none of them the partner left.")
	} else {
		fmt.Fprintf(&b, "After %s of them the partner left: %s.", integer(t.Caught), ofTen(t.Precision.Value))
	}
	if t.PrecisionRecency != nil {
		fmt.Fprintf(&b, " Of as many partners picked by the days since their last deal alone, %s left", ofTen(t.PrecisionRecency))
		if t.BaseRate != nil {
			fmt.Fprintf(&b, "; of all partners, %s", ofTen(t.BaseRate))
		}
		b.WriteString(".")
	}
	switch k := n.ruled(); {
	case k == 0:
	case k == len(judged):
		b.WriteString(" No model was good enough yet to be used then; fixed rules raised the flags.")
	default:
		fmt.Fprintf(&b, " In %d of these quarters no model was good enough yet to be used; there, fixed rules raised the flags.", k)
	}
	b.WriteString(n.lossesPlainly(t))
	return b.String()
}

// lossesPlainly says how many of those that left had been flagged; "" where nobody left.
func (n *ModelNight) lossesPlainly(t *BacktestQuarter) string {
	switch {
	case t.Losses == 0:
		return ""
	case t.LossesCaught == 0:
		return fmt.Sprintf(" It had flagged none of the %s in that time.", count(int(t.Losses), "partner that left", "partners that left"))
	}
	text := fmt.Sprintf(" Of the %s in that time, it had flagged %s", count(int(t.Losses), "partner that left", "partners that left"), integer(t.LossesCaught))
	if t.MedianLeadDays != nil {
		text += fmt.Sprintf(", half of them %s or more ahead", count(int(math.Round(*t.MedianLeadDays)), "day", "days"))
	}
	if t.RevenueCaughtShare != nil {
		text += fmt.Sprintf("; with them went %s of the revenue that was lost", Percent(t.RevenueCaughtShare))
	}
	return text + "."
}

// quartersText names the quarters that were judged.
func quartersText(judged []BacktestQuarter) string {
	if len(judged) == 1 {
		return "one past quarter, " + judged[0].Quarter + ","
	}
	return fmt.Sprintf("%d past quarters, %s to %s,", len(judged), judged[0].Quarter, judged[len(judged)-1].Quarter)
}

// times says an AUC as so many times of a hundred.
func times(auc *float64) string {
	if auc == nil {
		return noValue
	}
	return strconv.FormatFloat(math.Round(100**auc), 'f', 0, 64)
}

// measureOf returns the value of a measure of a card, nil where there is none.
func measureOf(m *ModelCard, name string) *float64 {
	if m == nil {
		return nil
	}
	return m.Measures[name].Value
}

// forTen says observed over expected as departures for ten that were expected.
func forTen(ratio *float64) string {
	if ratio == nil {
		return noValue
	}
	return strconv.FormatFloat(math.Round(10**ratio), 'f', 0, 64)
}

// since names the night that tonight is compared with.
func since(c *Comparison) string {
	if c == nil {
		return ""
	}
	return "since " + longDay(c.Before.AsOf)
}
