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
	// Cards is model_card, Coefficients model_coefficient, HeldOut model_holdout, Bands model_band, Groups model_group.
	Cards, Coefficients, HeldOut, Bands, Groups arrow.RecordBatch
	Summary                                     ChurnSummary
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
	// Refitted is set where the models were fitted tonight, and not where those that a registry had kept were used.
	Refitted bool
	// Notes say where the published model may no longer hold, and what became of kept models.
	Notes []string
}

// The methods, as score_method names them.
const (
	methodRidge     = "ridge"
	methodTuned     = "ridge_cv"
	methodScorecard = "scorecard"
	methodRecency   = "recency"
	methodMajority  = "majority"
	methodCold      = "cold_start"
)

// The roles of a model card.
const (
	rolePublished = "published"
	roleStandIn   = "stand_in"
	roleShadow    = "shadow"
	roleRejected  = "rejected"
	roleBaseline  = "baseline"
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
	fits   *fits
	// refitted is set where the fits are tonight's work, note says why in spite of kept ones.
	refitted bool
	note     string
	// drifts are those of all columns of the features.
	drifts map[string]drift
	// reported ranks the partners; others are only logged.
	reported *attempt
	others   []*attempt
}

// Churn scores every partner's risk to churn within the horizon, from fct_partner_month_feature and dim_partner
// (partner_id, exited_on, first_commercial_on, tier_code, region, partner_type; nil when there is none, then partners that are not at risk count as
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
	n := newNight(p, o)
	if n.roster, err = readRoster(partners, p); err != nil {
		return nil, err
	}
	if err := n.decide(ctx); err != nil {
		return nil, err
	}
	return n.publish()
}

// newNight prepares a night on a panel; it has no roster yet and has decided nothing.
func newNight(p *panel, o Options) *night {
	n := &night{o: o, p: p, split: p.split(o), live: p.live(o), usable: p.usable()}
	n.churns = p.churns(n.split.train)
	n.rate = p.baseRate(n.usable, o.PriorRate, o.PriorRows)
	return n
}

// decide climbs the ladder of methods, on fits of its own or kept ones.
func (n *night) decide(ctx context.Context) error {
	l := n.prepare()
	if err := n.obtain(ctx, l); err != nil {
		return err
	}
	insufficient := fmt.Sprintf("%s in the training window, a model needs %d", plural(float64(n.churns), "churn"), n.o.Ladder.Ridge)
	a := n.regressionAttempt(l)
	switch {
	case a == nil:
		n.standIn(verdictInsufficient, insufficient)
	case n.churns < n.o.Ladder.Ridge:
		a.role, a.reason = roleShadow, fmt.Sprintf("%s; in the shadow: %s, %s", insufficient, a.verdict, a.reason)
		a.verdict = verdictInsufficient
		n.others = append(n.others, a)
		n.standIn(verdictInsufficient, insufficient+"; a regression runs as a shadow")
	case a.track == nil || a.fitted == nil || !a.track.isPublishable():
		a.role = roleRejected
		n.others = append(n.others, a)
		n.standIn(a.verdict, a.reason)
	default:
		a.role = rolePublished
		n.reported = a
	}
	n.addBaselines()
	n.reported.bands = n.rank(n.reported)
	return nil
}

// regressionAttempt returns the regression with its verdict, nil where none was tried. What kept it from a fit is its
// verdict.
func (n *night) regressionAttempt(l lesson) *attempt {
	if !l.attempted {
		return nil
	}
	f := n.fits
	a := &attempt{method: methodRidge, lambda: f.lambda, choices: l.choices, fitted: f.regression, track: f.regressionTrack}
	if f.lambda.lambda != n.o.Lambda {
		a.method = methodTuned
	}
	a.id = n.modelID(a.method)
	switch {
	case l.lack != "":
		a.verdict, a.reason = verdictNotFitted, l.lack
	case f.failure != "":
		a.verdict, a.reason = verdictNotFitted, f.failure
	default:
		a.verdict, a.reason = a.track.verdict()
	}
	return a
}

// standIn lets the rule score rank the partners.
func (n *night) standIn(verdict, reason string) {
	n.reported = &attempt{id: n.modelID(methodScorecard), method: methodScorecard, role: roleStandIn, verdict: verdict, reason: reason,
		rule: n.fits.rule, track: n.fits.ruleTrack}
}

// addBaselines puts beside the methods of the night what any of them must beat. A rule score that ranks the partners is its
// own baseline.
func (n *night) addBaselines() {
	for _, b := range []struct {
		method, reason string
		rule           *scorecard
		track          *trackRecord
	}{
		{methodRecency, "baseline: the days since the last deal alone, in the partner's own gaps", nil, n.fits.recencyTrack},
		{methodScorecard, "baseline: fixed weights on what is known to matter, nothing learned", n.fits.rule, n.fits.ruleTrack},
		{methodMajority, "baseline: the base rate for everyone", nil, n.fits.majorityTrack},
	} {
		if b.method != n.reported.method {
			n.others = append(n.others, &attempt{id: n.modelID(b.method), method: b.method, role: roleBaseline, reason: b.reason,
				rule: b.rule, track: b.track})
		}
	}
}

// rank divides tonight's partners into bands.
func (n *night) rank(a *attempt) bands {
	prob := make([]float64, len(n.live))
	for k, i := range n.live {
		prob[k] = probability(a.scorer().logit(n.p.rows[i].values))
	}
	return n.p.newBands(n.live, prob, a.track)
}

// modelID names a method by what it learned from: the same on every night that learns the same.
func (n *night) modelID(method string) string {
	return "churn-" + method + "-" + n.fits.fingerprint[:12]
}

// attempts returns all methods of the night, the reported one first.
func (n *night) attempts() []*attempt { return append([]*attempt{n.reported}, n.others...) }

// member is what the roster knows about a partner.
type member struct {
	exitedOn   arrow.Date32
	commercial bool // had a commercial event
	// tier, region and kind of partner as of tonight; "" where they are not known.
	tier, region, kind string
	last               int // newest row of the panel at risk, -1 for none
	tonight            int // row of tonight, -1 for none
}

// readRoster lists all partners: those of dim_partner and those with features.
func readRoster(partners arrow.RecordBatch, p *panel) (map[string]member, error) {
	roster := map[string]member{}
	if partners != nil {
		f := newFrame(partnerTable, partners)
		id, exited, first := f.keys("partner_id"), f.dates("exited_on"), f.dates("first_commercial_on")
		tier, region, kind := f.texts("tier_code"), f.texts("region"), f.texts("partner_type")
		if f.err != nil {
			return nil, f.err
		}
		for i, partner := range id {
			if _, twice := roster[partner]; twice {
				return nil, &InputError{Table: partnerTable, Column: "partner_id", Reason: "partner " + partner + " has two rows"}
			}
			roster[partner] = member{exitedOn: exited[i], commercial: first[i] != noDate,
				tier: tier[i], region: region[i], kind: kind[i], last: -1, tonight: -1}
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
