package score

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

const (
	// minJudged is the least number of events, later in time, on which a method can be judged.
	minJudged = 5
	// judgedHorizon is the number of days within which events are counted against those expected.
	judgedHorizon = 180
	// notProportional is the p below which a card warns that traits act differently early and late.
	notProportional = 0.05
	// closeCall is the share of draws without a gain below which, where it is not 0, the lower limit of the gain is drawn more
	// often, by the factor: the verdict hangs on 2.5 %, of 200 draws the fifth, which another seed moves across 0.
	closeCall, closeCallFactor = 0.08, 10
)

// coxModel expects first revenue by what was known at the signature.
type coxModel struct {
	w      *waits
	design *traitDesign
	cox    *survival.Cox
	exits  *survival.Curve // the share of the programme that has not left, by days since the signature
	all    *durations
}

// fitCox fits the regression to some partners as they were known on a day.
func (w *waits) fitCox(rows []int, on arrow.Date32) (*coxModel, error) {
	m := &coxModel{w: w, all: w.group(rows, on)}
	m.design = newTraitDesign(w.traits, rows, inOrder(m.all.events()/eventsPerTraitColumn))
	if len(m.design.columns) == 0 {
		return nil, errors.New("no trait known at the signature varies enough")
	}
	data := survival.CoxData{X: m.design.matrix(rows), Columns: m.design.names()}
	for _, i := range rows {
		days, end := w.seen(i, on)
		data.Stop, data.Event = append(data.Stop, days), append(data.Event, end == endRevenue)
	}
	var err error
	if m.cox, err = survival.FitCox(data, survival.CoxOptions{Ties: survival.Efron, Ridge: w.o.Lambda}); err != nil {
		return nil, err
	}
	m.exits, err = survival.KaplanMeier(m.all.sample(endExit))
	return m, err
}

func (m *coxModel) expect(row int, waited float64) (outlook, error) {
	out := outlook{basis: "all partners, by " + m.design.traitNames()}
	x := m.design.row(row)
	for k, h := range waitHorizons {
		s, err := m.within(x, waited, waited+h)
		if err != nil {
			return out, err
		}
		out.within[k] = s
	}
	at, low, high, err := m.cox.Remaining(x, waited, 0.5, 0.95)
	if err != nil {
		return out, err
	}
	out.remaining = span{since(at, 0), since(low, 0), since(high, 0)}
	steps := m.cox.Baseline
	if k := sort.Search(len(steps), func(k int) bool { return m.cox.Survival(x, steps[k].Time) <= 0.5 }); k < len(steps) {
		out.typical = optional(steps[k].Time)
	}
	return out, nil
}

// within returns the chance of first revenue in (from, to], given the wait until from, with its interval.
func (m *coxModel) within(x []float64, from, to float64) (span, error) {
	f, err := m.cox.Forecast(x, from, to)
	if err != nil || !f.Known {
		return span{}, err
	}
	if f.Hazard == 0 {
		n := float64(len(m.all.after(from).days))
		low, high, err := evaluate.Wilson(0, n, 0.95)
		return spanOf(0, low, high), err
	}
	c := m.chance(x, from, to)
	low, high := c.interval(f.SE() / f.Hazard)
	return spanOf(c.value, low, high), nil
}

// traitNames lists the traits that have a column.
func (d *traitDesign) traitNames() string {
	var out []string
	for _, c := range d.columns {
		if name := strings.ReplaceAll(c.trait, "_", " "); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// decide goes down the ladder, and fills in the card. It returns nil where nothing can be expected.
func (w *waits) decide(card *ExpectationCard) (waitModel, error) {
	rows, today := w.learnable(), w.o.asOfDay()
	card.n, card.note = len(rows), "Learned from what was known at the signature. An exit before the first revenue counts as a partner that will not sell."
	for _, i := range rows {
		if card.learnedFrom == noDate || w.rows[i].on < card.learnedFrom {
			card.learnedFrom = w.rows[i].on
		}
	}
	if len(rows) > 0 {
		card.learnedTo = today
		card.events = w.group(rows, today).events()
	}
	found := plural(float64(card.events), "first revenue") + " on record"
	if card.events < expectFrom {
		card.conclude(verdictInsufficient, methodNone, fmt.Sprintf("%s; %d are needed to expect anything", found, expectFrom))
		return nil, nil
	}
	curves := w.newCurveModel(rows, today)
	if card.events < regressFrom {
		card.conclude(verdictInsufficient, methodCurve, fmt.Sprintf("%s: the segment's curve alone; a regression on traits needs %d", found, regressFrom))
		return curves, nil
	}
	m, err := w.fitCox(rows, today)
	if err != nil {
		card.conclude(verdictNotFitted, methodCurve, "the regression on traits cannot be fitted: "+err.Error())
		return curves, nil
	}
	card.columns, card.columnNames = len(m.design.columns), strings.Join(m.design.names(), ", ")
	card.leftOut = strings.Join(m.design.leftOut, "; ")
	if _, all, ok := m.cox.Proportionality(); ok {
		card.proportionality = optional(all.P)
		if all.P < notProportional {
			card.note += " The traits act differently early and late in the wait: read the longer horizons with care."
		}
	}
	isFit, err := w.judge(card)
	if err != nil || !isFit {
		return curves, err
	}
	return m, nil
}

// cutOff splits the partners by the day on which two thirds of them had signed.
func (w *waits) cutOff(rows []int) (cut arrow.Date32, before, later []int) {
	ordered := slices.Clone(rows)
	slices.SortStableFunc(ordered, func(a, b int) int { return cmp.Compare(w.rows[a].on, w.rows[b].on) })
	cut = w.rows[ordered[len(ordered)*2/3]].on
	for _, i := range rows {
		if w.rows[i].on < cut {
			before = append(before, i)
		} else {
			later = append(later, i)
		}
	}
	return cut, before, later
}

// judge fits the regression to the partners that signed first, as they were known when the others began to sign, and
// compares how well it ranks the waits of those others with how well the curves of the segments do. It reports whether
// the regression may be published: it ranked no worse. One that is merely no better is, since a ridge that has learned
// nothing is the curve of all partners; what ranked worse than a simpler rule is never published.
func (w *waits) judge(card *ExpectationCard) (bool, error) {
	cut, before, later := w.cutOff(w.learnable())
	refuse := func(reason string) (bool, error) {
		card.conclude(verdictNotFitted, methodCurve, reason)
		return false, nil
	}
	today := w.o.asOfDay()
	events := w.group(later, today).events()
	card.judged, card.judgedEvents, card.judgedFrom, card.judgedTo = len(later), events, cut, today
	if events < minJudged {
		return refuse(fmt.Sprintf("only %s among the partners that signed last: nothing to judge a regression by", plural(float64(events), "first revenue")))
	}
	past, err := w.fitCox(before, cut-1)
	if err != nil {
		return refuse("the partners that signed first do not tell enough to judge by: " + err.Error())
	}
	curves := w.newCurveModel(before, cut-1)
	r := rankings{}
	for _, i := range later {
		days, end := w.seen(i, today)
		mean, err := curves.meanWait(i)
		if err != nil {
			return false, err
		}
		r.add(past.cox.LinearPredictor(past.design.row(i)), -mean, days, end == endRevenue)
	}
	gain, ok, err := r.compare(card, w.o)
	if err != nil {
		return false, err
	}
	if !ok {
		return refuse("the partners that signed last do not differ enough in their waits to judge by")
	}
	if card.ratio, err = w.calibration(past, later, today); err != nil {
		return false, err
	}
	numbers := fmt.Sprintf("concordance %.2f against %.2f of the segment's curve on %s that signed later", *card.value.value, *card.against.value,
		plural(float64(len(later)), "partner"))
	switch {
	case gain.isAboveZero():
		card.conclude(verdictBeats, methodCox, numbers)
	case gain.value >= 0:
		card.conclude(verdictNoBetter, methodCox, numbers+": no more than chance explains")
		card.note += " On partners that signed later the traits told no more than the segment does."
	default:
		card.conclude(verdictNoBetter, methodCurve, numbers+": worse, so the segment's curve is published")
		return false, nil
	}
	card.noteRatio() // of the chances that are published; those of the curve were not held against what happened
	return true, nil
}

// calibration compares the first revenues within the horizon with those expected, over the partners that signed at least
// as long ago. The interval is that of a Poisson count on the log scale.
func (w *waits) calibration(past *coxModel, later []int, today arrow.Date32) (span, error) {
	happened, expected := 0.0, 0.0
	for _, i := range later {
		days, end := w.seen(i, today)
		if w.rows[i].followed < judgedHorizon || days == 0 {
			continue
		}
		s, err := past.within(past.design.row(i), 0, judgedHorizon)
		if err != nil {
			return span{}, err
		}
		if s.value == nil {
			continue
		}
		expected += *s.value
		if end == endRevenue && days <= judgedHorizon {
			happened++
		}
	}
	if expected == 0 || happened < minJudged {
		return span{}, nil
	}
	ratio, spread := happened/expected, math.Exp(normal95/math.Sqrt(happened))
	return spanOf(ratio, ratio/spread, ratio*spread), nil
}

// rankings are two scores for the same waits, the higher the sooner.
type rankings struct {
	model, baseline, days []float64
	event                 []bool
}

func (r *rankings) add(model, baseline, days float64, event bool) {
	r.model, r.baseline, r.days, r.event = append(r.model, model), append(r.baseline, baseline), append(r.days, days), append(r.event, event)
}

// concordance returns that of both scores, NaN where no pair of waits can be compared.
func (r *rankings) concordance() (model, baseline float64) {
	index := func(score []float64) float64 {
		c, err := survival.HarrellConcordance(score, nil, r.days, r.event)
		if err != nil {
			return math.NaN()
		}
		if v, ok := c.Index(); ok {
			return v
		}
		return math.NaN()
	}
	return index(r.model), index(r.baseline)
}

// drawn returns the waits as often as they were drawn.
func (r *rankings) drawn(weight []float64) *rankings {
	out := &rankings{}
	for i, n := range weight {
		for range int(n) {
			out.add(r.model[i], r.baseline[i], r.days[i], r.event[i])
		}
	}
	return out
}

// compare writes both concordances and the gain with bootstrap intervals into the card.
func (r *rankings) compare(card *ExpectationCard, o ExpectationOptions) (gain measure, ok bool, err error) {
	model, baseline := r.concordance()
	return bootstrapGain(card, len(r.days), o, [3]float64{model, baseline, model - baseline}, func(weight []float64) (float64, float64, float64) {
		m, b := r.drawn(weight).concordance()
		return m, b, m - b
	})
}

// drawClusters draws so often, and counts the draws in which the gain is none.
func drawClusters(cluster []int, o ExpectationOptions, resamples int, measured func(weight []float64) (model, baseline, gain float64),
) (intervals []evaluate.Interval, exists []bool, losses int, err error) {
	rnd := rand.New(rand.NewPCG(o.Seed, uint64(resamples)))
	intervals, exists, err = evaluate.Bootstrap(cluster, 3, resamples, 0.95, rnd, func(weight, out []float64) {
		out[0], out[1], out[2] = measured(weight)
		if out[2] <= 0 {
			losses++
		}
	})
	return intervals, exists, losses, err
}

// bootstrapGain writes measure of the model, of the baseline and the gain into the card, with the interval over partners
// drawn with replacement. ok is false where one of them does not exist.
func bootstrapGain(card *ExpectationCard, n int, o ExpectationOptions, values [3]float64,
	measured func(weight []float64) (model, baseline, gain float64),
) (gain measure, ok bool, err error) {
	cluster := make([]int, n)
	for i := range cluster {
		cluster[i] = i
	}
	return bootstrapClusters(card, cluster, o, values, measured)
}

// bootstrapClusters is bootstrapGain for rows of which several belong together.
func bootstrapClusters(card *ExpectationCard, cluster []int, o ExpectationOptions, values [3]float64,
	measured func(weight []float64) (model, baseline, gain float64),
) (gain measure, ok bool, err error) {
	intervals, exists, losses, err := drawClusters(cluster, o, o.Resamples, measured)
	if share := float64(losses) / float64(o.Resamples); err == nil && share > 0 && share < closeCall {
		intervals, exists, _, err = drawClusters(cluster, o, closeCallFactor*o.Resamples, measured)
	}
	if err != nil {
		return measure{}, false, fmt.Errorf("judge %s: %w", card.Purpose, err)
	}
	spans := [3]*span{&card.value, &card.against, &card.gain}
	ok = true
	for k, iv := range intervals {
		switch {
		case math.IsNaN(values[k]):
			ok = false
		case exists[k]:
			*spans[k] = spanOf(values[k], iv.Low, iv.High)
		default:
			*spans[k], ok = spanOf(values[k], math.NaN(), math.NaN()), false
		}
	}
	return measure{value: values[2], low: intervals[2].Low, high: intervals[2].High, se: intervals[2].SE, ok: ok}, ok, nil
}
