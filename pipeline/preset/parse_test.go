package preset_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

var update = flag.Bool("update", false, "rewrite the expected problems under testdata")

// Every testdata/<what>.good.yml is a mapping without problems.
func TestGoodMappings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.good.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no good mappings: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		with := preset.With{Source: "crm", Parameters: map[string]preset.Value{"zone": preset.Texts("Europe/Berlin"), "lookup": preset.Texts("Partner__c")}}
		if _, err := preset.Parse(file, data, with); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// Every testdata/<what>.bad.yml has exactly the problems that <what>.bad.txt lists.
func TestBadMappings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad mappings: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = preset.Parse(filepath.Base(file), data)
			var problems preset.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error is %v, want problems", err)
			}
			got := problems.Error() + "\n"
			golden := strings.TrimSuffix(file, ".yml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}
