-- int_metric_first_revenue: time to first revenue and shares activated, as the survival model estimates them (M05).
-- grain: scope x metric
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
-- note: period trailing_24m: partners signed in the 24 months up to the as-of date; where the median is not reached
--   its value is null with status not_reached, and the mean days without revenue within the first year stand beside it
-- note: that mean and the shares are not_reached as well where nobody has been waited for that long; the naive mean of a
--   scope in which nobody has sold has no denominator
-- note: the naive mean drops the partners who have not sold yet and looks better as more of them fail; it is told for
--   comparison only
WITH scores AS (
    SELECT
        score.*,
        CAST(s.as_of + 1 - INTERVAL '24' MONTH AS DATE) AS period_start,
        s.as_of + 1 AS period_end,
        s.min_n
    FROM score_first_revenue AS score
    CROSS JOIN run_settings AS s
),

measures AS (
    SELECT
        'time_to_first_revenue' AS metric,
        'days' AS unit,
        'duration' AS kind,
        median_days AS value,
        low_days AS low,
        high_days AS high,
        CAST(events AS DOUBLE) AS numerator,
        status,
        scores.*
    FROM scores
    UNION ALL
    SELECT
        'time_to_first_revenue_rmst_365' AS metric,
        'days' AS unit,
        'duration' AS kind,
        rmst_365_days AS value,
        NULL AS low,
        NULL AS high,
        CAST(events AS DOUBLE) AS numerator,
        NULL AS status,
        scores.*
    FROM scores
    UNION ALL
    SELECT
        'time_to_first_revenue_naive_mean' AS metric,
        'days' AS unit,
        'duration' AS kind,
        naive_mean_days AS value,
        NULL AS low,
        NULL AS high,
        CAST(events AS DOUBLE) AS numerator,
        NULL AS status,
        scores.*
    FROM scores
    UNION ALL
    SELECT
        'activated_by_90' AS metric,
        'ratio' AS unit,
        'ratio' AS kind,
        activated_by_90 AS value,
        NULL AS low,
        NULL AS high,
        NULL AS numerator,
        NULL AS status,
        scores.*
    FROM scores
    UNION ALL
    SELECT
        'activated_by_180' AS metric,
        'ratio' AS unit,
        'ratio' AS kind,
        activated_by_180 AS value,
        NULL AS low,
        NULL AS high,
        NULL AS numerator,
        NULL AS status,
        scores.*
    FROM scores
    UNION ALL
    SELECT
        'activated_by_365' AS metric,
        'ratio' AS unit,
        'ratio' AS kind,
        activated_by_365 AS value,
        NULL AS low,
        NULL AS high,
        NULL AS numerator,
        NULL AS status,
        scores.*
    FROM scores
),

final AS (
    SELECT
        metric,
        'partner' AS grain,
        scope_kind,
        scope_id,
        'trailing_24m' AS period,
        period_start,
        period_end,
        FALSE AS is_partial,
        unit,
        kind,
        CAST(value AS DOUBLE) AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(numerator AS DOUBLE) AS numerator,
        CAST(n AS DOUBLE) AS denominator,
        CAST(low AS DOUBLE) AS low,
        CAST(high AS DOUBLE) AS high,
        n,
        coalesce(
            status,
            CASE
                WHEN value IS NULL AND (n = 0 OR metric = 'time_to_first_revenue_naive_mean') THEN 'no_denominator'
                WHEN value IS NULL THEN 'not_reached'
                WHEN n < min_n THEN 'insufficient'
                ELSE 'ok'
            END
        ) AS status
    FROM measures
)

SELECT * FROM final
