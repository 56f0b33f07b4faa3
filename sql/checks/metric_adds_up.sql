-- metric_adds_up: money that adds up over partners and segments sums to the programme's.
-- severity: error
-- table: fct_metric
WITH additive AS (
    SELECT metric, period, scope_kind, amount
    FROM fct_metric
    WHERE
        metric IN (
            'sourced_revenue', 'sourced_pipeline', 'attributed_revenue_first', 'attributed_revenue_last',
            'attributed_revenue_linear', 'ropi_benefit', 'ropi_cost'
        )
        AND scope_kind IN ('program', 'segment', 'partner')
),

totals AS (
    SELECT
        metric,
        period,
        sum(amount) FILTER (WHERE scope_kind = 'program') AS program_amount,
        sum(amount) FILTER (WHERE scope_kind = 'segment') AS segment_amount,
        sum(amount) FILTER (WHERE scope_kind = 'partner') AS partner_amount,
        count(*) FILTER (WHERE scope_kind = 'partner') AS partners
    FROM additive
    GROUP BY metric, period
)

SELECT metric, period, program_amount, segment_amount, partner_amount
FROM totals
WHERE
    coalesce(program_amount, 0) <> coalesce(segment_amount, 0)
    OR (partners > 0 AND coalesce(program_amount, 0) <> coalesce(partner_amount, 0))
