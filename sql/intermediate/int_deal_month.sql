-- int_deal_month: how many deals of the whole programme were closed in each whole month.
-- grain: month since the first closed deal
-- key: month_on
-- month_on DATE: first day of the month
-- closed_deals BIGINT: deals won or lost, with partners or without; 0 where the export has a hole
-- note: a month in which nobody closed anything is a gap, not a month of no revenue
WITH settings AS (
    SELECT CAST(date_trunc('month', as_of + 1) AS DATE) AS this_month_on FROM run_settings
),

closed AS (
    SELECT CAST(date_trunc('month', deal.closed_on) AS DATE) AS month_on, count(*) AS closed_deals
    FROM intermediate.int_deal AS deal
    CROSS JOIN settings
    WHERE deal.closed_on < settings.this_month_on
    GROUP BY ALL
),

months AS (
    SELECT CAST(unnest(generate_series(
        greatest((SELECT min(month_on) FROM closed), CAST(this_month_on - INTERVAL '120' MONTH AS DATE)),
        CAST(this_month_on - INTERVAL '1' MONTH AS DATE),
        INTERVAL '1' MONTH
    )) AS DATE) AS month_on
    FROM settings
),

final AS (
    SELECT months.month_on, coalesce(closed.closed_deals, 0) AS closed_deals
    FROM months
    LEFT JOIN closed ON months.month_on = closed.month_on
)

SELECT * FROM final
