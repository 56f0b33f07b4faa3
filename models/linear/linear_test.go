package linear_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/linear"
)

func TestWhatCannotBeFittedIsRefused(t *testing.T) {
	y := []float64{1, 2, 4, 3, 5}
	one := []string{"a"}
	two := []string{"a", "b"}
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name string
		data linear.Data
		opt  linear.Options
		want string
	}{
		{"a constant column", linear.Data{X: []float64{7, 7, 7, 7, 7}, Y: y, Columns: one}, linear.Options{}, "column a is constant"},
		{"a constant column of 0.1", linear.Data{X: []float64{.1, .1, .1, .1, .1}, Y: y, Columns: one}, linear.Options{}, "column a is constant"},
		{"a column of zeros through the origin", linear.Data{X: make([]float64, 5), Y: y, Columns: one}, linear.Options{NoIntercept: true}, "column a is constant"},
		{"a duplicate column", linear.Data{X: []float64{1, 1, 2, 2, 3, 3, 4, 4, 6, 6}, Y: y, Columns: two}, linear.Options{}, "column b is nearly a linear combination"},
		{"NaN in X", linear.Data{X: []float64{1, nan, 3, 4, 5}, Y: y, Columns: one}, linear.Options{}, "row 1: column a: is not a finite number"},
		{"infinity in Y", linear.Data{X: []float64{1, 2, 3, 4, 5}, Y: []float64{1, 2, inf, 4, 5}, Columns: one}, linear.Options{}, "row 2: the outcome is not"},
		{"a negative weight", linear.Data{X: []float64{1, 2, 3, 4, 5}, Y: y, Weights: []float64{1, 1, 1, 1, -1}, Columns: one}, linear.Options{}, "row 4: the weight is negative"},
		{"fewer rows than coefficients", linear.Data{X: []float64{1, 2, 3, 4}, Y: y[:2], Columns: two}, linear.Options{}, "fewer rows than coefficients"},
		{"no row with weight", linear.Data{X: []float64{1, 2}, Y: y[:2], Weights: []float64{0, 0}, Columns: one}, linear.Options{}, "fewer rows"},
		{"no rows", linear.Data{Columns: one}, linear.Options{}, "fewer rows"},
		{"nothing to fit", linear.Data{Y: y}, linear.Options{NoIntercept: true}, "nothing to fit"},
		{"an impossible level", linear.Data{X: []float64{1, 2, 3, 4, 5}, Y: y, Columns: one}, linear.Options{Level: 1}, "level"},
		{"columns of other length", linear.Data{X: []float64{1, 2, 3}, Y: y, Columns: one}, linear.Options{}, "rows times columns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := linear.Fit(c.data, c.opt)
			var input *linear.InputError
			var collinear *linear.CollinearError
			if !errors.As(err, &input) && !errors.As(err, &collinear) {
				t.Fatalf("error %v is of no declared type", err)
			}
			if got := err.Error(); !strings.Contains(got, c.want) {
				t.Errorf("error %q does not say %q", got, c.want)
			}
		})
	}
}

// sample draws a design of full rank with noise.
func sample(t *rapid.T) linear.Data {
	n, p := rapid.IntRange(8, 30).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "columns")
	d := linear.Data{}
	cell := rapid.IntRange(-1000, 1000)
	for j := range p {
		d.Columns = append(d.Columns, fmt.Sprint("x", j))
	}
	for range n {
		d.Y = append(d.Y, float64(cell.Draw(t, "y"))/8)
		d.Weights = append(d.Weights, float64(rapid.IntRange(1, 3).Draw(t, "w")))
		for range p {
			d.X = append(d.X, float64(cell.Draw(t, "x"))/8)
		}
	}
	return d
}

func near(t *rapid.T, what string, got, want, size float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-8*(1+math.Abs(want)+size)) {
		t.Fatalf("%s = %v, want %v", what, got, want)
	}
}

// skipCollinear leaves out a draw whose columns depend on each other; any other error is one of the fit.
func skipCollinear(t *rapid.T, err error) {
	t.Helper()
	var collinear *linear.CollinearError
	if errors.As(err, &collinear) {
		t.Skip(err)
	}
	t.Fatal(err)
}

// The residuals of a least squares fit are orthogonal to every column and sum to 0, weighted: what defines it.
func TestResidualsAreOrthogonalToTheColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := sample(t)
		m, err := linear.Fit(d, linear.Options{})
		if err != nil {
			skipCollinear(t, err)
		}
		p := len(d.Columns)
		sums, sizes := make([]float64, p+1), make([]float64, p+1)
		for i, y := range d.Y {
			at, err := m.Predict(d.X[i*p : (i+1)*p])
			if err != nil {
				t.Fatal(err)
			}
			r := d.Weights[i] * (y - at.Mean)
			sums[p] += r
			sizes[p] += math.Abs(r)
			for j := range p {
				sums[j] += r * d.X[i*p+j]
				sizes[j] += math.Abs(r * d.X[i*p+j])
			}
		}
		for j := range sums {
			near(t, "sum of residuals times column", sums[j], 0, sizes[j])
		}
	})
}

// A scale of 1e12 in a column, and of 1e-9 in the outcome, changes units and nothing else.
func TestUnitsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := sample(t)
		m, err := linear.Fit(d, linear.Options{})
		if err != nil {
			skipCollinear(t, err)
		}
		scaled := linear.Data{Columns: d.Columns, Weights: d.Weights}
		p := len(d.Columns)
		for i, y := range d.Y {
			scaled.Y = append(scaled.Y, y*1e-9)
			scaled.X = append(scaled.X, d.X[i*p]*1e12)
			scaled.X = append(scaled.X, d.X[i*p+1:(i+1)*p]...)
		}
		n, err := linear.Fit(scaled, linear.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, fOK := m.F()
		g, gOK := n.F()
		if fOK != gOK {
			t.Fatalf("F exists: %v and %v", fOK, gOK)
		}
		near(t, "F", g.F, f.F, f.F)
		for k := range m.Coefficients {
			unit := 1e-9
			if k == 1 {
				unit = 1e-21
			}
			near(t, "coefficient", n.Coefficients[k].Value/unit, m.Coefficients[k].Value, math.Abs(m.Coefficients[0].Value))
			near(t, "standard error", n.Coefficients[k].Inference.SE/unit, m.Coefficients[k].Inference.SE, math.Abs(m.Coefficients[0].Inference.SE))
		}
	})
}

// Rows of weight 0 and their content, whatever it is, change nothing.
func TestRowsWithoutWeightChangeNothing(t *testing.T) {
	d := linear.Data{X: []float64{1, 2, 3, 5, math.NaN()}, Y: []float64{1, 3, 2, 6, math.Inf(1)}, Weights: []float64{1, 1, 1, 1, 0}, Columns: []string{"a"}}
	with, err := linear.Fit(d, linear.Options{})
	if err != nil {
		t.Fatal(err)
	}
	without, err := linear.Fit(linear.Data{X: d.X[:4], Y: d.Y[:4], Columns: d.Columns}, linear.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for k := range with.Coefficients {
		a, b := with.Coefficients[k], without.Coefficients[k]
		if a.Value != b.Value || *a.Inference.Test != *b.Inference.Test {
			t.Errorf("%+v with a row of weight 0, %+v without", a, b)
		}
	}
}

// R: predict(lm(y ~ a), data.frame(a = 6), interval = "prediction") and "confidence", by the textbook formula.
func TestPredictionInterval(t *testing.T) {
	x, y := []float64{1, 2, 3, 4, 5}, []float64{2, 4, 5, 4, 5}
	m, err := linear.Fit(linear.Data{X: x, Y: y, Columns: []string{"a"}}, linear.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Predict([]float64{6})
	if err != nil {
		t.Fatal(err)
	}
	// b = 0.6, b0 = 2.2, s^2 = 0.8, leverage 1/5 + 9/10, t(3, .975) = 3.182446305284263
	const s, q = 0.8944271909999159, 3.182446305284263
	want := linear.Interval{
		Mean: 5.8, MeanLow: 5.8 - q*s*math.Sqrt(1.1), MeanHigh: 5.8 + q*s*math.Sqrt(1.1),
		Low: 5.8 - q*s*math.Sqrt(2.1), High: 5.8 + q*s*math.Sqrt(2.1),
	}
	for _, pair := range [][2]float64{{got.Mean, want.Mean}, {got.MeanLow, want.MeanLow}, {got.MeanHigh, want.MeanHigh}, {got.Low, want.Low}, {got.High, want.High}} {
		if math.Abs(pair[0]-pair[1]) > 1e-12 {
			t.Errorf("prediction %+v, want %+v", got, want)
		}
	}
	for _, bad := range [][]float64{nil, {1, 2}, {math.NaN()}} {
		if _, err := m.Predict(bad); err == nil {
			t.Errorf("prediction at %v is not refused", bad)
		}
	}
}

func TestTrendDirection(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   linear.Direction
	}{
		{"rises", []float64{10, 12, 13, 15, 16, 18}, linear.Up},
		{"falls", []float64{18, 16, 15, 13, 12, 10}, linear.Down},
		{"wavers", []float64{10, 14, 9, 15, 10, 13}, linear.Flat},
		{"rises exactly", []float64{1, 2, 3, 4}, linear.Up},
		{"stands", []float64{0.1, 0.1, 0.1, 0.1}, linear.Flat},
	} {
		months := []int{0, 1, 2, 3, 4, 5}[:len(c.values)]
		trend, err := linear.MonthlyTrend(months, c.values, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if trend.Direction == nil || *trend.Direction != c.want {
			t.Errorf("%s: %v, want %s", c.name, trend.Direction, c.want)
		}
	}
	short, err := linear.MonthlyTrend([]int{0, 1, 2}, []float64{1, 2, 3}, nil)
	if err != nil || short.Direction != nil {
		t.Errorf("three months have a direction: %v, %v", short, err)
	}
	// 0.1 + 0.2 - 0.3 is 0 but for rounding: the slope is no share of it.
	balanced, err := linear.MonthlyTrend([]int{0, 1, 2}, []float64{.1, .2, -.3}, nil)
	if err != nil || balanced.SlopeOverMean != nil {
		t.Errorf("values that sum to 0: error %v, share %v", err, balanced.SlopeOverMean)
	}
	// A month without weight is none.
	var input *linear.InputError
	if _, err := linear.MonthlyTrend([]int{1, 2, 2}, []float64{1, 2, 3}, []float64{0, 1, 1}); !errors.As(err, &input) {
		t.Errorf("one month with weight: error %v, want an InputError", err)
	}
	if _, err := linear.MonthlyTrend([]int{5, 5}, []float64{1, 2}, nil); err == nil {
		t.Error("one month has a trend")
	}
}

func ExampleMonthlyTrend() {
	// Revenue of a partner by month; nothing is known of month 3.
	trend, err := linear.MonthlyTrend([]int{0, 1, 2, 4, 5}, []float64{900, 880, 810, 760, 700}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, %.1f a month, %.1f by the median of slopes\n", *trend.Direction, trend.Slope, trend.TheilSen)
	// Output: down, -39.5 a month, -40.0 by the median of slopes
}

func ExampleFit() {
	m, err := linear.Fit(linear.Data{X: []float64{1, 2, 3, 4, 5}, Y: []float64{2, 4, 5, 4, 5}, Columns: []string{"certified"}}, linear.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	slope := m.Coefficients[1]
	fmt.Printf("%s: %.2f, 95 %% interval %.2f to %.2f\n", slope.Name, slope.Value, slope.Inference.Low, slope.Inference.High)
	// Output: certified: 0.60, 95 % interval -0.30 to 1.50
}
