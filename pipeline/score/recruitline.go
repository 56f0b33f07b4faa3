package score

import (
	"fmt"
	"math"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// labels, events and clusters are the outcomes of applicants: one row each, on its own.
func (a *applicants) labels(rows []int) []float64 {
	y := make([]float64, len(rows))
	for k, i := range rows {
		y[k] = a.rows[i].label
	}
	return y
}

func (a *applicants) events(rows []int) int {
	n, _ := a.outcomes(rows)
	return n
}

func (a *applicants) clusters(rows []int) []int {
	out := make([]int, len(rows))
	for k := range out {
		out[k] = k
	}
	return out
}

// raw returns the log-odds of the regression.
func (m *lookAlike) raw(row int) float64 { return m.laplace.Interval(m.design.row(row), 0.95).Logit }

// verdictOnLine is what the later outcomes said of a correction; isTried is false where they were too few to say anything.
type verdictOnLine struct {
	recalibration
	isTried bool
}

// recalibrate looks at the partners that signed last in two halves, each foreseen by a regression on those whose outcome
// was known before it: past for the older half. What was wrong with a regression on a part of the partners need not be
// wrong with the one on all, so the older half must have corrected the newer.
func (m *lookAlike) recalibrate(a *applicants, past *lookAlike, rows, later []int) verdictOnLine {
	middle := a.rows[later[len(later)/2]].signed
	train, newer := a.before(middle, rows)
	recent, err := a.fit(train)
	if err != nil {
		return verdictOnLine{asItIs, false}
	}
	var f foresight
	f.addBlock(later[:len(later)-len(newer)], past.raw)
	f.addBlock(newer, recent.raw)
	line, isTried := f.recalibrate(a)
	if m.line = line; line.Kind != recalibrateNone {
		m.error = f.lineError(line)
	}
	return verdictOnLine{line, isTried}
}

// lineError is the covariance of the line of a recalibration.
type lineError struct{ intercept, both, slope float64 }

// lineError inverts the information of the outcomes on the line, with the penalty that draws the slope to 1. Where the
// level alone was repaired the slope is not estimated.
func (f foresight) lineError(r recalibration) lineError {
	var one, eta, square float64
	for _, x := range f.logit {
		p := logistic.Expit(r.Logit(x))
		w := p * (1 - p)
		one, eta, square = one+w, eta+w*x, square+w*x*x
	}
	if r.Kind == recalibrateIntercept {
		return lineError{intercept: 1 / one}
	}
	square += recalibrationPenalty
	det := one*square - eta*eta
	return lineError{square / det, -eta / det, one / det}
}

// at returns the standard error of the corrected log-odds at a value of the regression's.
func (e lineError) at(logit float64) float64 {
	return math.Sqrt(math.Max(0, e.intercept+2*logit*e.both+logit*logit*e.slope))
}

// tell writes into the card whether the chances are corrected, and where they are not, whether they are limits.
func (r verdictOnLine) tell(card *ExpectationCard) {
	text := "The later outcomes did not correct the chances: they are too few to tell whether that would have helped. "
	switch {
	case r.Kind == recalibrateSlope:
		text = fmt.Sprintf("The later outcomes corrected the log-odds by the slope %.2f. ", r.Slope)
	case r.Kind == recalibrateIntercept:
		text = fmt.Sprintf("The later outcomes corrected the log-odds by %+.2f. ", r.Intercept)
	case r.isTried:
		text = "The later outcomes did not correct the chances: on the newest of them that would not have helped by more than chance explains. "
	}
	card.note = text + card.note
	if r.Kind == recalibrateNone {
		card.noteRatio() // corrected chances are limits no more
	}
}
