-- int_metric_win_rate: won deals over won and lost deals, by closing date (M15).
-- grain: scope x period
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
-- note: deals of any credited role, each counted once a scope; no decision counts as lost unless winrate.no_decision
--   is exclude; out are deals of winrate.exclude_reasons and, with winrate.qualified_stage_order, lost deals that are
--   known never to have reached that stage
WITH deals AS (
    SELECT deal.deal_id, deal.closed_on, deal.outcome = 'won' AS is_won
    FROM intermediate.int_deal AS deal
    CROSS JOIN run_settings AS s
    WHERE
        deal.outcome IN ('won', 'lost')
        AND NOT deal.is_excluded
        AND deal.is_qualified
        AND NOT (deal.is_no_decision AND s.winrate_no_decision = 'exclude')
),

counts AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        period_day.period,
        count(*) FILTER (WHERE deals.is_won) AS won,
        count(*) AS closed
    FROM deals
    INNER JOIN intermediate.int_deal_scope AS scope ON deals.deal_id = scope.deal_id
    INNER JOIN intermediate.int_period_day AS period_day ON deals.closed_on = period_day.day
    GROUP BY scope.scope_kind, scope.scope_id, period_day.period
),

final AS (
    SELECT
        'win_rate' AS metric,
        'deal' AS grain,
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
        CAST(coalesce(counts.won, 0) AS DOUBLE) AS numerator,
        CAST(coalesce(counts.closed, 0) AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(counts.closed, 0) AS n,
        CAST(NULL AS VARCHAR) AS status
    FROM intermediate.int_scope_period AS grid
    LEFT JOIN counts
        ON grid.scope_kind = counts.scope_kind AND grid.scope_id = counts.scope_id AND grid.period = counts.period
)

SELECT * FROM final
