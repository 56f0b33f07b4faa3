package score_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

var applicationColumns = concat(
	fields(arrow.BinaryTypes.String, "application_id", "partner_id", "applicant_name", "country", "status", "traits"),
	fields(arrow.FixedWidthTypes.Date32, "submitted_on", "signed_on", "label_known_on"),
	fields(arrow.PrimitiveTypes.Int32, "label"),
	fields(arrow.FixedWidthTypes.Boolean, "is_candidate"),
)

// applications draws n partners who signed over five years, of whom each got going with log-odds
// 0.3 + effect*(certified people - 4)/2 + effect if they came by recommendation, and four candidates, two of either kind.
func applications(seed uint64, n int, effect float64) []map[string]any {
	rnd := rand.New(rand.NewPCG(seed, 6))
	today := arrow.Date32FromTime(asOf)
	var rows []map[string]any
	form := func(certified int, source string) string {
		return fmt.Sprintf(`{"certified_people":%d,"Source":%q,"founded":%d,"note":{"deep":1},"id":"x%d"}`, certified, source, 1980+rnd.IntN(40), rnd.IntN(1e6))
	}
	for k := range n {
		certified, source := rnd.IntN(9), []string{"referral", "web", "fair"}[rnd.IntN(3)]
		eta := 0.3 + effect*float64(certified-4)/2
		if source == "referral" {
			eta += effect
		}
		signed := today - 365 - arrow.Date32(rnd.IntN(1460))
		label := 0
		if rnd.Float64() < 1/(1+math.Exp(-eta)) {
			label = 1
		}
		rows = append(rows, map[string]any{
			"application_id": fmt.Sprintf("a%04d", k), "partner_id": fmt.Sprintf("p%04d", k), "applicant_name": fmt.Sprintf("Applicant %d", k),
			"country": []string{"DE", "US", "JP"}[rnd.IntN(3)], "status": "approved", "traits": form(certified, source),
			"submitted_on": signed - 20, "signed_on": signed, "label_known_on": signed + 365, "label": label, "is_candidate": false,
		})
	}
	for k, c := range []struct {
		certified int
		source    string
	}{{8, "referral"}, {7, "referral"}, {0, "web"}, {1, "fair"}} {
		rows = append(rows, map[string]any{
			"application_id": fmt.Sprintf("c%d", k), "applicant_name": fmt.Sprintf("Candidate %d", k), "country": "DE", "status": "submitted",
			"traits": form(c.certified, c.source), "submitted_on": today - 10, "is_candidate": true,
		})
	}
	return rows
}

func recruits(t testing.TB, rows []map[string]any) (candidates []map[string]any, card map[string]any) {
	t.Helper()
	e, err := score.ExpectRecruits(records{applicationColumns, rows}.build(t), expectations())
	if err != nil {
		t.Fatalf("expect recruits: %v", err)
	}
	return table(e.Rows), cardOf(t, e)
}

func TestLookAlikeFindsWhatWasPlanted(t *testing.T) {
	rows, card := recruits(t, applications(1, 500, 0.8))
	if card["verdict"] != "better than baseline" || card["method"] != "ridge" || card["judged"] != int64(167) {
		t.Fatalf("card %v", card)
	}
	// The planted log-odds rank with an AUC of about 0.80.
	if auc := number(t, card, "value"); auc < 0.70 || auc > 0.90 {
		t.Errorf("AUC %v", auc)
	}
	if oe := number(t, card, "observed_expected"); oe < 0.8 || oe > 1.25 {
		t.Errorf("observed over expected %v", oe)
	}
	for i, want := range []struct{ low, high float64 }{{80, 100}, {75, 100}, {5, 45}, {5, 45}} {
		r := rows[i]
		x := number(t, r, "score")
		if r["status"] != "scored" || x < want.low || x > want.high || number(t, r, "low") > x || number(t, r, "high") < x {
			t.Errorf("candidate %d: %v (%v to %v), want %v to %v", i, x, r["low"], r["high"], want.low, want.high)
		}
		if note, _ := r["note"].(string); !strings.HasPrefix(note, "Only applicants who signed have an outcome") {
			t.Errorf("candidate %d without the note on selection: %q", i, note)
		}
	}
	if rows[0]["reason_1"] != "certified people: 8; typical is 4" || rows[0]["reason_2"] != "source: referral" {
		t.Errorf("reasons %v, %v", rows[0]["reason_1"], rows[0]["reason_2"])
	}
	for _, r := range rows[2:] {
		if text, _ := r["reason_1"].(string); strings.HasPrefix(text, "certified") || strings.HasPrefix(text, "source") {
			t.Errorf("what lowers the score is told as what raises it: %q", text)
		}
	}
	if left, _ := card["left_out"].(string); !strings.Contains(left, "id (does not vary, or is hardly ever stated)") || strings.Contains(left, "note") {
		t.Errorf("left out: %v", left)
	}
}

// Of those who signed last fewer or more got going than the older ones promised. Where that corrected the chances they are
// limits no more, and where nobody is scored there are none to read.
func TestLookAlikeDoesNotCorrectTwice(t *testing.T) {
	corrected := 0
	for seed := range uint64(40) {
		rows, card := recruits(t, shifted(applications(seed, 900, 0.8), []float64{-1, 1}[seed%2]))
		note := card["note"].(string)
		isOff := card["observed_expected_low"] != nil && (number(t, card, "observed_expected_low") > 1 || number(t, card, "observed_expected_high") < 1)
		isCorrected := strings.Contains(note, "The later outcomes corrected the log-odds")
		if isOff && isCorrected {
			corrected++
		}
		if strings.Contains(note, "take the chances as") && (isCorrected || rows[0]["score"] == nil) {
			t.Errorf("seed %d: %s", seed, note)
		}
	}
	if corrected < 5 {
		t.Errorf("only %d of 40 programmes test it", corrected)
	}
}

// shifted lets the newer half of the partners get going with other log-odds than planted.
func shifted(rows []map[string]any, by float64) []map[string]any {
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, r := range rows {
		signed, ok := r["signed_on"].(arrow.Date32)
		if recent := arrow.Date32FromTime(asOf) - 365 - 500; !ok || signed < recent {
			continue
		}
		if rnd.Float64() < math.Abs(by)/3 {
			r["label"] = int((1 + by) / 2)
		}
	}
	return rows
}

// With nothing planted nobody is scored, but by chance.
func TestLookAlikeScoresNobodyByChance(t *testing.T) {
	scored := 0
	for seed := range uint64(20) {
		rows, card := recruits(t, applications(200+seed, 300, 0))
		if isScored := rows[0]["status"] == "scored"; isScored != (card["verdict"] == "better than baseline") {
			t.Errorf("verdict %v, but %v", card["verdict"], rows[0]["status"])
		} else if isScored {
			scored++
		} else if rows[0]["score"] != nil || rows[0]["reason_1"] != nil {
			t.Errorf("not scored, but %v", rows[0])
		}
	}
	if scored > 3 {
		t.Errorf("candidates of %d in 20 programmes without signal are scored", scored)
	}
}

func TestLookAlikeNeedsThirtyOfEach(t *testing.T) {
	rows, card := recruits(t, applications(1, 60, 0.8))
	if card["verdict"] != "insufficient_events" || rows[0]["status"] != "insufficient_events" || rows[0]["method"] != "none" {
		t.Errorf("verdict %v, row %v", card["verdict"], rows[0])
	}
	note, _ := rows[0]["note"].(string)
	if !strings.Contains(note, "30 of each are needed. No ideal-partner score (M01) is loaded") {
		t.Errorf("note %q", note)
	}
}

// The outcomes of those who signed later are not looked at before they are judged: whatever they are, the score that is
// judged gives the same order, so turning them round turns the AUC round.
func TestLookAlikeIsTrainedOnThePast(t *testing.T) {
	rows := applications(1, 500, 0.8)
	_, before := recruits(t, rows)
	cut := before["judged_from"].(arrow.Date32)
	for _, r := range rows {
		if signed, ok := r["signed_on"].(arrow.Date32); ok && signed >= cut {
			r["label"] = 1 - r["label"].(int)
		}
	}
	_, after := recruits(t, rows)
	if a, b := number(t, before, "value"), number(t, after, "value"); math.Abs(a+b-1) > 1e-9 {
		t.Errorf("AUC %v, with the outcomes turned round %v", a, b)
	}
	if after["verdict"] != "no better than baseline" {
		t.Errorf("verdict %v", after["verdict"])
	}
}

func TestLookAlikeRefusesWhatCannotBeKnown(t *testing.T) {
	for name, damage := range map[string]func([]map[string]any){
		"open outcome":      func(r []map[string]any) { r[0]["label_known_on"] = arrow.Date32FromTime(asOf) + 1 },
		"label of two":      func(r []map[string]any) { r[0]["label"] = 2 },
		"application twice": func(r []map[string]any) { r[1]["application_id"] = r[0]["application_id"] },
	} {
		rows := applications(1, 40, 0)
		damage(rows)
		var input *score.InputError
		if _, err := score.ExpectRecruits(records{applicationColumns, rows}.build(t), expectations()); !errors.As(err, &input) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestLookAlikeDoesNotDependOnTheOrder(t *testing.T) {
	rows := applications(1, 300, 0.8)
	a, err := score.ExpectRecruits(records{applicationColumns, rows}.build(t), expectations())
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(rows)
	b, err := score.ExpectRecruits(records{applicationColumns, rows}.build(t), expectations())
	if err != nil || !array.RecordEqual(a.Rows, b.Rows) || fmt.Sprint(cardOf(t, a)) != fmt.Sprint(cardOf(t, b)) {
		t.Errorf("another order gives other scores, %v", err)
	}
}

// What forms state is anybody's guess: nothing of it may break the night.
func TestLookAlikeReadsAnyForm(t *testing.T) {
	rows := applications(1, 200, 0.8)
	for i, form := range []any{nil, "", "no JSON", "[1,2]", `"text"`, `{"certified_people":null}`, `{"certified_people":"many"}`, `{"source":true,"SOURCE":"web"}`, `{"a":{"b":1}}`, `{"certified_people":1e308}`} {
		rows[i]["traits"] = form
		candidate := rows[len(rows)-1-i%4]
		candidate["traits"] = form
		got, _ := recruits(t, rows)
		if len(got) != 4 {
			t.Errorf("form %v: %d candidates", form, len(got))
		}
	}
}

func TestExpectationTablesAreDeclared(t *testing.T) {
	for name, schema := range map[string]*arrow.Schema{
		"score_partner_first_revenue": score.PartnerFirstRevenueSchema(), "score_partner_next_quarter": score.PartnerNextQuarterSchema(),
		"score_recruit": score.RecruitSchema(), "expectation_card": score.ExpectationCardSchema(),
	} {
		columns, declared := declaredColumns(t, name)
		var got []string
		for _, f := range schema.Fields() {
			got = append(got, f.Name)
		}
		for i, c := range columns {
			columns[i], _, _ = strings.Cut(c, " ")
		}
		if !declared || !slices.Equal(columns, got) {
			t.Errorf("%s: sql/inputs has %v, Go %v", name, columns, got)
		}
	}
}
