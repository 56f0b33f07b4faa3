package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// memory is a sink that keeps what it is given.
type memory struct {
	dialect string
	rows    []row
	rejects []contract.Reject
	known   map[string]map[contract.KeyHash]uint64
	kept    map[string]int
	// written counts rows by table; isLight keeps the count alone.
	written map[string]int64
	isLight bool
	// tamper, where set, is done to every batch that is written.
	tamper func(*contract.Batch)
	err    error
}

// row is one written row: its values as text, nulls left out.
type row struct {
	Table   string
	Number  int64
	Values  map[string]string
	Extra   string
	Deleted bool
	Key     contract.KeyHash
	Hash    uint64
}

func (m *memory) SetDialect(dialect string) error { m.dialect = dialect; return nil }

func (m *memory) Unchanged(table string, key contract.KeyHash, hash uint64) bool {
	if m.known == nil {
		m.known = map[string]map[contract.KeyHash]uint64{}
	}
	if m.known[table] == nil {
		m.known[table] = map[contract.KeyHash]uint64{}
	}
	if old, ok := m.known[table][key]; ok && old == hash {
		return true
	}
	m.known[table][key] = hash
	return false
}

func (m *memory) Keep(table string, _ contract.KeyHash) {
	if m.kept == nil {
		m.kept = map[string]int{}
	}
	m.kept[table]++
}

func (m *memory) Write(_ context.Context, b *contract.Batch) error {
	if m.err != nil {
		return m.err
	}
	if m.written == nil {
		m.written = map[string]int64{}
	}
	m.written[b.Table.Name] += int64(b.Len())
	for i := range b.Len() {
		if m.isLight {
			break
		}
		r := row{Table: b.Table.Name, Number: b.Row[i], Values: map[string]string{}, Deleted: b.Deleted[i], Key: b.KeyHash[i], Hash: b.RowHash[i]}
		for c := range b.Columns {
			if v := &b.Columns[c]; v.Valid[i] {
				r.Values[b.Table.Columns[c].Name] = show(v, i)
			}
		}
		if b.Extra.Valid[i] {
			r.Extra = string(b.Extra.Bytes(i))
		}
		m.rows = append(m.rows, r)
	}
	if m.tamper != nil {
		m.tamper(b)
	}
	return nil
}

func (m *memory) Reject(_ context.Context, r contract.Reject) error {
	m.rejects = append(m.rejects, r)
	return m.err
}

// show writes a value as a person would.
func show(v *contract.Vector, i int) string {
	switch v.Type {
	case contract.Bool:
		return strconv.FormatBool(v.Bools[i])
	case contract.Int64:
		return strconv.FormatInt(v.Ints[i], 10)
	case contract.Decimal:
		s := strconv.FormatFloat(float64(v.Ints[i])/10_000, 'f', 4, 64)
		return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	case contract.Date:
		return time.Unix(v.Ints[i]*86_400, 0).UTC().Format(time.DateOnly)
	case contract.Timestamp:
		return time.UnixMicro(v.Ints[i]).UTC().Format(time.RFC3339Nano)
	case contract.Float64:
		return strconv.FormatFloat(v.Floats[i], 'g', -1, 64)
	}
	return string(v.Bytes(i))
}

// values returns the rows of a table as the text of some columns, "-" for null.
func (m *memory) values(table string, columns ...string) []string {
	var out []string
	for _, r := range m.rows {
		if r.Table != table {
			continue
		}
		var cells []string
		for _, c := range columns {
			v, ok := r.Values[c]
			if !ok {
				v = "-"
			}
			cells = append(cells, v)
		}
		out = append(out, strings.Join(cells, " "))
	}
	return out
}

// refusals returns the rejects, one a line: record, line, offset, column, rule, kept or refused.
func (m *memory) refusals() []string {
	var out []string
	for _, r := range m.rejects {
		kept := "refused"
		if r.RowKept {
			kept = "kept"
		}
		out = append(out, fmt.Sprintf("%d line %d byte %d: %s %s %s", r.Record, r.Line, r.Offset, r.Column, r.Rule, kept))
	}
	return out
}

// mapping parses a mapping and returns its only object.
func mapping(t testing.TB, yaml string) *preset.Object {
	t.Helper()
	m, err := preset.Parse("test.yaml", []byte(strings.ReplaceAll(yaml, "\t", "  ")))
	if err != nil {
		t.Fatal(err)
	}
	return &m.Objects[0]
}

// rates is the smallest mapping: a table of exchange rates.
func rates(t testing.TB, read string) *preset.Object {
	t.Helper()
	return mapping(t, `
objects:
	- object: rates
		files: ["*.csv"]
		mode: append
		read: {`+read+`}
		tables:
			- table: fx_rate
				columns:
					currency: {from: Currency}
					base_currency: {const: EUR}
					valid_from: {from: Day}
					rate: {from: Rate}
`)
}

// load ingests text as the file test.csv of the source crm.
func load(t testing.TB, obj *preset.Object, text string) (ingest.Result, *memory, error) {
	t.Helper()
	sink := &memory{}
	result, err := loadInto(sink, obj, text)
	return result, sink, err
}

func loadInto(sink ingest.Sink, obj *preset.Object, text string) (ingest.Result, error) {
	return ingest.File(context.Background(), strings.NewReader(text), "in/test.csv", "abc", obj, ingest.Options{Source: "crm", EmailKey: []byte("k")}, sink)
}

// mustLoad is load of a file that is not refused; it checks what holds for every file.
func mustLoad(t testing.TB, obj *preset.Object, text string) (ingest.Result, *memory) {
	t.Helper()
	result, sink, err := load(t, obj, text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	checkResult(t, result, sink)
	return result, sink
}

// checkResult checks the law from what the sink saw: every record is accounted for in every table, every refused
// record is among the rejects with all that a person needs, and hashes are those of the contract.
func checkResult(t testing.TB, result ingest.Result, sink *memory) {
	t.Helper()
	refused := map[string]int64{}
	values := int64(0)
	for _, r := range sink.rows {
		if r.Extra != "" && !json.Valid([]byte(r.Extra)) {
			t.Errorf("record %d: %s is no JSON", r.Number, r.Extra)
		}
	}
	tables := map[string]ingest.TableCount{}
	for _, c := range result.Tables {
		if c.Units < result.Records || c.Rows+c.Unchanged+c.Filtered+c.Rejected != c.Units {
			t.Errorf("%+v does not add up for %d records", c, result.Records)
		}
		sum := tables[c.Table]
		sum.Rows, sum.Rejected = sum.Rows+c.Rows, sum.Rejected+c.Rejected
		tables[c.Table] = sum
		refused[c.Table] += 0
	}
	for _, r := range sink.rejects {
		switch {
		case r.RowKept:
			values++
		case r.Table == "":
			for _, c := range result.Tables {
				refused[c.Table]++
			}
		default:
			refused[r.Table]++
		}
		if r.Rule == "" || r.Message == "" || r.NextStep == "" || r.Raw == "" || r.Record < 1 || r.Line < 1 || r.File == "" || r.SHA256 == "" || r.Source == "" || r.Object == "" {
			t.Errorf("incomplete reject %+v", r)
		}
	}
	for table, c := range tables {
		if c.Rows != sink.written[table] || c.Rejected != refused[table] {
			t.Errorf("%s: counted %d rows and %d rejects, the sink has %d and %d", table, c.Rows, c.Rejected, sink.written[table], refused[table])
		}
	}
	if values != result.Values {
		t.Errorf("counted %d dropped values, the sink has %d", result.Values, values)
	}
}
