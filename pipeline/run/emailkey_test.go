package run

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// peopleMapping has persons in complete exports, in exports of what changed, and an object without addresses.
const peopleMapping = `
objects:
  - object: people
    files: ["people*.csv"]
    mode: snapshot
    tables: &tables
      - table: person
        columns:
          person_id: { key: person, from: [Person] }
          email_hash: { from: Email, transform: [hmac_email] }
          email_domain: { from: Email, transform: [domain] }
          role: { const: other }
          source_modified_at: { from: Changed }
  - object: contacts
    files: ["contacts*.csv"]
    mode: upsert
    tables: *tables
  - object: payments
    files: ["payments*.csv"]
    mode: append
    tables:
      - table: ledger_entry
        columns:
          entry_id: { key: payment, from: [No] }
          partner_id: { from: Account, resolve: { id_type: crm_account } }
          kind: { const: commission }
          direction: { const: cost }
          amount: { from: Amount }
          currency: { const: EUR }
          incurred_on: { from: Paid }
          status: { const: paid }
`

const (
	peopleHeader = "Person,Email,Changed\n"
	ann          = "ann,Ann@alpine.example,2026-03-01T00:00:00Z\n"
	bob          = "bob,bob@alpine.example,2026-03-01T00:00:00Z\n"
	eve          = "eve,,2026-03-01T00:00:00Z\n"
	zoe          = "zoe,zoe@borea.example,2026-03-01T00:00:00Z\n"
)

// hashOf is what a key makes of an address, "" of none.
func hashOf(key, address string) string {
	if key == "" {
		return "-"
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(address))
	return hex.EncodeToString(mac.Sum(nil))
}

// newPeople is an office of persons: two complete exports, of which the later one lacks zoe, one of changes, and payments.
func newPeople(t *testing.T) *office {
	t.Helper()
	o := newOffice(t, peopleMapping)
	o.send("people1.csv", peopleHeader+ann+eve+zoe, 0, 0)
	o.send("people2.csv", peopleHeader+ann+eve, 1, 0)
	o.send("contacts1.csv", peopleHeader+bob, 0, 1)
	o.send("payments.csv", "No,Account,Amount,Paid\n1,A,10,2026-01-01\n", 0, 2)
	return o
}

// people is the table of persons after a night with a key.
func (o *office) people(t *testing.T, key string) *loaded {
	t.Helper()
	opt := o.options(2)
	opt.EmailKey = []byte(key)
	n := newNight(opt)
	l := loadNight(t, n, true, "person")
	if err := n.tellOldHashes(context.Background(), l.db); err != nil {
		t.Fatal(err)
	}
	return l
}

const allPeople = "SELECT person_id, coalesce(email_hash, '-') FROM canonical.person WHERE NOT _deleted ORDER BY 1"

// The same exports give the same persons, whatever key came before.
func TestThePersonsAreThoseOfTonightsKey(t *testing.T) {
	t.Parallel()
	o := newPeople(t)
	for i, key := range []string{"", "first", "first", "second", "", "first"} {
		l := o.people(t, key)
		l.wantRows(t, allPeople, "crm:person:ann "+hashOf(key, "ann@alpine.example"), "crm:person:bob "+hashOf(key, "bob@alpine.example"), "crm:person:eve -")
		l.wantRows(t, "SELECT DISTINCT email_hash IS NULL FROM lake.person WHERE email_domain IS NOT NULL", map[bool]string{true: "true", false: "false"}[key == ""])
		if inputs := o.view().Inputs(); len(inputs) != 4 {
			t.Errorf("night %d: the lake holds %d exports, want each of the four once", i, len(inputs))
		}
		new, warnings := 3, ""
		switch i {
		case 0:
			new = 4
		case 2:
			new = 0
		case 4:
			warnings = "3 exports were read again without the hashes of e-mail addresses, since no key for them is given any more: set PARTNERHEALTH_EMAIL_KEY again, unless that is meant"
		}
		if l.summary.Exports.New != new {
			t.Errorf("night %d read %d exports, want %d: those of payments have no addresses", i, l.summary.Exports.New, new)
		}
		if got := strings.Join(l.summary.Warnings, "\n"); got != warnings {
			t.Errorf("night %d warns\n%s\nwant\n%s", i, got, warnings)
		}
	}
}

// What was known at a time is told in today's hashes.
func TestAPastNightHasTheHashesOfTheLake(t *testing.T) {
	t.Parallel()
	o := newPeople(t)
	o.people(t, "first")
	o.people(t, "second")
	known := o.view().KnownAt(officeStart.Add(time.Hour))
	if inputs := known.Inputs(); len(inputs) != 3 || markOfVersion(inputs[0].MappingVersion) != keyMark([]byte("second")) {
		t.Errorf("%+v", inputs)
	}
}

// An export that is gone cannot be read again: who still counts by it is told, until it is back or the key is.
func TestOldHashesAreTold(t *testing.T) {
	t.Parallel()
	const next = ": put the files back for one night, with their old times of modification (cp -p), so that they are read again, or set the key with which they were read"
	for _, c := range []struct{ name, before, after, warning string }{
		{"another key", "first", "second", "1 person still has the hash of their e-mail address by another key than tonight's, or none, because 1 export that tells of them was not there to be read again, the first is crm/contacts1.csv" + next},
		{"the first key", "", "second", "1 person still has the hash of their e-mail address by another key than tonight's, or none, because 1 export that tells of them was not there to be read again, the first is crm/contacts1.csv" + next},
		{"no key any more", "first", "", "1 person still has the hash of their e-mail address, though no key is given any more, because 1 export that tells of them was not there to be read again, the first is crm/contacts1.csv" + next},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newPeople(t)
			o.people(t, c.before)
			// The first people are told by the second; of eve nobody has an address.
			for _, name := range []string{"people1.csv", "contacts1.csv"} {
				if err := os.Remove(filepath.Join(o.dir, "exports", name)); err != nil {
					t.Fatal(err)
				}
			}
			l := o.people(t, c.after)
			l.wantRows(t, allPeople, "crm:person:ann "+hashOf(c.after, "ann@alpine.example"), "crm:person:bob "+hashOf(c.before, "bob@alpine.example"), "crm:person:eve -")
			if got := strings.Join(l.summary.Warnings, "\n"); !strings.HasSuffix(got, c.warning) {
				t.Errorf("it warns\n%s\nwant\n%s", got, c.warning)
			}
			o.send("contacts1.csv", peopleHeader+bob, 0, 1)
			l = o.people(t, c.after)
			l.wantRows(t, allPeople, "crm:person:ann "+hashOf(c.after, "ann@alpine.example"), "crm:person:bob "+hashOf(c.after, "bob@alpine.example"), "crm:person:eve -")
			if got := strings.Join(l.summary.Warnings, "\n"); strings.Contains(got, "still ha") {
				t.Errorf("it warns %s", got)
			}
		})
	}
}

// Which key it was can be told apart and not be read, in no file of the state folder.
func TestTheKeyIsWrittenNowhere(t *testing.T) {
	t.Parallel()
	const key = "correct-horse-battery-staple"
	o := newPeople(t)
	o.people(t, key)
	marked, files := 0, 0
	err := filepath.WalkDir(o.config.State, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files++
		for _, form := range []string{key, hex.EncodeToString([]byte(key)), hashOf(key, key)} {
			if strings.Contains(string(data), form) {
				t.Errorf("%s holds the key", path)
			}
		}
		if strings.Contains(string(data), keyMark([]byte(key))) {
			marked++
		}
		return err
	})
	if err != nil || files < 6 || marked < 2 {
		t.Errorf("%d files, %d of them with the mark of the key, %v: want at least the manifests of lake and run", files, marked, err)
	}
	if one, other := keyMark([]byte("a")), keyMark([]byte("b")); one == other || len(one) != len(".k")+8 || keyMark(nil) != "" {
		t.Errorf("keys are marked %q and %q", one, other)
	}
}
