package score

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// The purposes of expectation_card, one row each.
const (
	purposeFirstRevenue = "first_revenue"
	purposeNextQuarter  = "next_quarter"
	purposeLookAlike    = "look_alike"
)

// statusExpected marks a partner for whom there is a number; the other statuses say why there is none.
const statusExpected = "expected"

// The ladder that expectations share (statistics.md, section 4), in numbers of events.
const (
	// expectFrom: below it nothing is estimated.
	expectFrom = 10
	// regressFrom: below it no regression is fitted.
	regressFrom = 30
)

// verdictBeats is what a card says where the method was better than its baseline by more than chance explains: where the
// whole 95 % interval of the gain lies above 0. The card shows that interval, so verdict and interval cannot contradict each
// other; standard errors can, since a difference of medians need not be symmetric.
const verdictBeats = "better than baseline"

// isAboveZero is that criterion.
func (m measure) isAboveZero() bool { return m.low > 0 }

// normal95 is the normal quantile of a 95 % interval.
const normal95 = 1.959963984540054

// ExpectationOptions are the settings of the expectations. DefaultExpectationOptions fills in all but the as-of date.
type ExpectationOptions struct {
	// AsOf is the last day that the run may know.
	AsOf time.Time
	// Seed starts the random source of the bootstrap, Resamples is how often it draws.
	Seed      uint64
	Resamples int
	// Lambda is the ridge penalty on standardised columns.
	Lambda float64
	// Currency names the reporting currency in explanations; empty for none.
	Currency string
}

// DefaultExpectationOptions returns the documented settings for a night.
func DefaultExpectationOptions(asOf time.Time, currency string) ExpectationOptions {
	return ExpectationOptions{AsOf: asOf, Seed: 1, Resamples: 200, Lambda: 10, Currency: currency}
}

func (o ExpectationOptions) check() error {
	if o.AsOf.IsZero() || o.Resamples < 2 || !(o.Lambda > 0) {
		return fmt.Errorf("check expectation options: as-of date %v, %d resamples, lambda %v", o.AsOf, o.Resamples, o.Lambda)
	}
	return nil
}

// asOfDay returns the as-of date as days since 1970-01-01.
func (o ExpectationOptions) asOfDay() arrow.Date32 { return Options{AsOf: o.AsOf}.asOfDay() }

// Expectation is one table of expectations with its card.
type Expectation struct {
	// Rows is the published table.
	Rows arrow.RecordBatch
	// Card says what the numbers rest on.
	Card ExpectationCard
}

// span is a number with its interval, each part nil where it does not exist.
type span struct{ value, low, high *float64 }

func (s span) columns() []any { return []any{s.value, s.low, s.high} }

// spanOf returns a number with its interval.
func spanOf(value, low, high float64) span {
	return span{optional(value), optional(low), optional(high)}
}

// ExpectationCard is one row of expectation_card: what an expectation learned from, how it did later in time, and what
// that means. Zero values are what was not judged.
type ExpectationCard struct {
	Purpose, Method, Verdict, Reason string

	baseline, note          string
	n, events               int
	learnedFrom, learnedTo  arrow.Date32
	columns                 int
	columnNames, leftOut    string
	judged, judgedEvents    int
	judgedFrom, judgedTo    arrow.Date32
	measure                 string
	value, against, gain    span
	coverage, ratio         span
	proportionality, factor *float64
}

// newExpectationCard returns a card that nothing has been learned or judged for yet.
func newExpectationCard(purpose, measure, baseline string) ExpectationCard {
	return ExpectationCard{
		Purpose: purpose, measure: measure, baseline: baseline,
		learnedFrom: noDate, learnedTo: noDate, judgedFrom: noDate, judgedTo: noDate,
	}
}

// conclude says what a card's numbers are made of and how they were judged.
func (c *ExpectationCard) conclude(verdict, method, reason string) {
	c.Verdict, c.Method, c.Reason = verdict, method, reason
}

// noteRatio warns where more or less happened later in time than was expected, beyond what chance explains.
func (c *ExpectationCard) noteRatio() {
	r := c.ratio
	if r.low == nil || r.high == nil || *r.low <= 1 && *r.high >= 1 {
		return
	}
	what := "less often than expected (%.2f times): take the chances as upper limits."
	if *r.low > 1 {
		what = "more often than expected (%.2f times): take the chances as lower limits."
	}
	c.note += " Of the partners that signed last it happened " + fmt.Sprintf(what, *r.value)
}

// ExpectationCardSchema returns the columns of expectation_card.
func ExpectationCardSchema() *arrow.Schema {
	columns := []column{
		{"purpose", text, "first_revenue, next_quarter or look_alike"},
		{"method", text, "what makes the published numbers; none where there are none"},
		{"baseline", text, "the simple rule that it is judged against"},
		{"verdict", text, "better than baseline (the 95% interval of the gain lies above 0), no better than baseline, insufficient_events, or not fitted"},
		{"reason", text, "why, in words"},
		{"note", text, "what to bear in mind when reading the numbers"},
		{"n", bigint, "rows learned from: partners, or partner-quarters for next_quarter"},
		{"events", bigint, "of these, with the event; fiscal quarters for next_quarter"},
		{"learned_from", date, "first day of what was learned from"},
		{"learned_to", date, "last day"},
		{"columns", bigint, "columns of the regression"},
		{"column_names", text, "what it looks at"},
		{"left_out", text, "what it does not, and why"},
		{"judged", bigint, "rows later in time on which it was judged"},
		{"judged_events", bigint, "of these, with the event; fiscal quarters for next_quarter"},
		{"judged_from", date, "first day of what was judged"},
		{"judged_to", date, "last day"},
		{"measure", text, "concordance, auc, or median_absolute_error in the reporting currency, which is better when low"},
	}
	for _, m := range [][2]string{
		{"value", "measure of the model on the rows it was judged on"},
		{"baseline_value", "measure of the baseline on the same rows"},
		{"gain", "by how much the model is better"},
		{"coverage", "share of the outcomes inside the 80% intervals; null where under three past quarters were there to try them on"},
		{"observed_expected", "events that happened per event that was expected"},
	} {
		columns = append(columns, column{m[0], double, m[1]},
			column{m[0] + "_low", double, "lower end of its 95% interval"},
			column{m[0] + "_high", double, "upper end of its 95% interval"})
	}
	columns = append(columns,
		column{"proportionality_p", double, "p of the test that traits act alike early and late in the wait; small speaks against it"},
		column{"interval_factor", double, "by how much the intervals are stretched, so that past ones would have held 80%"})
	return newSchema("what each expectation learned from and how it did later in time.", "purpose", "purpose", columns)
}

// ExpectationCards returns expectation_card.
func ExpectationCards(cards ...ExpectationCard) (arrow.RecordBatch, error) {
	t := newTable(ExpectationCardSchema())
	for i := range cards {
		c := &cards[i]
		row := []any{c.Purpose, c.Method, c.baseline, c.Verdict, c.Reason, nullable(c.note), c.n, c.events, c.learnedFrom, c.learnedTo,
			c.columns, nullable(c.columnNames), nullable(c.leftOut), c.judged, c.judgedEvents, c.judgedFrom, c.judgedTo, c.measure}
		for _, s := range []span{c.value, c.against, c.gain, c.coverage, c.ratio} {
			row = append(row, s.columns()...)
		}
		if err := t.add(append(row, c.proportionality, c.factor)...); err != nil {
			return nil, fmt.Errorf("write card of %s: %w", c.Purpose, err)
		}
	}
	return t.record(), nil
}

// percentText writes a share for people.
func percentText(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// moneyText writes an amount for people.
func (o ExpectationOptions) moneyText(amount float64) string {
	return strings.TrimSpace(o.Currency + " " + number(roundMoney(amount)))
}

// roundMoney rounds an expected amount to two significant digits: it is not known better.
func roundMoney(amount float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(amount, 'g', 2, 64), 64)
	if err != nil {
		return amount
	}
	return r
}
