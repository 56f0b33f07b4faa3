package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// A file that no mapping names is told, unless the configuration says that it is known; or it stops the night before
// anything is read.
func TestFilesThatNoMappingNames(t *testing.T) {
	for _, c := range []struct {
		name, settings string
		unmatched      int
		ignored        int
		stops          string
	}{
		{name: "reported", settings: "", unmatched: 2},
		{name: "one known", settings: `, ignore: ["notes/**"]`, unmatched: 1, ignored: 1},
		{name: "all known", settings: `, ignore: ["notes/*", "old.csv"], unknown_files: freeze`, ignored: 2},
		{name: "frozen", settings: `, ignore: ["notes/*"], unknown_files: freeze`, unmatched: 1, ignored: 1, stops: "crm/old.csv is known to no mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"partnerhealth.yaml": "program: { name: P, currency: USD, timezone: UTC }\nsources:\n  - { name: crm, mapping: crm.yaml, path: exports" + c.settings + " }\n",
				"crm.yaml": "objects:\n  - object: partners\n    files: [partners.csv]\n    mode: snapshot\n    tables:\n      - table: partner\n        columns:\n" +
					"          partner_id: { key: crm_account, from: [ID] }\n          name: { from: Name }\n          partner_type: { const: reseller }\n          status: { const: active }\n          is_test: { const: \"false\" }\n",
				"exports/partners.csv":      "ID,Name\n1,Alpine\n",
				"exports/old.csv":           "a,b\n1,2\n",
				"exports/notes/meeting.txt": "nothing for a machine\n",
			} {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cfg, err := config.Load(filepath.Join(dir, "partnerhealth.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			opt := options(cfg)
			opt.DryRun = c.stops == ""
			s, err := run.Night(context.Background(), opt)
			var unknown *run.UnknownFilesError
			if stopped := errors.As(err, &unknown); stopped != (c.stops != "") || stopped && !strings.HasPrefix(err.Error(), c.stops) || err != nil && !stopped {
				t.Fatalf("error %v, want %q", err, c.stops)
			}
			if e := s.Exports; c.stops == "" && (len(e.Unmatched) != c.unmatched || e.Ignored != c.ignored || e.Files != 1) {
				t.Errorf("%d unmatched, %d ignored, %d read; want %d, %d, 1", len(e.Unmatched), e.Ignored, e.Files, c.unmatched, c.ignored)
			}
			if _, err := os.Stat(filepath.Join(cfg.State, "lake", "partner")); err == nil {
				t.Error("rows were loaded")
			}
		})
	}
}
