package identitymap_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/run/identitymap"
)

func line(source, value, partner, note string) identitymap.Line {
	return identitymap.Line{Source: source, Type: "lms_branch", Value: value, Partner: partner, Note: note}
}

func TestWhatAPersonDecidedStays(t *testing.T) {
	open := func(value, records string) identitymap.Line {
		l := line("lms", value, "", "")
		l.Evidence.Records = records
		return l
	}
	with := func(l identitymap.Line, partner, note string) identitymap.Line {
		l.Partner, l.Note = partner, note
		return l
	}
	sheet := []identitymap.Line{
		line("lms", "solved otherwise", "", ""),
		line("lms", "decided", "crm:crm_account:a", ""),
		line("lms", "asked", "", "who is this?"),
		line("lms", "mistyped", "crm:crm_account:?", ""),
		line("lms", "decided", "crm:crm_account:b", "the later line counts"),
		line("other", "asked", "crm:crm_account:c", "another source"),
	}
	got := identitymap.Merge(sheet, []identitymap.Line{open("new", "9"), open("mistyped", "5"), open("asked", "2")})
	want := []identitymap.Line{
		open("new", "9"),
		with(open("mistyped", "5"), "crm:crm_account:?", ""),
		with(open("asked", "2"), "", "who is this?"),
		line("lms", "decided", "crm:crm_account:b", "the later line counts"),
		line("other", "asked", "crm:crm_account:c", "another source"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged sheet (-want +got):\n%s", diff)
	}
}

func TestReadWhatASpreadsheetSaved(t *testing.T) {
	want := []identitymap.Line{line("lms", "=EMEA", "crm:crm_account:a", "sure; told by phone")}
	for name, text := range map[string]string{
		"as written":         "\ufeffid_source,id_type,id_value,partner_id,note,records\nlms,lms_branch,'=EMEA,crm:crm_account:a,sure; told by phone,7\n",
		"semicolons":         "id_source;id_type;id_value;partner_id;note;records\r\nlms;lms_branch;'=EMEA;crm:crm_account:a;\"sure; told by phone\";7\r\n",
		"columns in any way": "note,partner_id,id_value,id_type,id_source\nsure; told by phone, crm:crm_account:a ,=EMEA,lms_branch,lms\n",
	} {
		got, err := identitymap.Read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got, err := identitymap.Read(strings.NewReader("")); err != nil || got != nil {
		t.Errorf("an empty file: %v, %v", got, err)
	}
}

func TestASheetThatWouldLoseSomethingIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"id_source,id_type,id_value,partner_id,note,owner\n":          `the column "owner" would be lost: take it out, or write to another file`,
		"id_source,id_type,id_value,note\n":                           `the column "partner_id" is missing: this is no identity map`,
		"id_source,id_type,id_value,partner_id,note\na,b,c,,\n,b,c,,": "line 3: id_source, id_type and id_value must all be there",
	} {
		_, err := identitymap.Read(strings.NewReader(text))
		var sheet *identitymap.SheetError
		if !errors.As(err, &sheet) || sheet.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestEverySheetComesBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`['=+@|;, "a-zäß\n\-]{0,6}[a-z]`)
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) identitymap.Line {
			// Blanks around a text are not kept: no identifier has them.
			trimmed := func(label string) string { return strings.TrimSpace(text.Draw(t, label)) }
			return identitymap.Line{
				Source: trimmed("source"), Type: "lms_branch", Value: trimmed("value"), Partner: trimmed("partner"), Note: trimmed("note"),
			}
		}), 1, 5).Draw(t, "lines")
		var out bytes.Buffer
		if err := identitymap.Write(&out, lines); err != nil {
			t.Fatal(err)
		}
		got, err := identitymap.Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Fatalf("sheet (-written +read):\n%s", diff)
		}
	})
}
