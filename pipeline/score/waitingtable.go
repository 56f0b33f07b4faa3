package score

import (
	"fmt"
	"math"
	"strings"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// waitTable writes the rows of the partners that wait.
type waitTable struct {
	*waits
	model waitModel // nil where nothing can be expected
	card  *ExpectationCard
	all   *durations
	ended *survival.Incidence // nil where nobody has sold yet
}

func (w *waits) newWaitTable(model waitModel, card *ExpectationCard) (*waitTable, error) {
	t := &waitTable{waits: w, model: model, card: card, all: w.group(w.learnable(), w.o.asOfDay())}
	if t.all.events() == 0 {
		return t, nil
	}
	var err error
	t.ended, err = survival.AalenJohansen(survival.Competing{Time: t.all.days, Cause: t.all.end, Causes: 2})
	return t, err
}

// row returns one partner's row.
func (t *waitTable) row(i int) ([]any, error) {
	r := t.rows[i]
	comparable := len(t.all.after(r.followed).days)
	status, method, why := statusExpected, t.card.Method, ""
	switch {
	case t.model == nil:
		status, why = statusTooFewEvents, t.card.Reason
	case !r.isLearnable:
		status, method, why = statusBeforeHistory, methodNone, "signed before the first deal on record: its past is not known"
	case comparable < minScope:
		status, method = statusBeyondExperience, methodNone
		why = fmt.Sprintf("signed %s ago without revenue; only %s ever waited longer, too few to expect anything from",
			waitText(r.followed), plural(float64(comparable), "partner"))
	}
	var sold *float64
	if t.ended != nil && t.ended.FollowUp() >= r.followed {
		sold = optional(t.ended.At(endRevenue, r.followed))
	}
	out := outlook{}
	if status == statusExpected {
		var err error
		if out, err = t.model.expect(i, r.followed); err != nil {
			return nil, err
		}
		why = out.explain(r.followed, sold)
	}
	row := []any{r.partner, r.on, int64(r.followed), status, method, nullable(out.basis)}
	for _, s := range out.within {
		row = append(row, s.columns()...)
	}
	return append(append(row, out.remaining.columns()...), out.typical, sold, comparable, why), nil
}

// explain tells the expectation in words.
func (o outlook) explain(waited float64, sold *float64) string {
	var parts []string
	if s := o.remaining; s.value != nil {
		text := "first revenue expected in about " + waitText(*s.value)
		switch {
		case s.low != nil && s.high != nil:
			text += fmt.Sprintf(" (%s to %s)", waitText(*s.low), waitText(*s.high))
		case s.low != nil:
			text += fmt.Sprintf(" (%s or more)", waitText(*s.low))
		}
		parts = append(parts, text)
	}
	for k, s := range o.within {
		if s.value == nil || k == 1 && o.within[2].value != nil {
			continue
		}
		what := "chance"
		if len(parts) == 0 {
			what = "chance of first revenue"
		}
		text := fmt.Sprintf("%s %s within %.0f days", percentText(*s.value), what, waitHorizons[k])
		if s.low != nil && s.high != nil {
			text += fmt.Sprintf(" (%s to %s)", percentText(*s.low), percentText(*s.high))
		}
		parts = append(parts, text)
	}
	text := "signed " + waitText(waited) + " ago"
	if sold != nil {
		text += fmt.Sprintf(", by when %s of partners had sold", percentText(*sold))
	}
	if o.typical != nil {
		text += "; typical is " + waitText(*o.typical)
	}
	return strings.Join(append(parts, text), "; ")
}

// waitText tells a number of days as people do.
func waitText(days float64) string {
	if days < 60 {
		return plural(math.Round(days), "day")
	}
	return plural(math.Round(days/30.4375), "month")
}
