package attribution_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/attribution"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
)

// details is what a case tells beside the credits.
type details struct {
	Shapley struct {
		All   float64            `json:"v_all"`
		Phi   map[string]float64 `json:"phi"`
		Worth map[string]float64 `json:"characteristic_function"`
	} `json:"shapley_rate"`
	Markov struct {
		Conversion float64            `json:"prob_conversion"`
		Effects    map[string]float64 `json:"removal_effects"`
		Steps      []struct {
			From string  `json:"from"`
			To   string  `json:"to"`
			P    float64 `json:"p"`
		} `json:"transition_matrix"`
	} `json:"markov_order1"`
}

// checkTotals compares what the paths of a case sum to; field is what it calls their number.
func checkTotals(c *reference.Case, field string, paths []attribution.Path) {
	var number, conversions, value float64
	var channels []string
	c.Field(field, &number)
	c.Field("total_conversions", &conversions)
	c.Field("total_value", &value)
	c.Field("channels", &channels)
	var won, worth float64
	var names []string
	for _, p := range paths {
		won += p.Won
		worth += p.Value
		names = append(names, p.Channels...)
	}
	slices.Sort(names)
	c.Close(field, float64(len(paths)), number)
	c.Close("conversions", won, conversions)
	c.Close("value", worth, value)
	c.Equal("channels", fmt.Sprint(slices.Compact(names)), fmt.Sprint(channels))
}

// checkWorth compares the worth of each coalition: the rate of the journeys that touch nothing else.
func checkWorth(t *testing.T, c *reference.Case, paths []attribution.Path, want map[string]float64) {
	t.Helper()
	for coalition, v := range want {
		members := strings.Split(coalition, "+")
		var within []attribution.Path
		for _, p := range paths {
			if !slices.ContainsFunc(p.Channels, func(s string) bool { return !slices.Contains(members, s) }) {
				within = append(within, p)
			}
		}
		rate := 0.0
		switch u, err := attribution.ShapleyRate(within); {
		case err == nil:
			rate = u.Rate
		case !errors.Is(err, attribution.ErrNoConversions):
			t.Fatal(err)
		}
		c.Close("v("+coalition+")", rate, v)
	}
}

// checkSteps compares the transition matrix. The case counts repeats in a row as steps to the channel itself: without
// them the other steps from it are as much more likely.
func checkSteps(c *reference.Case, paths []attribution.Path, inside *details) {
	got, conversion := attribution.Steps(paths)
	stays, lost := map[string]float64{}, map[string]float64{}
	for _, s := range inside.Markov.Steps {
		if s.From == s.To {
			stays[s.From] = s.P
		}
	}
	for from := range conversion {
		lost[from] = 1 - conversion[from]
	}
	for step, p := range got {
		lost[step[0]] -= p
	}
	for _, s := range inside.Markov.Steps {
		from := strings.TrimPrefix(s.From, "(start)")
		p := got[[2]string{from, s.To}]
		switch s.To {
		case s.From:
			continue
		case "(conversion)":
			p = conversion[from]
		case "(null)":
			p = lost[from]
		}
		c.Close(s.From+" to "+s.To, p, s.P/(1-stays[s.From]))
		delete(got, [2]string{from, s.To})
	}
	if len(got) > 0 {
		c.TB().Errorf("steps that the case does not have: %v", got)
	}
}

// checkJourneys compares the weights of the touches, and the value in whole cents.
func checkJourneys(t *testing.T, c *reference.Case, paths []attribution.Path) {
	t.Helper()
	var decay []struct {
		ID      string    `json:"journey_id"`
		Weights []float64 `json:"weights_in_touch_order"`
	}
	var cents struct {
		Cents map[string]int64 `json:"cents"`
	}
	c.Field("time_decay_weights_half_life_7d", &decay)
	c.Field("linear_value_in_integer_cents_largest_remainder", &cents)
	ids := slices.Compact(c.Table("seven_journeys.csv").Text("journey_id"))
	got, next := map[string]int64{}, 0
	for i := range paths {
		p := &paths[i]
		if p.Won == 0 {
			continue
		}
		weights, err := attribution.TimeDecay(7)(p)
		if err != nil || next == len(decay) {
			t.Fatalf("journey %s: %v", ids[i], err)
		}
		c.Equal("journey", ids[i], decay[next].ID)
		c.AllClose("time decay of "+ids[i], weights, decay[next].Weights)
		next++
		shares, err := attribution.LinearByTouch(p)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := attribution.Apportion(int64(math.Round(p.Value*100)), shares)
		if err != nil {
			t.Fatal(err)
		}
		for k, part := range parts {
			got[p.Channels[k]] += part
		}
	}
	c.Equal("cents", fmt.Sprint(got), fmt.Sprint(cents.Cents))
	if next != len(decay) {
		t.Errorf("%d journeys converted, want %d", next, len(decay))
	}
}
