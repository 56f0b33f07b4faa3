-- partner_metric_matches_deals: a partner's bookings, sourced, influenced and attributed revenue and its win rate are
--   those of the published deals.
-- severity: error
-- table: fct_metric
WITH roles AS (
    SELECT
        role.partner_id,
        role.deal_id,
        bool_or(role.is_revenue_role) AS is_revenue,
        bool_or(role.role = 'sourced') AS is_sourced,
        bool_or(role.role = 'influenced') AS is_influenced
    FROM fct_deal_partner AS role
    GROUP BY role.partner_id, role.deal_id
),

deals AS (
    SELECT
        roles.*,
        period.period,
        deal.outcome,
        CASE WHEN deal.outcome = 'won' THEN deal.amount_base END AS won_base
    FROM roles
    INNER JOIN fct_deal AS deal ON roles.deal_id = deal.deal_id
    INNER JOIN dim_fiscal_period AS period
        ON period.period_kind = 'quarter' AND deal.closed_on >= period.period_start AND deal.closed_on < period.period_end
    WHERE NOT deal.is_excluded
),

credits AS (
    SELECT credit.partner_id, period.period, sum(credit.credit_base) AS attributed
    FROM fct_deal_credit AS credit
    INNER JOIN fct_deal AS deal ON credit.deal_id = deal.deal_id
    INNER JOIN dim_fiscal_period AS period
        ON period.period_kind = 'quarter' AND deal.closed_on >= period.period_start AND deal.closed_on < period.period_end
    WHERE credit.model = 'linear'
    GROUP BY credit.partner_id, period.period
),

recomputed AS (
    SELECT
        partner_id,
        period,
        sum(won_base) FILTER (WHERE is_revenue) AS bookings,
        sum(won_base) FILTER (WHERE is_sourced) AS sourced,
        sum(won_base) FILTER (WHERE is_influenced) AS influenced,
        count(*) FILTER (WHERE outcome = 'won') AS won
    FROM deals
    GROUP BY partner_id, period
)

SELECT
    told.partner_id,
    told.period,
    told.bookings,
    recomputed.bookings AS deal_bookings,
    told.won_deals,
    recomputed.won AS deals_won
FROM fct_partner_quarter AS told
LEFT JOIN recomputed ON told.partner_id = recomputed.partner_id AND told.period = recomputed.period
LEFT JOIN credits ON told.partner_id = credits.partner_id AND told.period = credits.period
WHERE
    told.bookings <> coalesce(recomputed.bookings, 0)
    OR told.sourced_revenue <> coalesce(recomputed.sourced, 0)
    OR told.influenced_revenue <> coalesce(recomputed.influenced, 0)
    OR told.attributed_revenue <> coalesce(credits.attributed, 0)
    OR told.won_deals <> coalesce(recomputed.won, 0)
