package intensity_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/intensity"
)

// healthy are presences and background with a finite solution.
func healthy() intensity.Data {
	r := rand.New(rand.NewPCG(3, 1))
	d := intensity.Data{Columns: []string{"a", "b"}}
	for range 15 {
		d.Presences = append(d.Presences, 0.4+r.NormFloat64(), r.NormFloat64()-0.2)
	}
	for range 80 {
		d.Background = append(d.Background, r.NormFloat64(), r.NormFloat64())
	}
	return d
}

// Whatever is wrong with the rows, a fit gives an error with a reason or finite numbers, with a penalty and without.
func TestRobustness(t *testing.T) {
	column := func(d *intensity.Data, j int, value func(x float64) float64) {
		for _, rows := range [][]float64{d.Presences, d.Background} {
			for i := j; i < len(rows); i += 2 {
				rows[i] = value(rows[i])
			}
		}
	}
	scale := func(by float64) func(*intensity.Data) {
		return func(d *intensity.Data) { column(d, 0, func(x float64) float64 { return by * x }) }
	}
	const anyOf, refused, fitted = 0, 1, 2
	for _, c := range []struct {
		name   string
		damage func(d *intensity.Data)
		want   int
	}{
		{"nothing wrong", func(*intensity.Data) {}, fitted},
		{"constant column", func(d *intensity.Data) { column(d, 0, func(float64) float64 { return 0.1 }) }, refused},
		{"duplicate column", func(d *intensity.Data) {
			for _, rows := range [][]float64{d.Presences, d.Background} {
				for i := 0; i < len(rows); i += 2 {
					rows[i+1] = rows[i]
				}
			}
		}, anyOf},
		{"one presence", func(d *intensity.Data) { d.Presences = d.Presences[:2] }, anyOf},
		{"no presences", func(d *intensity.Data) { d.Presences = nil }, refused},
		{"all presences", func(d *intensity.Data) { d.Background = nil }, refused},
		{"NaN", func(d *intensity.Data) { d.Background[3] = math.NaN() }, refused},
		{"+Inf", func(d *intensity.Data) { d.Presences[3] = math.Inf(1) }, refused},
		{"-Inf", func(d *intensity.Data) { d.Background[3] = math.Inf(-1) }, refused},
		{"scale 1e12", scale(1e12), fitted},
		{"scale 1e-12", scale(1e-12), fitted},
		{"scale 1e200", scale(1e200), anyOf},
		{"scale 1e-200", scale(1e-200), anyOf},
		{"a presence far away", func(d *intensity.Data) { d.Presences[0] = 1e12 }, anyOf},
		{"n < p", func(d *intensity.Data) { d.Background = d.Background[:2] }, refused},
		{"one value too few", func(d *intensity.Data) { d.Background = d.Background[:159] }, refused},
		{"no columns", func(d *intensity.Data) { d.Columns = nil }, refused},
	} {
		for _, lambda := range []float64{0, 2} {
			d := healthy()
			c.damage(&d)
			m, err := intensity.Fit(d, intensity.Options{Lambda: lambda})
			if (err == nil) == (m == nil) || err != nil && err.Error() == "" || c.want == refused && err == nil || c.want == fitted && err != nil {
				t.Errorf("%s, lambda %v: model %v, error %v", c.name, lambda, m, err)
				continue
			}
			if err != nil {
				continue
			}
			values := append(slices.Concat(m.Coefficients, m.SE), m.Objective)
			for i := 0; i < len(d.Background); i += 2 {
				v, err := m.Relative(d.Background[i : i+2])
				if err != nil || v < 0 {
					t.Fatalf("%s: relative intensity %v, %v", c.name, v, err)
				}
				values = append(values, v)
			}
			for _, v := range values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%s, lambda %v: not a number in %v", c.name, lambda, values)
				}
			}
		}
	}
	for _, lambda := range []float64{math.NaN(), math.Inf(1), -1} {
		if m, err := intensity.Fit(healthy(), intensity.Options{Lambda: lambda}); err == nil {
			t.Errorf("lambda %v: %v", lambda, m)
		}
	}
	m, err := intensity.Fit(healthy(), intensity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][]float64{nil, {1}, {math.NaN(), 0}, {math.Inf(1), 0}, {1e300, 1e300}, {-1e300, 1e300}} {
		if v, err := m.Relative(x); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("relative intensity at %v: %v", x, v)
		}
	}
}

// A column in other units has a coefficient in other units, and intensities stay.
func TestUnitsDoNotMatter(t *testing.T) {
	want, err := intensity.Fit(healthy(), intensity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []float64{1e12, 1e-12} {
		d := healthy()
		for _, rows := range [][]float64{d.Presences, d.Background} {
			for i := 0; i < len(rows); i += 2 {
				rows[i] *= by
			}
		}
		got, err := intensity.Fit(d, intensity.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for j, units := range []float64{1, by, 1} {
			if math.Abs(got.Coefficients[j]*units-want.Coefficients[j]) > 1e-9 || math.Abs(got.SE[j]*units-want.SE[j]) > 1e-9 {
				t.Errorf("times %g: coefficient %d is %v with SE %v, want %v with %v", by, j, got.Coefficients[j]*units, got.SE[j]*units, want.Coefficients[j], want.SE[j])
			}
		}
	}
}
