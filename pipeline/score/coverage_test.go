package score_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// covered counts the published intervals that hold what was planted.
type covered struct{ in, below, n int }

func (c *covered) add(t testing.TB, row map[string]any, name, low, high string, truth float64) {
	t.Helper()
	x, l, h := number(t, row, name), number(t, row, low), number(t, row, high)
	if !(l <= x && x <= h) {
		t.Errorf("%s %v outside its interval %v to %v", name, x, l, h)
	}
	c.n++
	switch {
	case truth < l:
		c.below++
	case truth <= h:
		c.in++
	}
}

func (c *covered) share() float64 { return float64(c.in) / float64(max(1, c.n)) }

// Who sells fast has sold or left within the year: what is not known is the share of either. An interval of the hazard to
// sell alone held the truth for a third of them.
func TestFirstRevenueIntervalsHoldWhatWasPlanted(t *testing.T) {
	for _, tc := range []struct {
		name        string
		n, programs int
		ratio, exit float64
	}{
		{"fast sellers of 200", 200, 60, 3, 1500},
		{"fast sellers of 500", 500, 25, 3, 1500},
		{"hardly an exit", 80, 80, 3, 40000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := map[float64]*covered{90: {}, 365: {}}
			for seed := range tc.programs {
				rows, kind := leaving(uint64(1000+seed), tc.n, tc.ratio, tc.exit), map[any]any{}
				for _, r := range rows {
					kind[r["partner_id"]] = r["partner_type"]
				}
				o := expectations()
				o.Resamples = 10
				e, err := score.ExpectFirstRevenue(records{signedColumns, rows}.build(t), o)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range table(e.Rows) {
					if p["method"] != "cox" || kind[p["partner_id"]] != "reseller" {
						continue
					}
					sells, leaves := tc.ratio/200, 1/tc.exit
					for days, c := range got {
						if column := fmt.Sprintf("within_%.0f", days); p[column] != nil {
							c.add(t, p, column, column+"_low", column+"_high", sells/(sells+leaves)*-math.Expm1(-(sells+leaves)*days))
						}
					}
				}
			}
			for days, c := range got {
				t.Logf("within %.0f days: %.3f of %d", days, c.share(), c.n)
				if c.n < 50 || c.share() < 0.90 {
					t.Errorf("within %.0f days: 95 %% intervals hold %.3f of %d", days, c.share(), c.n)
				}
			}
		})
	}
}

// planted draws n partners and 20 candidates with one trait and one source that tell, and the chance planted for each
// candidate in percent. The log-odds of those who signed in the last 850 days, and of the candidates, are shifted.
func planted(seed uint64, n int, shift float64) (rows []map[string]any, truth map[any]float64) {
	const effect = 0.8
	rnd, today := rand.New(rand.NewPCG(seed, 6)), arrow.Date32FromTime(asOf)
	truth = map[any]float64{}
	for k := range n + 20 {
		z, source := rnd.NormFloat64(), []string{"referral", "web", "fair"}[rnd.IntN(3)]
		signed := today - 365 - arrow.Date32(rnd.IntN(1460))
		eta := 0.3 + effect*z
		if source == "referral" {
			eta += effect
		}
		if k >= n || signed > today-850 {
			eta += shift
		}
		p, label := 1/(1+math.Exp(-eta)), 0
		if rnd.Float64() < p {
			label = 1
		}
		id := fmt.Sprintf("a%04d", k)
		row := map[string]any{"application_id": id, "applicant_name": "x", "country": []string{"DE", "US", "JP"}[rnd.IntN(3)],
			"traits": fmt.Sprintf(`{"size":%.6f,"source":%q}`, math.Exp(z+8)-1, source)}
		if k >= n {
			row["status"], row["submitted_on"], row["is_candidate"] = "submitted", today-10, true
			truth[id] = 100 * p
		} else {
			row["status"], row["submitted_on"], row["is_candidate"] = "approved", signed-20, false
			row["partner_id"], row["signed_on"], row["label_known_on"], row["label"] = "p"+id, signed, signed+365, label
		}
		rows = append(rows, row)
	}
	return rows, truth
}

// Where nothing drifts the regression is right as it is: a line learned from the past of a smaller one made it worse, and
// its intervals held four of five. Where the programme has changed, the line is learned.
func TestLookAlikeIsCorrectedOnlyWhereThatHelps(t *testing.T) {
	for _, tc := range []struct {
		name            string
		n               int
		shift           float64
		fewest, most    int // corrected programmes of 40
		coverage, worst float64
	}{
		{"as ever", 500, 0, 0, 4, 0.92, 5.5},
		{"as ever, many", 1500, 0, 0, 4, 0.92, 3.7},
		{"half as many since", 1500, -1.5, 38, 40, 0, 11},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, corrected, squares := covered{}, 0, 0.0
			for seed := range uint64(40) {
				rows, truth := planted(seed, tc.n, tc.shift)
				got, card := recruits(t, rows)
				note := card["note"].(string)
				if strings.HasPrefix(note, "The later outcomes corrected the log-odds") {
					corrected++
				} else if !strings.HasPrefix(note, "The later outcomes did not correct the chances: ") {
					t.Errorf("the card does not say whether the chances are corrected: %s", note)
				}
				for _, r := range got {
					if r["status"] == "scored" {
						p := truth[r["application_id"]]
						c.add(t, r, "score", "low", "high", p)
						squares += (number(t, r, "score") - p) * (number(t, r, "score") - p)
					}
				}
			}
			off := math.Sqrt(squares / float64(c.n))
			t.Logf("%d of 40 corrected, 95 %% intervals hold %.3f of %d, %.1f points off", corrected, c.share(), c.n, off)
			if corrected < tc.fewest || corrected > tc.most || c.share() < tc.coverage || off > tc.worst {
				t.Errorf("%d of 40 corrected, 95 %% intervals hold %.3f of %d, %.1f points off", corrected, c.share(), c.n, off)
			}
		})
	}
}
