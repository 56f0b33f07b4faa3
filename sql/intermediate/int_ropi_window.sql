-- int_ropi_window: the four fiscal quarters over which return on investment is told for each period.
-- grain: period
-- key: period
-- period VARCHAR: quarter, cut quarter, or trailing_4q, whose window ends with it
-- is_partial BOOLEAN: not finished at the as-of date
-- benefit_start DATE: first day of the deals' closings
-- benefit_end DATE: day after the last, no later than the as-of date allows
-- cost_start DATE: first day of the costs: ropi.lag_quarters earlier
-- cost_end DATE: day after the last
-- is_covered BOOLEAN: the costs go back to the window's first month, or further
WITH first_cost AS (
    SELECT min(incurred_on) AS first_on FROM intermediate.int_ledger WHERE direction = 'cost'
),

windows AS (
    SELECT
        period.period,
        period.is_partial,
        CASE
            WHEN period.period = 'trailing_4q' THEN period.period_start
            ELSE CAST(period.period_start - INTERVAL '9' MONTH AS DATE)
        END AS benefit_start,
        least(period.period_end, s.as_of + 1) AS benefit_end,
        s.ropi_lag_quarters
    FROM intermediate.int_fiscal_period AS period
    CROSS JOIN run_settings AS s
    WHERE
        period.period_kind = 'quarter'
        OR (period.period_kind = 'to_date' AND period.period LIKE '%Q%')
        OR period.period = 'trailing_4q'
),

final AS (
    SELECT
        windows.period,
        windows.is_partial,
        windows.benefit_start,
        windows.benefit_end,
        CAST(windows.benefit_start - to_months(3 * windows.ropi_lag_quarters) AS DATE) AS cost_start,
        CAST(windows.benefit_end - to_months(3 * windows.ropi_lag_quarters) AS DATE) AS cost_end,
        coalesce(
            first_cost.first_on
            < CAST(windows.benefit_start - to_months(3 * windows.ropi_lag_quarters) + INTERVAL '1' MONTH AS DATE),
            FALSE
        ) AS is_covered
    FROM windows
    CROSS JOIN first_cost
)

SELECT * FROM final
