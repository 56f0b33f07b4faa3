package score_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

const (
	permutedProgrammes = 16
	// permutedOutside is how many of their 95% intervals may miss 0.5: with independent ones chance exceeds it in 7 of 1,000.
	permutedOutside = 3
)

// Every partner keeps its features and gets the fate of another one: whole histories are permuted, so that the outcomes of a
// partner's months hang together as they did. Nothing can be foretold then, and the regression's AUC on the held-out
// quarters lies within 0.5 plus or minus its interval.
func TestFatesPermutedBetweenPartnersCannotBeForetold(t *testing.T) {
	judged, outside := 0, 0
	for seed := range uint64(permutedProgrammes) {
		rows := programme{partners: 120, months: 36, seed: 100 + seed, base: -3.9, recency: 0.6, trend: 0.9}.rows()
		permuteFates(rows, rand.New(rand.NewPCG(seed, 5)))
		for _, c := range table(churn(t, rows, fixedLambda).Cards) {
			if c["method"] != "ridge" || c["auc_low"] == nil {
				continue
			}
			judged++
			if low, high := number(t, c, "auc_low"), number(t, c, "auc_high"); low > 0.5 || high < 0.5 {
				outside++
				t.Logf("programme %d: AUC from %.3f to %.3f", seed, low, high)
			}
		}
	}
	if judged < permutedProgrammes-2 {
		t.Errorf("only %d of %d programmes were judged", judged, permutedProgrammes)
	}
	if outside > permutedOutside {
		t.Errorf("%d of %d intervals of the AUC miss 0.5, chance allows %d", outside, judged, permutedOutside)
	}
}

// permuteFates labels the rows of each partner by the day on which another partner was lost.
func permuteFates(rows []map[string]any, rnd *rand.Rand) {
	lostOn, partners := map[any]arrow.Date32{}, []string{}
	for _, row := range rows {
		id := row["partner_id"].(string)
		if len(partners) == 0 || partners[len(partners)-1] != id {
			partners = append(partners, id)
		}
		if day, ok := row["churned_on"].(arrow.Date32); ok {
			lostOn[id] = day
		}
	}
	donors := slices.Clone(partners)
	rnd.Shuffle(len(donors), func(i, j int) { donors[i], donors[j] = donors[j], donors[i] })
	donor := map[any]string{}
	for i, id := range partners {
		donor[id] = donors[i]
	}
	for _, row := range rows {
		if row["is_usable"] != true {
			continue
		}
		s := row["snapshot_on"].(arrow.Date32)
		row["label"], row["churned_on"] = 0, nil
		if day, ok := lostOn[donor[row["partner_id"]]]; ok && day >= s && day < s+184 {
			row["label"], row["churned_on"] = 1, day
		}
	}
}
