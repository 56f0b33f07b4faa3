package attribution_test

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/models/attribution"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
)

type credit struct {
	Conversions float64 `json:"conversions"`
	Value       float64 `json:"value"`
}

func TestReference(t *testing.T) {
	reference.Test(t, "attribution", map[string]func(*testing.T, *reference.Case){
		"06_attribution/mta_paths_3000": checkRules("paths", aggregated),
		"06_attribution/seven_journeys": checkRules("journeys", journeys),
		"06_attribution/shapley_games":  checkGames,
	})
}

func checkRules(field string, read func(*reference.Case) []attribution.Path) func(*testing.T, *reference.Case) {
	return func(t *testing.T, c *reference.Case) {
		paths := read(c)
		var want map[string]map[string]credit
		var inside details
		c.Field("expected", &want)
		c.Field("details", &inside)
		checkTotals(c, field, paths)
		checkWorth(t, c, paths, inside.Shapley.Worth)
		checkSteps(c, paths, &inside)
		if field == "journeys" {
			checkJourneys(t, c, paths)
		}
		for rule := range want {
			checkCredits(c, rule, creditsOf(t, rule, paths, c, &inside), want[rule])
		}
	}
}

// creditsOf computes the credits that a case calls rule.
func creditsOf(t *testing.T, rule string, paths []attribution.Path, c *reference.Case, inside *details) []attribution.Credit {
	t.Helper()
	rules := map[string]attribution.Rule{
		"first": attribution.First, "last": attribution.Last, "linear": attribution.LinearByTouch,
		"unique_linear": attribution.LinearByChannel, "shapley_conversions": attribution.LinearByChannel,
		"position_40_20_40":       attribution.Position,
		"time_decay_half_life_7d": attribution.TimeDecay(7), "time_decay_half_life_30d": attribution.TimeDecay(30),
	}
	switch rule {
	case "shapley_rate":
		u, err := attribution.ShapleyRate(paths)
		if err != nil {
			t.Fatal(err)
		}
		c.Close("v(all)", u.Rate, inside.Shapley.All)
		for i, credit := range u.Credits {
			c.Close("phi of "+credit.Channel, u.Phi[i], inside.Shapley.Phi[credit.Channel])
		}
		return u.Credits
	case "markov_order1":
		chain, err := attribution.Markov(paths, 1)
		if err != nil {
			t.Fatal(err)
		}
		c.Close("P(conversion)", chain.Conversion, inside.Markov.Conversion)
		for i, credit := range chain.Credits {
			c.Close("effect of "+credit.Channel, chain.Effects[i], inside.Markov.Effects[credit.Channel])
		}
		return chain.Credits
	}
	if rules[rule] == nil {
		t.Fatalf("the case has a rule %q that is not tested", rule)
	}
	out, err := attribution.Divide(paths, rules[rule])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkCredits(c *reference.Case, rule string, got []attribution.Credit, want map[string]credit) {
	if names := slices.Sorted(maps.Keys(want)); len(got) != len(names) {
		c.TB().Errorf("%s: %d channels, want %v", rule, len(got), names)
		return
	}
	for _, g := range got {
		c.Close(rule+" conversions of "+g.Channel, g.Conversions, want[g.Channel].Conversions)
		c.Close(rule+" value of "+g.Channel, g.Value, want[g.Channel].Value)
	}
}

// journeys reads one row a touch.
func journeys(c *reference.Case) []attribution.Path {
	tab := c.Table("seven_journeys.csv")
	channel, touched, converted, at := tab.Text("channel"), tab.Text("touch_time"), tab.Floats("converted"), tab.Text("conversion_time")
	value := tab.Floats("value")
	index := map[string]int{}
	var out []attribution.Path
	for i, id := range tab.Text("journey_id") {
		k, seen := index[id]
		if !seen {
			k = len(out)
			index[id], out = k, append(out, attribution.Path{Won: converted[i], Lost: 1 - converted[i]})
			if converted[i] == 1 {
				out[k].Value = value[i]
			}
		}
		p := &out[k]
		p.Channels = append(p.Channels, channel[i])
		age := 0.0
		if p.Won == 1 {
			age = moment(c, at[i]).Sub(moment(c, touched[i])).Hours() / 24
		}
		p.Ages = append(p.Ages, age)
	}
	return out
}

func moment(c *reference.Case, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		c.TB().Fatal(err)
	}
	return at
}

// aggregated reads one row a path.
func aggregated(c *reference.Case) []attribution.Path {
	tab := c.Table("mta_paths_3000.csv")
	won, value, lost := tab.Floats("total_conversions"), tab.Floats("total_conversion_value"), tab.Floats("total_null")
	var out []attribution.Path
	for i, path := range tab.Text("path") {
		out = append(out, attribution.Path{Channels: strings.Split(path, " > "), Won: won[i], Lost: lost[i], Value: value[i]})
	}
	return out
}

func checkGames(t *testing.T, c *reference.Case) {
	var games []struct {
		Name    string   `json:"name"`
		Players []string `json:"players"`
		Worth   []struct {
			Coalition []string `json:"coalition"`
			V         float64  `json:"v"`
		} `json:"characteristic_function"`
		Shapley  map[string]float64 `json:"shapley"`
		Fraction map[string]string  `json:"shapley_fraction"`
	}
	c.Field("expected", &games)
	for _, g := range games {
		worth := map[uint]float64{}
		for _, w := range g.Worth {
			set := uint(0)
			for _, player := range w.Coalition {
				set |= 1 << slices.Index(g.Players, player)
			}
			worth[set] = w.V
		}
		phi, err := attribution.Shapley(len(g.Players), func(s uint) float64 { return worth[s] })
		if err != nil {
			t.Fatal(err)
		}
		for i, player := range g.Players {
			c.Close(g.Name+": "+player, phi[i], g.Shapley[player])
			exact, ok := new(big.Rat).SetString(g.Fraction[player])
			if !ok {
				t.Fatalf("%s: %q is no fraction", g.Name, g.Fraction[player])
			}
			want, _ := exact.Float64()
			c.Close(g.Name+": fraction of "+player, phi[i], want)
		}
	}
}
