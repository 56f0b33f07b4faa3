package report

import (
	"fmt"
	"slices"
	"strings"
)

// ModelNight is what one night knows about its churn models: every method with its card, the walk-forward backtest
// and the partners that were scored. It is what `partnerhealth model` tells, what the page on the churn risk is made
// of, and what is kept of a night so that later ones can be compared with it.
type ModelNight struct {
	// Format is the version of the JSON. Fields are added, never renamed or given another meaning.
	Format   int    `json:"format"`
	Program  string `json:"program"`
	Currency string `json:"currency"`
	AsOf     string `json:"as_of"`
	RunID    string `json:"run_id"`
	// Source says where the night was read from, FromFolder or FromRecord.
	Source string `json:"-"`
	// Models are the cards, the reported one first, the baselines last.
	Models   []ModelCard       `json:"models"`
	Backtest []BacktestQuarter `json:"backtest"`
	// Columns are the feature columns in the order of Scored.Values.
	Columns []string `json:"columns"`
	Scored  []Scored `json:"scored"`
}

// Where a night's models are read from.
const (
	// FromFolder is the published folder.
	FromFolder = "published folder"
	// FromRecord is what the run kept when its folder was removed.
	FromRecord = "record of the run"
)

// ModelFormat is the version of ModelNight's JSON.
const ModelFormat = 1

// Measure is a number with its 95 % interval; what does not exist is nil.
type Measure struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// ModelCard is one method of a night: what it predicts, what it learned from, how it was chosen, how it did, and
// what became of it. Days are YYYY-MM-DD, shares are between 0 and 1.
type ModelCard struct {
	ID         string `json:"model_id"`
	Role       string `json:"role"`
	IsReported bool   `json:"is_reported"`
	Method     string `json:"method"`
	Verdict    string `json:"verdict"`
	Reason     string `json:"reason,omitempty"`
	// Fingerprint is of the rows learned from, the definition and the options.
	Fingerprint       string `json:"fingerprint,omitempty"`
	DefinitionVersion string `json:"definition_version,omitempty"`
	HorizonDays       int64  `json:"horizon_days"`

	Training Training `json:"training"`
	HeldOut  HeldOut  `json:"held_out"`
	Choice   Choice   `json:"choice"`
	// BaseRate is the share of partner-months with churn, shrunken to the prior.
	BaseRate *float64 `json:"base_rate"`
	// Measures are those of the held-out quarters, by their names in model_card: auc, brier, log_loss and so on.
	Measures map[string]Measure `json:"measures"`

	Bands         []RiskBand    `json:"bands"`
	Coefficients  []Coefficient `json:"coefficients"`
	Groups        []Group       `json:"groups"`
	Recalibration Recalibration `json:"recalibration"`
	Drift         Drift         `json:"drift"`
}

// Training is the window that a model was judged after, and what its scores of the night were learned from.
type Training struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Rows      int64  `json:"rows"`
	Partners  int64  `json:"partners"`
	Positives int64  `json:"positives"`
	// Churns is E, the distinct churns, which decide the method.
	Churns int64 `json:"churns"`
	// Purged rows have an outcome that reaches into the held-out quarters.
	Purged               int64 `json:"rows_purged"`
	MonthsWithoutOutcome int64 `json:"months_without_outcome"`
	RowsRefit            int64 `json:"rows_refit"`
	ChurnsRefit          int64 `json:"churns_refit"`
}

// HeldOut are the quarters that a model never saw before it was judged on them.
type HeldOut struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Rows      int64    `json:"rows"`
	Partners  int64    `json:"partners"`
	Positives int64    `json:"positives"`
	Churns    int64    `json:"churns"`
	Expected  *float64 `json:"expected"`
}

// Choice is how a model came to be as it is.
type Choice struct {
	Lambda        *float64 `json:"lambda"`
	LambdaSource  string   `json:"lambda_source,omitempty"`
	Coefficients  int64    `json:"coefficients"`
	IsConstrained bool     `json:"is_constrained"`
	AtBound       string   `json:"columns_at_bound,omitempty"`
	LeftOut       string   `json:"left_out,omitempty"`
	Warnings      string   `json:"warnings,omitempty"`
	Iterations    int64    `json:"iterations"`
	Seed          int64    `json:"seed"`
	Resamples     int64    `json:"resamples"`
}

// RiskBand is a band with the partners in it tonight and what became of partners that were flagged like this.
type RiskBand struct {
	Name     string  `json:"band"`
	Partners int64   `json:"partners"`
	HeldOut  int64   `json:"held_out"`
	Churned  int64   `json:"churned"`
	Observed Measure `json:"observed"`
}

// Coefficient is a column of a model.
type Coefficient struct {
	// Column is a column of fct_partner_month_feature, or (intercept).
	Column string `json:"column"`
	Family string `json:"family,omitempty"`
	// State is estimated, at bound, constant, fixed or left out; Note says why.
	State string `json:"state"`
	Note  string `json:"note,omitempty"`
	// Value is the change of the log-odds for one unit, Standard that for one standard deviation.
	Value    *float64 `json:"coefficient"`
	StdError *float64 `json:"std_error"`
	Standard *float64 `json:"standard_coefficient"`
	// Center is the value at which the column adds nothing.
	Center   *float64 `json:"center"`
	Missing  *float64 `json:"missing_share"`
	PSI      *float64 `json:"psi"`
	PSILimit *float64 `json:"psi_limit"`
	// Drift is none, watch or alarm.
	Drift string `json:"drift,omitempty"`
}

// intercept is the name of the column that every partner has.
const intercept = "(intercept)"

// Group is how a model did for one group of partners in the held-out quarters.
type Group struct {
	Kind     string   `json:"group_kind"`
	Name     string   `json:"group_name"`
	Rows     int64    `json:"rows_held_out"`
	Partners int64    `json:"partners"`
	Churned  int64    `json:"churned"`
	Expected *float64 `json:"expected"`
	// ObservedExpected is churned over expected, drawn towards 1; its interval is of the ratio itself.
	ObservedExpected Measure `json:"observed_expected"`
	// QValue is the false discovery rate among all groups at which this one stands out.
	QValue *float64 `json:"q_value"`
	// FlaggedShare of its partner-months were in the high band; FalsePositiveShare of those that stayed.
	FlaggedShare       *float64 `json:"flagged_share"`
	FalsePositiveShare Measure  `json:"false_positive_share"`
	Status             string   `json:"status"`
}

// Recalibration is the correction of a model's level on later outcomes.
type Recalibration struct {
	// Kind is none, intercept or slope; "" where the night does not say.
	Kind      string   `json:"kind,omitempty"`
	Intercept *float64 `json:"intercept"`
	Slope     *float64 `json:"slope"`
	Churns    int64    `json:"churns"`
}

// Drift is how far tonight's partners are from those that a model learned from.
type Drift struct {
	// Features counts the columns that drift by more than chance explains; nil where the night does not say.
	Features *float64 `json:"drifted_features"`
	PSI      *float64 `json:"score_psi"`
	PSILimit *float64 `json:"score_psi_limit"`
	// OutcomeZ is the distance of the newest known outcomes from those that were predicted, in standard errors.
	OutcomeZ *float64 `json:"outcome_z"`
}

// Scored is a partner that has a score tonight.
type Scored struct {
	ID          string   `json:"partner_id"`
	Name        string   `json:"partner_name"`
	Status      string   `json:"status"`
	Band        string   `json:"band,omitempty"`
	Probability *float64 `json:"probability"`
	Logit       *float64 `json:"logit"`
	// Values are the partner's features, nil where missing.
	Values []*float64 `json:"values"`
}

// Reported returns the card of the method that ranks the partners, nil where there is none.
func (n *ModelNight) Reported() *ModelCard {
	for i := range n.Models {
		if n.Models[i].IsReported {
			return &n.Models[i]
		}
	}
	return nil
}

// Regression returns the card of the churn model, published or not; nil where none was tried.
func (n *ModelNight) Regression() *ModelCard {
	for i := range n.Models {
		if m := &n.Models[i]; m.Role != roleBaseline && m.Method != methodScorecard {
			return m
		}
	}
	return nil
}

// Baseline returns the card of a method that was only run to be compared with, nil where the night has none.
func (n *ModelNight) Baseline(method string) *ModelCard {
	for i := range n.Models {
		if m := &n.Models[i]; m.Role == roleBaseline && m.Method == method {
			return m
		}
	}
	// The rule score has one card, whether it stands in or is compared with.
	for i := range n.Models {
		if m := &n.Models[i]; m.Method == method {
			return m
		}
	}
	return nil
}

// The roles and methods of model_card.
const (
	rolePublished   = "published"
	roleStandIn     = "stand_in"
	roleShadow      = "shadow"
	roleRejected    = "rejected"
	roleBaseline    = "baseline"
	methodRidge     = "ridge"
	methodTuned     = "ridge_cv"
	methodScorecard = "scorecard"
	methodRecency   = "recency"
	methodMajority  = "majority"
)

// UnknownModelError says that the night has no model of this id, role or method.
type UnknownModelError struct {
	Name string
	// Models are those of the night, each with its role.
	Models []string
}

func (e *UnknownModelError) Error() string {
	switch {
	case len(e.Models) == 0:
		return "the night has no churn model: it had nothing to learn from and nobody to score"
	case e.Name == "":
		return "no model ranks the partners tonight; there is " + strings.Join(e.Models, ", ")
	}
	return fmt.Sprintf("no model is called %q; there is %s", e.Name, strings.Join(e.Models, ", "))
}

// Choose returns the cards of a model id, a role or a method; "" is the reported one.
func (n *ModelNight) Choose(name string) ([]ModelCard, error) {
	var out []ModelCard
	var known []string
	for _, m := range n.Models {
		if name == "" && m.IsReported || slices.Contains([]string{m.ID, m.Role, m.Method}, name) {
			out = append(out, m)
		}
		known = append(known, fmt.Sprintf("%s (%s)", m.ID, m.Role))
	}
	if len(out) == 0 {
		return nil, &UnknownModelError{Name: name, Models: known}
	}
	return out, nil
}
