package survival_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

func date(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// label is how the files write an outcome.
func label(o survival.Outcome) string {
	return map[survival.Outcome]string{survival.No: "0", survival.Yes: "1"}[o]
}

// worked is the event log and the spells of seven partners.
type worked struct {
	partner []string // of each spell
	number  []string // of each spell, within its partner
	spells  []survival.Spell
	events  map[string][]survival.Activity
}

func readWorked(t *testing.T, c *reference.Case) worked {
	tab := c.Table("worked_spells.csv")
	w := worked{partner: tab.Text("partner_id"), number: tab.Text("spell"), events: map[string][]survival.Activity{}}
	end := tab.Text("churn_date")
	for i, start := range tab.Text("start_date") {
		w.spells = append(w.spells, survival.Spell{Start: date(t, start), End: date(t, end[i]), Event: end[i] != ""})
	}
	tab = c.Table("worked_events.csv")
	on, amount := tab.Text("event_date"), tab.Floats("amount")
	for i, id := range tab.Text("partner_id") {
		w.events[id] = append(w.events[id], survival.Activity{On: date(t, on[i]), Amount: amount[i]})
	}
	return w
}

func workedWindow(t testing.TB) survival.Window {
	return survival.Window{Start: date(t, "2023-01-01"), End: date(t, "2023-09-01"), Horizon: 3}
}

// checkWorkedExample compares every field of every expected row.
func checkWorkedExample(t *testing.T, c *reference.Case) {
	w := readWorked(t, c)
	periods, err := survival.PersonPeriods(w.spells, workedWindow(t))
	if err != nil {
		t.Fatal(err)
	}
	var file string
	c.Field("expected_rows", &file)
	tab := c.Table(file)
	column := func(name string) []string { return tab.Text(name) }
	partner, spell, month, tenure := column("partner_id"), column("spell"), column("month"), column("tenure_months")
	revenue, recency := tab.Floats("revenue_prev_3m"), column("days_since_last_event")
	inMonth, within, usable := column("y_month"), column("y_3m"), column("y_3m_usable")
	if len(periods.Rows) != tab.Rows() {
		t.Fatalf("%d rows, want %d", len(periods.Rows), tab.Rows())
	}
	for i, p := range periods.Rows {
		at := func(what string) string { return fmt.Sprintf("row %d: %s", i, what) }
		id := w.partner[p.Spell]
		amount, days := survival.Trailing(w.events[id], w.spells[p.Spell].Start, p.Month, 3)
		c.Equal(at("partner_id"), id, partner[i])
		c.Equal(at("spell"), w.number[p.Spell], spell[i])
		c.Equal(at("month"), p.Month.Format("2006-01"), month[i])
		c.Equal(at("tenure_months"), strconv.Itoa(p.Tenure), tenure[i])
		c.Close(at("revenue_prev_3m"), amount, revenue[i])
		c.Equal(at("days_since_last_event"), strconv.Itoa(days), recency[i])
		c.Equal(at("y_month"), label(p.InMonth), inMonth[i])
		c.Equal(at("y_3m"), label(p.WithinHorizon), within[i])
		c.Equal(at("y_3m_usable"), map[bool]string{true: "1", false: "0"}[p.Usable], usable[i])
	}
	checkWorkedCounts(c, periods)
	checkLapses(t, c, w)
	var never []string
	for _, i := range periods.NeverAtRisk {
		never = append(never, w.partner[i])
	}
	c.Equal("never at risk", fmt.Sprint(never), "[P4 P7]")
}

func checkWorkedCounts(c *reference.Case, periods *survival.Periods) {
	type count struct {
		Rows   float64 `json:"rows"`
		Events float64 `json:"events"`
	}
	var want struct {
		Rows    float64 `json:"n_rows"`
		InMonth count   `json:"y_month"`
		Known   count   `json:"y_3m_known"`
		Usable  count   `json:"y_3m_usable"`
	}
	c.Field("expected", &want)
	tally := func(take func(survival.Period) (survival.Outcome, bool)) (n count) {
		for _, p := range periods.Rows {
			if o, ok := take(p); ok && o != survival.Unknown {
				n.Rows++
				if o == survival.Yes {
					n.Events++
				}
			}
		}
		return n
	}
	for what, pair := range map[string][2]count{
		"y_month": {tally(func(p survival.Period) (survival.Outcome, bool) { return p.InMonth, true }), want.InMonth},
		"known":   {tally(func(p survival.Period) (survival.Outcome, bool) { return p.WithinHorizon, true }), want.Known},
		"usable":  {tally(func(p survival.Period) (survival.Outcome, bool) { return p.WithinHorizon, p.Usable }), want.Usable},
	} {
		c.Close(what+" rows", pair[0].Rows, pair[1].Rows)
		c.Close(what+" events", pair[0].Events, pair[1].Events)
	}
	c.Close("rows", float64(len(periods.Rows)), want.Rows)
}

// checkLapses compares the churns by 90 days of inactivity.
func checkLapses(t *testing.T, c *reference.Case, w worked) {
	var rule struct {
		Expected []struct {
			Partner string `json:"partner_id"`
			Churns  []struct {
				On       string  `json:"churn_date"`
				Last     string  `json:"last_event"`
				Returned *string `json:"returned_on"`
			} `json:"inactivity_churns"`
		} `json:"expected"`
	}
	c.Field("inactivity_rule", &rule)
	if len(rule.Expected) != len(w.events) {
		t.Errorf("%d partners with a rule, %d with events", len(rule.Expected), len(w.events))
	}
	for _, want := range rule.Expected {
		var active []time.Time
		for _, e := range w.events[want.Partner] {
			active = append(active, e.On)
		}
		got := survival.Lapses(active, 90, workedWindow(t).End)
		if len(got) != len(want.Churns) {
			t.Errorf("%s: %d lapses, want %d", want.Partner, len(got), len(want.Churns))
			continue
		}
		for i, churn := range want.Churns {
			returned := ""
			if churn.Returned != nil {
				returned = *churn.Returned
			}
			c.Equal(want.Partner+" churned", got[i].On.Format(time.DateOnly), churn.On)
			c.Equal(want.Partner+" last event", got[i].Last.Format(time.DateOnly), churn.Last)
			if got[i].Returned != date(t, returned) {
				t.Errorf("%s returned %v, want %q", want.Partner, got[i].Returned, returned)
			}
		}
	}
}

// An activity on the last of the quiet days keeps a partner; the next morning is a return.
func TestTheLastQuietDayCounts(t *testing.T) {
	first, end := date(t, "2023-01-01"), date(t, "2023-12-01")
	for days, want := range map[int]int{89: 1, 90: 1, 91: 2} {
		if got := survival.Lapses([]time.Time{first.AddDate(0, 0, days), first}, 90, end); len(got) != want {
			t.Errorf("active again after %d days: %d lapses, want %d", days, len(got), want)
		}
	}
	if got := survival.Lapses([]time.Time{first}, 90, first.AddDate(0, 0, 90)); len(got) != 0 {
		t.Errorf("a lapse on the day on which the data end: %v", got)
	}
}

// A partner that was merged into another is neither a churn nor known to stay: its last rows have no label and are not
// used. An end that has to settle takes the newest rows away from both outcomes.
func TestCensoredAndUnsettledRowsAreNotUsed(t *testing.T) {
	window := survival.Window{Start: date(t, "2023-01-01"), End: date(t, "2024-01-01"), Horizon: 3, Settle: 90}
	periods, err := survival.PersonPeriods([]survival.Spell{
		{Start: date(t, "2022-06-15"), End: date(t, "2023-05-10"), Reason: "merger"},
		{Start: date(t, "2022-06-15"), End: date(t, "2023-11-20"), Event: true},
		{Start: date(t, "2022-06-15"), End: date(t, "2024-02-01"), Event: true},
		{Start: date(t, "2021-01-01"), End: date(t, "2022-10-01"), Reason: "merger"},
	}, window)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 3)
	for _, p := range periods.Rows {
		text := label(p.WithinHorizon)
		if text == "" {
			text = "?"
		}
		if p.Usable {
			text += "!"
		}
		got[p.Spell] += text + " "
	}
	for i, want := range []string{
		"0! 0! ? ? ? ",                    // January and February end before May, the rest does not
		"0! 0! 0! 0! 0! 0! 0! ? 1 1 1 ",   // October 1st is the last settled end: rows to July
		"0! 0! 0! 0! 0! 0! 0! ? ? ? ? ? ", // a churn of next year is not known yet
	} {
		if got[i] != want {
			t.Errorf("spell %d: %s, want %s", i, got[i], want)
		}
	}
	if len(periods.Censored) != 1 || periods.Censored["merger"] != 1 {
		t.Errorf("censored %v, want one merger in the window", periods.Censored)
	}
}

func TestWindowsAndSpellsThatAreNoneAreRefused(t *testing.T) {
	good := workedWindow(t)
	spell := survival.Spell{Start: date(t, "2023-02-01")}
	for name, c := range map[string]struct {
		spell  survival.Spell
		change func(*survival.Window)
	}{
		"ends before it starts": {survival.Spell{Start: date(t, "2023-02-01"), End: date(t, "2023-01-31")}, func(*survival.Window) {}},
		"has no start":          {survival.Spell{}, func(*survival.Window) {}},
		"an empty window":       {spell, func(w *survival.Window) { w.End = w.Start }},
		"no horizon":            {spell, func(w *survival.Window) { w.Horizon = 0 }},
		"settles before":        {spell, func(w *survival.Window) { w.Settle = -1 }},
	} {
		w := good
		c.change(&w)
		var input *survival.InputError
		if p, err := survival.PersonPeriods([]survival.Spell{c.spell}, w); !errors.As(err, &input) {
			t.Errorf("%s: %v, error %v", name, p, err)
		}
	}
	if p, err := survival.PersonPeriods(nil, good); err != nil || len(p.Rows) != 0 {
		t.Errorf("no spells: %v, %v", p, err)
	}
}

// What a row says may not depend on what is recorded later than its horizon, nor its history on what follows its month.
func TestRowsDoNotKnowTheFuture(t *testing.T) {
	start := date(t, "2022-01-01")
	rapid.Check(t, func(t *rapid.T) {
		day := func(name string, from, to int) time.Time {
			return start.AddDate(0, 0, rapid.IntRange(from, to).Draw(t, name))
		}
		s := survival.Spell{Start: day("start", 0, 400)}
		if rapid.Bool().Draw(t, "ended") {
			s.End, s.Event = s.Start.AddDate(0, 0, rapid.IntRange(0, 500).Draw(t, "length")), rapid.Bool().Draw(t, "event")
		}
		w := survival.Window{Start: start, End: day("end", 200, 700), Horizon: rapid.IntRange(1, 6).Draw(t, "horizon"), Settle: rapid.IntRange(0, 100).Draw(t, "settle")}
		periods, err := survival.PersonPeriods([]survival.Spell{s}, w)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range periods.Rows {
			horizon := p.Month.AddDate(0, w.Horizon, 0)
			if !p.Usable {
				continue
			}
			cut := s // what was known when the row's label had settled
			if !cut.End.IsZero() && !cut.End.Before(horizon) {
				cut.End, cut.Event = time.Time{}, false
			}
			early, err := survival.PersonPeriods([]survival.Spell{cut}, survival.Window{Start: start, End: horizon.AddDate(0, 0, w.Settle), Horizon: w.Horizon, Settle: w.Settle})
			if err != nil {
				t.Fatal(err)
			}
			same := false
			for _, q := range early.Rows {
				same = same || q == p
			}
			if !same {
				t.Fatalf("%+v is not among %+v", p, early.Rows)
			}
		}
	})
}

func ExamplePersonPeriods() {
	on := func(month time.Month, day int) time.Time { return time.Date(2024, month, day, 0, 0, 0, 0, time.UTC) }
	periods, err := survival.PersonPeriods([]survival.Spell{
		{Start: on(1, 20), End: on(4, 10), Event: true}, // left the programme in April
		{Start: on(2, 5), End: on(4, 1), Reason: "merger"},
		{Start: on(3, 3), End: on(3, 28), Event: true},
	}, survival.Window{Start: on(1, 1), End: on(7, 1), Horizon: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	names := map[survival.Outcome]string{survival.No: "stays", survival.Yes: "churns", survival.Unknown: "unknown"}
	for _, p := range periods.Rows {
		fmt.Printf("spell %d in %s, tenure %d: %s within 2 months\n", p.Spell, p.Month.Format("January"), p.Tenure, names[p.WithinHorizon])
	}
	fmt.Println("never at risk:", periods.NeverAtRisk, "censored:", periods.Censored)
	// Output:
	// spell 0 in February, tenure 1: stays within 2 months
	// spell 0 in March, tenure 2: churns within 2 months
	// spell 0 in April, tenure 3: churns within 2 months
	// spell 1 in March, tenure 1: unknown within 2 months
	// spell 1 in April, tenure 2: unknown within 2 months
	// never at risk: [2] censored: map[merger:1]
}
