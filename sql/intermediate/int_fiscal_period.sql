-- int_fiscal_period: the periods for which metrics are told, from the first deal to the as-of date.
-- grain: period
-- key: period
-- period VARCHAR: 2026Q3 (fiscal), 2026-10, trailing_90, trailing_365, trailing_4q, or 2026Q2-d31 for the first 31
--   days of a quarter
-- period_kind VARCHAR: quarter, month, trailing, or to_date
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- previous_period VARCHAR: the period before, of as many days where this one is partial; null where there is none
-- year_ago_period VARCHAR: the same period a year before, of as many days where this one is partial; null where there
--   is none
-- note: G2. to_date rows are the earlier periods cut to the length that the running quarter and month have reached;
--   they exist only for that comparison
-- note: history older than ten years is left to fct_deal
WITH bounds AS (
    SELECT
        s.as_of,
        s.fiscal_start_month,
        s.fiscal_label,
        greatest(
            coalesce((SELECT min(event_on) FROM intermediate.int_commercial_event), s.as_of),
            CAST(s.as_of - INTERVAL '10' YEAR AS DATE)
        ) AS first_on
    FROM run_settings AS s
),

-- Months of the fiscal quarter that are over when the first month begins.
anchored AS (
    SELECT
        *,
        CAST(
            date_trunc('month', first_on) - to_months(((month(first_on) - fiscal_start_month + 12) % 12) % 3) AS DATE
        ) AS first_quarter_start
    FROM bounds
),

month_starts AS (
    SELECT
        CAST(unnest(generate_series(first_quarter_start, as_of, INTERVAL '1' MONTH)) AS DATE) AS month_start,
        as_of,
        fiscal_start_month,
        fiscal_label
    FROM anchored
),

months AS (
    SELECT
        strftime(month_start, '%Y-%m') AS period,
        'month' AS period_kind,
        month_start AS period_start,
        CAST(month_start + INTERVAL '1' MONTH AS DATE) AS period_end,
        as_of,
        strftime(CAST(month_start - INTERVAL '1' MONTH AS DATE), '%Y-%m') AS previous_period,
        strftime(CAST(month_start - INTERVAL '12' MONTH AS DATE), '%Y-%m') AS year_ago_period
    FROM month_starts
),

quarter_starts AS (
    SELECT
        *,
        (month(month_start) - fiscal_start_month + 12) % 12 // 3 + 1 AS quarter_no,
        year(month_start)
        - CASE WHEN month(month_start) < fiscal_start_month THEN 1 ELSE 0 END
        + CASE WHEN fiscal_label = 'end_year' AND fiscal_start_month > 1 THEN 1 ELSE 0 END AS fiscal_year
    FROM month_starts
    WHERE ((month(month_start) - fiscal_start_month + 12) % 12) % 3 = 0
),

quarters AS (
    SELECT
        fiscal_year || 'Q' || quarter_no AS period,
        'quarter' AS period_kind,
        month_start AS period_start,
        CAST(month_start + INTERVAL '3' MONTH AS DATE) AS period_end,
        as_of,
        CASE WHEN quarter_no = 1 THEN (fiscal_year - 1) || 'Q4' ELSE fiscal_year || 'Q' || (quarter_no - 1) END AS previous_period,
        (fiscal_year - 1) || 'Q' || quarter_no AS year_ago_period
    FROM quarter_starts
),

whole AS (
    SELECT * FROM months
    UNION ALL
    SELECT * FROM quarters
),

running AS (
    SELECT
        *,
        as_of - period_start + 1 AS days
    FROM whole
    WHERE period_end > as_of + 1
),

cut AS (
    SELECT
        earlier.period || '-d' || running.days AS period,
        'to_date' AS period_kind,
        earlier.period_start,
        least(earlier.period_end, earlier.period_start + CAST(running.days AS INTEGER)) AS period_end
    FROM running
    INNER JOIN whole AS earlier ON earlier.period IN (running.previous_period, running.year_ago_period)
),

trailing_periods AS (
    SELECT 'trailing_90' AS period, as_of - 89 AS period_start, as_of + 1 AS period_end FROM run_settings
    UNION ALL
    SELECT 'trailing_365' AS period, as_of - 364 AS period_start, as_of + 1 AS period_end FROM run_settings
    UNION ALL
    SELECT 'trailing_4q' AS period, CAST(max(period_start) - INTERVAL '9' MONTH AS DATE) AS period_start, max(as_of) + 1 AS period_end
    FROM quarters
),

periods AS (
    SELECT
        whole.period,
        whole.period_kind,
        whole.period_start,
        whole.period_end,
        running.period IS NOT NULL AS is_partial,
        whole.previous_period || coalesce('-d' || running.days, '') AS previous_period,
        whole.year_ago_period || coalesce('-d' || running.days, '') AS year_ago_period
    FROM whole
    LEFT JOIN running ON whole.period = running.period
    UNION ALL
    SELECT period, period_kind, period_start, period_end, FALSE, NULL, NULL FROM cut
    UNION ALL
    SELECT period, 'trailing', period_start, period_end, FALSE, NULL, NULL FROM trailing_periods
),

final AS (
    SELECT
        periods.period,
        periods.period_kind,
        periods.period_start,
        periods.period_end,
        periods.is_partial,
        previous.period AS previous_period,
        year_ago.period AS year_ago_period
    FROM periods
    LEFT JOIN periods AS previous ON periods.previous_period = previous.period
    LEFT JOIN periods AS year_ago ON periods.year_ago_period = year_ago.period
)

SELECT * FROM final
