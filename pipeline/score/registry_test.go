package score_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// shelf is a registry in memory.
type shelf struct {
	kept             map[string][]byte
	loadErr, saveErr error
	saves            int
}

func (s *shelf) Load(fingerprint string) ([]byte, bool, error) {
	data, found := s.kept[fingerprint]
	return data, found, s.loadErr
}

func (s *shelf) Save(fingerprint string, data []byte) error {
	s.saves++
	if s.saveErr == nil {
		s.kept[fingerprint] = data
	}
	return s.saveErr
}

// only returns the one fit that is kept.
func (s *shelf) only(t testing.TB) (fingerprint string, data []byte) {
	t.Helper()
	if len(s.kept) != 1 {
		t.Fatalf("%d fits are kept, want 1", len(s.kept))
	}
	for fingerprint, data = range s.kept {
	}
	return fingerprint, data
}

func tables(r *score.ChurnResult) map[string]arrow.RecordBatch {
	return map[string]arrow.RecordBatch{"partners": r.Partners, "contributions": r.Contributions, "cards": r.Cards,
		"coefficients": r.Coefficients, "held out": r.HeldOut, "bands": r.Bands, "groups": r.Groups}
}

// sameRows demands equal tables, bit by bit.
func sameRows(t *testing.T, want, got *score.ChurnResult) {
	t.Helper()
	b := tables(got)
	for name, rec := range tables(want) {
		if !array.RecordEqual(rec, b[name]) {
			t.Errorf("%s differ", name)
		}
	}
}

// The programmes of the ladder: a published model, one tuned by cross-validation, a rejected one, a shadow, none at all.
var ladder = map[string]struct {
	g      programme
	change func(*score.Options)
}{
	"published":   {small, nil},
	"tuned":       {small, func(o *score.Options) { o.Ladder.CrossValidate = 31 }},
	"no signal":   {programme{partners: 150, months: 36, seed: 12, base: -3.9}, nil},
	"shadow":      {programme{partners: 60, months: 36, seed: 3, base: -4}, nil},
	"no churn":    {programme{partners: 20, months: 24, seed: 3, base: -9}, nil},
	"no training": {programme{partners: 20, months: 9, seed: 3, base: -3}, nil},
}

func TestKeptFitsScoreToTheSameBits(t *testing.T) {
	for name, tc := range ladder {
		t.Run(name, func(t *testing.T) {
			rows, s := tc.g.rows(), &shelf{kept: map[string][]byte{}}
			with := func(r score.Registry) *score.ChurnResult {
				return churn(t, rows, func(o *score.Options) {
					o.Resamples = 20
					if tc.change != nil {
						tc.change(o)
					}
					o.Registry, o.Version = r, "v1"
				})
			}
			alone, first, second := with(nil), with(s), with(s)
			sameRows(t, alone, first)
			sameRows(t, alone, second)
			if !alone.Summary.Refitted || !first.Summary.Refitted || second.Summary.Refitted || s.saves != 1 {
				t.Errorf("refitted %v, %v, %v; saved %d times", alone.Summary.Refitted, first.Summary.Refitted, second.Summary.Refitted, s.saves)
			}
			if n := len(first.Summary.Notes) + len(second.Summary.Notes); n > 0 {
				t.Errorf("notes %q %q", first.Summary.Notes, second.Summary.Notes)
			}
			fingerprint, _ := s.only(t)
			for _, c := range table(first.Cards) {
				if c["fingerprint"] != fingerprint || c["model_id"] != fmt.Sprintf("churn-%s-%s", c["method"], fingerprint[:12]) {
					t.Errorf("card %v of fingerprint %v", c["model_id"], c["fingerprint"])
				}
			}
		})
	}
}

// A kept fit that cannot be trusted is made anew and replaced, and the night says so.
func TestKeptFitsAreNeverTrustedBlindly(t *testing.T) {
	rows, s := small.rows(), &shelf{kept: map[string][]byte{}}
	night := func() *score.ChurnResult {
		return churn(t, rows, func(o *score.Options) { o.Registry, o.Version, o.Resamples = s, "v1", 10 })
	}
	want := night()
	fingerprint, good := s.only(t)
	edited := func(change func(m map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, tc := range map[string]struct {
		data []byte
		note string
	}{
		"empty":           {nil, "damaged"},
		"cut short":       {good[:len(good)/2], "damaged"},
		"older format":    {edited(func(m map[string]any) { m["format"] = 0 }), "it has format 0"},
		"older version":   {edited(func(m map[string]any) { m["version"] = "v0" }), `version "v0"`},
		"of other data":   {edited(func(m map[string]any) { m["fingerprint"] = strings.Repeat("0", 64) }), "other data"},
		"content changed": {[]byte(strings.Replace(string(good), `"lambda":10`, `"lambda":11`, 1)), "checksum"},
		"content foreign": {edited(func(m map[string]any) { m["fits"] = map[string]any{"a": 1} }), "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			s.kept[fingerprint] = tc.data
			got := night()
			sameRows(t, want, got)
			if !got.Summary.Refitted || len(got.Summary.Notes) != 1 || !strings.Contains(got.Summary.Notes[0], tc.note) {
				t.Errorf("refitted %v, notes %q, want %q", got.Summary.Refitted, got.Summary.Notes, tc.note)
			}
			if string(s.kept[fingerprint]) != string(good) {
				t.Error("the fit was not replaced")
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		s.loadErr, s.saveErr = errors.New("no such disk"), errors.New("disk full")
		got := night()
		sameRows(t, want, got)
		if len(got.Summary.Notes) != 1 || !strings.Contains(got.Summary.Notes[0], "disk full") {
			t.Errorf("notes %q", got.Summary.Notes)
		}
	})
}

// Whatever byte of a kept fit is turned, no row changes and nothing panics.
func TestADamagedByteChangesNoRow(t *testing.T) {
	rows, s := programme{partners: 40, months: 24, seed: 3, base: -3.5}.rows(), &shelf{kept: map[string][]byte{}}
	night := func() *score.ChurnResult {
		return churn(t, rows, func(o *score.Options) {
			o.Registry, o.Version, o.Resamples = s, "v1", 3
			o.Ladder = score.Ladder{Shadow: 2, Ridge: 3, CrossValidate: 1000}
		})
	}
	want := night()
	fingerprint, good := s.only(t)
	rapid.Check(t, func(rt *rapid.T) {
		bad := slices.Clone(good)
		bad[rapid.IntRange(0, len(bad)-1).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		s.kept[fingerprint] = bad
		sameRows(t, want, night())
	})
}

// The fingerprint is that of what is learned from: a new night, another order or other partners tonight leave it as it is.
func TestFingerprintIsOfTheLesson(t *testing.T) {
	id := func(t *testing.T, rows []map[string]any, change func(*score.Options)) any {
		t.Helper()
		return reported(t, churn(t, rows, func(o *score.Options) {
			o.Resamples = 5
			if change != nil {
				change(o)
			}
		}))["model_id"]
	}
	rows := small.rows()
	want := id(t, rows, nil)
	edit := func(change func(rows []map[string]any) []map[string]any) []map[string]any { return change(clone(rows)) }
	known := slices.IndexFunc(rows, func(r map[string]any) bool { return r["is_usable"] == true })
	for name, tc := range map[string]struct {
		rows   []map[string]any
		change func(*score.Options)
		same   bool
	}{
		"the next night":      {rows, func(o *score.Options) { o.AsOf = o.AsOf.Add(24 * time.Hour) }, true},
		"another currency":    {rows, func(o *score.Options) { o.Currency = "EUR" }, true},
		"another program":     {rows, func(o *score.Options) { o.Version = "v2" }, true},
		"another seed":        {rows, func(o *score.Options) { o.Seed = 2 }, false},
		"another penalty":     {rows, func(o *score.Options) { o.Lambda = 11 }, false},
		"another ladder":      {rows, func(o *score.Options) { o.Ladder.Shadow++ }, false},
		"fewer resamples":     {rows, func(o *score.Options) { o.Resamples = 4 }, false},
		"rows in disorder":    {edit(func(r []map[string]any) []map[string]any { slices.Reverse(r); return r }), nil, true},
		"a value of tonight":  {edit(func(r []map[string]any) []map[string]any { return tonight(r, "revenue_trend", 0.123) }), nil, true},
		"a value of the past": {edit(func(r []map[string]any) []map[string]any { r[known]["meetings_90d"] = 17.0; return r }), nil, false},
		"an outcome": {edit(func(r []map[string]any) []map[string]any {
			r[known]["label"] = 1 - r[known]["label"].(int)
			return r
		}), nil, false},
		"a family": {edit(func(r []map[string]any) []map[string]any { r[known]["family_id"] = "other"; return r }), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := id(t, tc.rows, tc.change); (got == want) != tc.same {
				t.Errorf("model %v, before %v", got, want)
			}
		})
	}
}

// tonight sets a value of all partners of tonight.
func tonight(rows []map[string]any, column string, v any) []map[string]any {
	for _, r := range rows {
		if r["is_as_of"] == true {
			r[column] = v
		}
	}
	return rows
}

// All methods are judged on the same rows, and the published measures are those of the published predictions.
func TestBaselinesStandBesideTheModel(t *testing.T) {
	r := churn(t, small.rows(), nil)
	type prediction struct{ p, y float64 }
	predicted, rows := map[any][]prediction{}, map[any]map[string]bool{}
	for _, h := range table(r.HeldOut) {
		m := h["model_id"]
		predicted[m] = append(predicted[m], prediction{number(t, h, "probability"), float64(h["label"].(int64))})
		if rows[m] == nil {
			rows[m] = map[string]bool{}
		}
		rows[m][fmt.Sprint(h["partner_id"], h["snapshot_on"])] = true
	}
	roles := map[any]any{}
	model := reported(t, r)
	for _, c := range table(r.Cards) {
		roles[c["method"]] = c["role"]
		id := c["model_id"]
		if !maps.Equal(rows[id], rows[model["model_id"]]) {
			t.Errorf("%v is judged on %d rows of its own", id, len(rows[id]))
		}
		above, pairs, brier := 0.0, 0.0, 0.0
		for _, a := range predicted[id] {
			brier += (a.p - a.y) * (a.p - a.y) / float64(len(predicted[id]))
			for _, b := range predicted[id] {
				if a.y == 1 && b.y == 0 {
					pairs++
					switch {
					case a.p > b.p:
						above++
					case a.p == b.p:
						above += 0.5
					}
				}
			}
		}
		if d := number(t, c, "auc") - above/pairs; d > 1e-9 || d < -1e-9 {
			t.Errorf("%v: AUC %v, of its predictions %v", id, c["auc"], above/pairs)
		}
		if d := number(t, c, "brier") - brier; d > 1e-9 || d < -1e-9 {
			t.Errorf("%v: Brier %v, of its predictions %v", id, c["brier"], brier)
		}
		if c["auc_recency"] != model["auc_recency"] || c["auc_recency_low"] != model["auc_recency_low"] {
			t.Errorf("%v: recency alone %v [%v], beside the model %v", id, c["auc_recency"], c["auc_recency_low"], model["auc_recency"])
		}
		if (c["verdict"] == nil) != (c["role"] == "baseline") || c["is_reported"] != (c["role"] == "published") {
			t.Errorf("card %v", c)
		}
	}
	want := map[any]any{"ridge": "published", "recency": "baseline", "scorecard": "baseline", "majority": "baseline"}
	if !maps.Equal(roles, want) {
		t.Errorf("cards %v", roles)
	}
	for _, c := range table(r.Cards) {
		switch c["method"] {
		case "majority":
			if c["auc"] != 0.5 || c["auc_low"] != 0.5 || c["calibration_slope"] != nil {
				t.Errorf("the base rate for everyone ranks: %v", c["auc"])
			}
		case "recency":
			if c["auc"] != c["auc_recency"] || c["auc_gain"] != 0.0 {
				t.Errorf("recency alone is not recency alone: %v", c)
			}
		}
	}
}

// The order of rows and the number of threads change nothing, on any programme and any seed.
func TestAnyProgrammeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := programme{partners: rapid.IntRange(5, 40).Draw(rt, "partners"), months: rapid.IntRange(10, 30).Draw(rt, "months"),
			seed: rapid.Uint64().Draw(rt, "programme"), base: -3.2, recency: 0.5, trend: 0.5}
		rows := g.rows()
		seed := rapid.Uint64().Draw(rt, "seed")
		keep := func(o *score.Options) {
			o.Ladder = score.Ladder{Shadow: 2, Ridge: 4, CrossValidate: 12}
			o.Resamples, o.Seed = 5, seed
		}
		want := churn(t, rows, keep)
		rand.New(rand.NewPCG(g.seed, 1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		sameRows(t, want, churn(t, rows, keep))
	})
}
