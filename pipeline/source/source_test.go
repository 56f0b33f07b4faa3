package source_test

import (
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

func TestSkipped(t *testing.T) {
	cases := map[string]bool{
		"deals.csv": false, "crm/deals.csv.gz": false, "tmp/deals.csv": false, "deals.tmp.csv": false, "a~b.csv": false,
		"partial.csv": false, "deals": false,
		".deals.csv": true, "crm/.deals.csv": true, ".crm/deals.csv": true, "a/.b/c/deals.csv": true,
		"deals.csv.tmp": true, "deals.TMP": true, "deals.csv.part": true, "deals.csv~": true, "crm/~$deals.xlsx": true,
	}
	for path, want := range cases {
		if got := source.Skipped(path); got != want {
			t.Errorf("Skipped(%q) = %v, want %v", path, got, want)
		}
	}
}
