package logistic_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// simulate draws n rows of p columns with the given raw coefficients (intercept first); every third column is 0/1.
func simulate(seed uint64, n int, coef []float64) logistic.Data {
	rnd := rand.New(rand.NewPCG(seed, 1))
	p := len(coef) - 1
	d := logistic.Data{X: make([]float64, 0, n*p), Cols: p, Y: make([]float64, n)}
	for i := range n {
		eta := coef[0]
		for j := range p {
			x := rnd.NormFloat64()
			if j%3 == 2 {
				x = float64(rnd.IntN(2))
			}
			d.X = append(d.X, x)
			eta += coef[j+1] * x
		}
		if rnd.Float64() < logistic.Expit(eta) {
			d.Y[i] = 1
		}
	}
	return d
}

// small is a data set with a finite solution that the tests below damage in one place each.
func small() logistic.Data { return simulate(7, 60, []float64{-0.3, 0.8, -0.5, 0.4}) }

func TestBadDataIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(d *logistic.Data)
		want   string
	}{
		{"NaN value", func(d *logistic.Data) { d.X[5*3+1] = math.NaN() }, "row 5: column x2: value is not a finite number"},
		{"infinite value", func(d *logistic.Data) { d.X[5*3+1] = math.Inf(-1) }, "row 5: column x2: value is not a finite number"},
		{"NaN outcome", func(d *logistic.Data) { d.Y[3] = math.NaN() }, "row 3: outcome NaN is outside 0 to 1"},
		{"outcome of 2", func(d *logistic.Data) { d.Y[3] = 2 }, "row 3: outcome 2 is outside 0 to 1"},
		{"negative outcome", func(d *logistic.Data) { d.Y[3] = -0.1 }, "outside 0 to 1"},
		{"negative weight", func(d *logistic.Data) { d.Weights = slices.Repeat([]float64{1}, 60); d.Weights[2] = -1 }, "row 2: weight -1"},
		{"NaN weight", func(d *logistic.Data) { d.Weights = slices.Repeat([]float64{math.NaN()}, 60) }, "weight NaN"},
		{"only zero weights", func(d *logistic.Data) { d.Weights = make([]float64, 60) }, "no rows with weight"},
		{"infinite offset", func(d *logistic.Data) { d.Offset = slices.Repeat([]float64{math.Inf(1)}, 60) }, "offset +Inf is not finite"},
		{"no rows", func(d *logistic.Data) { d.X, d.Y = nil, nil }, "no rows with weight"},
		{"as many columns as rows", func(d *logistic.Data) { d.Y = d.Y[:3]; d.X = d.X[:9]; d.Y[0], d.Y[1] = 0, 1 }, "3 columns need more than 3 rows"},
		{"X too short", func(d *logistic.Data) { d.X = d.X[:100] }, "X has 100 values, want 60 rows of 3"},
		{"names too short", func(d *logistic.Data) { d.Names = []string{"a"} }, "1 names for 3 columns"},
		{"values that overflow", func(d *logistic.Data) { d.X[0], d.X[3] = 1e308, -1e308 }, "column x1: values are too large to standardise"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := small()
			tc.damage(&d)
			_, err := logistic.Fit(d, logistic.Options{Lambda: 1, Standardise: true})
			var input *logistic.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want an input error with %q", err, tc.want)
			}
		})
	}
}

func TestOneClassIsRefused(t *testing.T) {
	for _, y := range []float64{0, 1} {
		d := small()
		for i := range d.Y {
			d.Y[i] = y
		}
		if _, err := logistic.Fit(d, logistic.Options{Lambda: 10}); !errors.Is(err, logistic.ErrOneClass) {
			t.Errorf("all outcomes %v: error %v, want ErrOneClass", y, err)
		}
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for name, o := range map[string]logistic.Options{
		"negative lambda": {Lambda: -1},
		"NaN lambda":      {Lambda: math.NaN()},
		"signs missing":   {Signs: []logistic.Sign{1}},
	} {
		var input *logistic.InputError
		if _, err := logistic.Fit(small(), o); !errors.As(err, &input) {
			t.Errorf("%s: error %v, want an input error", name, err)
		}
	}
}

// withColumn returns the data with a column added at the end.
func withColumn(d logistic.Data, f func(i int, row []float64) float64) logistic.Data {
	out := d
	out.X, out.Cols = nil, d.Cols+1
	for i := range d.Y {
		r := d.X[i*d.Cols : (i+1)*d.Cols]
		out.X = append(append(out.X, r...), f(i, r))
	}
	return out
}

func TestConstantColumnIsLeftOutAndReported(t *testing.T) {
	for _, v := range []float64{0, 4.2, 1e300} {
		d := withColumn(small(), func(int, []float64) float64 { return v })
		m := mustFit(t, d, logistic.Options{})
		if m.State[3] != logistic.Constant || len(m.Warnings) != 1 || m.Warnings[0].Column != "x4" {
			t.Errorf("constant %v: state %v, warnings %v", v, m.State[3], m.Warnings)
		}
		want := mustFit(t, small(), logistic.Options{}).Coef()
		if got := m.Coef(); got[4] != 0 || m.Laplace().SE()[4] != 0 || !cmp.Equal(got[:4], want) {
			t.Errorf("constant %v: coefficients %v, want %v and 0", v, got, want)
		}
	}
}

func TestCollinearColumnsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    func(i int, r []float64) float64
		with []string
	}{
		{"duplicate", func(_ int, r []float64) float64 { return r[1] }, []string{"x2"}},
		{"scaled and shifted", func(_ int, r []float64) float64 { return 1e6*r[0] + 5 }, []string{"x1"}},
		{"sum of two", func(_ int, r []float64) float64 { return r[0] + r[2] }, []string{"x1", "x3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := withColumn(small(), tc.f)
			_, err := logistic.Fit(d, logistic.Options{})
			var col *logistic.CollinearError
			if !errors.As(err, &col) || col.Column != "x4" || !cmp.Equal(col.With, tc.with) {
				t.Fatalf("error %v, want x4 collinear with %v", err, tc.with)
			}
			// The penalty makes the solution unique: a duplicate shares the effect equally.
			m := mustFit(t, d, logistic.Options{Lambda: 1, Standardise: true})
			if c := m.StandardCoef(); tc.name == "duplicate" && math.Abs(c[2]-c[4]) > 1e-10 {
				t.Errorf("duplicate columns have coefficients %v and %v", c[2], c[4])
			}
		})
	}
}

func TestSeparatedDataAreRefusedOrPenalised(t *testing.T) {
	d := small()
	for i := range d.Y {
		d.Y[i] = 0
		if d.X[i*3] > 0.2 {
			d.Y[i] = 1
		}
	}
	_, err := logistic.Fit(d, logistic.Options{})
	var sep *logistic.SeparationError
	if !errors.As(err, &sep) || sep.Columns[0] != "x1" {
		t.Fatalf("error %v, want separation by x1", err)
	}
	for _, lambda := range []float64{1e-6, 1, 1e6} {
		finite(t, mustFit(t, d, logistic.Options{Lambda: lambda, Standardise: true}))
	}
}

func TestOneEvent(t *testing.T) {
	d := small()
	for i := range d.Y {
		d.Y[i] = 0
	}
	d.Y[17] = 1
	finite(t, mustFit(t, d, logistic.Options{Lambda: 10, Standardise: true}))
	// With one event three columns usually separate it: an error is right, numbers that are none are not.
	if m, err := logistic.Fit(d, logistic.Options{}); err == nil {
		finite(t, m)
	}
}

// finite fails when any number that the model publishes is not one.
func finite(t *testing.T, m *logistic.Model) {
	t.Helper()
	v := append(m.Coef(), m.StandardCoef()...)
	v = append(append(v, m.Laplace().SE()...), m.Sandwich().StandardSE()...)
	v = append(v, m.Deviance(), m.NullDeviance(), m.AIC(), m.EffectiveDF(), m.Objective())
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("a published number is not finite: %v", v)
		}
	}
}

func TestScalesDoNotMatter(t *testing.T) {
	base := small()
	want := mustFit(t, base, logistic.Options{})
	for _, scale := range []float64{1e-12, 1e12} {
		for _, shift := range []float64{0, 1e6} {
			d := base
			d.X = slices.Clone(base.X)
			for i := range d.Y {
				d.X[i*3] = scale * (d.X[i*3] + shift)
			}
			m := mustFit(t, d, logistic.Options{})
			// A shift of 1e6 costs six digits of the values themselves.
			tol := 1e-9
			if shift > 0 {
				tol = 1e-6
			}
			got := m.Coef()[1] * scale
			if math.Abs(got-want.Coef()[1]) > tol {
				t.Errorf("scale %g shift %g: slope %v, want %v", scale, shift, got, want.Coef()[1])
			}
			if p, q := m.Probability(d.X[:3]), want.Probability(base.X[:3]); math.Abs(p-q) > tol {
				t.Errorf("scale %g shift %g: probability %v, want %v", scale, shift, p, q)
			}
		}
	}
	// Raw ridge on columns that differ by 24 decades is still a finite fit.
	d := base
	d.X = slices.Clone(base.X)
	for i := range d.Y {
		d.X[i*3] *= 1e-12
		d.X[i*3+1] *= 1e12
	}
	finite(t, mustFit(t, d, logistic.Options{Lambda: 1}))
}

// Golden: the solution is where finite differences of the objective vanish.
func TestGradientVanishesAtTheSolution(t *testing.T) {
	d := simulate(3, 500, []float64{-1, 0.5, 1, -0.7, 0.2})
	m := mustFit(t, d, logistic.Options{Lambda: 3})
	coef := m.Coef()
	objective := func(b []float64) float64 {
		total := 0.0
		for i, y := range d.Y {
			eta := b[0]
			for j, x := range row(d, i) {
				eta += b[j+1] * x
			}
			total += max(eta, 0) - y*eta + math.Log1p(math.Exp(-math.Abs(eta)))
		}
		for _, v := range b[1:] {
			total += 1.5 * v * v
		}
		return total
	}
	if got, want := m.Objective(), objective(coef); math.Abs(got-want) > 1e-10*want {
		t.Errorf("objective %v, recomputed %v", got, want)
	}
	for j := range coef {
		const h = 1e-5
		up, down := slices.Clone(coef), slices.Clone(coef)
		up[j] += h
		down[j] -= h
		if g := (objective(up) - objective(down)) / (2 * h); math.Abs(g) > 1e-5 {
			t.Errorf("slope of the objective in coefficient %d is %g", j, g)
		}
	}
}

func TestSameBitsForAnyNumberOfWorkers(t *testing.T) {
	// Large enough to start from a sample, and for more than one chunk a lane.
	d := simulate(11, 300_000, []float64{-2, 0.4, -0.3, 0.2})
	d.Weights = make([]float64, len(d.Y))
	for i := range d.Weights {
		d.Weights[i] = float64(i % 4)
	}
	var first []float64
	for _, workers := range []int{1, 2, 3, 5, 16} {
		o := logistic.Options{Lambda: 1, Standardise: true, Workers: workers}
		streamed, err := logistic.FitBlocks(cut(d, 10_000), o)
		if err != nil {
			t.Fatal(err)
		}
		for from, m := range map[string]*logistic.Model{"memory": mustFit(t, d, o), "blocks": streamed} {
			got := append(append(m.Coef(), m.Laplace().SE()...), m.Deviance(), m.NullDeviance())
			if first == nil {
				first = got
			}
			if m.Iterations > 6 { // by the Hessian of the sample the first step is nearly there
				t.Errorf("%d steps", m.Iterations)
			}
			for k := range got {
				if math.Float64bits(got[k]) != math.Float64bits(first[k]) {
					t.Fatalf("%s, %d workers: value %d is %v, of the first fit %v", from, workers, k, got[k], first[k])
				}
			}
		}
	}
}

// A large design is first fitted on every 16th row; neither that start nor its failure may show in the result. The same
// rows counted into frequency weights are a small design, which starts cold.
func TestLargeDesignsGiveTheSameSolution(t *testing.T) {
	for name, event := range map[string]func(rnd *rand.Rand, i int, p float64) bool{
		"representative sample":   func(rnd *rand.Rand, _ int, p float64) bool { return rnd.Float64() < p },
		"sample without an event": func(rnd *rand.Rand, i int, p float64) bool { return i%2 == 1 && rnd.Float64() < p },
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(4, 4))
			big := logistic.Data{Cols: 2}
			counts := map[[3]float64]float64{}
			for i := range 70_000 {
				a, b := float64(rnd.IntN(4)), float64(rnd.IntN(2))
				y := 0.0
				if event(rnd, i, logistic.Expit(-1+0.5*a-b)) {
					y = 1
				}
				big.X, big.Y = append(big.X, a, b), append(big.Y, y)
				counts[[3]float64{a, b, y}]++
			}
			small := logistic.Data{Cols: 2}
			for key, n := range counts {
				small.X, small.Y = append(small.X, key[0], key[1]), append(small.Y, key[2])
				small.Weights = append(small.Weights, n)
			}
			for _, o := range []logistic.Options{{Lambda: 5}, {Lambda: 5, Standardise: true, Signs: []logistic.Sign{logistic.Any, logistic.NonNegative}}} {
				path, err := logistic.Path(big, []float64{o.Lambda, 1}, o)
				if err != nil {
					t.Fatal(err)
				}
				want := mustFit(t, small, o)
				for _, got := range []*logistic.Model{mustFit(t, big, o), path[0]} {
					for j, b := range got.Coef() {
						if math.Abs(b-want.Coef()[j]) > 1e-10 || math.Abs(got.Laplace().SE()[j]-want.Laplace().SE()[j]) > 1e-10 {
							t.Errorf("%+v: coefficient %d is %v, want %v", o, j, b, want.Coef()[j])
						}
					}
				}
			}
		})
	}
}

func TestRecoversPlantedCoefficients(t *testing.T) {
	truth := []float64{-1.5, 0.8, -0.6, 0.5, 0, 0.3, -0.4}
	d := simulate(21, 50_000, truth)
	m := mustFit(t, d, logistic.Options{})
	for j, se := range m.Laplace().SE() {
		if z := (m.Coef()[j] - truth[j]) / se; math.Abs(z) > 4 {
			t.Errorf("coefficient %d is %.3f, planted %.3f: %.1f standard errors off", j, m.Coef()[j], truth[j], z)
		}
	}
}

func TestPenalisedFitsRefuseTests(t *testing.T) {
	m := mustFit(t, small(), logistic.Options{Lambda: 1})
	if _, _, _, err := m.LikelihoodRatio(); !errors.Is(err, logistic.ErrPenalised) {
		t.Errorf("likelihood ratio: error %v", err)
	}
	if _, err := m.Wald(); !errors.Is(err, logistic.ErrPenalised) {
		t.Errorf("wald: error %v", err)
	}
}

func TestPathEqualsSingleFits(t *testing.T) {
	d := simulate(5, 300, []float64{-0.5, 1, -1, 0.5, 0.2})
	lambdas := []float64{1, 100, 0.1, 10}
	models, err := logistic.Path(d, lambdas, logistic.Options{Standardise: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range lambdas {
		want := mustFit(t, d, logistic.Options{Lambda: l, Standardise: true})
		for j, b := range models[i].StandardCoef() {
			if models[i].Lambda != l || math.Abs(b-want.StandardCoef()[j]) > 1e-12 {
				t.Errorf("lambda %g (%g): coefficient %d is %v, want %v", l, models[i].Lambda, j, b, want.StandardCoef()[j])
			}
		}
	}
}

func TestClusteredCovarianceNeedsMatchingRows(t *testing.T) {
	d := small()
	m := mustFit(t, d, logistic.Options{})
	for name, cluster := range map[string][]int{
		"too few rows": {0, 1}, "negative": slices.Repeat([]int{-1}, 60), "one cluster": make([]int, 60),
	} {
		if _, err := m.Clustered(d, cluster); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, short := range map[string]logistic.Data{
		"too few weights": {X: d.X, Cols: d.Cols, Y: d.Y, Weights: []float64{1}},
		"too few offsets": {X: d.X, Cols: d.Cols, Y: d.Y, Offset: []float64{1}},
	} {
		var input *logistic.InputError
		if _, err := m.Clustered(short, make([]int, len(d.Y))); !errors.As(err, &input) {
			t.Errorf("%s: error %v, want an InputError", name, err)
		}
	}
	// Every row its own cluster is the heteroskedasticity-robust covariance: close to Laplace when the model is right.
	own := make([]int, len(d.Y))
	for i := range own {
		own[i] = i
	}
	c, err := m.Clustered(d, own)
	if err != nil {
		t.Fatal(err)
	}
	for j, se := range c.SE() {
		if ratio := se / m.Laplace().SE()[j]; ratio < 0.6 || ratio > 1.6 {
			t.Errorf("coefficient %d: robust SE is %.2f of the usual one", j, ratio)
		}
	}
}

func ExampleFit() {
	// Doses and whether the animal responded.
	d := logistic.Data{
		X:     []float64{0, 0, 1, 1, 2, 2, 3, 3},
		Cols:  1,
		Y:     []float64{0, 0, 0, 1, 0, 1, 1, 1},
		Names: []string{"dose"},
	}
	m, err := logistic.Fit(d, logistic.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := m.Laplace().Interval([]float64{2}, 0.95)
	fmt.Printf("slope %.4f (SE %.4f)\n", m.Coef()[1], m.Laplace().SE()[1])
	fmt.Printf("at dose 2: %.3f [%.3f, %.3f]\n", p.Probability, p.Low, p.High)
	// Output:
	// slope 1.7419 (SE 1.1317)
	// at dose 2: 0.705 [0.212, 0.955]
}
