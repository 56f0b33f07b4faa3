package survival_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// Where hazards are proportional, a ridge makes the test of it no quicker to say that they are not.
func TestARidgeDoesNotLookLikeChangingEffects(t *testing.T) {
	rejected, draws := 0, 200
	for seed := range draws {
		r := rand.New(rand.NewPCG(uint64(seed), 77))
		d := survival.CoxData{Columns: []string{"a", "b"}}
		for range 100 {
			a, b := r.NormFloat64(), r.NormFloat64()
			d.X = append(d.X, a, b)
			at, until := r.ExpFloat64()*math.Exp(-0.8*a-0.3*b), 3*r.Float64()
			d.Stop, d.Event = append(d.Stop, min(at, until)), append(d.Event, at <= until)
		}
		m, err := survival.FitCox(d, survival.CoxOptions{Ridge: 10})
		if err != nil {
			t.Fatal(err)
		}
		if _, all, ok := m.Proportionality(); ok && all.P < 0.05 {
			rejected++
		}
	}
	if rejected > draws/10 {
		t.Errorf("%d of %d proportional samples are called changing at 5 %%", rejected, draws)
	}
}
