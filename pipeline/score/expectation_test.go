package score_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// checkSpan checks that a published interval holds its value and lies in what is possible; all may be null.
func checkSpan(t *rapid.T, row map[string]any, value, low, high string, least, most float64) {
	x, ok := row[value].(float64)
	if !ok {
		return
	}
	if lo, ok := row[low].(float64); ok && (lo > x+1e-9 || lo < least-1e-9) {
		t.Fatalf("%s is %v, its interval begins at %v", value, x, lo)
	}
	if hi, ok := row[high].(float64); ok && (hi < x-1e-9 || hi > most*(1+1e-9)) {
		t.Fatalf("%s is %v, its interval ends at %v", value, x, hi)
	}
	if x < least || x > most {
		t.Fatalf("%s is %v", value, x)
	}
}

// Whatever the exports hold, there is a row for everybody and no number that is not one.
func TestExpectationsOfAnyProgramme(t *testing.T) {
	o := score.DefaultExpectationOptions(asOf, "")
	o.Resamples = 5
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 2, 9, 40, 90, 160}).Draw(rt, "partners")
		word := rapid.SampledFrom([]string{"", "a", "b", "other", "not stated"})
		var signed []map[string]any
		waiting := 0
		for i := range n {
			ago := rapid.IntRange(0, 900).Draw(rt, "ago")
			end := rapid.IntRange(0, 2).Draw(rt, "end")
			days := ago
			if end != 0 {
				days = rapid.IntRange(0, ago).Draw(rt, "days")
			} else {
				waiting++
			}
			row := signedRow(fmt.Sprint(i), ago, days, end)
			row["partner_type"], row["region"], row["segment"] = word.Draw(rt, "type"), word.Draw(rt, "region"), word.Draw(rt, "segment")
			row["is_learnable"] = rapid.Bool().Draw(rt, "learnable") || rapid.Bool().Draw(rt, "learnable too")
			row["traits"] = rapid.SampledFrom([]string{"", "{", `{"employees":1e12}`, `{"employees":-3,"source":"x"}`, `{"employees":"many"}`}).Draw(rt, "traits")
			signed = append(signed, row)
		}
		e, err := score.ExpectFirstRevenue(records{signedColumns, signed}.build(t), o)
		if err != nil {
			rt.Fatal(err)
		}
		rows := table(e.Rows)
		if len(rows) != waiting {
			rt.Fatalf("%d rows for %d who wait", len(rows), waiting)
		}
		for _, r := range rows {
			for _, h := range []string{"within_90", "within_180", "within_365"} {
				checkSpan(rt, r, h, h+"_low", h+"_high", 0, 1)
			}
			checkSpan(rt, r, "remaining_days", "remaining_days_low", "remaining_days_high", 0, 1e4)
		}

		b := newBook(rapid.IntRange(1, 40).Draw(rt, "months"))
		amount := rapid.SampledFrom([]float64{0, 0, 1, 1000, 1e12, 1e-4})
		for i := range n / 3 {
			var values []float64
			for range rapid.IntRange(1, len(b.months)).Draw(rt, "history") {
				values = append(values, amount.Draw(rt, "amount"))
			}
			b.add(fmt.Sprint(i), values...)
		}
		q, err := score.ExpectNextQuarter(records{quarterColumns, b.partners}.build(t), records{revenueColumns, b.revenue}.build(t),
			records{monthColumns, b.months}.build(t), o)
		if err != nil {
			rt.Fatal(err)
		}
		for _, r := range table(q.Rows) {
			checkSpan(rt, r, "expected", "low", "high", 0, 1e16)
			if (r["expected"] == nil) != (r["status"] != "expected") {
				rt.Fatalf("%v: %v", r["status"], r["expected"])
			}
		}
		if _, err := score.ExpectationCards(e.Card, q.Card); err != nil {
			rt.Fatal(err)
		}
	})
}

// The card shows the interval of the gain: a method is better where all of it lies above 0, and nowhere else.
func TestVerdictsAreThoseOfTheShownInterval(t *testing.T) {
	better, not := 0, 0
	check := func(name string, card map[string]any) {
		t.Helper()
		if card["gain_low"] == nil {
			return
		}
		isAbove := number(t, card, "gain_low") > 0
		if isAbove != (card["verdict"] == "better than baseline") {
			t.Errorf("%s: gain %v (%v to %v), verdict %v: %v", name, card["gain"], card["gain_low"], card["gain_high"], card["verdict"], card["reason"])
		}
		if isAbove {
			better++
		} else {
			not++
		}
	}
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		b := newBook(36)
		for k := range 30 {
			size, values := 100*(1+9*rnd.Float64()), make([]float64, 36)
			for i := range values {
				values[i] = math.Round(math.Max(0, size*(2+rnd.NormFloat64())))
			}
			b.add(fmt.Sprintf("P%03d", k), values...)
		}
		_, card := b.expect(t)
		check(fmt.Sprintf("next quarter %d", seed), card)
		_, card = expectFirst(t, signings(seed, 120, 1.8))
		check(fmt.Sprintf("first revenue %d", seed), card)
		_, card = recruits(t, applications(seed, 200, 0.3))
		check(fmt.Sprintf("look-alike %d", seed), card)
	}
	if better < 10 || not < 10 {
		t.Errorf("%d cards are better and %d are not: too few to tell", better, not)
	}
}
