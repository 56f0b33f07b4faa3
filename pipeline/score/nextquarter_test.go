package score_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

var (
	quarterColumns = concat(
		fields(arrow.BinaryTypes.String, "partner_id", "segment", "quarter"),
		fields(arrow.FixedWidthTypes.Date32, "from_month_on", "exited_on", "this_month_on", "quarter_start", "quarter_end"),
		fields(arrow.FixedWidthTypes.Boolean, "is_enrolled", "has_won"),
	)
	revenueColumns = concat(fields(arrow.BinaryTypes.String, "partner_id"), fields(arrow.FixedWidthTypes.Date32, "month_on", "known_month_on"),
		fields(arrow.PrimitiveTypes.Float64, "revenue_base"))
	monthColumns = concat(fields(arrow.FixedWidthTypes.Date32, "month_on"), fields(arrow.PrimitiveTypes.Int64, "closed_deals"))
)

// book is a programme whose history ends with asOf: month 0 is the one before, month 1 the one before that.
type book struct {
	partners, revenue, months []map[string]any
}

// ago is the first day of the month so many months before the one that begins after asOf.
func ago(months int) arrow.Date32 {
	return arrow.Date32FromTime(asOf.AddDate(0, 0, 1).AddDate(0, -months, 0))
}

func newBook(months int) *book {
	b := &book{}
	for k := 1; k <= months; k++ {
		b.months = append(b.months, map[string]any{"month_on": ago(k), "closed_deals": 9})
	}
	return b
}

// add adds a partner with the revenue of its months, the newest last.
func (b *book) add(id string, values ...float64) {
	b.partners = append(b.partners, map[string]any{
		"partner_id": id, "segment": "si", "quarter": "2027Q1", "from_month_on": ago(len(values)), "this_month_on": ago(0),
		"quarter_start": ago(0), "quarter_end": ago(-3), "is_enrolled": true, "has_won": true,
	})
	for k, v := range values {
		if v != 0 {
			at := len(values) - k
			b.revenue = append(b.revenue, map[string]any{"partner_id": id, "month_on": ago(at), "known_month_on": ago(at - 1), "revenue_base": v})
		}
	}
}

func (b *book) expect(t testing.TB) (rows []map[string]any, card map[string]any) {
	t.Helper()
	e := b.run(t)
	return table(e.Rows), cardOf(t, e)
}

func (b *book) run(t testing.TB) *score.Expectation {
	t.Helper()
	e, err := score.ExpectNextQuarter(records{quarterColumns, b.partners}.build(t), records{revenueColumns, b.revenue}.build(t),
		records{monthColumns, b.months}.build(t), expectations())
	if err != nil {
		t.Fatalf("expect next quarter: %v", err)
	}
	return e
}

// drawn fills a book with partners whose month is worth what value says, by month ago.
func drawn(partners, months int, value func(rnd *rand.Rand, size float64, ago int) float64) *book {
	rnd := rand.New(rand.NewPCG(11, 12))
	b := newBook(months)
	for k := range partners {
		size := 100 * (1 + 9*rnd.Float64())
		var values []float64
		for at := months; at >= 1; at-- {
			values = append(values, math.Round(math.Max(0, value(rnd, size, at))))
		}
		b.add(fmt.Sprintf("P%03d", k), values...)
	}
	return b
}

// What decides is how the rules did on the past, for the whole programme.
func TestNextQuarterTakesTheRuleThatWasRight(t *testing.T) {
	for _, tc := range []struct {
		name, method, verdict, baseline string
		value                           func(rnd *rand.Rand, size float64, ago int) float64
	}{
		{
			"steady growth: the trend", "trend", "better than baseline", "last_quarter",
			func(rnd *rand.Rand, size float64, ago int) float64 {
				return size * (3 - 0.05*float64(ago) + 0.1*rnd.NormFloat64())
			},
		},
		{
			"noise around a level: the mean", "mean", "better than baseline", "last_quarter",
			func(rnd *rand.Rand, size float64, _ int) float64 { return size * (2 + rnd.NormFloat64()) },
		},
		{
			"seasons: the quarter of last year", "same_quarter_last_year", "no better than baseline", "same_quarter_last_year",
			func(rnd *rand.Rand, size float64, ago int) float64 {
				return size * (2 + 1.8*math.Sin(2*math.Pi*float64(ago)/12) + 0.1*rnd.NormFloat64())
			},
		},
		{
			"a walk: the last quarter", "last_quarter", "no better than baseline", "last_quarter",
			func() func(*rand.Rand, float64, int) float64 {
				level := 2.0
				return func(rnd *rand.Rand, size float64, ago int) float64 {
					if ago == 48 {
						level = 30
					}
					level += 2 * rnd.NormFloat64()
					return size * level
				}
			}(),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rows, card := drawn(60, 48, tc.value).expect(t)
			if card["method"] != tc.method || card["verdict"] != tc.verdict || card["baseline"] != tc.baseline {
				t.Errorf("method %v, verdict %v against %v: %v", card["method"], card["verdict"], card["baseline"], card["reason"])
			}
			if card["judged"] != int64(60*8) || card["events"] != int64(8) {
				t.Errorf("judged on %v partner-quarters in %v quarters, want 480 in 8", card["judged"], card["events"])
			}
			if c := number(t, card, "coverage"); c < 0.7 || c > 0.9 {
				t.Errorf("80 %% intervals held %v", c)
			}
			for _, r := range rows {
				low, mean, high := number(t, r, "low"), number(t, r, "expected"), number(t, r, "high")
				if r["status"] != "expected" || r["method"] != tc.method || low < 0 || low > mean || mean > high {
					t.Errorf("%v: %v %v to %v", r["partner_id"], r["status"], low, high)
				}
			}
		})
	}
}

// The interval of the sum of three months on a line, from the textbook: s^2 (3 + 9 (1/n + (x - mean x)^2 / Sxx)).
func TestNextQuarterIntervalOfATrend(t *testing.T) {
	b := drawn(60, 48, func(rnd *rand.Rand, size float64, ago int) float64 {
		return size * (3 - 0.05*float64(ago) + 0.1*rnd.NormFloat64())
	})
	rows, card := b.expect(t)
	if card["method"] != "trend" {
		t.Fatalf("method %v", card["method"])
	}
	values := make([]float64, 24)
	for _, r := range b.revenue {
		for k := 1; k <= 24; k++ {
			if r["partner_id"] == "P000" && r["month_on"] == ago(k) {
				values[24-k] = r["revenue_base"].(float64)
			}
		}
	}
	var meanY, sxy, sxx float64
	for _, y := range values {
		meanY += y / 24
	}
	for x, y := range values {
		sxy += (float64(x) - 11.5) * (y - meanY)
		sxx += (float64(x) - 11.5) * (float64(x) - 11.5)
	}
	slope, rss := sxy/sxx, 0.0
	for x, y := range values {
		e := y - meanY - slope*(float64(x)-11.5)
		rss += e * e
	}
	middle := 25 - 11.5
	want := 3 * (meanY + slope*middle)
	const t80 = 1.3212367416133624 // Student's t with 22 degrees of freedom
	half := t80 * math.Sqrt(rss/22*(3+9*(1.0/24+middle*middle/sxx))) * number(t, card, "interval_factor")
	r := rows[0]
	for column, want := range map[string]float64{"expected": want, "low": want - half, "high": want + half, "slope": slope} {
		if got := number(t, r, column); math.Abs(got-want) > 1e-6*want {
			t.Errorf("%s is %v, want %v", column, got, want)
		}
	}
	if r["direction"] != "up" || math.Abs(number(t, r, "theil_sen")-slope) > slope/4 {
		t.Errorf("direction %v, Theil-Sen %v", r["direction"], r["theil_sen"])
	}
}

func TestNextQuarterSaysWhatItDoesNotKnow(t *testing.T) {
	b := newBook(36)
	b.add("short", 10, 20)
	b.add("idle", append([]float64{500, 500, 500}, make([]float64, 12)...)...)
	b.add("young", 100, 200, 300)
	b.add("gone", 10, 10, 10, 10)
	b.add("new", 0, 0, 0, 0)
	b.partners[3]["is_enrolled"] = false
	b.partners[4]["has_won"] = false
	rows, card := b.expect(t)
	if card["verdict"] != "insufficient_events" || card["method"] != "last_quarter" || number(t, card, "interval_factor") != 1 {
		t.Errorf("card %v", card)
	}
	want := map[string][3]any{
		"short": {"short_history", nil, "2 whole months of history; three are needed to expect a quarter from"},
		"idle":  {"no_recent_revenue", nil, "no revenue in the last twelve months, so there is nothing to continue"},
		"young": {"expected", 600.0, nil},
		"new":   {"no_recent_revenue", nil, "no revenue yet"},
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows, want %d: who left has none", len(rows), len(want))
	}
	for _, r := range rows {
		w := want[r["partner_id"].(string)]
		if r["status"] != w[0] || r["expected"] != w[1] || w[2] != nil && r["explanation"] != w[2] {
			t.Errorf("%v: %v, %v, %v", r["partner_id"], r["status"], r["expected"], r["explanation"])
		}
	}
	if text, _ := rows[3]["explanation"].(string); !strings.HasPrefix(text, "USD 600 expected in 2027Q1, 80 % between USD ") {
		t.Errorf("explanation %q", text)
	}
}

// Partners whose months are all alike, but for a price that rises by five percent each May. The months of a year that was
// all alike vary by rounding errors only; measured in those a rise is beyond all bounds.
func TestNextQuarterOfSubscriptions(t *testing.T) {
	b := newBook(36)
	for k := range 40 {
		level, values := math.Round(100033*(1+0.3713*float64(k)))/100, make([]float64, 36)
		for i := range values {
			if on := ago(36 - i).ToTime(); on.Month() == time.May {
				level = math.Round(level*105) / 100
			}
			values[i] = level
		}
		b.add(fmt.Sprintf("P%03d", k), values...)
	}
	rows, card := b.expect(t)
	// The rise was not expected in any of the two quarters of the eight that it began in.
	if c := number(t, card, "coverage"); c != 0.75 {
		t.Errorf("the card says that intervals held %v, want 0.75", c)
	}
	for _, r := range rows {
		low, mean, high := number(t, r, "low"), number(t, r, "expected"), number(t, r, "high")
		if !(low < 0.99*mean && low > mean/2 && high > 1.01*mean && high < 2*mean) {
			t.Errorf("%v: %v", r["partner_id"], r["explanation"])
		}
	}
}

// With eight months one past quarter can be tried: intervals that held in it say next to nothing of the next.
func TestNextQuarterSaysOnHowManyQuartersItsIntervalsWereTried(t *testing.T) {
	for months, want := range map[int]string{
		6:  " The intervals could be tried on 1 past quarter; to tell how many outcomes they hold 3 are needed.",
		11: " The intervals could be tried on 2 past quarters; to tell how many outcomes they hold 3 are needed.",
		12: " The intervals were tried on 3 past quarters.",
		36: " The intervals were tried on 8 past quarters.",
	} {
		_, card := drawn(60, months, func(rnd *rand.Rand, size float64, _ int) float64 { return size * (2 + rnd.NormFloat64()) }).expect(t)
		if isTold := card["coverage"] != nil && card["coverage_low"] != nil; isTold != (months >= 12) {
			t.Errorf("%d months: the intervals held %v", months, card["coverage"])
		}
		if note := card["note"].(string); !strings.HasSuffix(note, want) {
			t.Errorf("%d months: %q, want the end %q", months, note, want)
		}
	}
}

// A month in which the whole programme closed nothing is no month of no revenue.
func TestNextQuarterLeavesGapsOut(t *testing.T) {
	b := drawn(200, 48, func(rnd *rand.Rand, size float64, _ int) float64 { return size * (2 + rnd.NormFloat64()) })
	b.months[5]["closed_deals"] = 0
	lost := ago(6)
	b.revenue = slices.DeleteFunc(b.revenue, func(r map[string]any) bool { return r["month_on"] == lost })
	rows, card := b.expect(t)
	sum := 0.0
	for _, r := range b.revenue {
		if r["partner_id"] == "P000" && r["month_on"].(arrow.Date32) >= ago(12) {
			sum += r["revenue_base"].(float64)
		}
	}
	if card["method"] != "mean" || rows[0]["months"] != int64(23) {
		t.Fatalf("method %v, %v months: %v", card["method"], rows[0]["months"], card["reason"])
	}
	// Drawn to the segment's median by three months, so between the mean of eleven months and that; never of twelve.
	mean := 3 * sum / 11
	if got := number(t, rows[0], "expected"); math.Abs(got-mean) > 0.4*mean {
		t.Errorf("expected %v, three mean months are %v", got, mean)
	}
}

// What was known later must not move what is said of the past: deals entered late, and all that happened since.
func TestNextQuarterIsJudgedByWhatWasKnown(t *testing.T) {
	value := func(rnd *rand.Rand, size float64, ago int) float64 {
		return size * (3 - 0.05*float64(ago) + 0.1*rnd.NormFloat64())
	}
	before, with := drawn(60, 48, value), drawn(60, 48, value)
	for k := range 60 { // a huge deal of three years ago that only became known tonight
		with.revenue = append(with.revenue, map[string]any{"partner_id": fmt.Sprintf("P%03d", k), "month_on": ago(40), "known_month_on": ago(0), "revenue_base": 1e6})
	}
	_, a := before.expect(t)
	_, b := with.expect(t)
	for _, column := range []string{"value", "baseline_value", "gain", "coverage", "method"} {
		if a[column] != b[column] {
			t.Errorf("%s was %v and is %v", column, a[column], b[column])
		}
	}
}

// On the first of August the quarter that runs is not over, so the next one is expected from three months ahead, and so
// are those of the past.
func TestNextQuarterKeepsItsDistance(t *testing.T) {
	b := drawn(60, 48, func(rnd *rand.Rand, size float64, ago int) float64 { return size * (3 - 0.05*float64(ago)) })
	for _, p := range b.partners {
		p["quarter_start"], p["quarter_end"] = ago(-3), ago(-6)
	}
	rows, card := b.expect(t)
	if card["method"] != "trend" || !strings.Contains(card["note"].(string), "3 months after") {
		t.Errorf("method %v, note %v", card["method"], card["note"])
	}
	// A line without noise goes on: three months of (3 + 0.05 k) sizes, k = 3, 4, 5 months ahead.
	last := 0.0
	for _, r := range b.revenue {
		if r["partner_id"] == "P000" && r["month_on"] == ago(1) {
			last = r["revenue_base"].(float64)
		}
	}
	size := last / 2.95
	if got, want := number(t, rows[0], "expected"), size*(9+0.05*(3+4+5)); math.Abs(got-want) > 0.01*want {
		t.Errorf("expected %v, want %v", got, want)
	}
	if judged := card["judged_to"].(arrow.Date32).ToTime(); judged.After(asOf) || judged.Before(asOf.Add(-95*24*time.Hour)) {
		t.Errorf("judged up to %v", judged)
	}
}

func TestNextQuarterDoesNotDependOnTheOrder(t *testing.T) {
	b := drawn(40, 30, func(rnd *rand.Rand, size float64, _ int) float64 { return size * (2 + rnd.NormFloat64()) })
	first := b.run(t)
	slices.Reverse(b.partners)
	slices.Reverse(b.revenue)
	slices.Reverse(b.months)
	second := b.run(t)
	if !array.RecordEqual(first.Rows, second.Rows) || fmt.Sprint(cardOf(t, first)) != fmt.Sprint(cardOf(t, second)) {
		t.Error("another order gives other expectations")
	}
}
