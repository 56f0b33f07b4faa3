-- won_revenue_is_attributed_or_not: attributed and unattributed revenue of the programme together are all revenue won
--   in the period.
-- severity: error
-- table: fct_metric
WITH told AS (
    SELECT period, sum(amount) AS amount
    FROM fct_metric
    WHERE scope_kind = 'program' AND metric IN ('attributed_revenue_linear', 'unattributed_revenue')
    GROUP BY period
),

won AS (
    SELECT period_day.period, sum(deal.amount_base) AS amount
    FROM fct_deal AS deal
    INNER JOIN intermediate.int_period_day AS period_day ON deal.closed_on = period_day.day
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded
    GROUP BY period_day.period
)

SELECT told.period, told.amount, won.amount AS won_amount
FROM told
LEFT JOIN won ON told.period = won.period
WHERE told.amount <> coalesce(won.amount, 0)
