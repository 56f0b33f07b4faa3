-- metric_catalog: what every metric means, in plain words.
-- grain: metric
-- key: metric
-- metric VARCHAR: name in fct_metric
-- code VARCHAR: number of the definition, M01 to M47
-- name VARCHAR: name for people
-- stage VARCHAR: part of the partner's life that it measures: recruiting, onboarding, co-selling, growth, money,
--   retention or health
-- definition VARCHAR: what it says
-- numerator VARCHAR: what is counted or summed
-- denominator VARCHAR: what it is set against; null for sums and durations
-- time_window VARCHAR: which events fall into a period
-- switches VARCHAR: settings that change it, with their defaults
-- definition_version BIGINT: goes up when the definition changes; values of different versions are not compared
-- unit VARCHAR: ratio, money, days, count or points
-- better VARCHAR: high or low; null where neither is
-- feeds VARCHAR: canonical tables that it needs, separated by commas
WITH final AS (
    SELECT *
    FROM (
        VALUES
        (
            'win_rate', 'M15', 'Win rate', 'co-selling',
            'Share of the deals closed in the period that were won. A deal counts for every partner with a role on it and once in totals; no decision counts as lost; duplicates, tests and merged deals are out. A difference to deals without partners is selection, not effect.',
            'deals won', 'deals won or lost', 'deals by closing date',
            'winrate.no_decision (lost), winrate.exclude_reasons (duplicate, test, merged), winrate.qualified_stage_order (none), min_n (10)',
            CAST(1 AS BIGINT), 'ratio', 'high', 'opportunity, opportunity_partner, deal_registration, activity'
        ),
        (
            'sales_cycle_days', 'M17', 'Sales cycle', 'co-selling',
            'Median days from the creation to the closing of deals won in the period. Deals closed before they were created are out and counted in data_quality. Deals that are still open are not in it, so a period in which many are reads too short.',
            NULL, 'deals won', 'deals by closing date', 'min_n (10)', 1, 'days', 'low', 'opportunity, opportunity_partner, deal_registration, activity'
        ),
        (
            'sales_cycle_days_p75', 'M17', 'Sales cycle, slowest quarter', 'co-selling',
            'Days within which three of four deals won in the period were closed.',
            NULL, 'deals won', 'deals by closing date', 'min_n (10)', 1, 'days', 'low', 'opportunity, opportunity_partner, deal_registration, activity'
        ),
        (
            'sales_cycle_days_lost', 'M17', 'Days to a loss', 'co-selling',
            'Median days from the creation to the closing of deals lost in the period.',
            NULL, 'deals lost', 'deals by closing date', 'min_n (10)', 1, 'days', NULL, 'opportunity, opportunity_partner, deal_registration, activity'
        ),
        (
            'bookings', 'M18', 'Bookings', 'co-selling',
            'Amount of deals won in which the partner has a revenue role (sourced, resold, fulfilled), in the reporting currency at the rate of the closing day. Each partner has the full amount; totals count a deal once.',
            'amount of deals won', NULL, 'deals by closing date', 'revenue_roles (sourced, resold, fulfilled)',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'sourced_revenue', 'M18', 'Sourced revenue', 'co-selling',
            'Amount of deals won whose one source partner this is: the approved registration that created the deal, else the source partner set in the CRM within 14 days of creation. Adds up over partners.',
            'amount of sourced deals won', NULL, 'deals by closing date', 'sourced.set_within_days (14)',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'influenced_revenue', 'M19', 'Influenced revenue', 'co-selling',
            'Amount of deals won that the partner touched before the closing without being their source. Each partner has the full amount, so partners do not add up; totals count a deal once.',
            'amount of influenced deals won', NULL, 'deals by closing date',
            'influence.lookback_days (90), influence.exclusive (true), influence.touch_types',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'touched_revenue', 'M19', 'Touched revenue', 'co-selling',
            'Amount of deals won that were sourced or influenced, each once.',
            'amount of touched deals won', NULL, 'deals by closing date', 'as sourced_revenue and influenced_revenue',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'sourced_pipeline', 'M18', 'Sourced pipeline created', 'co-selling',
            'Amount at creation of the deals created in the period whose source the partner is.',
            'amount of sourced deals created', NULL, 'deals by creation date', 'sourced.set_within_days (14)',
            1, 'money', 'high', 'opportunity, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'influenced_pipeline', 'M19', 'Influenced pipeline created', 'co-selling',
            'Amount at creation of the deals created in the period that the partner influenced. Partners do not add up.',
            'amount of influenced deals created', NULL, 'deals by creation date',
            'influence.lookback_days (90), influence.exclusive (true), influence.touch_types',
            1, 'money', 'high', 'opportunity, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'touched_pipeline', 'M19', 'Touched pipeline created', 'co-selling',
            'Amount at creation of the deals created in the period that were sourced or influenced, each once.',
            'amount of touched deals created', NULL, 'deals by creation date', 'as sourced_pipeline and influenced_pipeline',
            1, 'money', 'high', 'opportunity, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'sourced_pipeline_open', 'M18', 'Sourced pipeline open', 'co-selling',
            'Amount, as now known, of the deals sourced by the partner that were open at the end of the period.',
            'amount of sourced deals open', NULL, 'the last day of the period, or the as-of date', 'sourced.set_within_days (14)',
            1, 'money', 'high', 'opportunity, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'influenced_pipeline_open', 'M19', 'Influenced pipeline open', 'co-selling',
            'Amount, as now known, of the deals influenced by the partner that were open at the end of the period. Partners do not add up.',
            'amount of influenced deals open', NULL, 'the last day of the period, or the as-of date',
            'influence.lookback_days (90), influence.exclusive (true), influence.touch_types',
            1, 'money', 'high', 'opportunity, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'touched_pipeline_open', 'M19', 'Touched pipeline open', 'co-selling',
            'Amount, as now known, of the deals sourced or influenced that were open at the end of the period, each once.',
            'amount of touched deals open', NULL, 'the last day of the period, or the as-of date',
            'as sourced_pipeline_open and influenced_pipeline_open',
            1, 'money', 'high', 'opportunity, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'attributed_revenue_linear', 'M20', 'Attributed revenue', 'co-selling',
            'Won revenue shared equally among the partners on each deal''s path. Adds up over partners to the deals'' amounts.',
            'credits of deals won', NULL, 'deals by closing date', 'attribution.lookback_days (180), attribution.headline (linear)',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'attributed_revenue_first', 'M20', 'Attributed revenue, first touch', 'co-selling',
            'Won revenue credited to the first partner on each deal''s path. Never mix models in one total.',
            'credits of deals won', NULL, 'deals by closing date', 'attribution.lookback_days (180)',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'attributed_revenue_last', 'M20', 'Attributed revenue, last touch', 'co-selling',
            'Won revenue credited to the last partner on each deal''s path. Never mix models in one total.',
            'credits of deals won', NULL, 'deals by closing date', 'attribution.lookback_days (180)',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'unattributed_revenue', 'M20', 'Unattributed revenue', 'co-selling',
            'Won revenue of deals on whose path there is no partner. With the attributed revenue of any one model it makes up all won revenue.',
            'amount of deals won without a touch', NULL, 'deals by closing date', 'attribution.lookback_days (180)',
            1, 'money', NULL, 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'target_attainment_bookings', 'M25', 'Target attainment, bookings', 'co-selling',
            'Bookings over the agreed target. A running period has its bookings so far against the whole target; a target is cut only where the partner signed in the middle of its period.',
            'bookings', 'target', 'deals by closing date', NULL, 1, 'ratio', 'high', 'target, opportunity, opportunity_line, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'target_attainment_sourced_revenue', 'M25', 'Target attainment, sourced revenue', 'co-selling',
            'Sourced revenue over the agreed target.',
            'sourced revenue', 'target', 'deals by closing date', NULL, 1, 'ratio', 'high', 'target, opportunity, opportunity_line, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'target_attainment_influenced_revenue', 'M25', 'Target attainment, influenced revenue', 'co-selling',
            'Influenced revenue over the agreed target.',
            'influenced revenue', 'target', 'deals by closing date', NULL, 1, 'ratio', 'high', 'target, opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'target_attainment_sourced_pipeline', 'M25', 'Target attainment, sourced pipeline', 'co-selling',
            'Sourced pipeline created over the agreed target.',
            'sourced pipeline created', 'target', 'deals by creation date', NULL, 1, 'ratio', 'high', 'target, opportunity, opportunity_partner, deal_registration, fx_rate'
        ),
        (
            'time_to_first_revenue', 'M05', 'Time to first revenue', 'onboarding',
            'Days after signature by which half of the partners signed in the last 24 months had their first won deal in a revenue role; partners who still wait count for as long as they have waited (Kaplan-Meier). Existing business is out.',
            'partners with first revenue', 'partners signed', 'signatures of the trailing 24 months', 'revenue_roles (sourced, resold, fulfilled), min_n (10)',
            1, 'days', 'low', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'time_to_first_revenue_rmst_365', 'M05', 'Mean days without revenue in the first year', 'onboarding',
            'Mean days without revenue within the first 365, which can be told also where half have not sold yet.',
            'partners with first revenue', 'partners signed', 'signatures of the trailing 24 months', 'as time_to_first_revenue',
            1, 'days', 'low', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'time_to_first_revenue_naive_mean', 'M05', 'Mean time to first revenue of those who sold', 'onboarding',
            'The average that most glossaries name. It leaves out the partners who have not sold yet and looks better as more of them fail: for comparison only.',
            'partners with first revenue', 'partners signed', 'signatures of the trailing 24 months', 'as time_to_first_revenue',
            1, 'days', 'low', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'activated_by_90', 'M05', 'Revenue within 90 days', 'onboarding',
            'Share of partners signed in the last 24 months that had revenue within 90 days; exits are a competing end.',
            'partners with revenue by day 90', 'partners signed', 'signatures of the trailing 24 months', 'as time_to_first_revenue',
            1, 'ratio', 'high', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'activated_by_180', 'M05', 'Revenue within 180 days', 'onboarding',
            'Share of partners signed in the last 24 months that had revenue within 180 days; exits are a competing end.',
            'partners with revenue by day 180', 'partners signed', 'signatures of the trailing 24 months', 'as time_to_first_revenue',
            1, 'ratio', 'high', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'activated_by_365', 'M05', 'Revenue within a year', 'onboarding',
            'Share of partners signed in the last 24 months that had revenue within 365 days; exits are a competing end.',
            'partners with revenue by day 365', 'partners signed', 'signatures of the trailing 24 months', 'as time_to_first_revenue',
            1, 'ratio', 'high', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'ropi', 'M35', 'Return on partner investment', 'money',
            'Gross margin credited to partners less what they cost, over what they cost, in the four fiscal quarters that end with the period. Shared cost is spread by deals worked. Revenue takes the place of margin, and the status says so, where no cost of goods is known.',
            'attributed gross margin less cost', 'cost', 'four fiscal quarters: deals by closing date, costs by day',
            'ropi.benefit (gross_margin), ropi.credit (attributed), ropi.driver (deals_worked), ropi.lag_quarters (0), attribution.headline (linear)',
            1, 'ratio', 'high', 'ledger_entry, opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'ropi_benefit', 'M35', 'Benefit of the partnership', 'money',
            'Gross margin of won deals credited to partners in the four fiscal quarters that end with the period.',
            'attributed gross margin', NULL, 'four fiscal quarters: deals by closing date', 'as ropi',
            1, 'money', 'high', 'opportunity, opportunity_line, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'ropi_cost', 'M35', 'Cost of the partnership', 'money',
            'Ledger entries of direction cost in the four fiscal quarters that end with the period: the partner''s own and its part of the shared ones.',
            'cost', NULL, 'four fiscal quarters: costs by day', 'ropi.driver (deals_worked), ropi.lag_quarters (0)',
            1, 'money', NULL, 'ledger_entry, opportunity, opportunity_partner, deal_registration, activity, fx_rate'
        ),
        (
            'active_partner_rate', 'M26', 'Active partners', 'growth',
            'Share of the partners enrolled for the whole period, and for at least 90 days, that won a deal in a revenue role in it.',
            'partners with a won deal', 'partners enrolled for the whole period', 'events by day', 'active.events (won), active.min_tenure_days (90)',
            1, 'ratio', 'high', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'partner_state_share_new', 'M27', 'New partners', 'growth',
            'Share of the enrolled partners that are new at the end of the period: signed less than 90 days before. The first state that fits counts, so the five shares add up to 1.',
            'partners in the state', 'partners enrolled', 'the last day of the period, or the as-of date', 'active.events (won), active.min_tenure_days (90), state.active_days (90)',
            1, 'ratio', NULL, 'partner, agreement, opportunity, opportunity_partner, deal_registration, learning_record, certification'
        ),
        (
            'partner_state_share_active', 'M27', 'Active at the time', 'growth',
            'Share of the enrolled partners that are active at the end of the period: with a won deal in the last 90 days. The first state that fits counts, so the five shares add up to 1.',
            'partners in the state', 'partners enrolled', 'the last day of the period, or the as-of date', 'active.events (won), active.min_tenure_days (90), state.active_days (90)',
            1, 'ratio', 'high', 'partner, agreement, opportunity, opportunity_partner, deal_registration, learning_record, certification'
        ),
        (
            'partner_state_share_warm', 'M27', 'Warm partners', 'growth',
            'Share of the enrolled partners that are warm at the end of the period: without a won deal in the last 90 days, but in these 90 days with a registration, a sourced deal created that is still open, a course completed and not failed, or a certificate. The first state that fits counts, so the five shares add up to 1.',
            'partners in the state', 'partners enrolled', 'the last day of the period, or the as-of date', 'active.events (won), active.min_tenure_days (90), state.active_days (90)',
            1, 'ratio', NULL, 'partner, agreement, opportunity, opportunity_partner, deal_registration, learning_record, certification'
        ),
        (
            'partner_state_share_at_risk', 'M27', 'Partners at risk', 'growth',
            'Share of the enrolled partners that are at risk at the end of the period: whose last won deal is 91 to 180 days old, and that nothing makes warm. The first state that fits counts, so the five shares add up to 1.',
            'partners in the state', 'partners enrolled', 'the last day of the period, or the as-of date', 'active.events (won), active.min_tenure_days (90), state.active_days (90)',
            1, 'ratio', 'low', 'partner, agreement, opportunity, opportunity_partner, deal_registration, learning_record, certification'
        ),
        (
            'partner_state_share_dormant', 'M27', 'Dormant partners', 'growth',
            'Share of the enrolled partners that are dormant at the end of the period: without a won deal in the last 180 days, and without anything in the last 90 that makes warm. The first state that fits counts, so the five shares add up to 1.',
            'partners in the state', 'partners enrolled', 'the last day of the period, or the as-of date', 'active.events (won), active.min_tenure_days (90), state.active_days (90)',
            1, 'ratio', 'low', 'partner, agreement, opportunity, opportunity_partner, deal_registration, learning_record, certification'
        ),
        (
            'partner_churn_rate', 'M37', 'Partner churn', 'retention',
            'Share of the partners doing business at the start of the period that were lost in it: the agreement ended, or no commercial event came for three times their usual gap (at least 90, at most 180 days). Mergers, migrations and programmes that we closed are exits, not churn.',
            'partners lost', 'partners not lost at the start that ever did business', 'days of loss', 'churn.kind (either), churn.silence_min_days (90), churn.silence_max_days (180), churn.exit_reasons',
            1, 'ratio', 'low', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'partner_exits', 'M37', 'Exits that are not churn', 'retention',
            'Partners whose relationship ended for a reason that was not their choice (a merger, a migration, a programme that we closed), whether they did business then or ever.',
            'partners', NULL, 'days of exit', 'churn.exit_reasons',
            1, 'count', NULL, 'partner, agreement'
        ),
        (
            'partner_win_backs', 'M37', 'Win-backs', 'retention',
            'Partners that had been lost and did business again. A win-back never erases the loss.',
            'partners', NULL, 'days of return', 'as partner_churn_rate',
            1, 'count', 'high', 'partner, agreement, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'health_score', 'M38', 'Health', 'health',
            'Weighted points of the signals that fit the partners stage, 0 to 100, at the end of the period; in wider scopes the median of the partners.',
            NULL, NULL, 'the last day of the period, or the as-of date', 'score.weights, score.bars',
            1, 'points', 'high', 'opportunity, deal_registration, learning_record, certification, engagement_event, activity, survey_response'
        ),
        (
            'engagement_score', 'M38', 'Engagement', 'health',
            'As health, of the activity signals alone: people active, content, courses, meetings.',
            NULL, NULL, 'the last day of the period, or the as-of date', 'score.weights, score.bars',
            1, 'points', 'high', 'learning_record, engagement_event, activity'
        ),
        (
            'health_score_auc', 'M38', 'Does health tell who leaves', 'health',
            'Chance that a partner that was lost in the half year after the start of the period had a lower health score then than one that stayed; 0.5 is no better than tossing a coin.',
            'partners lost', 'partners at risk', 'scores at the start of the period, losses in the half year after', 'churn.horizon_days (180), min_n (10)',
            1, 'ratio', 'high', 'opportunity, deal_registration, learning_record, certification, engagement_event, activity, survey_response'
        ),
        (
            'lifecycle_stage_share_onboard', 'M44', 'Partners in stage onboard', 'growth',
            'Share of the enrolled partners in lifecycle stage onboard at the end of the period: signed, not ready yet. The four shares add up to 1.',
            'partners in the stage', 'partners enrolled', 'the last day of the period, or the as-of date', 'onboarding.deadline_days (60)',
            1, 'ratio', NULL, 'partner, agreement, onboarding_task, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'lifecycle_stage_share_enable', 'M44', 'Partners in stage enable', 'growth',
            'Share of the enrolled partners in lifecycle stage enable at the end of the period: ready, before their first deal. The four shares add up to 1.',
            'partners in the stage', 'partners enrolled', 'the last day of the period, or the as-of date', 'onboarding.deadline_days (60)',
            1, 'ratio', NULL, 'partner, agreement, onboarding_task, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'lifecycle_stage_share_sell', 'M44', 'Partners in stage sell', 'growth',
            'Share of the enrolled partners in lifecycle stage sell at the end of the period: with a first commercial event. The four shares add up to 1.',
            'partners in the stage', 'partners enrolled', 'the last day of the period, or the as-of date', 'onboarding.deadline_days (60)',
            1, 'ratio', NULL, 'partner, agreement, onboarding_task, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'lifecycle_stage_share_grow', 'M44', 'Partners in stage grow', 'growth',
            'Share of the enrolled partners in lifecycle stage grow at the end of the period: with repeated success in the last year. The four shares add up to 1.',
            'partners in the stage', 'partners enrolled', 'the last day of the period, or the as-of date', 'onboarding.deadline_days (60)',
            1, 'ratio', NULL, 'partner, agreement, onboarding_task, opportunity, opportunity_partner, deal_registration'
        ),
        (
            'stalled_partner_rate', 'M44', 'Stalled partners', 'growth',
            'Share of the enrolled partners that have been in their stage longer than three of four partners of their segment, and made no progress for 30 days.',
            'partners stalled', 'partners enrolled', 'the as-of date', 'min_n (10)',
            1, 'ratio', 'low', 'partner, agreement, onboarding_task, opportunity, opportunity_partner, deal_registration, activity, engagement_event, learning_record, certification, partner_history'
        )
    ) AS catalog (
        metric, code, name, stage, definition, numerator, denominator, time_window, switches, definition_version, unit, better, feeds
    )
)

SELECT * FROM final
