-- int_metric_stage: shares of the enrolled partners in each lifecycle stage at a quarter's end, and the share that is stuck tonight (M44).
-- grain: metric x scope x period
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
-- note: stages as known at each quarter's end; the shares of one period add up to 1. trailing_90 is the as-of date, and the
--   only period with stalled_partner_rate
WITH grid AS (
    SELECT grid.*, least(grid.period_end, s.as_of + 1) AS snapshot_on
    FROM intermediate.int_scope_period AS grid
    CROSS JOIN run_settings AS s
    WHERE
        grid.has_partners
        AND grid.scope_kind IN ('program', 'segment', 'tier', 'region', 'owner')
        AND (grid.period_kind = 'quarter' OR grid.period = 'trailing_90')
),

stages AS (
    SELECT unnest(['onboard', 'enable', 'sell', 'grow']) AS stage
),

counts AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        stage_at.snapshot_on,
        stage_at.stage,
        count(*) AS partners,
        sum(count(*)) OVER (PARTITION BY scope.scope_kind, scope.scope_id, stage_at.snapshot_on) AS enrolled_partners
    FROM intermediate.int_partner_stage_at AS stage_at
    INNER JOIN intermediate.int_partner_scope AS scope ON stage_at.partner_id = scope.partner_id
    WHERE stage_at.is_enrolled AND stage_at.stage IN ('onboard', 'enable', 'sell', 'grow')
    GROUP BY scope.scope_kind, scope.scope_id, stage_at.snapshot_on, stage_at.stage
),

totals AS (
    SELECT DISTINCT scope_kind, scope_id, snapshot_on, enrolled_partners FROM counts
),

stalls AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        count(*) AS enrolled_partners,
        count(*) FILTER (WHERE stage.is_stalled) AS stalled
    FROM fct_partner_stage AS stage
    INNER JOIN intermediate.int_partner_scope AS scope ON stage.partner_id = scope.partner_id
    WHERE stage.is_enrolled
    GROUP BY scope.scope_kind, scope.scope_id
),

final AS (
    SELECT
        'lifecycle_stage_share_' || stages.stage AS metric,
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
    CROSS JOIN stages
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
            AND stages.stage = counts.stage
    UNION ALL
    SELECT
        'stalled_partner_rate' AS metric,
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
        CAST(coalesce(stalls.stalled, 0) AS DOUBLE) AS numerator,
        CAST(coalesce(stalls.enrolled_partners, 0) AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(stalls.enrolled_partners, 0) AS n,
        CAST(NULL AS VARCHAR) AS status
    FROM grid
    LEFT JOIN stalls ON grid.scope_kind = stalls.scope_kind AND grid.scope_id = stalls.scope_id
    WHERE grid.period = 'trailing_90'
)

SELECT * FROM final
