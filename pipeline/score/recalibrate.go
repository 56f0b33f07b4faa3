package score

import (
	"math"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

const (
	// minRecalibrationEvents is the number of later events, and of rows without, under which recalibrating costs more than it
	// repairs.
	minRecalibrationEvents = 20
	// recalibrationPenalty draws the slope to 1.
	recalibrationPenalty = 10
)

// The kinds of recalibration.
const (
	recalibrateNone      = "none"
	recalibrateIntercept = "intercept"
	recalibrateSlope     = "slope"
)

// recalibration is what later outcomes say of a regression's probabilities: a line on the scale of the log-odds.
type recalibration struct {
	evaluate.Recalibration
	// Kind is none, intercept or slope.
	Kind string `json:"kind"`
	// Churns counts the distinct churns that were predicted from earlier months.
	Churns int `json:"churns"`
}

// outcomes is what became of the rows that were predicted.
type outcomes interface {
	// labels are 1 where the event came.
	labels(rows []int) []float64
	// events counts the distinct ones: one may make several rows positive.
	events(rows []int) int
	// clusters numbers what belongs together.
	clusters(rows []int) []int
}

// asItIs leaves a logit as the regression gave it.
var asItIs = recalibration{Recalibration: evaluate.Recalibration{Slope: 1}, Kind: recalibrateNone}

// foresight are predictions of blocks of months, each later in time than all that the predicting model had learned from.
type foresight struct {
	rows  []int
	logit []float64
	// newest is where the newest block begins.
	newest int
}

// add predicts a newer block with a regression as it is, without recalibration.
func (f *foresight) add(r *ridge, p *panel, rows []int) {
	f.addBlock(rows, func(i int) float64 { return r.raw(r.standard(p.rows[i].values)) })
}

// addBlock adds the predictions of a newer block.
func (f *foresight) addBlock(rows []int, logit func(row int) float64) {
	f.newest = len(f.rows)
	for _, i := range rows {
		f.rows, f.logit = append(f.rows, i), append(f.logit, logit(i))
	}
}

// walkForward predicts each block at the end of the training window by a regression on the rows whose outcome was known
// before it. A block that has fewer churns behind it than a model needs tells nothing of one.
func (p *panel) walkForward(choices []choice, train []int, lambda float64, constrained bool, o Options) (foresight, error) {
	var out foresight
	for _, f := range p.tuningFolds(train, o) {
		if p.churns(f.train) < o.Ladder.Ridge {
			continue
		}
		r, err := p.fitRidge(choices, f.train, lambda, constrained, o)
		if err != nil {
			return out, err
		}
		out.add(r, p, f.heldOut)
	}
	return out, nil
}

// recalibrate learns from what was foreseen of churn.
func (p *panel) recalibrate(f foresight) recalibration {
	r, _ := f.recalibrate(p)
	return r
}

// recalibrate learns from foresight by how much a regression's log-odds are to be shifted and stretched. It does so only
// where that would have helped before: the line learned from all blocks but the newest must lose less on the newest than the
// regression as it is, by more than chance explains at 5 %, one-sided, by partner family. For the earlier predictions come of fewer data, and
// what was wrong with them need not be wrong with the last model. isTried is false where the events were too few to tell.
func (f foresight) recalibrate(o outcomes) (out recalibration, isTried bool) {
	out = asItIs
	out.Churns = o.events(f.rows)
	before, ok := correction(o, f.rows[:f.newest], f.logit[:f.newest])
	if !ok {
		return out, false
	}
	newest, logit := f.rows[f.newest:], f.logit[f.newest:]
	raw, mapped, label := make([]float64, len(newest)), make([]float64, len(newest)), o.labels(newest)
	for k, eta := range logit {
		raw[k], mapped[k] = logLoss(label[k], eta), logLoss(label[k], before.Logit(eta))
	}
	if gain, se := gainBy(o.clusters(newest), raw, mapped); !(gain > oneSided95*se) {
		return out, true
	}
	if all, ok := correction(o, f.rows, f.logit); ok {
		out.Recalibration, out.Kind = all.Recalibration, all.Kind
	}
	return out, true
}

// correction fits a recalibration to predictions, from 20 distinct events on. One churn makes several positive rows, so rows
// weigh the number of distinct events over that of positive rows: few churns then count as few. Where the outcomes would
// turn the order round, the level alone is repaired.
func correction(o outcomes, rows []int, logit []float64) (recalibration, bool) {
	events, label, positives := o.events(rows), o.labels(rows), 0.0
	for _, y := range label {
		positives += y
	}
	if events < minRecalibrationEvents || float64(len(rows))-positives < minRecalibrationEvents {
		return asItIs, false
	}
	weight, prob := make([]float64, len(rows)), make([]float64, len(rows))
	share := float64(events) / positives
	for k, eta := range logit {
		weight[k], prob[k] = share, logistic.Expit(eta)
	}
	s, err := evaluate.New(label, prob, weight)
	if err != nil {
		return asItIs, false
	}
	if r, err := s.Recalibrate(recalibrationPenalty); err == nil && r.Slope > 0 {
		return recalibration{r, recalibrateSlope, events}, true
	}
	shift, _, err := s.Shift()
	if err != nil {
		return asItIs, false
	}
	return recalibration{evaluate.Recalibration{Intercept: shift, Slope: 1}, recalibrateIntercept, events}, true
}

// logLoss is that of log-odds, without overflow.
func logLoss(y, eta float64) float64 {
	return max(eta, 0) - y*eta + math.Log1p(math.Exp(-math.Abs(eta)))
}
