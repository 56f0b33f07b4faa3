package run_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
	"github.com/partnerhealth/partnerhealth/pipeline/config"
)

// reseller is what the night knows of a reseller of AdventureWorks, and what it did afterwards.
type reseller struct {
	recency, orders, sales, tenure float64
	isAtRisk, isHigh               bool
	ordersAgain                    bool
}

// playAdventureWorks runs the night of 2013-05-31 on the exports of AdventureWorks, which nobody on this project made, and
// reads what it knew of each reseller that had ordered. The exports go on for half a year: what happened is in them.
func playAdventureWorks(t *testing.T) []reseller {
	t.Helper()
	source := filepath.Join("..", "..", "fixtures", "adventureworks")
	folder := filepath.Join(t.TempDir(), "adventureworks")
	if err := os.CopyFS(folder, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(folder, "partnerhealth.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	opt := options(c)
	opt.AsOf = time.Date(2013, 5, 31, 0, 0, 0, 0, time.UTC)
	night(t, opt)
	later := orderedAfter(t, filepath.Join(source, "exports", "FactResellerSales.csv.gz"), "2013-05-31")
	var out []reseller
	for _, row := range query(t, open(t, c), `
		SELECT
			split_part(partner.partner_id, ':', 3), feature.days_since_last_event, partner.won_deals, partner.won_amount_base,
			DATE '2013-06-01' - partner.first_commercial_on, feature.is_at_risk, coalesce(churn.band = 'high', FALSE)
		FROM fct_partner_month_feature AS feature
		JOIN dim_partner AS partner ON feature.partner_id = partner.partner_id
		JOIN score_partner_churn AS churn ON feature.partner_id = churn.partner_id
		WHERE feature.is_as_of
		ORDER BY feature.partner_id`) {
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		out = append(out, reseller{number(1), number(2), number(3), number(4), row[5] == "true", row[6] == "true", later[row[0]]})
	}
	return out
}

// orderedAfter reads the order lines with the standard library and returns the resellers with an order after the day.
func orderedAfter(t *testing.T, file, day string) map[string]bool {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.Comma = ';'
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[name] = i
	}
	again := map[string]bool{}
	for _, line := range lines[1:] {
		if date, _, _ := strings.Cut(line[column["OrderDate"]], " "); date > day {
			again[line[column["ResellerKey"]]] = true
		}
	}
	return again
}

// A logistic regression on what the night of 2013-05-31 publishes tells the resellers that never ordered again from the
// others, and partners that buy every 92 days are not called gone on day 91.
func TestAdventureWorksOnTheLastDayOfMay2013(t *testing.T) {
	if testing.Short() {
		t.Skip("a night on 60,855 order lines")
	}
	t.Parallel()
	resellers := playAdventureWorks(t)
	t.Run("who never orders again", func(t *testing.T) { separateTheLost(t, resellers) })
	t.Run("seasonal buyers", func(t *testing.T) { leaveSeasonalBuyersAlone(t, resellers) })
}

func separateTheLost(t *testing.T, resellers []reseller) {
	d := logistic.Data{Cols: 4, Names: []string{"recency", "log_orders", "log_sales", "tenure"}}
	lost := 0
	for _, r := range resellers {
		y := 0.0
		if !r.ordersAgain {
			y = 1
			lost++
		}
		d.X, d.Y = append(d.X, r.recency, math.Log(r.orders), math.Log(r.sales), r.tenure), append(d.Y, y)
	}
	if len(resellers) != 630 || lost != 169 {
		t.Errorf("%d resellers had ordered, %d of them never again; the exports say 630 and 169", len(resellers), lost)
	}
	m, err := logistic.Fit(d, logistic.Options{Standardise: true})
	if err != nil {
		t.Fatal(err)
	}
	score := make([]float64, len(d.Y))
	for i := range score {
		score[i] = logistic.Expit(m.Logit(d.X[4*i : 4*i+4]))
	}
	s, err := evaluate.New(d.Y, score, nil)
	if err != nil {
		t.Fatal(err)
	}
	auc, err := s.AUC()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("in-sample AUC %.4f", auc)
	if auc < 0.96 {
		t.Errorf("in-sample AUC %.4f, want 0.96 or more", auc)
	}
}

func leaveSeasonalBuyersAlone(t *testing.T, resellers []reseller) {
	// A rule of 90 days, the silence rule of the partner's own rhythm, and that rule with the high risk band.
	var ruleOf90, ownRhythm, alarmed struct{ flagged, mistaken int }
	for _, r := range resellers {
		for _, rule := range []struct {
			n     *struct{ flagged, mistaken int }
			flags bool
		}{{&ruleOf90, r.recency >= 90}, {&ownRhythm, !r.isAtRisk}, {&alarmed, !r.isAtRisk || r.isHigh && r.recency >= 90}} {
			if rule.flags {
				rule.n.flagged++
				if r.ordersAgain {
					rule.n.mistaken++
				}
			}
		}
	}
	t.Logf("flagged, of these order again: 90 days %v, own rhythm %v, with the high band among the silent %v", ruleOf90, ownRhythm, alarmed)
	if ruleOf90.flagged != 183 || ruleOf90.mistaken != 29 {
		t.Errorf("a 90-day rule flags %d, of which %d order again; the exports say 183 and 29", ruleOf90.flagged, ruleOf90.mistaken)
	}
	if ownRhythm.flagged != 155 || ownRhythm.mistaken != 13 {
		t.Errorf("the own rhythm calls %d gone, of which %d order again; by hand 155 and 13", ownRhythm.flagged, ownRhythm.mistaken)
	}
	for _, own := range []struct {
		name              string
		flagged, mistaken int
	}{{"the own rhythm", ownRhythm.flagged, ownRhythm.mistaken}, {"own rhythm or high band", alarmed.flagged, alarmed.mistaken}} {
		if 3*own.mistaken > 2*ruleOf90.mistaken {
			t.Errorf("%s alarms %d that order again, a 90-day rule %d", own.name, own.mistaken, ruleOf90.mistaken)
		}
		if caught := own.flagged - own.mistaken; 10*caught < 9*(ruleOf90.flagged-ruleOf90.mistaken) {
			t.Errorf("%s finds %d of the lost, a 90-day rule %d", own.name, caught, ruleOf90.flagged-ruleOf90.mistaken)
		}
	}
}
