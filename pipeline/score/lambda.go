package score

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// lambdaGrid are the penalties that cross-validation compares.
var lambdaGrid = []float64{0.3, 1, 3, 10, 30, 100, 300}

const (
	// tuningMonths at the end of the training window are predicted, each block of a horizon from what came before.
	tuningMonths = 12
	// minTuningChurns among them: with fewer the curve is noise.
	minTuningChurns = 20
)

// lambdaChoice is a penalty and how it was found.
type lambdaChoice struct {
	lambda float64
	how    string
}

// tune finds lambda by cross-validation forward in time: the last year of the training window in blocks of a horizon,
// each predicted from the rows whose outcome was known before it. The total log loss of all predicted rows decides: of the
// penalties that lose no more than the best by one standard error of the difference, by partner family, the one nearest to
// the default is taken. So the default stays until the data speak against it, and scores do not jump with tuning noise.
func (p *panel) tune(choices []choice, train []int, o Options) (lambdaChoice, error) {
	fixed := lambdaChoice{o.Lambda, "fixed"}
	folds := p.tuningFolds(train, o)
	var predicted []int
	for _, f := range folds {
		predicted = append(predicted, f.heldOut...)
	}
	if p.churns(predicted) < minTuningChurns {
		fixed.how = "fixed: too few churns to tune on"
		return fixed, nil
	}
	grid := append([]float64{o.Lambda}, lambdaGrid...)
	loss := make([][]float64, len(grid)) // per penalty, one per predicted row
	for _, f := range folds {
		d := p.newDesign(choices, f.train, false)
		models, err := logistic.Path(d.data(p, f.train), grid, logistic.Options{Standardise: true})
		if err != nil {
			return fixed, err
		}
		row := make([]float64, 0, len(d.columns))
		for _, i := range f.heldOut {
			row = d.fill(row, p.rows[i].values)
			for k, m := range models {
				loss[k] = append(loss[k], logLoss(p.rows[i].label, m.Logit(row)))
			}
		}
	}
	best, least := 0, math.Inf(1)
	for k, l := range loss {
		total := 0.0
		for _, v := range l {
			total += v
		}
		if total < least {
			best, least = k, total
		}
	}
	pick := best
	for k := range grid {
		if gain, se := p.gain(loss[k], loss[best], predicted); gain <= se && distance(grid[k], o.Lambda) < distance(grid[pick], o.Lambda) {
			pick = k
		}
	}
	if grid[pick] == o.Lambda {
		fixed.how = "fixed: cross-validation finds none better by one standard error"
		return fixed, nil
	}
	return lambdaChoice{grid[pick], "cross-validated forward in time"}, nil
}

// distance is how far two penalties are apart.
func distance(a, b float64) float64 { return math.Abs(math.Log(a / b)) }

// fold is one step of the forward validation.
type fold struct {
	train, heldOut []int
}

// tuningFolds cuts the last year of the training window into blocks of a horizon.
func (p *panel) tuningFolds(train []int, o Options) []fold {
	last := noDate
	for _, i := range train {
		last = max(last, p.rows[i].on)
	}
	months := max(1, int(math.Round(float64(o.HorizonDays)/30.4)))
	var folds []fold
	for start := 1 - tuningMonths; start <= 0; start += months {
		from, to := addMonths(last, start), addMonths(last, min(start+months, 1))
		var f fold
		for _, i := range train {
			switch on := p.rows[i].on; {
			case on >= from && on < to:
				f.heldOut = append(f.heldOut, i)
			case on+arrow.Date32(o.HorizonDays) <= from:
				f.train = append(f.train, i)
			}
		}
		// A first block without enough behind it predicts nothing.
		if n := p.positives(f.train); len(f.heldOut) > 0 && n > 0 && n < len(f.train) {
			folds = append(folds, f)
		}
	}
	return folds
}

// gain returns by how much b loses less than a, with its standard error from the sums per partner family.
func (p *panel) gain(a, b []float64, rows []int) (gain, se float64) {
	return gainBy(p.clusters(rows), a, b)
}

// gainBy returns by how much b loses less than a, with its standard error from the sums per cluster.
func gainBy(cluster []int, a, b []float64) (gain, se float64) {
	sums := make([]float64, 0)
	for k, g := range cluster {
		for g >= len(sums) {
			sums = append(sums, 0)
		}
		sums[g] += a[k] - b[k]
		gain += a[k] - b[k]
	}
	n := float64(len(sums))
	if n < 2 {
		return gain, math.Inf(1)
	}
	ss := 0.0
	for _, s := range sums {
		ss += (s - gain/n) * (s - gain/n)
	}
	return gain, math.Sqrt(n / (n - 1) * ss)
}
