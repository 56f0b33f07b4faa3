package score

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// driftingNight has a year of rows of each partner, and tonight's, whose values are moved by shift standard deviations.
func driftingNight(seed uint64, partners int, shift float64) *night {
	rnd := rand.New(rand.NewPCG(seed, 2))
	p := &panel{features: features()[:3]}
	_, p.index = columnIndex(p.features)
	n := &night{p: p}
	for k := range partners {
		id := fmt.Sprintf("P%04d", k)
		for m := range 13 {
			values := make([]float64, len(p.index))
			for j := range values {
				values[j] = rnd.NormFloat64()
			}
			values[p.index[colTenureMonths]] = 24
			if m == 12 {
				values[0] += shift
				n.live = append(n.live, len(p.rows))
			} else {
				n.usable = append(n.usable, len(p.rows))
			}
			p.rows = append(p.rows, snapshot{partner: id, family: id, values: values})
		}
	}
	n.measureDrift()
	return n
}

// Chance alone drifts in few nights; a shift of half a standard deviation is seen, and only where it is.
func TestDriftIsMoreThanChance(t *testing.T) {
	calm := 0
	for seed := range uint64(30) {
		n := driftingNight(seed, 120, 0)
		if len(n.drifted(&attempt{fitted: &ridge{coefficients: coefficients{Columns: []string{"recency_gaps", "revenue_trend", "activity_trend"}}}})) == 0 {
			calm++
		}
	}
	if calm < 28 {
		t.Errorf("%d of 30 nights without drift are calm", calm)
	}
	n := driftingNight(1, 300, 1)
	a := &attempt{role: rolePublished, fitted: &ridge{coefficients: coefficients{Columns: []string{"recency_gaps", "revenue_trend"}}}}
	if got := n.drifted(a); !slices.Equal(got, []string{"recency_gaps"}) || n.drifts["recency_gaps"].level != driftAlarm {
		t.Errorf("drifted %v, %+v", got, n.drifts["recency_gaps"])
	}
	if got := n.drifted(&attempt{fitted: &ridge{coefficients: coefficients{Columns: []string{"revenue_trend"}}}}); got != nil {
		t.Errorf("a column that the model does not use drifts: %v", got)
	}
	n.reported = a
	if w := n.driftInWords(); len(w) != 1 {
		t.Errorf("warnings %q", w)
	}
	if n.reported = (&attempt{role: roleStandIn, fitted: a.fitted}); n.driftInWords() != nil {
		t.Error("a model that is not published is warned of")
	}
}

// The levels are those of the rule: above 0.1 and the limit, above 0.25 and twice the limit.
func TestDriftLevels(t *testing.T) {
	for _, tc := range []struct {
		partners int
		shift    float64
		want     string
	}{{2000, 0, driftNone}, {2000, 0.4, driftWatch}, {2000, 1, driftAlarm}, {40, 0, driftNone}} {
		d := driftingNight(7, tc.partners, tc.shift).drifts["recency_gaps"]
		want := driftNone
		switch {
		case d.psi > 0.25 && d.psi > 2*d.limit:
			want = driftAlarm
		case d.psi > 0.1 && d.psi > d.limit:
			want = driftWatch
		}
		if d.level != want || d.level != tc.want {
			t.Errorf("%d partners, shift %v: psi %v, limit %v: %s, want %s", tc.partners, tc.shift, d.psi, d.limit, d.level, tc.want)
		}
	}
}

// A partner's months are one witness: chance is judged by partners, so the limit is wider than by rows.
func TestDriftIsJudgedByPartners(t *testing.T) {
	n := driftingNight(3, 50, 0)
	d := n.drifts["recency_gaps"]
	then, now := []float64{}, []float64{}
	for _, i := range n.usable {
		then = append(then, n.p.at(i, "recency_gaps"))
	}
	for _, i := range n.live {
		now = append(now, n.p.at(i, "recency_gaps"))
	}
	s, err := evaluate.NumericStability(then, now, binsOfFew)
	if err != nil {
		t.Fatal(err)
	}
	byRows := 1.0/600 + 1.0/50
	if d.psi != s.PSI || math.Abs(d.limit/s.Limit95-(2.0/50)/byRows) > 1e-12 {
		t.Errorf("psi %v, limit %v; by rows %v, %v", d.psi, d.limit, s.PSI, s.Limit95)
	}
	// A partner in its cold start has no trend, and tonight it is not scored: it is left out of the past as well.
	cold := driftingNight(3, 50, 0)
	for k, i := range cold.usable {
		if k%2 == 0 {
			cold.p.rows[i].values[cold.p.index[colTenureMonths]] = 1
			cold.p.rows[i].values[0] = 100
		}
	}
	cold.o.ColdStartMonths = 3
	if cold.measureDrift(); cold.drifts["recency_gaps"].level != driftNone {
		t.Errorf("what is left out drifts: %+v", cold.drifts["recency_gaps"])
	}
	if n.live = nil; !math.IsNaN(n.driftOf(func(int) float64 { return 0 }).missing) {
		t.Error("nobody tonight has a share of missing values")
	}
}

// By hand: two partners, one with two rows. Residuals 0.5, 0.5 and -0.2: 0.8 over the larger of sqrt(0.66) and sqrt(1.04).
func TestOutcomeZByHand(t *testing.T) {
	p := &panel{rows: []snapshot{{partner: "a", family: "a"}, {partner: "a", family: "a"}, {partner: "b", family: "b"}}}
	track := &trackRecord{rows: []int{0, 1, 2}, outcome: []float64{1, 1, 0}, probability: []float64{0.5, 0.5, 0.2}}
	if z, want := p.outcomeZ(track), 0.8/math.Sqrt(1.04); math.Abs(z-want) > 1e-15 {
		t.Errorf("z %v, want %v", z, want)
	}
	if !math.IsNaN(p.outcomeZ(nil)) || !math.IsNaN(p.outcomeZ(&trackRecord{})) {
		t.Error("nothing was predicted and z exists")
	}
}
