package score

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// The statuses of score_partner_first_revenue beside expected.
const (
	statusTooFewEvents     = "insufficient_events"
	statusBeyondExperience = "beyond_experience"
	statusBeforeHistory    = "signed_before_history"
)

// The methods of score_partner_first_revenue.
const (
	methodCox   = "cox"
	methodCurve = "kaplan_meier"
	methodNone  = "none"
)

// eventsPerTraitColumn is how many first revenues one column of the regression costs.
const eventsPerTraitColumn = 10

// waitHorizons are the days ahead for which a chance is told.
var waitHorizons = [...]float64{90, 180, 365}

// PartnerFirstRevenueSchema returns the columns of score_partner_first_revenue.
func PartnerFirstRevenueSchema() *arrow.Schema {
	columns := []column{
		{"partner_id", text, "partner that has signed and has no revenue yet"},
		{"signed_on", date, "day of the signature"},
		{"waited_days", bigint, "days since the signature"},
		{"status", text, "expected, insufficient_events, beyond_experience (hardly anybody waited that long) or signed_before_history"},
		{"method", text, "cox, kaplan_meier or none"},
		{"basis", text, "whose waits it rests on: all partners, by their traits, or one segment"},
	}
	for _, h := range waitHorizons {
		name := fmt.Sprintf("within_%.0f", h)
		columns = append(columns,
			column{name, double, fmt.Sprintf("chance of first revenue within the next %.0f days, given the wait so far", h)},
			column{name + "_low", double, "lower end of its 95% interval"},
			column{name + "_high", double, "upper end of its 95% interval"})
	}
	columns = append(columns,
		column{"remaining_days", double, "days within which half of such partners sell from here; null where it is not reached in the time on record"},
		column{"remaining_days_low", double, "lower end of its 95% interval"},
		column{"remaining_days_high", double, "upper end; null where it is not reached"},
		column{"typical_days", double, "days from signature within which half of such partners sell; null where it is not reached"},
		column{"sold_by_then", double, "share of partners that had sold after as long a wait"},
		column{"comparable", bigint, "partners on record that waited longer: what the chances rest on"},
		column{"explanation", text, "the expectation in words, or why there is none"})
	return newSchema("when a partner that has signed may be expected to bring its first revenue.", "partner", "partner_id", columns)
}

// ExpectFirstRevenue says for every partner that has signed and has no revenue yet when it may be expected, from
// int_signed_partner. It returns score_partner_first_revenue and its card.
//
// With 30 first revenues on record it is Cox's regression on what was known at the signature, under that the Kaplan-Meier
// curve of the partner's segment, under ten nothing. All chances are given that the partner has waited as long as it has,
// and is still here: an exit is a competing end (Aalen-Johansen; for the regression its hazard is that of the whole
// programme), so that a partner who will leave is not counted as one who may still sell. The median wait takes exits as
// censored (M05). No number goes beyond the longest wait on record, and none rests on under ten longer waits.
func ExpectFirstRevenue(signed arrow.RecordBatch, o ExpectationOptions) (*Expectation, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w, err := readWaits(signed, o)
	if err != nil {
		return nil, err
	}
	card := newExpectationCard(purposeFirstRevenue, "concordance", "Kaplan-Meier curve of the segment")
	model, err := w.decide(&card)
	if err != nil {
		return nil, fmt.Errorf("expect first revenue: %w", err)
	}
	rows, err := w.newWaitTable(model, &card)
	if err != nil {
		return nil, fmt.Errorf("expect first revenue: %w", err)
	}
	t := newTable(PartnerFirstRevenueSchema())
	for _, i := range w.waiting() {
		row, err := rows.row(i)
		if err == nil {
			err = t.add(row...)
		}
		if err != nil {
			return nil, fmt.Errorf("expect first revenue of %s: %w", w.rows[i].partner, err)
		}
	}
	return &Expectation{Rows: t.record(), Card: card}, nil
}

// signedPartner is one row of int_signed_partner.
type signedPartner struct {
	partner, segment     string
	on, known            arrow.Date32
	days, followed       float64
	end                  int
	isLearnable, isWaits bool
}

// waits are the partners by id, with the traits known at their signature in the order in which columns are spent on them.
type waits struct {
	rows   []signedPartner
	traits []trait
	o      ExpectationOptions
}

func readWaits(rec arrow.RecordBatch, o ExpectationOptions) (*waits, error) {
	f := newFrame("int_signed_partner", rec)
	partner, segment, on, known := f.keys("partner_id"), f.texts("segment"), f.dates("signed_on"), f.dates("known_on")
	days, followed, end := f.numbers("days"), f.numbers("followed_days"), f.counts("event")
	learnable, waiting := f.bools("is_learnable"), f.bools("is_waiting")
	kind, region, tier := f.texts("partner_type"), f.texts("region"), f.texts("tier_at_signing")
	delay, forms := f.numbers("application_days"), f.texts("traits")
	if f.err != nil {
		return nil, f.err
	}
	order := make([]int, len(partner))
	for i := range order {
		order[i] = i
		if !(days[i] >= 0) || !(followed[i] >= 0) || end[i] > endExit || on[i] == noDate {
			return nil, &InputError{Table: f.table, Reason: fmt.Sprintf("partner %s: event %d after %v days", partner[i], end[i], days[i])}
		}
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(partner[a], partner[b]) })
	w := &waits{o: o}
	sorted := func(words []string) []string {
		out := make([]string, len(order))
		for k, i := range order {
			out[k] = words[i]
		}
		return out
	}
	delays := make([]float64, len(order))
	for k, i := range order {
		if k > 0 && partner[i] == partner[order[k-1]] {
			return nil, &InputError{Table: f.table, Column: "partner_id", Reason: "partner " + partner[i] + " has two rows"}
		}
		w.rows = append(w.rows, signedPartner{
			partner: partner[i], segment: segment[i], on: on[i], known: known[i], days: days[i], followed: followed[i],
			end: int(end[i]), isLearnable: learnable[i], isWaits: waiting[i]})
		delays[k] = delay[i]
	}
	w.traits = []trait{{name: "partner_type", words: sorted(kind)}, {name: "region", words: sorted(region)}}
	applied := statedTraits(sorted(forms))
	if t, ok := findTrait(applied, "recruitment_source", "source", "lead_source"); ok && t.words != nil {
		w.traits = append(w.traits, trait{name: "recruitment_source", words: t.words})
	}
	w.traits = append(w.traits, trait{name: "tier_at_signing", words: sorted(tier)})
	if t, ok := findTrait(applied, "employees", "employee_count", "size"); ok && t.numbers != nil {
		w.traits = append(w.traits, trait{name: "employees", numbers: t.numbers})
	}
	w.traits = append(w.traits, trait{name: "application_days", numbers: delays})
	return w, nil
}

func (w *waits) learnable() (rows []int) {
	for i, r := range w.rows {
		if r.isLearnable {
			rows = append(rows, i)
		}
	}
	return rows
}

func (w *waits) waiting() (rows []int) {
	for i, r := range w.rows {
		if r.isWaits {
			rows = append(rows, i)
		}
	}
	return rows
}
