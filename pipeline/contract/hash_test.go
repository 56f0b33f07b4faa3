package contract_test

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

func keyOf(write func(h *contract.Hasher)) contract.KeyHash {
	var h contract.Hasher
	write(&h)
	return h.Sum128()
}

func TestHasherTellsValuesApart(t *testing.T) {
	cases := map[string]func(h *contract.Hasher){
		"nothing":     func(h *contract.Hasher) {},
		"null":        func(h *contract.Hasher) { h.WriteNull() },
		"two nulls":   func(h *contract.Hasher) { h.WriteNull(); h.WriteNull() },
		"empty":       func(h *contract.Hasher) { h.WriteBytes(nil) },
		"a, bc":       func(h *contract.Hasher) { h.WriteBytes([]byte("a")); h.WriteBytes([]byte("bc")) },
		"ab, c":       func(h *contract.Hasher) { h.WriteBytes([]byte("ab")); h.WriteBytes([]byte("c")) },
		"abc":         func(h *contract.Hasher) { h.WriteBytes([]byte("abc")) },
		"zero":        func(h *contract.Hasher) { h.WriteInt(0) },
		"zero float":  func(h *contract.Hasher) { h.WriteFloat(0) },
		"false":       func(h *contract.Hasher) { h.WriteBool(false) },
		"true":        func(h *contract.Hasher) { h.WriteBool(true) },
		"minus one":   func(h *contract.Hasher) { h.WriteInt(-1) },
		"not a value": func(h *contract.Hasher) { h.WriteFloat(math.NaN()) },
	}
	seen := map[contract.KeyHash]string{}
	for name, write := range cases {
		k := keyOf(write)
		if other, dup := seen[k]; dup {
			t.Errorf("%s and %s hash alike", name, other)
		}
		seen[k] = name
	}
}

func TestHasherNormalisesFloats(t *testing.T) {
	zero := keyOf(func(h *contract.Hasher) { h.WriteFloat(0) })
	if minus := keyOf(func(h *contract.Hasher) { h.WriteFloat(math.Copysign(0, -1)) }); minus != zero {
		t.Error("minus zero must hash as zero")
	}
	nan := keyOf(func(h *contract.Hasher) { h.WriteFloat(math.NaN()) })
	if other := keyOf(func(h *contract.Hasher) { h.WriteFloat(math.Float64frombits(0x7ff8dead00000000)) }); other != nan {
		t.Error("every NaN must hash alike")
	}
}

// The hashes live in lake files: these values may never change.
func TestHashesOfTheLakeAreFixed(t *testing.T) {
	var h contract.Hasher
	h.WriteBytes([]byte("crm:deal:006A1"))
	h.WriteInt(19_675)
	h.WriteNull()
	h.WriteBool(true)
	h.WriteFloat(0.25)
	if got, want := h.Sum64(), uint64(goldenSum64); got != want {
		t.Errorf("Sum64 = %#x, want %#x", got, want)
	}
	if got, want := h.Sum128(), (contract.KeyHash{goldenHi, goldenLo}); got != want {
		t.Errorf("Sum128 = %#x, want %#x", got, want)
	}
}

const (
	goldenSum64 = 0x2f0f53d3c6981146
	goldenHi    = 0x0075446a556567c6
	goldenLo    = 0x571cdbbb7f7b6dd3
)

func TestRowHasherReadsKeyAndWholeRow(t *testing.T) {
	table, _ := contract.Lookup("opportunity_partner")
	b := contract.NewBatch(table, 3)
	row := func(deal, partner, role, extra string, deleted bool) {
		for i := range table.Columns {
			switch table.Columns[i].Name {
			case "opportunity_id":
				b.Columns[i].AppendBytes([]byte(deal))
			case "partner_id":
				b.Columns[i].AppendBytes([]byte(partner))
			case "role":
				b.Columns[i].AppendBytes([]byte(role))
			default:
				b.Columns[i].AppendNull()
			}
		}
		b.Extra.AppendBytes([]byte(extra))
		b.Row, b.Deleted = append(b.Row, 1), append(b.Deleted, deleted)
	}
	row("d1", "p1", "sourced", "{}", false)
	row("d1", "p1", "sourced", `{"a":1}`, false)
	row("d1", "p1", "sourced", "{}", true)
	row("d1", "p2", "sourced", "{}", false)
	h := contract.NewRowHasher(table)
	if h.Key(b, 0) != h.Key(b, 1) || h.Key(b, 0) != h.Key(b, 2) || h.Key(b, 0) == h.Key(b, 3) {
		t.Error("the key hash must cover the key columns and nothing else")
	}
	rows := map[uint64]bool{}
	for i := range b.Row {
		rows[h.Row(b, i)] = true
	}
	if len(rows) != 4 {
		t.Error("the row hash must cover columns, unmapped columns and the deletion mark")
	}
	// Ingest may write the key value by value instead.
	parts := keyOf(func(h *contract.Hasher) {
		h.WriteBytes([]byte("d1"))
		h.WriteBytes([]byte("p2"))
		h.WriteBytes([]byte("sourced"))
	})
	if parts != h.Key(b, 3) {
		t.Error("a key written value by value must hash as the row does")
	}
}

// The year and its first quarter begin on one day, and so do a quarter and its first month.
func TestTargetsOfOneStartAreToldApartByTheirEnd(t *testing.T) {
	table, _ := contract.Lookup("target")
	b := contract.NewBatch(table, 2)
	for _, end := range []int64{19_812, 20_087} {
		for i := range table.Columns {
			switch c := &b.Columns[i]; {
			case table.Columns[i].Name == "period_start":
				c.AppendInt(19_723)
			case table.Columns[i].Name == "period_end":
				c.AppendInt(end)
			case table.IsKey(table.Columns[i].Name):
				c.AppendBytes([]byte("same"))
			default:
				c.AppendNull()
			}
		}
		b.Extra.AppendNull()
		b.Row, b.Deleted = append(b.Row, 1), append(b.Deleted, false)
	}
	if h := contract.NewRowHasher(table); h.Key(b, 0) == h.Key(b, 1) {
		t.Error("the target of the first quarter has the key of the year's, and replaces it")
	}
}

func TestHasherSeparatesAnyTwoTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 2, 2)
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		same := bytes.Equal(a[0], b[0]) && bytes.Equal(a[1], b[1])
		hash := func(x [][]byte) contract.KeyHash {
			return keyOf(func(h *contract.Hasher) { h.WriteBytes(x[0]); h.WriteBytes(x[1]) })
		}
		if (hash(a) == hash(b)) != same {
			t.Fatalf("%q and %q: equal values must hash alike and others apart", a, b)
		}
	})
}

func BenchmarkRowHasher(b *testing.B) {
	table, _ := contract.Lookup("opportunity")
	batch := contract.NewBatch(table, 1)
	for i := range table.Columns {
		switch v := &batch.Columns[i]; v.Type {
		case contract.String, contract.JSON:
			v.AppendBytes([]byte("crm:deal:0061500000A1b2C3"))
		case contract.Bool:
			v.AppendBool(true)
		case contract.Float64:
			v.AppendFloat(0.5)
		default:
			v.AppendInt(int64(i))
		}
	}
	batch.Extra.AppendNull()
	batch.Row, batch.Deleted = append(batch.Row, 1), append(batch.Deleted, false)
	h := contract.NewRowHasher(table)
	b.ReportAllocs()
	for b.Loop() {
		h.Key(batch, 0)
		h.Row(batch, 0)
	}
}
