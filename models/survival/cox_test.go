package survival_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

func TestWhatCoxCannotFitIsRefused(t *testing.T) {
	stop := []float64{1, 2, 3, 4, 5, 6}
	event := []bool{true, false, true, true, false, true}
	x := []float64{3, 1, 2, 5, 4, 0}
	one := []string{"a"}
	doubled := make([]float64, 0, 12)
	for _, v := range x {
		doubled = append(doubled, v, 2*v+1)
	}
	for _, c := range []struct {
		name string
		data survival.CoxData
		opt  survival.CoxOptions
	}{
		{"no rows", survival.CoxData{Columns: one}, survival.CoxOptions{}},
		{"no columns", survival.CoxData{Stop: stop, Event: event}, survival.CoxOptions{}},
		{"no events", survival.CoxData{X: x, Stop: stop, Event: make([]bool, 6), Columns: one}, survival.CoxOptions{}},
		{"a constant column", survival.CoxData{X: []float64{7, 7, 7, 7, 7, 7}, Stop: stop, Event: event, Columns: one}, survival.CoxOptions{}},
		{"a dependent column", survival.CoxData{X: doubled, Stop: stop, Event: event, Columns: []string{"a", "b"}}, survival.CoxOptions{}},
		{"NaN in X", survival.CoxData{X: []float64{1, 2, math.NaN(), 3, 4, 5}, Stop: stop, Event: event, Columns: one}, survival.CoxOptions{}},
		{"infinity in X", survival.CoxData{X: []float64{1, 2, math.Inf(1), 3, 4, 5}, Stop: stop, Event: event, Columns: one}, survival.CoxOptions{}},
		{"a time that is none", survival.CoxData{X: x, Stop: []float64{1, 2, math.NaN(), 4, 5, 6}, Event: event, Columns: one}, survival.CoxOptions{}},
		{"start after stop", survival.CoxData{X: x, Start: []float64{0, 3, 0, 0, 0, 0}, Stop: stop, Event: event, Columns: one}, survival.CoxOptions{}},
		{"start that is none", survival.CoxData{X: x, Start: []float64{0, math.NaN(), 0, 0, 0, 0}, Stop: stop, Event: event, Columns: one}, survival.CoxOptions{}},
		{"a negative penalty", survival.CoxData{X: x, Stop: stop, Event: event, Columns: one}, survival.CoxOptions{Ridge: -1}},
		{"fewer columns than names", survival.CoxData{X: x, Stop: stop, Event: event, Columns: []string{"a", "b"}}, survival.CoxOptions{}},
		{"events in the order of the column", survival.CoxData{X: []float64{6, 5, 4, 3, 2, 1}, Stop: stop, Event: []bool{true, true, true, true, true, true}, Columns: one}, survival.CoxOptions{}},
		{"the last event alone", survival.CoxData{X: x, Stop: stop, Event: []bool{false, false, false, false, false, true}, Columns: one}, survival.CoxOptions{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := survival.FitCox(c.data, c.opt)
			var input *survival.InputError
			var cox *survival.CoxError
			if !errors.As(err, &input) && !errors.As(err, &cox) && !errors.Is(err, survival.ErrNoEvents) {
				t.Fatalf("fitted %v, error %v", m, err)
			}
		})
	}
}

// A penalty gives a finite answer where there is none without.
func TestRidgeSettlesSeparation(t *testing.T) {
	d := survival.CoxData{X: []float64{6, 5, 4, 3, 2, 1}, Stop: []float64{1, 2, 3, 4, 5, 6}, Event: []bool{true, true, true, true, true, true}, Columns: []string{"a"}}
	m, err := survival.FitCox(d, survival.CoxOptions{Ridge: 1})
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Coefficients[0]; !(b > 0 && b < 10) {
		t.Errorf("coefficient %v", b)
	}
	if _, ok := m.LikelihoodRatio(); ok {
		t.Error("a penalised fit has a likelihood-ratio test")
	}
}

// drawCox draws rows of (start, stop] whose events depend on the first column.
func drawCox(t *rapid.T) survival.CoxData {
	n := rapid.IntRange(12, 40).Draw(t, "rows")
	d := survival.CoxData{Columns: []string{"a", "b"}}
	for range n {
		start := rapid.IntRange(0, 5).Draw(t, "start")
		d.Start = append(d.Start, float64(start))
		d.Stop = append(d.Stop, float64(start+rapid.IntRange(1, 8).Draw(t, "length")))
		d.Event = append(d.Event, rapid.Bool().Draw(t, "event"))
		d.X = append(d.X, float64(rapid.IntRange(-4, 4).Draw(t, "a")), float64(rapid.IntRange(0, 1).Draw(t, "b")))
	}
	return d
}

// A subject may be cut into stretches with the same columns: nothing changes.
func TestStretchesOfOneSubjectAreOneRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawCox(t)
		whole, err := survival.FitCox(d, survival.CoxOptions{})
		if err != nil {
			skipNoSolution(t, err)
		}
		cut := survival.CoxData{Columns: d.Columns}
		for i := range d.Stop {
			middle := (d.Start[i] + d.Stop[i]) / 2
			x := d.X[2*i : 2*i+2]
			cut.X = append(append(cut.X, x...), x...)
			cut.Start = append(cut.Start, d.Start[i], middle)
			cut.Stop = append(cut.Stop, middle, d.Stop[i])
			cut.Event = append(cut.Event, false, d.Event[i])
		}
		parts, err := survival.FitCox(cut, survival.CoxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for j, b := range whole.Coefficients {
			if math.Abs(parts.Coefficients[j]-b) > 1e-7*(1+math.Abs(b)) {
				t.Fatalf("coefficients %v in stretches, %v whole", parts.Coefficients, whole.Coefficients)
			}
		}
		sum := 0.0
		for _, r := range whole.Residuals() {
			sum += r
		}
		if math.Abs(sum) > 1e-8*float64(whole.Events) {
			t.Fatalf("martingale residuals sum to %v", sum)
		}
	})
}

// The counts by tree are those of looking at every pair.
func TestConcordanceIsThatOfAllPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawCox(t)
		score := make([]float64, len(d.Stop))
		for i := range score {
			score[i] = d.X[2*i]
		}
		want := survival.Concordance{}
		for i := range score {
			for j := range score {
				if i == j || !d.Event[i] || d.Start[j] >= d.Stop[i] || d.Stop[j] < d.Stop[i] {
					continue
				}
				switch {
				case d.Stop[j] == d.Stop[i] && d.Event[j]:
					if i < j {
						want.TiedTime++
					}
				case score[i] > score[j]:
					want.Concordant++
				case score[i] < score[j]:
					want.Discordant++
				default:
					want.TiedScore++
				}
			}
		}
		got, err := survival.HarrellConcordance(score, d.Start, d.Stop, d.Event)
		want.SE = got.SE
		if err != nil || got != want {
			t.Fatalf("%+v (%v), want %+v", got, err, want)
		}
	})
}

func manyRows(n, p int) survival.CoxData {
	r := rand.New(rand.NewPCG(3, 4))
	d := survival.CoxData{X: make([]float64, n*p), Stop: make([]float64, n), Event: make([]bool, n)}
	for j := range p {
		d.Columns = append(d.Columns, fmt.Sprint("x", j))
	}
	for i := range n {
		eta := 0.0
		for j := range p {
			d.X[i*p+j] = r.NormFloat64()
			eta += 0.1 * float64(j%3) * d.X[i*p+j]
		}
		at, censored := r.ExpFloat64()*math.Exp(-eta)*1000, r.Float64()*2000
		d.Stop[i], d.Event[i] = math.Ceil(math.Min(at, censored)), at <= censored
	}
	return d
}

// BenchmarkCox has whole days, so that many events are tied.
func BenchmarkCox(b *testing.B) {
	n := 10_000
	if *large {
		n = 200_000
	}
	d := manyRows(n, 10)
	for b.Loop() {
		if _, err := survival.FitCox(d, survival.CoxOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "rows")
}

func ExampleFitCox() {
	// Days from signature to the first deal, and whether the partner had certified people by then.
	d := survival.CoxData{
		X:       []float64{1, 1, 0, 1, 0, 0, 1, 0},
		Stop:    []float64{20, 35, 50, 60, 90, 120, 45, 150},
		Event:   []bool{true, true, true, false, true, false, true, false},
		Columns: []string{"certified"},
	}
	m, err := survival.FitCox(d, survival.CoxOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ratio, low, high := m.HazardRatio(0, 0.95)
	fmt.Printf("certified: %.1f times the pace, 95 %% interval %.1f to %.1f\n", ratio, low, high)
	fmt.Printf("a deal within 90 days: %.0f %% with, %.0f %% without\n", 100*(1-m.Survival([]float64{1}, 90)), 100*(1-m.Survival([]float64{0}, 90)))
	// Output:
	// certified: 5.8 times the pace, 95 % interval 0.6 to 59.2
	// a deal within 90 days: 97 % with, 44 % without
}

// A row far out takes the first step of Newton's method to where the weights of all others are nothing beside its own. The
// step is halved, and not taken for an infinite likelihood.
func TestCoxFitsBesideARowFarOut(t *testing.T) {
	d := survival.CoxData{Columns: []string{"a"}, X: []float64{1000}, Stop: []float64{1}, Event: []bool{true}}
	for i := range 1999 {
		d.X = append(d.X, math.Sin(float64(i*i)))
		d.Stop, d.Event = append(d.Stop, float64(2+i%300)), append(d.Event, i%50 == 0)
	}
	m, err := survival.FitCox(d, survival.CoxOptions{Ties: survival.Breslow})
	if err != nil {
		t.Fatal(err)
	}
	// The slope of the likelihood, from its definition.
	score := 0.0
	for i, happened := range d.Event {
		sum, weighted := 0.0, 0.0
		for j, x := range d.X {
			if d.Stop[j] >= d.Stop[i] {
				w := math.Exp(m.Coefficients[0] * x)
				sum += w
				weighted += w * x
			}
		}
		if happened {
			score += d.X[i] - weighted/sum
		}
	}
	if !near(score, 0, 1e-6) {
		t.Errorf("coefficient %v leaves a slope of %v", m.Coefficients, score)
	}
}

// A column that separates the events from the rest is told from columns that depend on each other.
func TestCoxTellsSeparationFromDependence(t *testing.T) {
	d := survival.CoxData{Columns: []string{"noise", "vip"}}
	for i := range 100 {
		d.X = append(d.X, math.Sin(float64(i*i)), float64(i%2))
		d.Stop, d.Event = append(d.Stop, float64(1+i%17)), append(d.Event, i%2 == 1 && i%3 > 0)
	}
	var separated, dependent *survival.CoxError
	if _, err := survival.FitCox(d, survival.CoxOptions{}); !errors.As(err, &separated) || separated.Columns[0] != "vip" || !strings.Contains(separated.Reason, "separate") {
		t.Errorf("a column that separates: %v", err)
	}
	for i := 1; i < len(d.X); i += 2 {
		d.X[i] = 2 * d.X[i-1]
	}
	if _, err := survival.FitCox(d, survival.CoxOptions{}); !errors.As(err, &dependent) || !strings.Contains(dependent.Reason, "dependent") {
		t.Errorf("a column twice: %v", err)
	}
}

// A level in percent, or none, is a mistake of the program and not an interval.
func TestHazardRatioPanicsOnALevelThatIsNone(t *testing.T) {
	m, err := survival.FitCox(healthy(), survival.CoxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []float64{0, 1, 95, -1, math.NaN()} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("level %v: no panic", level)
				}
			}()
			m.HazardRatio(0, level)
		}()
	}
}
