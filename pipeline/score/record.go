package score

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// The measures of a track record.
const (
	mAUC = iota
	mBaselineAUC
	mAUCGain // over the recency-only baseline
	mBrier
	mBaselineBrier
	mLogLoss
	mLogLossGain // how much less the model loses than the baseline
	mSlope
	mIntercept
	mRatio // observed over expected
	mLift  // of the highest-scored tenth
	measures
)

// measure is a number with its bootstrap interval; ok is false where it does not exist.
type measure struct {
	value         float64
	low, high, se float64
	ok, bounded   bool
}

// trackRecord is how a score did on the held-out quarters.
type trackRecord struct {
	rows                          []int
	outcome                       []float64
	probability, baseline         []float64
	churns                        int
	expected, brierBase, baseRate float64
	m                             [measures]measure
}

// minHeldOutChurns is the least number of churns in the held-out quarters on which a model can be judged.
const minHeldOutChurns = 2

// judge measures a score and the baseline on the held-out rows; the bootstrap draws partner families with replacement.
func (p *panel) judge(s, baseline scorer, rows []int, o Options) (*trackRecord, error) {
	t := &trackRecord{rows: rows, outcome: p.labels(rows), churns: p.churns(rows)}
	for _, i := range rows {
		t.probability = append(t.probability, logistic.Expit(s.logit(p.rows[i].values)))
		t.baseline = append(t.baseline, logistic.Expit(baseline.logit(p.rows[i].values)))
	}
	if len(rows) == 0 {
		return t, nil
	}
	model, err := evaluate.New(t.outcome, t.probability, nil)
	if err != nil {
		return nil, fmt.Errorf("judge score: %w", err)
	}
	base, err := evaluate.New(t.outcome, t.baseline, nil)
	if err != nil {
		return nil, fmt.Errorf("judge baseline: %w", err)
	}
	t.baseRate, t.brierBase = model.BaseRate(), model.BrierOfBaseRate()
	if t.expected, err = model.Expected(); err != nil {
		return nil, fmt.Errorf("judge score: %w", err)
	}
	values := make([]float64, measures)
	compare(model, base, values)
	for k, v := range values {
		t.m[k].value, t.m[k].ok = v, !math.IsNaN(v)
	}
	measure := compare
	if o.ranksOnly {
		measure = compareRanks
	}
	rnd := rand.New(rand.NewPCG(o.Seed, uint64(o.Resamples)))
	intervals, ok, err := evaluate.Bootstrap(p.clusters(rows), measures, o.Resamples, 0.95, rnd, func(weight, values []float64) {
		m, err1 := model.Reweighted(weight)
		b, err2 := base.Reweighted(weight)
		if err1 != nil || err2 != nil { // no row was drawn
			for k := range values {
				values[k] = math.NaN()
			}
			return
		}
		measure(m, b, values)
	})
	if err != nil {
		return nil, fmt.Errorf("judge score: %w", err)
	}
	for k, iv := range intervals {
		if t.m[k].bounded = ok[k] && t.m[k].ok; t.m[k].bounded {
			t.m[k].low, t.m[k].high, t.m[k].se = iv.Low, iv.High, iv.SE
		}
	}
	return t, nil
}

// exists returns a measure, NaN where it does not exist on the sample.
func exists(v float64, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return v
}

// compareRanks writes the measures that decide whether a model is published, NaN for all others.
func compareRanks(model, baseline *evaluate.Sample, values []float64) {
	for k := range values {
		values[k] = math.NaN()
	}
	values[mAUC], values[mBaselineAUC] = exists(model.AUC()), exists(baseline.AUC())
	values[mAUCGain] = values[mAUC] - values[mBaselineAUC]
}

// compare writes all measures, NaN for those that do not exist on the sample.
func compare(model, baseline *evaluate.Sample, values []float64) {
	compareRanks(model, baseline, values)
	values[mBrier], values[mBaselineBrier] = exists(model.Brier()), exists(baseline.Brier())
	values[mLogLoss] = exists(model.LogLoss())
	values[mLogLossGain] = exists(baseline.LogLoss()) - values[mLogLoss]
	values[mRatio] = exists(model.ObservedExpected())
	if c, err := model.Calibrate(); err == nil {
		values[mSlope], values[mIntercept] = c.Slope, c.Intercept
	}
	if top, err := model.TopShare(0.1); err == nil {
		values[mLift] = top.Lift
	}
}

// The verdicts on a model.
const (
	verdictBetter       = "better than recency alone"
	verdictNoBetter     = "no better than baseline"
	verdictInsufficient = "insufficient_events"
	verdictNotFitted    = "not fitted"
)

// oneSided95 is the normal quantile of a one-sided test at 5 %.
const oneSided95 = 1.6448536269514722

// verdict compares the model with recency alone: in the held-out quarters it must rank better than chance, and better than
// recency, each by more than chance explains at 5 %, one-sided, by partner family. A programme without signal beyond
// recency passes less often than that, because features that tell nothing cost a little.
func (t *trackRecord) verdict() (verdict, reason string) {
	auc, recency, gain := t.m[mAUC], t.m[mBaselineAUC], t.m[mAUCGain]
	switch {
	case t.churns < minHeldOutChurns:
		return verdictNotFitted, fmt.Sprintf("only %s in the held-out quarters: nothing to judge by", plural(float64(t.churns), "churn"))
	case !auc.bounded || !gain.bounded || gain.se == 0:
		return verdictNotFitted, "the held-out quarters do not hold both outcomes often enough to judge by"
	case auc.value-0.5 <= oneSided95*auc.se:
		return verdictNoBetter, fmt.Sprintf("AUC %.3f on the held-out quarters is not above chance, its standard error is %.3f", auc.value, auc.se)
	case gain.value <= oneSided95*gain.se:
		return verdictNoBetter, fmt.Sprintf("AUC %.3f against %.3f of recency alone on the held-out quarters: a difference of %.3f with standard error %.3f",
			auc.value, recency.value, gain.value, gain.se)
	}
	return verdictBetter, fmt.Sprintf("AUC %.3f against %.3f of recency alone on the held-out quarters", auc.value, recency.value)
}

// isPublishable reports whether the model may score partners at all: it was judged, ranks better than chance, and is not
// worse than recency alone by more than one standard error (statistics.md section 4). A model that is merely no better is
// published, since its probabilities are calibrated and its reasons tell more than one number of days; its card says so.
func (t *trackRecord) isPublishable() bool {
	auc, gain := t.m[mAUC], t.m[mAUCGain]
	return t.churns >= minHeldOutChurns && auc.bounded && gain.bounded && gain.se > 0 &&
		auc.value-0.5 > oneSided95*auc.se && gain.value >= -gain.se
}
