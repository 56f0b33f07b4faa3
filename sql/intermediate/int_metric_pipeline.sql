-- int_metric_pipeline: pipeline created in the period and pipeline open at its end, sourced, influenced and touched
--   (M18, M19).
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
-- note: created: amount at creation of the deals created in the period, at the rate of that day; open: amount as now
--   known of the deals that were open at the period's end (the as-of date where it is not over)
-- note: full amount of each deal, each deal once a scope (G6); trailing periods have no open pipeline, that of the
--   running quarter is the same
WITH periods AS (
    SELECT
        period.period,
        period.period_kind,
        least(period.period_end, s.as_of + 1) AS open_until
    FROM intermediate.int_fiscal_period AS period
    CROSS JOIN run_settings AS s
    WHERE period.period_kind <> 'trailing'
),

created AS (
    SELECT
        period_day.period,
        deal.deal_id,
        deal.created_amount_base AS amount,
        deal.is_fx_missing OR (deal.created_amount_base IS NULL AND deal.amount IS NOT NULL) AS is_missing
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_period_day AS period_day ON deal.created_on = period_day.day
    WHERE NOT deal.is_excluded
),

still_open AS (
    SELECT
        periods.period,
        deal.deal_id,
        deal.amount_base AS amount,
        deal.is_fx_missing AS is_missing
    FROM intermediate.int_deal AS deal
    INNER JOIN periods
        ON
            deal.created_on < periods.open_until
            AND coalesce(deal.closed_on, DATE '9999-12-31') >= periods.open_until
    WHERE NOT deal.is_excluded
),

pipelines AS (
    SELECT '' AS suffix, period, deal_id, amount, is_missing FROM created
    UNION ALL
    SELECT '_open' AS suffix, period, deal_id, amount, is_missing FROM still_open
),

sums AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        pipelines.period,
        pipelines.suffix,
        CAST(sum(pipelines.amount) FILTER (WHERE scope.is_sourced) AS DECIMAL(18, 4)) AS sourced,
        count(*) FILTER (WHERE scope.is_sourced) AS sourced_n,
        count(*) FILTER (WHERE scope.is_sourced AND pipelines.is_missing) AS sourced_missing,
        CAST(sum(pipelines.amount) FILTER (WHERE scope.is_influenced) AS DECIMAL(18, 4)) AS influenced,
        count(*) FILTER (WHERE scope.is_influenced) AS influenced_n,
        count(*) FILTER (WHERE scope.is_influenced AND pipelines.is_missing) AS influenced_missing,
        CAST(sum(pipelines.amount) AS DECIMAL(18, 4)) AS touched,
        count(*) AS touched_n,
        count(*) FILTER (WHERE pipelines.is_missing) AS touched_missing
    FROM pipelines
    INNER JOIN intermediate.int_deal_scope AS scope ON pipelines.deal_id = scope.deal_id
    INNER JOIN intermediate.int_fiscal_period AS period ON pipelines.period = period.period
    WHERE
        (scope.is_sourced OR scope.is_influenced)
        AND (period.period_kind <> 'month' OR scope.scope_kind NOT IN ('partner', 'partner_family'))
    GROUP BY scope.scope_kind, scope.scope_id, pipelines.period, pipelines.suffix
),

measures AS (
    SELECT
        scope_kind,
        scope_id,
        period,
        'sourced_pipeline' || suffix AS metric,
        sourced AS amount,
        sourced_n AS n,
        sourced_missing AS missing
    FROM sums
    UNION ALL
    SELECT
        scope_kind,
        scope_id,
        period,
        'influenced_pipeline' || suffix AS metric,
        influenced AS amount,
        influenced_n AS n,
        influenced_missing AS missing
    FROM sums
    UNION ALL
    SELECT
        scope_kind,
        scope_id,
        period,
        'touched_pipeline' || suffix AS metric,
        touched AS amount,
        touched_n AS n,
        touched_missing AS missing
    FROM sums
),

metrics AS (
    SELECT unnest([
        'sourced_pipeline', 'influenced_pipeline', 'touched_pipeline',
        'sourced_pipeline_open', 'influenced_pipeline_open', 'touched_pipeline_open'
    ]) AS metric
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
    INNER JOIN metrics ON grid.period_kind <> 'trailing' OR metrics.metric NOT LIKE '%\_open' ESCAPE '\'
    LEFT JOIN measures
        ON
            grid.scope_kind = measures.scope_kind
            AND grid.scope_id = measures.scope_id
            AND grid.period = measures.period
            AND metrics.metric = measures.metric
)

SELECT * FROM final
