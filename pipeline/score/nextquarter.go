package score

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/linear"
)

// The rules by which a next quarter is expected: two that learn, two that copy.
const (
	ruleTrend   = "trend"
	ruleMean    = "mean"
	ruleLast    = "last_quarter"
	ruleYearAgo = "same_quarter_last_year"
)

// The statuses of score_partner_next_quarter beside expected.
const (
	statusShortHistory = "short_history"
	statusNoRevenue    = "no_recent_revenue"
)

const (
	quarterMonths = 3
	// trendMonths is how far back a trend looks, leastTrendMonths how many months it needs.
	trendMonths, leastTrendMonths = 24, 12
	// meanMonths is how far back a mean looks: a whole year, so that it holds each season once.
	meanMonths = 12
	// priorMonths is what the segment's mean counts for beside a partner's own months.
	priorMonths = 3
	// spreadPriorMonths is what the programme's typical variation counts for beside a partner's own.
	spreadPriorMonths = 6
	// leastHalf is the least half width of an interval, as a share of what is expected: revenue is not known better than to
	// two digits. A partner whose months were all alike would else have an interval of rounding errors, and its first rise in
	// price, so many of those, would stretch everybody's.
	leastHalf = 0.01
	// normal80 is the normal quantile of an 80 % interval.
	normal80 = 1.2815515655446004
)

// PartnerNextQuarterSchema returns the columns of score_partner_next_quarter.
func PartnerNextQuarterSchema() *arrow.Schema {
	return newSchema("what each partner may be expected to win in the fiscal quarter that begins next.", "partner", "partner_id", []column{
		{"partner_id", text, "partner; a parent with everyone below it, as in its review"},
		{"quarter", text, "fiscal quarter"},
		{"quarter_start", date, "its first day"},
		{"quarter_end", date, "the day after its last"},
		{"status", text, "expected, short_history (under three whole months) or no_recent_revenue (none in the last twelve, or none yet)"},
		{"method", text, "trend, mean (of the last twelve months, drawn to the segment's), last_quarter or same_quarter_last_year"},
		{"expected", double, "revenue in the reporting currency, at least 0"},
		{"low", double, "lower end of its 80% interval, at least 0"},
		{"high", double, "upper end"},
		{"direction", text, "up, flat or down: where the 80% interval of the slope lies; null under twelve months"},
		{"slope", double, "change of a month's revenue from month to month, by least squares"},
		{"theil_sen", double, "the same as the median over all pairs of months, which single large deals do not move"},
		{"months", bigint, "whole months of history that count, at most 24"},
		{"last_quarter", double, "revenue of the last three whole months"},
		{"year_ago", double, "revenue of the same quarter a year before"},
		{"explanation", text, "the expectation in words, or why there is none"},
	})
}

// ExpectNextQuarter says what each enrolled partner may be expected to win in the fiscal quarter that begins next, from
// int_next_quarter (the partners), int_revenue_month (what they won, by when it was known) and int_deal_month (the months
// that the exports hold). It returns score_partner_next_quarter and its card.
//
// Two rules learn: a straight line through up to 24 months, for partners with twelve, and the mean of the last twelve,
// drawn to the segment's median by three months' weight. Two copy: the last three months, and the same quarter a year
// before. Which rule speaks is decided for the whole programme, by how the rules did over the last eight quarters, each
// expected from what was known when it was as far ahead as the next quarter is now: the better of the two that learn,
// where its median absolute error is smaller than that of both naive rules by more than chance explains, else the better
// naive rule. A partner without the history for the rule gets the mean. Months without a deal are months of 0; months in
// which the whole programme closed nothing are gaps.
//
// The 80 % interval is the rule's own, stretched so that it would have held 80 % of the past outcomes; its coverage in
// the card is that of intervals stretched by what came before each quarter only.
func ExpectNextQuarter(partners, revenue, months arrow.RecordBatch, o ExpectationOptions) (*Expectation, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b, err := readRevenueBook(partners, revenue, months, o)
	if err != nil {
		return nil, err
	}
	card := newExpectationCard(purposeNextQuarter, "median_absolute_error", ruleLast)
	choice, err := b.decide(&card)
	if err != nil {
		return nil, fmt.Errorf("expect next quarter: %w", err)
	}
	t := newTable(PartnerNextQuarterSchema())
	peers := b.peers(b.now, everKnown)
	for i := range b.partners {
		if p := &b.partners[i]; p.isEnrolled {
			if err := t.add(b.row(p, choice, peers)...); err != nil {
				return nil, fmt.Errorf("expect next quarter of %s: %w", p.id, err)
			}
		}
	}
	return &Expectation{Rows: t.record(), Card: card}, nil
}

// month counts months since the year 0.
type month int

// everKnown is later than any month: all that is known by now counts.
const everKnown = month(math.MaxInt32)

func monthOf(d arrow.Date32) month {
	y, m, _ := d.ToTime().Date()
	return month(12*y + int(m) - 1)
}

func (m month) first() arrow.Date32 {
	return arrow.Date32FromTime(time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC))
}

// sale is what a partner won in a month, of what became known by a month start.
type sale struct {
	month, known month
	amount       float64
}

// revenuePartner is one partner's history.
type revenuePartner struct {
	id, segment string
	from        month // first whole month that counts, 0 where there is none
	exited      arrow.Date32
	isEnrolled  bool
	hasWon      bool
	sales       []sale
}

// revenueBook holds all histories.
type revenueBook struct {
	partners []revenuePartner
	// held are the months of which the exports know anything, first the oldest.
	held  map[month]bool
	first month
	// now is the running month, next the first month of the quarter to expect, lead how many months lie between.
	now, next  month
	quarter    string
	start, end arrow.Date32
	o          ExpectationOptions
}

func readRevenueBook(partners, revenue, months arrow.RecordBatch, o ExpectationOptions) (*revenueBook, error) {
	b := &revenueBook{held: map[month]bool{}, o: o}
	h := newFrame("int_deal_month", months)
	on, closed := h.dates("month_on"), h.counts("closed_deals")
	r := newFrame("int_revenue_month", revenue)
	seller, sold, known, amount := r.keys("partner_id"), r.dates("month_on"), r.dates("known_month_on"), r.numbers("revenue_base")
	p := newFrame("int_next_quarter", partners)
	id, segment, from, exited := p.keys("partner_id"), p.texts("segment"), p.dates("from_month_on"), p.dates("exited_on")
	enrolled, won, now, quarter := p.bools("is_enrolled"), p.bools("has_won"), p.dates("this_month_on"), p.texts("quarter")
	start, end := p.dates("quarter_start"), p.dates("quarter_end")
	for _, f := range []*frame{h, r, p} {
		if f.err != nil {
			return nil, f.err
		}
	}
	for i, n := range closed {
		m := monthOf(on[i])
		b.held[m] = n > 0
		if b.first == 0 || m < b.first {
			b.first = m
		}
	}
	index := map[string]int{}
	for i := range id {
		if _, twice := index[id[i]]; twice {
			return nil, &InputError{Table: p.table, Column: "partner_id", Reason: "partner " + id[i] + " has two rows"}
		}
		if now[i] == noDate || start[i] == noDate || end[i] == noDate {
			return nil, &InputError{Table: p.table, Reason: "partner " + id[i] + " has no quarter to expect"}
		}
		index[id[i]] = len(b.partners)
		b.now, b.next, b.quarter, b.start, b.end = monthOf(now[i]), monthOf(start[i]), quarter[i], start[i], end[i]
		history := revenuePartner{id: id[i], segment: segment[i], exited: exited[i], isEnrolled: enrolled[i], hasWon: won[i]}
		if from[i] != noDate {
			history.from = monthOf(from[i])
		}
		b.partners = append(b.partners, history)
	}
	for i := range seller {
		at, ok := index[seller[i]]
		if !ok || math.IsNaN(amount[i]) || sold[i] == noDate || known[i] == noDate {
			return nil, &InputError{Table: r.table, Reason: "a row of partner " + seller[i] + " cannot be placed"}
		}
		b.partners[at].sales = append(b.partners[at].sales, sale{monthOf(sold[i]), monthOf(known[i]), amount[i]})
	}
	for i := range b.partners {
		slices.SortFunc(b.partners[i].sales, func(x, y sale) int { return cmp.Or(cmp.Compare(x.month, y.month), cmp.Compare(x.known, y.known)) })
	}
	slices.SortFunc(b.partners, func(x, y revenuePartner) int { return strings.Compare(x.id, y.id) })
	return b, nil
}

// series is a partner's revenue by month, the oldest first; months that the exports do not hold are absent.
type series struct {
	months []int
	values []float64
}

// history returns a partner's months before one, at most so many back, with the deals that were known at a month start.
func (b *revenueBook) history(p *revenuePartner, before, known month, back int) series {
	var s series
	if p.from == 0 {
		return s
	}
	first := max(p.from, before-month(back))
	at := map[month]int{}
	for m := first; m < before; m++ {
		if b.held[m] {
			at[m] = len(s.months)
			s.months, s.values = append(s.months, int(m)), append(s.values, 0)
		}
	}
	for _, x := range p.sales {
		if k, ok := at[x.month]; ok && x.known <= known {
			s.values[k] += x.amount
		}
	}
	return s
}

func (s series) sum() (total float64) {
	for _, v := range s.values {
		total += v
	}
	return total
}

// quarterOf returns the sum of three months, false where one of them is not in the history.
func (b *revenueBook) quarterOf(p *revenuePartner, first, known month) (float64, bool) {
	s := b.history(p, first+quarterMonths, known, quarterMonths)
	return s.sum(), len(s.months) == quarterMonths
}

// peers is what the other partners tell: the typical monthly mean of each segment, and how much months vary around it.
type peers struct {
	segment   map[string]float64
	programme float64
	// variation is the median squared coefficient of variation of a month.
	variation float64
}

func (b *revenueBook) peers(before, known month) peers {
	means := map[string][]float64{}
	var all, variation []float64
	for i := range b.partners {
		p := &b.partners[i]
		if !p.isHere(before) {
			continue
		}
		s := b.history(p, before, known, meanMonths)
		if len(s.months) < quarterMonths || s.sum() <= 0 {
			continue
		}
		mean, variance := moments(s.values)
		means[p.segment], all = append(means[p.segment], mean), append(all, mean)
		if len(s.values) >= meanMonths {
			variation = append(variation, variance/(mean*mean))
		}
	}
	out := peers{segment: map[string]float64{}, programme: median(all), variation: 1}
	for segment, m := range means {
		if len(m) >= minScope {
			out.segment[segment] = median(m)
		}
	}
	if len(variation) > 0 {
		out.variation = median(variation)
	}
	return out
}

// typical is the monthly mean that a partner is drawn to.
func (p peers) typical(segment string) float64 {
	if m, ok := p.segment[segment]; ok {
		return m
	}
	return p.programme
}

// median is 0 of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return evaluate.Quantile(0.5, x)
}

// moments returns mean and variance (divisor n - 1).
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	if len(x) < 2 {
		return mean, 0
	}
	return mean, variance / float64(len(x)-1)
}

// isHere reports whether the partner had not left when a month began.
func (p *revenuePartner) isHere(m month) bool { return p.exited == noDate || p.exited >= m.first() }

// forecast is an expected sum of three months with half the width of its 80 % interval.
type forecast struct{ mean, half float64 }

func newForecast(mean, half float64) forecast { return forecast{mean, math.Max(half, leastHalf*mean)} }

// expect returns what a rule expects of the quarter that begins with a month, from the months before another; false where
// the partner's history is too short for the rule, or has no revenue in its last year.
func (b *revenueBook) expect(rule string, p *revenuePartner, before, target, known month, others peers) (forecast, bool) {
	year := b.history(p, before, known, meanMonths)
	if len(year.months) < quarterMonths || year.sum() <= 0 {
		return forecast{}, false
	}
	n := float64(len(year.months))
	mean, variance := moments(year.values)
	shrunken := (n*mean + priorMonths*others.typical(p.segment)) / (n + priorMonths)
	variance = ((n-1)*variance + spreadPriorMonths*others.variation*shrunken*shrunken) / (n - 1 + spreadPriorMonths)
	sd := math.Sqrt(variance)
	switch rule {
	case ruleLast:
		sum, ok := b.quarterOf(p, before-quarterMonths, known)
		return newForecast(sum, normal80*sd*math.Sqrt(2*quarterMonths)), ok
	case ruleYearAgo:
		sum, ok := b.quarterOf(p, target-meanMonths, known)
		return newForecast(sum, normal80*sd*math.Sqrt(2*quarterMonths)), ok
	case ruleTrend:
		return b.extend(p, before, target, known)
	}
	return newForecast(quarterMonths*shrunken, normal80*sd*math.Sqrt(quarterMonths+quarterMonths*quarterMonths/(n+priorMonths))), true
}

// extend continues the straight line. The sum of three months at a line has three times the mean at the middle month and,
// with s the residual standard deviation and h the leverage of that month, the variance s^2 (9 h + 3).
func (b *revenueBook) extend(p *revenuePartner, before, target, known month) (forecast, bool) {
	s := b.history(p, before, known, trendMonths)
	if len(s.months) < leastTrendMonths {
		return forecast{}, false
	}
	x := make([]float64, len(s.months))
	for i, m := range s.months {
		x[i] = float64(m)
	}
	line, err := linear.Fit(linear.Data{X: x, Y: s.values, Columns: []string{"slope"}}, linear.Options{Level: coverageLevel})
	if err != nil {
		return forecast{}, false
	}
	at, err := line.Predict([]float64{float64(target + 1)})
	if err != nil {
		return forecast{}, false
	}
	mean, one := at.MeanHigh-at.Mean, at.High-at.Mean // t s sqrt(h) and t s sqrt(1 + h)
	half := math.Sqrt(quarterMonths*quarterMonths*mean*mean + quarterMonths*math.Max(0, one*one-mean*mean))
	return newForecast(math.Max(0, quarterMonths*at.Mean), half), true
}

// row returns one partner's row.
func (b *revenueBook) row(p *revenuePartner, choice ruleChoice, others peers) []any {
	s := b.history(p, b.now, everKnown, trendMonths)
	last, hasLast := b.quarterOf(p, b.now-quarterMonths, everKnown)
	ago, hasAgo := b.quarterOf(p, b.next-meanMonths, everKnown)
	var direction any
	var slope, theilSen, lastQuarter, yearAgo *float64
	if hasLast {
		lastQuarter = &last
	}
	if hasAgo {
		yearAgo = &ago
	}
	if len(s.months) >= leastTrendMonths && s.sum() > 0 {
		if t, err := linear.MonthlyTrend(s.months, s.values, nil); err == nil && t.Direction != nil {
			direction, slope, theilSen = string(*t.Direction), &t.Slope, &t.TheilSen
		}
	}
	row := func(status string, method any, f [3]*float64, why string) []any {
		return []any{p.id, b.quarter, b.start, b.end, status, method, f[0], f[1], f[2], direction, slope, theilSen, len(s.months), lastQuarter, yearAgo, why}
	}
	rule := choice.rule
	f, ok := b.expect(rule, p, b.now, b.next, everKnown, others)
	if !ok {
		rule = ruleMean
		f, ok = b.expect(rule, p, b.now, b.next, everKnown, others)
	}
	switch {
	case ok:
	case !p.hasWon:
		return row(statusNoRevenue, nil, [3]*float64{}, "no revenue yet")
	case len(s.months) < quarterMonths:
		return row(statusShortHistory, nil, [3]*float64{}, fmt.Sprintf("%s of history; three are needed to expect a quarter from", plural(float64(len(s.months)), "whole month")))
	default:
		return row(statusNoRevenue, nil, [3]*float64{}, "no revenue in the last twelve months, so there is nothing to continue")
	}
	low, high := choice.interval(f)
	why := fmt.Sprintf("%s expected in %s, 80 %% between %s and %s, %s", b.o.moneyText(f.mean), b.quarter, b.o.moneyText(low), b.o.moneyText(high), ruleWords[rule])
	if lastQuarter != nil {
		why += "; last three months " + b.o.moneyText(last)
	}
	if yearAgo != nil {
		why += "; same quarter last year " + b.o.moneyText(ago)
	}
	return row(statusExpected, rule, [3]*float64{&f.mean, &low, &high}, why)
}

// ruleWords tell how a rule came to its number.
var ruleWords = map[string]string{
	ruleTrend:   "if the trend of the last months goes on",
	ruleMean:    "if the next months are like those of the last year",
	ruleLast:    "if the quarter is like the last three months",
	ruleYearAgo: "if the quarter is like the one a year before",
}
