package score

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
)

const (
	// casesPerTrait is how many of the rarer outcome one column costs.
	casesPerTrait = 5
	// minOutcomes is the least number of each outcome, later in time, on which a score can be judged.
	minOutcomes = 5
	// recruitReasons is how many traits are told.
	recruitReasons = 3
)

// selectionNote is printed wherever the score is.
const selectionNote = "Only applicants who signed have an outcome: of those whom we refused nobody knows what would have become. " +
	"The score ranks applicants like those we took; a high one is no reason to take only such."

// fitScoreNote says why the ideal-partner score does not stand beside the look-alike score.
const fitScoreNote = "No ideal-partner score (M01) is loaded to stand beside it."

// RecruitSchema returns the columns of score_recruit.
func RecruitSchema() *arrow.Schema {
	return newSchema("how much an applicant is like the partners who got going within a year of signing.", "application", "application_id", []column{
		{"application_id", text, "application that is undecided, or was approved within 90 days of being submitted"},
		{"applicant_name", text, "applicant"},
		{"partner_id", text, "partner that it became; null where it became none yet"},
		{"submitted_on", date, "day of the submission"},
		{"application_status", text, "state of the application"},
		{"status", text, "scored, insufficient_events or not_fitted"},
		{"method", text, "ridge or none"},
		{"score", double, "0 to 100: the chance, in percent, of a first commercial event within activation.window_days of signing or of first revenue within 365 days"},
		{"low", double, "lower end of its 95% interval"},
		{"high", double, "upper end"},
		{"reason_1", text, "the trait that raises the score most, in words"},
		{"reason_2", text, "second trait"},
		{"reason_3", text, "third trait"},
		{"note", text, "what to bear in mind, or why there is no score"},
	})
}

// ExpectRecruits scores the applicants of int_application who are undecided or were approved lately by how much they are
// like the partners who got going: who had a first commercial event soon after signing, or first revenue within 365 days
// (M42). It returns score_recruit and its card.
//
// It is a ridge regression on what the application form stated when it was first received, and the country. It needs 30
// partners of either outcome, signed at least a year ago, and it must rank later signatures better than chance: trained
// on those whose outcome was known when the last third of partners began to sign, and tried on that third. Without that
// nobody is scored and the card says why.
func ExpectRecruits(applications arrow.RecordBatch, o ExpectationOptions) (*Expectation, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	a, err := readApplicants(applications, o)
	if err != nil {
		return nil, err
	}
	card := newExpectationCard(purposeLookAlike, "auc", "chance (AUC 0.5)")
	m, err := a.decide(&card)
	if err != nil {
		return nil, fmt.Errorf("score applicants: %w", err)
	}
	t := newTable(RecruitSchema())
	for i, r := range a.rows {
		if !r.isCandidate {
			continue
		}
		if err := t.add(a.row(i, m, &card)...); err != nil {
			return nil, fmt.Errorf("score application %s: %w", r.id, err)
		}
	}
	return &Expectation{Rows: t.record(), Card: card}, nil
}

// applicant is one row of int_application.
type applicant struct {
	id, partner, name, status string
	submitted, signed, known  arrow.Date32
	label                     float64 // NaN where there is none
	isCandidate               bool
}

// applicants are the applications by id with what they stated.
type applicants struct {
	rows   []applicant
	traits []trait
	o      ExpectationOptions
}

func readApplicants(rec arrow.RecordBatch, o ExpectationOptions) (*applicants, error) {
	f := newFrame("int_application", rec)
	id, partner, name, status := f.keys("application_id"), f.texts("partner_id"), f.texts("applicant_name"), f.texts("status")
	submitted, signed, known := f.dates("submitted_on"), f.dates("signed_on"), f.dates("label_known_on")
	label, candidate := f.numbers("label"), f.bools("is_candidate")
	country, forms := f.texts("country"), f.texts("traits")
	if f.err != nil {
		return nil, f.err
	}
	order := make([]int, len(id))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return strings.Compare(id[x], id[y]) })
	a := &applicants{o: o}
	countries, stated := make([]string, len(id)), make([]string, len(id))
	for k, i := range order {
		switch {
		case k > 0 && id[i] == id[order[k-1]]:
			return nil, &InputError{Table: f.table, Column: "application_id", Reason: "application " + id[i] + " has two rows"}
		case !math.IsNaN(label[i]) && label[i] != 0 && label[i] != 1:
			return nil, &InputError{Table: f.table, Column: "label", Reason: fmt.Sprintf("application %s has %v", id[i], label[i])}
		case !math.IsNaN(label[i]) && (signed[i] == noDate || known[i] == noDate || known[i] > o.asOfDay()):
			return nil, &InputError{Table: f.table, Column: "label", Reason: "application " + id[i] + " knows an outcome that is still open"}
		}
		a.rows = append(a.rows, applicant{
			id: id[i], partner: partner[i], name: name[i], status: status[i], submitted: submitted[i], signed: signed[i],
			known: known[i], label: label[i], isCandidate: candidate[i]})
		countries[k], stated[k] = country[i], forms[i]
	}
	a.traits = statedTraits(stated)
	if _, ok := findTrait(a.traits, "country"); !ok {
		a.traits = append([]trait{{name: "country", words: countries}}, a.traits...)
	}
	return a, nil
}

// labelled are the applications whose outcome is known, those that signed first first.
func (a *applicants) labelled() (rows []int) {
	for i, r := range a.rows {
		if !math.IsNaN(r.label) {
			rows = append(rows, i)
		}
	}
	slices.SortStableFunc(rows, func(x, y int) int { return cmp.Compare(a.rows[x].signed, a.rows[y].signed) })
	return rows
}

// outcomes counts both.
func (a *applicants) outcomes(rows []int) (positive, negative int) {
	for _, i := range rows {
		if a.rows[i].label == 1 {
			positive++
		} else {
			negative++
		}
	}
	return positive, negative
}

// lookAlike is a fitted score: the regression, and what later outcomes corrected of its log-odds.
type lookAlike struct {
	design  *traitDesign
	model   *logistic.Model
	laplace *logistic.Covariance
	line    recalibration
	error   lineError
}

func (a *applicants) fit(rows []int) (*lookAlike, error) {
	positive, negative := a.outcomes(rows)
	m := &lookAlike{design: newTraitDesign(a.traits, rows, inTurns(min(positive, negative)/casesPerTrait)), line: asItIs}
	if len(m.design.columns) == 0 {
		return nil, fmt.Errorf("no stated trait varies enough")
	}
	data := logistic.Data{X: m.design.matrix(rows), Cols: len(m.design.columns), Names: m.design.names()}
	for _, i := range rows {
		data.Y = append(data.Y, a.rows[i].label)
	}
	var err error
	if m.model, err = logistic.Fit(data, logistic.Options{Lambda: a.o.Lambda, Standardise: true}); err != nil {
		return nil, err
	}
	m.laplace = m.model.Laplace()
	return m, nil
}

// score returns the chance with its 95% interval.
func (m *lookAlike) score(row int) (p, low, high float64) {
	iv := m.laplace.Interval(m.design.row(row), 0.95)
	logit, half := m.line.Logit(iv.Logit), func(limit float64) float64 {
		return math.Hypot(m.line.Slope*(logistic.Logit(limit)-iv.Logit), normal95*m.error.at(iv.Logit))
	}
	return logistic.Expit(logit), logistic.Expit(logit - half(iv.Low)), logistic.Expit(logit + half(iv.High))
}

// reasons are the traits that raise the score most against the average applicant learned from.
func (m *lookAlike) reasons(row int) []string {
	x := m.design.row(row)
	parts := make([]float64, len(x))
	m.model.Contributions(parts, x)
	sum := map[string]float64{}
	var names []string
	for j, c := range m.design.columns {
		if _, ok := sum[c.trait]; !ok {
			names = append(names, c.trait)
		}
		sum[c.trait] += m.line.Slope * parts[j]
	}
	names = slices.DeleteFunc(names, func(name string) bool { return sum[name] < minReason })
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(sum[y], sum[x]), strings.Compare(x, y)) })
	var out []string
	for _, name := range names[:min(len(names), recruitReasons)] {
		out = append(out, m.design.say(name, row))
	}
	return out
}

// decide fits and judges, and fills in the card; it returns nil where nobody is scored.
func (a *applicants) decide(card *ExpectationCard) (*lookAlike, error) {
	rows := a.labelled()
	positive, negative := a.outcomes(rows)
	card.n, card.events, card.note = len(rows), positive, selectionNote+" "+fitScoreNote
	if len(rows) > 0 {
		card.learnedFrom, card.learnedTo = a.rows[rows[0]].signed, a.rows[rows[len(rows)-1]].signed
	}
	if positive < regressFrom || negative < regressFrom {
		card.conclude(verdictInsufficient, methodNone, fmt.Sprintf("of the partners that signed at least a year ago and have an application, %d got going and %d did not; %d of each are needed",
			positive, negative, regressFrom))
		return nil, nil
	}
	m, err := a.fit(rows)
	if err != nil {
		card.conclude(verdictNotFitted, methodNone, "no score can be fitted: "+err.Error())
		return nil, nil
	}
	card.columns, card.columnNames, card.leftOut = len(m.design.columns), strings.Join(m.design.names(), ", "), strings.Join(m.design.leftOut, "; ")
	return a.judge(m, rows, card)
}

// before divides the partners by a day on which some of them signed: those whose outcome was known by then, and those that
// signed from then on.
func (a *applicants) before(cut arrow.Date32, rows []int) (train, later []int) {
	for _, i := range rows {
		switch r := a.rows[i]; {
		case r.signed >= cut:
			later = append(later, i)
		case r.known <= cut:
			train = append(train, i)
		}
	}
	return train, later
}

// judge trains on the partners whose outcome was known before the last third of them signed, and tries the score on that
// third. The score is returned where it ranks them better than chance: where the 95 % interval that the card shows lies
// above it, so that the card does not contradict itself.
func (a *applicants) judge(m *lookAlike, rows []int, card *ExpectationCard) (*lookAlike, error) {
	cut := a.rows[rows[len(rows)*2/3]].signed
	train, later := a.before(cut, rows)
	refuse := func(reason string) (*lookAlike, error) {
		card.conclude(verdictNotFitted, methodNone, reason)
		return nil, nil
	}
	positive, negative := a.outcomes(later)
	card.judged, card.judgedEvents, card.judgedFrom, card.judgedTo = len(later), positive, cut, a.rows[rows[len(rows)-1]].signed
	if positive < minOutcomes || negative < minOutcomes {
		return refuse(fmt.Sprintf("of the partners that signed last %d got going and %d did not: nothing to judge a score by", positive, negative))
	}
	if p, n := a.outcomes(train); p < expectFrom || n < expectFrom {
		return refuse(fmt.Sprintf("of the partners whose outcome was known before the others signed, %d got going and %d did not: too few to judge a score by", p, n))
	}
	past, err := a.fit(train)
	if err != nil {
		return refuse("the partners that signed first do not tell enough to judge by: " + err.Error())
	}
	y, p := a.labels(later), make([]float64, len(later))
	for k, i := range later {
		p[k], _, _ = past.score(i)
	}
	sample, err := evaluate.New(y, p, nil)
	if err != nil {
		return nil, err
	}
	auc, err := sample.DeLong(0.95)
	if err != nil {
		return nil, err
	}
	card.value, card.against = spanOf(auc.AUC, auc.Low, auc.High), spanOf(0.5, math.NaN(), math.NaN())
	card.gain = spanOf(auc.AUC-0.5, auc.Low-0.5, auc.High-0.5)
	if card.ratio, err = observedExpected(sample, positive); err != nil {
		return nil, err
	}
	numbers := fmt.Sprintf("AUC %.2f (%.2f to %.2f) on %s that signed later", auc.AUC, auc.Low, auc.High, plural(float64(len(later)), "partner"))
	if auc.Low <= 0.5 {
		card.conclude(verdictNoBetter, methodNone, numbers+": not above chance, so nobody is scored")
		return nil, nil
	}
	card.conclude(verdictBeats, methodRidge, numbers+"; chance is 0.50")
	m.recalibrate(a, past, rows, later).tell(card)
	return m, nil
}

// observedExpected returns how many events there were per event expected, with the interval of a Poisson count.
func observedExpected(s *evaluate.Sample, events int) (span, error) {
	ratio, err := s.ObservedExpected()
	if err != nil || events < minJudged {
		return span{}, err
	}
	spread := math.Exp(normal95 / math.Sqrt(float64(events)))
	return spanOf(ratio, ratio/spread, ratio*spread), nil
}

// row returns one applicant's row.
func (a *applicants) row(i int, m *lookAlike, card *ExpectationCard) []any {
	r := a.rows[i]
	row := []any{r.id, r.name, nullable(r.partner), r.submitted, r.status}
	if m == nil {
		status := statusNotFitted
		if card.Verdict == verdictInsufficient {
			status = statusTooFewEvents
		}
		return append(row, status, methodNone, nil, nil, nil, nil, nil, nil, card.Reason+". "+fitScoreNote)
	}
	p, low, high := m.score(i)
	row = append(row, statusScored, methodRidge, 100*p, 100*low, 100*high)
	reasons := m.reasons(i)
	for k := range recruitReasons {
		if k < len(reasons) {
			row = append(row, reasons[k])
		} else {
			row = append(row, nil)
		}
	}
	return append(row, selectionNote)
}
