package lake

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// model is what the lake should know: the state of each key, kept in the simplest way.
type model map[string]*known

type known struct {
	version, owner string
	alive          bool
	// absent is set where a snapshot, not a record, deleted the key.
	absent bool
}

// load applies one export and returns the counts that it should have.
func (m model) load(object string, snapshot bool, records []record) (rows, unchanged, deleted int64) {
	present, before := map[string]bool{}, map[string]bool{}
	for key := range m {
		before[key] = true
	}
	// Which keys were alive when the load began decides to whom they belong afterwards.
	alive := map[string]bool{}
	for key, k := range m {
		alive[key] = k.alive
	}
	for _, r := range records {
		key, version, gone := r["opportunity_id"].(string), r["product_code"].(string), r["_deleted"] == true
		present[key] = true
		k := m[key]
		if k != nil && k.version == version && k.alive == !gone && !k.absent {
			unchanged++
			continue
		}
		rows++
		if k == nil {
			k = &known{owner: object}
			m[key] = k
		} else if before[key] && !alive[key] {
			k.owner = object
		}
		k.version, k.alive, k.absent = version, !gone, false
	}
	if snapshot {
		for key, k := range m {
			if before[key] && alive[key] && k.alive && k.owner == object && !present[key] {
				k.alive, k.absent = false, true
				deleted++
			}
		}
	}
	return rows, unchanged, deleted
}

func (m model) state() map[string]string {
	out := map[string]string{}
	for key, k := range m {
		if k.alive {
			out["crm|"+key+"|1|"] = k.version + " "
		}
	}
	return out
}

func drawRecords(t *rapid.T) []record {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record {
		r := line(fmt.Sprintf("d%d", rapid.IntRange(0, 12).Draw(t, "deal")), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "version"))
		if rapid.IntRange(0, 5).Draw(t, "deleted") == 0 {
			r["_deleted"] = true
		}
		return r
	}), 0, 14).Draw(t, "records")
}

// Any sequence of loads, aborted loads, restarts and lost index files leads to the state that the model has,
// and the index is at all times what the files say.
func TestLakeFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "lake")
		if err != nil {
			rt.Fatal(err)
		}
		l := openLake(t, dir)
		m := model{}
		for hour := range rapid.IntRange(1, 8).Draw(rt, "loads") {
			object := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "object")
			mode := map[string]contract.Mode{"a": contract.Snapshot, "b": contract.Upsert}[object]
			if rapid.Bool().Draw(rt, "other mode") {
				mode = contract.Snapshot
			}
			e := nightly(object, mode).with(hour, "opportunity_line", drawRecords(rt)...)
			e.allowShrink, e.batch = true, rapid.IntRange(1, 5).Draw(rt, "batch")
			switch rapid.IntRange(0, 5).Draw(rt, "before") {
			case 0:
				ld, err := l.Begin(e.input())
				if err != nil {
					rt.Fatal(err)
				}
				if _, err := e.feed(t.Context(), ld); err != nil {
					rt.Fatal(err)
				}
				if err := ld.Abort(); err != nil {
					rt.Fatal(err)
				}
			case 1:
				l = openLake(t, dir)
			case 2:
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				l = openLake(t, dir)
			case 3:
				if err := os.RemoveAll(filepath.Join(dir, indexFolder)); err != nil {
					rt.Fatal(err)
				}
				l = openLake(t, dir)
			}
			if err := e.load(t.Context(), l); err != nil {
				rt.Fatal(err)
			}
			rows, unchanged, deleted := m.load(object, mode == contract.Snapshot, e.tables["opportunity_line"])
			got := last(t, l, "opportunity_line")
			if got.Rows != rows || got.Unchanged != unchanged || got.Deleted != deleted {
				rt.Fatalf("rows, unchanged, deleted are %d %d %d, want %d %d %d", got.Rows, got.Unchanged, got.Deleted, rows, unchanged, deleted)
			}
			if diff := cmp.Diff(m.state(), state(t, l, "opportunity_line", "product_code")); diff != "" {
				rt.Fatalf("state (-model +lake):\n%s", diff)
			}
			if kept, rebuilt := indexBytes(rt, l, false), indexBytes(rt, openLake(t, dir), true); !bytes.Equal(kept, rebuilt) {
				rt.Fatal("the index that was kept differs from the one that is rebuilt")
			}
		}
	})
}

// indexBytes returns the index of opportunity_line as it would be saved; from the files alone if rebuild is set.
func indexBytes(t *rapid.T, l *Lake, rebuild bool) []byte {
	k := historyKey{source: "crm", table: "opportunity_line"}
	if rebuild {
		saved := l.d.path(k.file())
		if err := os.Rename(saved, saved+".away"); err == nil {
			defer func() {
				if err := os.Rename(saved+".away", saved); err != nil {
					t.Fatal(err)
				}
			}()
		}
	}
	h, err := l.history(k, len(l.m.Inputs))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := h.x.save(&out, h.covered); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestModelKnowsDeletion(t *testing.T) {
	m := model{}
	m.load("a", true, []record{line("d1", "a"), line("d2", "a")})
	if rows, unchanged, deleted := m.load("a", true, []record{line("d1", "a")}); rows != 0 || unchanged != 1 || deleted != 1 {
		t.Errorf("%d rows, %d unchanged, %d deleted", rows, unchanged, deleted)
	}
	if got := m.state(); !maps.Equal(got, parseState("d1=a")) {
		t.Errorf("state %v", got)
	}
}
