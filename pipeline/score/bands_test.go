package score

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// heldOut draws a programme of families of which each has its own risk, and its track record over six months: a partner's
// months share their outcome where one churn ends them all. The score knows half of the risk.
func heldOut(seed uint64, families int) (*panel, *trackRecord) {
	rnd := rand.New(rand.NewPCG(seed, 21))
	p, t := &panel{}, &trackRecord{baseRate: 0.2}
	for k := range families {
		known, churns := rnd.Float64(), 0.0
		if rnd.Float64() < 0.2*known+0.2*rnd.Float64() {
			churns = 1
		}
		for m := range 6 {
			id := fmt.Sprintf("P%03d", k)
			t.rows = append(t.rows, len(p.rows))
			p.rows = append(p.rows, snapshot{partner: id, family: id, on: arrow.Date32(31 * m)})
			t.probability, t.outcome = append(t.probability, known+0.1*rnd.Float64()), append(t.outcome, churns)
		}
	}
	return p, t
}

// The intervals of the bands' track records hold the share that many such programmes come to. As if each partner-month were
// a partner of its own they held it in half of them.
func TestBandIntervalsHoldTheShare(t *testing.T) {
	const programmes = 300
	var rate [3]float64
	var low, high [3][]float64
	for seed := range uint64(programmes) {
		p, track := heldOut(seed, 80)
		b := bands{flagged: make([]bool, len(track.rows))}
		b.observe(p, track, 0.2, 0.3)
		for k := range rate {
			r, l, h := b.observed(k)
			rate[k] += r.(float64) / programmes
			low[k], high[k] = append(low[k], l.(float64)), append(high[k], h.(float64))
		}
	}
	for k, name := range bandNames {
		held := 0
		for i := range low[k] {
			if low[k][i] <= rate[k] && rate[k] <= high[k][i] {
				held++
			}
		}
		t.Logf("%s: %.3f, held in %d of %d", name, rate[k], held, programmes)
		if held < programmes*91/100 {
			t.Errorf("%s: the 95 %% interval holds %.3f in %d of %d programmes", name, rate[k], held, programmes)
		}
	}
}

func TestBandOfNobodyHasNoShare(t *testing.T) {
	b := bands{}
	if rate, low, high := b.observed(0); rate != nil || low != nil || high != nil {
		t.Errorf("%v (%v to %v)", rate, low, high)
	}
}
