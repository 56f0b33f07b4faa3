package evaluate

import (
	"fmt"
	"math"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// Brier returns the mean squared difference of probability and outcome.
func (s *Sample) Brier() (float64, error) {
	if err := s.probabilities(); err != nil {
		return 0, err
	}
	var sum float64
	for i, p := range s.score {
		d := p - s.y[i]
		sum += s.w(i) * d * d
	}
	return sum / s.total, nil
}

// BrierOfBaseRate returns the Brier score of predicting the base rate for every row, r*(1-r).
func (s *Sample) BrierOfBaseRate() float64 { return s.BaseRate() * (1 - s.BaseRate()) }

// BrierSkill returns 1 - Brier/BrierOfBaseRate: 1 is perfect, 0 no better than the base rate.
func (s *Sample) BrierSkill() (float64, error) {
	if err := s.mixed(); err != nil {
		return 0, err
	}
	b, err := s.Brier()
	if err != nil {
		return 0, err
	}
	return 1 - b/s.BrierOfBaseRate(), nil
}

// leastProbability is what a probability of 0 costs in the log loss; p and 1-p are cut apart, because 1-(1-1e-15) is not
// 1e-15 in float64.
const leastProbability = 1e-15

// LogLoss returns the mean of -log(probability given to what happened), natural logarithm.
func (s *Sample) LogLoss() (float64, error) {
	if err := s.probabilities(); err != nil {
		return 0, err
	}
	var sum float64
	for i, p := range s.score {
		sum += s.w(i) * rowLoss(s.y[i], p)
	}
	return sum / s.total, nil
}

// rowLoss returns the log loss of one row.
func rowLoss(y, p float64) float64 {
	if y == 1 {
		return -math.Log(max(p, leastProbability))
	}
	return -math.Log(max(1-p, leastProbability))
}

// LogLossOfBaseRate returns the log loss of predicting the base rate for every row.
func (s *Sample) LogLossOfBaseRate() float64 {
	r := s.BaseRate()
	return r*rowLoss(1, r) + (1-r)*rowLoss(0, r)
}

// Calibration compares predicted probabilities with what happened: the logistic regression of the outcome on logit(p).
type Calibration struct {
	// Intercept and Slope are 0 and 1 when calibrated; a slope under 1 means predictions too extreme.
	Intercept, Slope     float64
	InterceptSE, SlopeSE float64
}

// Calibrate fits intercept and slope. Probabilities of exactly 0 or 1 have no logit and are an *InputError, as are scores
// without spread; a slope that does not exist for another reason (one outcome only, separation) is the error of
// models/logistic.
func (s *Sample) Calibrate() (Calibration, error) {
	logit, err := s.logits()
	if err != nil {
		return Calibration{}, err
	}
	m, err := logistic.Fit(logistic.Data{X: logit, Cols: 1, Y: s.y, Weights: s.weight, Names: []string{"logit"}},
		logistic.Options{Workers: 1})
	if err != nil {
		return Calibration{}, fmt.Errorf("fit calibration slope: %w", err)
	}
	if m.State[0] != logistic.Estimated {
		return Calibration{}, fmt.Errorf("fit calibration slope: %w", &InputError{Row: -1, Reason: "all scores are the same"})
	}
	coef, se := m.Coef(), m.Laplace().SE()
	return Calibration{Intercept: coef[0], Slope: coef[1], InterceptSE: se[0], SlopeSE: se[1]}, nil
}

// Shift returns the intercept with the slope held at 1 (calibration in the large) and its standard error: above 0 when
// too few events were predicted. It exists wherever both outcomes do, but is an error of models/logistic where float64
// cannot find it: where all probabilities are so near 0 and 1 that many shifts fit equally well.
func (s *Sample) Shift() (shift, se float64, err error) {
	logit, err := s.logits()
	if err != nil {
		return 0, 0, err
	}
	m, err := logistic.Fit(logistic.Data{Y: s.y, Weights: s.weight, Offset: logit}, logistic.Options{Workers: 1})
	if err != nil {
		return 0, 0, fmt.Errorf("fit calibration shift: %w", err)
	}
	return m.Coef()[0], m.Laplace().SE()[0], nil
}

func (s *Sample) logits() ([]float64, error) {
	if err := s.probabilities(); err != nil {
		return nil, err
	}
	logit := make([]float64, len(s.score))
	for i, p := range s.score {
		if logit[i] = logistic.Logit(p); math.IsInf(logit[i], 0) {
			if s.w(i) > 0 {
				return nil, &InputError{Row: i, Reason: fmt.Sprintf("probability %v has no logit", p)}
			}
			logit[i] = 0
		}
	}
	return logit, nil
}

// Expected returns the number of events that the probabilities predict.
func (s *Sample) Expected() (float64, error) {
	if err := s.probabilities(); err != nil {
		return 0, err
	}
	var sum float64
	for i, p := range s.score {
		sum += s.w(i) * p
	}
	return sum, nil
}

// ObservedExpected returns Events/Expected: above 1 when more happened than was predicted.
func (s *Sample) ObservedExpected() (float64, error) {
	e, err := s.Expected()
	if err != nil {
		return 0, err
	}
	ratio := s.events / e
	if e == 0 || math.IsInf(ratio, 0) {
		return 0, &InputError{Row: -1, Reason: "no events are expected"}
	}
	return ratio, nil
}
