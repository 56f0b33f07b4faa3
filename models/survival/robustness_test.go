package survival_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// healthy are rows that every estimator of the package can use; the tests below damage them in one place each.
func healthy() survival.CoxData {
	d := manyRows(60, 3)
	d.Start = make([]float64, 60)
	for i, stop := range d.Stop {
		d.Start[i] = -1
		if i%3 == 0 {
			d.Start[i] = stop / 2
		}
	}
	return d
}

// estimate gives the numbers that an estimator publishes, or its error.
type estimate func(d survival.CoxData) ([]float64, error)

func estimators() map[string]estimate {
	return map[string]estimate{
		"Kaplan-Meier":         kaplanMeier,
		"Aalen-Johansen":       aalenJohansen,
		"log-rank":             logRank,
		"concordance":          concordant,
		"grouped":              grouped,
		"Cox, Efron":           cox(survival.CoxOptions{}),
		"Cox, Breslow":         cox(survival.CoxOptions{Ties: survival.Breslow}),
		"Cox, Efron and ridge": cox(survival.CoxOptions{Ridge: 1}),
		"Cox without a late start": func(d survival.CoxData) ([]float64, error) {
			d.Start = nil
			return cox(survival.CoxOptions{})(d)
		},
	}
}

// usesColumns tells whether an estimator looks at X.
func usesColumns(name string) bool {
	return name != "Kaplan-Meier" && name != "Aalen-Johansen" && name != "log-rank"
}

func kaplanMeier(d survival.CoxData) ([]float64, error) {
	c, err := survival.KaplanMeier(survival.Sample{Time: d.Stop, Event: d.Event, Entry: d.Start})
	if err != nil {
		return nil, err
	}
	var out []float64
	for _, p := range c.Points {
		se, _ := p.SE()
		low, high, _ := p.Interval(survival.LogLog, 0.95)
		out = append(out, p.Survival, se, low, high)
	}
	at, low, high := c.Median(survival.LogLog, 0.95)
	mean, se := c.RestrictedMean(d.Stop[0])
	return append(out, at.Time, low.Time, high.Time, mean, se), nil
}

func aalenJohansen(d survival.CoxData) ([]float64, error) {
	c := survival.Competing{Time: d.Stop, Causes: 2, Entry: d.Start}
	for i, e := range d.Event {
		k := 0
		if e {
			k = 1 + i%2
		}
		c.Cause = append(c.Cause, k)
	}
	aj, err := survival.AalenJohansen(c)
	if err != nil {
		return nil, err
	}
	var out []float64
	for _, t := range d.Stop {
		low, high, _ := aj.Interval(1, t, 0.95)
		out = append(out, aj.At(1, t), aj.At(2, t), aj.SE(1, t), low, high)
	}
	return out, nil
}

func logRank(d survival.CoxData) ([]float64, error) {
	half := len(d.Stop) / 2
	cut := func(v []float64, lo, hi int) []float64 {
		if v == nil {
			return nil
		}
		return v[min(lo, len(v)):min(hi, len(v))]
	}
	n := len(d.Event)
	r, err := survival.LogRank([]survival.Sample{
		{Time: d.Stop[:half], Event: d.Event[:min(half, n)], Entry: cut(d.Start, 0, half)},
		{Time: d.Stop[half:], Event: d.Event[min(half, n):], Entry: cut(d.Start, half, 1<<30)},
	})
	if err != nil {
		return nil, err
	}
	return append(slices.Concat(r.Observed, r.Expected), r.Chi2, r.P), nil
}

func concordant(d survival.CoxData) ([]float64, error) {
	score := make([]float64, len(d.X)/3)
	for i := range score {
		score[i] = d.X[3*i]
	}
	c, err := survival.HarrellConcordance(score, d.Start, d.Stop, d.Event)
	if err != nil {
		return nil, err
	}
	index, _ := c.Index()
	return []float64{index, c.SE}, nil
}

func grouped(d survival.CoxData) ([]float64, error) {
	m, err := survival.FitGrouped(d.X, d.Event, d.Columns)
	if err != nil {
		return nil, err
	}
	return append(slices.Concat(m.Coefficients, m.SE), m.Deviance), nil
}

func cox(o survival.CoxOptions) estimate {
	return func(d survival.CoxData) ([]float64, error) {
		m, err := survival.FitCox(d, o)
		if err != nil {
			return nil, err
		}
		out := append(slices.Concat(m.Coefficients, m.Residuals()), m.LogLikelihood, m.NullLogLikelihood)
		for j := range m.Coefficients {
			_, low, high := m.HazardRatio(j, 0.5)
			out = append(out, m.SE(j), low, high)
		}
		for _, test := range []func() (survival.ChiSquared, bool){m.LikelihoodRatio, m.Wald, m.ScoreTest} {
			got, _ := test()
			out = append(out, got.Statistic, got.P)
		}
		if columns, all, ok := m.Proportionality(); ok {
			out = append(out, columns[0].Statistic, columns[0].P, all.Statistic, all.P)
		}
		for i := range 3 {
			f, err := m.Forecast(d.X[3*i:3*i+3], 0, m.FollowUp())
			if err != nil {
				return nil, err
			}
			low, high, _ := f.Interval(0.95)
			at, _, _, err := m.Remaining(d.X[3*i:3*i+3], 0, 0.5, 0.95)
			if err != nil {
				return nil, err
			}
			out = append(out, f.Hazard, f.SE(), f.Probability(), low, high, at.Time)
		}
		return out, nil
	}
}

// Whatever is wrong with the rows, every estimator gives an error with a reason or finite numbers; and where one of the
// two is the only right answer, that one.
func TestRobustness(t *testing.T) {
	const anyOf, refused, fitted, onlyColumns = 0, 1, 2, 3 // onlyColumns: refused by those that use the columns
	column := func(d *survival.CoxData, j int, value func(i int) float64) {
		for i := range len(d.X) / 3 {
			d.X[3*i+j] = value(i)
		}
	}
	for _, c := range []struct {
		name   string
		damage func(d *survival.CoxData)
		want   int
	}{
		{"nothing wrong", func(*survival.CoxData) {}, fitted},
		{"constant column", func(d *survival.CoxData) { column(d, 1, func(int) float64 { return 0.1 }) }, anyOf},
		{"duplicate column", func(d *survival.CoxData) { column(d, 1, func(i int) float64 { return d.X[3*i] }) }, anyOf},
		{"one event", func(d *survival.CoxData) { clear(d.Event); d.Event[4] = true }, anyOf},
		{"the last row alone", func(d *survival.CoxData) { clear(d.Event); d.Event[last(d.Stop)] = true }, anyOf},
		{"no events", func(d *survival.CoxData) { clear(d.Event) }, anyOf},
		{"all events", func(d *survival.CoxData) { d.Event = slices.Repeat([]bool{true}, 60) }, anyOf},
		{"all at one time", func(d *survival.CoxData) { d.Stop = slices.Repeat([]float64{5}, 60); d.Start = nil }, anyOf},
		{"all at time 0", func(d *survival.CoxData) { d.Stop = make([]float64, 60); d.Start = nil }, anyOf},
		{"NaN", func(d *survival.CoxData) { d.X[6] = math.NaN() }, onlyColumns},
		{"+Inf", func(d *survival.CoxData) { d.X[6] = math.Inf(1) }, anyOf}, // a score may be infinite, it ranks
		{"NaN time", func(d *survival.CoxData) { d.Stop[2] = math.NaN() }, anyOf},
		{"infinite time", func(d *survival.CoxData) { d.Stop[2] = math.Inf(1) }, anyOf},
		{"negative time", func(d *survival.CoxData) { d.Stop[2] = -0.5 }, anyOf},
		{"NaN start", func(d *survival.CoxData) { d.Start[2] = math.NaN() }, anyOf},
		{"start after the end", func(d *survival.CoxData) { d.Start[2] = d.Stop[2] + 1 }, anyOf},
		{"columns of 1e12", func(d *survival.CoxData) { column(d, 0, func(i int) float64 { return 1e12 * d.X[3*i] }) }, fitted},
		{"columns of 1e-12", func(d *survival.CoxData) { column(d, 0, func(i int) float64 { return 1e-12 * d.X[3*i] }) }, fitted},
		{"columns of 1e200", func(d *survival.CoxData) { column(d, 0, func(i int) float64 { return 1e200 * d.X[3*i] }) }, anyOf},
		{"columns of 1e-200", func(d *survival.CoxData) { column(d, 0, func(i int) float64 { return 1e-200 * d.X[3*i] }) }, anyOf},
		{"times of 1e12", func(d *survival.CoxData) { times(d, 1e12) }, fitted},
		{"times of 1e-12", func(d *survival.CoxData) { times(d, 1e-12) }, fitted},
		{"times of 1e300", func(d *survival.CoxData) { times(d, 1e300) }, anyOf},
		{"n < p", func(d *survival.CoxData) { rows(d, 2) }, anyOf},
		{"n = 1", func(d *survival.CoxData) { rows(d, 1) }, anyOf},
		{"n = 0", func(d *survival.CoxData) { rows(d, 0) }, refused},
		{"one event too few", func(d *survival.CoxData) { d.Event = d.Event[:59] }, refused},
		{"one value too few", func(d *survival.CoxData) { d.X = d.X[:177] }, onlyColumns},
		{"one start too few", func(d *survival.CoxData) { d.Start = d.Start[:59] }, anyOf},
	} {
		for name, of := range estimators() {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				d := healthy()
				c.damage(&d)
				got, err := of(d)
				if err != nil && err.Error() == "" {
					t.Fatal("an error without a reason")
				}
				if err == nil && (c.want == refused || c.want == onlyColumns && usesColumns(name)) || err != nil && c.want == fitted {
					t.Fatalf("%v, error %v", got, err)
				}
				for _, v := range got {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatalf("not a number in %v", got)
					}
				}
			})
		}
	}
}

// last is the position of the largest time.
func last(v []float64) int { return slices.Index(v, slices.Max(v)) }

func times(d *survival.CoxData, unit float64) {
	for i := range d.Stop {
		d.Stop[i] *= unit
		d.Start[i] *= unit
	}
}

func rows(d *survival.CoxData, n int) {
	d.X, d.Start, d.Stop, d.Event = d.X[:3*n], d.Start[:n], d.Stop[:n], d.Event[:n]
}

// Coefficients scale with the units of their column, and not at all with those of time.
func TestCoxKnowsNoUnits(t *testing.T) {
	want, err := survival.FitCox(healthy(), survival.CoxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []float64{1e12, 1e-12} {
		d := healthy()
		times(&d, unit)
		for i := range d.Stop {
			d.X[3*i] *= unit
		}
		got, err := survival.FitCox(d, survival.CoxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for j, units := range []float64{unit, 1, 1} {
			if b, se := got.Coefficients[j]*units, got.SE(j)*units; !near(b, want.Coefficients[j], 1e-9) || !near(se, want.SE(j), 1e-9) {
				t.Errorf("unit %g: coefficient %d is %v with SE %v, want %v with %v", unit, j, b, se, want.Coefficients[j], want.SE(j))
			}
		}
	}
}

// A few rows of enormous hazard that start late must not wash out what is known of the rows before them.
func TestLateStartsDoNotLoseTheRowsBefore(t *testing.T) {
	d := survival.CoxData{Columns: []string{"a"}}
	add := func(x, start, stop float64, event bool) {
		d.X, d.Start, d.Stop, d.Event = append(d.X, x), append(d.Start, start), append(d.Stop, stop), append(d.Event, event)
	}
	for i := range 40 {
		add(float64(i%5), -1, float64(1+i), i%3 != 0)
	}
	early, err := survival.FitCox(d, survival.CoxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// They are at risk among themselves only: with equal columns they say nothing of the coefficient.
	x := 200 / math.Max(0.01, math.Abs(early.Coefficients[0])) * math.Copysign(1, early.Coefficients[0])
	for i := range 4 {
		add(x, 100, float64(200+i), true)
	}
	all, err := survival.FitCox(d, survival.CoxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !near(all.Coefficients[0], early.Coefficients[0], 1e-8) || !near(all.SE(0), early.SE(0), 1e-8) {
		t.Errorf("coefficient %v with SE %v, without the late rows %v with %v", all.Coefficients, all.SE(0), early.Coefficients, early.SE(0))
	}
}

// What is asked of a curve beyond reason is answered by a number all the same.
func TestCurvesAnswerAnyQuestion(t *testing.T) {
	c, err := survival.KaplanMeier(golden())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -5, 0, 1e12} {
		mean, se := c.RestrictedMean(v)
		p := c.At(v)
		_, _, ok := p.Interval(survival.LogLog, v)
		at, _, _ := c.Quantile(v, survival.LogLog, 0.95)
		if numbers := fmt.Sprint(mean, se, p.Survival, at.Time); ok || slices.ContainsFunc([]float64{mean, se, p.Survival, at.Time}, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }) {
			t.Errorf("asked for %v: %s, interval %v", v, numbers, ok)
		}
	}
}
