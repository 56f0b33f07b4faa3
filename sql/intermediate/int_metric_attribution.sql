-- int_metric_attribution: won revenue credited to partners by each attribution model, and what no partner touched (M20).
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
-- note: credits of partners add up; attributed_revenue_<model> of the programme and unattributed_revenue together are
--   all revenue won in the period
-- note: a won deal without a usable amount has no credit; where a partner touched it, it is not unattributed either
WITH credits AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        period_day.period,
        'attributed_revenue_' || credit.model AS metric,
        CAST(sum(credit.credit_base) AS DECIMAL(18, 4)) AS amount,
        count(DISTINCT credit.deal_id) AS n,
        count(*) FILTER (WHERE deal.is_fx_missing) AS missing
    FROM main.fct_deal_credit AS credit
    INNER JOIN intermediate.int_deal AS deal ON credit.deal_id = deal.deal_id
    INNER JOIN intermediate.int_partner_scope AS scope ON credit.partner_id = scope.partner_id
    INNER JOIN intermediate.int_period_day AS period_day ON deal.closed_on = period_day.day
    GROUP BY scope.scope_kind, scope.scope_id, period_day.period, credit.model
),

untouched AS (
    SELECT
        'program' AS scope_kind,
        s.program_name AS scope_id,
        period_day.period,
        'unattributed_revenue' AS metric,
        CAST(sum(deal.amount_base) AS DECIMAL(18, 4)) AS amount,
        count(*) AS n,
        count(*) FILTER (WHERE deal.is_fx_missing) AS missing
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_period_day AS period_day ON deal.closed_on = period_day.day
    CROSS JOIN run_settings AS s
    WHERE
        deal.outcome = 'won'
        AND NOT deal.is_excluded
        AND deal.deal_id NOT IN (SELECT deal_id FROM intermediate.int_deal_touch)
    GROUP BY s.program_name, period_day.period
),

measures AS (
    SELECT * FROM credits
    UNION ALL
    SELECT * FROM untouched
),

metrics AS (
    SELECT unnest([
        'attributed_revenue_first', 'attributed_revenue_last', 'attributed_revenue_linear', 'unattributed_revenue'
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
    INNER JOIN metrics ON metrics.metric <> 'unattributed_revenue' OR grid.scope_kind = 'program'
    LEFT JOIN measures
        ON
            grid.scope_kind = measures.scope_kind
            AND grid.scope_id = measures.scope_id
            AND grid.period = measures.period
            AND metrics.metric = measures.metric
    WHERE grid.has_partners
)

SELECT * FROM final
