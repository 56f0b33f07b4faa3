package score

import (
	"math"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

const (
	// minRecalibrationChurns is the number of later churns under which recalibrating costs more than it repairs.
	minRecalibrationChurns = 20
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
	f.newest = len(f.rows)
	for _, i := range rows {
		f.rows, f.logit = append(f.rows, i), append(f.logit, r.raw(r.standard(p.rows[i].values)))
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

// recalibrate learns from foresight by how much a regression's log-odds are to be shifted and stretched. It does so only
// where that would have helped before: the line learned from all blocks but the newest must lose less on the newest than the
// regression as it is, by more than chance explains at 5 %, one-sided, by partner family. For the earlier predictions come of fewer data, and
// what was wrong with them need not be wrong with the last model.
func (p *panel) recalibrate(f foresight) recalibration {
	out := asItIs
	out.Churns = p.churns(f.rows)
	before, ok := p.line(f.rows[:f.newest], f.logit[:f.newest])
	if !ok {
		return out
	}
	newest, logit := f.rows[f.newest:], f.logit[f.newest:]
	raw, mapped := make([]float64, len(newest)), make([]float64, len(newest))
	for k, eta := range logit {
		raw[k], mapped[k] = logLoss(p.rows[newest[k]].label, eta), logLoss(p.rows[newest[k]].label, before.Logit(eta))
	}
	if gain, se := p.gain(raw, mapped, newest); !(gain > oneSided95*se) {
		return out
	}
	if all, ok := p.line(f.rows, f.logit); ok {
		out.Recalibration, out.Kind = all.Recalibration, all.Kind
	}
	return out
}

// line fits a recalibration to predictions, from 20 distinct churns on. One churn makes several positive rows, so rows
// weigh the number of distinct churns over that of positive rows: few churns then count as few. Where the outcomes would
// turn the order round, the level alone is repaired.
func (p *panel) line(rows []int, logit []float64) (recalibration, bool) {
	churns := p.churns(rows)
	if churns < minRecalibrationChurns {
		return asItIs, false
	}
	weight, prob := make([]float64, len(rows)), make([]float64, len(rows))
	share := float64(churns) / float64(p.positives(rows))
	for k, eta := range logit {
		weight[k], prob[k] = share, logistic.Expit(eta)
	}
	s, err := evaluate.New(p.labels(rows), prob, weight)
	if err != nil {
		return asItIs, false
	}
	if r, err := s.Recalibrate(recalibrationPenalty); err == nil && r.Slope > 0 {
		return recalibration{r, recalibrateSlope, churns}, true
	}
	shift, _, err := s.Shift()
	if err != nil {
		return asItIs, false
	}
	return recalibration{evaluate.Recalibration{Intercept: shift, Slope: 1}, recalibrateIntercept, churns}, true
}

// logLoss is that of log-odds, without overflow.
func logLoss(y, eta float64) float64 {
	return max(eta, 0) - y*eta + math.Log1p(math.Exp(-math.Abs(eta)))
}
