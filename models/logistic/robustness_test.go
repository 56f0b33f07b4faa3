package logistic_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// estimators are the ways to fit, by name.
func estimators(cols int) map[string]func(logistic.Data) (*logistic.Model, error) {
	with := func(o logistic.Options) func(logistic.Data) (*logistic.Model, error) {
		return func(d logistic.Data) (*logistic.Model, error) { return logistic.Fit(d, o) }
	}
	signs := make([]logistic.Sign, cols)
	for j := range signs {
		signs[j] = logistic.Sign(j%3 - 1)
	}
	return map[string]func(logistic.Data) (*logistic.Model, error){
		"plain":            with(logistic.Options{}),
		"raw ridge":        with(logistic.Options{Lambda: 1}),
		"ridge":            with(logistic.Options{Lambda: 10, Standardise: true}),
		"Firth":            with(logistic.Options{Firth: true}),
		"sign constraints": with(logistic.Options{Lambda: 1, Standardise: true, Signs: signs}),
		"path": func(d logistic.Data) (*logistic.Model, error) {
			models, err := logistic.Path(d, []float64{0.3, 30}, logistic.Options{Standardise: true})
			if err != nil {
				return nil, err
			}
			return models[1], nil
		},
		"blocks": func(d logistic.Data) (*logistic.Model, error) {
			return logistic.FitBlocks(func(yield func(logistic.Data) error) error { return yield(d) }, logistic.Options{Lambda: 10, Standardise: true})
		},
	}
}

// oneEvent leaves the event of row 17 alone.
func oneEvent(d *logistic.Data) {
	clear(d.Y)
	d.Y[17] = 1
}

// Whatever is wrong with the data, every way to fit them gives an error with a reason or a model of finite numbers; and
// where one of the two is the only right answer, that one.
func TestRobustness(t *testing.T) {
	const anyOf, refused, fitted = 0, 1, 2
	ones := func(d *logistic.Data) { d.Weights = slices.Repeat([]float64{1}, len(d.Y)) }
	for _, c := range []struct {
		name   string
		damage func(d *logistic.Data)
		want   int
	}{
		{"nothing wrong", func(*logistic.Data) {}, fitted},
		{"constant column", func(d *logistic.Data) { setColumn(d, 1, func(int) float64 { return 0.1 }) }, fitted},
		{"only constant columns", func(d *logistic.Data) {
			for j := range 3 {
				setColumn(d, j, func(int) float64 { return float64(j) })
			}
		}, fitted},
		{"duplicate column", func(d *logistic.Data) { setColumn(d, 1, func(i int) float64 { return d.X[i*3] }) }, anyOf},
		{"one event", oneEvent, anyOf},
		{"one other", func(d *logistic.Data) {
			oneEvent(d)
			for i, y := range d.Y {
				d.Y[i] = 1 - y
			}
		}, anyOf},
		{"no events", func(d *logistic.Data) { clear(d.Y) }, refused},
		{"all events", func(d *logistic.Data) { d.Y = slices.Repeat([]float64{1}, 60) }, refused},
		{"NaN", func(d *logistic.Data) { d.X[7] = math.NaN() }, refused},
		{"+Inf", func(d *logistic.Data) { d.X[7] = math.Inf(1) }, refused},
		{"-Inf", func(d *logistic.Data) { d.X[7] = math.Inf(-1) }, refused},
		{"NaN outcome", func(d *logistic.Data) { d.Y[7] = math.NaN() }, refused},
		{"NaN weight", func(d *logistic.Data) { ones(d); d.Weights[7] = math.NaN() }, refused},
		{"NaN offset", func(d *logistic.Data) { d.Offset = make([]float64, 60); d.Offset[7] = math.NaN() }, refused},
		{"negative weight", func(d *logistic.Data) { ones(d); d.Weights[7] = -1 }, refused},
		{"zero weights", func(d *logistic.Data) { d.Weights = make([]float64, 60) }, refused},
		{"some zero weights", func(d *logistic.Data) { ones(d); clear(d.Weights[:10]) }, fitted},
		{"huge weights", func(d *logistic.Data) { d.Weights = slices.Repeat([]float64{1e300}, 60) }, anyOf},
		{"tiny weights", func(d *logistic.Data) { d.Weights = slices.Repeat([]float64{1e-300}, 60) }, anyOf},
		{"huge offset", func(d *logistic.Data) { d.Offset = slices.Repeat([]float64{1e12}, 60) }, anyOf},
		{"scale 1e12", func(d *logistic.Data) { setColumn(d, 0, func(i int) float64 { return 1e12 * d.X[i*3] }) }, fitted},
		{"scale 1e-12", func(d *logistic.Data) { setColumn(d, 0, func(i int) float64 { return 1e-12 * d.X[i*3] }) }, fitted},
		{"scale 1e200", func(d *logistic.Data) { setColumn(d, 0, func(i int) float64 { return 1e200 * d.X[i*3] }) }, anyOf},
		{"scale 1e-200", func(d *logistic.Data) { setColumn(d, 0, func(i int) float64 { return 1e-200 * d.X[i*3] }) }, anyOf},
		{"n < p", func(d *logistic.Data) { d.X, d.Y = d.X[:6], []float64{0, 1} }, refused},
		{"n = 0", func(d *logistic.Data) { d.X, d.Y = nil, nil }, refused},
		{"n = 1", func(d *logistic.Data) { d.X, d.Y = d.X[:3], d.Y[:1] }, refused},
		{"one outcome too few", func(d *logistic.Data) { d.Y = d.Y[:59] }, refused},
		{"one value too few", func(d *logistic.Data) { d.X = d.X[:179] }, refused},
		{"one weight too few", func(d *logistic.Data) { ones(d); d.Weights = d.Weights[:59] }, refused},
		{"one offset too few", func(d *logistic.Data) { d.Offset = make([]float64, 59) }, refused},
		{"one name too few", func(d *logistic.Data) { d.Names = []string{"a", "b"} }, refused},
		{"columns below 0", func(d *logistic.Data) { d.Cols = -1 }, refused},
	} {
		for name, fit := range estimators(3) {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				d := small()
				c.damage(&d)
				m, err := fit(d)
				if (err == nil) == (m == nil) || err != nil && err.Error() == "" {
					t.Fatalf("model %v beside error %v", m, err)
				}
				if c.want == refused && err == nil || c.want == fitted && err != nil {
					t.Fatalf("model %v, error %v", m, err)
				}
				if err != nil {
					declared(t, err)
					return
				}
				finite(t, m)
				for i := range d.Y {
					if at := m.Laplace().Interval(row(d, i), 0.95); !(0 <= at.Low && at.Low <= at.Probability && at.Probability <= at.High && at.High <= 1) {
						t.Fatalf("row %d: %+v", i, at)
					}
				}
			})
		}
	}
}

// setColumn writes column j.
func setColumn(d *logistic.Data, j int, value func(i int) float64) {
	x := slices.Clone(d.X)
	for i := range len(x) / 3 {
		x[i*3+j] = value(i)
	}
	d.X = x
}

// declared fails on an error that is of none of the package's types.
func declared(t *testing.T, err error) {
	t.Helper()
	var input *logistic.InputError
	var collinear *logistic.CollinearError
	var separation *logistic.SeparationError
	var constraint *logistic.ConstraintError
	if !errors.As(err, &input) && !errors.As(err, &collinear) && !errors.As(err, &separation) && !errors.As(err, &constraint) && !errors.Is(err, logistic.ErrOneClass) {
		t.Errorf("error %v is of no declared type", err)
	}
}

// A column in other units has a coefficient in other units, and predictions stay: for every way to fit that does not
// penalise raw coefficients.
func TestUnitsOfAColumnDoNotMatter(t *testing.T) {
	base := small()
	for name, fit := range estimators(3) {
		if name == "raw ridge" {
			continue
		}
		want, err := fit(base)
		if err != nil {
			t.Fatal(err)
		}
		for _, scale := range []float64{1e12, 1e-12} {
			d := base
			setColumn(&d, 0, func(i int) float64 { return scale * base.X[i*3] })
			got, err := fit(d)
			if err != nil {
				t.Fatalf("%s at %g: %v", name, scale, err)
			}
			units := []float64{1, scale, 1, 1}
			for j, b := range got.Coef() {
				if se := got.Laplace().SE()[j] * units[j]; math.Abs(b*units[j]-want.Coef()[j]) > 1e-9 || math.Abs(se-want.Laplace().SE()[j]) > 1e-9 {
					t.Errorf("%s at %g: coefficient %d is %v with SE %v, want %v with %v", name, scale, j, b*units[j], se, want.Coef()[j], want.Laplace().SE()[j])
				}
			}
		}
	}
}

// A constant column changes nothing but its own mention.
func TestAConstantColumnChangesNothing(t *testing.T) {
	base := small()
	wide := logistic.Data{Cols: 4, Y: base.Y}
	for i := range base.Y {
		wide.X = append(append(wide.X, row(base, i)...), 1e6)
	}
	narrow := estimators(3)
	for name, fit := range estimators(4) {
		if name == "sign constraints" {
			continue // other columns, other signs
		}
		got, err := fit(wide)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err := narrow[name](base)
		if err != nil {
			t.Fatal(err)
		}
		if b, w := fmt.Sprint(got.Coef()[:4]), fmt.Sprint(want.Coef()); b != w || got.State[3] != logistic.Constant {
			t.Errorf("%s: %s, without the column %s", name, b, w)
		}
	}
}
