package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/report"
)

func f(v float64) *float64 { return &v }

func alert(rank int64, partner, owner, cause string, change func(*report.Alert)) report.Alert {
	a := report.Alert{ID: partner + "/" + cause, Rank: rank, PartnerID: partner, PartnerName: strings.ToUpper(partner), OwnerKey: owner,
		OwnerName: "Manager " + owner, Stage: "sell", Cause: cause, AtStake: "1000.5000", TrailingRevenue: "900.0000", IsListed: true,
		Reasons: []string{"no deal for 143 days; this partner usually brings one every 41"}, Suggestion: "offer joint account mapping"}
	if change != nil {
		change(&a)
	}
	return a
}

func TestMoneyIsExactAndReadable(t *testing.T) {
	for _, tt := range []struct{ amount, full, compact string }{
		{"0.0000", "USD 0", "USD 0"},
		{"-0.0040", "USD 0", "USD 0"},
		{"84.5000", "USD 84.50", "USD 85"},
		{"-84.5000", "USD -84.50", "USD -85"},
		{"999.9950", "USD 1,000", "USD 1 k"},
		{"999949.0000", "USD 999,949", "USD 1.0 M"},
		{"999499.0000", "USD 999,499", "USD 999 k"},
		{"-999950000.0000", "USD -999,950,000", "USD -1.0 B"},
		{"612345.4999", "USD 612,345", "USD 612 k"},
		{"-612345.5000", "USD -612,346", "USD -612 k"},
		{"80450596.9823", "USD 80,450,597", "USD 80.5 M"},
		{"", "–", "–"},
	} {
		if got := report.Money("USD", tt.amount); got != tt.full {
			t.Errorf("Money(%q) = %q, want %q", tt.amount, got, tt.full)
		}
		if got := report.CompactMoney("USD", tt.amount); got != tt.compact {
			t.Errorf("CompactMoney(%q) = %q, want %q", tt.amount, got, tt.compact)
		}
	}
}

func TestNumbersSayWhyTheyAreMissing(t *testing.T) {
	for _, tt := range []struct {
		number         report.Number
		text, interval string
	}{
		{report.Number{Value: f(0.364), Low: f(0.152), High: f(0.646), Unit: "ratio", Status: "ok"}, "36 %", "15 % to 65 %"},
		{report.Number{Unit: "ratio", Status: "no_denominator"}, "nothing to measure", ""},
		{report.Number{Value: f(0.5), Unit: "ratio", Status: "low_coverage"}, "50 %", ""},
		{report.Number{Unit: "days", Status: "not_reached"}, "not reached yet", ""},
		{report.Number{Value: f(1234567.8), Money: "1234567.8000", Unit: "money", Status: "ok"}, "EUR 1,234,568", ""},
		{report.Number{Value: f(12), Unit: "count", Status: "ok"}, "12", ""},
	} {
		if got := tt.number.Text("EUR"); got != tt.text {
			t.Errorf("text %q, want %q", got, tt.text)
		}
		if got := tt.number.Interval(); got != tt.interval {
			t.Errorf("interval %q, want %q", got, tt.interval)
		}
	}
}

func TestSharesAndDaysReadTheSameWhereverTheyStand(t *testing.T) {
	for _, tt := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"ratio", 0.0996, "10 %"}, {"ratio", 0.1, "10 %"}, {"ratio", 0.0994, "9.9 %"}, {"ratio", -0.0999, "-10 %"}, {"ratio", -0.0001, "0.0 %"},
		{"days", 1.2, "1 day"}, {"days", 0.4, "0 days"}, {"days", -0.4, "0 days"}, {"days", 1234, "1,234 days"}, {"count", -0.2, "0"},
		{"money", 84.5, "84.50"}, {"money", 0, "0"}, {"money", 612345.4, "612,345"}, {"points", -0.04, "0.0"},
	} {
		if got := (report.Number{Value: &tt.value, Unit: tt.unit, Status: "ok"}).Text(""); got != tt.want {
			t.Errorf("%v in %s reads %q, want %q", tt.value, tt.unit, got, tt.want)
		}
	}
}

func TestOnlyShownNumbersThatLackSomethingCarryACaution(t *testing.T) {
	for _, tt := range []struct {
		number report.Number
		want   string
	}{
		{report.Number{Value: f(0.5), Status: "low_coverage"}, "low coverage: records of unknown partners are missing"},
		{report.Number{Value: f(0.5), Status: "ok"}, ""},
		{report.Number{Value: f(0.5), Status: "incomplete"}, "incomplete: something that belongs in it is not known, such as an exchange rate"},
		{report.Number{Value: f(0.5), Status: "stale"}, "feed too old"},
		{report.Number{Status: "incomplete"}, ""},
		{report.Number{Value: f(0.5), Status: "insufficient"}, ""},
		{report.Number{Status: "no_denominator"}, ""},
	} {
		if got := tt.number.Caution(); got != tt.want {
			t.Errorf("%+v: caution %q, want %q", tt.number, got, tt.want)
		}
	}
}

func TestAlertCSVCannotRunFormulas(t *testing.T) {
	hostile := []string{`=HYPERLINK("http://evil")`, "+1", "-1", "@SUM(A1)", "\tx", "|calc", "＝1+1", "＠SUM(A1)", "quoted \"text\", with comma\nand line"}
	var alerts []report.Alert
	for i, name := range hostile {
		alerts = append(alerts, alert(int64(i+1), "p", "o", "stalled", func(a *report.Alert) { a.PartnerName = name }))
	}
	var out bytes.Buffer
	if err := report.WriteAlertCSV(&out, "USD", alerts); err != nil {
		t.Fatal(err)
	}
	text, found := strings.CutPrefix(out.String(), "\ufeff")
	if !found {
		t.Error("no byte-order mark: Excel would garble umlauts")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range hostile {
		got := rows[i+1][3]
		if i < 8 && got != "'"+name {
			t.Errorf("cell %q can run as a formula", got)
		}
		if i == 8 && got != name {
			t.Errorf("harmless text was changed to %q", got)
		}
	}
}

func TestAlertCSVIsSafeForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var out bytes.Buffer
		a := alert(1, "p", "o", "stalled", func(a *report.Alert) { a.PartnerName, a.Reasons = text, []string{text} })
		if err := report.WriteAlertCSV(&out, "USD", []report.Alert{a}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, cell := range []string{rows[1][3], rows[1][13]} {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Fatalf("cell %q can run as a formula", cell)
			}
		}
	})
}

func TestByOwnerPutsCausesOfOnePartnerTogether(t *testing.T) {
	lists := report.ByOwner([]report.Alert{
		alert(3, "c", "o2", "stalled", nil),
		alert(2, "b", "o1", "stalled", func(a *report.Alert) { a.IsMuted, a.MuteReason = true, "the portal feed is 4 days old" }),
		alert(1, "a", "o1", "revenue_down", nil),
		alert(1, "a", "o1", "commercial_silence", func(a *report.Alert) { a.Reasons = append(a.Reasons, "revenue fell by half"); a.IsNew = true }),
		alert(9, "z", "o1", "stalled", func(a *report.Alert) { a.IsListed = false }),
	})
	if len(lists) != 2 || lists[0].Key != "o1" {
		t.Fatalf("owners out of order: %+v", lists)
	}
	first := lists[0]
	if len(first.Partners) != 1 || len(first.Muted) != 1 || first.Beyond != 1 {
		t.Fatalf("partners %d, muted %d, beyond %d; want 1, 1, 1", len(first.Partners), len(first.Muted), first.Beyond)
	}
	p := first.Partners[0]
	if diff := cmp.Diff([]string{"commercial_silence", "revenue_down"}, p.Causes); diff != "" {
		t.Error(diff)
	}
	if len(p.Reasons) != 2 || len(p.Suggestions) != 1 || !p.IsNew {
		t.Errorf("reasons %q, suggestions %q, new %v: repeated text must be said once", p.Reasons, p.Suggestions, p.IsNew)
	}
	if first.AtStake != "1000.5000" {
		t.Errorf("at stake %s: a partner with two causes counts once", first.AtStake)
	}
}

func night() *report.Night {
	return &report.Night{
		Program: "Northwind <Partner> Program", Currency: "USD", AsOf: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), RunID: "7f3a", Version: "dev",
		Alerts: []report.Alert{
			alert(1, "alpine", "o1", "commercial_silence", func(a *report.Alert) {
				a.PartnerName, a.Probability, a.Band, a.AtStake = "Alpine <script>alert(1)</script>", f(0.71), "high", "612000.0000"
			}),
			alert(2, "kestrel", "o1", "stalled", func(a *report.Alert) { a.AtStake = "240000.0000"; a.IsNew = true }),
		},
		Partners: []report.Partner{{
			ID: "alpine", Name: "Alpine <script>alert(1)</script>", Stage: "sell", Health: f(38.4), Probability: f(0.71), ProbabilityLow: f(0.6), ProbabilityHigh: f(0.8), Band: "high",
			HealthTrend: []report.Point{{On: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), Value: 60}, {On: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Value: 38}},
			Signals:     []report.Signal{{Name: "people_active", X: f(0.2), Low: f(0.1), High: f(0.9), Points: f(12.5), Weight: f(20), Contribution: f(2.5), Status: "ok"}},
			Scorecard: []report.ScorecardLine{
				{Metric: "win_rate", Name: "Win rate", Period: "2026Q3", Number: report.Number{Value: f(0.364), Low: f(0.152), High: f(0.646), Numerator: f(4), Denominator: f(11), N: 11, Unit: "ratio", Status: "ok"}, Previous: f(0.4), DefinitionVersion: 1},
				{Metric: "win_rate", Name: "Win rate", Period: "2026Q4", Number: report.Number{Unit: "ratio", Status: "no_denominator", IsPartial: true}, DefinitionVersion: 1},
			},
			Lists: []report.ListItem{{List: "open_deals", Title: "OPP-1", Detail: "no activity for 60 days", Amount: "84000.0000", RefID: "crm:deal:OPP-1"}},
		}},
		Model: report.Model{Verdict: "Better than recency alone.", AUC: f(0.83), AUCLow: f(0.78), AUCHigh: f(0.88), AUCRecency: f(0.77), Brier: f(0.1),
			Bands: []report.Band{{Name: "high", Partners: 10, Events: 6, ObservedPercent: f(0.6)}}},
	}
}

func TestPagesEscapeWhatExportsSay(t *testing.T) {
	n := night()
	pages, err := report.NewPages(n)
	if err != nil {
		t.Fatal(err)
	}
	var index, owner, partner bytes.Buffer
	if err := pages.Index(&index); err != nil {
		t.Fatal(err)
	}
	if err := pages.Owner(&owner, &pages.Owners()[0]); err != nil {
		t.Fatal(err)
	}
	if err := pages.Partner(&partner, &n.Partners[0]); err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]string{"index": index.String(), "owner": owner.String(), "partner": partner.String()} {
		if strings.Contains(page, "<script>alert") {
			t.Errorf("%s page runs a script that came from an export", name)
		}
		if !strings.Contains(page, "Alpine &lt;script&gt;") || !strings.Contains(page, "31 October 2026") {
			t.Errorf("%s page lacks the partner or the date", name)
		}
		if strings.Contains(page, "http://") || strings.Contains(page, "https://") {
			t.Errorf("%s page fetches something", name)
		}
	}
	for _, want := range []string{"2 partners need attention, USD 852 k at stake. 1 is new tonight.", "Better than recency alone.", "0.83 (0.78 to 0.88)"} {
		if !strings.Contains(index.String(), want) {
			t.Errorf("index page lacks %q", want)
		}
	}
	for _, want := range []string{"2 partners to call (USD 852 k at stake)", "risk 71 % (of partners flagged like this 60 % left)", "no deal for 143 days"} {
		if !strings.Contains(owner.String(), want) {
			t.Errorf("owner page lacks %q", want)
		}
	}
	for _, want := range []string{"15 % to 65 %", "nothing to measure", "from 60 on 2026-08-31 to 38 on 2026-09-30", "USD 84,000"} {
		if !strings.Contains(partner.String(), want) {
			t.Errorf("partner page lacks %q", want)
		}
	}
}

func TestPagesRefuseAnAlertWithoutPartner(t *testing.T) {
	if _, err := report.NewPages(&report.Night{Alerts: []report.Alert{{ID: "x"}}}); err == nil {
		t.Fatal("an alert that names nobody was accepted")
	}
}

func TestQBRKeepsEveryComparison(t *testing.T) {
	n := night()
	var out bytes.Buffer
	if err := report.WriteQBR(&out, n, &n.Partners[0]); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version   int
		AsOf      string `json:"as_of"`
		Scorecard []map[string]any
		Lists     []map[string]any
		Risk      map[string]any
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != 1 || doc.AsOf != "2026-10-31" || len(doc.Scorecard) != 2 || len(doc.Lists) != 1 {
		t.Fatalf("unexpected document: %s", out.String())
	}
	first := doc.Scorecard[0]
	if first["value"] != 0.364 || first["numerator"] != 4.0 || first["previous_quarter"] != 0.4 || first["target"] != nil {
		t.Errorf("scorecard line %v", first)
	}
	if doc.Risk["probability"] != 0.71 {
		t.Errorf("risk %v", doc.Risk)
	}
}

func TestFileNamesNeverCollide(t *testing.T) {
	for id, want := range map[string]string{
		"crm:crm_account:1": "crm.crm_account.1",
		"":                  "e3b0c4",
	} {
		if got := report.FileName(id); got != want {
			t.Errorf("FileName(%q) = %q, want %q", id, got, want)
		}
	}
	names := map[string]string{}
	for i := range 40_000 { // ids of which only the hash is left
		id := string([]rune{'一' + rune(i/200), 'ア', '一' + rune(i%200)})
		if other, taken := names[report.FileName(id)]; taken {
			t.Fatalf("%q and %q share the file %q", id, other, report.FileName(id))
		}
		names[report.FileName(id)] = id
	}
	for _, id := range []string{"crm:a-b", "crm-a:b", "a:", ":a", "a/b", "a b", "A", "a", "a\u00e9", "a\u0301", "../a", "..", "con", strings.Repeat("x", 300), strings.Repeat("x", 301)} {
		name := report.FileName(id)
		if other, taken := names[name]; taken {
			t.Errorf("%q and %q share the file %q", id, other, name)
		}
		names[name] = id
		if strings.ContainsAny(name, `/\ `) || strings.HasPrefix(name, ".") || len(name) > 90 {
			t.Errorf("FileName(%q) = %q is not safe", id, name)
		}
	}
}

func render(t *testing.T, n *report.Night) (index, owner, partner string) {
	t.Helper()
	pages, err := report.NewPages(n)
	if err != nil {
		t.Fatal(err)
	}
	var a, b, c bytes.Buffer
	if err := errors.Join(pages.Index(&a), pages.Owner(&b, &pages.Owners()[0]), pages.Partner(&c, &n.Partners[0])); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String(), c.String()
}

func TestPartnersBeyondTheLimitNeedAttentionToo(t *testing.T) {
	n := night()
	n.Alerts[1].IsNew = false
	index, _, _ := render(t, n)
	demand(t, index, "2 partners need attention, USD 852 k at stake. None of them is new tonight.")
	below := func(a *report.Alert) { a.IsListed = false }
	n.Alerts = append(n.Alerts, alert(3, "z", "o1", "stalled", below), alert(4, "z", "o1", "health_low", below))
	n.Alerts[0].IsNew = true
	index, owner, _ := render(t, n)
	demand(t, index, "3 partners need attention; the lists have room for 2 of them, with USD 852 k at stake. Of those 1 is new tonight.")
	demand(t, owner, "2 partners to call (USD 852 k at stake)", "1 more partner needs attention, below these in rank")
}

// The reason of the alert cuts health, so that 39.7 is not "40, below the floor of 40"; whatever stands beside it does too.
func TestHealthReadsAsInTheReasons(t *testing.T) {
	n := night()
	n.Partners[0].Health, n.Partners[0].Engagement = f(39.7), f(12.9)
	n.Partners[0].HealthTrend[1].Value = 39.7
	n.Alerts[0].Health, n.Alerts[0].Reasons = f(39.7), []string{"health 39 of 100, below the floor of 40"}
	index, owner, partner := render(t, n)
	demand(t, index, `<td class="n">39</td>`)
	demand(t, owner, "· health 39 ·")
	demand(t, partner, "<b>39</b>", "engagement 12", "to 39 on 2026-09-30")
}

func TestARiskSaysWhatItIsWorth(t *testing.T) {
	for _, tt := range []struct {
		status, band, note, short string
		probability               *float64
	}{
		{"scored", "high", "10 % to 30 %, high band", "20 %", f(0.2)},
		{"cold_start", "", "10 % to 30 %, new: the usual risk of its segment", "20 %", f(0.2)},
		{"exited", "", "10 % to 30 %, of the day it left", "left", f(0.2)},
		{"exited", "", "has left the programme", "left", nil},
		{"churned", "", "counts as gone already", "gone", nil},
		{"no_commercial_event", "", "none before the first deal", "–", nil},
		{"not_fitted", "high", "no churn model speaks tonight", "–", nil},
	} {
		n := night()
		p := &n.Partners[0]
		p.ScoreStatus, p.Band, p.Probability, p.ProbabilityLow, p.ProbabilityHigh = tt.status, tt.band, tt.probability, nil, nil
		if tt.probability != nil {
			p.ProbabilityLow, p.ProbabilityHigh = f(0.1), f(0.3)
		}
		index, _, partner := render(t, n)
		demand(t, partner, `<span class="note">`+tt.note+`</span>`)
		demand(t, index, `<td class="n">`+tt.short+`</td>`)
	}
}

func TestEveryPageIsReadableWithoutSeeingIt(t *testing.T) {
	n := night()
	n.Models = models()
	n.Partners[0].Reasons = []string{"no deal for 143 days"}
	index, owner, partner := render(t, n)
	for name, page := range map[string]string{"index": index, "owner": owner, "partner": partner, "churn risk": churnPage(t, n)} {
		level := byte('0')
		for _, part := range strings.Split(page, "<h")[1:] {
			if part[0] < '1' || part[0] > '6' {
				continue
			}
			if part[0] > level+1 {
				t.Errorf("%s: a heading of level %c follows one of level %c", name, part[0], level)
			}
			level = part[0]
		}
		if tables, heads := strings.Count(page, "<table"), strings.Count(page, `<tr><th scope="col"`)+strings.Count(page, "<tr>\n<th scope=\"col\""); tables > heads {
			t.Errorf("%s: %d tables, %d of them with headers", name, tables, heads)
		}
		for _, not := range []string{"<th>", "<th class", `scope="col"></th>`, `class="n"></th>`} {
			if strings.Contains(page, not) {
				t.Errorf("%s: a header without scope or text: %s", name, not)
			}
		}
	}
}

func TestCommandsInWarningsReadAsCode(t *testing.T) {
	n := night()
	n.Warnings = []string{"4 records were refused: `partnerhealth rejects` shows <each>", "a lone ` stays"}
	n.Checks = []report.Check{{Name: "x", Severity: "warning", FailedRows: 1234, Meaning: "m", NextStep: "see `partnerhealth tables fx_rate`"}}
	index, _, _ := render(t, n)
	demand(t, index, "<code>partnerhealth rejects</code> shows &lt;each&gt;", "a lone ` stays", "see <code>partnerhealth tables fx_rate</code>", `<td class="n">1,234</td>`)
}

func TestBandsWithoutARecordAreNotShown(t *testing.T) {
	n := night()
	n.Model.Bands = []report.Band{{Name: "high"}, {Name: "low"}}
	n.Models = models()
	n.Models.Models[0].Role, n.Models.Models[0].Method, n.Models.Backtest = "stand_in", "scorecard", nil
	for i := range n.Models.Models[0].Bands {
		n.Models.Models[0].Bands[i].Observed = report.Measure{}
	}
	index, _, _ := render(t, n)
	for name, page := range map[string]string{"index": index, "churn risk": churnPage(t, n)} {
		if strings.Contains(page, "Risk band") || strings.Contains(page, "How good") {
			t.Errorf("%s: shows a track record that nobody has", name)
		}
	}
}
