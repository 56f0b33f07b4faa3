-- fct_deal_partner: which partners count on a deal and in which role.
-- grain: deal x partner x role
-- key: deal_id, partner_id, role
-- deal_id VARCHAR: native key of the deal
-- partner_id VARCHAR: partner
-- role VARCHAR: sourced and influenced as decided by rule (M18, M19); resold, fulfilled, serviced, referred and
--   unknown as exported
-- first_touch_at TIMESTAMP: when the role began: the claim, the first qualifying touch, or the day in the export
-- is_revenue_role BOOLEAN: the role counts as the partner's own revenue (setting revenue_roles)
WITH final AS (
    SELECT
        deal_id,
        partner_id,
        role,
        first_touch_at,
        is_revenue_role
    FROM intermediate.int_deal_partner
)

SELECT * FROM final
