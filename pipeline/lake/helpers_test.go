package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/lake/parquetfile"
)

// record is one typed record of an export, by column; columns that are left out are null, or something
// that fits where they are required. "_deleted" and "_extra" are as in the lake.
type record map[string]any

// export is one export as ingest would hand it over.
type export struct {
	source, object, path, mapping string
	// hour is when it was received; content its bytes, of which only the hash counts.
	hour    int
	content string
	run     string
	modes   map[string]contract.Mode
	tables  map[string][]record
	// rejected records per table, and keys of them that could be read.
	rejected    map[string]int64
	kept        map[string][]record
	rejects     []contract.Reject
	batch       int
	allowShrink bool
}

// with returns a copy of e that was received at another hour and holds other records of one table.
func (e export) with(hour int, table string, records ...record) export {
	e.hour, e.content = hour, fmt.Sprint(e.path, hour, records)
	e.tables = maps.Clone(e.tables)
	if e.tables == nil {
		e.tables = map[string][]record{}
	}
	e.tables[table] = records
	return e
}

func micros(hour int) int64 {
	return time.Date(2026, 10, 1, hour, 0, 0, 0, time.UTC).UnixMicro()
}

func (e export) input() Input {
	sum := sha256.Sum256([]byte(e.content))
	sha := hex.EncodeToString(sum[:])
	mapping := e.mapping
	if mapping == "" {
		mapping = "abcdef0123456789"
	}
	run := e.run
	if run == "" {
		run = "run-1"
	}
	return Input{
		Key: InputKey{SHA256: sha, MappingVersion: mapping, Source: e.source},
		Provenance: contract.Provenance{
			Source: e.source, Preset: "plain@" + mapping, Object: e.object, File: e.path, SHA256: sha, Dialect: "csv;utf-8", RunID: run,
			LoadedAt: micros(e.hour),
		},
		Modes: e.modes, AllowShrink: e.allowShrink,
	}
}

// appendRecord adds a record to a batch and hashes it as ingest does.
func appendRecord(b *contract.Batch, h *contract.RowHasher, r record, number int) {
	for i := range b.Table.Columns {
		c, v := &b.Table.Columns[i], &b.Columns[i]
		x, ok := r[c.Name]
		switch {
		case ok && c.Type == contract.Bool:
			v.AppendBool(x.(bool))
		case ok && c.Type == contract.Float64:
			v.AppendFloat(x.(float64))
		case ok && v.Offsets != nil:
			v.AppendBytes([]byte(x.(string)))
		case ok:
			v.AppendInt(int64(x.(int)))
		case c.Nullable:
			v.AppendNull()
		case c.Type == contract.Bool:
			v.AppendBool(false)
		case c.Type == contract.Float64:
			v.AppendFloat(0)
		case v.Offsets != nil:
			v.AppendBytes([]byte("?"))
		default:
			v.AppendInt(0)
		}
	}
	if extra, ok := r["_extra"]; ok {
		b.Extra.AppendBytes([]byte(extra.(string)))
	} else {
		b.Extra.AppendNull()
	}
	b.Deleted = append(b.Deleted, r["_deleted"] == true)
	b.Row = append(b.Row, int64(number))
	i := b.Len() - 1
	b.KeyHash = append(b.KeyHash, h.Key(b, i))
	b.RowHash = append(b.RowHash, h.Row(b, i))
}

// feed hands the records of an export to an open load and returns what became of them.
func (e export) feed(ctx context.Context, ld *Load) ([]TableCount, error) {
	var counts []TableCount
	for _, name := range slices.Sorted(maps.Keys(e.modes)) {
		table, _ := contract.Lookup(name)
		h := contract.NewRowHasher(table)
		count := TableCount{Table: name, Rejected: e.rejected[name]}
		one, batch := contract.NewBatch(table, 1), contract.NewBatch(table, 16)
		for i, r := range e.tables[name] {
			one.Reset()
			appendRecord(one, h, r, i+1)
			if ld.Unchanged(name, one.KeyHash[0], one.RowHash[0]) {
				count.Unchanged++
				continue
			}
			count.Rows++
			appendRecord(batch, h, r, i+1)
			if batch.Len() == max(e.batch, 3) {
				if err := ld.Write(ctx, batch); err != nil {
					return nil, err
				}
				batch.Reset()
			}
		}
		if err := ld.Write(ctx, batch); err != nil {
			return nil, err
		}
		for _, r := range e.kept[name] {
			one.Reset()
			appendRecord(one, h, r, 0)
			ld.Keep(name, one.KeyHash[0])
		}
		counts = append(counts, count)
	}
	for _, r := range e.rejects {
		if err := ld.Reject(ctx, r); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// load loads an export and commits it.
func (e export) load(ctx context.Context, l *Lake) (err error) {
	ld, err := l.Begin(e.input())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ld.Abort()) }()
	counts, err := e.feed(ctx, ld)
	if err != nil {
		return err
	}
	return ld.Commit(ctx, Outcome{Counts: counts})
}

// openLake opens a lake that does not wait for the disk.
func openLake(t testing.TB, dir string) *Lake {
	t.Helper()
	l, err := open(&disk{dir: dir, volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustLoad(t testing.TB, l *Lake, exports ...export) {
	t.Helper()
	for _, e := range exports {
		if err := e.load(t.Context(), l); err != nil {
			t.Fatalf("load %s: %v", e.path, err)
		}
	}
}

// last returns what the newest input of the lake did to a table.
func last(t testing.TB, l *Lake, table string) TableRecord {
	t.Helper()
	inputs := l.Inputs()
	for _, tr := range inputs[len(inputs)-1].Tables {
		if tr.Table == table {
			return tr
		}
	}
	t.Fatalf("the last input has no table %s", table)
	return TableRecord{}
}

// lakeRow is a row as it lies in a lake file.
type lakeRow struct {
	values record // null columns left out
	key    string
}

// readFile returns the rows of a lake file with the given columns.
func readFile(t testing.TB, path string, columns []contract.Column) []record {
	t.Helper()
	f, err := parquetfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []record
	for g := range f.Groups() {
		rows := make([]record, f.GroupRows(g))
		for i := range rows {
			rows[i] = record{}
		}
		for _, c := range columns {
			v := contract.NewVector(c.Type, 0)
			if err := f.Read(g, c, &v); err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				switch {
				case !v.Valid[i]:
				case v.Offsets != nil:
					rows[i][c.Name] = string(v.Bytes(i))
				case c.Type == contract.Bool:
					rows[i][c.Name] = v.Bools[i]
				case c.Type == contract.Float64:
					rows[i][c.Name] = v.Floats[i]
				default:
					rows[i][c.Name] = int(v.Ints[i])
				}
			}
		}
		out = append(out, rows...)
	}
	return out
}

// rows returns all rows of a table with their lineage, in the order of the lake.
func rows(t testing.TB, l *Lake, name string) []lakeRow {
	t.Helper()
	table, _ := contract.Lookup(name)
	var out []lakeRow
	for _, path := range l.Files(name) {
		for _, values := range readFile(t, path, append(slices.Clone(table.Columns), contract.Lineage()...)) {
			key := ""
			for _, k := range table.Key {
				key += fmt.Sprintf("%v|", values[k])
			}
			out = append(out, lakeRow{values: values, key: values["_source"].(string) + "|" + key})
		}
	}
	return out
}

// state returns the living rows of a table, newest version of each key, with the given columns; by key.
func state(t testing.TB, l *Lake, name string, columns ...string) map[string]string {
	t.Helper()
	newest := map[string]lakeRow{}
	for _, r := range rows(t, l, name) {
		if old, ok := newest[r.key]; !ok || old.values["_loaded_at"].(int) <= r.values["_loaded_at"].(int) {
			newest[r.key] = r
		}
	}
	out := map[string]string{}
	for key, r := range newest {
		if r.values["_deleted"] == true {
			continue
		}
		text := ""
		for _, c := range columns {
			text += fmt.Sprintf("%v ", r.values[c])
		}
		out[key] = text
	}
	return out
}

// snapshotOf returns every file below a folder with its content's hash.
func snapshotOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = fmt.Sprintf("%d bytes %x", len(content), sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
