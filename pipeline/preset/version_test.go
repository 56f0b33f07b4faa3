package preset

import (
	"slices"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// The lake compares rows by the keys of the contract: when one changes, files that fill its table are read again.
func TestVersionIsOfTheKeysToo(t *testing.T) {
	targets := &Object{Name: "targets", Tables: []Table{{Name: "target"}}}
	rates := &Object{Name: "rates", Tables: []Table{{Name: "fx_rate"}}}
	m := &Mapping{Objects: []Object{*targets, *rates}}
	keys := func(names ...string) map[string][]string {
		out := map[string][]string{}
		for _, name := range names {
			table, ok := contract.Lookup(name)
			if !ok {
				t.Fatalf("no table %s", name)
			}
			out[name] = slices.Clone(table.Key)
		}
		return out
	}
	if targets.Version() != version(targets, keys("target")) || m.Version() != version(m, keys("target", "fx_rate")) {
		t.Error("the version must hold the keys of all tables that are filled")
	}
	older := keys("target")
	older["target"] = older["target"][:len(older["target"])-1]
	if targets.Version() == version(targets, older) {
		t.Error("another key must be another version")
	}
}
