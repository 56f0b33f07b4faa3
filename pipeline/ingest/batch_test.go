package ingest

import (
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// sample appends row i to a batch of survey answers: texts, numbers, bools and times, some of them null.
func sample(b *contract.Batch, i int) {
	for c := range b.Columns {
		v := &b.Columns[c]
		if (i+c)%3 == 0 {
			v.AppendNull()
			continue
		}
		switch v.Type {
		case contract.Bool:
			v.AppendBool(i%2 == 0)
		case contract.Float64:
			v.AppendFloat(float64(i))
		case contract.String, contract.JSON:
			v.AppendBytes(fmt.Append(nil, i, "-", c))
		default:
			v.AppendInt(int64(i))
		}
	}
	b.Extra.AppendBytes(fmt.Append(nil, i))
	b.Row, b.RowHash = append(b.Row, int64(i)), append(b.RowHash, uint64(i))
	b.KeyHash, b.Deleted = append(b.KeyHash, contract.KeyHash{uint64(i)}), append(b.Deleted, i%5 == 0)
}

// A compacted batch is the one that would have been made of the kept rows alone, and goes on to take rows.
func TestCompact(t *testing.T) {
	table, _ := contract.Lookup("learning_record")
	rapid.Check(t, func(t *rapid.T) {
		keep := rapid.SliceOfN(rapid.Bool(), 0, 20).Draw(t, "keep")
		got, want := contract.NewBatch(table, 4), contract.NewBatch(table, 4)
		for i, k := range keep {
			sample(got, i)
			if k {
				sample(want, i)
			}
		}
		compact(got, keep)
		sample(got, 99)
		sample(want, 99)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("keep %v (-want +got):\n%s", keep, diff)
		}
	})
}

// A row that was only begun leaves nothing behind.
func TestTruncate(t *testing.T) {
	table, _ := contract.Lookup("learning_record")
	for began := range len(table.Columns) + 1 {
		got, want := contract.NewBatch(table, 4), contract.NewBatch(table, 4)
		sample(got, 1)
		sample(want, 1)
		row := contract.NewBatch(table, 1)
		sample(row, 2)
		for c := range began {
			if v := &got.Columns[c]; row.Columns[c].Valid[0] && (v.Type == contract.String || v.Type == contract.JSON) {
				v.AppendBytes(row.Columns[c].Bytes(0))
			} else {
				v.AppendNull()
			}
		}
		truncate(got, 1)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("after %d columns (-want +got):\n%s", began, diff)
		}
	}
}

func TestJSONTextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if !utf8.ValidString(text) {
			t.Skip("only UTF-8 gets this far")
		}
		encoded := appendJSONText([]byte("x"), []byte(text))
		var got string
		if err := json.Unmarshal(encoded[1:], &got); err != nil || got != text {
			t.Fatalf("%q is written %s and reads %q, %v", text, encoded, got, err)
		}
	})
}
