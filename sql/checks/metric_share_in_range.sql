-- metric_share_in_range: a share lies between 0 and 1 and within its interval, and its numerator is part of its
--   denominator.
-- severity: error
-- table: fct_metric
SELECT metric, scope_kind, scope_id, period, value, low, high, numerator, denominator
FROM fct_metric
WHERE
    kind = 'share'
    AND (
        value < 0
        OR value > 1
        OR low > value
        OR high < value
        OR numerator > denominator
        OR numerator < 0
    )
