-- int_metric_active: partners that transacted in a period, over those enrolled for all of it (M26).
-- grain: scope x period
-- key: metric, scope_kind, scope_id, period
-- metric VARCHAR: name of the metric
-- grain VARCHAR: what n counts
-- scope_kind VARCHAR: program, segment, tier, region or owner
-- scope_id VARCHAR: the scope
-- period VARCHAR: period
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- unit VARCHAR: ratio, money, days, count or points
-- kind VARCHAR: share, ratio, sum, duration or score
-- value DOUBLE: the number; fct_metric fills it for shares
-- amount DECIMAL(18,4): the exact amount of money metrics
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval
-- high DOUBLE: upper end of the 95% interval
-- n BIGINT: how many were counted
-- status VARCHAR: ok, or why the number is missing or weak; fct_metric fills it for shares
-- note: enrolled from the first to the last day of the period and for active.min_tenure_days at its end; transacted means
--   an event of active.events: a won deal in a revenue role, a registration, or either
-- note: told by fiscal quarter, and for the trailing 90 and 365 days
WITH grid AS (
    SELECT *, least(period_end, s.as_of + 1) AS until_on
    FROM intermediate.int_scope_period
    CROSS JOIN (SELECT as_of FROM run_settings) AS s
    WHERE
        has_partners
        AND scope_kind IN ('program', 'segment', 'tier', 'region', 'owner')
        AND (
            period_kind = 'quarter'
            OR period IN ('trailing_90', 'trailing_365')
            OR (period_kind = 'to_date' AND period LIKE '%Q%')
        )
),

enrolled AS (
    SELECT
        periods.period,
        partner.partner_id
    FROM intermediate.int_partner AS partner
    CROSS JOIN (SELECT DISTINCT period, period_start, until_on FROM grid) AS periods
    CROSS JOIN run_settings AS s
    WHERE
        (partner.is_enrolled OR partner.exited_on IS NOT NULL)
        AND (
            partner.signed_on IS NULL
            OR (
                partner.signed_on <= periods.period_start
                AND partner.signed_on <= periods.until_on - s.active_min_tenure_days
            )
        )
        AND (partner.exited_on IS NULL OR partner.exited_on >= periods.until_on)
),

active AS (
    SELECT DISTINCT period_day.period, event.partner_id
    FROM intermediate.int_commercial_event AS event
    INNER JOIN intermediate.int_period_day AS period_day ON event.event_on = period_day.day
    CROSS JOIN run_settings AS s
    WHERE
        (event.kind = 'won_deal' AND s.active_events IN ('won', 'won_or_registered'))
        OR (event.kind = 'registration' AND s.active_events IN ('registered', 'won_or_registered'))
),

counts AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        enrolled.period,
        count(*) AS enrolled_partners,
        count(active.partner_id) AS active_partners
    FROM enrolled
    INNER JOIN intermediate.int_partner_scope AS scope ON enrolled.partner_id = scope.partner_id
    LEFT JOIN active ON enrolled.partner_id = active.partner_id AND enrolled.period = active.period
    GROUP BY scope.scope_kind, scope.scope_id, enrolled.period
),

final AS (
    SELECT
        'active_partner_rate' AS metric,
        'partner' AS grain,
        grid.scope_kind,
        grid.scope_id,
        grid.period,
        grid.period_start,
        grid.period_end,
        grid.is_partial,
        'ratio' AS unit,
        'share' AS kind,
        CAST(NULL AS DOUBLE) AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(coalesce(counts.active_partners, 0) AS DOUBLE) AS numerator,
        CAST(coalesce(counts.enrolled_partners, 0) AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(counts.enrolled_partners, 0) AS n,
        CAST(NULL AS VARCHAR) AS status
    FROM grid
    LEFT JOIN counts
        ON grid.scope_kind = counts.scope_kind AND grid.scope_id = counts.scope_id AND grid.period = counts.period
)

SELECT * FROM final
