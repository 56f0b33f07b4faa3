-- health_score: what each signal adds to a partner's health tonight, and what it is compared with.
-- signal VARCHAR: the signal in words
-- value VARCHAR: the value and its comparison in words
-- x DOUBLE: value
-- low DOUBLE: value that earns no points
-- high DOUBLE: value that earns all points
-- bars VARCHAR: where the bars come from
-- points DOUBLE: 0 to 100
-- weight DOUBLE: weight in the partner's stage
-- contribution DOUBLE: points of the health score; the contributions add up to it
-- status VARCHAR: known, carried, stale, missing or not_applicable
-- param: partner_id: partner
WITH final AS (
    SELECT
        position,
        signal_name AS signal,
        note AS value,
        round(x, 3) AS x,
        round(low, 3) AS low,
        round(high, 3) AS high,
        CASE bar_basis
            WHEN 'segment' THEN 'p20 and p80 of ' || peers || ' peers in segment and stage'
            WHEN 'programme' THEN 'p20 and p80 of ' || peers || ' partners in the stage'
            WHEN 'config' THEN 'configuration'
            ELSE 'default'
        END AS bars,
        points,
        weight,
        contribution,
        status
    FROM fct_health_signal
    WHERE partner_id = CAST($1 AS VARCHAR)
)

SELECT signal, value, x, low, high, bars, points, weight, contribution, status
FROM final
ORDER BY position
