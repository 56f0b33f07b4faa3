-- int_metric_state: shares of the enrolled partners that are new, active, warm, at risk and dormant at a period's end (M27).
-- grain: state x scope x period
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
-- note: told at the end of each month and fiscal quarter, and at the as-of date as trailing_90; the shares of one period add
--   up to 1
WITH grid AS (
    SELECT grid.*, least(grid.period_end, s.as_of + 1) AS snapshot_on
    FROM intermediate.int_scope_period AS grid
    CROSS JOIN run_settings AS s
    WHERE
        grid.has_partners
        AND grid.scope_kind IN ('program', 'segment', 'tier', 'region', 'owner')
        AND (grid.period_kind IN ('quarter', 'month') OR grid.period = 'trailing_90')
),

states AS (
    SELECT unnest(['new', 'active', 'warm', 'at_risk', 'dormant']) AS state
),

counts AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        state.snapshot_on,
        state.state,
        count(*) AS partners,
        sum(count(*)) OVER (PARTITION BY scope.scope_kind, scope.scope_id, state.snapshot_on) AS enrolled_partners
    FROM intermediate.int_partner_state AS state
    INNER JOIN intermediate.int_partner_scope AS scope ON state.partner_id = scope.partner_id
    WHERE state.is_enrolled
    GROUP BY scope.scope_kind, scope.scope_id, state.snapshot_on, state.state
),

totals AS (
    SELECT DISTINCT scope_kind, scope_id, snapshot_on, enrolled_partners FROM counts
),

final AS (
    SELECT
        'partner_state_share_' || states.state AS metric,
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
        CAST(coalesce(counts.partners, 0) AS DOUBLE) AS numerator,
        CAST(coalesce(totals.enrolled_partners, 0) AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        CAST(coalesce(totals.enrolled_partners, 0) AS BIGINT) AS n,
        CAST(NULL AS VARCHAR) AS status
    FROM grid
    CROSS JOIN states
    LEFT JOIN totals
        ON
            grid.scope_kind = totals.scope_kind
            AND grid.scope_id = totals.scope_id
            AND grid.snapshot_on = totals.snapshot_on
    LEFT JOIN counts
        ON
            grid.scope_kind = counts.scope_kind
            AND grid.scope_id = counts.scope_id
            AND grid.snapshot_on = counts.snapshot_on
            AND states.state = counts.state
)

SELECT * FROM final
