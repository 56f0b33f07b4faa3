-- int_fx: how many units of each currency one unit of the reporting currency buys, and from which day.
-- grain: currency x day from which the rate holds
-- key: currency, valid_from
-- currency VARCHAR: ISO 4217 code
-- valid_from DATE: first day
-- valid_to DATE: end, exclusive; null for until the next rate
-- rate DOUBLE: units of the currency for one unit of the reporting currency
-- basis VARCHAR: own (the reporting currency itself), quoted, inverse, or cross (through a third currency)
-- note: a currency takes one basis, the first of that order which the exports offer; rates of zero or less do not count
WITH quotes AS (
    SELECT currency, base_currency, valid_from, valid_to, rate
    FROM canonical.fx_rate
    WHERE NOT _deleted AND rate > 0 AND currency <> base_currency
),

quoted AS (
    SELECT quotes.currency, quotes.valid_from, quotes.valid_to, quotes.rate
    FROM quotes
    CROSS JOIN run_settings AS s
    WHERE quotes.base_currency = s.currency_base
),

inverse AS (
    SELECT quotes.base_currency AS currency, quotes.valid_from, quotes.valid_to, 1 / quotes.rate AS rate
    FROM quotes
    CROSS JOIN run_settings AS s
    WHERE quotes.currency = s.currency_base
),

-- The reporting currency's own price in third currencies, for crossing.
pivot_price AS (
    SELECT quotes.base_currency AS pivot, quotes.valid_from, quotes.valid_to, quotes.rate
    FROM quotes
    CROSS JOIN run_settings AS s
    WHERE quotes.currency = s.currency_base
),

pivots AS (
    SELECT quotes.currency, min(quotes.base_currency) AS pivot
    FROM quotes
    INNER JOIN pivot_price ON quotes.base_currency = pivot_price.pivot
    CROSS JOIN run_settings AS s
    WHERE quotes.currency <> s.currency_base
    GROUP BY quotes.currency
),

cross_days AS (
    SELECT pivots.currency, pivots.pivot, quotes.valid_from
    FROM pivots
    INNER JOIN quotes ON pivots.currency = quotes.currency AND pivots.pivot = quotes.base_currency
    UNION
    SELECT pivots.currency, pivots.pivot, pivot_price.valid_from
    FROM pivots
    INNER JOIN pivot_price ON pivots.pivot = pivot_price.pivot
),

crossed AS (
    SELECT
        cross_days.currency,
        cross_days.valid_from,
        least(quotes.valid_to, pivot_price.valid_to) AS valid_to,
        quotes.rate / pivot_price.rate AS rate
    FROM cross_days
    ASOF INNER JOIN quotes
        ON
            cross_days.currency = quotes.currency
            AND cross_days.pivot = quotes.base_currency
            AND cross_days.valid_from >= quotes.valid_from
    ASOF INNER JOIN pivot_price
        ON cross_days.pivot = pivot_price.pivot AND cross_days.valid_from >= pivot_price.valid_from
    WHERE coalesce(least(quotes.valid_to, pivot_price.valid_to) > cross_days.valid_from, TRUE)
),

offered AS (
    SELECT currency_base AS currency, DATE '1900-01-01' AS valid_from, NULL AS valid_to, 1.0 AS rate, 1 AS precedence
    FROM run_settings
    UNION ALL
    SELECT currency, valid_from, valid_to, rate, 2 AS precedence FROM quoted
    UNION ALL
    SELECT currency, valid_from, valid_to, rate, 3 AS precedence FROM inverse
    UNION ALL
    SELECT currency, valid_from, valid_to, rate, 4 AS precedence FROM crossed
),

chosen AS (
    SELECT *
    FROM offered
    QUALIFY precedence = min(precedence) OVER (PARTITION BY currency)
),

final AS (
    SELECT
        currency,
        valid_from,
        CAST(valid_to AS DATE) AS valid_to,
        CAST(rate AS DOUBLE) AS rate,
        CASE precedence WHEN 1 THEN 'own' WHEN 2 THEN 'quoted' WHEN 3 THEN 'inverse' ELSE 'cross' END AS basis
    FROM chosen
)

SELECT * FROM final
