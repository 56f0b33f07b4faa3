-- int_metric_target: actual over agreed target, per measure (M25).
-- grain: scope x period x metric
-- key: metric, scope_kind, scope_id, period
-- metric VARCHAR: name of the metric
-- grain VARCHAR: what n counts
-- scope_kind VARCHAR: program, segment, tier, region, owner, partner or partner_family
-- scope_id VARCHAR: the scope
-- period VARCHAR: period
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- unit VARCHAR: ratio, money, days or count
-- kind VARCHAR: share, ratio, sum, duration or score
-- value DOUBLE: the number; fct_metric fills it for shares
-- amount DECIMAL(18,4): the exact amount of money metrics
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval
-- high DOUBLE: upper end of the 95% interval
-- n BIGINT: how many were counted
-- status VARCHAR: ok, or why the number is missing or weak; fct_metric fills it for shares
-- note: measures bookings, sourced_revenue, influenced_revenue and sourced_pipeline; a running period has its actual
--   so far against the whole target
-- note: where others of the same kind of scope have a target for the measure and period and this one has none, the
--   status is no_target
WITH actuals AS (
    SELECT * FROM intermediate.int_metric_revenue
    WHERE metric IN ('bookings', 'sourced_revenue', 'influenced_revenue')
    UNION ALL
    SELECT * FROM intermediate.int_metric_pipeline
    WHERE metric = 'sourced_pipeline'
),

-- A quarter cut to the length of the running one is held against its whole target as well.
placed AS (
    SELECT actuals.*, split_part(actuals.period, '-d', 1) AS target_period
    FROM actuals
    WHERE actuals.scope_kind IN ('program', 'segment', 'owner', 'partner', 'partner_family')
),

targeted AS (
    SELECT DISTINCT scope_kind, measure, period FROM intermediate.int_target
),

final AS (
    SELECT
        'target_attainment_' || placed.metric AS metric,
        'deal' AS grain,
        placed.scope_kind,
        placed.scope_id,
        placed.period,
        placed.period_start,
        placed.period_end,
        placed.is_partial,
        'ratio' AS unit,
        'ratio' AS kind,
        CASE WHEN target.target_base > 0 THEN placed.numerator / CAST(target.target_base AS DOUBLE) END AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        placed.numerator,
        CAST(target.target_base AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        placed.n,
        CASE
            WHEN target.scope_id IS NULL THEN 'no_target'
            WHEN target.is_fx_missing OR placed.status = 'incomplete' THEN 'incomplete'
            WHEN target.target_base > 0 THEN 'ok'
            ELSE 'no_denominator'
        END AS status
    FROM placed
    INNER JOIN targeted
        ON
            placed.scope_kind = targeted.scope_kind
            AND placed.metric = targeted.measure
            AND placed.target_period = targeted.period
    LEFT JOIN intermediate.int_target AS target
        ON
            placed.scope_kind = target.scope_kind
            AND placed.scope_id = target.scope_id
            AND placed.metric = target.measure
            AND placed.target_period = target.period
)

SELECT * FROM final
