package score

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

const (
	featureTable = "fct_partner_month_feature"
	partnerTable = "dim_partner"
)

// snapshot is one partner at one snapshot.
type snapshot struct {
	partner, family, segment string
	on                       arrow.Date32
	spell                    int64
	atRisk, tonight, usable  bool
	label                    float64 // 0 or 1 where usable, NaN else
	values                   []float64
	// won is the revenue of the 365 days before, known then.
	won float64
	// churnedOn is the day on which a partner of label 1 was lost, knownOn the first snapshot whose night knew the label as
	// it stands: until then a partner that stayed passed for churned.
	churnedOn, knownOn arrow.Date32
}

// panel is the feature table, ordered by partner and snapshot.
type panel struct {
	features []feature
	index    map[string]int // column of values by name
	rows     []snapshot
	knownTo  arrow.Date32 // last day that the night knows
}

// at returns the value of a column.
func (p *panel) at(row int, column string) float64 { return p.rows[row].values[p.index[column]] }

// readPanel reads fct_partner_month_feature and checks what the model relies on: one row per partner and snapshot, labels
// of 0 or 1, and no outcome that could not be known on the as-of date.
func readPanel(rec arrow.RecordBatch, o Options) (*panel, error) {
	p := &panel{features: features(), knownTo: o.asOfDay()}
	var names []string
	names, p.index = columnIndex(p.features)
	f := newFrame(featureTable, rec)
	partner, family, segment := f.keys("partner_id"), f.texts("family_id"), f.texts("segment")
	on, spell, label := f.dates("snapshot_on"), f.numbers("spell_no"), f.numbers("label")
	atRisk, tonight, usable := f.bools("is_at_risk"), f.bools("is_as_of"), f.bools("is_usable")
	won, churnedOn, knownOn := f.numbers("won_365d"), f.dates("churned_on"), f.dates("outcome_known_on")
	columns := make([][]float64, len(names))
	for j, name := range names {
		columns[j] = f.numbers(name)
	}
	if f.err != nil {
		return nil, f.err
	}
	p.rows = make([]snapshot, f.rows())
	values := make([]float64, f.rows()*len(names))
	for i := range p.rows {
		v := values[i*len(names):][:len(names):len(names)]
		for j := range names {
			v[j] = columns[j][i]
		}
		s := snapshot{partner: partner[i], family: family[i], segment: segment[i], on: on[i], atRisk: atRisk[i],
			tonight: tonight[i], usable: usable[i] && atRisk[i], label: math.NaN(), values: v,
			won: won[i], churnedOn: churnedOn[i], knownOn: knownOn[i]}
		if !math.IsNaN(spell[i]) {
			s.spell = int64(spell[i])
		}
		if s.family == "" {
			s.family = s.partner
		}
		if s.usable {
			s.label = label[i]
		}
		p.rows[i] = s
	}
	slices.SortFunc(p.rows, func(a, b snapshot) int {
		if c := strings.Compare(a.partner, b.partner); c != 0 {
			return c
		}
		return int(a.on) - int(b.on)
	})
	if err := p.check(o); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *panel) check(o Options) error {
	for i, s := range p.rows {
		bad := func(column, reason string) error {
			return &InputError{Table: featureTable, Column: column,
				Reason: fmt.Sprintf("partner %s at %s: %s", s.partner, day(s.on), reason)}
		}
		if s.on == noDate {
			return bad("snapshot_on", "the date is missing")
		}
		if i > 0 && p.rows[i-1].partner == s.partner && p.rows[i-1].on == s.on {
			return bad("snapshot_on", "the snapshot is there twice")
		}
		if !s.usable {
			continue
		}
		if s.label != 0 && s.label != 1 {
			return bad("label", fmt.Sprintf("the outcome is %v", s.label))
		}
		if ends := s.on + arrow.Date32(o.HorizonDays); ends > o.asOfDay()+1 {
			return &LeakageError{Partner: s.partner, SnapshotOn: s.on.ToTime(), Ends: ends.ToTime(), AsOf: o.asOfDay().ToTime()}
		}
	}
	return nil
}

func day(d arrow.Date32) string { return d.ToTime().Format(time.DateOnly) }

// addMonths moves a day by whole months.
func addMonths(d arrow.Date32, months int) arrow.Date32 {
	return arrow.Date32FromTime(d.ToTime().AddDate(0, months, 0))
}

// live returns the rows that are scored tonight: at risk, and past their cold start.
func (p *panel) live(o Options) []int {
	var rows []int
	for i, s := range p.rows {
		if s.tonight && s.atRisk && !p.isCold(i, o) {
			rows = append(rows, i)
		}
	}
	return rows
}

// isCold reports whether the partner is too new to have a trend.
func (p *panel) isCold(row int, o Options) bool {
	return p.at(row, colTenureMonths) < o.ColdStartMonths
}

// usable returns the rows whose outcome is known.
func (p *panel) usable() []int {
	var rows []int
	for i, s := range p.rows {
		if s.usable {
			rows = append(rows, i)
		}
	}
	return rows
}

// churns counts the distinct churns among rows: a churn is a partner and a spell, however many of its snapshots saw it
// coming.
func (p *panel) churns(rows []int) int {
	seen := map[[2]any]bool{}
	for _, i := range rows {
		if s := p.rows[i]; s.label == 1 {
			seen[[2]any{s.partner, s.spell}] = true
		}
	}
	return len(seen)
}

// events counts the distinct churns among rows.
func (p *panel) events(rows []int) int { return p.churns(rows) }

// positives counts the rows with outcome 1.
func (p *panel) positives(rows []int) int {
	n := 0
	for _, i := range rows {
		if p.rows[i].label == 1 {
			n++
		}
	}
	return n
}

// partners counts the distinct partners among rows.
func (p *panel) partners(rows []int) int {
	n, last := 0, -1
	for _, i := range rows { // rows are in the order of the panel, partners together
		if last < 0 || p.rows[i].partner != p.rows[last].partner {
			n++
		}
		last = i
	}
	return n
}

// clusters numbers the partner families of the rows: what happens to one member of a family tells of the others.
func (p *panel) clusters(rows []int) []int {
	number := map[string]int{}
	out := make([]int, len(rows))
	for k, i := range rows {
		g, seen := number[p.rows[i].family]
		if !seen {
			g = len(number)
			number[p.rows[i].family] = g
		}
		out[k] = g
	}
	return out
}

// labels returns the outcomes of the rows.
func (p *panel) labels(rows []int) []float64 {
	y := make([]float64, len(rows))
	for k, i := range rows {
		y[k] = p.rows[i].label
	}
	return y
}

// split is the division of the known outcomes in time.
type split struct {
	// train ends early enough for its outcomes to be known before the first held-out snapshot; purged lies between.
	train, purged, heldOut []int
	trainFrom, trainTo     arrow.Date32
	heldFrom, heldTo       arrow.Date32
	// dropped counts the newest monthly snapshots whose outcome is not known yet.
	dropped int
}

// heldOutMonths are the last two quarters of snapshots with a known outcome.
const heldOutMonths = 6

// split divides the usable rows: the newest months are held out, and a row trains only when its horizon ends by the first
// held-out snapshot, so that no outcome of the test period is ever learned from.
func (p *panel) split(o Options) split {
	s := split{trainFrom: noDate, trainTo: noDate, heldFrom: noDate, heldTo: noDate}
	usable := p.usable()
	for _, i := range usable {
		s.heldTo = max(s.heldTo, p.rows[i].on)
	}
	if len(usable) > 0 {
		s.heldFrom = addMonths(s.heldTo, 1-heldOutMonths)
	}
	for _, i := range usable {
		on := p.rows[i].on
		switch {
		case on >= s.heldFrom:
			s.heldOut = append(s.heldOut, i)
		case on+arrow.Date32(o.HorizonDays) <= s.heldFrom:
			s.train = append(s.train, i)
			s.trainTo = max(s.trainTo, on)
			if s.trainFrom == noDate || on < s.trainFrom {
				s.trainFrom = on
			}
		default:
			s.purged = append(s.purged, i)
		}
	}
	newest := map[arrow.Date32]bool{}
	for _, r := range p.rows {
		if r.atRisk && !r.tonight && !r.usable && r.on > s.heldTo {
			newest[r.on] = true
		}
	}
	s.dropped = len(newest)
	return s
}
