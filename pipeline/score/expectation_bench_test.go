package score_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// BenchmarkExpectations has a programme of 5,000 partners: four years of months, a fifth of the partners still without
// revenue.
func BenchmarkExpectations(b *testing.B) {
	o := score.DefaultExpectationOptions(asOf, "USD")
	signed := records{signedColumns, signings(1, 5000, 2)}.build(b)
	forms := records{applicationColumns, applications(1, 5000, 0.5)}.build(b)
	book := drawn(5000, 48, func(rnd *rand.Rand, size float64, _ int) float64 { return size * (1 + 2*rnd.NormFloat64()) })
	partners, revenue, months := records{quarterColumns, book.partners}.build(b), records{revenueColumns, book.revenue}.build(b), records{monthColumns, book.months}.build(b)
	for _, c := range []struct {
		name   string
		expect func() (*score.Expectation, error)
	}{
		{"first_revenue", func() (*score.Expectation, error) { return score.ExpectFirstRevenue(signed, o) }},
		{"next_quarter", func() (*score.Expectation, error) { return score.ExpectNextQuarter(partners, revenue, months, o) }},
		{"look_alike", func() (*score.Expectation, error) { return score.ExpectRecruits(forms, o) }},
	} {
		b.Run(fmt.Sprintf("%s_5000", c.name), func(b *testing.B) {
			for b.Loop() {
				if _, err := c.expect(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
