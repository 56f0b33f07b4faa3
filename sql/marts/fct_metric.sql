-- fct_metric: every published number, one row each.
-- grain: metric x scope x period
-- key: metric, scope_kind, scope_id, period
-- metric VARCHAR: name of the metric; metric_catalog says what it means
-- grain VARCHAR: what n counts
-- scope_kind VARCHAR: program, segment, tier, region, owner, partner or partner_family
-- scope_id VARCHAR: the scope
-- partner_id VARCHAR: the partner where the scope is one, for joining dim_partner; null otherwise
-- period VARCHAR: 2026Q3 (fiscal), 2026-10, trailing_90, trailing_365, trailing_4q, trailing_24m, or 2026Q2-d31: the
--   first 31 days
-- period_start DATE: first day that was counted
-- period_end DATE: day after the last
-- is_partial BOOLEAN: the period was not over at the as-of date; compare it with the cut period of dim_fiscal_period
-- unit VARCHAR: ratio, money, days, count or points
-- kind VARCHAR: share, ratio, sum, duration or score; only sums of disjoint scopes add up
-- value DOUBLE: the number; null where the status says why
-- amount DECIMAL(18,4): the exact amount in the reporting currency, for money
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval; Wilson for shares
-- high DOUBLE: upper end of the 95% interval
-- n BIGINT: how many were counted
-- status VARCHAR: ok, insufficient (fewer than min_n: shown, not ranked), no_denominator, no_target, not_reached (half, or
--   the day in question, lies beyond what could be watched so far), incomplete (an exchange rate, a cost or a part of the
--   history is missing), revenue_basis, absent (feed not loaded), stale (feed too old), or low_coverage (too many of the
--   records behind it belong to nobody known as a partner: shown, not ranked)
-- definition_version BIGINT: version of the definition in metric_catalog
-- config_hash VARCHAR: hash of the configuration that it was computed with
WITH metrics AS (
    SELECT * FROM intermediate.int_metric_win_rate
    UNION ALL
    SELECT * FROM intermediate.int_metric_sales_cycle
    UNION ALL
    SELECT * FROM intermediate.int_metric_revenue
    UNION ALL
    SELECT * FROM intermediate.int_metric_pipeline
    UNION ALL
    SELECT * FROM intermediate.int_metric_attribution
    UNION ALL
    SELECT * FROM intermediate.int_metric_target
    UNION ALL
    SELECT * FROM intermediate.int_metric_ropi
    UNION ALL
    SELECT * FROM intermediate.int_metric_first_revenue
    UNION ALL
    SELECT * FROM intermediate.int_metric_active
    UNION ALL
    SELECT * FROM intermediate.int_metric_state
    UNION ALL
    SELECT * FROM intermediate.int_metric_stage
    UNION ALL
    SELECT * FROM intermediate.int_metric_churn
    UNION ALL
    SELECT * FROM intermediate.int_metric_health
),

metric_feeds AS (
    SELECT metric, unnest(string_split(feeds, ', ')) AS table_name
    FROM metric_catalog
),

stale AS (
    SELECT DISTINCT metric_feeds.metric
    FROM metric_feeds
    INNER JOIN intermediate.int_feed AS feed ON metric_feeds.table_name = feed.table_name
    WHERE feed.is_stale OR feed.is_held
),

low_coverage AS (
    SELECT DISTINCT metric_feeds.metric
    FROM metric_feeds
    INNER JOIN intermediate.int_coverage AS coverage ON metric_feeds.table_name = coverage.table_name
    WHERE coverage.is_low
),

-- 1.959963984540054 is the 97.5 % point of the normal distribution.
shares AS (
    SELECT
        *,
        kind = 'share' AND denominator > 0 AS is_share,
        numerator / nullif(denominator, 0) AS share,
        1.959963984540054 * 1.959963984540054 / nullif(denominator, 0) AS z2_n
    FROM metrics
),

intervals AS (
    SELECT
        *,
        (share + z2_n / 2) / (1 + z2_n) AS centre,
        sqrt(share * (1 - share) * z2_n + z2_n * z2_n / 4) / (1 + z2_n) AS half_width
    FROM shares
    WHERE is_share
    UNION ALL
    SELECT *, NULL AS centre, NULL AS half_width
    FROM shares
    WHERE NOT coalesce(is_share, FALSE)
),

judged AS (
    SELECT
        intervals.*,
        CASE
            WHEN intervals.kind <> 'share' OR intervals.status IS NOT NULL THEN intervals.status
            WHEN coalesce(intervals.denominator, 0) = 0 THEN 'no_denominator'
            WHEN intervals.n < s.min_n THEN 'insufficient'
            ELSE 'ok'
        END AS own_status,
        intervals.period_end > s.as_of AND stale.metric IS NOT NULL AS is_stale,
        low_coverage.metric IS NOT NULL AS is_low_coverage,
        s.config_hash
    FROM intervals
    CROSS JOIN run_settings AS s
    LEFT JOIN stale ON intervals.metric = stale.metric
    LEFT JOIN low_coverage ON intervals.metric = low_coverage.metric
),

final AS (
    SELECT
        judged.metric,
        judged.grain,
        judged.scope_kind,
        judged.scope_id,
        CASE WHEN judged.scope_kind = 'partner' THEN judged.scope_id END AS partner_id,
        judged.period,
        judged.period_start,
        judged.period_end,
        judged.is_partial,
        judged.unit,
        judged.kind,
        CASE WHEN judged.is_share THEN judged.share ELSE judged.value END AS value,
        judged.amount,
        judged.numerator,
        judged.denominator,
        CASE WHEN judged.is_share THEN least(greatest(judged.centre - judged.half_width, 0), judged.share) ELSE judged.low END AS low,
        CASE WHEN judged.is_share THEN greatest(least(judged.centre + judged.half_width, 1), judged.share) ELSE judged.high END AS high,
        judged.n,
        CASE
            WHEN judged.is_stale AND judged.own_status IN ('ok', 'insufficient') THEN 'stale'
            WHEN judged.is_low_coverage AND judged.own_status = 'ok' THEN 'low_coverage'
            ELSE judged.own_status
        END AS status,
        catalog.definition_version,
        judged.config_hash
    FROM judged
    LEFT JOIN metric_catalog AS catalog ON judged.metric = catalog.metric
)

SELECT * FROM final
