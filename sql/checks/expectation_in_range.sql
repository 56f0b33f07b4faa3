-- expectation_in_range: every chance, score and expected revenue lies inside its interval, and that in what is possible.
-- severity: error
-- table: rpt_partner_expectation
WITH spans AS (
    SELECT partner_id AS id, 'within_90' AS what, within_90 AS x, within_90_low AS low, within_90_high AS high, 1 AS most
    FROM score_partner_first_revenue
    UNION ALL
    SELECT partner_id AS id, 'within_180' AS what, within_180 AS x, within_180_low AS low, within_180_high AS high, 1 AS most
    FROM score_partner_first_revenue
    UNION ALL
    SELECT partner_id AS id, 'within_365' AS what, within_365 AS x, within_365_low AS low, within_365_high AS high, 1 AS most
    FROM score_partner_first_revenue
    UNION ALL
    SELECT partner_id AS id, 'next_quarter' AS what, expected AS x, low, high, NULL AS most
    FROM score_partner_next_quarter
    UNION ALL
    SELECT application_id AS id, 'score' AS what, score AS x, low, high, 100 AS most
    FROM score_recruit
)

SELECT id, what, x, low, high
FROM spans
WHERE
    x IS NOT NULL
    AND NOT (
        isfinite(x)
        AND coalesce(low, 0) >= 0
        AND x >= coalesce(low, 0) - 1e-9
        AND x <= coalesce(high, x) + 1e-9
        AND coalesce(high, x) <= coalesce(most, high, x) + 1e-9
    )
