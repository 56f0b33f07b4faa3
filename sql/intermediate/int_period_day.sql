-- int_period_day: the days of every period, for joining facts by their day.
-- grain: period x day
-- key: period, day
-- period VARCHAR: period
-- day DATE: a day of it, up to the as-of date
WITH final AS (
    SELECT
        period.period,
        CAST(unnest(generate_series(
            period.period_start, least(period.period_end - 1, s.as_of), INTERVAL '1' DAY
        )) AS DATE) AS day
    FROM intermediate.int_fiscal_period AS period
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
