package attribution_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/attribution"
)

// abac is the path of the golden vectors: A 84, B 56, A 28 and C 0 days before it brought 1000.00.
func abac() []attribution.Path {
	return []attribution.Path{{Channels: []string{"A", "B", "A", "C"}, Ages: []float64{84, 56, 28, 0}, Milestones: []int{0, 1, 2}, Won: 1, Value: 1000}}
}

func TestGoldenPath(t *testing.T) {
	for _, c := range []struct {
		rule string
		of   attribution.Rule
		want []int64 // cents of A, B, C
	}{
		{"first", attribution.First, []int64{100000, 0, 0}},
		{"last", attribution.Last, []int64{0, 0, 100000}},
		{"linear by touch", attribution.LinearByTouch, []int64{50000, 25000, 25000}},
		{"linear by partner", attribution.LinearByChannel, []int64{33334, 33333, 33333}},
		{"position", attribution.Position, []int64{50000, 10000, 40000}},
		{"time decay of 28 days", attribution.TimeDecay(28), []int64{33334, 13333, 53333}},
		{"W", attribution.W, []int64{60000, 30000, 10000}},
	} {
		credits, err := attribution.Divide(abac(), c.of)
		if err != nil {
			t.Fatal(err)
		}
		shares := make([]float64, len(credits))
		for i, credit := range credits {
			shares[i] = credit.Conversions
		}
		got, err := attribution.Apportion(100000, shares)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v (%v), want %v", c.rule, got, err, c.want)
		}
	}
}

func TestMilestonesThatAreAbsentOrMeet(t *testing.T) {
	for _, c := range []struct {
		name   string
		path   attribution.Path
		rule   attribution.Rule
		shares []float64
	}{
		{"no registration: its share goes to the others", attribution.Path{Channels: []string{"A", "B", "C"}, Milestones: []int{0, -1, 1}}, attribution.W, []float64{.45, .45, .1}},
		{"one touch is everything", attribution.Path{Channels: []string{"A"}, Milestones: []int{0, 0, 0}}, attribution.W, []float64{1}},
		{"nothing between: the rest goes to the milestones", attribution.Path{Channels: []string{"A", "B"}, Milestones: []int{0, 1, 1}}, attribution.W, []float64{1. / 3, 2. / 3}},
		{"no milestone at all: all the same", attribution.Path{Channels: []string{"A", "B"}, Milestones: []int{-1, -1, -1}}, attribution.W, []float64{.5, .5}},
		{"full path", attribution.Path{Channels: []string{"A", "B", "C", "D", "E"}, Milestones: []int{0, 1, 2, 4}}, attribution.FullPath, []float64{.225, .225, .225, .1, .225}},
	} {
		got, err := c.rule(&c.path)
		if err != nil || len(got) != len(c.shares) {
			t.Fatalf("%s: %v, %v", c.name, got, err)
		}
		for i := range got {
			if math.Abs(got[i]-c.shares[i]) > 1e-15 {
				t.Errorf("%s: %v, want %v", c.name, got, c.shares)
			}
		}
	}
}

func TestGoldenMarkovAndUplift(t *testing.T) {
	paths := []attribution.Path{
		{Channels: []string{"A"}, Won: 2, Lost: 1}, {Channels: []string{"B"}, Won: 1}, {Channels: []string{"A", "B"}, Won: 1},
	}
	chain, err := attribution.Markov(paths, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "h_start", chain.Conversion, 4./5)
	near(t, "RE of A", chain.Effects[0], 3./4)
	near(t, "RE of B", chain.Effects[1], 1./2)
	near(t, "share of A", chain.Credits[0].Conversions/4, 0.6)
	uplift, err := attribution.ShapleyRate(paths)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "uplift of A", uplift.Phi[0], 7./30)
	near(t, "uplift of B", uplift.Phi[1], 17./30)
}

func TestGoldenShapleyOfWonAmount(t *testing.T) {
	paths := []attribution.Path{
		{Channels: []string{"A", "B"}, Won: 1, Value: 300}, {Channels: []string{"A"}, Won: 1, Value: 100},
		{Channels: []string{"A", "B", "C"}, Won: 1, Value: 600}, {Channels: []string{"C"}, Won: 1, Value: 50},
	}
	direct, err := attribution.Divide(paths, attribution.LinearByChannel)
	if err != nil {
		t.Fatal(err)
	}
	// v(S) is the value of the paths inside S.
	phi, err := attribution.Shapley(3, func(s uint) float64 {
		sum := 0.0
		for i, set := range []uint{0b011, 0b001, 0b111, 0b100} {
			if set&^s == 0 {
				sum += paths[i].Value
			}
		}
		return sum
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{450, 350, 250} {
		near(t, "equal split", direct[i].Value, want)
		near(t, "Shapley", phi[i], want)
	}
}

func near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
		t.Errorf("%s = %.17g, want %.17g", what, got, want)
	}
}

// drawPaths draws journeys among a few channels, at least one of which converted.
func drawPaths(t *rapid.T) []attribution.Path {
	channel := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	var out []attribution.Path
	for i := range rapid.IntRange(1, 12).Draw(t, "paths") {
		p := attribution.Path{Channels: rapid.SliceOfN(channel, 1, 5).Draw(t, "channels"), Won: float64(rapid.IntRange(0, 5).Draw(t, "won")), Lost: float64(rapid.IntRange(0, 5).Draw(t, "lost"))}
		if i == 0 {
			p.Won++
		}
		if p.Won > 0 {
			p.Value = float64(rapid.IntRange(0, 1e6).Draw(t, "cents")) / 100
		}
		for k := range p.Channels {
			p.Ages = append(p.Ages, float64((len(p.Channels)-k)*rapid.IntRange(0, 2000).Draw(t, "age")))
		}
		p.Milestones = []int{0, -1, len(p.Channels) - 1}
		out = append(out, p)
	}
	return out
}

// Whatever divides, nothing is lost and nothing is made.
func TestTotalsAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := drawPaths(t)
		won, value := 0.0, 0.0
		for _, p := range paths {
			won += p.Won
			value += p.Value
		}
		credits := map[string][]attribution.Credit{}
		for name, rule := range map[string]attribution.Rule{
			"first": attribution.First, "last": attribution.Last, "touch": attribution.LinearByTouch, "channel": attribution.LinearByChannel,
			"position": attribution.Position, "decay": attribution.TimeDecay(30), "W": attribution.W,
		} {
			out, err := attribution.Divide(paths, rule)
			if err != nil {
				t.Fatal(err)
			}
			credits[name] = out
		}
		for order := 1; order <= attribution.MaxOrder; order++ {
			chain, err := attribution.Markov(paths, order)
			if err != nil {
				t.Fatal(err)
			}
			credits[fmt.Sprint("markov ", order)] = chain.Credits
		}
		uplift, err := attribution.ShapleyRate(paths)
		if err != nil {
			t.Fatal(err)
		}
		credits["uplift"] = uplift.Credits
		for name, list := range credits {
			w, v := 0.0, 0.0
			for _, c := range list {
				w += c.Conversions
				v += c.Value
			}
			if math.Abs(w-won) > 1e-9*(1+won) || math.Abs(v-value) > 1e-9*(1+value) {
				t.Fatalf("%s divides %v conversions and %v into %v and %v", name, won, value, w, v)
			}
		}
	})
}

// The removal effect by one factorisation is that of the chain which is solved again without the channel.
func TestRemovalEffectIsThatOfTheChainWithoutTheChannel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := drawPaths(t)
		order := rapid.IntRange(1, attribution.MaxOrder).Draw(t, "order")
		chain, err := attribution.Markov(paths, order)
		if err != nil {
			t.Fatal(err)
		}
		all := solveChain(paths, order, "")
		if math.Abs(all-chain.Conversion) > 1e-10 {
			t.Fatalf("P(conversion) %v, want %v", chain.Conversion, all)
		}
		for i, c := range chain.Credits {
			want := 1 - solveChain(paths, order, c.Channel)/all
			if math.Abs(chain.Effects[i]-want) > 1e-9 {
				t.Fatalf("effect of %s at order %d: %v, want %v", c.Channel, order, chain.Effects[i], want)
			}
		}
	})
}

// solveChain computes P(conversion) from transition counts, with every step into the removed channel lost.
func solveChain(paths []attribution.Path, order int, removed string) float64 {
	type state struct{ touches string }
	counts, total, won := map[state]map[state]float64{}, map[state]float64{}, map[state]float64{}
	index := map[state]int{{}: 0}
	ends := map[state]string{}
	for _, p := range paths {
		n, from := p.Won+p.Lost, state{}
		if n == 0 {
			continue
		}
		touches := slices.Compact(slices.Clone(p.Channels))
		for k, c := range touches {
			to := state{fmt.Sprint(touches[max(0, k+1-order) : k+1])}
			if _, ok := index[to]; !ok {
				index[to] = len(index)
			}
			ends[to] = c
			if counts[from] == nil {
				counts[from] = map[state]float64{}
			}
			counts[from][to] += n
			total[from] += n
			from = to
		}
		won[from] += p.Won
		total[from] += n
	}
	a, b := mat.NewDense(len(index), len(index), nil), mat.NewVecDense(len(index), nil)
	for s, i := range index {
		a.Set(i, i, 1)
		b.SetVec(i, won[s]/total[s])
		for to, n := range counts[s] {
			if removed == "" || ends[to] != removed {
				a.Set(i, index[to], a.At(i, index[to])-n/total[s])
			}
		}
	}
	var h mat.VecDense
	if err := h.SolveVec(a, b); err != nil {
		panic(err)
	}
	return h.AtVec(0)
}

func TestRepeatsInARowDoNotCountInAChain(t *testing.T) {
	once := []attribution.Path{{Channels: []string{"A", "B"}, Won: 1, Lost: 2}, {Channels: []string{"B"}, Won: 1}}
	twice := []attribution.Path{{Channels: []string{"A", "A", "B", "B", "B"}, Won: 1, Lost: 2}, {Channels: []string{"B"}, Won: 1}}
	for order := 1; order <= attribution.MaxOrder; order++ {
		a, errA := attribution.Markov(once, order)
		b, errB := attribution.Markov(twice, order)
		if errA != nil || errB != nil || !slices.Equal(a.Effects, b.Effects) {
			t.Errorf("order %d: %v and %v (%v, %v)", order, a, b, errA, errB)
		}
	}
}

// A touch of ten years ago divides like a young one: only differences of age count.
func TestOldTouchesDoNotVanish(t *testing.T) {
	old := attribution.Path{Channels: []string{"A", "B"}, Ages: []float64{36530, 36500}}
	shares, err := attribution.TimeDecay(30)(&old)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "older", shares[0], 1./3)
	near(t, "younger", shares[1], 2./3)
}

func TestApportion(t *testing.T) {
	third := []float64{1. / 3, 1. / 3, 1. / 3}
	for _, c := range []struct {
		amount int64
		shares []float64
		want   []int64
	}{
		{100, third, []int64{34, 33, 33}},
		{-100, third, []int64{-34, -33, -33}},
		{2, third, []int64{1, 1, 0}},
		{0, third, []int64{0, 0, 0}},
		{7, []float64{0, 1}, []int64{0, 7}},
		{10, []float64{.26, .74}, []int64{3, 7}},
		{999999999999999, []float64{.1, .2, .7}, []int64{100000000000000, 200000000000000, 699999999999999}},
	} {
		got, err := attribution.Apportion(c.amount, c.shares)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("Apportion(%d, %v) = %v (%v), want %v", c.amount, c.shares, got, err, c.want)
		}
	}
	for _, bad := range [][]float64{nil, {.5}, {1.5, -.5}, {math.NaN(), 1}} {
		if _, err := attribution.Apportion(1, bad); err == nil {
			t.Errorf("shares %v are not refused", bad)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(-1<<53, 1<<53).Draw(t, "amount")
		raw := rapid.SliceOfN(rapid.IntRange(1, 1000), 1, 20).Draw(t, "shares")
		shares, sum := make([]float64, len(raw)), 0.0
		for _, r := range raw {
			sum += float64(r)
		}
		for i, r := range raw {
			shares[i] = float64(r) / sum
		}
		parts, err := attribution.Apportion(amount, shares)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for i, p := range parts {
			total += p
			if math.Abs(float64(p)-shares[i]*float64(amount)) > 1+1e-9*math.Abs(float64(amount)) {
				t.Fatalf("part %d of %d is not %v of it", p, amount, shares[i])
			}
		}
		if total != amount {
			t.Fatalf("%v sums to %d, want %d", parts, total, amount)
		}
	})
}

func TestWhatCannotBeDividedIsRefused(t *testing.T) {
	lost := []attribution.Path{{Channels: []string{"A"}, Lost: 3}}
	if _, err := attribution.Markov(lost, 1); !errors.Is(err, attribution.ErrNoConversions) {
		t.Errorf("Markov without conversions: %v", err)
	}
	if _, err := attribution.ShapleyRate(lost); !errors.Is(err, attribution.ErrNoConversions) {
		t.Errorf("Shapley without conversions: %v", err)
	}
	var many *attribution.TooManyPlayersError
	wide := []attribution.Path{{Won: 1}}
	for i := range 13 {
		wide[0].Channels = append(wide[0].Channels, fmt.Sprint(i))
	}
	if _, err := attribution.ShapleyRate(wide); !errors.As(err, &many) {
		t.Errorf("13 players: %v", err)
	}
	if _, err := attribution.Shapley(13, nil); !errors.As(err, &many) {
		t.Errorf("13 players: %v", err)
	}
	for _, order := range []int{0, 4} {
		if _, err := attribution.Markov(wide, order); err == nil {
			t.Errorf("order %d is not refused", order)
		}
	}
	for name, p := range map[string]attribution.Path{
		"no touch": {Won: 1}, "negative": {Channels: []string{"A"}, Won: -1}, "NaN": {Channels: []string{"A"}, Won: math.NaN()},
		"infinite": {Channels: []string{"A"}, Won: 1, Value: math.Inf(1)}, "value of nothing": {Channels: []string{"A"}, Lost: 1, Value: 5},
	} {
		var input *attribution.InputError
		if _, err := attribution.Divide([]attribution.Path{p}, attribution.First); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, rule := range map[string]attribution.Rule{
		"half-life 0": attribution.TimeDecay(0), "ages of another length": attribution.TimeDecay(30),
		"no milestones": attribution.W, "future touch": func(p *attribution.Path) ([]float64, error) {
			return attribution.TimeDecay(30)(&attribution.Path{Channels: p.Channels, Ages: []float64{-1}})
		},
	} {
		if _, err := attribution.Divide([]attribution.Path{{Channels: []string{"A"}, Won: 1}}, rule); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
	big := []attribution.Path{}
	for i := range attribution.MaxStates {
		big = append(big, attribution.Path{Channels: []string{fmt.Sprint(i)}, Won: 1})
	}
	var states *attribution.TooManyStatesError
	if _, err := attribution.Markov(big, 1); !errors.As(err, &states) {
		t.Errorf("2,001 states: %v", err)
	}
}

// BenchmarkMarkov200 is a programme of 200 partners and 20,000 journeys.
func BenchmarkMarkov200(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var paths []attribution.Path
	for range 20000 {
		p := attribution.Path{}
		for range 1 + r.IntN(6) {
			p.Channels = append(p.Channels, fmt.Sprint("P", r.IntN(200)))
		}
		if r.IntN(3) == 0 {
			p.Won, p.Value = 1, 1000
		} else {
			p.Lost = 1
		}
		paths = append(paths, p)
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := attribution.Markov(paths, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDivide() {
	paths := []attribution.Path{{Channels: []string{"Alpine", "Kestrel", "Alpine"}, Won: 1, Value: 9000}}
	credits, err := attribution.Divide(paths, attribution.LinearByChannel)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range credits {
		fmt.Printf("%s %.0f\n", c.Channel, c.Value)
	}
	// Output:
	// Alpine 4500
	// Kestrel 4500
}
