package survival_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// The curve is the product of 1 - d/n over the days, counted from the rows.
func TestTheCurveIsTheProductOfShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		curve, want := mustKM(t, s), 1.0
		for day := range 21 {
			n, d := 0.0, 0.0
			for i, at := range s.Time {
				if at >= float64(day) {
					n++
				}
				if at == float64(day) && s.Event[i] {
					d++
				}
			}
			if n > 0 {
				want *= 1 - d/n
			}
			if got := curve.At(float64(day)).Survival; math.Abs(got-want) > 1e-12 {
				t.Fatalf("S(%d) = %v, want %v", day, got, want)
			}
		}
	})
}

// skipNoSolution leaves out a draw without events or without a finite solution; any other error is one of the fit.
func skipNoSolution(t *rapid.T, err error) {
	t.Helper()
	var none *survival.CoxError
	if errors.Is(err, survival.ErrNoEvents) || errors.As(err, &none) {
		t.Skip(err)
	}
	t.Fatal(err)
}

// Rows in another order, and columns in another order, are the same fit.
func TestOrderDoesNotMatterToCox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawCox(t)
		want, err := survival.FitCox(d, survival.CoxOptions{Ridge: 0.5})
		if err != nil {
			skipNoSolution(t, err)
		}
		index := make([]int, len(d.Stop))
		for i := range index {
			index[i] = i
		}
		other := survival.CoxData{Columns: []string{d.Columns[1], d.Columns[0]}}
		for _, i := range rapid.Permutation(index).Draw(t, "order") {
			other.X = append(other.X, d.X[2*i+1], d.X[2*i])
			other.Start, other.Stop, other.Event = append(other.Start, d.Start[i]), append(other.Stop, d.Stop[i]), append(other.Event, d.Event[i])
		}
		got, err := survival.FitCox(other, survival.CoxOptions{Ridge: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(got.Coefficients)
		for j, b := range want.Coefficients {
			if math.Abs(got.Coefficients[j]-b) > 1e-9 || math.Abs(got.SE(1-j)-want.SE(j)) > 1e-9 {
				t.Fatalf("coefficients %v, want %v", got.Coefficients, want.Coefficients)
			}
		}
	})
}

// A penalty beyond all evidence leaves no effect, and the hazard that all rows share.
func TestLargePenaltyLeavesTheSharedHazard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawCox(t)
		m, err := survival.FitCox(d, survival.CoxOptions{Ridge: 1e12, Ties: survival.Breslow})
		if err != nil {
			skipNoSolution(t, err)
		}
		curve := mustKM(t, survival.Sample{Time: d.Stop, Event: d.Event, Entry: d.Start})
		hazard := 0.0
		for _, p := range curve.Points {
			hazard += float64(p.Events) / float64(p.AtRisk)
			if got := m.CumulativeHazard(d.X[:2], p.Time); math.Abs(got-hazard) > 1e-6*(1+hazard) {
				t.Fatalf("hazard at %v is %v, of all rows %v", p.Time, got, hazard)
			}
		}
	})
}

// Periods of a spell follow each other month by month, and only the last can have the event.
func TestPeriodsOfASpellAreConsecutive(t *testing.T) {
	start := date(t, "2022-01-01")
	rapid.Check(t, func(t *rapid.T) {
		s := survival.Spell{Start: start.AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "start")), Event: true}
		s.End = s.Start.AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "length"))
		w := survival.Window{Start: start.AddDate(0, 0, rapid.IntRange(0, 200).Draw(t, "from")), Horizon: 3}
		w.End = w.Start.AddDate(0, 0, rapid.IntRange(1, 700).Draw(t, "to"))
		periods, err := survival.PersonPeriods([]survival.Spell{s}, w)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range periods.Rows {
			switch {
			case i > 0 && p.Month != periods.Rows[i-1].Month.AddDate(0, 1, 0):
				t.Fatalf("%v follows %v", p.Month, periods.Rows[i-1].Month)
			case i > 0 && p.Tenure != periods.Rows[i-1].Tenure+1:
				t.Fatalf("tenure %d follows %d", p.Tenure, periods.Rows[i-1].Tenure)
			case p.InMonth == survival.Yes && i < len(periods.Rows)-1:
				t.Fatalf("row %d of %d has the event", i, len(periods.Rows))
			case p.Month.Before(w.Start) || !p.Month.Before(w.End) || !p.Month.After(s.Start) || p.Month.After(s.End):
				t.Fatalf("%v is not at risk in the window", p.Month)
			}
		}
	})
}
