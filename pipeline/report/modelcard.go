package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteModelCard writes the card of one model for an analyst and a manager: what it predicts, what it learned from,
// how it was chosen, how it did on quarters that it never saw beside simpler methods, and what it is made of.
func WriteModelCard(w io.Writer, n *ModelNight, m *ModelCard) error {
	s := &sheet{}
	s.title(fmt.Sprintf("%s, %s of %s, as of %s", m.ID, methodName(m.Method), n.Program, n.AsOf))
	s.text(roleSentence(m))
	s.line("verdict", m.Verdict)
	s.line("because", m.Reason)
	s.heading("What it predicts")
	s.part(predictionSentence(m.HorizonDays))
	s.line("definition", definitionText(m))
	writeTraining(s, m)
	writeChoice(s, m)
	writeTrackRecord(s, n, m)
	writeBands(s, m)
	writeCoefficients(s, m)
	writeGroups(s, m)
	writeRecalibration(s, m)
	writeDrift(s, m)
	return s.writeTo(w)
}

// methodName is what a method is.
func methodName(method string) string {
	switch method {
	case methodRidge:
		return "ridge regression"
	case methodTuned:
		return "ridge regression, penalty by cross-validation"
	case methodScorecard:
		return "rule score"
	case methodRecency:
		return "recency alone"
	case methodMajority:
		return "base rate for everyone"
	default:
		return Words(method)
	}
}

func roleSentence(m *ModelCard) string {
	switch m.Role {
	case rolePublished:
		return "Published: its probabilities are tonight's churn risk and rank the partners."
	case roleStandIn:
		return "Stands in while no model is published: it sorts the partners into bands and gives reasons. There is no probability; health ranks the alerts."
	case roleShadow:
		return "Shadow: it is fitted and logged, nobody is ranked by it."
	case roleRejected:
		return "Rejected: it was fitted and judged, and is not published for the reason below."
	case roleBaseline:
		return "Baseline: it runs only so that the reported score can be held against it."
	default:
		return title(m.Role) + "."
	}
}

func predictionSentence(horizon int64) string {
	return fmt.Sprintf("That a partner which does business with us churns within %s: its agreement ends for a reason that is churn, "+
		"or it brings no registration, no sourced deal and no won deal in that time.", count(int(horizon), "day", "days"))
}

func definitionText(m *ModelCard) string {
	parts := make([]string, 0, 2)
	if m.DefinitionVersion != "" {
		parts = append(parts, "version "+m.DefinitionVersion)
	}
	if m.Fingerprint != "" {
		parts = append(parts, "fingerprint of rows, definition and options "+m.Fingerprint)
	}
	return strings.Join(parts, "; ")
}

func writeTraining(s *sheet, m *ModelCard) {
	t := m.Training
	s.heading("What it learned from")
	if t.From == "" {
		s.part("No month of the history has a known outcome before the held-out quarters.")
		return
	}
	s.line("window", fmt.Sprintf("monthly snapshots %s to %s", t.From, t.To))
	s.line("partners", fmt.Sprintf("%s in %s partner-months", integer(t.Partners), integer(t.Rows)))
	s.line("churns", fmt.Sprintf("E = %s, which make %s partner-months with churn ahead", integer(t.Churns), integer(t.Positives)))
	s.line("not used", fmt.Sprintf("%s partner-months whose outcome reaches into the held-out quarters; the newest %s, whose outcome is not known yet",
		integer(t.Purged), count(int(t.MonthsWithoutOutcome), "month", "months")))
	if t.RowsRefit > 0 && m.Role != roleBaseline {
		s.line("tonight's fit", fmt.Sprintf("after it was judged: on all %s partner-months with a known outcome, %s churns", integer(t.RowsRefit), integer(t.ChurnsRefit)))
	}
	if m.BaseRate != nil {
		s.line("base rate", Percent(m.BaseRate)+" of partner-months have churn ahead")
	}
}

func writeChoice(s *sheet, m *ModelCard) {
	c := m.Choice
	s.heading("How it was chosen")
	switch m.Method {
	case methodScorecard:
		s.part("Fixed weights on the drivers that are known to matter, around the base rate; nothing is fitted.")
	case methodRecency:
		s.part("The same regression on one feature, the time since the last commercial event in the partner's own gaps.")
	case methodMajority:
		s.part("The same probability for every partner: the base rate of the training window.")
	default:
		s.part("Logistic regression on partner-months, coefficients drawn towards zero by a penalty (ridge) on standardised columns. " +
			"The number of churns, not of rows, decides whether a model may speak and how many features it may use; features enter in a declared order, never by how well they do.")
	}
	if c.Lambda != nil {
		text := "lambda " + significant(c.Lambda)
		if c.LambdaSource != "" {
			text += ", " + c.LambdaSource
		}
		s.line("penalty", text)
	}
	if c.Coefficients > 0 {
		text := count(int(c.Coefficients), "coefficient", "coefficients")
		if c.IsConstrained {
			text += ", held to the sign that business sense demands"
		}
		if c.AtBound != "" {
			text += "; held at zero: " + c.AtBound
		}
		s.line("size", text)
	}
	if c.Iterations > 0 {
		s.line("fit", count(int(c.Iterations), "Newton step", "Newton steps"))
	}
	s.line("left out", leftOut(m))
	s.line("findings", c.Warnings)
}

// leftOut names the features that the model does not use, those with the same reason together.
func leftOut(m *ModelCard) string {
	var order []string
	columns := map[string][]string{}
	for _, c := range m.Coefficients {
		if c.State != "left out" {
			continue
		}
		if columns[c.Note] == nil {
			order = append(order, c.Note)
		}
		columns[c.Note] = append(columns[c.Note], c.Column)
	}
	if len(order) == 0 {
		return m.Choice.LeftOut
	}
	parts := make([]string, 0, len(order))
	for _, why := range order {
		parts = append(parts, strings.Join(columns[why], ", ")+": "+why)
	}
	return strings.Join(parts, "; ")
}

// trackMeasure is a measure of the track record and what is good about it.
type trackMeasure struct {
	key, name, good string
	digits          int
}

// trackMeasures are shown in this order.
func trackMeasures() []trackMeasure {
	return []trackMeasure{
		{"auc", "AUC", "chance that a churner ranks above a stayer; 0.5 is chance, 1 is perfect", 3},
		{"brier", "Brier score", "mean squared error of the probability; lower is better", 4},
		{"log_loss", "log loss", "how surprised the probability was; lower is better", 4},
		{"calibration_slope", "calibration slope", "1 is right; below 1 the probabilities are too extreme", 2},
		{"observed_expected", "observed/expected", "churn that came over churn that was predicted; 1 is right", 2},
		{"top_decile_lift", "top-tenth lift", "churn of the highest-scored tenth over the base rate", 2},
	}
}

// rival is a column of the track record.
type rival struct {
	name     string
	measures map[string]Measure
}

// rivals are the model and what it is held against: recency alone, the rule score and the base rate.
func (n *ModelNight) rivals(m *ModelCard) []rival {
	name := "this model"
	if m.Method == methodScorecard {
		name = "this rule score"
	}
	out := []rival{{name, m.Measures}}
	for _, other := range []struct {
		method, name string
		known        map[string]Measure
	}{
		{methodRecency, "recency alone", map[string]Measure{"auc": m.Measures["auc_recency"], "brier": m.Measures["brier_recency"]}},
		{methodScorecard, "rule score", nil},
		{methodMajority, "base rate", map[string]Measure{"brier": m.Measures["brier_base_rate"]}},
	} {
		if other.method == m.Method {
			continue
		}
		measures := other.known
		if b := n.Baseline(other.method); b != nil && b.ID != m.ID {
			measures = b.Measures
		}
		if len(measures) > 0 {
			out = append(out, rival{other.name, measures})
		}
	}
	return out
}

func writeTrackRecord(s *sheet, n *ModelNight, m *ModelCard) {
	h := m.HeldOut
	s.heading("How it did on quarters that it never saw")
	if h.Rows == 0 {
		s.part("There are none: no quarter has a known outcome that could be held out.")
		return
	}
	text := fmt.Sprintf("%s to %s: %s partner-months of %s partners, %s of them with churn ahead, from %s. 95 %% intervals by bootstrap over partner families",
		h.From, h.To, integer(h.Rows), integer(h.Partners), integer(h.Positives), count(int(h.Churns), "churn", "churns"))
	if m.Choice.Resamples > 0 {
		text += fmt.Sprintf(" (%d resamples)", m.Choice.Resamples)
	}
	s.part(text + ".")
	rivals := n.rivals(m)
	rows := [][]string{{""}}
	align := "l"
	for _, r := range rivals {
		rows[0] = append(rows[0], r.name)
		align += "l"
	}
	for _, t := range trackMeasures() {
		row, under := []string{t.name}, []string{""}
		known := false
		for _, r := range rivals {
			v := r.measures[t.key]
			known = known || v.Value != nil
			row = append(row, decimalsOrNone(v.Value, t.digits))
			under = append(under, intervalText(v, func(x *float64) string { return decimals(x, max(2, t.digits-1)) }, ""))
		}
		if known {
			rows = append(rows, row, under)
		}
	}
	s.table(rows, align)
	if gain := m.Measures["auc_gain"]; gain.Value != nil {
		s.part("Against recency alone: AUC " + signed(gain.Value, 3) + intervalText(gain, signedThree, " (") + closing(gain) + ".")
	}
	for _, t := range trackMeasures() {
		s.item(t.name + ": " + t.good)
	}
}

// decimalsOrNone writes a number, and nothing where there is none.
func decimalsOrNone(v *float64, digits int) string {
	if v == nil {
		return ""
	}
	return decimals(v, digits)
}

// closing closes the bracket of an interval.
func closing(m Measure) string {
	if m.Low == nil || m.High == nil {
		return ""
	}
	return ")"
}

// measureText is a number with its interval.
func measureText(m Measure, digits int) string {
	if m.Value == nil {
		return noValue
	}
	at := func(v *float64) string { return decimals(v, digits) }
	return at(m.Value) + intervalText(m, func(v *float64) string { return decimals(v, max(2, digits-1)) }, " (") + closing(m)
}

func writeBands(s *sheet, m *ModelCard) {
	if len(m.Bands) == 0 {
		return
	}
	s.heading("Risk bands, and what became of partners flagged like this")
	rows := [][]string{{"band", "partners tonight", "partner-months held out", "with churn ahead", "observed churn"}}
	for _, b := range m.Bands {
		rows = append(rows, []string{b.Name, integer(b.Partners), integer(b.HeldOut), integer(b.Churned),
			Percent(b.Observed.Value) + intervalText(b.Observed, Percent, " (") + closing(b.Observed)})
	}
	s.table(rows, "lrrrl")
}

func writeCoefficients(s *sheet, m *ModelCard) {
	shown := slices.DeleteFunc(slices.Clone(m.Coefficients), func(c Coefficient) bool { return c.State == "left out" })
	if len(shown) == 0 {
		return
	}
	s.heading("Coefficients, in the declared order")
	rows := [][]string{{"column", "state", "coefficient", "std. error", "per SD", "missing", "PSI", "limit", "drift"}}
	for _, c := range shown {
		psi, limit := decimals(c.PSI, 3), decimals(c.PSILimit, 3)
		if c.Column == intercept {
			psi, limit = "", ""
		}
		missing := ""
		if c.Missing != nil {
			missing = Percent(c.Missing)
		}
		rows = append(rows, []string{c.Column, c.State, significant(c.Value), significant(c.StdError), signed(c.Standard, 2), missing, psi, limit, driftMark(c.Drift)})
	}
	s.table(rows, "llrrrrrrl")
	s.part("Coefficients are changes of the log-odds of churn: for one unit, and per standard deviation so that columns compare. " +
		"They say what goes with churn, not what causes it; under a penalty a standard error is no test. " +
		"PSI: how far tonight's values are from those learned from; limit: what chance alone stays below in 95 of 100 nights.")
}

// driftMark is blank where there is no drift.
func driftMark(drift string) string {
	if drift == "none" {
		return ""
	}
	return drift
}

func writeGroups(s *sheet, m *ModelCard) {
	if len(m.Groups) == 0 {
		return
	}
	s.heading("Groups: is it as right for one as for another?")
	rows := [][]string{{"group", "n", "churned", "expected", "observed/expected", "flagged", "false", ""}}
	for _, g := range m.Groups {
		rows = append(rows, []string{Words(g.Kind) + " " + Words(g.Name), integer(g.Partners), integer(g.Churned), decimals(g.Expected, 1),
			measureText(g.ObservedExpected, 2), Percent(g.FlaggedShare), Percent(g.FalsePositiveShare.Value), g.note()})
	}
	s.table(rows, "lrrrlrrl")
	s.part("n: partners. Observed/expected is drawn towards 1 where a group has few churns; its interval is not. False: false alarms, the share of the partner-months without churn that were in the high band. " +
		"A group stands out when chance explains it in fewer than 5 of 100 such findings.")
}

// standsOut is the false discovery rate from which a group is told to stand out.
const standsOut = 0.05

// isOff reports whether the score is off for a group by more than chance explains.
func (g *Group) isOff() bool { return g.QValue != nil && *g.QValue <= standsOut }

// note says what is the matter with a group, "" where nothing.
func (g *Group) note() string {
	switch {
	case g.isOff():
		return "stands out"
	case g.Status == "" || g.Status == "ok":
		return ""
	}
	return Words(g.Status)
}

func writeRecalibration(s *sheet, m *ModelCard) {
	r := m.Recalibration
	if r.Kind == "" {
		return
	}
	s.heading("Recalibration on later outcomes")
	switch r.Kind {
	case "none":
		s.part(fmt.Sprintf("None, %s to learn it from.", count(int(r.Churns), "churn", "churns")))
	default:
		s.part(fmt.Sprintf("%s: log-odds = %s + %s x log-odds of the fit, learned from %s that came later than the rows fitted on.",
			title(r.Kind), significant(r.Intercept), significant(r.Slope), count(int(r.Churns), "churn", "churns")))
	}
}

func writeDrift(s *sheet, m *ModelCard) {
	d := m.Drift
	if d.PSI == nil && d.OutcomeZ == nil && d.Features == nil {
		return
	}
	s.heading("Drift since it learned")
	if d.PSI != nil {
		s.line("score", fmt.Sprintf("PSI %s, limit %s", decimals(d.PSI, 3), decimals(d.PSILimit, 3)))
	}
	if d.Features != nil {
		text := count(int(*d.Features), "column drifts", "columns drift") + " by more than chance explains"
		if loud := m.drifting(); len(loud) > 0 {
			text += "; " + strings.Join(loud, ", ")
		}
		s.line("features", text)
	}
	if d.OutcomeZ != nil {
		s.line("outcomes", fmt.Sprintf("churn in the held-out quarters is %s standard errors from what was predicted; beyond 3 the level is off", signed(d.OutcomeZ, 1)))
	}
}

// drifting names the columns of the model that are watched or alarm.
func (m *ModelCard) drifting() []string {
	var out []string
	for _, c := range m.Coefficients {
		if driftMark(c.Drift) != "" && c.State != "left out" {
			out = append(out, c.Column+" "+c.Drift)
		}
	}
	return out
}

// significant writes a number with four significant digits.
func significant(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}

// signed writes a number with its sign.
func signed(v *float64, digits int) string {
	if v == nil {
		return ""
	}
	text := strconv.FormatFloat(*v, 'f', digits, 64)
	if !strings.HasPrefix(text, "-") {
		text = "+" + text
	}
	return text
}

func signedThree(v *float64) string { return signed(v, 3) }
