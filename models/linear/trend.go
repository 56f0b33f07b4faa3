package linear

import (
	"math"
	"slices"
)

// Direction says where a trend goes.
type Direction string

// The directions.
const (
	Up   Direction = "up"
	Flat Direction = "flat"
	Down Direction = "down"
)

// leastMonths is how many months a trend needs before it is more than two or three points.
const leastMonths = 4

// meanRounding is the share of the largest value up to which a mean is what rounding leaves of 0.
const meanRounding = 1e-14

// directionLevel is that of the interval which must exclude 0 for a trend that is not flat.
const directionLevel = 0.80

// Trend is the straight line through monthly values.
type Trend struct {
	// Line is the fitted line; its columns are the intercept and the slope a month.
	Line *Model
	// Slope is the change a month, TheilSen the median of the slopes between all pairs of months, which single odd
	// months do not move.
	Slope, TheilSen float64
	// SlopeOverMean is the slope as a share of the mean value, nil where that is 0 but for rounding.
	SlopeOverMean *float64
	// Direction is that in which the 80 % interval of the slope lies, flat where it holds 0 and nil where there are
	// fewer than four months.
	Direction *Direction
}

// MonthlyTrend fits a line to values by the calendar index of their months, for example 12*year + month: the slope is in
// units of the values a month. Months that are absent are gaps, not zeros. (Sen, JASA 63, 1968, for the median of slopes.)
// weights may be nil. It returns an *InputError for fewer than two different months and for numbers that are none.
func MonthlyTrend(months []int, values, weights []float64) (*Trend, error) {
	x := make([]float64, len(months))
	var counted []int
	for i, month := range months {
		x[i] = float64(month)
		if weights == nil || i < len(weights) && weights[i] != 0 {
			counted = append(counted, month)
		}
	}
	if len(counted) == 0 || slices.Min(counted) == slices.Max(counted) {
		return nil, &InputError{Row: -1, Reason: "a trend needs two months"}
	}
	line, err := Fit(Data{X: x, Y: values, Weights: weights, Columns: []string{"slope"}}, Options{Level: directionLevel})
	if err != nil {
		return nil, err
	}
	t := &Trend{Line: line, Slope: line.Coefficients[1].Value, TheilSen: theilSen(x, values, weights)}
	if line.RegressionSS == 0 {
		t.Slope = 0 // What rounding leaves of a constant.
	}
	if math.Abs(line.yCentre) > meanRounding*largest(values, weights) {
		share := t.Slope / line.yCentre
		t.SlopeOverMean = &share
	}
	if slope := line.Coefficients[1].Inference; slope != nil && line.N >= leastMonths {
		direction := Flat
		switch {
		case t.Slope > 0 && slope.Low > 0:
			direction = Up
		case t.Slope < 0 && slope.High < 0:
			direction = Down
		}
		t.Direction = &direction
	}
	return t, nil
}

// largest is the largest size of a value with weight.
func largest(values, weights []float64) float64 {
	out := 0.0
	for i, v := range values {
		if weights == nil || weights[i] > 0 {
			out = max(out, math.Abs(v))
		}
	}
	return out
}

// theilSen is the median slope between all pairs of different x with weight.
func theilSen(x, y, weights []float64) float64 {
	var slopes []float64
	has := func(i int) bool { return weights == nil || weights[i] > 0 }
	for i := range x {
		for j := range i {
			if x[i] != x[j] && has(i) && has(j) {
				slopes = append(slopes, (y[i]-y[j])/(x[i]-x[j]))
			}
		}
	}
	slices.Sort(slopes)
	middle := len(slopes) / 2
	if len(slopes)%2 == 1 {
		return slopes[middle]
	}
	return (slopes[middle-1] + slopes[middle]) / 2
}
