package score

import "testing"

// What may be published, and what is said of it, are two questions: a model that is no better than recency alone is
// published and says so; one that is worse, or no better than chance, is not.
func TestAModelIsPublishedUnlessItIsWorse(t *testing.T) {
	for _, tt := range []struct {
		name           string
		auc, gain, se  float64
		churns         int
		verdict        string
		wantsPublished bool
	}{
		{"better", 0.80, 0.06, 0.02, 40, verdictBetter, true},
		{"no better", 0.76, -0.008, 0.025, 40, verdictNoBetter, true},
		{"worse by more than a standard error", 0.74, -0.03, 0.025, 40, verdictNoBetter, false},
		{"no better than chance", 0.52, 0.01, 0.02, 40, verdictNoBetter, false},
		{"nothing to judge by", 0.80, 0.06, 0.02, 0, verdictNotFitted, false},
	} {
		track := &trackRecord{churns: tt.churns}
		track.m[mAUC] = measure{value: tt.auc, se: 0.03, bounded: true}
		track.m[mAUCGain] = measure{value: tt.gain, se: tt.se, bounded: true}
		if got, _ := track.verdict(); got != tt.verdict {
			t.Errorf("%s: verdict %q, want %q", tt.name, got, tt.verdict)
		}
		if got := track.isPublishable(); got != tt.wantsPublished {
			t.Errorf("%s: published %v, want %v", tt.name, got, tt.wantsPublished)
		}
	}
}
