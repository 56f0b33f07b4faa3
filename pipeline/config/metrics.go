package config

// Metrics holds the switches of the metric definitions, under the names that the definitions use.
type Metrics struct {
	// MinN is the sample size below which a rate is shown but not ranked (G8).
	MinN int `yaml:"min_n"`
	// ShrinkM is the weight of the segment's rate, in observations, when a small sample is scored (G8).
	ShrinkM int `yaml:"shrink_m"`
	// RevenueRoles are the roles on a deal that count as a partner's revenue (M05).
	RevenueRoles []string    `yaml:"revenue_roles"`
	Active       Active      `yaml:"active"`
	State        State       `yaml:"state"`
	SLA          SLA         `yaml:"sla"`
	Onboarding   Onboarding  `yaml:"onboarding"`
	Activation   Activation  `yaml:"activation"`
	WinRate      WinRate     `yaml:"winrate"`
	Influence    Influence   `yaml:"influence"`
	Attribution  Attribution `yaml:"attribution"`
	Sourced      Sourced     `yaml:"sourced"`
	ROPI         ROPI        `yaml:"ropi"`
	Churn        Churn       `yaml:"churn"`
	Score        Score       `yaml:"score"`
	Tier         Tier        `yaml:"tier"`
	Certificate  Certificate `yaml:"certificate"`
	Freshness    Freshness   `yaml:"freshness"`
	Identity     Identity    `yaml:"identity"`
}

// Active says what makes a partner active (M26).
type Active struct {
	Events        string `yaml:"events"`
	MinTenureDays int    `yaml:"min_tenure_days"`
}

// State says for how long an event keeps a partner in the active state (M27).
type State struct {
	ActiveDays int `yaml:"active_days"`
}

// SLA is our own promise on deal registrations (M11).
type SLA struct {
	ResponseHours int `yaml:"response_hours"`
}

// Onboarding is the deadline for the required tasks (M03).
type Onboarding struct {
	DeadlineDays int `yaml:"deadline_days"`
}

// Activation is the window for the first commercial event (M06).
type Activation struct {
	WindowDays int `yaml:"window_days"`
}

// WinRate says which deals the win rate counts (M15).
type WinRate struct {
	NoDecision string `yaml:"no_decision"`
	// QualifiedStageOrder leaves out deals that never passed the stage of this order; nil counts every deal.
	QualifiedStageOrder *int `yaml:"qualified_stage_order"`
	// ExcludeReasons are the loss reasons of deals that were never real.
	ExcludeReasons []string `yaml:"exclude_reasons"`
}

// Influence says which touches make a partner an influencer of a deal (M19).
type Influence struct {
	LookbackDays int      `yaml:"lookback_days"`
	Exclusive    bool     `yaml:"exclusive"`
	TouchTypes   []string `yaml:"touch_types"`
}

// Attribution says how the credit of a won deal is shared (M20).
type Attribution struct {
	Headline     string `yaml:"headline"`
	LookbackDays int    `yaml:"lookback_days"`
}

// Sourced says how soon after a deal's creation its source partner must be set (M18).
type Sourced struct {
	SetWithinDays int `yaml:"set_within_days"`
}

// ROPI says what is set against what in the return on partner investment (M35).
type ROPI struct {
	Benefit     string `yaml:"benefit"`
	Credit      string `yaml:"credit"`
	Driver      string `yaml:"driver"`
	LagQuarters int    `yaml:"lag_quarters"`
}

// Churn says when a partner is lost (M37, M43).
type Churn struct {
	Kind           string `yaml:"kind"`
	SilenceMinDays int    `yaml:"silence_min_days"`
	SilenceMaxDays int    `yaml:"silence_max_days"`
	HorizonDays    int    `yaml:"horizon_days"`
	// ExitReasons are the reasons of an ending that was not the partner's choice: an exit, not churn.
	ExitReasons []string `yaml:"exit_reasons"`
}

// Score holds the weights and bars of the health score (M38).
type Score struct {
	// Weights gives each signal's weight by lifecycle stage. A stage that a file names replaces that stage's
	// whole profile; the others keep their default.
	Weights map[string]map[string]int `yaml:"weights"`
	// Bars fixes a signal's bars; signals without one are scored against the partner's peers.
	Bars map[string]Bar `yaml:"bars"`
}

// Bar is the range of a signal that earns points, low below high also where less is better.
type Bar struct {
	Low  float64 `yaml:"low"`
	High float64 `yaml:"high"`
}

// Tier holds what the programme's tiers require.
type Tier struct {
	// RequiredCertifications is the number of valid certifications by tier code.
	RequiredCertifications map[string]int `yaml:"required_certifications"`
}

// Certificate says what the exports of certificates leave out.
type Certificate struct {
	// ValidityMonths is for how many months a certificate is valid, by certificate code, where its export states no
	// expiry. Certificates that are not listed do not expire then.
	ValidityMonths map[string]int `yaml:"validity_months"`
}

// Freshness says when a feed is too old to be believed (G13).
type Freshness struct {
	MaxAgeDays int `yaml:"max_age_days"`
	CarryDays  int `yaml:"carry_days"`
}

// Identity says how much of a metric's inputs must be known to belong to a partner.
type Identity struct {
	// CoverageMin is the least share of records, and of money, below which a metric is marked as of low coverage.
	CoverageMin float64 `yaml:"coverage_min"`
}

func defaultMetrics() Metrics {
	return Metrics{
		MinN:         10,
		ShrinkM:      10,
		RevenueRoles: []string{"sourced", "resold", "fulfilled"},
		Active:       Active{Events: "won", MinTenureDays: 90},
		State:        State{ActiveDays: 90},
		SLA:          SLA{ResponseHours: 24},
		Onboarding:   Onboarding{DeadlineDays: 60},
		Activation:   Activation{WindowDays: 90},
		WinRate:      WinRate{NoDecision: "lost", ExcludeReasons: []string{"duplicate", "test", "merged"}},
		Influence: Influence{
			LookbackDays: 90, Exclusive: true,
			TouchTypes: []string{"joint_meeting", "technical_validation", "reference_call", "partner_role", "funded_event"},
		},
		Attribution: Attribution{Headline: "linear", LookbackDays: 180},
		Sourced:     Sourced{SetWithinDays: 14},
		ROPI:        ROPI{Benefit: "gross_margin", Credit: "attributed", Driver: "deals_worked"},
		Churn: Churn{
			Kind: "either", SilenceMinDays: 90, SilenceMaxDays: 180, HorizonDays: 180,
			ExitReasons: []string{"merger", "merged", "migration", "program_closed", "tier_program_ended", "legal_block"},
		},
		Score:       Score{Weights: defaultWeights(), Bars: map[string]Bar{}},
		Tier:        Tier{RequiredCertifications: map[string]int{}},
		Certificate: Certificate{ValidityMonths: map[string]int{}},
		Freshness:   Freshness{MaxAgeDays: 3, CarryDays: 7},
		Identity:    Identity{CoverageMin: 0.9},
	}
}
