-- int_metric_revenue: money of deals won in the period: bookings, sourced, influenced and touched (M18, M19).
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
-- note: full amount of each deal, each deal once a scope (G6): influenced revenue of several scopes does not add up,
--   sourced revenue of partners does
-- note: bookings are deals in which a partner of the scope has a revenue role; touched is sourced or influenced
-- note: deals with a missing or negative amount are out of the sum; where a rate is missing the status is incomplete (G3)
WITH deals AS (
    SELECT deal_id, closed_on, amount_base, is_fx_missing
    FROM intermediate.int_deal
    WHERE outcome = 'won' AND NOT is_excluded
),

sums AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        period_day.period,
        CAST(sum(deals.amount_base) FILTER (WHERE scope.is_revenue) AS DECIMAL(18, 4)) AS bookings,
        count(*) FILTER (WHERE scope.is_revenue) AS bookings_n,
        count(*) FILTER (WHERE scope.is_revenue AND deals.is_fx_missing) AS bookings_missing,
        CAST(sum(deals.amount_base) FILTER (WHERE scope.is_sourced) AS DECIMAL(18, 4)) AS sourced,
        count(*) FILTER (WHERE scope.is_sourced) AS sourced_n,
        count(*) FILTER (WHERE scope.is_sourced AND deals.is_fx_missing) AS sourced_missing,
        CAST(sum(deals.amount_base) FILTER (WHERE scope.is_influenced) AS DECIMAL(18, 4)) AS influenced,
        count(*) FILTER (WHERE scope.is_influenced) AS influenced_n,
        count(*) FILTER (WHERE scope.is_influenced AND deals.is_fx_missing) AS influenced_missing,
        CAST(sum(deals.amount_base) FILTER (WHERE scope.is_sourced OR scope.is_influenced) AS DECIMAL(18, 4)) AS touched,
        count(*) FILTER (WHERE scope.is_sourced OR scope.is_influenced) AS touched_n,
        count(*) FILTER (WHERE (scope.is_sourced OR scope.is_influenced) AND deals.is_fx_missing) AS touched_missing
    FROM deals
    INNER JOIN intermediate.int_deal_scope AS scope ON deals.deal_id = scope.deal_id
    INNER JOIN intermediate.int_period_day AS period_day ON deals.closed_on = period_day.day
    GROUP BY scope.scope_kind, scope.scope_id, period_day.period
),

measures AS (
    SELECT scope_kind, scope_id, period, 'bookings' AS metric, bookings AS amount, bookings_n AS n, bookings_missing AS missing
    FROM sums
    UNION ALL
    SELECT scope_kind, scope_id, period, 'sourced_revenue' AS metric, sourced AS amount, sourced_n AS n, sourced_missing AS missing
    FROM sums
    UNION ALL
    SELECT
        scope_kind,
        scope_id,
        period,
        'influenced_revenue' AS metric,
        influenced AS amount,
        influenced_n AS n,
        influenced_missing AS missing
    FROM sums
    UNION ALL
    SELECT scope_kind, scope_id, period, 'touched_revenue' AS metric, touched AS amount, touched_n AS n, touched_missing AS missing
    FROM sums
),

metrics AS (
    SELECT unnest(['bookings', 'sourced_revenue', 'influenced_revenue', 'touched_revenue']) AS metric
),

final AS (
    SELECT
        metrics.metric,
        'deal' AS grain,
        grid.scope_kind,
        grid.scope_id,
        grid.period,
        grid.period_start,
        grid.period_end,
        grid.is_partial,
        'money' AS unit,
        'sum' AS kind,
        CAST(coalesce(measures.amount, 0) AS DOUBLE) AS value,
        CAST(coalesce(measures.amount, 0) AS DECIMAL(18, 4)) AS amount,
        CAST(coalesce(measures.amount, 0) AS DOUBLE) AS numerator,
        CAST(NULL AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(measures.n, 0) AS n,
        CASE WHEN coalesce(measures.missing, 0) > 0 THEN 'incomplete' ELSE 'ok' END AS status
    FROM intermediate.int_scope_period AS grid
    CROSS JOIN metrics
    LEFT JOIN measures
        ON
            grid.scope_kind = measures.scope_kind
            AND grid.scope_id = measures.scope_id
            AND grid.period = measures.period
            AND metrics.metric = measures.metric
)

SELECT * FROM final
