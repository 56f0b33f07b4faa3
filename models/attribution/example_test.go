package attribution_test

import (
	"fmt"

	"github.com/partnerhealth/partnerhealth/models/attribution"
)

// deals are journeys of accounts by the partners that touched them: won and lost.
func deals() []attribution.Path {
	return []attribution.Path{
		{Channels: []string{"Alpine", "Kestrel"}, Won: 4, Lost: 2, Value: 40_000},
		{Channels: []string{"Alpine"}, Won: 1, Lost: 5, Value: 8_000},
		{Channels: []string{"Kestrel"}, Won: 2, Lost: 6, Value: 12_000},
		{Channels: []string{"Meridian", "Alpine"}, Won: 1, Lost: 1, Value: 5_000},
	}
}

// What is lost when all deals that a partner touches from some step on are lost?
func ExampleMarkov() {
	chain, err := attribution.Markov(deals(), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f %% of the journeys convert\n", 100*chain.Conversion)
	for i, c := range chain.Credits {
		fmt.Printf("%s: %.0f %% would be lost, credit %.0f\n", c.Channel, 100*chain.Effects[i], c.Value)
	}
	// Output:
	// 36 % of the journeys convert
	// Alpine: 57 % would be lost, credit 26473
	// Kestrel: 75 % would be lost, credit 34745
	// Meridian: 8 % would be lost, credit 3782
}

// What does a partner add to the win rate, over all orders in which partners could join?
func ExampleShapleyRate() {
	u, err := attribution.ShapleyRate(deals())
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, c := range u.Credits {
		fmt.Printf("%s: %+.1f points of a rate of %.1f %%\n", c.Channel, 100*u.Phi[i], 100*u.Rate)
	}
	// Output:
	// Alpine: +15.2 points of a rate of 36.4 %
	// Kestrel: +19.3 points of a rate of 36.4 %
	// Meridian: +1.8 points of a rate of 36.4 %
}

// Two partners win 60 and 90 alone and 120 together.
func ExampleShapley() {
	worth := []float64{0, 60, 90, 120}
	phi, err := attribution.Shapley(2, func(s uint) float64 { return worth[s] })
	fmt.Println(phi, err)
	// Output:
	// [45 75] <nil>
}

// Ten cents among three.
func ExampleApportion() {
	parts, err := attribution.Apportion(10, []float64{1. / 3, 1. / 3, 1. / 3})
	fmt.Println(parts, err)
	// Output:
	// [4 3 3] <nil>
}

// One journey of four touches by each rule; the touches at index 0, 1 and 3 are the first, the registration and the
// creation of the deal.
func ExampleRule() {
	p := &attribution.Path{
		Channels: []string{"Alpine", "Kestrel", "Alpine", "Meridian"}, Ages: []float64{90, 60, 30, 0},
		Milestones: []int{0, 1, 3}, Won: 1,
	}
	for _, r := range []struct {
		name string
		rule attribution.Rule
	}{
		{"first", attribution.First}, {"last", attribution.Last}, {"linear", attribution.LinearByTouch}, {"by partner", attribution.LinearByChannel},
		{"position", attribution.Position}, {"W", attribution.W}, {"decay", attribution.TimeDecay(30)},
	} {
		shares, err := r.rule(p)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-10s %.3f\n", r.name, shares)
	}
	// Output:
	// first      [1.000 0.000 0.000 0.000]
	// last       [0.000 0.000 0.000 1.000]
	// linear     [0.250 0.250 0.250 0.250]
	// by partner [0.333 0.333 0.000 0.333]
	// position   [0.400 0.100 0.100 0.400]
	// W          [0.300 0.300 0.100 0.300]
	// decay      [0.067 0.133 0.267 0.533]
}

func ExampleFullPath() {
	p := &attribution.Path{Channels: []string{"Alpine", "Kestrel", "Alpine", "Meridian", "Kestrel"}, Milestones: []int{0, 1, 3, 4}, Won: 1}
	shares, err := attribution.FullPath(p)
	fmt.Printf("%.3f %v\n", shares, err)
	// Output:
	// [0.225 0.225 0.100 0.225 0.225] <nil>
}
