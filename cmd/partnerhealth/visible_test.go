package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// forged is the name of a file that colours the terminal and prints a line of its own.
const forged = "foo\x1b[31m\npartnerhealth: all fine.csv"

func TestOrdinaryTextIsPrintedAsItIs(t *testing.T) {
	for _, text := range []string{"", "Q3 deals (final).csv", "Müller & Söhne", "取引先.csv", "a\\b", `"quoted"`, "👩‍💻", "שלום", "e\u0301", "100 %", "\ufffd"} {
		if got := visible(text); got != text {
			t.Errorf("%q is printed as %q", text, got)
		}
	}
}

func TestWhatSteersATerminalIsPrintedAsEscapes(t *testing.T) {
	for text, want := range map[string]string{
		forged:           `foo\x1b[31m\npartnerhealth: all fine.csv`,
		"a\rb":           `a\rb`,
		"a\tb":           `a\tb`,
		"\x7f\u009b31m":  `\x7f\u009b31m`,
		"fdp\u202evsc.x": `fdp\u202evsc.x`,
		"\u2066a\u2069":  `\u2066a\u2069`,
		"a\u2028b":       `a\u2028b`,
		"ü\xff":          `ü\xff`,
	} {
		if got := visible(text); got != want {
			t.Errorf("%q is printed as %s, want %s", text, got, want)
		}
	}
	var out bytes.Buffer
	printf(&out, "%s: %v (%d)\n", "a\nb", errors.New("first\n\x1b[1msecond\n\n\tthird"), 7)
	if want := "a\\nb: first\n  \\x1b[1msecond\n\n  \tthird (7)\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestNamesOfFilesForgeNoLine(t *testing.T) {
	s := &run.Summary{Warnings: []string{"crm/" + forged + " was not loaded"}, Attention: run.Attention{Partners: 1, Top: []run.Top{{Partner: forged, Reason: forged}}}}
	s.Ingest.Quarantined = []run.Quarantine{{Source: "crm", File: forged, Reason: forged}}
	s.Exports.Unmatched = []string{"crm/" + forged}
	s.Exports.Waiting = []run.Waiting{{Source: "crm", File: forged, Reason: forged, NextStep: forged}}
	var out bytes.Buffer
	writeSummary(&out, s)
	writeWarnings(&out, s)
	writeFindings(&out, &run.Inspection{Summary: s})
	writeDifferences(&out, []run.FileCheck{{File: forged, Differences: []run.Difference{{Message: forged, Effect: forged}}}})
	writeStage(&out, run.Stage{Name: "exports", Detail: forged})
	conclude(&out, "partnerhealth run", errors.New("look at crm/"+forged+": no"))
	conclude(&out, "partnerhealth run", usageError{errors.New(forged)})
	cell := forged
	if err := writeTable(&out, result{Columns: []string{"file"}, Types: []string{"VARCHAR"}, Rows: [][]*string{{&cell}}}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.ContainsAny(line, "\x1b") || strings.HasPrefix(line, "partnerhealth: all fine") {
			t.Errorf("printed %q", line)
		}
	}
	if n := strings.Count(out.String(), `foo\x1b[31m`); n < 12 {
		t.Errorf("the name is shown %d times", n)
	}
	// For programs it is what it is.
	out.Reset()
	if err := writeSummaryJSON(&out, s); err != nil {
		t.Fatal(err)
	}
	var back run.Summary
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.Ingest.Quarantined[0].File != forged || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%v, %s", err, out.String())
	}
}

func TestAFolderWithAForgedNameIsChecked(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"exports/" + forged:  "A\n1\n",
		"crm.yaml":           "objects:\n  - object: partners\n    files: [partners.csv]\n    mode: snapshot\n    tables:\n      - table: partner\n        columns:\n          partner_id: { key: account, from: [Account] }\n          name: { from: Name }\n          partner_type: { const: reseller }\n          status: { const: active }\n",
		"partnerhealth.yaml": "program: { name: Office, currency: EUR, timezone: UTC }\nstate: state\nsources:\n  - { name: crm, path: exports, mapping: crm.yaml, timezone: UTC }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Skip("this system has no such names: ", err)
		}
	}
	var out bytes.Buffer
	code := execute(t.Context(), terminal{out: &out, err: &out, now: time.Now}, []string{"check", "--config", filepath.Join(dir, "partnerhealth.yaml")})
	if code != exitWarnings || strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "\ncrm/foo\\x1b[31m\\npartnerhealth: all fine.csv\n  no mapping names this file") {
		t.Errorf("exit code %d, printed %q", code, out.String())
	}
}
