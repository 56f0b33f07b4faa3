package config

// rule says of one setting what it may be and where SQL finds it.
type rule struct {
	path string
	// column is the setting's column in run_settings; empty for settings that SQL does not read.
	column  string
	sqlType string
	value   any
	// low and high bound a whole number.
	low, high int
	// follows are the variants that the code follows; planned are those of the metric definitions that it does not.
	follows, planned []string
	// unused marks a number that nothing follows yet, so that only its default is honest.
	unused bool
}

func text(path, column, value string) rule {
	return rule{path: path, column: column, sqlType: TypeText, value: value}
}

func variant(path, column, value string, follows ...string) rule {
	return rule{path: path, column: column, sqlType: TypeText, value: value, follows: follows}
}

// not names the variants that are defined but not followed, so that asking for one gets an honest answer.
func (r rule) not(planned ...string) rule {
	r.planned = planned
	return r
}

func count(path, column string, value, low, high int) rule {
	return rule{path: path, column: column, sqlType: TypeInteger, value: int64(value), low: low, high: high}
}

// notYet marks a setting that the definitions name and that no query follows so far.
func (r rule) notYet() rule {
	r.unused = true
	return r
}

// days is a count of days up to ten years.
func days(path, column string, value, low int) rule {
	return count(path, column, value, low, 3660)
}

// share is a number from 0 to 1.
func share(path, column string, value float64) rule {
	return rule{path: path, column: column, sqlType: TypeDouble, value: value}
}

func toggle(path, column string, value bool) rule {
	return rule{path: path, column: column, sqlType: TypeBoolean, value: value}
}

// optional is a count that may be absent.
func optional(path, column string, value *int, low, high int) rule {
	if value == nil {
		return rule{path: path, column: column, sqlType: TypeInteger}
	}
	return count(path, column, *value, low, high)
}

// rules returns every setting that has one value, in the column order of run_settings.
func (c *Config) rules() []rule {
	p, m := c.Program, c.Metrics
	return []rule{
		text("program.timezone", "timezone", p.Timezone),
		text("program.name", "program_name", p.Name),
		text("program.currency", "currency_base", p.Currency),
		count("program.fiscal_year.start_month", "fiscal_start_month", p.FiscalYear.StartMonth, 1, 12),
		variant("program.fiscal_year.label", "fiscal_label", p.FiscalYear.Label, "end_year", "start_year"),
		variant("program.fiscal_year.pattern", "", p.FiscalYear.Pattern, "months").not("4-4-5", "4-5-4", "5-4-4"),
		count("metrics.min_n", "min_n", m.MinN, 1, 1000),
		count("metrics.shrink_m", "shrink_m", m.ShrinkM, 0, 1000),
		variant("metrics.active.events", "active_events", m.Active.Events, "won").not("registered", "won_or_registered"),
		days("metrics.active.min_tenure_days", "active_min_tenure_days", m.Active.MinTenureDays, 0),
		days("metrics.state.active_days", "state_active_days", m.State.ActiveDays, 1),
		count("metrics.sla.response_hours", "sla_response_hours", m.SLA.ResponseHours, 1, 24*60),
		days("metrics.onboarding.deadline_days", "onboarding_deadline_days", m.Onboarding.DeadlineDays, 1),
		days("metrics.activation.window_days", "activation_window_days", m.Activation.WindowDays, 1),
		variant("metrics.winrate.no_decision", "winrate_no_decision", m.WinRate.NoDecision, "lost", "exclude").not("separate"),
		optional("metrics.winrate.qualified_stage_order", "winrate_qualified_stage_order", m.WinRate.QualifiedStageOrder, 0, 1000),
		days("metrics.influence.lookback_days", "influence_lookback_days", m.Influence.LookbackDays, 0),
		toggle("metrics.influence.exclusive", "influence_exclusive", m.Influence.Exclusive),
		variant("metrics.attribution.headline", "attribution_headline", m.Attribution.Headline, "linear", "first", "last").
			not("position", "w", "full_path", "time_decay", "shapley", "markov"),
		days("metrics.attribution.lookback_days", "attribution_lookback_days", m.Attribution.LookbackDays, 0),
		days("metrics.sourced.set_within_days", "sourced_set_within_days", m.Sourced.SetWithinDays, 0),
		variant("metrics.ropi.benefit", "ropi_benefit", m.ROPI.Benefit, "gross_margin", "revenue"),
		variant("metrics.ropi.credit", "ropi_credit", m.ROPI.Credit, "attributed").not("sourced", "touched"),
		variant("metrics.ropi.driver", "ropi_driver", m.ROPI.Driver, "deals_worked"),
		count("metrics.ropi.lag_quarters", "ropi_lag_quarters", m.ROPI.LagQuarters, 0, 8),
		variant("metrics.churn.kind", "churn_kind", m.Churn.Kind, "either").not("contractual", "behavioural"),
		days("metrics.churn.silence_min_days", "churn_silence_min_days", m.Churn.SilenceMinDays, 1),
		days("metrics.churn.silence_max_days", "churn_silence_max_days", m.Churn.SilenceMaxDays, 1),
		days("metrics.churn.horizon_days", "churn_horizon_days", m.Churn.HorizonDays, 1),
		count("alerts.floor", "alert_floor", c.Alerts.Floor, 0, 100),
		count("alerts.drop", "alert_drop", c.Alerts.Drop, 1, 100),
		count("alerts.at_most_per_manager", "alert_at_most_per_manager", c.Alerts.AtMostPerManager, 1, 1000),
		days("metrics.freshness.max_age_days", "freshness_max_age_days", m.Freshness.MaxAgeDays, 0),
		days("metrics.freshness.carry_days", "freshness_carry_days", m.Freshness.CarryDays, 0),
		share("metrics.identity.coverage_min", "identity_coverage_min", m.Identity.CoverageMin),
		count("qbr.days_before", "qbr_days_before", c.QBR.DaysBefore, 0, 90).notYet(),
		count("qbr.freeze_days", "qbr_freeze_days", c.QBR.FreezeDays, 0, 90).notYet(),
		variant("people.emails", "", c.People.Emails, "hashed").not("clear"),
		count("publish.keep", "", c.Publish.Keep, 1, 10000),
		count("resources.threads", "", c.Resources.Threads, 0, 1024),
	}
}

// listRule says of one list which words it may hold and under which name SQL finds it.
type listRule struct {
	path, name string
	values     []string
	// words closes the list; nil leaves it open.
	words []string
	// required refuses an empty list.
	required bool
}

// listRules returns every setting that is a list of words.
func (c *Config) listRules() []listRule {
	m := c.Metrics
	return []listRule{
		{path: "people.vendor_domains", name: "people.vendor_domains", values: c.People.VendorDomains},
		{path: "metrics.revenue_roles", name: "revenue_roles", values: m.RevenueRoles,
			words: []string{"sourced", "resold", "fulfilled"}, required: true},
		{path: "metrics.winrate.exclude_reasons", name: "winrate.exclude_reasons", values: m.WinRate.ExcludeReasons},
		{path: "metrics.influence.touch_types", name: "influence.touch_types", values: m.Influence.TouchTypes,
			words: []string{"joint_meeting", "technical_validation", "reference_call", "partner_role", "funded_event"}, required: true},
		{path: "metrics.churn.exit_reasons", name: "churn.exit_reasons", values: m.Churn.ExitReasons},
	}
}
