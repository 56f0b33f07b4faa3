-- partner_at_risk_is_scored: every partner that does business tonight has its feature row of tonight, at risk.
-- severity: error
-- table: fct_partner_month_feature
WITH tonight AS (
    SELECT partner_id, is_at_risk FROM fct_partner_month_feature WHERE is_as_of
)

SELECT stage.partner_id, stage.commercial_state, tonight.is_at_risk
FROM fct_partner_stage AS stage
FULL JOIN tonight ON stage.partner_id = tonight.partner_id
WHERE (stage.commercial_state = 'live') IS DISTINCT FROM coalesce(tonight.is_at_risk, FALSE)
