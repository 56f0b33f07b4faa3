package survival

import (
	"math"
	"slices"
)

// Concordance counts pairs of rows of which one had the event while the other was at risk and went on: do those with
// the higher score have it first?
type Concordance struct {
	// Concordant pairs agree, Discordant ones do not, TiedScore have the same score. TiedTime pairs, with both events at
	// the same time, say nothing.
	Concordant, Discordant, TiedScore, TiedTime int64
	// SE is the standard error of the index by the infinitesimal jackknife over rows.
	SE float64
}

// Index is (Concordant + TiedScore/2) / all pairs that say something; false where there are none.
func (c Concordance) Index() (float64, bool) {
	n := c.Concordant + c.Discordant + c.TiedScore
	if n == 0 {
		return 0, false
	}
	return (float64(c.Concordant) + float64(c.TiedScore)/2) / float64(n), true
}

// HarrellConcordance compares scores, the higher the earlier, with what happened, in O(n log n). start may be nil. A row
// that is censored at the time of an event outlives it. It returns an *InputError for rows that cannot be used. (Harrell et
// al., JAMA 247, 1982; R: concordance, ranking by a score that shortens times.)
func HarrellConcordance(score, start, stop []float64, event []bool) (Concordance, error) {
	n := len(stop)
	if err := checkTimes(stop, start); err != nil {
		return Concordance{}, err
	}
	if len(score) != n || len(event) != n {
		return Concordance{}, &InputError{Row: -1, Reason: "scores or events are not of as many rows as the times"}
	}
	for i, s := range score {
		if math.IsNaN(s) {
			return Concordance{}, &InputError{Row: i, Reason: "the score is not a number"}
		}
	}
	h := &harrell{rank: ranks(score), start: start, stop: stop, event: event, pairs: make([]pairCount, n)}
	h.forEvents()
	h.forOutlivers()
	return h.sum(), nil
}

// Concordance is that of the model's own linear predictors.
func (c *Cox) Concordance() (Concordance, error) {
	r, beta := c.risk, c.scaledBeta()
	eta := make([]float64, r.n)
	for i := range eta {
		for j, b := range beta {
			eta[i] += b * r.x[i*r.p+j]
		}
	}
	return HarrellConcordance(eta, r.start, r.stop, r.event)
}

// pairCount is how many pairs of each kind a row is part of.
type pairCount struct{ concordant, discordant, tied int64 }

type harrell struct {
	rank        []int
	start, stop []float64
	event       []bool
	pairs       []pairCount
	tiedTime    int64
}

// ranks numbers the different scores from 1, the lowest first.
func ranks(score []float64) []int {
	distinct := slices.Compact(slices.Sorted(slices.Values(score)))
	out := make([]int, len(score))
	for i, s := range score {
		at, _ := slices.BinarySearch(distinct, s)
		out[i] = at + 1
	}
	return out
}

// fenwick counts rows by rank.
type fenwick []int64

func (f fenwick) add(rank int, n int64) {
	for ; rank < len(f); rank += rank & -rank {
		f[rank] += n
	}
}

// upTo counts the rows of ranks 1 to rank.
func (f fenwick) upTo(rank int) (n int64) {
	for ; rank > 0; rank -= rank & -rank {
		n += f[rank]
	}
	return n
}

// counts returns how many rows are below, at and above the rank.
func (f fenwick) counts(rank int) (below, same, above int64) {
	below = f.upTo(rank - 1)
	upTo := f.upTo(rank)
	return below, upTo - below, f.upTo(len(f)-1) - upTo
}

func (h *harrell) tree() fenwick { return make(fenwick, slices.Max(h.rank)+1) }

// forEvents counts, for every event, the rows at risk that outlive it, from the last time to the first.
func (h *harrell) forEvents() {
	n := len(h.stop)
	byStop := byDescending(n, func(i int) float64 { return h.stop[i] })
	var byStart []int
	if h.start != nil {
		byStart = byDescending(n, func(i int) float64 { return h.start[i] })
	}
	tree, gone := h.tree(), 0
	for from := 0; from < n; {
		at, to := h.stop[byStop[from]], from
		for ; to < n && h.stop[byStop[to]] == at; to++ {
			if i := byStop[to]; !h.event[i] {
				tree.add(h.rank[i], 1)
			}
		}
		for ; gone < len(byStart) && h.start[byStart[gone]] >= at; gone++ {
			tree.add(h.rank[byStart[gone]], -1)
		}
		deaths := int64(0)
		for _, i := range byStop[from:to] {
			if h.event[i] {
				below, same, above := tree.counts(h.rank[i])
				h.pairs[i] = pairCount{below, above, same}
				deaths++
			}
		}
		h.tiedTime += deaths * (deaths - 1) / 2
		for _, i := range byStop[from:to] {
			if h.event[i] {
				tree.add(h.rank[i], 1)
			}
		}
		from = to
	}
}

// forOutlivers counts, for every row, the events of others while it was at risk, from the first time to the last: those
// before it stopped, and at its own stop where it was censored then, less those up to its start.
func (h *harrell) forOutlivers() {
	byStop := byDescending(len(h.stop), func(i int) float64 { return h.stop[i] })
	slices.Reverse(byStop)
	tree, next := h.tree(), 0
	moveTo := func(t float64, including bool) {
		for ; next < len(byStop); next++ {
			i := byStop[next]
			if h.stop[i] > t || h.stop[i] == t && !including {
				return
			}
			if h.event[i] {
				tree.add(h.rank[i], 1)
			}
		}
	}
	type query struct {
		row       int
		time      float64
		including bool
		sign      int64
	}
	var queries []query
	for i := range h.stop {
		queries = append(queries, query{i, h.stop[i], !h.event[i], 1})
		if h.start != nil {
			queries = append(queries, query{i, h.start[i], true, -1})
		}
	}
	slices.SortStableFunc(queries, func(a, b query) int {
		switch {
		case a.time != b.time:
			if a.time < b.time {
				return -1
			}
			return 1
		case a.including == b.including:
			return 0
		case b.including:
			return -1
		}
		return 1
	})
	for _, q := range queries {
		moveTo(q.time, q.including)
		below, same, above := tree.counts(h.rank[q.row])
		p := &h.pairs[q.row]
		p.concordant += q.sign * above
		p.discordant += q.sign * below
		p.tied += q.sign * same
	}
}

// sum adds up the pairs, each of which two rows have counted.
func (h *harrell) sum() Concordance {
	c := Concordance{TiedTime: h.tiedTime}
	for _, p := range h.pairs {
		c.Concordant += p.concordant
		c.Discordant += p.discordant
		c.TiedScore += p.tied
	}
	c.Concordant, c.Discordant, c.TiedScore = c.Concordant/2, c.Discordant/2, c.TiedScore/2
	index, ok := c.Index()
	if !ok {
		return c
	}
	pairs, variance := float64(c.Concordant+c.Discordant+c.TiedScore), 0.0
	for _, p := range h.pairs {
		n := float64(p.concordant + p.discordant + p.tied)
		influence := (float64(p.concordant) + float64(p.tied)/2 - index*n) / pairs
		variance += influence * influence
	}
	c.SE = math.Sqrt(variance)
	return c
}
