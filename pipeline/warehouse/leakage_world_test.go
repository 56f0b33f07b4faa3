package warehouse

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The small programmes of the leakage test: records of every kind that feeds a churn feature, each with the moment it is
// dated and the moment it was received.

var (
	worldStart = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	// worldEnd is the instant after the as-of date of the tests.
	worldEnd  = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	worldDays = int(worldEnd.Sub(worldStart).Hours() / 24)
)

const (
	worldPartners = 3
	// prologue is when the first exports came: what they bring counts as known at its own time.
	prologue = "2025-01-01 00:00:00"
	stamp    = "2006-01-02 15:04:05"
)

// event is one record of a programme: kind, partner, the day and hour that it is dated, the days until it was received,
// and numbers that its content is made of.
type event struct {
	kind             string
	partner          int
	at               time.Time
	delay            int
	size, what, days int
	deal             string // key of the deal that the record refers to; "" for one that size and days make up
}

func (e event) knownAt() time.Time { return e.at.AddDate(0, 0, e.delay) }

// eventKinds are the kinds of records, each with the rows that it makes.
var eventKinds = map[string]func(e event, key string, add func(table string, row Row)){
	"deal":         dealRows,
	"registration": registrationRows,
	// A role on a deal that another record made.
	"role": func(e event, key string, add func(string, Row)) {
		add("canonical.opportunity_partner", Row{"opportunity_id": dealOf(e), "partner_id": partnerOf(e), "partner_ref": key,
			"role": pick(e.what, "resold", "sourced", "referred"), "role_raw": "-", "basis": "exported", "first_touch_at": e.at, "known_at": e.knownAt()})
	},
	"meeting": func(e event, key string, add func(string, Row)) {
		add("canonical.activity", Row{"activity_id": key, "partner_id": partnerOf(e), "kind": pick(e.what, "meeting", "qbr", "event"),
			"opportunity_id": dealOf(e), "customer_present": e.days%2 == 0,
			"status": pick(e.size, "held", "held", "cancelled"), "started_at": e.at, "known_at": e.knownAt()})
	},
	"certificate": func(e event, key string, add func(string, Row)) {
		add("canonical.certification", Row{"award_id": key, "person_id": personOf(e), "partner_id": partnerOf(e), "cert_code": pick(e.what, "C1", "C2"),
			"issued_at": e.at, "expires_at": e.at.AddDate(0, 0, 30+3*e.days), "status": "valid", "known_at": e.knownAt()})
	},
	"case": func(e event, key string, add func(string, Row)) {
		add("canonical.support_case", Row{"case_id": key, "partner_id": partnerOf(e), "opened_at": e.at, "is_escalated": e.what%2 == 0, "known_at": e.knownAt()})
	},
	"answer": func(e event, key string, add func(string, Row)) {
		add("canonical.survey_response", Row{"response_id": key, "partner_id": partnerOf(e), "person_id": personOf(e), "survey_code": pick(e.days, "W1", "W2"),
			"metric": "psat", "score": 1 + e.what%5, "scale_min": 1, "scale_max": 5, "responded_at": e.at, "known_at": e.knownAt()})
	},
	"fund": func(e event, key string, add func(string, Row)) {
		add("canonical.fund_flow", Row{"fund_id": key, "kind": pick(e.what, "request", "claim"), "partner_id": partnerOf(e),
			"status": pick(e.size, "approved", "rejected", "paid"), "created_at": e.at, "known_at": e.knownAt()})
	},
	"course": func(e event, key string, add func(string, Row)) {
		row := Row{"learning_id": key, "person_id": personOf(e), "partner_id": partnerOf(e), "course_code": pick(e.what, "L1", "L2"),
			"started_at": e.at, "status": "in_progress", "known_at": e.knownAt()}
		if done := e.at.AddDate(0, 0, e.days%20); e.size%2 == 0 && done.Before(worldEnd) && !done.After(e.knownAt()) {
			row["completed_at"], row["status"] = done, "completed"
		}
		add("canonical.learning_record", row)
	},
	"tier": func(e event, key string, add func(string, Row)) {
		add("canonical.partner_history", Row{"partner_id": partnerOf(e), "attribute": "tier", "value": pick(e.what, "Silver", "Gold"), "rank": 1 + e.what%2,
			"valid_from": e.at, "basis": "exported", "known_at": e.knownAt()})
	},
	"portal": func(e event, key string, add func(string, Row)) {
		received := prologue
		if e.delay > 0 {
			received = e.knownAt().Format(stamp)
		}
		add("rollup.partner_day", Row{"day": e.at.Format(time.DateOnly), "partner_ref": "ref:" + partnerOf(e), "person_id": personOf(e),
			"kind": pick(e.what, "login", "content_view", "login_failed"), "channel": "portal", "source": "portal", "object": key, "received_at": received,
			"events": 1 + e.size%3, "objects": 1, "content_events": e.what % 2})
		// Every object has had its first export long ago.
		add("lake.input", Row{"source": "portal", "object": key, "table_name": "engagement_event", "received_at": prologue})
	},
	"task": func(e event, key string, add func(string, Row)) {
		add("canonical.onboarding_task", Row{"partner_id": partnerOf(e), "plan_version": key, "task_code": "T", "is_required": true, "assigned_at": e.at, "known_at": e.knownAt()})
	},
}

func kindNames() []string {
	var names []string
	for k := range eventKinds {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func pick(i int, of ...string) string { return of[i%len(of)] }

func partnerOf(e event) string { return fmt.Sprintf("p%d", e.partner) }

// dealOf is a deal of the programme that the record refers to; where the record of that number is no deal, it refers to none.
func dealOf(e event) string {
	if e.deal != "" {
		return e.deal
	}
	return fmt.Sprintf("r%d", (e.size*7+e.days)%40)
}

func personOf(e event) string { return fmt.Sprintf("p%d-%d", e.partner, e.size%2) }

// dealRows are a deal with the role of its partner. It closes where its last day comes before the end of the world.
func dealRows(e event, key string, add func(string, Row)) {
	deal := Row{"opportunity_id": key, "pipeline": "P", "stage_raw": "Open", "stage_class": "open", "stage_order": 1, "is_closed": false, "is_won": false,
		"amount": 100 * (1 + e.size), "amount_at_creation": 90 * (1 + e.size), "currency": "USD", "created_at": e.at, "known_at": e.knownAt()}
	if e.what%4 == 0 { // the source is set now, or days later
		deal["source_partner_id"] = partnerOf(e)
		if set := e.at.AddDate(0, 0, e.days%12); set.Before(worldEnd) {
			deal["source_partner_set_at"] = set
		}
	}
	if closed := e.at.AddDate(0, 0, e.days); e.what%3 > 0 && closed.Before(worldEnd) {
		closeDeal(deal, closed, e.what%3 == 1)
	}
	add("canonical.opportunity", deal)
	add("canonical.opportunity_partner", Row{"opportunity_id": key, "partner_id": partnerOf(e), "partner_ref": "ref:" + partnerOf(e), "role": "resold",
		"role_raw": "resold", "basis": "exported", "first_touch_at": e.at, "known_at": e.knownAt()})
}

func closeDeal(deal Row, at time.Time, won bool) {
	deal["is_closed"], deal["is_won"], deal["closed_at"], deal["closed_seen_at"] = true, won, at, at
	deal["stage_raw"], deal["stage_class"], deal["closed_basis"] = "Lost", "lost", "history"
	if at.Day()%3 == 0 { // never a real deal, as it turned out
		deal["lost_reason"] = "duplicate"
	}
	if won {
		deal["stage_raw"], deal["stage_class"] = "Won", "won"
	}
}

func registrationRows(e event, key string, add func(string, Row)) {
	row := Row{"deal_reg_id": key, "partner_id": partnerOf(e), "status": pick(e.what, "approved", "submitted", "rejected"), "submitted_at": e.at,
		"known_at": e.knownAt()}
	if decided := e.at.AddDate(0, 0, e.days%9); e.days%3 > 0 && e.what%3 == 0 && decided.Before(worldEnd) {
		row["decided_at"], row["opportunity_id"] = decided, dealOf(e)
	}
	if answered := e.at.Add(time.Duration(e.size) * 7 * time.Hour); e.what%2 == 0 && answered.Before(worldEnd) {
		row["first_response_at"] = answered
	}
	add("canonical.deal_registration", row)
}

// world is a programme, and what was added to it after the cut.
type world struct {
	records []event
	cut     time.Time
	// added are dated on or after the cut, or received after its day.
	added []event
	// closed are places of open deals among the records, each with the days after the cut at which it was closed.
	closed map[int]int
}

// worlds draws programmes and additions.
func worlds() *rapid.Generator[world] {
	return rapid.Custom(func(t *rapid.T) world {
		w := world{closed: map[int]int{}}
		w.cut = worldStart.AddDate(0, rapid.IntRange(3, 16).Draw(t, "cut"), 0)
		cutDay := int(w.cut.Sub(worldStart).Hours() / 24)
		w.records = rapid.SliceOfN(events(0, worldDays-1), 20, 80).Draw(t, "records")
		// Every partner has sold: one that never did has no row at all.
		for k := range worldPartners {
			w.records = append(w.records, event{kind: "deal", partner: k, at: worldStart.Add(time.Duration(k) * 500 * time.Hour), what: 1, days: 10})
		}
		later := rapid.SliceOfN(events(cutDay, worldDays-1), 0, 8).Draw(t, "dated after the cut")
		late := rapid.SliceOfN(events(0, cutDay-1), 0, 8).Draw(t, "received after the cut")
		for _, e := range late {
			behind := int(w.cut.Sub(e.at).Hours()/24) + 2
			e.delay += behind
			if e.knownAt().Before(worldEnd) {
				later = append(later, e)
			}
		}
		w.added = later
		for i, e := range w.records {
			if e.kind != "deal" || !e.at.Before(w.cut) {
				continue
			}
			if e.what%3 == 0 && rapid.Bool().Draw(t, "closed after the cut") {
				w.closed[i] = e.days
			}
			if rapid.IntRange(0, 3).Draw(t, "claimed by a registration") == 0 {
				claim := event{kind: "registration", partner: (e.partner + 1) % worldPartners, at: e.at.Add(time.Hour), days: 1, deal: fmt.Sprintf("r%d", i)}
				claim.delay = int(w.cut.Sub(e.at).Hours()/24) + 2
				w.added = append(w.added, claim)
			}
		}
		return w
	})
}

func events(from, to int) *rapid.Generator[event] {
	return rapid.Custom(func(t *rapid.T) event {
		e := event{
			kind: rapid.SampledFrom(kindNames()).Draw(t, "kind"), partner: rapid.IntRange(0, worldPartners-1).Draw(t, "partner"),
			size: rapid.IntRange(0, 9).Draw(t, "size"), what: rapid.IntRange(0, 11).Draw(t, "what"), days: rapid.IntRange(0, 120).Draw(t, "days"),
		}
		e.at = worldStart.AddDate(0, 0, rapid.IntRange(from, to).Draw(t, "day")).Add(time.Duration(rapid.IntRange(0, 23).Draw(t, "hour")) * time.Hour)
		if rapid.IntRange(0, 3).Draw(t, "on time") == 0 {
			e.delay = rapid.IntRange(1, 60).Draw(t, "delay")
		}
		return e
	})
}

// tables returns the rows of the programme, before or after the additions.
func (w world) tables(after bool) map[string][]Row {
	out := staticTables()
	add := func(table string, row Row) {
		if _, rows := eventTables[table]; rows {
			row["_deleted"] = false
		}
		for column, v := range row {
			if at, ok := v.(time.Time); ok {
				row[column] = at.Format(stamp)
			}
		}
		out[table] = append(out[table], row)
	}
	for i, e := range w.records {
		key := fmt.Sprintf("r%d", i)
		days, closes := w.closed[i]
		if e.kind == "deal" && closes && after {
			eventKinds["deal"](e, key, func(table string, row Row) {
				if at := w.cut.AddDate(0, 0, days); table == "canonical.opportunity" && at.Before(worldEnd) {
					closeDeal(row, at.Add(time.Hour), days%2 == 0)
				}
				add(table, row)
			})
			continue
		}
		eventKinds[e.kind](e, key, add)
	}
	if after {
		for i, e := range w.added {
			eventKinds[e.kind](e, fmt.Sprintf("a%d", i), add)
		}
	}
	closeTiers(out["canonical.partner_history"])
	return out
}

// eventTables are those whose rows a source can delete.
var eventTables = map[string]bool{
	"canonical.activity": true, "canonical.certification": true, "canonical.deal_registration": true, "canonical.fund_flow": true,
	"canonical.learning_record": true, "canonical.onboarding_task": true, "canonical.opportunity": true, "canonical.opportunity_partner": true,
	"canonical.partner_history": true, "canonical.support_case": true, "canonical.survey_response": true,
}

// closeTiers ends each tier of a partner where the next one begins, as the history does.
func closeTiers(rows []Row) {
	for _, r := range rows {
		for _, next := range rows {
			if next["partner_id"] == r["partner_id"] && next["valid_from"].(string) > r["valid_from"].(string) &&
				(r["valid_to"] == nil || next["valid_from"].(string) < r["valid_to"].(string)) {
				r["valid_to"] = next["valid_from"]
			}
		}
	}
}

// staticTables are the partners, their people, and the settings.
func staticTables() map[string][]Row {
	out := map[string][]Row{
		"main.run_settings":     {defaultSettings()},
		"main.tier_requirement": {{"tier_code": "Silver", "required_certifications": 1}, {"tier_code": "Gold", "required_certifications": 3}},
		"main.setting_list": {{"setting": "revenue_roles", "value": "sourced"}, {"setting": "revenue_roles", "value": "resold"},
			{"setting": "winrate.exclude_reasons", "value": "duplicate"}},
	}
	for k := range worldPartners {
		p := fmt.Sprintf("p%d", k)
		out["canonical.partner"] = append(out["canonical.partner"], Row{"partner_id": p, "name": p, "segment": pick(k, "SMB", "ENT"), "status": "active",
			"joined_on": "2025-05-01", "is_test": false, "_deleted": false})
		for _, ref := range []string{p, "ref:" + p} {
			out["canonical.partner_reference"] = append(out["canonical.partner_reference"], Row{"ref": ref, "partner_id": p, "is_current": true, "valid_from": prologue})
		}
		for i := range 2 {
			out["canonical.person_partner"] = append(out["canonical.person_partner"], Row{"person_id": fmt.Sprintf("%s-%d", p, i), "partner_id": p, "valid_from": prologue})
		}
	}
	return out
}
