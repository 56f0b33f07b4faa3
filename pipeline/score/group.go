package score

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/partnerhealth/partnerhealth/models/affinity"
	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

const (
	// shrinkGroup is the number of expected churns by which a group is drawn to 1.
	shrinkGroup = 5
	// minGroupExpected churns are needed to say anything of a group.
	minGroupExpected = 5
)

// The kinds of groups in which a model is to be as right as in the whole.
const (
	groupTenure = "tenure"
	groupTier   = "tier"
	groupRegion = "region"
	groupType   = "partner_type"
	groupSize   = "size"
)

// group is how a model did in one group of partners on the held-out quarters.
type group struct {
	kind, name string
	rows       int
	partners   int
	// churned counts distinct churns, expected those predicted.
	churned  int
	expected float64
	// flagged rows were in the high band; of the spared ones nobody churned, and spared partners had only such rows.
	flagged, spared, flaggedSpared, sparedPartners int
	chance, q                                      float64
}

// groups divides the held-out quarters of the published model. A partner is in one group of each kind: where it stood at
// its first held-out snapshot, and for tier, region and type where it stands tonight. One churn makes several positive rows;
// expected churns are the predicted rows over the rows that a churn made on average, so that both sides count churns.
func (n *night) groups(a *attempt) []*group {
	if a.role != rolePublished || len(a.track.rows) == 0 {
		return nil
	}
	t := a.track
	rowsPerChurn := 1.0
	if t.churns > 0 {
		rowsPerChurn = float64(n.p.positives(t.rows)) / float64(t.churns)
	}
	size := n.sizes(t.rows)
	found := map[[2]string]*group{}
	var out []*group
	for from := 0; from < len(t.rows); {
		to := from + 1
		for to < len(t.rows) && n.p.rows[t.rows[to]].partner == n.p.rows[t.rows[from]].partner {
			to++
		}
		for _, name := range n.groupsOf(t.rows[from], size) {
			g := found[name]
			if g == nil {
				g = &group{kind: name[0], name: name[1]}
				found[name] = g
				out = append(out, g)
			}
			g.add(n.p, t, a.bands.flagged, from, to, rowsPerChurn)
		}
		from = to
	}
	slices.SortFunc(out, func(a, b *group) int {
		if c := strings.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	judgeGroups(out)
	return out
}

// groupsOf names the groups of the partner whose first held-out snapshot is the row.
func (n *night) groupsOf(row int, size map[string]string) [][2]string {
	s := n.p.rows[row]
	m := n.roster[s.partner]
	named := func(s string) string {
		if s == "" {
			return "not known"
		}
		return s
	}
	tenure := "24+ months"
	switch months := n.p.at(row, colTenureMonths); {
	case math.IsNaN(months):
		tenure = named("")
	case months < 3:
		tenure = "0-2 months"
	case months < 6:
		tenure = "3-5 months"
	case months < 12:
		tenure = "6-11 months"
	case months < 24:
		tenure = "12-23 months"
	}
	return [][2]string{{groupTenure, tenure}, {groupTier, named(m.tier)}, {groupRegion, named(m.region)},
		{groupType, named(m.kind)}, {groupSize, size[s.partner]}}
}

// sizes divides the held-out partners into thirds by the revenue that they had won in the year before their first held-out
// snapshot; partners of the same revenue are in the same third.
func (n *night) sizes(rows []int) map[string]string {
	won := map[string]float64{}
	var known []float64
	for _, i := range rows {
		s := n.p.rows[i]
		if _, seen := won[s.partner]; seen {
			continue
		}
		won[s.partner] = s.won
		if !math.IsNaN(s.won) {
			known = append(known, s.won)
		}
	}
	slices.Sort(known)
	out := map[string]string{}
	for partner, v := range won {
		switch {
		case math.IsNaN(v):
			out[partner] = "not known"
		case v <= evaluate.Quantile(1.0/3, known):
			out[partner] = "small third"
		case v <= evaluate.Quantile(2.0/3, known):
			out[partner] = "middle third"
		default:
			out[partner] = "large third"
		}
	}
	return out
}

// add counts the rows from..to of a track record, which are one partner's.
func (g *group) add(p *panel, t *trackRecord, flagged []bool, from, to int, rowsPerChurn float64) {
	g.partners++
	g.rows += to - from
	g.churned += p.churns(t.rows[from:to])
	spared := 0
	for k := from; k < to; k++ {
		g.expected += t.probability[k] / rowsPerChurn
		if flagged[k] {
			g.flagged++
		}
		if t.outcome[k] == 0 {
			spared++
			if flagged[k] {
				g.flaggedSpared++
			}
		}
	}
	g.spared += spared
	if spared > 0 {
		g.sparedPartners++
	}
}

// isEnough reports whether the group is large enough to be judged.
func (g *group) isEnough() bool { return g.expected >= minGroupExpected }

// ratio is observed over expected, drawn to 1 as by that many churns that came as predicted.
func (g *group) ratio() float64 {
	return (float64(g.churned) + shrinkGroup) / (g.expected + shrinkGroup)
}

// interval is the exact 95% Poisson interval of the churns over those expected (Garwood, Biometrika 28, 1936).
func (g *group) interval() (low, high float64) {
	return poissonLow(g.churned, 0.025) / g.expected, poissonHigh(g.churned, 0.025) / g.expected
}

// poissonLow returns the mean at which as many events or more have the probability tail, poissonHigh that at which as many
// or fewer have it.
func poissonLow(events int, tail float64) float64 {
	if events == 0 {
		return 0
	}
	return distuv.ChiSquared{K: 2 * float64(events)}.Quantile(tail) / 2
}

func poissonHigh(events int, tail float64) float64 {
	return distuv.ChiSquared{K: 2 * float64(events+1)}.Quantile(1-tail) / 2
}

// chanceOf is the two-sided probability of so many events or more extreme ones, twice that of the nearer tail: below 0.05
// exactly where the exact 95% interval leaves out the expectation.
func chanceOf(events int, expected float64) float64 {
	atLeast := 1.0
	if events > 0 {
		atLeast = distuv.ChiSquared{K: 2 * float64(events)}.CDF(2 * expected)
	}
	atMost := distuv.ChiSquared{K: 2 * float64(events+1)}.Survival(2 * expected)
	return min(1, 2*min(atLeast, atMost))
}

// judgeGroups fills in the q-values of the groups that can be judged, all kinds together.
func judgeGroups(groups []*group) {
	var judged []*group
	var chances []float64
	for _, g := range groups {
		if g.isEnough() {
			g.chance = chanceOf(g.churned, g.expected)
			judged, chances = append(judged, g), append(chances, g.chance)
		}
	}
	for k, q := range affinity.BenjaminiHochberg(chances) {
		judged[k].q = q
	}
}

// addGroups writes the groups of the published model.
func (n *night) addGroups(t *table, a *attempt) error {
	for _, g := range n.groups(a) {
		row := []any{a.id, g.kind, g.name, g.rows, g.partners, g.churned, g.expected}
		if g.expected > 0 {
			low, high := g.interval()
			row = append(row, g.ratio(), low, high)
		} else {
			row = append(row, nil, nil, nil)
		}
		if g.isEnough() {
			row = append(row, g.chance, g.q)
		} else {
			row = append(row, nil, nil)
		}
		row = append(row, float64(g.flagged)/float64(g.rows))
		share, low, high, err := g.falsePositives()
		if err != nil {
			return err
		}
		status := "ok"
		if !g.isEnough() {
			status = "insufficient"
		}
		if err := t.add(append(row, share, low, high, status)...); err != nil {
			return fmt.Errorf("group %s %s: %w", g.kind, g.name, err)
		}
	}
	return nil
}

// falsePositives is the share of the rows without churn that were flagged, with a Wilson interval as wide as the number of
// partners behind them makes it; nil without such rows.
func (g *group) falsePositives() (share, low, high *float64, err error) {
	if g.spared == 0 {
		return nil, nil, nil, nil
	}
	s, partners := float64(g.flaggedSpared)/float64(g.spared), float64(g.sparedPartners)
	lo, hi, err := evaluate.Wilson(s*partners, partners, 0.95)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("false positives of group %s %s: %w", g.kind, g.name, err)
	}
	return &s, &lo, &hi, nil
}
