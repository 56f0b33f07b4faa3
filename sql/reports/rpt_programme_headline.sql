-- rpt_programme_headline: the numbers of the whole programme that open the overview, in the order in which they are told.
-- grain: metric
-- key: position
-- position INTEGER: order on the page
-- metric VARCHAR: metric
-- name VARCHAR: its name in words
-- definition VARCHAR: what it means
-- period VARCHAR: period as in fct_metric
-- period_label VARCHAR: the period in words
-- unit VARCHAR: ratio, money, days, count or points
-- value DOUBLE: the number; null where the status says why
-- amount DECIMAL(18,4): the exact amount in the reporting currency, for money
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval
-- high DOUBLE: upper end of the 95% interval
-- n BIGINT: how many were counted
-- status VARCHAR: ok, or why the number is absent or weak
-- is_partial BOOLEAN: the period was not over at the as-of date
-- note: active partners, money of the trailing year, then rates; each metric once, over its longest trailing window that is loaded
WITH choice AS (
    SELECT *
    FROM (
        VALUES
        (1, 'active_partner_rate', 'trailing_90', 'last 90 days'),
        (2, 'bookings', 'trailing_365', 'last 365 days'),
        (3, 'sourced_revenue', 'trailing_365', 'last 365 days'),
        (4, 'influenced_revenue', 'trailing_365', 'last 365 days'),
        (5, 'win_rate', 'trailing_365', 'deals closed in the last 365 days'),
        (6, 'ropi', 'trailing_4q', 'last four fiscal quarters'),
        (7, 'time_to_first_revenue', 'trailing_24m', 'partners signed in the last 24 months'),
        (8, 'partner_churn_rate', 'trailing_365', 'last 365 days')
    ) AS chosen (position, metric, period, period_label)
),

programme AS (
    SELECT * FROM fct_metric WHERE scope_kind = 'program'
),

final AS (
    SELECT
        choice.position,
        choice.metric,
        metric_catalog.name,
        metric_catalog.definition,
        choice.period,
        choice.period_label,
        programme.unit,
        programme.value,
        programme.amount,
        programme.numerator,
        programme.denominator,
        programme.low,
        programme.high,
        programme.n,
        programme.status,
        programme.is_partial
    FROM choice
    JOIN programme ON choice.metric = programme.metric AND choice.period = programme.period
    JOIN metric_catalog ON choice.metric = metric_catalog.metric
)

SELECT * FROM final
