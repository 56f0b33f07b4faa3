package contract_test

import (
	"regexp"
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

func TestTablesAreWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{}
	for _, table := range contract.Tables() {
		if seen[table.Name] || !name.MatchString(table.Name) {
			t.Errorf("table %q: duplicate or malformed name", table.Name)
		}
		seen[table.Name] = true
		if table.Grain == "" || len(table.Key) == 0 {
			t.Errorf("table %s: needs a grain and a key", table.Name)
		}
		for _, k := range table.Key {
			if c, ok := table.Column(k); !ok || c.Nullable {
				t.Errorf("table %s: key column %s must be declared and required", table.Name, k)
			}
		}
		if table.EventTime != "" {
			c, ok := table.Column(table.EventTime)
			if !ok || (c.Type != contract.Date && c.Type != contract.Timestamp) {
				t.Errorf("table %s: event time %s must be a date or a timestamp", table.Name, table.EventTime)
			}
		}
		columns := map[string]bool{}
		for _, c := range table.Columns {
			if columns[c.Name] || !name.MatchString(c.Name) {
				t.Errorf("table %s: column %q: duplicate or malformed name", table.Name, c.Name)
			}
			columns[c.Name] = true
			if c.Meaning == "" {
				t.Errorf("table %s: column %s has no meaning", table.Name, c.Name)
			}
		}
	}
	if len(seen) != 27 {
		t.Errorf("%d tables, want the 24 of exports.md section 7, two look-up tables and the statements that learning records are folded from", len(seen))
	}
	for _, table := range contract.Tables() {
		for _, c := range table.Columns {
			if c.Ref != "" && !seen[c.Ref] {
				t.Errorf("table %s: column %s refers to unknown table %s", table.Name, c.Name, c.Ref)
			}
		}
	}
}

func TestEnumsOfTheSourceKeepTheirText(t *testing.T) {
	table, _ := contract.Lookup("deal_registration")
	if _, ok := table.Column("status_raw"); !ok {
		t.Error("deal_registration.status has no status_raw")
	}
	if _, ok := table.Column("decided_basis_raw"); ok {
		t.Error("a tag must have no source text")
	}
	opportunity, _ := contract.Lookup("opportunity")
	if _, ok := opportunity.Column("stage_class_raw"); ok {
		t.Error("stage_class has its source text in stage_raw")
	}
}

func TestBatchResetKeepsShape(t *testing.T) {
	table, _ := contract.Lookup("opportunity_line")
	b := contract.NewBatch(table, 4)
	for i := range b.Columns {
		b.Columns[i].AppendNull()
	}
	b.Extra.AppendBytes([]byte(`{"a":"b"}`))
	b.Row = append(b.Row, 1)
	b.Reset()
	if b.Len() != 0 || b.Extra.Len() != 0 || b.Columns[0].Len() != 0 {
		t.Fatal("a reset batch must be empty")
	}
	b.Extra.AppendBytes([]byte("x"))
	if got := string(b.Extra.Bytes(0)); got != "x" {
		t.Fatalf("first row after a reset is %q", got)
	}
}
