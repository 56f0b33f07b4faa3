package attribution_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/attribution"
)

// However large the amount, a part is less than a unit beside its share of it, and who has no share gets nothing.
func TestApportionGivesWhatTheSharesSay(t *testing.T) {
	check := func(t rapid.TB, amount int64, shares []float64) {
		parts, err := attribution.Apportion(amount, shares)
		if err != nil {
			t.Fatal(err)
		}
		sum, total := new(big.Rat), int64(0)
		for _, s := range shares {
			sum.Add(sum, new(big.Rat).SetFloat64(s))
		}
		for i, p := range parts {
			total += p
			exact := new(big.Rat).SetFloat64(shares[i])
			exact.Mul(exact, new(big.Rat).SetInt64(amount)).Quo(exact, sum)
			beside, _ := exact.Sub(exact, new(big.Rat).SetInt64(p)).Float64()
			if beside > 1 || beside < -1 || shares[i] == 0 && p != 0 || p < 0 != (amount < 0) && p != 0 {
				t.Fatalf("%d by %v: part %d is %d, %v beside its share", amount, shares, i, p, beside)
			}
		}
		if total != amount {
			t.Fatalf("%v sums to %d, want %d", parts, total, amount)
		}
	}
	check(t, 9007199254740988, []float64{0.5752736897446326, 0.14695173104819909, 0.2777745792071685, 0, 0})
	check(t, 9007199254740991, []float64{0, 0.8213174850471667, 0, 0.0827807997948656, 0.09590171515796776})
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(-1<<53, 1<<53).Draw(t, "amount")
		raw := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 8).Draw(t, "shares")
		raw = append(raw, rapid.IntRange(1, 1000).Draw(t, "largest"))
		shares, sum := make([]float64, len(raw)), 0
		for _, r := range raw {
			sum += r
		}
		for i, r := range raw {
			shares[i] = float64(r) / float64(sum)
		}
		check(t, amount, shares)
	})
}

// Weights that sum to 1 leave nothing to the other touches, not a rounding below 0, which no amount can be apportioned by.
func TestMilestonesOfWholeWeight(t *testing.T) {
	for _, weights := range [][]float64{{0.32, 0.68}, {0.67, 0.17, 0.16}, {0.1, 0.2, 0.7}} {
		path := attribution.Path{Channels: []string{"A", "B", "C", "D"}, Milestones: []int{3, 2, -1}[:len(weights)]}
		shares, err := attribution.Milestones(weights)(&path)
		if err != nil {
			t.Fatal(err)
		}
		if parts, err := attribution.Apportion(100, shares); err != nil || parts[0] != 0 || parts[1] != 0 {
			t.Errorf("weights %v: shares %v, parts %v, %v", weights, shares, parts, err)
		}
	}
	for _, weights := range [][]float64{{0.7, 0.7}, {1.2, -0.2}} {
		path := attribution.Path{Channels: []string{"A", "B", "C"}, Milestones: []int{0, 1}}
		if shares, err := attribution.Milestones(weights)(&path); err == nil {
			t.Errorf("weights %v: shares %v, want them refused", weights, shares)
		}
	}
}

// A chain may come back to a channel, also along journeys that never do: then not as many walks visit it as journeys do.
func TestEffectWithoutLostJourneysIsTheChanceOfAVisit(t *testing.T) {
	for _, c := range []struct {
		name  string
		paths [][]string
		want  []float64
	}{
		{"no way back: the share of journeys", [][]string{{"A", "B", "C"}, {"D", "B"}}, []float64{0.5, 1, 0.5, 0.5}},
		{"a way back", [][]string{{"A", "B"}, {"B", "A"}}, []float64{0.75, 0.75}},
		{"a journey that comes back", [][]string{{"C", "B", "C"}, {"A", "B"}}, []float64{0.5, 0.75, 0.75}},
	} {
		var paths []attribution.Path
		for _, touches := range c.paths {
			paths = append(paths, attribution.Path{Channels: touches, Won: 1})
		}
		got, err := attribution.Markov(paths, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			near(t, c.name, got.Effects[i], want)
		}
	}
}
