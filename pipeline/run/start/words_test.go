package start

import (
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// presetWithParameters is a preset whose words, encoding and one object depend on the organisation.
func presetWithParameters(t *testing.T) *known {
	t.Helper()
	k := &known{name: "crm", tried: map[string]*preset.Mapping{}, data: []byte(`
parameters:
  roles: { about: what a role means, map: true, default: { Reseller: resold, Referral: referred } }
  encoding: { about: the encoding that was chosen, default: auto, example: windows-1252 }
  unused_encoding: { about: another encoding, default: auto, example: windows-1252 }
  statuses: { about: what a status means, list: true, example: [Open] }
objects:
  - object: roles
    header: [Deal, Partner, Role]
    mode: upsert
    read: { encoding: $encoding }
    tables:
      - table: opportunity_partner
        columns: &columns
          opportunity_id: { key: deal, from: [Deal] }
          partner_id: { from: Partner, resolve: crm_account }
          role: { from: Role, map: $roles, else: unknown }
          basis: { const: lookup_field }
  - object: claims
    needs: [$statuses]
    header: [Claim]
    mode: upsert
    read: { encoding: $unused_encoding }
    tables:
      - table: opportunity_partner
        where: [{ from: Status, in: $statuses }]
        columns: *columns
`)}
	var err error
	if k.parameters, err = preset.Parameters(k.name, k.data); err != nil {
		t.Fatal(err)
	}
	if k.mapping, err = k.parse(nil); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatAPresetAsks(t *testing.T) {
	k := presetWithParameters(t)
	f := &File{Path: "roles.csv", Object: "roles", Undecodable: 3, Columns: []string{"Deal", "Partner", "role"}, object: objectOf(k.mapping, "roles"),
		Records: [][]string{{"1", "a", "Reseller"}, {"2", "b", " Delivery "}, {"3", "c", ""}, {"4", "d", "Brought it"}, {"5"}}}
	claims := &File{Path: "claims.csv", Object: "claims", Waits: k.waits("claims")}
	in := &Instance{Files: []*File{f, claims}}

	want := Setting{Key: "with.encoding", Value: "windows-1252", Assumed: true, Why: "the encoding that was chosen; the first records of roles.csv are no UTF-8"}
	if got := in.encodings(k); len(got) != 1 || got[0] != want {
		t.Errorf("encodings %+v, want %+v", got, want)
	}
	want = Setting{Key: "with.statuses", Value: "[Open]", Open: true, Why: "what a status means; without it claims.csv is passed over"}
	if got := in.waiting(k); len(got) != 1 || got[0] != want {
		t.Errorf("waiting %+v, want %+v", got, want)
	}
	got := in.words(k)
	if len(got) != 1 || got[0].Key != "with.roles" || got[0].Value != "Brought it: ASK\nDelivery: ASK\nReferral: referred\nReseller: resold" {
		t.Fatalf("words %+v", got)
	}
	if !strings.HasPrefix(got[0].Why, "what a role means; not known: Brought it, Delivery; each is one of sourced, ") {
		t.Errorf("the question is %q", got[0].Why)
	}
}

func TestFreeTextIsNoListOfWords(t *testing.T) {
	k := presetWithParameters(t)
	f := &File{Object: "roles", Columns: []string{"Role"}, object: objectOf(k.mapping, "roles")}
	for i := range manyWords {
		f.Records = append(f.Records, []string{"role " + string(rune('a'+i))})
	}
	in := &Instance{Files: []*File{f}}
	if got := in.words(k); len(got) != 0 {
		t.Errorf("%+v is asked of free text", got)
	}
}
