package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/fixtures"
	"github.com/partnerhealth/partnerhealth/fixtures/plain"
	"github.com/partnerhealth/partnerhealth/fixtures/programme"
	"github.com/partnerhealth/partnerhealth/fixtures/truth"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// The generator knows every deal's source, every touch and every cost, and computes the sums from its own
// world. The published numbers must equal them to the last of four decimals, for the programme and for each
// partner, in every fiscal quarter.
func TestMoneyEqualsThePlantedLedger(t *testing.T) {
	t.Parallel()
	run.SkipRaced(t)
	n := ledgerNight(t)
	m, db := n.made, open(t, n.config)
	t.Run("revenue", func(t *testing.T) { compareRevenue(t, m, db) })
	t.Run("credit", func(t *testing.T) { compareCredit(t, m, db) })
	t.Run("return", func(t *testing.T) { compareReturn(t, m, db) })
}

// text writes an amount as DuckDB writes a DECIMAL(18,4).
func text(b programme.Base) string {
	sign := ""
	if b < 0 {
		sign, b = "-", -b
	}
	return fmt.Sprintf("%s%d.%04d", sign, b/10_000, b%10_000)
}

func scopeOf(m *fixtures.Made, p *programme.Partner) string {
	if p == nil {
		return "program"
	}
	return plain.PartnerKey(p.ID)
}

func compareRevenue(t *testing.T, m *fixtures.Made, db *warehouse.Reader) {
	published := map[string]string{}
	for _, row := range query(t, db, `
		SELECT metric, CASE scope_kind WHEN 'program' THEN 'program' ELSE scope_id END, period, amount
		FROM fct_metric
		WHERE metric IN ('bookings', 'sourced_revenue', 'influenced_revenue', 'touched_revenue')
			AND scope_kind IN ('program', 'partner') AND period LIKE '____Q_' AND amount <> 0`) {
		published[row[0]+" "+row[1]+" "+row[2]] = row[3]
	}
	planted := 0
	for cell, sum := range m.Truth.Sums {
		switch cell.Measure {
		case truth.Bookings, truth.SourcedRevenue, truth.InfluencedRevenue, truth.TouchedRevenue:
		default:
			continue
		}
		if cell.Period == truth.Lifetime || cell.Period == truth.Trailing || sum == 0 {
			continue
		}
		planted++
		key := fmt.Sprintf("%s %s %s", cell.Measure, scopeOf(m, cell.Partner), cell.Period)
		if got := published[key]; got != text(sum) {
			t.Errorf("%s is %s, planted %s", key, got, text(sum))
		}
		delete(published, key)
	}
	if planted < 500 {
		t.Errorf("only %d sums were planted: the comparison says little", planted)
	}
	for key, amount := range published {
		t.Errorf("%s is %s, nothing was planted", key, amount)
	}
}

func compareCredit(t *testing.T, m *fixtures.Made, db *warehouse.Reader) {
	if got := query(t, db, `
		SELECT count(*) FROM (
			SELECT d.deal_id
			FROM fct_deal AS d JOIN fct_deal_credit AS c USING (deal_id)
			GROUP BY d.deal_id, c.model, d.amount_base, d.amount
			HAVING sum(c.credit_base) <> d.amount_base OR sum(c.credit_amount) <> d.amount)`); got[0][0] != "0" {
		t.Errorf("the credits of %s deals do not add up to the deal", got[0][0])
	}
	published := map[string]string{}
	for _, row := range query(t, db, `
		SELECT c.partner_id, sum(c.credit_base), sum(c.credit_margin_base)
		FROM fct_deal_credit AS c
		WHERE c.model = 'linear' AND c.partner_id IS NOT NULL GROUP BY c.partner_id`) {
		published[row[0]+" "+string(truth.AttributedRevenue)] = row[1]
		published[row[0]+" "+string(truth.AttributedMargin)] = row[2]
	}
	planted := 0
	for cell, sum := range m.Truth.Sums {
		if cell.Period != truth.Lifetime || cell.Partner == nil || cell.Measure != truth.AttributedRevenue && cell.Measure != truth.AttributedMargin {
			continue
		}
		planted++
		key := scopeOf(m, cell.Partner) + " " + string(cell.Measure)
		if got := published[key]; got != text(sum) {
			t.Errorf("%s is %s, planted %s", key, got, text(sum))
		}
	}
	if planted < 50 {
		t.Errorf("only %d credits were planted", planted)
	}
}

func compareReturn(t *testing.T, m *fixtures.Made, db *warehouse.Reader) {
	margin := m.Truth.Sums[truth.Cell{Period: truth.Trailing, Measure: truth.AttributedMargin}]
	cost := m.Truth.Sums[truth.Cell{Period: truth.Trailing, Measure: truth.Cost}]
	got := query(t, db, `
		SELECT CAST(numerator AS DECIMAL(18,4)), CAST(denominator AS DECIMAL(18,4)), round(value, 10)
		FROM fct_metric WHERE metric = 'ropi' AND scope_kind = 'program' AND period = 'trailing_4q'`)
	if len(got) != 1 {
		t.Fatalf("%d rows of programme ROPI", len(got))
	}
	want := []string{text(margin - cost), text(cost)}
	if strings.Join(got[0][:2], " ") != strings.Join(want, " ") {
		t.Errorf("ROPI is %s / %s, planted %s / %s", got[0][0], got[0][1], want[0], want[1])
	}
	// Partners' shares of the cost add up to the programme's, shared cost included.
	if sums := query(t, db, `
		SELECT (SELECT sum(CAST(denominator AS DECIMAL(18,4))) FROM fct_metric WHERE metric = 'ropi' AND scope_kind = 'partner' AND period = 'trailing_4q')`); sums[0][0] != text(cost) {
		t.Errorf("the partners' costs add up to %s, the programme's are %s", sums[0][0], text(cost))
	}
}
