package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples runs the examples of mappings that fixtures/examples holds for systems without a preset. They are written
// and run like quirks, and each has a README of three lines and the mapping that a user copies.
func TestExamples(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("..", "..", "fixtures", "examples", "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("found %d examples, %v", len(folders), err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			readme, err := os.ReadFile(filepath.Join(folder, "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(string(readme), "\n"); lines != 3 {
				t.Errorf("README.md has %d lines, want 3", lines)
			}
			if _, err := os.Stat(filepath.Join(folder, "mapping.yaml")); err != nil {
				t.Error(err)
			}
			testQuirk(t, folder)
		})
	}
}
