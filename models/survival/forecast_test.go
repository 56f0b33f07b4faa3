package survival_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

// lungData are the rows of the reference case.
func lungData(t *testing.T) (survival.CoxData, *reference.Case) {
	c := reference.Open(t, "03_cox/lung")
	var want coxCase
	c.Field("expected", &want)
	return coxData(c, want.Columns), c
}

func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))
}

// Breslow's fit is that of a Poisson model with a free hazard at each event time: the inverse of its whole information,
// coefficients and hazards together, gives the variance of any hazard by the delta method.
func TestForecastVarianceIsThatOfThePoissonModel(t *testing.T) {
	d, c := lungData(t)
	p := len(d.Columns)
	m, err := survival.FitCox(d, survival.CoxOptions{Ties: survival.Breslow})
	if err != nil {
		t.Fatal(err)
	}
	x := d.X[5*p : 6*p]
	for _, w := range [][2]float64{{0, 100}, {0, 700}, {180, 360}, {300, 301}, {310, 310}} {
		f, err := m.Forecast(x, w[0], w[1])
		if err != nil {
			t.Fatal(err)
		}
		hazard, se := poissonHazard(t, m, d, x, w[0], w[1])
		c.Close(fmt.Sprint("hazard over ", w), f.Hazard, hazard)
		c.Close(fmt.Sprint("its standard error over ", w), f.SE(), se)
	}
}

// poissonHazard inverts the information of the log likelihood sum d log h - sum h(t) S0(t) over the p coefficients and
// the K hazards, for a row x over (from, to].
func poissonHazard(t *testing.T, m *survival.Cox, d survival.CoxData, x []float64, from, to float64) (hazard, se float64) {
	p, k := len(d.Columns), len(m.Baseline)
	info := mat.NewSymDense(p+k, nil)
	last := 0.0
	gradient := mat.NewVecDense(p+k, nil)
	ratio := math.Exp(m.LinearPredictor(x))
	for at, s := range m.Baseline {
		h, s0 := s.Hazard-last, 0.0
		last = s.Hazard
		for i, stop := range d.Stop {
			if stop < s.Time {
				continue
			}
			row := d.X[i*p : (i+1)*p]
			w := math.Exp(m.LinearPredictor(row))
			s0 += w
			for a := range p {
				za := row[a] - m.Means[a]
				info.SetSym(a, p+at, info.At(a, p+at)+w*za)
				for b := a; b < p; b++ {
					info.SetSym(a, b, info.At(a, b)+h*w*za*(row[b]-m.Means[b]))
				}
			}
		}
		info.SetSym(p+at, p+at, s0/h) // d/h^2, as h = d/s0
		if s.Time > from && s.Time <= to {
			hazard += h * ratio
			gradient.SetVec(p+at, ratio)
		}
	}
	for a := range p {
		gradient.SetVec(a, hazard*(x[a]-m.Means[a]))
	}
	var chol mat.Cholesky
	if !chol.Factorize(info) {
		t.Fatal("singular information")
	}
	var solved mat.VecDense
	if err := chol.SolveVecTo(&solved, gradient); err != nil {
		t.Fatal(err)
	}
	return hazard, math.Sqrt(mat.Dot(gradient, &solved))
}

// With coefficients of 0 the hazard is that of counting: Nelson and Aalen's sum of d/n with variance sum of d/n^2, and by
// Efron's way as if tied events came one after the other.
func TestForecastWithoutEffectsIsACount(t *testing.T) {
	d, _ := lungData(t)
	for _, ties := range []survival.Ties{survival.Breslow, survival.Efron} {
		m, err := survival.FitCox(d, survival.CoxOptions{Ties: ties, Ridge: 1e14})
		if err != nil {
			t.Fatal(err)
		}
		const from, to = 100, 400
		hazard, variance := 0.0, 0.0
		for _, s := range m.Baseline {
			if s.Time <= from || s.Time > to {
				continue
			}
			risk, deaths := 0.0, 0
			for i, stop := range d.Stop {
				if stop >= s.Time {
					risk++
				}
				if stop == s.Time && d.Event[i] {
					deaths++
				}
			}
			for k := range deaths {
				n := risk
				if ties == survival.Efron {
					n -= float64(k)
				}
				hazard += 1 / n
				variance += 1 / (n * n)
			}
		}
		f, err := m.Forecast(m.Means, from, to)
		if err != nil || !near(f.Hazard, hazard, 1e-9) || !near(f.SE(), math.Sqrt(variance), 1e-9) {
			t.Errorf("hazard %v with SE %v (%v), counted %v with %v", f.Hazard, f.SE(), err, hazard, math.Sqrt(variance))
		}
		if pad := make([]float64, len(m.Means)); f.Hazard > 0 {
			elsewhere, err := m.Forecast(pad, from, to)
			if err != nil || !near(elsewhere.Hazard, hazard, 1e-6) {
				t.Errorf("another row has hazard %v (%v), want %v", elsewhere.Hazard, err, hazard)
			}
		}
	}
}

// Of partners whose time to the first deal is known to be exponential given two columns, the interval of a deal within
// 60 days after 30 without one covers the truth as often as it says.
func TestForecastIntervalCovers(t *testing.T) {
	const runs, rows = 400, 150
	rnd := rand.New(rand.NewPCG(9, 1))
	beta := []float64{0.8, -0.5}
	x := []float64{1, 0.7}
	truth := -math.Expm1(-60.0 / 100 * math.Exp(beta[0]*x[0]+beta[1]*x[1]))
	median := 100 * math.Ln2 * math.Exp(-beta[0]*x[0]-beta[1]*x[1])
	covered, medians := 0, 0
	for range runs {
		d := survival.CoxData{Columns: []string{"certified", "distance"}}
		for range rows {
			row := []float64{float64(rnd.IntN(2)), rnd.NormFloat64()}
			at, end := 100*rnd.ExpFloat64()*math.Exp(-beta[0]*row[0]-beta[1]*row[1]), 300*rnd.Float64()
			d.X = append(d.X, row...)
			d.Stop, d.Event = append(d.Stop, math.Min(at, end)), append(d.Event, at <= end)
		}
		m, err := survival.FitCox(d, survival.CoxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := m.Forecast(x, 30, 90)
		if err != nil {
			t.Fatal(err)
		}
		if low, high, ok := f.Interval(0.95); ok && low <= truth && truth <= high {
			covered++
		}
		_, low, high, err := m.Remaining(x, 30, 0.5, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		if (!low.Reached || low.Time <= median) && (!high.Reached || median <= high.Time) {
			medians++
		}
	}
	// 95 % of 400 is 380 with a standard deviation of 4.4; four of them either way.
	for what, n := range map[string]int{"probability": covered, "median remaining time": medians} {
		if n < 362 || n > 397 {
			t.Errorf("the 95 %% interval of the %s covers the truth in %d of %d runs", what, n, runs)
		}
	}
}

func TestForecastsFitTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawCox(t)
		m, err := survival.FitCox(d, survival.CoxOptions{Ridge: 0.1})
		if err != nil {
			skipNoSolution(t, err)
		}
		row := rapid.IntRange(0, len(d.Stop)-1).Draw(t, "row")
		x := d.X[2*row : 2*row+2]
		forecast := func(from, to float64) survival.Forecast {
			f, err := m.Forecast(x, from, to)
			if err != nil {
				t.Fatal(err)
			}
			low, high, ok := f.Interval(0.95)
			if p := f.Probability(); p < 0 || p > 1 || ok && !(low <= p && p <= high && low >= 0 && high <= 1) || ok != (f.Hazard > 0) {
				t.Fatalf("%+v: probability %v, limits %v to %v, %v", f, p, low, high, ok)
			}
			return f
		}
		a, b := 3.0, float64(rapid.IntRange(3, 15).Draw(t, "to"))
		if got := forecast(0, a).Survival() * forecast(a, b).Survival(); !near(got, m.Survival(x, b), 1e-12) {
			t.Fatalf("survival in two stretches %v, in one %v", got, m.Survival(x, b))
		}
		at, low, high, err := m.Remaining(x, a, 0.5, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		first := func(reached func(survival.Forecast) bool) (v survival.Value) {
			for u := range 15 { // times are whole, so that nothing changes in between
				if f := forecast(a, a+float64(u)); reached(f) {
					return survival.Value{Time: float64(u), Reached: true}
				}
			}
			return v
		}
		limits := func(f survival.Forecast) (float64, float64) { lo, hi, _ := f.Interval(0.9); return lo, hi }
		want := []survival.Value{
			first(func(f survival.Forecast) bool { return f.Probability() >= 0.5-1e-12 }),
			first(func(f survival.Forecast) bool { _, hi := limits(f); return hi >= 0.5-1e-12 }),
			first(func(f survival.Forecast) bool { lo, _ := limits(f); return lo >= 0.5-1e-12 }),
		}
		if got := []survival.Value{at, low, high}; !slices.Equal(got, want) {
			t.Fatalf("remaining %+v, want %+v", got, want)
		}
	})
}

func TestWhatCannotBeForecastIsRefused(t *testing.T) {
	d := manyRows(200, 2)
	m, err := survival.FitCox(d, survival.CoxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	good := []float64{0, 1}
	for name, c := range map[string]struct {
		x        []float64
		from, to float64
	}{
		"a value too few":       {good[:1], 0, 5},
		"NaN":                   {[]float64{0, math.NaN()}, 0, 5},
		"infinity":              {[]float64{math.Inf(-1), 0}, 0, 5},
		"a row far away":        {[]float64{1e12, 1e12}, 0, 500},
		"time before the start": {good, -1, 5},
		"time that ends first":  {good, 6, 5},
		"no time":               {good, math.NaN(), 5},
		"no end":                {good, 0, math.Inf(1)},
	} {
		var input *survival.InputError
		if f, err := m.Forecast(c.x, c.from, c.to); !errors.As(err, &input) {
			t.Errorf("%s: %+v, error %v", name, f, err)
		}
	}
	if _, _, _, err := m.Remaining(good, 0, 1, 0.95); err == nil {
		t.Error("the time to certainty was told")
	}
	for _, c := range []struct {
		to    float64
		known bool
	}{{m.FollowUp(), true}, {m.FollowUp() + 1, false}} {
		if f, err := m.Forecast(good, 0, c.to); err != nil || f.Known != c.known {
			t.Errorf("to %v: known %v (%v), want %v", c.to, f.Known, err, c.known)
		}
	}
	f, err := m.Forecast(good, m.FollowUp(), m.FollowUp()+90)
	if _, _, ok := f.Interval(0.95); err != nil || ok || f.Probability() != 0 {
		t.Errorf("beyond all that was seen: %+v, interval %v, %v", f, ok, err)
	}
}

func ExampleCox_Forecast() {
	// Days from signature to the first deal, and whether the partner had certified people by then.
	m, err := survival.FitCox(survival.CoxData{
		X:       []float64{1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0},
		Stop:    []float64{20, 35, 50, 60, 90, 120, 45, 150, 75, 30, 80, 110},
		Event:   []bool{true, true, true, false, true, false, true, false, true, true, true, true},
		Columns: []string{"certified"},
	}, survival.CoxOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A certified partner has waited for 30 days: the next 30, and the median of what is left.
	f, err := m.Forecast([]float64{1}, 30, 60)
	if err != nil {
		fmt.Println(err)
		return
	}
	low, high, _ := f.Interval(0.95)
	fmt.Printf("a deal within 30 days: %.0f %% (%.0f to %.0f)\n", 100*f.Probability(), 100*low, 100*high)
	at, _, _, err := m.Remaining([]float64{1}, 30, 0.5, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("half of such partners sell within", at.Time, "days more")
	// Output:
	// a deal within 30 days: 44 % (16 to 86)
	// half of such partners sell within 45 days more
}
