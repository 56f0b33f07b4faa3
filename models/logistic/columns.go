package logistic

import (
	"fmt"
	"math"
	"slices"
)

// State says how a column's coefficient came about.
type State uint8

const (
	// Estimated: the coefficient minimises the objective.
	Estimated State = iota
	// Constant: the column does not vary; its coefficient is 0 and has no standard error.
	Constant
	// AtBound: the sign constraint holds the coefficient at 0; it has no standard error.
	AtBound
)

// String returns the state in words.
func (s State) String() string {
	switch s {
	case Constant:
		return "constant"
	case AtBound:
		return "at bound"
	default:
		return "estimated"
	}
}

// Warning is a finding about a column that does not stop the fit.
type Warning struct {
	Column string
	Reason string
}

// columns are the scales of the design's columns over the rows with weight.
type columns struct {
	mean, sd []float64
	state    []State
	warnings []Warning
}

// columnSums are the partial sums of one chunk, merged by the update of Chan, Golub and LeVeque (1983), which keeps
// the digits of columns whose mean is far larger than their spread.
type columnSums struct {
	weight    float64
	mean, ssq []float64
	events    []float64 // sum of w*y*x
	// bad is the first value that is not finite, nil for none.
	bad *place
}

// place is a value of a design.
type place struct{ row, column int }

func newColumnSums(p int) *columnSums {
	return &columnSums{mean: make([]float64, p), ssq: make([]float64, p), events: make([]float64, p)}
}

// add sums the rows of a chunk that begins with row `at` of the design. Values are taken relative to the chunk's first
// row with weight: a constant column then has a spread of exactly zero.
func (s *columnSums) add(d *Data, at int) {
	p, lo, hi := d.Cols, 0, len(d.Y)
	s.weight, s.bad = 0, nil
	clear(s.mean)
	clear(s.ssq)
	clear(s.events)
	for lo < hi && d.weight(lo) == 0 {
		lo++
	}
	if lo == hi {
		return
	}
	first, mean, ssq, events := d.X[lo*p:(lo+1)*p], s.mean[:p], s.ssq[:p], s.events[:p]
	for i := lo; i < hi; i++ {
		w := d.weight(i)
		if w == 0 {
			continue
		}
		s.weight += w
		var probe float64 // turns NaN with the first value that is not finite
		for j, x := range d.X[i*p:][:p] {
			probe += x - x
			mean[j] += w * (x - first[j])
		}
		if probe != 0 {
			j := slices.IndexFunc(d.X[i*p:][:p], func(x float64) bool { return x-x != 0 })
			s.bad = &place{at + i, j}
			return
		}
	}
	for j := range mean {
		mean[j] = first[j] + mean[j]/s.weight
	}
	for i := lo; i < hi; i++ {
		w := d.weight(i)
		if w == 0 {
			continue
		}
		for j, x := range d.X[i*p:][:p] {
			dx := x - mean[j]
			ssq[j] += w * dx * dx
		}
		if y := d.Y[i]; y != 0 {
			for j, x := range d.X[i*p:][:p] {
				events[j] += w * y * x
			}
		}
	}
}

// merge adds the sums of a later chunk.
func (s *columnSums) merge(o *columnSums) {
	if s.bad == nil || o.bad != nil && o.bad.row < s.bad.row {
		s.bad = o.bad
	}
	if o.weight == 0 || s.bad != nil {
		return
	}
	if s.weight == 0 {
		s.weight = o.weight
		copy(s.mean, o.mean)
		copy(s.ssq, o.ssq)
		copy(s.events, o.events)
		return
	}
	total := s.weight + o.weight
	for j := range s.mean {
		delta := o.mean[j] - s.mean[j]
		s.mean[j] += delta * (o.weight / total)
		s.ssq[j] += o.ssq[j] + delta*delta*(s.weight*o.weight/total)
		s.events[j] += o.events[j]
	}
	s.weight = total
}

func sumColumns(r rows, p, workers int) (*columnSums, error) {
	sum, parts, byLane := newColumnSums(p), make([]*columnSums, workers), make([]*columnSums, lanes)
	for _, list := range [][]*columnSums{parts, byLane} {
		for i := range list {
			list[i] = newColumnSums(p)
		}
	}
	err := r.walk(workers, func(worker, lane, first int, d *Data) {
		parts[worker].add(d, first)
		byLane[lane].merge(parts[worker])
	})
	for _, lane := range byLane {
		sum.merge(lane)
	}
	return sum, err
}

// measure finds the scale of every column, and refuses values that are not finite.
func measure(r rows, sh shape, t totals, workers int) (columns, error) {
	p := sh.cols
	c := columns{mean: make([]float64, p), sd: make([]float64, p), state: make([]State, p)}
	if p == 0 {
		return c, nil
	}
	sum, err := sumColumns(r, p, workers)
	if err != nil {
		return c, err
	}
	if bad := sum.bad; bad != nil {
		return c, &InputError{Row: bad.row, Column: sh.name(bad.column), Reason: "value is not a finite number"}
	}
	var empty []int // columns that may be 0/1 with a level without events, or with nothing else
	for j := range p {
		c.mean[j], c.sd[j] = sum.mean[j], math.Sqrt(sum.ssq[j]/sum.weight)
		if math.IsInf(c.sd[j], 0) || math.IsNaN(c.sd[j]) || math.IsInf(c.mean[j], 0) {
			return c, &InputError{Row: -1, Column: sh.name(j), Reason: "values are too large to standardise"}
		}
		// Spread below the resolution of the values themselves is rounding, not information.
		if c.sd[j] <= 1e-13*math.Abs(c.mean[j]) || 1/c.sd[j] > math.MaxFloat64 {
			c.state[j], c.sd[j] = Constant, 0
			c.warnings = append(c.warnings, Warning{Column: sh.name(j), Reason: "constant column left out"})
			continue
		}
		// Only a 0/1 column has this spread for its mean, but for rounding.
		ones := c.mean[j] * t.weight
		binary := math.Abs(c.sd[j]*c.sd[j]-c.mean[j]*(1-c.mean[j])) < 1e-9
		if binary && (lopsided(ones, sum.events[j]) || lopsided(t.weight-ones, t.events-sum.events[j])) {
			empty = append(empty, j)
		}
	}
	err = c.warnLevels(r, sh, empty, t)
	return c, err
}

// lopsided tells that all or none of a weight have the event, but for rounding.
func lopsided(weight, events float64) bool {
	return events <= 1e-6*weight || events >= (1-1e-6)*weight
}

// warnLevels warns of 0/1 columns with a level in which all or none of the rows have the event: such a coefficient is
// finite by the penalty alone.
func (c *columns) warnLevels(r rows, sh shape, candidates []int, t totals) error {
	if len(candidates) == 0 {
		return nil
	}
	ones, events := make([]float64, len(candidates)), make([]float64, len(candidates))
	other := make([]bool, len(candidates)) // holds another value than 0 and 1
	err := r.walk(1, func(_, _, _ int, d *Data) {
		for i, y := range d.Y {
			w, row := d.weight(i), d.X[i*d.Cols:][:d.Cols]
			if w == 0 {
				continue
			}
			for k, j := range candidates {
				if x := row[j]; x == 1 {
					ones[k] += w
					events[k] += w * y
				} else if x != 0 {
					other[k] = true
				}
			}
		}
	})
	if err != nil {
		return err
	}
	for k, j := range candidates {
		if other[k] {
			continue
		}
		c.warnLevel(sh.name(j), 0, t.weight-ones[k], t.events-events[k])
		c.warnLevel(sh.name(j), 1, ones[k], events[k])
	}
	return nil
}

func (c *columns) warnLevel(name string, level int, weight, events float64) {
	which := "no events"
	switch share := events / weight; {
	case share > 1-1e-12:
		which = "only events"
	case share >= 1e-12:
		return
	}
	c.warnings = append(c.warnings, Warning{Column: name,
		Reason: fmt.Sprintf("level %d has %s in a weight of %.6g", level, which, weight)})
}
