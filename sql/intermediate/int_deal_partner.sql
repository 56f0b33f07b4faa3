-- int_deal_partner: which partners count on a deal and in which role.
-- grain: deal x partner x role
-- key: deal_id, partner_id, role
-- deal_id VARCHAR: native key of the deal
-- partner_id VARCHAR: partner
-- role VARCHAR: sourced and influenced as decided by rule (M18, M19); resold, fulfilled, serviced, referred and
--   unknown as exported
-- first_touch_at TIMESTAMP: when the role began: the claim, the first qualifying touch, or the day in the export
-- is_revenue_role BOOLEAN: the role counts as the partner's own revenue (setting revenue_roles)
WITH deals AS (
    SELECT * FROM intermediate.int_deal
),

revenue_roles AS (
    SELECT value AS role FROM setting_list WHERE setting = 'revenue_roles'
),

roles AS (
    SELECT deal_id, partner_id, 'sourced' AS role, claimed_at AS first_touch_at
    FROM intermediate.int_deal_claim
    WHERE is_source
    UNION ALL
    SELECT deal_id, partner_id, 'influenced' AS role, influenced_at AS first_touch_at
    FROM intermediate.int_deal_influence
    UNION ALL
    SELECT
        deals.deal_id,
        exported.partner_id,
        exported.role,
        min(coalesce(exported.first_touch_at, deals.created_at)) AS first_touch_at
    FROM canonical.opportunity_partner AS exported
    INNER JOIN deals ON exported.opportunity_id = deals.deal_id
    INNER JOIN intermediate.int_partner AS partner ON exported.partner_id = partner.partner_id
    WHERE NOT exported._deleted AND exported.role NOT IN ('sourced', 'influenced')
    GROUP BY deals.deal_id, exported.partner_id, exported.role
),

final AS (
    SELECT
        roles.deal_id,
        roles.partner_id,
        roles.role,
        roles.first_touch_at,
        roles.role IN (SELECT role FROM revenue_roles) AS is_revenue_role
    FROM roles
    CROSS JOIN run_settings AS s
    WHERE roles.first_touch_at < s.as_of_end
)

SELECT * FROM final
