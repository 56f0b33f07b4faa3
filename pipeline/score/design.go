package score

import (
	"fmt"
	"math"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

const (
	// maxMissing is the share of partners for which a value may be unknown.
	maxMissing = 0.3
	// churnsPerCoefficient is how many churns one coefficient costs.
	churnsPerCoefficient = 5
)

// choice is what becomes of a feature.
type choice struct {
	feature feature
	// columns are those of the feature that vary in training; empty when the feature is left out.
	columns []string
	// why it is left out.
	why string
}

// lackError says that a required feature is not known well enough.
type lackError struct {
	feature, why string
}

func (e *lackError) Error() string { return fmt.Sprintf("required feature %s: %s", e.feature, e.why) }

// choose goes down the declared list of features and takes those that are known and vary, until the budget of
// coefficients is spent. The first one that does not fit ends the list: the order says what matters, and a later feature
// must not come in for being small. Outcomes are never looked at.
func (p *panel) choose(train, live []int, budget int) ([]choice, error) {
	choices := make([]choice, len(p.features))
	spent, full := 0, false
	for k, f := range p.features {
		c := choice{feature: f}
		switch c.why = p.unfit(f, train, live); {
		case c.why != "" && f.required:
			return nil, &lackError{f.name, c.why}
		case c.why != "":
		case full:
			c.why = fmt.Sprintf("beyond one coefficient per %d churns", churnsPerCoefficient)
		default:
			columns := p.varying(f, train)
			if len(columns) == 0 {
				c.why = "does not vary"
				break
			}
			if full = spent+len(columns) > budget; full {
				c.why = fmt.Sprintf("beyond one coefficient per %d churns", churnsPerCoefficient)
				break
			}
			spent += len(columns)
			c.columns = columns
		}
		choices[k] = c
	}
	if spent == 0 {
		return nil, &lackError{p.features[0].name, "no feature varies"}
	}
	return choices, nil
}

// unfit says why a feature cannot be used, "" when it can.
func (p *panel) unfit(f feature, train, live []int) string {
	for _, c := range f.columns {
		for _, group := range []struct {
			rows []int
			name string
		}{{train, "training rows"}, {live, "partners at risk tonight"}} {
			if len(group.rows) == 0 {
				continue
			}
			missing := 0
			for _, i := range group.rows {
				if math.IsNaN(p.at(i, c)) {
					missing++
				}
			}
			share := float64(missing) / float64(len(group.rows))
			if share == 1 || share > maxMissing && f.missing == "" {
				return fmt.Sprintf("not known for %.0f %% of the %s", 100*share, group.name)
			}
		}
	}
	return ""
}

// varying returns the feature's columns that have more than one value in training, once what is missing is filled in.
func (p *panel) varying(f feature, train []int) []string {
	var out []string
	for _, c := range f.columns {
		first := math.NaN()
		for _, i := range train {
			v := p.at(i, c)
			if math.IsNaN(v) {
				continue
			}
			if math.IsNaN(first) {
				first = v
			} else if v != first {
				out = append(out, c)
				break
			}
		}
	}
	return out
}

// design turns snapshots into rows of a model: which columns, and what stands in for a missing value.
type design struct {
	columns []string
	index   []int // of the columns in snapshot values
	impute  []float64
	signs   []logistic.Sign
}

// newDesign takes the columns of the chosen features; missing values become the mean of the rows given, which are the
// training rows, so that a missing value neither raises nor lowers a score.
func (p *panel) newDesign(choices []choice, train []int, constrained bool) *design {
	d := &design{}
	for _, c := range choices {
		for _, name := range c.columns {
			sign := logistic.Any
			if constrained && name == c.feature.columns[0] {
				sign = c.feature.sign
			}
			d.columns, d.index, d.signs = append(d.columns, name), append(d.index, p.index[name]), append(d.signs, sign)
		}
	}
	d.impute = make([]float64, len(d.columns))
	for k, j := range d.index {
		sum, n := 0.0, 0.0
		for _, i := range train {
			if v := p.rows[i].values[j]; !math.IsNaN(v) {
				sum += v
				n++
			}
		}
		if n > 0 {
			d.impute[k] = sum / n
		}
	}
	return d
}

// fill writes the model's row of a snapshot.
func (d *design) fill(dst, values []float64) []float64 {
	dst = dst[:0]
	for k, j := range d.index {
		v := values[j]
		if math.IsNaN(v) {
			v = d.impute[k]
		}
		dst = append(dst, v)
	}
	return dst
}

// data returns the rows with their outcomes.
func (d *design) data(p *panel, rows []int) logistic.Data {
	out := logistic.Data{Cols: len(d.columns), Names: d.columns, Y: p.labels(rows)}
	out.X = make([]float64, 0, len(rows)*out.Cols)
	row := make([]float64, 0, out.Cols)
	for _, i := range rows {
		row = d.fill(row, p.rows[i].values)
		out.X = append(out.X, row...)
	}
	return out
}
