package score

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// judgedPartner is a held-out partner with a row a month: its predicted probability, the month-by-month outcomes and flags.
type judgedPartner struct {
	id, tier    string
	tenure      float64
	won         float64
	probability float64
	labels      []float64
	flagged     []bool
}

// judgedNight is a night whose published model was judged on these partners.
func judgedNight(partners []judgedPartner) (*night, *attempt) {
	p := &panel{features: features()}
	_, p.index = columnIndex(p.features)
	n := &night{p: p, roster: map[string]member{}}
	t := &trackRecord{}
	a := &attempt{id: "m", role: rolePublished, track: t}
	for _, j := range partners {
		n.roster[j.id] = member{tier: j.tier, region: "emea"}
		for k, y := range j.labels {
			values := make([]float64, len(p.index))
			values[p.index[colTenureMonths]] = j.tenure + float64(k)
			t.rows, t.outcome, t.probability = append(t.rows, len(p.rows)), append(t.outcome, y), append(t.probability, j.probability)
			a.bands.flagged = append(a.bands.flagged, j.flagged[k])
			p.rows = append(p.rows, snapshot{partner: j.id, family: j.id, usable: true, label: y, values: values, won: j.won})
		}
	}
	t.churns = p.churns(t.rows)
	return n, a
}

// Two gold partners that churn in two of four months each, sixteen silver ones that never do, every month at 0.5.
func TestGroupsByHand(t *testing.T) {
	var partners []judgedPartner
	for k := range 18 {
		j := judgedPartner{id: fmt.Sprintf("P%02d", k), tier: "silver", tenure: 4, won: float64(k), probability: 0.5,
			labels: []float64{0, 0, 0, 0}, flagged: []bool{false, false, false, k == 5}}
		if k < 2 {
			j.tier, j.labels, j.flagged = "gold", []float64{0, 0, 1, 1}, []bool{true, false, true, true}
		}
		partners = append(partners, j)
	}
	n, a := judgedNight(partners)
	byName := map[string]*group{}
	for _, g := range n.groups(a) {
		byName[g.kind+" "+g.name] = g
	}
	// A churn makes 4 positive rows over 2 churns = 2 rows; 64 silver rows at 0.5 are 32 predicted rows, 16 churns.
	for name, want := range map[string]group{
		"tier gold":              {rows: 8, partners: 2, churned: 2, expected: 2, flagged: 6, spared: 4, flaggedSpared: 2, sparedPartners: 2},
		"tier silver":            {rows: 64, partners: 16, churned: 0, expected: 16, flagged: 1, spared: 64, flaggedSpared: 1, sparedPartners: 16},
		"region emea":            {rows: 72, partners: 18, churned: 2, expected: 18, flagged: 7, spared: 68, flaggedSpared: 3, sparedPartners: 18},
		"tenure 3-5 months":      {rows: 72, partners: 18, churned: 2, expected: 18, flagged: 7, spared: 68, flaggedSpared: 3, sparedPartners: 18},
		"size small third":       {rows: 24, partners: 6, churned: 2, expected: 6, flagged: 7, spared: 20, flaggedSpared: 3, sparedPartners: 6},
		"size large third":       {rows: 24, partners: 6, churned: 0, expected: 6, spared: 24, sparedPartners: 6},
		"partner_type not known": {rows: 72, partners: 18, churned: 2, expected: 18, flagged: 7, spared: 68, flaggedSpared: 3, sparedPartners: 18},
	} {
		g := byName[name]
		if g == nil {
			t.Errorf("no group %s", name)
			continue
		}
		got := *g
		got.kind, got.name, got.chance, got.q = "", "", 0, 0
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	silver, gold := byName["tier silver"], byName["tier gold"]
	// (0+5)/(16+5); no churn where 16 are expected: at most 3.688879 by the exact interval, and a chance of 2*exp(-16).
	low, high := silver.interval()
	if math.Abs(silver.ratio()-5.0/21) > 1e-15 || low != 0 || math.Abs(high-3.688879454113936/16) > 1e-12 {
		t.Errorf("silver: %v [%v, %v]", silver.ratio(), low, high)
	}
	if want := 2 * math.Exp(-16); math.Abs(silver.chance/want-1) > 1e-9 || silver.q < silver.chance || silver.q > 0.05 {
		t.Errorf("silver: chance %v, want %v, q %v", silver.chance, want, silver.q)
	}
	if gold.isEnough() || gold.q != 0 {
		t.Errorf("gold has 2 expected churns and is judged: %+v", gold)
	}
	// Half of the gold rows without churn were flagged: Wilson for 1 of 2 partners.
	share, lo, hi, err := gold.falsePositives()
	if err != nil || *share != 0.5 || math.Abs(*lo-0.0945312) > 1e-6 || math.Abs(*hi-0.9054688) > 1e-6 {
		t.Errorf("gold: false positives %v [%v, %v], %v", *share, *lo, *hi, err)
	}
	if a.role = roleStandIn; n.groups(a) != nil {
		t.Error("a rule score, which predicts no probability, is judged by group")
	}
}

// Groups of a kind share out rows, partners and churns, and expected churns are those of the whole.
func TestGroupsShareOutTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var partners []judgedPartner
		for k := range rapid.IntRange(1, 30).Draw(t, "partners") {
			j := judgedPartner{id: fmt.Sprintf("P%02d", k), tier: rapid.SampledFrom([]string{"", "gold", "silver"}).Draw(t, "tier"),
				tenure: rapid.Float64Range(0, 40).Draw(t, "tenure"), won: rapid.SampledFrom([]float64{0, 0, 10, 20, math.NaN()}).Draw(t, "won"),
				probability: rapid.Float64Range(0.01, 0.9).Draw(t, "p")}
			for range rapid.IntRange(1, 6).Draw(t, "rows") {
				j.labels = append(j.labels, float64(rapid.IntRange(0, 1).Draw(t, "y")))
				j.flagged = append(j.flagged, rapid.Bool().Draw(t, "flagged"))
			}
			partners = append(partners, j)
		}
		n, a := judgedNight(partners)
		sum := map[string]*group{}
		for _, g := range n.groups(a) {
			s := sum[g.kind]
			if s == nil {
				s = &group{}
				sum[g.kind] = s
			}
			s.rows += g.rows
			s.partners += g.partners
			s.churned += g.churned
			s.expected += g.expected
			if _, _, _, err := g.falsePositives(); err != nil {
				t.Fatal(err)
			}
		}
		want := 0.0
		for _, p := range a.track.probability {
			want += p
		}
		if positives := n.p.positives(a.track.rows); positives > 0 {
			want *= float64(a.track.churns) / float64(positives)
		}
		for kind, s := range sum {
			if s.rows != len(a.track.rows) || s.partners != len(partners) || s.churned != a.track.churns || math.Abs(s.expected-want) > 1e-9 {
				t.Fatalf("%s: %+v of %d rows, %d partners, %d churns, %v expected", kind, s, len(a.track.rows), len(partners), a.track.churns, want)
			}
		}
		if len(sum) != 5 {
			t.Fatalf("%d kinds of groups", len(sum))
		}
	})
}

// The chance is the sum of Poisson probabilities, and the interval holds 1 exactly where the chance is above 0.05.
func TestChanceAgreesWithTheExactInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := group{churned: rapid.IntRange(0, 60).Draw(t, "churned"), expected: rapid.Float64Range(0.5, 60).Draw(t, "expected")}
		d := distuv.Poisson{Lambda: g.expected}
		atMost, below := 0.0, 0.0
		for k := 0; k <= g.churned; k++ {
			below, atMost = atMost, atMost+d.Prob(float64(k))
		}
		want := min(1, 2*min(atMost, 1-below))
		if got := chanceOf(g.churned, g.expected); math.Abs(got-want) > 1e-9 {
			t.Fatalf("chance %v, want %v", got, want)
		}
		low, high := g.interval()
		if excluded := low > 1 || high < 1; excluded != (want < 0.05) && math.Abs(want-0.05) > 1e-6 {
			t.Fatalf("interval [%v, %v], chance %v", low, high, want)
		}
	})
}
