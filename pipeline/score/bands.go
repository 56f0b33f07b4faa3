package score

import (
	"math"
	"slices"
	"strings"
)

// The risk bands, highest first.
var bandNames = []string{"high", "medium", "low"}

const (
	leastHigh   = 0.05 // of the partners at risk
	mostHigh    = 0.20
	mediumShare = 0.20
	bandLift    = 2 // precision in the high band over the base rate
)

// bands divides the partners at risk tonight.
type bands struct {
	of     map[int]string // row of the panel to its band
	counts [3]int
	level  [3]float64 // lowest probability of the band tonight, NaN when it is empty
	// The track record: what the same shares of each held-out month came to.
	heldOut, churned [3]int
	hits             [3]share
	// flagged says of each held-out row whether it was in the high band of its month.
	flagged []bool
}

// newBands ranks tonight's rows. High is everyone at or above the level from which the held-out precision is twice the
// base rate, but at least the top 5 % and at most the top 20 %; medium the next 20 %; low the rest. Ties go by partner.
func (p *panel) newBands(live []int, probability []float64, t *trackRecord) bands {
	b := bands{of: map[int]string{}, level: [3]float64{math.NaN(), math.NaN(), math.NaN()}, flagged: make([]bool, len(t.rows))}
	n := len(live)
	order := ranked(n, probability, func(k int) string { return p.rows[live[k]].partner })
	level := t.doubleLevel()
	above := 0
	for _, v := range probability {
		if v >= level {
			above++
		}
	}
	most := max(1, int(mostHigh*float64(n)+1e-9))
	least := min(most, int(math.Ceil(leastHigh*float64(n)-1e-9)))
	high := min(n, max(least, min(most, above)))
	medium := min(n-high, int(math.Round(mediumShare*float64(n))))
	for rank, k := range order {
		band := 2
		switch {
		case rank < high:
			band = 0
		case rank < high+medium:
			band = 1
		}
		b.of[live[k]] = bandNames[band]
		b.counts[band]++
		b.level[band] = probability[k] // ranks fall, so the last one is the lowest
	}
	if n > 0 {
		b.observe(p, t, float64(high)/float64(n), float64(medium)/float64(n))
	}
	return b
}

// ranked orders n items by probability, highest first, then by name.
func ranked(n int, probability []float64, name func(int) string) []int {
	order := make([]int, n)
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case probability[a] > probability[b]:
			return -1
		case probability[a] < probability[b]:
			return 1
		}
		return strings.Compare(name(a), name(b))
	})
	return order
}

// doubleLevel returns the lowest held-out probability at or above which twice the base rate of partners churned, infinity
// when there is none.
func (t *trackRecord) doubleLevel() float64 {
	level := math.Inf(1)
	if t.baseRate == 0 {
		return level
	}
	order := ranked(len(t.rows), t.probability, func(int) string { return "" })
	hits := 0.0
	for k, i := range order {
		hits += t.outcome[i]
		last := k+1 == len(order) || t.probability[order[k+1]] < t.probability[i]
		if last && hits/float64(k+1) >= bandLift*t.baseRate {
			level = t.probability[i]
		}
	}
	return level
}

// observe counts what came of the same shares of every held-out month.
func (b *bands) observe(p *panel, t *trackRecord, high, medium float64) {
	byMonth := map[int32][]int{}
	var months []int32
	for k, i := range t.rows {
		on := int32(p.rows[i].on)
		if _, seen := byMonth[on]; !seen {
			months = append(months, on)
		}
		byMonth[on] = append(byMonth[on], k)
	}
	for _, on := range months {
		rows := byMonth[on]
		prob := make([]float64, len(rows))
		for j, k := range rows {
			prob[j] = t.probability[k]
		}
		n := float64(len(rows))
		for rank, j := range ranked(len(rows), prob, func(j int) string { return p.rows[t.rows[rows[j]]].partner }) {
			band := 2
			switch r := float64(rank); {
			case r < math.Round(high*n):
				band = 0
			case r < math.Round(high*n)+math.Round(medium*n):
				band = 1
			}
			b.flagged[rows[j]] = band == 0
			b.heldOut[band]++
			b.churned[band] += int(t.outcome[rows[j]])
			b.hits[band].add(t.outcome[rows[j]] == 1, p.rows[t.rows[rows[j]]].family)
		}
	}
}

// observed returns the share of a band that churned in the held-out quarters with its interval, nil when nobody was in it.
// The same partners come in month after month, and one churn makes several of their rows: by rows the interval would be
// as narrow as if each were a partner of its own.
func (b *bands) observed(band int) (rate, low, high any) {
	if b.heldOut[band] == 0 {
		return nil, nil, nil
	}
	low, high = clusteredWilson(b.hits[band])
	return float64(b.churned[band]) / float64(b.heldOut[band]), low, high
}
