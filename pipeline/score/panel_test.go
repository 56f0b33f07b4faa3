package score_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// small is a programme with about 40 churns in training, and a strong signal.
var small = programme{partners: 130, months: 36, seed: 8, base: -4, recency: 0.5, trend: 1.2}

// clone copies rows so that a test may damage them.
func clone(rows []map[string]any) []map[string]any {
	out := make([]map[string]any, len(rows))
	for i, r := range rows {
		out[i] = map[string]any{}
		for k, v := range r {
			out[i][k] = v
		}
	}
	return out
}

func byPartner(r *score.ChurnResult) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, s := range table(r.Partners) {
		out[s["partner_id"].(string)] = s
	}
	return out
}

func TestStatuses(t *testing.T) {
	rows := small.rows()
	last := map[string]map[string]any{}
	tonight := map[string]bool{}
	for _, r := range rows {
		id := r["partner_id"].(string)
		last[id], tonight[id] = r, tonight[id] || r["is_as_of"] == true
	}
	var live, gone []string
	for k := range small.partners {
		id := fmt.Sprintf("P%04d", k)
		switch r := last[id]; {
		case tonight[id] && r["tenure_months"].(int) > 6:
			live = append(live, id)
		case r != nil && !tonight[id]:
			gone = append(gone, id)
		}
	}
	last[live[1]]["tenure_months"] = 2
	last[live[5]]["tenure_months"], last[live[5]]["returned_partner"] = 2, 1.0
	last[live[2]]["is_at_risk"] = false
	last[live[3]]["is_at_risk"] = false
	roster := records{partnerColumns, []map[string]any{
		{"partner_id": live[0], "first_commercial_on": date("2024-01-01")},
		{"partner_id": live[1], "first_commercial_on": date("2026-09-01")},
		{"partner_id": live[2], "first_commercial_on": date("2024-01-01")},
		{"partner_id": live[3], "first_commercial_on": date("2024-01-01"), "exited_on": date("2026-10-31")},
		{"partner_id": live[4], "first_commercial_on": date("2024-01-01"), "exited_on": date("2026-11-01")},
		{"partner_id": gone[0], "first_commercial_on": date("2024-01-01"), "exited_on": date("2026-05-05")},
		{"partner_id": gone[1], "first_commercial_on": date("2024-01-01")},
		{"partner_id": "never sold"},
		{"partner_id": "left before the history", "first_commercial_on": date("2019-01-01"), "exited_on": date("2020-01-01")},
	}}
	r, err := score.Churn(t.Context(), records{featureColumns, rows}.build(t), roster.build(t), score.DefaultOptions(asOf))
	if err != nil {
		t.Fatal(err)
	}
	if reported(t, r)["role"] != "published" {
		t.Fatalf("the model is not published: %v", reported(t, r)["reason"])
	}
	got := byPartner(r)
	for id, want := range map[string]struct {
		status, method string
		probability    bool
		note           string
	}{
		live[0]:                   {"scored", "ridge", true, ""},
		live[1]:                   {"cold_start", "cold_start", true, "under 3 months since its first deal"},
		live[5]:                   {"cold_start", "cold_start", true, "under 3 months since it came back"},
		live[2]:                   {"churned", "", false, "silent for longer than its own rhythm allows"},
		live[3]:                   {"exited", "ridge", true, "ended on 2026-10-31"},
		live[4]:                   {"scored", "ridge", true, ""},
		gone[0]:                   {"exited", "ridge", true, "ended on 2026-05-05; scored as it stood on " + last[gone[0]]["snapshot_on"].(arrow.Date32).ToTime().Format(time.DateOnly) + ", when it was last at risk"},
		gone[1]:                   {"churned", "", false, ""},
		"never sold":              {"no_commercial_event", "", false, "no registration"},
		"left before the history": {"exited", "", false, "ended on 2020-01-01"},
	} {
		s := got[id]
		method, _ := s["score_method"].(string)
		note, _ := s["note"].(string)
		if s["status"] != want.status || method != want.method || (s["probability"] != nil) != want.probability || !strings.Contains(note, want.note) {
			t.Errorf("%s: %v, want %+v", id, s, want)
		}
		if (s["band"] != nil) != (want.status == "scored") {
			t.Errorf("%s: %v is in band %v", id, s["status"], s["band"])
		}
	}
	if s := got[gone[0]]; s["snapshot_on"] != last[gone[0]]["snapshot_on"] {
		t.Errorf("the exited partner is scored at %v, its last snapshot is %v", s["snapshot_on"], last[gone[0]]["snapshot_on"])
	}
	if s := got[live[0]]; s["snapshot_on"] != date("2026-11-01") {
		t.Errorf("the night's snapshot is %v", s["snapshot_on"])
	}
}

// A new partner's rate is its segment's, drawn towards the programme's.
func TestColdStartUsesTheSegment(t *testing.T) {
	rows := small.rows()
	var cold []string
	events, n := map[string]float64{}, map[string]float64{}
	for _, r := range rows {
		if r["is_usable"] == true {
			events[r["segment"].(string)] += float64(r["label"].(int))
			n[r["segment"].(string)]++
		}
		if r["is_as_of"] == true && len(cold) < 2 && (len(cold) == 0 || r["segment"] == "si") {
			r["tenure_months"], r["segment"] = 1, []string{"reseller", "si"}[len(cold)]
			cold = append(cold, r["partner_id"].(string))
		}
	}
	got := byPartner(churn(t, rows, nil))
	rate := (events["reseller"] + events["si"] + 5) / (n["reseller"] + n["si"] + 50)
	for k, segment := range []string{"reseller", "si"} {
		want := (events[segment] + 50*rate) / (n[segment] + 50)
		s := got[cold[k]]
		if p := number(t, s, "probability"); math.Abs(p-want) > 1e-9 || number(t, s, "low") >= p || number(t, s, "high") <= p {
			t.Errorf("%s: %v, want probability %v", segment, s, want)
		}
	}
}

// The newest rows whose horizon reaches into the test period are purged, and nothing of the test period is learned from.
func TestHeldOutOutcomesAreNeverLearnedFrom(t *testing.T) {
	rows := small.rows()
	card := reported(t, churn(t, rows, nil))
	from, to := card["held_out_from"].(arrow.Date32), card["train_to"].(arrow.Date32)
	if to+180 > from || card["rows_purged"].(int64) == 0 {
		t.Errorf("training ends %v, held out from %v, %v rows purged", to.ToTime(), from.ToTime(), card["rows_purged"])
	}
	if months := card["months_without_outcome"].(int64); months != 5 {
		t.Errorf("%d newest months without outcome, want 5", months)
	}
	turned := clone(rows)
	for _, r := range turned {
		if r["is_usable"] == true && r["snapshot_on"].(arrow.Date32)+180 > from {
			r["label"] = 1 - r["label"].(int)
		}
	}
	before, after := table(churn(t, rows, nil).HeldOut), table(churn(t, turned, func(o *score.Options) {
		o.Ladder = score.Ladder{Shadow: 2, Ridge: 2, CrossValidate: 1000}
	}).HeldOut)
	predictions := func(rows []map[string]any) map[string]any {
		out := map[string]any{}
		for _, r := range rows {
			if strings.HasPrefix(r["model_id"].(string), "churn-ridge-") {
				out[fmt.Sprint(r["partner_id"], r["snapshot_on"])] = r["probability"]
			}
		}
		return out
	}
	a, b := predictions(before), predictions(after)
	if len(a) == 0 || len(a) != len(b) {
		t.Fatalf("%d and %d predictions", len(a), len(b))
	}
	for k, v := range a {
		if b[k] != v {
			t.Fatalf("%s: %v, after turning the outcomes that must not count %v", k, v, b[k])
		}
	}
}

func TestOutcomeBeforeItsTimeIsAnError(t *testing.T) {
	rows := small.rows()
	for _, r := range rows {
		if r["is_as_of"] == true {
			r["is_usable"], r["label"] = true, 0
			break
		}
	}
	_, err := score.Churn(t.Context(), records{featureColumns, rows}.build(t), nil, score.DefaultOptions(asOf))
	var leak *score.LeakageError
	if !errors.As(err, &leak) || !strings.Contains(err.Error(), "only known on 2027-04-30, after the as-of date 2026-10-31") {
		t.Errorf("error %v", err)
	}
}

func TestBadRecordsAreRefused(t *testing.T) {
	good := small.rows()[:40]
	for _, tc := range []struct {
		name   string
		damage func(r *records)
		want   string
	}{
		{"a column missing", func(r *records) { r.columns = r.columns[:len(r.columns)-1] }, "column tenure_12_23: the record does not have it once"},
		{"a column twice", func(r *records) { r.columns = append(r.columns, r.columns[0]) }, "column partner_id: the record does not have it once"},
		{"text for a number", func(r *records) {
			r.columns = append(r.columns[:len(r.columns)-1:len(r.columns)-1], fields(arrow.BinaryTypes.String, "tenure_12_23")...)
			for _, row := range r.rows {
				row["tenure_12_23"] = "x"
			}
		}, "column tenure_12_23: type utf8 is not a number"},
		{"a partner without id", func(r *records) { r.rows[3]["partner_id"] = nil }, "column partner_id: a value is missing"},
		{"a snapshot twice", func(r *records) { r.rows = append(r.rows, r.rows[0]) }, "column snapshot_on: partner P0000 at 2024-05-01: the snapshot is there twice"},
		{"a snapshot without date", func(r *records) { r.rows[0]["snapshot_on"] = nil }, "the date is missing"},
		{"an outcome of 2", func(r *records) { r.rows[0]["label"] = 2 }, "column label: partner P0000 at 2024-05-01: the outcome is 2"},
		{"an outcome missing", func(r *records) { r.rows[0]["label"] = nil }, "the outcome is NaN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := records{featureColumns, clone(good)}
			tc.damage(&r)
			_, err := score.Churn(t.Context(), r.build(t), nil, score.DefaultOptions(asOf))
			var input *score.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	features := records{featureColumns, good}.build(t)
	twice := records{partnerColumns, []map[string]any{{"partner_id": "a"}, {"partner_id": "a"}}}.build(t)
	if _, err := score.Churn(t.Context(), features, twice, score.DefaultOptions(asOf)); err == nil || !strings.Contains(err.Error(), "partner a has two rows") {
		t.Errorf("partner twice: %v", err)
	}
	if _, err := score.Churn(t.Context(), nil, nil, score.DefaultOptions(asOf)); err == nil {
		t.Error("no features: no error")
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	rec := records{featureColumns, nil}.build(t)
	for name, change := range map[string]func(o *score.Options){
		"no as-of date":   func(o *score.Options) { o.AsOf = time.Time{} },
		"no horizon":      func(o *score.Options) { o.HorizonDays = 0 },
		"no penalty":      func(o *score.Options) { o.Lambda = 0 },
		"prior of 1":      func(o *score.Options) { o.PriorRate = 1 },
		"falling ladder":  func(o *score.Options) { o.Ladder.Ridge = 5 },
		"one resample":    func(o *score.Options) { o.Resamples = 1 },
		"prior of nobody": func(o *score.Options) { o.PriorRows = 0 },
	} {
		o := score.DefaultOptions(asOf)
		change(&o)
		if _, err := score.Churn(t.Context(), rec, nil, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMissingValues(t *testing.T) {
	card := func(column string, share int) map[string]any {
		rows := small.rows()
		for i, r := range rows {
			if i%10 < share {
				r[column] = nil
			}
		}
		return reported(t, churn(t, rows, nil))
	}
	for _, tc := range []struct {
		name, column, role, text string
		share                    int
	}{
		{"some of a required feature", "revenue_trend", "published", "", 2},
		{"much of a required feature", "revenue_trend", "stand_in", "required feature revenue_trend: not known for 40 % of the training rows", 4},
		{"all of recency", "recency_gaps", "stand_in", "required feature recency_gaps: not known for 100 %", 10},
		{"much of an optional feature", "open_pipeline_log", "published", "open_pipeline_log (not known for 40 % of the training rows)", 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := card(tc.column, tc.share)
			if told := fmt.Sprint(c["reason"], c["left_out"]); c["role"] != tc.role || !strings.Contains(told, tc.text) {
				t.Errorf("role %v, %s; want %s, %q", c["role"], told, tc.role, tc.text)
			}
		})
	}
}

// A missing value stands for the average partner: it neither raises nor lowers the score.
func TestMissingValueAddsNothing(t *testing.T) {
	rows := small.rows()
	var id any
	for _, r := range rows {
		if r["is_as_of"] == true && r["tenure_months"].(int) > 5 {
			id, r["revenue_trend"] = r["partner_id"], math.NaN()
			break
		}
	}
	for _, c := range table(churn(t, rows, nil).Contributions) {
		if c["partner_id"] == id && c["feature"] == "revenue_trend" {
			if c["value"] != nil || math.Abs(number(t, c, "contribution")) > 1e-9 || !strings.Contains(c["reason"].(string), "no history") {
				t.Errorf("contribution of a missing value: %v", c)
			}
			return
		}
	}
	t.Error("the feature is not in the model")
}

func TestNothingToLearnFrom(t *testing.T) {
	all := small.rows()
	var tonight, known []map[string]any
	for _, r := range all {
		if r["is_as_of"] == true {
			tonight = append(tonight, r)
		}
		if r["is_usable"] == true {
			known = append(known, r)
		}
	}
	labelled := func(v int) []map[string]any {
		rows := clone(all)
		for _, r := range rows {
			if r["is_usable"] == true {
				r["label"] = v
			}
		}
		return rows
	}
	for name, tc := range map[string]struct {
		rows []map[string]any
		role string
	}{
		"no rows": {nil, "stand_in"}, "only tonight": {tonight, "stand_in"}, "nobody ever left": {labelled(0), "stand_in"},
		"everybody left": {labelled(1), "stand_in"}, "nobody at risk tonight": {known, "published"},
	} {
		t.Run(name, func(t *testing.T) {
			r := churn(t, tc.rows, nil)
			card := reported(t, r)
			if card["role"] != tc.role || card["reason"] == nil {
				t.Errorf("card %v", card)
			}
			if rate := number(t, card, "base_rate"); rate <= 0 || rate >= 1 {
				t.Errorf("base rate %v", rate)
			}
			for _, s := range table(r.Partners) {
				if s["probability"] != nil {
					t.Errorf("a probability is published: %v", s)
				}
			}
		})
	}
}

// Whatever the features hold, a night ends in tables of numbers and nulls.
func TestAnyFeaturesEndInTables(t *testing.T) {
	odd := []any{nil, 0.0, 1.0, -1.0, 1e12, -1e-12, math.NaN(), math.Inf(1), 1e300}
	rapid.Check(t, func(rt *rapid.T) {
		g := programme{partners: rapid.IntRange(1, 60).Draw(rt, "partners"), months: rapid.IntRange(2, 36).Draw(rt, "months"),
			seed: rapid.Uint64().Draw(rt, "seed"), base: rapid.SampledFrom([]float64{-6, -4, -2, 3}).Draw(rt, "base")}
		rows := g.rows()
		for range rapid.IntRange(0, 3).Draw(rt, "edits") {
			column := rapid.SampledFrom(doubleColumns).Draw(rt, "column")
			value := rapid.SampledFrom(odd).Draw(rt, "value")
			every := rapid.IntRange(1, 4).Draw(rt, "every")
			for i := 0; i < len(rows); i += every {
				rows[i][column] = value
			}
		}
		r := churn(t, rows, func(o *score.Options) {
			o.Ladder = score.Ladder{Shadow: 2, Ridge: 3, CrossValidate: 20}
			o.Resamples = 10
		})
		if n := len(table(r.Partners)); n == 0 || n > g.partners {
			rt.Fatalf("%d partners in, %d scored", g.partners, n)
		}
	})
}
