package evaluate

// ROCPoint is what is flagged when every score of at least Threshold is.
type ROCPoint struct {
	Threshold float64
	// FalsePositive and TruePositive are the shares of the non-events and of the events that are flagged.
	FalsePositive, TruePositive float64
}

// ROC returns a point for every distinct score, from the highest down; ties are one point. It needs both outcomes.
func (s *Sample) ROC() ([]ROCPoint, error) {
	if err := s.mixed(); err != nil {
		return nil, err
	}
	var points []ROCPoint
	var events, nonEvents float64
	s.ties(func(t tie) {
		events += t.events
		nonEvents += t.nonEvent
		points = append(points, ROCPoint{
			Threshold: s.score[t.rows[0]], FalsePositive: nonEvents / (s.total - s.events), TruePositive: events / s.events,
		})
	})
	return points, nil
}

// KolmogorovSmirnov returns the largest distance between the shares of events and of non-events that are flagged, over
// all thresholds. It needs both outcomes.
func (s *Sample) KolmogorovSmirnov() (float64, error) {
	points, err := s.ROC()
	if err != nil {
		return 0, err
	}
	largest := 0.0
	for _, p := range points {
		largest = max(largest, p.TruePositive-p.FalsePositive, p.FalsePositive-p.TruePositive)
	}
	return largest, nil
}
