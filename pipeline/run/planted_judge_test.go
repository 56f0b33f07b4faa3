//go:build !race

package run

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
	"github.com/partnerhealth/partnerhealth/models/logistic"
	"github.com/partnerhealth/partnerhealth/pipeline/score"
)

// texts and numbers read a column of a table by its name; a null is "" and NaN.
func texts(r arrow.RecordBatch, name string) []string {
	c := column(r, name)
	out := make([]string, c.Len())
	for i := range out {
		if !c.IsNull(i) {
			out[i] = c.ValueStr(i)
		}
	}
	return out
}

func numbers(r arrow.RecordBatch, name string) []float64 {
	out := make([]float64, 0, r.NumRows())
	for _, text := range texts(r, name) {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			v = math.NaN()
		}
		out = append(out, v)
	}
	return out
}

func column(r arrow.RecordBatch, name string) arrow.Array {
	for i, f := range r.Schema().Fields() {
		if f.Name == name {
			return r.Column(i)
		}
	}
	panic("no column " + name)
}

// estimate is a number with its 95 % interval.
type estimate struct{ value, low, high float64 }

func (e estimate) String() string {
	if math.IsNaN(e.value) {
		return "        -       "
	}
	return fmt.Sprintf("%5.2f %5.2f-%4.2f", e.value, e.low, e.high)
}

// predictions are probabilities beside what happened, and how recency alone ranks the same rows. The rows of a partner
// share its name.
type predictions struct {
	partner                       []string
	outcome, probability, recency []float64
}

func (p *predictions) add(q predictions) {
	p.partner = append(p.partner, q.partner...)
	p.outcome = append(p.outcome, q.outcome...)
	p.probability = append(p.probability, q.probability...)
	p.recency = append(p.recency, q.recency...)
}

// of returns the predictions with their partners told apart from those of other programmes.
func (p predictions) of(programme string) predictions {
	q := p
	q.partner = nil
	for _, name := range p.partner {
		q.partner = append(q.partner, programme+name)
	}
	return q
}

// judged is what a night said of its score, and what then happened.
type judged struct {
	// method, role and verdict are those of the regression where there is one, else those of the rule score.
	method, role, verdict string
	churns                int // E
	// reported is the method that ranks the partners.
	reported        string
	auc, aucRecency estimate
	slope, ratio    estimate
	heldOut         predictions // of the reported method
	// future is the horizon behind the as-of date, one row for each partner that was scored and did not exit.
	future predictions
}

// judge reads the night's tables.
func judge(r *score.ChurnResult, features arrow.RecordBatch, fates map[string]fate) judged {
	out := judged{churns: r.Summary.Churns, reported: r.Summary.Method}
	roles, methods, verdicts, ids := texts(r.Cards, "role"), texts(r.Cards, "method"), texts(r.Cards, "verdict"), texts(r.Cards, "model_id")
	reported := ""
	for i, role := range roles {
		if texts(r.Cards, "is_reported")[i] == "true" {
			reported = ids[i]
		}
		switch role {
		case "published", "shadow", "rejected":
		case "stand_in":
			if out.method != "" {
				continue
			}
		default:
			continue
		}
		out.method, out.role, out.verdict = methods[i], role, verdicts[i]
		measure := func(name string) estimate {
			return estimate{numbers(r.Cards, name)[i], numbers(r.Cards, name+"_low")[i], numbers(r.Cards, name+"_high")[i]}
		}
		out.auc, out.aucRecency = measure("auc"), measure("auc_recency")
		out.slope, out.ratio = measure("calibration_slope"), measure("observed_expected")
	}
	outcome, probability, recency := numbers(r.HeldOut, "label"), numbers(r.HeldOut, "probability"), numbers(r.HeldOut, "baseline_probability")
	partner := texts(r.HeldOut, "partner_id")
	for i, id := range texts(r.HeldOut, "model_id") {
		if id == reported {
			out.heldOut.add(predictions{partner[i : i+1], outcome[i : i+1], probability[i : i+1], recency[i : i+1]})
		}
	}
	out.future = lookAhead(r, features, fates)
	return out
}

// lookAhead puts tonight's scores beside what the generator let happen afterwards.
func lookAhead(r *score.ChurnResult, features arrow.RecordBatch, fates map[string]fate) predictions {
	tonight, gaps := texts(features, "is_as_of"), numbers(features, "recency_gaps")
	recency := map[string]float64{}
	for i, partner := range texts(features, "partner_id") {
		if tonight[i] == "true" {
			recency[partner] = gaps[i]
		}
	}
	var out predictions
	status, logit := texts(r.Partners, "status"), numbers(r.Partners, "logit")
	probability := numbers(r.Partners, "probability")
	for i, partner := range texts(r.Partners, "partner_id") {
		if status[i] != "scored" && status[i] != "not_fitted" || fates[partner] == exited {
			continue
		}
		if math.IsNaN(probability[i]) {
			probability[i] = logistic.Expit(logit[i])
		}
		churn := 0.0
		if fates[partner] == churned {
			churn = 1
		}
		out.add(predictions{[]string{partner}, []float64{churn}, probability[i : i+1], []float64{recency[partner]}})
	}
	return out
}

// quality is how good predictions are, each measure with the 95 % interval of a bootstrap by partner.
type quality struct {
	rows, churned         int
	auc, aucRecency, gain estimate
	slope, ratio          estimate // calibration slope, observed over expected
}

func (q quality) String() string {
	return fmt.Sprintf("%5d of %6d rows churned  AUC %v  recency %v  gain %v  slope %v  O/E %v", q.churned, q.rows, q.auc, q.aucRecency, q.gain, q.slope, q.ratio)
}

// quality measures the predictions.
func (p predictions) quality() (quality, error) {
	model, err := evaluate.New(p.outcome, p.probability, nil)
	if err != nil {
		return quality{}, err
	}
	recency, err := evaluate.New(p.outcome, p.recency, nil)
	if err != nil {
		return quality{}, err
	}
	number, cluster := map[string]int{}, make([]int, len(p.partner))
	for i, name := range p.partner {
		k, seen := number[name]
		if !seen {
			k = len(number)
			number[name] = k
		}
		cluster[i] = k
	}
	measure := func(m, r *evaluate.Sample, values []float64) {
		exists := func(v float64, err error) float64 {
			if err != nil {
				return math.NaN()
			}
			return v
		}
		values[0], values[1] = exists(m.AUC()), exists(r.AUC())
		values[2] = values[0] - values[1]
		c, err := m.Calibrate()
		values[3], values[4] = exists(c.Slope, err), exists(m.ObservedExpected())
	}
	var whole [5]float64
	measure(model, recency, whole[:])
	intervals, ok, err := evaluate.Bootstrap(cluster, len(whole), 200, 0.95, rand.New(rand.NewPCG(1, 1)), func(weight, values []float64) {
		m, err1 := model.Reweighted(weight)
		r, err2 := recency.Reweighted(weight)
		if err1 != nil || err2 != nil {
			for k := range values {
				values[k] = math.NaN()
			}
			return
		}
		measure(m, r, values)
	})
	if err != nil {
		return quality{}, err
	}
	q := quality{rows: len(p.outcome), churned: int(model.Events())}
	for k, e := range []*estimate{&q.auc, &q.aucRecency, &q.gain, &q.slope, &q.ratio} {
		if *e = (estimate{whole[k], math.NaN(), math.NaN()}); ok[k] {
			e.low, e.high = intervals[k].Low, intervals[k].High
		}
	}
	return q, nil
}

// exchange gives every partner the values that another one, drawn by the seed, has in some columns at the same snapshot. Rows
// whose counterpart cannot be used cannot be used either. The rows of a partner stay together, because one churn is in as many
// of them as the horizon has months.
func exchange(features arrow.RecordBatch, seed uint64, exchanged func(name string) bool) arrow.RecordBatch {
	partners, days := texts(features, "partner_id"), texts(features, "snapshot_on")
	type key struct{ partner, day string }
	row := map[key]int{}
	var names []string
	for i, p := range partners {
		row[key{p, days[i]}] = i
		if i == 0 || partners[i-1] != p {
			names = append(names, p)
		}
	}
	other, order := map[string]string{}, rand.New(rand.NewPCG(seed, 1)).Perm(len(names))
	for i, j := range order {
		other[names[i]] = names[j]
	}
	usable, from := column(features, "is_usable").(*array.Boolean), make([]int, len(partners))
	for i, p := range partners {
		if from[i] = i; usable.Value(i) {
			j, there := row[key{other[p], days[i]}]
			if from[i] = j; !there || !usable.Value(j) {
				from[i] = -1
			}
		}
	}
	columns := make([]arrow.Array, features.NumCols())
	for i, f := range features.Schema().Fields() {
		columns[i] = taken(f.Name, features.Column(i), from, exchanged(f.Name))
	}
	return array.NewRecordBatch(features.Schema(), columns, features.NumRows())
}

// taken returns a column with the values of the rows from, where it is exchanged; rows from nowhere lose their outcome.
func taken(name string, c arrow.Array, from []int, exchanged bool) arrow.Array {
	at := func(i int) int {
		if exchanged && from[i] >= 0 {
			return from[i]
		}
		return i
	}
	switch c := c.(type) {
	case *array.Boolean:
		if name != "is_usable" {
			return c
		}
		b := array.NewBooleanBuilder(memory.DefaultAllocator)
		for i := range from {
			b.Append(c.Value(i) && from[i] >= 0)
		}
		return b.NewArray()
	case *array.Int32:
		b := array.NewInt32Builder(memory.DefaultAllocator)
		for i := range from {
			if name == "label" && from[i] < 0 || c.IsNull(at(i)) {
				b.AppendNull()
			} else {
				b.Append(c.Value(at(i)))
			}
		}
		return b.NewArray()
	case *array.Float64:
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		for i := range from {
			if c.IsNull(at(i)) {
				b.AppendNull()
			} else {
				b.Append(c.Value(at(i)))
			}
		}
		return b.NewArray()
	}
	if name == "churned_on" || name == "outcome_known_on" { // of the outcome that was given away
		return array.MakeArrayOfNull(memory.DefaultAllocator, c.DataType(), c.Len())
	}
	return c
}

// outcomes are the columns that say what became of a partner; beyondRecency those of the features that tell more than
// recency and the reasons' view of it.
func outcomes(name string) bool { return name == "label" }

func beyondRecency(name string) bool {
	switch name {
	case "label", "tenure_months", "recency_gaps", "days_since_last_event", "median_gap_days", "won_365d":
		return false
	}
	return true
}

// churnOptions are those of a night.
func churnOptions(asOf time.Time) score.Options {
	o := score.DefaultOptions(asOf)
	o.HorizonDays = plantedHorizon
	return o
}

// churnOf scores the night.
func churnOf(ctx context.Context, features, partners arrow.RecordBatch) (*score.ChurnResult, error) {
	return score.Churn(ctx, features, partners, churnOptions(plantedAsOf))
}
