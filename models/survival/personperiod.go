package survival

import (
	"fmt"
	"slices"
	"time"
)

// Spell is one stretch of time that a subject, here a partner, spends under observation. Of times only the day counts, in
// the zone in which they are given.
type Spell struct {
	// Start is the first day, also where it lies before the observed time; End is the day on which the spell ended, zero
	// while it goes on.
	Start, End time.Time
	// Event tells that the end is the event that is modelled, a churn. An end without it is a censoring: a merger, a
	// migration, a programme that we closed. Reason says which.
	Event  bool
	Reason string
}

// Window is the time over which spells are observed and how far their labels look ahead.
type Window struct {
	// Start is the first observed day, End the first that is not.
	Start, End time.Time
	// Horizon is the number of months of the longer label, at least 1.
	Horizon int
	// Settle is the number of days after which an event is known to have happened or not: 0 for recorded ends, the days
	// of quiet for a churn by inactivity.
	Settle int
}

// Outcome is a label.
type Outcome uint8

// The labels: Unknown where the time was not observed to its end, or the spell was censored in it.
const (
	Unknown Outcome = iota
	No
	Yes
)

// Period is one row: a spell at the first day of a month.
type Period struct {
	// Spell is the index of the spell.
	Spell int
	// Month is the first day of the month, midnight UTC, the snapshot that features may know: what happened before it.
	Month time.Time
	// Tenure is the number of calendar months since that of the spell's start.
	Tenure int
	// InMonth tells whether the event happened in the month, WithinHorizon whether in the Horizon months from it on.
	InMonth, WithinHorizon Outcome
	// Usable tells whether the whole horizon was observed and has settled. Train and test on usable rows alone: near the
	// end of the data events are already known and their absence is not, so that all known labels hold too many events.
	Usable bool
}

// Periods is the person-period form of spells, the input of a discrete-time hazard model.
type Periods struct {
	// Rows are ordered by spell and month.
	Rows []Period
	// NeverAtRisk are the spells without a row: begun and ended between two first days of a month, or outside the window.
	NeverAtRisk []int
	// Censored counts the spells that ended in the window without the event, by reason.
	Censored map[string]int
}

// PersonPeriods makes a row for each spell and month M at whose first day it is at risk: it started before that day and
// did not end before it, and the day lies in the window. An end on or after the window's end is not known yet. The error
// is an *InputError for a window that is empty, a horizon below 1, or a spell that ends before it starts.
//
// Reference: Singer and Willett, Applied Longitudinal Data Analysis, 2003, section 10.5; Allison, Sociological
// Methodology 13 (1982).
func PersonPeriods(spells []Spell, w Window) (*Periods, error) {
	w.Start, w.End = day(w.Start), day(w.End)
	if !w.Start.Before(w.End) || w.Horizon < 1 || w.Settle < 0 {
		return nil, &InputError{Row: -1, Reason: fmt.Sprintf("window %s to %s, horizon %d months, %d days to settle",
			w.Start.Format(time.DateOnly), w.End.Format(time.DateOnly), w.Horizon, w.Settle)}
	}
	out := &Periods{Censored: map[string]int{}}
	for i, s := range spells {
		if s.Start.IsZero() || !s.End.IsZero() && day(s.End).Before(day(s.Start)) {
			return nil, &InputError{Row: i, Reason: "the spell has no start, or ends before it"}
		}
		s.Start, s.End = day(s.Start), day(s.End)
		if !s.End.IsZero() && !s.End.Before(w.End) {
			s.End = time.Time{}
		}
		if !s.End.IsZero() && !s.Event && !s.End.Before(w.Start) {
			out.Censored[s.Reason]++
		}
		before := len(out.Rows)
		out.Rows = append(out.Rows, s.periods(i, &w)...)
		if len(out.Rows) == before {
			out.NeverAtRisk = append(out.NeverAtRisk, i)
		}
	}
	return out, nil
}

// periods are the rows of spell i.
func (s *Spell) periods(i int, w *Window) (rows []Period) {
	first := s.Start.AddDate(0, 0, 1) // a spell is at risk from the first of the month after its start on
	if first.Before(w.Start) {
		first = w.Start
	}
	month := firstOfMonth(first)
	if month.Before(first) {
		month = month.AddDate(0, 1, 0)
	}
	for ; month.Before(w.End) && (s.End.IsZero() || !s.End.Before(month)); month = month.AddDate(0, 1, 0) {
		p := Period{Spell: i, Month: month, Tenure: monthIndex(month) - monthIndex(s.Start)}
		p.InMonth, _ = s.outcome(month, 1, w)
		p.WithinHorizon, p.Usable = s.outcome(month, w.Horizon, w)
		rows = append(rows, p)
	}
	return rows
}

// outcome labels the months from the first day of one on, and tells whether all of them were observed.
func (s *Spell) outcome(month time.Time, months int, w *Window) (label Outcome, observed bool) {
	end := month.AddDate(0, months, 0)
	ended := !s.End.IsZero() && s.End.Before(end)
	observed = !end.AddDate(0, 0, w.Settle).After(w.End) && (!ended || s.Event)
	switch {
	case ended && s.Event:
		return Yes, observed
	case observed:
		return No, true
	}
	return Unknown, false
}

// Activity is what a subject did on a day: an order with its amount, or a login with none.
type Activity struct {
	On     time.Time
	Amount float64
}

// Trailing describes what was known of a subject at the first day of a month: the amount of its activities in the given
// number of calendar months before, and the whole days since its last one, or since the start where there was none. Only
// activities from start on count, so that a spell does not see the one before it.
func Trailing(activities []Activity, start, month time.Time, months int) (amount float64, days int) {
	start, month = day(start), day(month)
	from, last := month.AddDate(0, -months, 0), start
	for _, a := range activities {
		on := day(a.On)
		if on.Before(start) || !on.Before(month) {
			continue
		}
		if on.After(last) {
			last = on
		}
		if !on.Before(from) {
			amount += a.Amount
		}
	}
	return amount, daysBetween(last, month)
}

// Lapse is a churn by inactivity.
type Lapse struct {
	// On is the day on which the quiet had lasted long enough, Last that of the last activity before it, Returned that of
	// the next one, zero where there is none.
	On, Last, Returned time.Time
}

// Lapses finds the churns by inactivity: quiet days after an activity without another up to and including the last of
// them, all before the end of the data. An activity later than that is a return, the start of a new spell. The days of
// activity may come in any order.
func Lapses(active []time.Time, quiet int, end time.Time) []Lapse {
	days := make([]time.Time, len(active))
	for i, a := range active {
		days[i] = day(a)
	}
	slices.SortFunc(days, time.Time.Compare)
	var out []Lapse
	for i, last := range days {
		on, next := last.AddDate(0, 0, quiet), time.Time{}
		if i+1 < len(days) {
			next = days[i+1]
		}
		if on.Before(day(end)) && (next.IsZero() || next.After(on)) {
			out = append(out, Lapse{On: on, Last: last, Returned: next})
		}
	}
	return out
}

// day is midnight UTC of a time's calendar day; the zero time stays zero.
func day(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	year, month, d := t.Date()
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

func monthIndex(t time.Time) int { return 12*t.Year() + int(t.Month()) }

func daysBetween(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) }
