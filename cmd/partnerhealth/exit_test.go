package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// runStatus runs a command and compares its exit code.
func runStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit interface{ ExitCode() int }
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func TestEveryErrorHasItsExitCode(t *testing.T) {
	failed := warehouse.CheckResult{Check: "key", Table: "fct_deal", FailedRows: 2, Meaning: "the key is never twice", Sample: "deal_id=1"}
	for _, tt := range []struct {
		err  error
		code int
		says string
	}{
		{nil, 0, ""},
		{errors.New("read lake: no space left"), 1, "no space left"},
		{usageError{errors.New("unknown flag: --x")}, 2, "Try: partnerhealth run --help\n"},
		{config.Problems{{File: "a.yaml", Path: "state", Message: "is missing"}}, 2, "state"},
		{errWarnings, 3, ""},
		{fmt.Errorf("run: %w", &run.GateError{Failed: []warehouse.CheckResult{failed, failed}}), 4, "1 more"},
		{fmt.Errorf("run: %w", &publish.LockedError{State: "state"}), 5, "another run"},
		{errors.Join(errInterrupted, context.Canceled), 130, "continues"},
		{fmt.Errorf("read: %w", context.Canceled), 130, "continues"},
	} {
		var out bytes.Buffer
		if got := conclude(&out, "partnerhealth run", tt.err); got != tt.code {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.code)
		}
		if !strings.Contains(out.String(), tt.says) || (tt.says == "") != (out.Len() == 0) {
			t.Errorf("%v: printed %q, want %q in it", tt.err, out.String(), tt.says)
		}
	}
}

func TestTablesAreTheSameInEveryFormat(t *testing.T) {
	text := func(s string) *string { return &s }
	r := result{
		Columns: []string{"name", "amount", "is_won"}, Types: []string{"VARCHAR", "DECIMAL(18,4)", "BOOLEAN"},
		Rows: [][]*string{{text("Müller \"KG\",\nBerlin"), text("80450596.9823"), text("true")}, {nil, nil, text("false")}},
	}
	for name, tt := range map[string]struct {
		write func(*bytes.Buffer) error
		want  string
	}{
		"table": {func(b *bytes.Buffer) error { return writeTable(b, r) },
			"name                        amount  is_won\n" +
				"-------------------  -------------  ------\n" +
				"Müller \"KG\", Berlin  80450596.9823  true\n" +
				"                                    false\n(2 rows)\n"},
		"csv": {func(b *bytes.Buffer) error { return writeCSV(b, r) },
			"name,amount,is_won\n\"Müller \"\"KG\"\",\nBerlin\",80450596.9823,true\n,,false\n"},
		"json": {func(b *bytes.Buffer) error { return writeJSON(b, r) },
			"[\n  {\"name\": \"Müller \\\"KG\\\",\\nBerlin\", \"amount\": 80450596.9823, \"is_won\": true},\n  {\"name\": null, \"amount\": null, \"is_won\": false}\n]\n"},
	} {
		var out bytes.Buffer
		if err := tt.write(&out); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, out.String(), tt.want)
		}
	}
}
