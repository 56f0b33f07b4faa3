package evaluate

import (
	"fmt"
	"math"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// Recalibration is a straight line on the scale of the log-odds: Intercept + Slope*logit(p). 0 and 1 leave a probability as
// it is; a positive slope leaves the order of probabilities as it is.
type Recalibration struct{ Intercept, Slope float64 }

// Logit maps log-odds.
func (r Recalibration) Logit(eta float64) float64 { return r.Intercept + r.Slope*eta }

// At maps a probability.
func (r Recalibration) At(p float64) float64 { return logistic.Expit(r.Logit(logistic.Logit(p))) }

// Recalibrate fits a Recalibration to the probabilities by minimising
//
//	sum_i w_i*logloss(y_i, intercept + slope*logit(p_i)) + penalty*(slope-1)^2/2
//
// so that few events move the slope little and many decide it: with penalty 10 it costs next to nothing where the
// probabilities were right, and repairs them from about 20 events on, where Platt's sigmoid needs 50 and isotonic regression
// 1,000. The penalty is at least 0; without spread among the scores the slope stays 1. Scores must be probabilities other
// than 0 and 1 (*InputError), and both outcomes present (logistic.ErrOneClass); another error of models/logistic says that
// there is no finite solution, which a penalty above 0 prevents, or none that float64 can find (see Shift).
func (s *Sample) Recalibrate(penalty float64) (Recalibration, error) {
	if !(penalty >= 0) || math.IsInf(penalty, 0) {
		return Recalibration{}, &InputError{Row: -1, Reason: fmt.Sprintf("penalty %v is not a finite number of at least 0", penalty)}
	}
	logit, err := s.logits()
	if err != nil {
		return Recalibration{}, err
	}
	// With the logit itself as a known part, the coefficient that is penalised is slope - 1.
	m, err := logistic.Fit(logistic.Data{X: logit, Cols: 1, Y: s.y, Weights: s.weight, Offset: logit, Names: []string{"logit"}},
		logistic.Options{Lambda: penalty, Workers: 1})
	if err != nil {
		return Recalibration{}, fmt.Errorf("fit recalibration: %w", err)
	}
	coef := m.Coef()
	return Recalibration{Intercept: coef[0], Slope: 1 + coef[1]}, nil
}
