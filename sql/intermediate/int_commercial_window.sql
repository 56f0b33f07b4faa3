-- int_commercial_window: what each partner registered, opened, won and lost in the windows before each snapshot, as known then.
-- grain: partner x snapshot with a commercial fact in the 730 days before
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- registrations_90 BIGINT: registrations in 90 days; drafts and rejected ones do not count
-- registrations_365 BIGINT: registrations in 365 days
-- registrations_730 BIGINT: registrations in 730 days
-- activity_90 BIGINT: registrations and deals created in 90 days
-- activity_year_before BIGINT: registrations and deals created in the 365 days before those
-- pipeline_90 DECIMAL(18,4): amount at creation of deals created in 90 days
-- pipeline_365 DECIMAL(18,4): the same in 365 days
-- pipeline_730 DECIMAL(18,4): the same in 730 days
-- deals_created_365 BIGINT: deals created in 365 days
-- won_90 DECIMAL(18,4): won revenue in 90 days
-- won_90_year_ago DECIMAL(18,4): won revenue in the same 90 days a year ago
-- won_365 DECIMAL(18,4): won revenue in 365 days
-- won_365_year_ago DECIMAL(18,4): won revenue in the 365 days before those
-- won_year_before DECIMAL(18,4): won revenue in the 365 days before the last 90
-- won_deals_90 BIGINT: won deals in 90 days
-- won_deals_90_year_ago BIGINT: won deals in the same 90 days a year ago
-- won_deals_730 BIGINT: won deals in 730 days
-- credited_won_365 BIGINT: won deals in 365 days, any credited role
-- credited_closed_365 BIGINT: won and lost deals in 365 days, any credited role
-- last_won_on DATE: last won deal in 730 days, any credited role
-- answers_due_180 BIGINT: registrations whose answer by us fell due in 180 days
-- answers_late_180 BIGINT: those answered late or not at all
-- note: revenue, pipeline and deals created count deals in a revenue role, each deal once; the win rate counts any role but
--   unknown
WITH settings AS (
    SELECT as_of, as_of_end, timezone, sla_response_hours, winrate_no_decision FROM run_settings
),

deals AS (
    SELECT
        role.partner_id,
        role.is_revenue,
        role.unseen_on,
        deal.outcome,
        deal.created_on,
        deal.closed_on,
        coalesce(deal.created_amount_base, 0) AS created_amount_base,
        coalesce(deal.amount_base, 0) AS amount_base,
        deal.is_no_decision AND settings.winrate_no_decision <> 'lost' AS is_undecided,
        -- A role that became known later than the deal was not known before.
        greatest(CAST(((deal.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE), role.seen_on) AS known_on,
        greatest(
            CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE), role.seen_on
        ) AS closed_known_on
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_deal_role_seen AS role ON deal.deal_id = role.deal_id
    CROSS JOIN settings
    -- A deal that was lost as one that never was real is unseen from its closing on.
    WHERE NOT deal.is_excluded OR deal.outcome = 'lost'
),

registrations AS (
    SELECT
        r.partner_id,
        CAST((
            ((r.submitted_at + to_hours(settings.sla_response_hours)) AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone
        ) AS DATE) AS due_on,
        CAST(((r.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS known_on,
        coalesce(
            coalesce(r.first_response_at, r.decided_at)
            > r.submitted_at + to_hours(settings.sla_response_hours), TRUE
        ) AS is_late
    FROM canonical.deal_registration AS r
    CROSS JOIN settings
    WHERE
        r.partner_id IS NOT NULL
        AND NOT r._deleted
        AND r.status <> 'draft'
        AND r.submitted_at + to_hours(settings.sla_response_hours) < settings.as_of_end
        -- Decided without a time: nobody can say whether it was late.
        AND (r.first_response_at IS NOT NULL OR r.decided_at IS NOT NULL OR r.status IN ('submitted', 'in_review'))
),

facts AS (
    SELECT
        partner_id,
        event_on AS day,
        known_on,
        NULL AS unseen_on,
        'registration' AS kind,
        1 AS n,
        CAST(0 AS DECIMAL(18, 4)) AS amount
    FROM intermediate.int_commercial_event
    WHERE kind = 'registration'
    UNION ALL
    SELECT partner_id, created_on AS day, known_on, unseen_on, 'created' AS kind, 1 AS n, created_amount_base AS amount
    FROM deals
    WHERE is_revenue
    UNION ALL
    SELECT partner_id, closed_on AS day, closed_known_on AS known_on, unseen_on, 'revenue' AS kind, 1 AS n, amount_base AS amount
    FROM deals
    WHERE outcome = 'won' AND is_revenue
    UNION ALL
    SELECT partner_id, closed_on AS day, closed_known_on AS known_on, unseen_on, outcome AS kind, 1 AS n, 0 AS amount
    FROM deals
    WHERE outcome IN ('won', 'lost') AND NOT is_undecided AND NOT is_revenue
    UNION ALL
    SELECT
        partner_id,
        due_on AS day,
        known_on,
        NULL AS unseen_on,
        CASE WHEN is_late THEN 'late' ELSE 'answered' END AS kind,
        1 AS n,
        0 AS amount
    FROM registrations
),

daily_facts AS (
    SELECT partner_id, day, known_on, unseen_on, kind, sum(n) AS n, sum(amount) AS amount
    FROM facts
    GROUP BY partner_id, day, known_on, unseen_on, kind
),

windows AS (
    SELECT
        f.partner_id,
        w.snapshot_on,
        sum(f.n) FILTER (WHERE f.kind = 'registration' AND w.age_days <= 90) AS registrations_90,
        sum(f.n) FILTER (WHERE f.kind = 'registration' AND w.age_days <= 365) AS registrations_365,
        sum(f.n) FILTER (WHERE f.kind = 'registration') AS registrations_730,
        sum(f.n) FILTER (WHERE f.kind IN ('registration', 'created') AND w.age_days <= 90) AS activity_90,
        sum(f.n) FILTER (WHERE f.kind IN ('registration', 'created') AND w.age_days BETWEEN 91 AND 455) AS activity_year_before,
        sum(f.amount) FILTER (WHERE f.kind = 'created' AND w.age_days <= 90) AS pipeline_90,
        sum(f.amount) FILTER (WHERE f.kind = 'created' AND w.age_days <= 365) AS pipeline_365,
        sum(f.amount) FILTER (WHERE f.kind = 'created') AS pipeline_730,
        sum(f.n) FILTER (WHERE f.kind = 'created' AND w.age_days <= 365) AS deals_created_365,
        sum(f.amount) FILTER (WHERE f.kind = 'revenue' AND w.age_days <= 90) AS won_90,
        sum(f.amount) FILTER (WHERE f.kind = 'revenue' AND w.age_days BETWEEN 366 AND 455) AS won_90_year_ago,
        sum(f.amount) FILTER (WHERE f.kind = 'revenue' AND w.age_days <= 365) AS won_365,
        sum(f.amount) FILTER (WHERE f.kind = 'revenue' AND w.age_days > 365) AS won_365_year_ago,
        sum(f.amount) FILTER (WHERE f.kind = 'revenue' AND w.age_days BETWEEN 91 AND 455) AS won_year_before,
        sum(f.n) FILTER (WHERE f.kind = 'revenue' AND w.age_days <= 90) AS won_deals_90,
        sum(f.n) FILTER (WHERE f.kind = 'revenue' AND w.age_days BETWEEN 366 AND 455) AS won_deals_90_year_ago,
        sum(f.n) FILTER (WHERE f.kind = 'revenue') AS won_deals_730,
        sum(f.n) FILTER (WHERE f.kind = 'won' AND w.age_days <= 365) AS credited_won_365,
        sum(f.n) FILTER (WHERE f.kind IN ('won', 'lost') AND w.age_days <= 365) AS credited_closed_365,
        max(f.day) FILTER (WHERE f.kind = 'won') AS last_won_on,
        sum(f.n) FILTER (WHERE f.kind IN ('late', 'answered') AND w.age_days <= 180) AS answers_due_180,
        sum(f.n) FILTER (WHERE f.kind = 'late' AND w.age_days <= 180) AS answers_late_180
    FROM daily_facts AS f
    INNER JOIN intermediate.int_snapshot_day AS w ON f.day = w.day AND f.known_on <= w.known_until
    WHERE f.unseen_on IS NULL OR w.snapshot_on < f.unseen_on
    GROUP BY f.partner_id, w.snapshot_on
),

final AS (
    SELECT
        partner_id,
        snapshot_on,
        CAST(coalesce(registrations_90, 0) AS BIGINT) AS registrations_90,
        CAST(coalesce(registrations_365, 0) AS BIGINT) AS registrations_365,
        CAST(coalesce(registrations_730, 0) AS BIGINT) AS registrations_730,
        CAST(coalesce(activity_90, 0) AS BIGINT) AS activity_90,
        CAST(coalesce(activity_year_before, 0) AS BIGINT) AS activity_year_before,
        CAST(coalesce(pipeline_90, 0) AS DECIMAL(18, 4)) AS pipeline_90,
        CAST(coalesce(pipeline_365, 0) AS DECIMAL(18, 4)) AS pipeline_365,
        CAST(coalesce(pipeline_730, 0) AS DECIMAL(18, 4)) AS pipeline_730,
        CAST(coalesce(deals_created_365, 0) AS BIGINT) AS deals_created_365,
        CAST(coalesce(won_90, 0) AS DECIMAL(18, 4)) AS won_90,
        CAST(coalesce(won_90_year_ago, 0) AS DECIMAL(18, 4)) AS won_90_year_ago,
        CAST(coalesce(won_365, 0) AS DECIMAL(18, 4)) AS won_365,
        CAST(coalesce(won_365_year_ago, 0) AS DECIMAL(18, 4)) AS won_365_year_ago,
        CAST(coalesce(won_year_before, 0) AS DECIMAL(18, 4)) AS won_year_before,
        CAST(coalesce(won_deals_90, 0) AS BIGINT) AS won_deals_90,
        CAST(coalesce(won_deals_90_year_ago, 0) AS BIGINT) AS won_deals_90_year_ago,
        CAST(coalesce(won_deals_730, 0) AS BIGINT) AS won_deals_730,
        CAST(coalesce(credited_won_365, 0) AS BIGINT) AS credited_won_365,
        CAST(coalesce(credited_closed_365, 0) AS BIGINT) AS credited_closed_365,
        last_won_on,
        CAST(coalesce(answers_due_180, 0) AS BIGINT) AS answers_due_180,
        CAST(coalesce(answers_late_180, 0) AS BIGINT) AS answers_late_180
    FROM windows
)

SELECT * FROM final
