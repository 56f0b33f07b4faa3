-- int_metric_health: health and engagement at each quarter's end of the trailing year and tonight, and whether health ranked those who churned later below those who stayed (M38).
-- grain: metric x scope x period
-- key: metric, scope_kind, scope_id, period
-- metric VARCHAR: name of the metric
-- grain VARCHAR: what n counts
-- scope_kind VARCHAR: program, segment, tier, region, owner or partner
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
-- note: a partner's own score; in wider scopes the median of its partners' scores, never a score of summed signals
-- note: health_score_auc: of the partners at risk at the start of the period, the chance that one who churned within
--   churn.horizon_days had the lower score (0.5 is no better than chance; ties count half), with the interval of Hanley and
--   McNeil. It is told for the quarters whose horizon is over, also when it is bad
WITH grid AS (
    SELECT grid.*, least(grid.period_end, s.as_of + 1) AS snapshot_on
    FROM intermediate.int_scope_period AS grid
    CROSS JOIN run_settings AS s
    WHERE
        grid.has_partners
        AND grid.scope_kind IN ('program', 'segment', 'tier', 'region', 'owner', 'partner')
        AND grid.period_kind = 'quarter'
),

scores AS (
    SELECT partner_id, snapshot_on, health_score, engagement_score
    FROM fct_partner_health_night
    WHERE is_trend OR is_night
),

scope_scores AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        scores.snapshot_on,
        quantile_cont(scores.health_score, 0.5) AS health_score,
        quantile_cont(scores.engagement_score, 0.5) AS engagement_score,
        count(scores.health_score) AS health_partners,
        count(scores.engagement_score) AS engagement_partners
    FROM scores
    INNER JOIN intermediate.int_partner_scope AS scope ON scores.partner_id = scope.partner_id
    GROUP BY scope.scope_kind, scope.scope_id, scores.snapshot_on
),

-- Twice the mid-rank of each score among the partners at risk, so that ranks stay whole numbers.
ranked AS (
    SELECT
        label.snapshot_on,
        label.label,
        rank() OVER (PARTITION BY label.snapshot_on ORDER BY scores.health_score) * 2
        + count(*) OVER (PARTITION BY label.snapshot_on, scores.health_score) - 1 AS double_rank
    FROM intermediate.int_churn_label AS label
    INNER JOIN scores ON label.partner_id = scores.partner_id AND label.snapshot_on = scores.snapshot_on
    WHERE label.is_usable AND scores.health_score IS NOT NULL
),

rank_sums AS (
    SELECT
        snapshot_on,
        count(*) FILTER (WHERE label = 1) AS churned,
        count(*) FILTER (WHERE label = 0) AS stayed,
        coalesce(sum(double_rank) FILTER (WHERE label = 0), 0) AS stayed_double_ranks
    FROM ranked
    GROUP BY snapshot_on
),

areas AS (
    SELECT
        *,
        (CAST(stayed_double_ranks AS DOUBLE) / 2 - stayed * (stayed + 1) / 2.0) / (churned * stayed) AS auc
    FROM rank_sums
    WHERE churned > 0 AND stayed > 0
),

intervals AS (
    SELECT
        *,
        1.959963984540054 * sqrt((
            auc * (1 - auc)
            + (churned - 1) * (auc / (2 - auc) - auc * auc)
            + (stayed - 1) * (2 * auc * auc / (1 + auc) - auc * auc)
        ) / (churned * stayed)) AS half_width
    FROM areas
),

final AS (
    SELECT
        'health_score' AS metric,
        'partner' AS grain,
        grid.scope_kind,
        grid.scope_id,
        grid.period,
        grid.period_start,
        grid.period_end,
        grid.is_partial,
        'points' AS unit,
        'score' AS kind,
        scope_scores.health_score AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(NULL AS DOUBLE) AS numerator,
        CAST(NULL AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(scope_scores.health_partners, 0) AS n,
        CASE WHEN scope_scores.health_score IS NULL THEN 'insufficient' ELSE 'ok' END AS status
    FROM grid
    INNER JOIN scope_scores
        ON
            grid.scope_kind = scope_scores.scope_kind
            AND grid.scope_id = scope_scores.scope_id
            AND grid.snapshot_on = scope_scores.snapshot_on
    UNION ALL
    SELECT
        'engagement_score' AS metric,
        'partner' AS grain,
        grid.scope_kind,
        grid.scope_id,
        grid.period,
        grid.period_start,
        grid.period_end,
        grid.is_partial,
        'points' AS unit,
        'score' AS kind,
        scope_scores.engagement_score AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(NULL AS DOUBLE) AS numerator,
        CAST(NULL AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        coalesce(scope_scores.engagement_partners, 0) AS n,
        CASE WHEN scope_scores.engagement_score IS NULL THEN 'insufficient' ELSE 'ok' END AS status
    FROM grid
    INNER JOIN scope_scores
        ON
            grid.scope_kind = scope_scores.scope_kind
            AND grid.scope_id = scope_scores.scope_id
            AND grid.snapshot_on = scope_scores.snapshot_on
    UNION ALL
    SELECT
        'health_score_auc' AS metric,
        'partner' AS grain,
        grid.scope_kind,
        grid.scope_id,
        grid.period,
        grid.period_start,
        grid.period_end,
        grid.is_partial,
        'ratio' AS unit,
        'score' AS kind,
        intervals.auc AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(intervals.churned AS DOUBLE) AS numerator,
        CAST(intervals.churned + intervals.stayed AS DOUBLE) AS denominator,
        greatest(intervals.auc - intervals.half_width, 0) AS low,
        least(intervals.auc + intervals.half_width, 1) AS high,
        intervals.churned + intervals.stayed AS n,
        CASE WHEN intervals.churned < s.min_n THEN 'insufficient' ELSE 'ok' END AS status
    FROM grid
    INNER JOIN intervals ON grid.period_start = intervals.snapshot_on
    CROSS JOIN run_settings AS s
    WHERE grid.scope_kind = 'program'
)

SELECT * FROM final
