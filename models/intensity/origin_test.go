package intensity_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/intensity"
)

// A column far from 0, such as a year or an amount in cents, ranks as it does counted from another origin.
func TestOriginDoesNotMatter(t *testing.T) {
	for _, slope := range []float64{1, -1} {
		r := rand.New(rand.NewPCG(5, 1))
		d := intensity.Data{Columns: []string{"founded"}}
		for range 60 {
			d.Presences = append(d.Presences, slope+r.NormFloat64())
		}
		for range 400 {
			d.Background = append(d.Background, r.NormFloat64())
		}
		want, err := intensity.Fit(d, intensity.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, origin := range []float64{100, 2000, -2000, 1e6} {
			moved := intensity.Data{Columns: d.Columns}
			for _, x := range d.Presences {
				moved.Presences = append(moved.Presences, origin+x)
			}
			for _, x := range d.Background {
				moved.Background = append(moved.Background, origin+x)
			}
			got, err := intensity.Fit(moved, intensity.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range []float64{-2, 0, 1.5} {
				a, err := want.Relative([]float64{x})
				if err != nil {
					t.Fatal(err)
				}
				b, err := got.Relative([]float64{origin + x})
				if err != nil || math.Abs(a-b) > 1e-6*a {
					t.Errorf("slope %v, origin %v: intensity at %v is %v, want %v (%v)", slope, origin, x, b, a, err)
				}
			}
		}
	}
}
