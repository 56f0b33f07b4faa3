package run

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// scoreExpectations makes what is expected of partners that have not sold yet, of the next quarter, and of applicants,
// with the card that says what each expectation rests on.
func (n *night) scoreExpectations(ctx context.Context, b *warehouse.Build) error {
	opt := score.DefaultExpectationOptions(n.asOf, n.config.Program.Currency)
	var cards []score.ExpectationCard
	for _, e := range []struct {
		table  string
		inputs []string
		expect func(in []arrow.RecordBatch) (*score.Expectation, error)
	}{
		{"score_partner_first_revenue", []string{"intermediate.int_signed_partner"}, func(in []arrow.RecordBatch) (*score.Expectation, error) {
			return score.ExpectFirstRevenue(in[0], opt)
		}},
		{
			"score_partner_next_quarter",
			[]string{"intermediate.int_next_quarter", "intermediate.int_revenue_month", "intermediate.int_deal_month"},
			func(in []arrow.RecordBatch) (*score.Expectation, error) {
				return score.ExpectNextQuarter(in[0], in[1], in[2], opt)
			},
		},
		{"score_recruit", []string{"intermediate.int_application"}, func(in []arrow.RecordBatch) (*score.Expectation, error) {
			return score.ExpectRecruits(in[0], opt)
		}},
	} {
		in, release, err := records(ctx, b, e.inputs...)
		if err != nil {
			return err
		}
		made, err := e.expect(in)
		release()
		if err != nil {
			return err
		}
		if err := insert(ctx, b, e.table, made.Rows); err != nil {
			return err
		}
		cards = append(cards, made.Card)
	}
	table, err := score.ExpectationCards(cards...)
	if err != nil {
		return err
	}
	return insert(ctx, b, "expectation_card", table)
}
