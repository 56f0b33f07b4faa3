package run

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// score hands the columns that the marts prepared to the estimators and their answers back to the database.
func (n *night) score(ctx context.Context, b *warehouse.Build) (string, map[string]int64, error) {
	for _, made := range []func(context.Context, *warehouse.Build) error{n.scoreFirstRevenue, n.scoreAffinity, n.scoreExpectations} {
		if err := made(ctx, b); err != nil {
			return "", nil, err
		}
	}
	churn, err := n.scoreChurn(ctx, b)
	if err != nil {
		return "", nil, err
	}
	if err := n.scoreBacktest(ctx, b); err != nil {
		return "", nil, err
	}
	n.summary.Score = Score{
		Partners: churn.Scored, Method: churn.Method, Verdict: churn.Verdict, Reason: churn.Reason,
		Events: int64(churn.Churns), AUC: churn.AUC, AUCRecency: churn.RecencyAUC, Refitted: churn.Refitted,
	}
	for _, text := range churn.Notes {
		n.note("%s", text)
	}
	detail := fmt.Sprintf("%s at risk   %s: %s", count(churn.Scored, "partner"), churn.Method, strings.ReplaceAll(churn.Verdict, "_", " "))
	if churn.AUC != nil && churn.RecencyAUC != nil {
		detail += fmt.Sprintf(", AUC %.2f (recency alone %.2f)", *churn.AUC, *churn.RecencyAUC)
	}
	if churn.Refitted {
		detail += "; churn model refitted"
	} else {
		detail += "; churn model unchanged since its data did"
	}
	return detail, map[string]int64{"partners": int64(churn.Scored), "churns": int64(churn.Churns)}, nil
}

// records reads tables of the night; release lets go of them.
func records(ctx context.Context, b *warehouse.Build, tables ...string) (_ []arrow.RecordBatch, release func(), err error) {
	var out []arrow.RecordBatch
	release = func() {
		for _, r := range out {
			r.Release()
		}
	}
	for _, table := range tables {
		r, err := b.Record(ctx, table)
		if err != nil {
			release()
			return nil, nil, err
		}
		out = append(out, r)
	}
	return out, release, nil
}

// insert gives a table to the database and lets go of it.
func insert(ctx context.Context, b *warehouse.Build, table string, r arrow.RecordBatch) error {
	defer r.Release()
	return b.Insert(ctx, table, r)
}

func (n *night) scoreFirstRevenue(ctx context.Context, b *warehouse.Build) error {
	in, release, err := records(ctx, b, "intermediate.int_first_revenue", "intermediate.int_partner_scope")
	if err != nil {
		return err
	}
	defer release()
	out, err := score.FirstRevenue(in[0], in[1])
	if err != nil {
		return err
	}
	return insert(ctx, b, "score_first_revenue", out)
}

func (n *night) scoreAffinity(ctx context.Context, b *warehouse.Build) error {
	in, release, err := records(ctx, b, "intermediate.int_affinity_pair")
	if err != nil {
		return err
	}
	defer release()
	out, err := score.Affinity(in[0], score.DefaultAffinityOptions())
	if err != nil {
		return err
	}
	return insert(ctx, b, "score_cosell_affinity", out)
}

// churnOptions are those of the churn score.
func (n *night) churnOptions() score.Options {
	opt := score.DefaultOptions(n.asOf)
	opt.HorizonDays = n.config.Metrics.Churn.HorizonDays
	opt.Currency = n.config.Program.Currency
	opt.Registry = openRegistry(n.config.State)
	// The last bits of a fit may differ from processor to processor.
	opt.Version = n.version + " " + runtime.GOARCH
	return opt
}

func (n *night) scoreChurn(ctx context.Context, b *warehouse.Build) (score.ChurnSummary, error) {
	in, release, err := records(ctx, b, "fct_partner_month_feature", "dim_partner")
	if err != nil {
		return score.ChurnSummary{}, err
	}
	defer release()
	churn, err := score.Churn(ctx, in[0], in[1], n.churnOptions())
	if err != nil {
		return score.ChurnSummary{}, err
	}
	for _, table := range []struct {
		name   string
		record arrow.RecordBatch
	}{
		{"score_partner_churn", churn.Partners},
		{"score_churn_contribution", churn.Contributions},
		{"model_card", churn.Cards},
		{"model_coefficient", churn.Coefficients},
		{"model_holdout", churn.HeldOut},
		{"model_band", churn.Bands},
		{"model_group", churn.Groups},
	} {
		if err := insert(ctx, b, table.name, table.record); err != nil {
			return score.ChurnSummary{}, err
		}
	}
	return churn.Summary, nil
}
