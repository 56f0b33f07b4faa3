-- one_source_per_deal: a deal has at most one source partner, the same in fct_deal and fct_deal_partner.
-- severity: error
-- table: fct_deal_partner
SELECT deal.deal_id, deal.source_partner_id, count(role.partner_id) AS sources
FROM fct_deal AS deal
LEFT JOIN fct_deal_partner AS role ON deal.deal_id = role.deal_id AND role.role = 'sourced'
GROUP BY deal.deal_id, deal.source_partner_id
HAVING
    count(role.partner_id) > 1
    OR max(role.partner_id) IS DISTINCT FROM deal.source_partner_id
