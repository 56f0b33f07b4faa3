package score

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

// The statuses of score_partner_first_revenue beside expected.
const (
	statusTooFewEvents     = "insufficient_events"
	statusBeyondExperience = "beyond_experience"
	statusBeforeHistory    = "signed_before_history"
)

// The methods of score_partner_first_revenue.
const (
	methodCox   = "cox"
	methodCurve = "kaplan_meier"
	methodNone  = "none"
)

// eventsPerTraitColumn is how many first revenues one column of the regression costs.
const eventsPerTraitColumn = 10

// waitHorizons are the days ahead for which a chance is told.
var waitHorizons = [...]float64{90, 180, 365}

// PartnerFirstRevenueSchema returns the columns of score_partner_first_revenue.
func PartnerFirstRevenueSchema() *arrow.Schema {
	columns := []column{
		{"partner_id", text, "partner that has signed and has no revenue yet"},
		{"signed_on", date, "day of the signature"},
		{"waited_days", bigint, "days since the signature"},
		{"status", text, "expected, insufficient_events, beyond_experience (hardly anybody waited that long) or signed_before_history"},
		{"method", text, "cox, kaplan_meier or none"},
		{"basis", text, "whose waits it rests on: all partners, by their traits, or one segment"},
	}
	for _, h := range waitHorizons {
		name := fmt.Sprintf("within_%.0f", h)
		columns = append(columns,
			column{name, double, fmt.Sprintf("chance of first revenue within the next %.0f days, given the wait so far", h)},
			column{name + "_low", double, "lower end of its 95% interval"},
			column{name + "_high", double, "upper end of its 95% interval"})
	}
	columns = append(columns,
		column{"remaining_days", double, "days within which half of such partners sell from here; null where it is not reached in the time on record"},
		column{"remaining_days_low", double, "lower end of its 95% interval"},
		column{"remaining_days_high", double, "upper end; null where it is not reached"},
		column{"typical_days", double, "days from signature within which half of such partners sell; null where it is not reached"},
		column{"sold_by_then", double, "share of partners that had sold after as long a wait"},
		column{"comparable", bigint, "partners on record that waited longer: what the chances rest on"},
		column{"explanation", text, "the expectation in words, or why there is none"})
	return newSchema("when a partner that has signed may be expected to bring its first revenue.", "partner", "partner_id", columns)
}

// ExpectFirstRevenue says for every partner that has signed and has no revenue yet when it may be expected, from
// int_signed_partner. It returns score_partner_first_revenue and its card.
//
// With 30 first revenues on record it is Cox's regression on what was known at the signature, under that the Kaplan-Meier
// curve of the partner's segment, under ten nothing. All chances are given that the partner has waited as long as it has,
// and is still here: an exit is a competing end (Aalen-Johansen; for the regression its hazard is that of the whole
// programme), so that a partner who will leave is not counted as one who may still sell. The median wait takes exits as
// censored (M05). No number goes beyond the longest wait on record, and none rests on under ten longer waits.
func ExpectFirstRevenue(signed arrow.RecordBatch, o ExpectationOptions) (*Expectation, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w, err := readWaits(signed, o)
	if err != nil {
		return nil, err
	}
	card := newExpectationCard(purposeFirstRevenue, "concordance", "Kaplan-Meier curve of the segment")
	model, err := w.decide(&card)
	if err != nil {
		return nil, fmt.Errorf("expect first revenue: %w", err)
	}
	rows, err := w.newWaitTable(model, &card)
	if err != nil {
		return nil, fmt.Errorf("expect first revenue: %w", err)
	}
	t := newTable(PartnerFirstRevenueSchema())
	for _, i := range w.waiting() {
		row, err := rows.row(i)
		if err == nil {
			err = t.add(row...)
		}
		if err != nil {
			return nil, fmt.Errorf("expect first revenue of %s: %w", w.rows[i].partner, err)
		}
	}
	return &Expectation{Rows: t.record(), Card: card}, nil
}

// signedPartner is one row of int_signed_partner.
type signedPartner struct {
	partner, segment     string
	on, known            arrow.Date32
	days, followed       float64
	end                  int
	isLearnable, isWaits bool
}

// waits are the partners by id, with the traits known at their signature in the order in which columns are spent on them.
type waits struct {
	rows   []signedPartner
	traits []trait
	o      ExpectationOptions
}

func readWaits(rec arrow.RecordBatch, o ExpectationOptions) (*waits, error) {
	f := newFrame("int_signed_partner", rec)
	partner, segment, on, known := f.keys("partner_id"), f.texts("segment"), f.dates("signed_on"), f.dates("known_on")
	days, followed, end := f.numbers("days"), f.numbers("followed_days"), f.counts("event")
	learnable, waiting := f.bools("is_learnable"), f.bools("is_waiting")
	kind, region, tier := f.texts("partner_type"), f.texts("region"), f.texts("tier_at_signing")
	delay, forms := f.numbers("application_days"), f.texts("traits")
	if f.err != nil {
		return nil, f.err
	}
	order := make([]int, len(partner))
	for i := range order {
		order[i] = i
		if !(days[i] >= 0) || !(followed[i] >= 0) || end[i] > endExit || on[i] == noDate {
			return nil, &InputError{Table: f.table, Reason: fmt.Sprintf("partner %s: event %d after %v days", partner[i], end[i], days[i])}
		}
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(partner[a], partner[b]) })
	w := &waits{o: o}
	sorted := func(words []string) []string {
		out := make([]string, len(order))
		for k, i := range order {
			out[k] = words[i]
		}
		return out
	}
	delays := make([]float64, len(order))
	for k, i := range order {
		if k > 0 && partner[i] == partner[order[k-1]] {
			return nil, &InputError{Table: f.table, Column: "partner_id", Reason: "partner " + partner[i] + " has two rows"}
		}
		w.rows = append(w.rows, signedPartner{
			partner: partner[i], segment: segment[i], on: on[i], known: known[i], days: days[i], followed: followed[i],
			end: int(end[i]), isLearnable: learnable[i], isWaits: waiting[i]})
		delays[k] = delay[i]
	}
	w.traits = []trait{{name: "partner_type", words: sorted(kind)}, {name: "region", words: sorted(region)}}
	applied := statedTraits(sorted(forms))
	if t, ok := findTrait(applied, "recruitment_source", "source", "lead_source"); ok && t.words != nil {
		w.traits = append(w.traits, trait{name: "recruitment_source", words: t.words})
	}
	w.traits = append(w.traits, trait{name: "tier_at_signing", words: sorted(tier)})
	if t, ok := findTrait(applied, "employees", "employee_count", "size"); ok && t.numbers != nil {
		w.traits = append(w.traits, trait{name: "employees", numbers: t.numbers})
	}
	w.traits = append(w.traits, trait{name: "application_days", numbers: delays})
	return w, nil
}

func (w *waits) learnable() (rows []int) {
	for i, r := range w.rows {
		if r.isLearnable {
			rows = append(rows, i)
		}
	}
	return rows
}

func (w *waits) waiting() (rows []int) {
	for i, r := range w.rows {
		if r.isWaits {
			rows = append(rows, i)
		}
	}
	return rows
}

// seen returns how long a partner had waited, and how the wait had ended, as it was known on a day.
func (w *waits) seen(row int, on arrow.Date32) (days float64, end int) {
	r := w.rows[row]
	if r.end != 0 && r.known <= on && r.on+arrow.Date32(r.days) <= on {
		return r.days, r.end
	}
	return math.Min(r.days, math.Max(0, float64(on-r.on))), 0
}

// group returns the waits of some partners as they were known on a day.
func (w *waits) group(rows []int, on arrow.Date32) *durations {
	g := &durations{}
	for _, i := range rows {
		days, end := w.seen(i, on)
		g.days, g.end = append(g.days, days), append(g.end, end)
	}
	g.sort()
	return g
}

// events counts the first revenues.
func (g *durations) events() (n int) {
	for _, end := range g.end {
		if end == endRevenue {
			n++
		}
	}
	return n
}

// after returns the waits that lasted longer than so many days.
func (g *durations) after(days float64) *durations {
	from, _ := slices.BinarySearchFunc(g.days, days, func(d, want float64) int {
		if d <= want {
			return -1
		}
		return 1
	})
	return &durations{days: g.days[from:], end: g.end[from:]}
}

// sample returns the waits with one kind of end as the event and all else censored.
func (g *durations) sample(end int) survival.Sample {
	s := survival.Sample{Time: g.days, Event: make([]bool, len(g.days))}
	for i, e := range g.end {
		s.Event[i] = e == end
	}
	return s
}

// outlook is what is expected of one waiting partner.
type outlook struct {
	basis     string
	within    [len(waitHorizons)]span
	remaining span
	typical   *float64
}

// waitModel expects first revenue of a partner that has waited so many days.
type waitModel interface {
	expect(row int, waited float64) (outlook, error)
}

// curveModel expects it from the curve of the partner's segment, and where that is thin from the programme's.
type curveModel struct {
	w         *waits
	programme *durations
	segments  map[string]*durations
}

// newCurveModel learns the curves of some partners as they were known on a day.
func (w *waits) newCurveModel(rows []int, on arrow.Date32) *curveModel {
	m := &curveModel{w: w, programme: w.group(rows, on), segments: map[string]*durations{}}
	members := map[string][]int{}
	for _, i := range rows {
		members[w.rows[i].segment] = append(members[w.rows[i].segment], i)
	}
	for segment, rows := range members {
		if g := w.group(rows, on); segment != "" && len(rows) >= minScope && g.events() >= minMedianEvents {
			m.segments[segment] = g
		}
	}
	return m
}

// group returns the waits to compare a partner with.
func (m *curveModel) group(row int, waited float64) (g *durations, basis string) {
	segment := m.w.rows[row].segment
	if g, ok := m.segments[segment]; ok && len(g.after(waited).days) >= minScope {
		return g, "segment " + segment
	}
	return m.programme, "all partners"
}

// meanWait is how long a partner's curve expects it to wait within the first year, for ranking.
func (m *curveModel) meanWait(row int) (float64, error) {
	g, _ := m.group(row, 0)
	curve, err := survival.KaplanMeier(g.sample(endRevenue))
	if err != nil {
		return 0, err
	}
	mean, _ := curve.RestrictedMean(restrictDays)
	return mean, nil
}

func (m *curveModel) expect(row int, waited float64) (outlook, error) {
	g, basis := m.group(row, waited)
	out := outlook{basis: basis}
	longer := g.after(waited)
	shares, err := survival.AalenJohansen(survival.Competing{Time: longer.days, Cause: longer.end, Causes: 2})
	if err != nil {
		return out, err
	}
	for k, h := range waitHorizons {
		if shares.FollowUp() < waited+h {
			continue
		}
		p := shares.At(endRevenue, waited+h)
		low, high, ok := shares.Interval(endRevenue, waited+h, 0.95)
		if !ok {
			n := float64(len(longer.days))
			if low, high, err = evaluate.Wilson(math.Round(p*n), n, 0.95); err != nil {
				return out, err
			}
		}
		out.within[k] = spanOf(p, low, high)
	}
	if curve, err := survival.KaplanMeier(longer.sample(endRevenue)); err != nil {
		return out, err
	} else if curve.Events >= minMedianEvents {
		at, low, high := curve.Median(survival.LogLog, 0.95)
		out.remaining = span{since(at, waited), since(low, waited), since(high, waited)}
	}
	whole, err := survival.KaplanMeier(g.sample(endRevenue))
	if err != nil {
		return out, err
	}
	at, _, _ := whole.Median(survival.LogLog, 0.95)
	out.typical = since(at, 0)
	return out, nil
}

// since returns a time from a day on, nil where it was not reached.
func since(v survival.Value, from float64) *float64 {
	if !v.Reached {
		return nil
	}
	return optional(v.Time - from)
}

// waitTable writes the rows of the partners that wait.
type waitTable struct {
	*waits
	model waitModel // nil where nothing can be expected
	card  *ExpectationCard
	all   *durations
	ended *survival.Incidence // nil where nobody has sold yet
}

func (w *waits) newWaitTable(model waitModel, card *ExpectationCard) (*waitTable, error) {
	t := &waitTable{waits: w, model: model, card: card, all: w.group(w.learnable(), w.o.asOfDay())}
	if t.all.events() == 0 {
		return t, nil
	}
	var err error
	t.ended, err = survival.AalenJohansen(survival.Competing{Time: t.all.days, Cause: t.all.end, Causes: 2})
	return t, err
}

// row returns one partner's row.
func (t *waitTable) row(i int) ([]any, error) {
	r := t.rows[i]
	comparable := len(t.all.after(r.followed).days)
	status, method, why := statusExpected, t.card.Method, ""
	switch {
	case t.model == nil:
		status, why = statusTooFewEvents, t.card.Reason
	case !r.isLearnable:
		status, method, why = statusBeforeHistory, methodNone, "signed before the first deal on record: its past is not known"
	case comparable < minScope:
		status, method = statusBeyondExperience, methodNone
		why = fmt.Sprintf("signed %s ago without revenue; only %s ever waited longer, too few to expect anything from",
			waitText(r.followed), plural(float64(comparable), "partner"))
	}
	var sold *float64
	if t.ended != nil && t.ended.FollowUp() >= r.followed {
		sold = optional(t.ended.At(endRevenue, r.followed))
	}
	out := outlook{}
	if status == statusExpected {
		var err error
		if out, err = t.model.expect(i, r.followed); err != nil {
			return nil, err
		}
		why = out.explain(r.followed, sold)
	}
	row := []any{r.partner, r.on, int64(r.followed), status, method, nullable(out.basis)}
	for _, s := range out.within {
		row = append(row, s.columns()...)
	}
	return append(append(row, out.remaining.columns()...), out.typical, sold, comparable, why), nil
}

// explain tells the expectation in words.
func (o outlook) explain(waited float64, sold *float64) string {
	var parts []string
	if s := o.remaining; s.value != nil {
		text := "first revenue expected in about " + waitText(*s.value)
		switch {
		case s.low != nil && s.high != nil:
			text += fmt.Sprintf(" (%s to %s)", waitText(*s.low), waitText(*s.high))
		case s.low != nil:
			text += fmt.Sprintf(" (%s or more)", waitText(*s.low))
		}
		parts = append(parts, text)
	}
	for k, s := range o.within {
		if s.value == nil || k == 1 && o.within[2].value != nil {
			continue
		}
		what := "chance"
		if len(parts) == 0 {
			what = "chance of first revenue"
		}
		text := fmt.Sprintf("%s %s within %.0f days", percentText(*s.value), what, waitHorizons[k])
		if s.low != nil && s.high != nil {
			text += fmt.Sprintf(" (%s to %s)", percentText(*s.low), percentText(*s.high))
		}
		parts = append(parts, text)
	}
	text := "signed " + waitText(waited) + " ago"
	if sold != nil {
		text += fmt.Sprintf(", by when %s of partners had sold", percentText(*sold))
	}
	if o.typical != nil {
		text += "; typical is " + waitText(*o.typical)
	}
	return strings.Join(append(parts, text), "; ")
}

// waitText tells a number of days as people do.
func waitText(days float64) string {
	if days < 60 {
		return plural(math.Round(days), "day")
	}
	return plural(math.Round(days/30.4375), "month")
}

// compareDays orders by day, for cut-offs.
func compareDays(a, b signedPartner) int { return cmp.Compare(a.on, b.on) }
