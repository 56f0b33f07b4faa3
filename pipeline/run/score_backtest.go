package run

import (
	"context"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// scoreBacktest lets the churn score walk through the quarters of the past and writes down what it would have flagged.
func (n *night) scoreBacktest(ctx context.Context, b *warehouse.Build) error {
	in, release, err := records(ctx, b, "fct_partner_month_feature", "dim_fiscal_period")
	if err != nil {
		return err
	}
	defer release()
	out, err := score.Backtest(ctx, in[0], in[1], n.churnOptions())
	if err != nil {
		return err
	}
	if err := insert(ctx, b, "model_backtest", out.Quarters); err != nil {
		return err
	}
	return insert(ctx, b, "model_backtest_alert", out.Alerts)
}
