package preset_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// What a source sets stands where the mapping names it: texts, elements of lists, maps.
func TestParametersStandForTheirValues(t *testing.T) {
	m := exports(t, preset.With{Parameters: map[string]preset.Value{
		"zone": preset.Texts("Asia/Tokyo"), "lookup": preset.Texts("$Partner"), "partner_types": preset.Texts("A", "B"),
		"stages": {Map: map[string]string{"Gewonnen": "won", "Verloren": "lost"}},
	}})
	deal := m.Objects[0]
	if deal.Read.TimeZone != "Asia/Tokyo" {
		t.Errorf("time zone %q", deal.Read.TimeZone)
	}
	empty := false
	where := []preset.Condition{
		{Any: []preset.Condition{{From: preset.Names{"IsPartner"}, In: []string{"true", "1"}, Optional: true}, {From: preset.Names{"Type"}, In: []string{"A", "B"}}}},
		{From: preset.Names{"$Partner"}, Empty: &empty},
	}
	if diff := cmp.Diff(where, deal.Tables[0].Where); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	stage, _ := deal.Tables[0].Column("stage_class")
	want := &preset.Column{Name: "stage_class", From: []preset.Names{{"Stage"}}, Map: map[string]string{"Gewonnen": "won", "Verloren": "lost"},
		Match: []preset.Pattern{{Matches: "(?i)closed lost", To: "lost"}}, Else: text("open"), Values: preset.DiscardRow}
	if diff := cmp.Diff(want, stage); diff != "" {
		t.Errorf("stage (-want +got):\n%s", diff)
	}
	partner, _ := deal.Tables[0].Column("source_partner_id")
	references := []preset.Reference{
		{IDType: "custom", From: preset.Names{"$Partner"}},
		{IDType: "crm_account", From: preset.Names{"Partner IDs"}, Sep: ";", Transforms: []preset.Transform{{Name: preset.ID18}}},
		{IDType: "person", Key: "Contact", Source: "crm", From: preset.Names{"ContactId"}},
	}
	if diff := cmp.Diff(references, partner.References); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	if c, _ := deal.Tables[0].Column("currency"); *c.Const != "$" {
		t.Errorf("$$ is %q, want $", *c.Const)
	}
	if c, _ := m.Objects[2].Tables[0].Column("source"); *c.Const != "crm" {
		t.Errorf("$source is %q, want the name of the source", *c.Const)
	}
}

// What needs a parameter that is not set is left out: objects, tables, dialects, conditions, references.
func TestNeeds(t *testing.T) {
	m := exports(t, preset.With{Parameters: map[string]preset.Value{"zone": preset.Texts("UTC"), "lookup": preset.Texts("")}})
	deal := m.Objects[0]
	partner, _ := deal.Tables[0].Column("source_partner_id")
	got := []int{len(m.Objects), len(deal.Dialects), len(deal.Tables), len(deal.Tables[0].Where), len(partner.References)}
	if diff := cmp.Diff([]int{2, 1, 2, 1, 2}, got); diff != "" {
		t.Errorf("objects, dialects, tables, conditions, references (-want +got):\n%s", diff)
	}
}

// A parameter says neither more nor less than its value in its place, whatever signs that holds.
func TestParameterIsItsValueInItsPlace(t *testing.T) {
	mapping := func(value, list, words string) []byte {
		return []byte(`
parameters:
  value: {about: x}
  list: {about: x, list: true}
  words: {about: x, map: true}
objects:
  - object: names
    files: [a.csv]
    mode: append
    tables:
      - table: code_map
        where: [{from: A, not_in: [a, ` + list + `, b]}]
        columns: {source: {const: ` + value + `}, domain: {from: B, default: ` + value + `}, raw_value: {from: [` + value + `, C]}, canonical: {from: D, map: ` + words + `}}
`)
	}
	// Within a mapping a $ at the beginning of a text is doubled.
	scalar := func(text string) string {
		if strings.HasPrefix(text, "$") {
			text = "$" + text
		}
		return preset.Scalar(text)
	}
	texts := rapid.StringMatching(`[!-?A-~äöü]([ -~äöü]{0,8}[!-~äöü])?`) // @ would begin a value of a unit
	rapid.Check(t, func(t *rapid.T) {
		value := texts.Draw(t, "value")
		list := rapid.SliceOfN(texts, 1, 3).Draw(t, "list")
		words := rapid.MapOfN(texts, texts, 1, 3).Draw(t, "words")
		var items, pairs []string
		for _, text := range list {
			items = append(items, scalar(text))
		}
		for key, to := range words {
			pairs = append(pairs, scalar(key)+": "+scalar(to))
		}
		inPlace, err := preset.Parse("in place", mapping(scalar(value), strings.Join(items, ", "), "{"+strings.Join(pairs, ", ")+"}"))
		if err != nil {
			t.Fatal(err)
		}
		named, err := preset.Parse("named", mapping("$value", "$list", "$words"), preset.With{
			Parameters: map[string]preset.Value{"value": preset.Texts(value), "list": preset.Texts(list...), "words": {Map: words}}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inPlace.Objects[0].Tables, named.Objects[0].Tables); diff != "" {
			t.Fatalf("(-in place +named):\n%s", diff)
		}
	})
}

func TestVersionFollowsParameters(t *testing.T) {
	before := exports(t, preset.With{})
	after := exports(t, preset.With{Parameters: map[string]preset.Value{"zone": preset.Texts("UTC"), "lookup": preset.Texts("Partner__c")}})
	if before.Objects[0].Version() == after.Objects[0].Version() {
		t.Error("another value of a parameter reads the same: files would not be read again")
	}
	if before.Objects[1].Version() != after.Objects[1].Version() {
		t.Error("an object that does not use the parameter is another")
	}
}

// A required parameter that is not set, or set to what it is not, is told with what it is for, and nothing else is.
func TestParametersThatASourceMustSet(t *testing.T) {
	const mapping = `
parameters:
  zone: {about: zone of the reports, required: true}
  types: {about: what is a partner, list: true}
  stages: {about: what stages mean, map: true}
objects: [{object: nonsense}]
`
	for _, c := range []struct {
		name string
		set  map[string]preset.Value
		want string
	}{
		{"not set", nil,
			"parameters.zone (line 3): the parameter zone is not set; set it where the mapping is used, by with: {zone: ...}: zone of the reports"},
		{"empty", map[string]preset.Value{"zone": preset.Texts("")},
			"parameters.zone (line 3): the parameter zone is not set; set it where the mapping is used, by with: {zone: ...}: zone of the reports"},
		{"a list for a text", map[string]preset.Value{"zone": preset.Texts("a", "b")},
			"parameters.zone (line 3): the parameter zone wants one text, not a list; set it where the mapping is used, by with: {zone: ...}: zone of the reports"},
		{"a map for a list", map[string]preset.Value{"zone": preset.Texts("UTC"), "types": {Map: map[string]string{"a": "b"}}},
			"parameters.types (line 4): the parameter types wants a list of texts, not a map; set it where the mapping is used, by with: {types: ...}: what is a partner"},
		{"a text for a map", map[string]preset.Value{"zone": preset.Texts("UTC"), "stages": preset.Texts("a")},
			"parameters.stages (line 5): the parameter stages wants a map of texts to texts; set it where the mapping is used, by with: {stages: ...}: what stages mean"},
	} {
		_, err := preset.Parse("m.yaml", []byte(mapping), preset.With{Parameters: c.set})
		var problems preset.Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].String() != c.want || problems[0].Parameter == "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	declared, err := preset.Parameters("m.yaml", []byte(mapping))
	if err != nil || len(declared) != 3 || declared[0].Name != "zone" || !declared[0].Required || !declared[1].List || !declared[2].Map {
		t.Errorf("parameters %+v, %v", declared, err)
	}
}

// An alias is a further name wherever the mapping reads the column, also in signatures, conditions and parts of keys.
func TestAliases(t *testing.T) {
	m := exports(t, preset.With{Aliases: map[string][]string{"close  date": {"Schlusstermin"}, "ID": {"Nr", "Kennung"}, "Type": {"Typ"}}})
	deal := m.Objects[0]
	if diff := cmp.Diff([]preset.Names{{"Id", "Nr", "Kennung"}, {"Close Date", "Schlusstermin", "CloseDate"}}, deal.Header); diff != "" {
		t.Errorf("signature (-want +got):\n%s", diff)
	}
	if !deal.Fits(preset.Rows{Header: []string{"Kennung", "Schlusstermin"}}) {
		t.Error("a header of aliases does not fit")
	}
	if c, _ := deal.Tables[0].Column("opportunity_id"); cmp.Diff([]preset.Names{{"Id", "Nr", "Kennung", "hs_object_id"}}, c.From) != "" {
		t.Errorf("key comes from %v", c.From)
	}
	if from := deal.Tables[0].Where[0].Any[1].From; cmp.Diff(preset.Names{"Type", "Typ"}, from) != "" {
		t.Errorf("condition tests %v", from)
	}
	if got := preset.Required(&deal)[0].String(); got != "Id or Nr or Kennung" {
		t.Errorf("required is %s", got)
	}
}

// SourceColumns lists what the object reads under all of its names; values of units are no columns.
func TestSourceColumns(t *testing.T) {
	deal := exports(t, preset.With{}).Objects[0]
	want := []string{"Id", "Owner", "Deal owner", "IsPartner", "Type", "Partner__c", "hs_object_id", "Stage", "Created", "Rival", "Partner IDs", "ContactId", "Partners", "Role"}
	if diff := cmp.Diff(want, deal.SourceColumns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}
