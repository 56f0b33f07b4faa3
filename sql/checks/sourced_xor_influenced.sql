-- sourced_xor_influenced: with influence.exclusive a partner has not both sourced and influenced a deal.
-- severity: error
-- table: fct_deal_partner
SELECT role.deal_id, role.partner_id
FROM fct_deal_partner AS role
CROSS JOIN run_settings AS s
WHERE s.influence_exclusive AND role.role IN ('sourced', 'influenced')
GROUP BY role.deal_id, role.partner_id
HAVING count(DISTINCT role.role) > 1
