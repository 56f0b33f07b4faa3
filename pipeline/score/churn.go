package score

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// ChurnResult holds the tables of a night's churn score.
type ChurnResult struct {
	// Partners is score_partner_churn, Contributions score_churn_contribution.
	Partners, Contributions arrow.RecordBatch
	// Cards is model_card, Coefficients model_coefficient, HeldOut model_holdout, Bands model_band.
	Cards, Coefficients, HeldOut, Bands arrow.RecordBatch
	Summary                             ChurnSummary
}

// ChurnSummary says in a few values what the night's churn score is.
type ChurnSummary struct {
	// Method that ranks the partners: ridge, ridge_cv or scorecard.
	Method string
	// Verdict on the regression, and Reason for it.
	Verdict, Reason string
	// Churns is E, the distinct churns in the training window.
	Churns int
	// Scored counts the partners at risk that have a rank tonight.
	Scored int
	// AUC of the reported method and of recency alone on the held-out quarters; nil where it does not exist.
	AUC, RecencyAUC *float64
}

// The methods, as score_method names them.
const (
	methodRidge     = "ridge"
	methodTuned     = "ridge_cv"
	methodScorecard = "scorecard"
	methodCold      = "cold_start"
)

// The roles of a model card.
const (
	rolePublished = "published"
	roleStandIn   = "stand_in"
	roleShadow    = "shadow"
	roleRejected  = "rejected"
)

// attempt is one method of the night with its track record.
type attempt struct {
	id, method, role string
	verdict, reason  string
	lambda           lambdaChoice
	choices          []choice
	// fitted is the regression on all rows with a known outcome; nil for the rule score and where the fit failed.
	fitted *ridge
	rule   *scorecard
	track  *trackRecord
	bands  bands
}

// scorer returns what scores tonight.
func (a *attempt) scorer() scorer {
	if a.rule != nil {
		return a.rule
	}
	return a.fitted
}

// night is the state of one run of Churn.
type night struct {
	o      Options
	p      *panel
	roster map[string]member
	split  split
	live   []int
	usable []int
	churns int     // E
	rate   float64 // shrunken share of positive rows, all known outcomes
	// reported ranks the partners; others are only logged.
	reported *attempt
	others   []*attempt
}

// Churn scores every partner's risk to churn within the horizon, from fct_partner_month_feature and dim_partner
// (partner_id, exited_on, first_commercial_on; nil when there is none, then partners that are not at risk count as
// churned). See the package comment for what is fitted when. Errors are *InputError, *LeakageError, *ContributionError and
// those of the context; a model that cannot be fitted is no error but a card that says why.
func Churn(ctx context.Context, features, partners arrow.RecordBatch, o Options) (*ChurnResult, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p, err := readPanel(features, o)
	if err != nil {
		return nil, err
	}
	n := &night{o: o, p: p, split: p.split(o), live: p.live(o), usable: p.usable()}
	if n.roster, err = readRoster(partners, p); err != nil {
		return nil, err
	}
	n.churns = p.churns(n.split.train)
	n.rate = p.baseRate(n.usable, o.PriorRate, o.PriorRows)
	if err := n.decide(ctx); err != nil {
		return nil, err
	}
	return n.publish()
}

// decide climbs the ladder of methods.
func (n *night) decide(ctx context.Context) error {
	l := n.o.Ladder
	if n.churns < l.Shadow {
		reason := fmt.Sprintf("%s in the training window, a model needs %d", plural(float64(n.churns), "churn"), l.Ridge)
		return n.standIn(verdictInsufficient, reason)
	}
	a, err := n.regression(ctx)
	if err != nil {
		return err
	}
	switch {
	case n.churns < l.Ridge:
		reason := fmt.Sprintf("%d churns in the training window, a model needs %d", n.churns, l.Ridge)
		a.role, a.verdict, a.reason = roleShadow, verdictInsufficient, fmt.Sprintf("%s; in the shadow: %s, %s", reason, a.verdict, a.reason)
		n.others = append(n.others, a)
		return n.standIn(verdictInsufficient, reason+"; a regression runs as a shadow")
	case a.track == nil || a.fitted == nil || !a.track.isPublishable():
		a.role = roleRejected
		n.others = append(n.others, a)
		return n.standIn(a.verdict, a.reason)
	}
	a.role = rolePublished
	n.reported = a
	a.bands = n.rank(a)
	return nil
}

// regression fits and judges the ridge regression. What keeps it from a verdict is the verdict.
func (n *night) regression(ctx context.Context) (*attempt, error) {
	a := &attempt{id: n.modelID(methodRidge), method: methodRidge, lambda: lambdaChoice{n.o.Lambda, "fixed"}}
	err := n.fitAndJudge(ctx, a)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, fmt.Errorf("fit churn model: %w", err)
	default:
		a.fitted, a.track = nil, nil
		a.verdict, a.reason = verdictNotFitted, err.Error()
	}
	return a, nil
}

func (n *night) fitAndJudge(ctx context.Context, a *attempt) error {
	p, train := n.p, n.split.train
	constrained := n.churns < n.o.Ladder.CrossValidate
	var err error
	if a.choices, err = p.choose(train, n.live, n.churns/churnsPerCoefficient); err != nil {
		return err
	}
	if !constrained {
		if a.lambda, err = p.tune(a.choices, train, n.o); err != nil {
			return fmt.Errorf("find lambda: %w", err)
		}
		if a.lambda.lambda != n.o.Lambda {
			a.method = methodTuned
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	model, err := p.fitRidge(a.choices, train, a.lambda.lambda, constrained, n.o)
	if err != nil {
		return err
	}
	baseline, err := p.recencyOnly(train, a.lambda.lambda, n.o)
	if err != nil {
		return fmt.Errorf("fit recency alone: %w", err)
	}
	if a.track, err = p.judge(model, baseline, n.split.heldOut, n.o); err != nil {
		return err
	}
	a.verdict, a.reason = a.track.verdict()
	if err := ctx.Err(); err != nil {
		return err
	}
	// Judged on what it never saw, the model learns from everything that is known before it scores tonight.
	if a.fitted, err = p.fitRidge(a.choices, n.usable, a.lambda.lambda, constrained, n.o); err != nil {
		return fmt.Errorf("fit on all known outcomes: %w", err)
	}
	return nil
}

// standIn lets the rule score rank the partners. It has a track record too, beside the rule of recency alone.
func (n *night) standIn(verdict, reason string) error {
	p := n.p
	known := func(rows []int) []int {
		if len(rows) == 0 {
			return n.live
		}
		return rows
	}
	then := p.baseRate(n.split.train, n.o.PriorRate, n.o.PriorRows)
	a := &attempt{id: n.modelID(methodScorecard), method: methodScorecard, role: roleStandIn, verdict: verdict, reason: reason,
		rule: p.newScorecard(drivers, known(n.usable), n.rate, n.o)}
	judged := p.newScorecard(drivers, known(n.split.train), then, n.o)
	recency := p.newScorecard(drivers[:1], known(n.split.train), then, n.o)
	var err error
	if a.track, err = p.judge(judged, recency, n.split.heldOut, n.o); err != nil {
		return err
	}
	n.reported = a
	a.bands = n.rank(a)
	return nil
}

// rank divides tonight's partners into bands.
func (n *night) rank(a *attempt) bands {
	prob := make([]float64, len(n.live))
	for k, i := range n.live {
		prob[k] = probability(a.scorer().logit(n.p.rows[i].values))
	}
	return n.p.newBands(n.live, prob, a.track)
}

func (n *night) modelID(method string) string {
	return "churn-" + day(n.o.asOfDay()) + "-" + method
}

// attempts returns all methods of the night, the reported one first.
func (n *night) attempts() []*attempt { return append([]*attempt{n.reported}, n.others...) }

// member is what the roster knows about a partner.
type member struct {
	exitedOn   arrow.Date32
	commercial bool // had a commercial event
	last       int  // newest row of the panel at risk, -1 for none
	tonight    int  // row of tonight, -1 for none
}

// readRoster lists all partners: those of dim_partner and those with features.
func readRoster(partners arrow.RecordBatch, p *panel) (map[string]member, error) {
	roster := map[string]member{}
	if partners != nil {
		f := newFrame(partnerTable, partners)
		id, exited, first := f.keys("partner_id"), f.dates("exited_on"), f.dates("first_commercial_on")
		if f.err != nil {
			return nil, f.err
		}
		for i, partner := range id {
			if _, twice := roster[partner]; twice {
				return nil, &InputError{Table: partnerTable, Column: "partner_id", Reason: "partner " + partner + " has two rows"}
			}
			roster[partner] = member{exitedOn: exited[i], commercial: first[i] != noDate, last: -1, tonight: -1}
		}
	}
	for i, s := range p.rows {
		m, known := roster[s.partner]
		if !known {
			m = member{exitedOn: noDate, commercial: true, last: -1, tonight: -1}
		}
		if s.atRisk {
			m.last = i
		}
		if s.tonight {
			m.tonight = i
		}
		roster[s.partner] = m
	}
	return roster, nil
}
