//go:build !race

package run

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/fixtures/programme"
)

// outcomeColumns of the features tell what became of a partner; is_as_of marks tonight.
var outcomeColumns = []string{"is_as_of", "is_usable", "label", "churned_on", "outcome_known_on"}

// A generated programme is built as of a day and as of half a year later: what the earlier night knew of each partner at each
// month start, the later one knows in the same words, and each outcome that was known then is the same, or was corrected by
// what was received in between.
func TestTheLaterNightTellsThePastAsTheEarlierDid(t *testing.T) {
	t.Parallel()
	p, err := plant(t.Context(), t.TempDir(), programme.Options{Partners: 80, Seed: 29, EventsPerPartnerMonth: 1})
	if err != nil {
		t.Fatal(err)
	}
	earlier, later := p.featureRows(t, plantedAsOf), p.featureRows(t, plantedAsOf.AddDate(0, 0, plantedHorizon))
	if len(earlier) < 1000 {
		t.Fatalf("only %d rows to compare", len(earlier))
	}
	tonight := plantedAsOf.AddDate(0, 0, 1).Format(time.DateOnly)
	for key, was := range earlier {
		is, ok := later[key]
		if !ok {
			t.Errorf("%s is not there any more", key)
			continue
		}
		for column, value := range was {
			if !slices.Contains(outcomeColumns, column) && is[column] != value {
				t.Errorf("%s: %s was %s and is %s", key, column, value, is[column])
			}
		}
		believed := is["label"]
		if is["outcome_known_on"] > tonight && was["is_usable"] == "true" {
			believed = "1"
		}
		if was["is_usable"] == "true" && was["label"] != believed {
			t.Errorf("%s: the outcome was %s, and believed then was %s", key, was["label"], believed)
		}
	}
}

// featureRows are the feature rows of a night by partner and snapshot, column by column.
func (p *planted) featureRows(t *testing.T, asOf time.Time) map[string]map[string]string {
	t.Helper()
	features, partners, err := p.churnInput(t.Context(), asOf)
	if err != nil {
		t.Fatal(err)
	}
	defer features.Release()
	defer partners.Release()
	rows := map[string]map[string]string{}
	for i := range int(features.NumRows()) {
		row := map[string]string{}
		for j, f := range features.Schema().Fields() {
			row[f.Name] = features.Column(j).ValueStr(i)
		}
		rows[strings.Join([]string{row["partner_id"], row["snapshot_on"]}, " ")] = row
	}
	return rows
}
