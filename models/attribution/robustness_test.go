package attribution_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/attribution"
)

// divisions are the ways to divide, each with the credits and whatever else it publishes.
func divisions() map[string]func([]attribution.Path) ([]attribution.Credit, []float64, error) {
	byRule := func(r attribution.Rule) func([]attribution.Path) ([]attribution.Credit, []float64, error) {
		return func(p []attribution.Path) ([]attribution.Credit, []float64, error) {
			c, err := attribution.Divide(p, r)
			return c, nil, err
		}
	}
	out := map[string]func([]attribution.Path) ([]attribution.Credit, []float64, error){
		"first": byRule(attribution.First), "last": byRule(attribution.Last), "linear by touch": byRule(attribution.LinearByTouch),
		"linear by channel": byRule(attribution.LinearByChannel), "position": byRule(attribution.Position),
		"W": byRule(attribution.W), "full path": byRule(attribution.FullPath), "time decay": byRule(attribution.TimeDecay(30)),
		"Shapley": func(p []attribution.Path) ([]attribution.Credit, []float64, error) {
			u, err := attribution.ShapleyRate(p)
			if err != nil {
				return nil, nil, err
			}
			return u.Credits, append(u.Phi, u.Rate), nil
		},
	}
	for order := 1; order <= attribution.MaxOrder; order++ {
		out[fmt.Sprint("Markov ", order)] = func(p []attribution.Path) ([]attribution.Credit, []float64, error) {
			c, err := attribution.Markov(p, order)
			if err != nil {
				return nil, nil, err
			}
			return c.Credits, append(c.Effects, c.Conversion), nil
		}
	}
	return out
}

// journeysOf builds three paths that every rule can read.
func journeysOf() []attribution.Path {
	return []attribution.Path{
		{Channels: []string{"A", "B", "A"}, Ages: []float64{40, 20, 5}, Milestones: []int{0, 1, 2, 2}, Won: 2, Lost: 1, Value: 900},
		{Channels: []string{"B"}, Ages: []float64{3}, Milestones: []int{0, 0, 0, 0}, Won: 1, Lost: 4, Value: 100},
		{Channels: []string{"C", "B"}, Ages: []float64{9, 9}, Milestones: []int{0, -1, 1, -1}, Lost: 3},
	}
}

// Whatever is wrong with the paths, they are refused with a reason, or the credits are finite and sum to all that was won.
func TestRobustness(t *testing.T) {
	each := func(f func(p *attribution.Path)) func([]attribution.Path) []attribution.Path {
		return func(p []attribution.Path) []attribution.Path {
			for i := range p {
				f(&p[i])
			}
			return p
		}
	}
	const anyOf, refused, divided = 0, 1, 2
	for _, c := range []struct {
		name   string
		damage func(p []attribution.Path) []attribution.Path
		want   int
	}{
		{"nothing wrong", each(func(*attribution.Path) {}), divided},
		{"one channel", each(func(p *attribution.Path) {
			for i := range p.Channels {
				p.Channels[i] = "A"
			}
		}), divided},
		{"all convert", each(func(p *attribution.Path) { p.Won, p.Lost = 1, 0 }), divided},
		{"one converts", each(func(p *attribution.Path) {
			if p.Won != 1 {
				p.Won, p.Value = 0, 0
			}
		}), divided},
		{"none converts", each(func(p *attribution.Path) { p.Won, p.Value = 0, 0 }), anyOf},
		{"no value", each(func(p *attribution.Path) { p.Value = 0 }), divided},
		{"counts of 1e12", each(func(p *attribution.Path) { p.Won, p.Lost, p.Value = p.Won*1e12, p.Lost*1e12, p.Value*1e12 }), divided},
		{"counts of 1e-12", each(func(p *attribution.Path) { p.Won, p.Lost, p.Value = p.Won*1e-12, p.Lost*1e-12, p.Value*1e-12 }), divided},
		{"counts of 1e300", each(func(p *attribution.Path) { p.Won, p.Lost = p.Won*1e300, p.Lost*1e300 }), refused},
		{"conversions of 1e-300", each(func(p *attribution.Path) { p.Won *= 1e-300; p.Lost *= 1e12 }), anyOf},
		{"NaN count", each(func(p *attribution.Path) { p.Lost = math.NaN() }), refused},
		{"infinite value", each(func(p *attribution.Path) { p.Value = math.Inf(1) }), refused},
		{"negative count", each(func(p *attribution.Path) { p.Lost = -1 }), refused},
		{"no touches", each(func(p *attribution.Path) { p.Channels = nil }), refused},
		{"one age too few", each(func(p *attribution.Path) { p.Ages = p.Ages[1:] }), anyOf},
		{"NaN age", each(func(p *attribution.Path) { p.Ages[0] = math.NaN() }), anyOf},
		{"old touches", each(func(p *attribution.Path) {
			for i := range p.Ages {
				p.Ages[i] += 1e12
			}
		}), divided},
		{"no milestones", each(func(p *attribution.Path) { p.Milestones = nil }), anyOf},
		{"a milestone beyond the path", each(func(p *attribution.Path) { p.Milestones = []int{0, 9, 0, 0} }), anyOf},
		{"a milestone before the path", each(func(p *attribution.Path) { p.Milestones = []int{0, -2, 0, 0} }), anyOf},
		{"n = 0", func([]attribution.Path) []attribution.Path { return nil }, anyOf},
		{"n = 1", func(p []attribution.Path) []attribution.Path { return p[:1] }, divided},
	} {
		for name, divide := range divisions() {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				paths := c.damage(journeysOf())
				if strings.HasPrefix(name, "W") {
					for i := range paths {
						paths[i].Milestones = paths[i].Milestones[:min(3, len(paths[i].Milestones))]
					}
				}
				credits, others, err := divide(paths)
				if err != nil && (err.Error() == "" || c.want == divided) || err == nil && c.want == refused {
					t.Fatalf("credits %v, error %v", credits, err)
				}
				if err != nil {
					return
				}
				won, value, gotWon, gotValue := 0.0, 0.0, 0.0, 0.0
				for _, p := range paths {
					won += p.Won
					value += p.Value
				}
				for _, credit := range credits {
					gotWon += credit.Conversions
					gotValue += credit.Value
				}
				// A NaN is near nothing.
				if !(math.Abs(gotWon-won) <= 1e-9*won) || !(math.Abs(gotValue-value) <= 1e-9*value) {
					t.Errorf("credits %v sum to %v and %v, want %v and %v", credits, gotWon, gotValue, won, value)
				}
				for _, v := range others {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Errorf("not a number in %v", others)
					}
				}
			})
		}
	}
}

// Shares do not depend on the units of counts and value.
func TestCountsKnowNoUnits(t *testing.T) {
	for name, divide := range divisions() {
		want, _, err := divide(named(name, journeysOf(), 1))
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range []float64{1e12, 1e-12} {
			got, _, err := divide(named(name, journeysOf(), by))
			if err != nil {
				t.Fatalf("%s times %g: %v", name, by, err)
			}
			for i, credit := range got {
				if math.Abs(credit.Conversions/by-want[i].Conversions) > 1e-9 || math.Abs(credit.Value/by-want[i].Value) > 1e-6 {
					t.Errorf("%s times %g: %+v, want %+v", name, by, credit, want[i])
				}
			}
		}
	}
}

// named scales the counts, and leaves as many milestones as the rule reads.
func named(rule string, paths []attribution.Path, by float64) []attribution.Path {
	for i := range paths {
		p := &paths[i]
		p.Won, p.Lost, p.Value = p.Won*by, p.Lost*by, p.Value*by
		if rule == "W" {
			p.Milestones = p.Milestones[:3]
		}
	}
	return paths
}

func TestApportionRefusesWhatItCannotDivide(t *testing.T) {
	for name, c := range map[string]struct {
		amount int64
		shares []float64
	}{
		"no shares":         {100, nil},
		"NaN":               {100, []float64{0.5, math.NaN()}},
		"infinite":          {100, []float64{math.Inf(1), 0}},
		"negative":          {100, []float64{1.5, -0.5}},
		"a sum of 0":        {100, []float64{0, 0}},
		"a sum of 2":        {100, []float64{1, 1}},
		"beyond 2^53":       {math.MaxInt64, []float64{1}},
		"beyond 2^53 below": {math.MinInt64, []float64{1}},
	} {
		if parts, err := attribution.Apportion(c.amount, c.shares); err == nil {
			t.Errorf("%s: %v", name, parts)
		}
	}
}
