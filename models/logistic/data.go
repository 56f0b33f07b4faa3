package logistic

import (
	"fmt"
	"math"
)

// Data is a design with its outcomes.
type Data struct {
	// X holds the columns row by row, without an intercept: len(Y) rows of Cols values.
	X    []float64
	Cols int
	// Y are the outcomes, 0 or 1; values between are accepted as shares (cross-entropy).
	Y []float64
	// Weights are frequency weights, nil for one each: weight 2 is the row twice, weight 0 no row at all.
	Weights []float64
	// Offset is a known part of each row's logit, nil for none.
	Offset []float64
	// Names are the columns' names for errors and reports, nil for x1, x2, and so on.
	Names []string
}

// weight returns the weight of row i.
func (d *Data) weight(i int) float64 {
	if d.Weights == nil {
		return 1
	}
	return d.Weights[i]
}

// shape is what all rows of a design have in common.
type shape struct {
	cols      int
	names     []string // nil for x1, x2, and so on
	hasOffset bool
}

func (d *Data) shape() shape { return shape{d.Cols, d.Names, d.Offset != nil} }

// name returns the name of column j.
func (s shape) name(j int) string {
	if s.names == nil {
		return fmt.Sprintf("x%d", j+1)
	}
	return s.names[j]
}

// totals are the counts of the rows that carry weight; the centroid is a sum until all are counted.
type totals struct {
	all      int // rows without weight as well
	rows     int
	weight   float64
	events   float64 // sum of w*y
	entropy  float64 // loss of the saturated model: 0 unless some y lies between 0 and 1
	centroid float64 // weighted mean of the offset
}

// check validates the lengths of the lists.
func (d *Data) check() error {
	n := len(d.Y)
	bad := func(format string, a ...any) error {
		return &InputError{Row: -1, Reason: fmt.Sprintf(format, a...)}
	}
	switch {
	case d.Cols < 0 || len(d.X) != n*d.Cols:
		return bad("X has %d values, want %d rows of %d", len(d.X), n, d.Cols)
	case d.Weights != nil && len(d.Weights) != n:
		return bad("%d weights for %d rows", len(d.Weights), n)
	case d.Offset != nil && len(d.Offset) != n:
		return bad("%d offsets for %d rows", len(d.Offset), n)
	case d.Names != nil && len(d.Names) != d.Cols:
		return bad("%d names for %d columns", len(d.Names), d.Cols)
	}
	return nil
}

// count validates everything but X, and returns the totals.
func count(r rows, s shape) (totals, error) {
	var t totals
	var bad error
	err := r.walk(1, func(_, _, first int, d *Data) {
		if bad == nil {
			bad = t.add(d, first)
		}
	})
	switch {
	case err != nil:
		return t, err
	case bad != nil:
		return t, bad
	case t.rows == 0:
		return t, &InputError{Row: -1, Reason: "no rows with weight"}
	case math.IsInf(t.weight, 0):
		return t, &InputError{Row: -1, Reason: "the weights sum to infinity"}
	case t.events <= 0 || t.events >= t.weight:
		return t, fmt.Errorf("%d rows: %w", t.rows, ErrOneClass)
	case s.cols >= t.rows:
		return t, &InputError{Row: -1, Reason: fmt.Sprintf("%d columns need more than %d rows", s.cols, t.rows)}
	}
	t.centroid /= t.weight
	return t, nil
}

// add counts the rows of a chunk that begins with row first.
func (t *totals) add(d *Data, first int) error {
	bad := func(i int, format string, a ...any) error {
		return &InputError{Row: first + i, Reason: fmt.Sprintf(format, a...)}
	}
	for i, y := range d.Y {
		t.all++
		w := d.weight(i)
		if math.IsNaN(w) || math.IsInf(w, 0) || w < 0 {
			return bad(i, "weight %v is not a finite number of at least 0", w)
		}
		if w == 0 {
			continue
		}
		if !(y >= 0 && y <= 1) {
			return bad(i, "outcome %v is outside 0 to 1", y)
		}
		if d.Offset != nil {
			if math.IsNaN(d.Offset[i]) || math.IsInf(d.Offset[i], 0) {
				return bad(i, "offset %v is not finite", d.Offset[i])
			}
			t.centroid += w * d.Offset[i]
		}
		t.rows++
		t.weight += w
		t.events += w * y
		t.entropy -= w * (xlogx(y) + xlogx(1-y))
	}
	return nil
}

// xlogx returns x*log(x) with its limit 0 at 0.
func xlogx(x float64) float64 {
	if x <= 0 || x == 1 {
		return 0
	}
	return x * math.Log(x)
}
