package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// BacktestQuarter is one quarter of the walk-forward backtest: the alerts that a model of that time would have
// raised, against what then happened. The quarter called total sums up those whose outcome is known.
type BacktestQuarter struct {
	Quarter    string `json:"quarter"`
	SnapshotOn string `json:"snapshot_on,omitempty"`
	// Method that ranked the partners then; "" where none did.
	Method        string `json:"method,omitempty"`
	TrainedChurns int64  `json:"trained_churns"`
	AtRisk        int64  `json:"at_risk"`
	Flagged       int64  `json:"flagged"`
	Churned       int64  `json:"churned"`
	// Caught is how many of the flagged churned within the horizon.
	Caught int64 `json:"caught"`
	// Losses are distinct churns: a partner lost within the horizon of two quarter starts is one. LossesCaught were
	// flagged at one quarter start at least.
	Losses       int64   `json:"losses"`
	LossesCaught int64   `json:"losses_caught"`
	Precision    Measure `json:"precision"`
	Recall       Measure `json:"recall"`
	// BaseRate is the share of all at risk that churned, Lift the precision over it.
	BaseRate *float64 `json:"base_rate"`
	Lift     *float64 `json:"lift"`
	AUC      *float64 `json:"auc"`
	// PrecisionRecency is the precision of as many partners flagged by recency alone.
	PrecisionRecency *float64 `json:"precision_recency"`
	// MedianLeadDays is the median time from a loss's first flag to the loss.
	MedianLeadDays   *float64 `json:"median_lead_days"`
	ShortestLeadDays *float64 `json:"shortest_lead_days"`
	// RevenueChurned is the revenue of the losses in the year before, RevenueCaught of those caught: decimal texts.
	RevenueChurned     string   `json:"revenue_churned,omitempty"`
	RevenueCaught      string   `json:"revenue_caught,omitempty"`
	RevenueCaughtShare *float64 `json:"revenue_caught_share"`
	IsMatured          bool     `json:"is_matured"`
	Status             string   `json:"status,omitempty"`
	Reason             string   `json:"reason,omitempty"`
}

// backtestTotal is the name of the row that sums up the quarters.
const backtestTotal = "total"

// BacktestTotal returns the row that sums up the backtest, nil where there is none.
func (n *ModelNight) BacktestTotal() *BacktestQuarter {
	for i := range n.Backtest {
		if n.Backtest[i].Quarter == backtestTotal {
			return &n.Backtest[i]
		}
	}
	return nil
}

// judged returns the quarters in which somebody was flagged and whose outcome is known.
func (n *ModelNight) judged() []BacktestQuarter {
	var out []BacktestQuarter
	for _, q := range n.Backtest {
		if q.Quarter != backtestTotal && q.IsMatured && q.Flagged > 0 && q.Precision.Value != nil {
			out = append(out, q)
		}
	}
	return out
}

// ruled counts the judged quarters in which the rule score raised the flags, because no model was published.
func (n *ModelNight) ruled() int {
	out := 0
	for _, q := range n.judged() {
		if q.Method == methodScorecard {
			out++
		}
	}
	return out
}

// BacktestFinding is the backtest in one line, as the title of its plot has it.
func (n *ModelNight) BacktestFinding() string {
	t := n.BacktestTotal()
	if t == nil || t.Flagged == 0 || t.Precision.Value == nil {
		return "No past quarter to judge by yet"
	}
	recency := t.PrecisionRecency
	if recency != nil && *recency != *t.Precision.Value && tenths(*recency) == tenths(*t.Precision.Value) {
		// So many of ten would hide the difference.
		return fmt.Sprintf("Of the partners flagged %s left; by days since the last deal alone, %s", Percent(t.Precision.Value), Percent(recency))
	}
	text := fmt.Sprintf("Of 10 partners flagged, about %s left", tenths(*t.Precision.Value))
	if t.Caught == 0 {
		text = fmt.Sprintf("Of %s none left", count(int(t.Flagged), "partner flagged", "partners flagged"))
	}
	switch {
	case recency == nil:
	case *recency == *t.Precision.Value:
		text += "; days since the last deal alone would have done as well"
	case t.Caught == 0:
		text += fmt.Sprintf("; by days since the last deal alone, about %s of 10", tenths(*recency))
	default:
		text += fmt.Sprintf("; by days since the last deal alone, about %s", tenths(*recency))
	}
	return text
}

// tenths says a share as so many of ten.
func tenths(share float64) string {
	switch r := math.Round(10 * share); {
	case r == 0 && share > 0:
		return "fewer than 1"
	default:
		return strconv.FormatFloat(r, 'f', 0, 64)
	}
}

// BacktestSentence sums up the backtest in words with its numbers.
func (n *ModelNight) BacktestSentence() string {
	t, judged := n.BacktestTotal(), n.judged()
	if t == nil || len(judged) == 0 || t.Precision.Value == nil {
		return "No past quarter could be judged yet: " + n.whyNoBacktest() + "."
	}
	var b strings.Builder
	quarters := judged[0].Quarter
	if len(judged) > 1 {
		quarters += " to " + judged[len(judged)-1].Quarter
	}
	fmt.Fprintf(&b, "At %s (%s) %s raised; after %s of them the partner left within the horizon: %s%s",
		count(len(judged), "quarter start", "quarter starts"), quarters,
		count(int(t.Flagged), "flag was", "flags were"), integer(t.Caught), Percent(t.Precision.Value), intervalText(t.Precision, Percent, " (95 % interval "))
	b.WriteString(closing(t.Precision))
	if t.BaseRate != nil {
		fmt.Fprintf(&b, ", of all partners at risk %s", Percent(t.BaseRate))
	}
	if t.PrecisionRecency != nil {
		fmt.Fprintf(&b, ", of as many picked by the days since the last deal alone %s", Percent(t.PrecisionRecency))
	}
	b.WriteString(".")
	switch k := n.ruled(); {
	case k == 0:
	case k == len(judged):
		b.WriteString(" No model was published then and the rule score ranked.")
	default:
		fmt.Fprintf(&b, " At %d of them no model was published and the rule score ranked.", k)
	}
	if t.Losses == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, " Of %s, %s had been flagged", count(int(t.Losses), "partner that left", "partners that left"), integer(t.LossesCaught))
	if t.MedianLeadDays != nil {
		fmt.Fprintf(&b, ", half of them %s or more ahead", count(int(math.Round(*t.MedianLeadDays)), "day", "days"))
	}
	if t.RevenueCaughtShare != nil && t.RevenueCaught != "" && t.LossesCaught > 0 {
		fmt.Fprintf(&b, "; they stood for %s of the revenue that went (%s of %s)", Percent(t.RevenueCaughtShare),
			CompactMoney(n.Currency, t.RevenueCaught), CompactMoney(n.Currency, t.RevenueChurned))
	}
	b.WriteString(".")
	return b.String()
}

// whyNoBacktest is the reason that the newest quarter without a verdict gives.
func (n *ModelNight) whyNoBacktest() string {
	for i := len(n.Backtest) - 1; i >= 0; i-- {
		if r := n.Backtest[i].Reason; r != "" {
			return r
		}
	}
	return "the history is too short"
}

// intervalText renders the interval of a measure behind a lead, "" where there is none.
func intervalText(m Measure, text func(*float64) string, lead string) string {
	if m.Low == nil || m.High == nil {
		return ""
	}
	return lead + text(m.Low) + " to " + text(m.High)
}

// WriteBacktest writes the backtest for a person: the sentence, then a line a quarter.
func WriteBacktest(w io.Writer, n *ModelNight) error {
	p := &sheet{}
	p.title(fmt.Sprintf("Walk-forward backtest of the churn score of %s, as of %s", n.Program, n.AsOf))
	p.text("At the start of each quarter the score was made from what was known that day, and its high band is held against what then happened.")
	p.text(n.BacktestSentence())
	if len(n.Backtest) == 0 {
		return p.writeTo(w)
	}
	p.blank()
	rows := [][]string{{"Quarter", "At risk", "Flagged", "Left", "Caught", "Precision", "Recall", "Recency", "Lead days", "Revenue caught"}}
	var notes []string
	for i := range n.Backtest {
		q := &n.Backtest[i]
		rows = append(rows, n.backtestRow(q))
		if q.Reason != "" && q.Quarter != backtestTotal {
			notes = append(notes, strings.TrimSuffix(q.Quarter+", "+methodName(q.Method), ", ")+": "+q.Reason)
		}
	}
	p.table(rows, "lrrrrrrrrr")
	p.blank()
	p.text("Precision: share of the flagged that left, with its 95 % interval; Recency: the same for as many partners flagged by days since the last deal alone. " +
		"Recall: share of those that left that had been flagged. Lead days: median from the flag to the departure. Revenue: of the year before the flag.")
	for _, note := range notes {
		p.item(note)
	}
	return p.writeTo(w)
}

func (n *ModelNight) backtestRow(q *BacktestQuarter) []string {
	row := []string{q.Quarter, integer(q.AtRisk), "", "", "", "", "", "", "", ""}
	if q.Method == "" && q.Quarter != backtestTotal {
		row[5] = Words(q.Status)
		return row
	}
	row[2] = integer(q.Flagged)
	if !q.IsMatured && q.Quarter != backtestTotal {
		row[5] = "outcome open"
		return row
	}
	row[3], row[4] = integer(q.Churned), integer(q.Caught)
	row[5] = Percent(q.Precision.Value) + intervalText(q.Precision, wholePercent, " ")
	row[6], row[7] = Percent(q.Recall.Value), Percent(q.PrecisionRecency)
	row[8] = decimals(q.MedianLeadDays, 0)
	if q.RevenueCaught != "" {
		row[9] = CompactMoney(n.Currency, q.RevenueCaught)
	}
	return row
}

func integer(n int64) string { return groupThousands(strconv.FormatInt(n, 10)) }

// wholePercent is a share in whole per cent, without the sign: it stands in an interval.
func wholePercent(share *float64) string {
	if share == nil {
		return noValue
	}
	return strconv.FormatFloat(100**share, 'f', 0, 64)
}
