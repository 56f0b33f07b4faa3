package score

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

const (
	// backtestQuarters is how many past quarters the rules are tried on.
	backtestQuarters = 8
	// minBacktestRows is the least number of partner-quarters, and minBacktestQuarters of quarters, to decide by.
	minBacktestRows, minBacktestQuarters = 30, 2
	// minStretchRows is the least number of past intervals to learn their stretch from.
	minStretchRows = 50
	// minCoverageQuarters is the least number of past quarters to say from how many outcomes the intervals hold: what moves a
	// quarter moves all partners in it, and the intervals of the first quarters are stretched by nothing yet.
	minCoverageQuarters = 3
	// coverageLevel is the share of outcomes that the intervals are to hold.
	coverageLevel = 0.80
)

// ruleChoice is the rule that speaks for the programme, and by how much its intervals are stretched.
type ruleChoice struct {
	rule    string
	stretch float64
}

// interval returns the limits of an expected quarter: revenue is not negative.
func (c ruleChoice) interval(f forecast) (low, high float64) {
	return math.Max(0, f.mean-c.stretch*f.half), f.mean + c.stretch*f.half
}

// trial is one partner's past quarter beside what each rule expected of it.
type trial struct {
	partner int
	target  month
	actual  float64
	by      map[string]forecast
}

// rules that are compared, those that learn first.
var comparedRules = []string{ruleTrend, ruleMean, ruleLast, ruleYearAgo}

// trials plays the past quarters, the oldest first, each from as far ahead as the next quarter is now. A partner that left
// before the quarter was over stays in: that it would leave was not known.
func (b *revenueBook) trials() []trial {
	lead := b.next - b.now
	var out []trial
	for k := backtestQuarters; k >= 1; k-- {
		target := b.next - month(quarterMonths*k)
		if target+quarterMonths > b.now {
			continue
		}
		before := target - lead
		others := b.peers(before, before)
		for i := range b.partners {
			p := &b.partners[i]
			if p.from == 0 || p.from >= before || !p.isHere(before) {
				continue
			}
			actual, ok := b.quarterOf(p, target, everKnown)
			if !ok {
				continue
			}
			t := trial{partner: i, target: target, actual: actual, by: map[string]forecast{}}
			for _, rule := range comparedRules {
				if f, ok := b.expect(rule, p, before, target, before, others); ok {
					t.by[rule] = f
				}
			}
			if len(t.by) > 0 {
				out = append(out, t)
			}
		}
	}
	return out
}

// absoluteErrors are how far a rule was off, with the rows in the order of that.
type absoluteErrors struct {
	off   []float64
	order []int
}

func newAbsoluteErrors(rows []trial, rule string) *absoluteErrors {
	e := &absoluteErrors{off: make([]float64, len(rows)), order: make([]int, len(rows))}
	for i, t := range rows {
		e.off[i], e.order[i] = math.Abs(t.actual-math.Max(0, t.by[rule].mean)), i
	}
	slices.SortStableFunc(e.order, func(i, j int) int { return cmp.Compare(e.off[i], e.off[j]) })
	return e
}

// median counts each row as often as its weight says, nil for once; NaN of nothing.
func (e *absoluteErrors) median(weight []float64) float64 {
	count := func(i int) int {
		if weight == nil {
			return 1
		}
		return int(weight[i])
	}
	total := 0
	for i := range e.off {
		total += count(i)
	}
	lower, seen := math.NaN(), 0
	for _, i := range e.order {
		n := count(i)
		if seen <= (total-1)/2 && seen+n > (total-1)/2 {
			lower = e.off[i]
		}
		if seen += n; seen > total/2 {
			return (lower + e.off[i]) / 2
		}
	}
	return math.NaN()
}

// better returns the one of two rules with the smaller error, the second on a tie: it is the simpler one.
func better(rows []trial, a, b string) string {
	if newAbsoluteErrors(rows, a).median(nil) < newAbsoluteErrors(rows, b).median(nil) {
		return a
	}
	return b
}

// decide tries the rules on the past and fills in the card.
func (b *revenueBook) decide(card *ExpectationCard) (ruleChoice, error) {
	trials := b.trials()
	card.note = "A partner's own months only: what is in its open pipeline is not looked at."
	if lead := b.next - b.now; lead > 0 {
		card.note += fmt.Sprintf(" The quarter begins %s after the months that are known.", plural(float64(lead), "month"))
	}
	// The rules are compared where all of them have something to say.
	var rows []trial
	quarters := map[month]bool{}
	for _, t := range trials {
		if len(t.by) == len(comparedRules) {
			rows = append(rows, t)
			quarters[t.target] = true
		}
	}
	card.n, card.judged, card.events, card.judgedEvents = len(rows), len(rows), len(quarters), len(quarters)
	if len(rows) > 0 {
		card.judgedFrom, card.judgedTo = rows[0].target.first(), (rows[len(rows)-1].target+quarterMonths).first()-1
		card.learnedFrom, card.learnedTo = b.first.first(), b.now.first()-1
	}
	if len(rows) < minBacktestRows || len(quarters) < minBacktestQuarters {
		card.conclude(verdictInsufficient, ruleLast, fmt.Sprintf("%s in %s to try the rules on; %d in %d are needed: the last quarter is repeated",
			plural(float64(len(rows)), "past partner-quarter"), plural(float64(len(quarters)), "quarter"), minBacktestRows, minBacktestQuarters))
		return b.stretched(ruleLast, trials, card)
	}
	model, naive := better(rows, ruleTrend, ruleMean), better(rows, ruleYearAgo, ruleLast)
	card.baseline = naive
	gain, ok, err := b.compare(card, rows, model, naive)
	if err != nil {
		return ruleChoice{}, err
	}
	var told []string
	for _, rule := range comparedRules {
		told = append(told, ruleNames[rule]+" "+b.o.moneyText(newAbsoluteErrors(rows, rule).median(nil)))
	}
	numbers := fmt.Sprintf("median absolute error over %s in %s: %s", plural(float64(len(rows)), "partner-quarter"),
		plural(float64(len(quarters)), "quarter"), strings.Join(told, ", "))
	if ok && gain.isAboveZero() {
		card.conclude(verdictBeats, model, numbers)
		return b.stretched(model, trials, card)
	}
	card.conclude(verdictNoBetter, naive, numbers+"; the naive rule is published, since no other is better by more than chance explains")
	return b.stretched(naive, trials, card)
}

// ruleNames are the rules in words.
var ruleNames = map[string]string{
	ruleTrend: "trend", ruleMean: "mean of the last year", ruleLast: "last quarter again", ruleYearAgo: "same quarter last year",
}

// compare writes the errors of two rules with their intervals into the card; partners are drawn as a whole.
func (b *revenueBook) compare(card *ExpectationCard, rows []trial, model, naive string) (measure, bool, error) {
	cluster, index := make([]int, len(rows)), map[int]int{}
	for i, t := range rows {
		g, ok := index[t.partner]
		if !ok {
			g = len(index)
			index[t.partner] = g
		}
		cluster[i] = g
	}
	ofModel, ofNaive := newAbsoluteErrors(rows, model), newAbsoluteErrors(rows, naive)
	measured := func(weight []float64) (float64, float64, float64) {
		m, n := ofModel.median(weight), ofNaive.median(weight)
		return m, n, n - m
	}
	m, n, gain := measured(nil)
	return bootstrapClusters(card, cluster, b.o, [3]float64{m, n, gain}, measured)
}

// stretched learns by how much the rule's intervals must be stretched to hold 80 % of the past outcomes, and writes into
// the card how many they held when each quarter's stretch was learned from the quarters before it, and of how many quarters
// that is.
func (b *revenueBook) stretched(rule string, trials []trial, card *ExpectationCard) (ruleChoice, error) {
	choice := ruleChoice{rule, 1}
	var past, now []float64
	var target month
	held, n, quarters := 0.0, 0.0, 0
	for _, t := range trials {
		f, ok := t.by[rule]
		if !ok {
			f, ok = t.by[ruleMean]
		}
		if !ok {
			continue
		}
		if t.target != target {
			past, now, target = append(past, now...), nil, t.target
			choice.stretch = stretch(past)
			quarters++
		}
		if f.half > 0 { // what is expected to be 0 has no width to stretch, but it can be missed
			now = append(now, math.Abs(t.actual-f.mean)/f.half)
		}
		n++
		if low, high := choice.interval(f); t.actual >= low && t.actual <= high {
			held++
		}
	}
	choice.stretch = stretch(append(past, now...))
	card.factor = &choice.stretch
	if n == 0 {
		return choice, nil
	}
	if quarters < minCoverageQuarters {
		card.note += fmt.Sprintf(" The intervals could be tried on %s; to tell how many outcomes they hold %d are needed.",
			plural(float64(quarters), "past quarter"), minCoverageQuarters)
		return choice, nil
	}
	card.note += fmt.Sprintf(" The intervals were tried on %s.", plural(float64(quarters), "past quarter"))
	low, high, err := evaluate.Wilson(held, n, 0.95)
	if err != nil {
		return choice, fmt.Errorf("judge intervals: %w", err)
	}
	card.coverage = spanOf(held/n, low, high)
	return choice, nil
}

// stretch is the factor that holds 80 % of the outcomes, told as distances in half widths; 1 where they are too few.
func stretch(distances []float64) float64 {
	if len(distances) < minStretchRows {
		return 1
	}
	sorted := slices.Clone(distances)
	slices.Sort(sorted)
	return evaluate.Quantile(coverageLevel, sorted)
}
