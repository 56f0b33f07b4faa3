package score_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// asOf is the night that all tests run for; the next day begins a month.
var asOf = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)

func date(s string) arrow.Date32 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return arrow.Date32FromTime(t)
}

// records builds an Arrow record from rows of name to value: string, float64, int, int64, bool, arrow.Date32 or nil.
type records struct {
	columns []arrow.Field
	rows    []map[string]any
}

func (r records) build(t testing.TB) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(r.columns, nil))
	defer b.Release()
	for _, row := range r.rows {
		for j, f := range r.columns {
			switch v := row[f.Name].(type) {
			case nil:
				b.Field(j).AppendNull()
			case string:
				b.Field(j).(*array.StringBuilder).Append(v)
			case float64:
				b.Field(j).(*array.Float64Builder).Append(v)
			case int:
				if f.Type.ID() == arrow.INT32 {
					b.Field(j).(*array.Int32Builder).Append(int32(v))
				} else {
					b.Field(j).(*array.Int64Builder).Append(int64(v))
				}
			case bool:
				b.Field(j).(*array.BooleanBuilder).Append(v)
			case arrow.Date32:
				b.Field(j).(*array.Date32Builder).Append(v)
			default:
				t.Fatalf("column %s: %T", f.Name, v)
			}
		}
	}
	return b.NewRecordBatch()
}

func fields(kind arrow.DataType, names ...string) []arrow.Field {
	var out []arrow.Field
	for _, n := range names {
		out = append(out, arrow.Field{Name: n, Type: kind, Nullable: true})
	}
	return out
}

func concat(lists ...[]arrow.Field) (out []arrow.Field) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// The columns of fct_partner_month_feature.
var featureColumns = concat(
	fields(arrow.BinaryTypes.String, "partner_id", "family_id", "segment"),
	fields(arrow.FixedWidthTypes.Date32, "snapshot_on", "churned_on", "outcome_known_on"),
	fields(arrow.FixedWidthTypes.Boolean, "is_at_risk", "is_as_of", "is_usable"),
	fields(arrow.PrimitiveTypes.Int32, "label"),
	fields(arrow.PrimitiveTypes.Int64, "spell_no", "tier_rank", "tenure_months"),
	fields(arrow.PrimitiveTypes.Float64, doubleColumns...),
)

var doubleColumns = []string{
	"won_365d", "recency_gaps", "days_since_last_event", "median_gap_days", "revenue_trend", "activity_trend", "open_pipeline_log",
	"open_pipeline_age_days", "people_trend", "days_since_activity_log", "cert_share", "certs_expiring_90d", "late_answer_share",
	"lost_streak", "meetings_90d", "fund_use_180d", "psat_latest", "psat_missing", "cases_escalated_90d", "returned_partner",
	"tenure_0_2", "tenure_3_5", "tenure_6_11", "tenure_12_23",
}

var partnerColumns = concat(fields(arrow.BinaryTypes.String, "partner_id", "tier_code", "region", "partner_type"), fields(arrow.FixedWidthTypes.Date32, "exited_on", "first_commercial_on"))

// programme is a synthetic programme with a planted hazard: every month a partner churns with probability
// expit(base + recency*x1 + trend*(x2 + x3)), whose x are features that drift slowly.
type programme struct {
	partners, months int
	seed             uint64
	base             float64 // monthly log-odds
	recency, trend   float64 // planted effects per standard deviation
}

// rows draws the feature table. Partners sign over the first half of the months; the newest month is tonight.
func (g programme) rows() []map[string]any {
	rnd := rand.New(rand.NewPCG(g.seed, 77))
	first := asOf.AddDate(0, 0, 1).AddDate(0, -g.months, 0)
	var out []map[string]any
	for k := range g.partners {
		id := fmt.Sprintf("P%04d", k)
		family := fmt.Sprintf("F%04d", k-k%3*(k%2)) // some partners share a family
		start := rnd.IntN(g.months/2 + 1)
		gap := 20 + 60*rnd.Float64()
		x := [3]float64{rnd.NormFloat64(), rnd.NormFloat64(), rnd.NormFloat64()}
		var mine []map[string]any
		churned := -1
		for m := start; m <= g.months && churned < 0; m++ {
			for j := range x {
				x[j] = 0.85*x[j] + math.Sqrt(1-0.85*0.85)*rnd.NormFloat64()
			}
			recency := math.Max(0, math.Min(4, 1.3+0.8*x[0]))
			mine = append(mine, g.row(rnd, id, family, k, first.AddDate(0, m, 0), m-start, recency, x, gap))
			eta := g.base + g.recency*x[0] - g.trend*(x[1]+x[2])
			if rnd.Float64() < 1/(1+math.Exp(-eta)) {
				churned = m
			}
		}
		for i, row := range mine {
			m := start + i
			on := first.AddDate(0, m, 0)
			tonight := m == g.months
			usable := !tonight && !on.AddDate(0, 0, 180).After(asOf)
			row["is_as_of"], row["is_usable"] = tonight, usable
			if usable {
				row["label"], row["outcome_known_on"] = 0, arrow.Date32FromTime(on.AddDate(0, 0, 180))
				if churned >= 0 && !first.AddDate(0, churned+1, 0).After(on.AddDate(0, 0, 184)) {
					row["label"], row["churned_on"] = 1, arrow.Date32FromTime(first.AddDate(0, churned+1, -1))
				}
			}
			out = append(out, row)
		}
	}
	return out
}

func (g programme) row(rnd *rand.Rand, id, family string, k int, on time.Time, tenure int, recency float64, x [3]float64, gap float64) map[string]any {
	bucket := func(lo, hi int) float64 {
		if tenure >= lo && tenure <= hi {
			return 1
		}
		return 0
	}
	row := map[string]any{
		"partner_id": id, "family_id": family, "segment": []string{"reseller", "si"}[k%2], "snapshot_on": arrow.Date32FromTime(on),
		"is_at_risk": true, "spell_no": 1, "tenure_months": tenure, "tier_rank": 1 + k%3,
		"recency_gaps": recency, "days_since_last_event": math.Round(recency * gap), "median_gap_days": math.Round(gap),
		"revenue_trend": 0.5 * x[1], "activity_trend": 0.4 * rnd.NormFloat64(), "open_pipeline_log": 8 + rnd.NormFloat64(),
		"open_pipeline_age_days": 40 + 20*rnd.Float64(), "people_trend": 0.3 * x[2], "days_since_activity_log": 2 + 0.8*rnd.NormFloat64(),
		"cert_share": rnd.Float64(), "certs_expiring_90d": float64(rnd.IntN(3)), "late_answer_share": rnd.Float64() / 2,
		"lost_streak": float64(rnd.IntN(3)), "meetings_90d": float64(rnd.IntN(6)), "fund_use_180d": rnd.Float64(),
		"psat_latest": 0.6 + 0.4*rnd.Float64(), "psat_missing": 0.0, "cases_escalated_90d": float64(rnd.IntN(2)), "returned_partner": 0.0,
		"won_365d":   1000 * float64(1+k%7),
		"tenure_0_2": bucket(0, 2), "tenure_3_5": bucket(3, 5), "tenure_6_11": bucket(6, 11), "tenure_12_23": bucket(12, 23),
	}
	if k%4 == 0 { // a quarter never answers the survey
		row["psat_latest"], row["psat_missing"] = 0.8, 1.0
	}
	return row
}

func churn(t testing.TB, rows []map[string]any, change func(*score.Options)) *score.ChurnResult {
	t.Helper()
	o := score.DefaultOptions(asOf)
	o.Resamples = 60 // enough for a test
	if change != nil {
		change(&o)
	}
	r, err := score.Churn(t.Context(), records{featureColumns, rows}.build(t), nil, o)
	if err != nil {
		t.Fatalf("churn: %v", err)
	}
	return r
}

// table reads a record back, row by row: string, float64, int64, bool, arrow.Date32 or nil.
func table(rec arrow.RecordBatch) []map[string]any {
	out := make([]map[string]any, rec.NumRows())
	for i := range out {
		out[i] = map[string]any{}
		for j, f := range rec.Schema().Fields() {
			var v any
			switch a := rec.Column(j).(type) {
			case *array.String:
				v = a.Value(i)
			case *array.Float64:
				v = a.Value(i)
			case *array.Int64:
				v = a.Value(i)
			case *array.Boolean:
				v = a.Value(i)
			case *array.Date32:
				v = a.Value(i)
			}
			if rec.Column(j).IsNull(i) {
				v = nil
			}
			out[i][f.Name] = v
		}
	}
	return out
}

// reported returns the card that is_reported.
func reported(t testing.TB, r *score.ChurnResult) map[string]any {
	t.Helper()
	var out []map[string]any
	for _, c := range table(r.Cards) {
		if c["is_reported"] == true {
			out = append(out, c)
		}
	}
	if len(out) != 1 {
		t.Fatalf("%d reported cards, want 1", len(out))
	}
	return out[0]
}
