-- int_metric_sales_cycle: days from creation to closing of won and of lost deals (M17).
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
-- note: whole local days from first creation; a deal closed before it was created is a data error: out, and counted by
--   the check deal_closed_before_created
-- note: percentiles by linear interpolation (G9); deals that are still open are not in it, see metric_catalog
WITH deals AS (
    SELECT deal_id, closed_on, outcome, closed_on - created_on AS cycle_days
    FROM intermediate.int_deal
    WHERE outcome IN ('won', 'lost') AND NOT is_excluded AND closed_on >= created_on
),

cycles AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        period_day.period,
        deals.outcome,
        count(*) AS n,
        quantile_cont(deals.cycle_days, 0.5) AS median_days,
        quantile_cont(deals.cycle_days, 0.75) AS p75_days
    FROM deals
    INNER JOIN intermediate.int_deal_scope AS scope ON deals.deal_id = scope.deal_id
    INNER JOIN intermediate.int_period_day AS period_day ON deals.closed_on = period_day.day
    GROUP BY scope.scope_kind, scope.scope_id, period_day.period, deals.outcome
),

measures AS (
    SELECT 'sales_cycle_days' AS metric, 'won' AS outcome
    UNION ALL
    SELECT 'sales_cycle_days_p75' AS metric, 'won' AS outcome
    UNION ALL
    SELECT 'sales_cycle_days_lost' AS metric, 'lost' AS outcome
),

final AS (
    SELECT
        measures.metric,
        'deal' AS grain,
        grid.scope_kind,
        grid.scope_id,
        grid.period,
        grid.period_start,
        grid.period_end,
        grid.is_partial,
        'days' AS unit,
        'duration' AS kind,
        CAST(
            CASE WHEN measures.metric = 'sales_cycle_days_p75' THEN cycles.p75_days ELSE cycles.median_days END AS DOUBLE
        ) AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(NULL AS DOUBLE) AS numerator,
        CAST(coalesce(cycles.n, 0) AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(cycles.n, 0) AS n,
        CASE
            WHEN coalesce(cycles.n, 0) = 0 THEN 'no_denominator'
            WHEN cycles.n < s.min_n THEN 'insufficient'
            ELSE 'ok'
        END AS status
    FROM intermediate.int_scope_period AS grid
    CROSS JOIN measures
    CROSS JOIN run_settings AS s
    LEFT JOIN cycles
        ON
            grid.scope_kind = cycles.scope_kind
            AND grid.scope_id = cycles.scope_id
            AND grid.period = cycles.period
            AND measures.outcome = cycles.outcome
)

SELECT * FROM final
