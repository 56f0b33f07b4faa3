package builtin_test

import (
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/builtin"
)

// parse returns the built-in mapping with the examples of its parameters: of those that are required, or of all.
func parse(t *testing.T, name string, all bool) *preset.Mapping {
	t.Helper()
	data, err := builtin.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	with := preset.With{Source: "crm", Parameters: map[string]preset.Value{}}
	declared, err := preset.Parameters(name, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range declared {
		if p.Default == nil && p.Example == nil {
			t.Errorf("%s: parameter %s has neither a default nor an example", name, p.Name)
		}
		if p.Example != nil && (all || p.Required) {
			with.Parameters[p.Name] = *p.Example
		}
	}
	m, err := preset.Parse(name, data, with)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every built-in mapping is one without problems, with as few parameters as it asks for and with all of them.
func TestBuiltInMappingsParse(t *testing.T) {
	for _, name := range builtin.Names() {
		t.Run(name, func(t *testing.T) {
			least, most := parse(t, name, false), parse(t, name, true)
			if least.Title == "" || least.About == "" {
				t.Error("title and about tell a person what the mapping is for")
			}
			if len(least.Objects) == 0 || len(most.Objects) < len(least.Objects) {
				t.Errorf("%d objects with required parameters, %d with all", len(least.Objects), len(most.Objects))
			}
		})
	}
}

func TestReadTellsWhatThereIs(t *testing.T) {
	_, err := builtin.Read("salesfarce")
	if err == nil || !strings.Contains(err.Error(), "salesforce") {
		t.Errorf("error %v does not list what there is", err)
	}
}
