-- churn_risk: what raises and lowers a partner's churn risk tonight, most first.
-- feature VARCHAR: feature of fct_partner_month_feature
-- reason VARCHAR: the contribution in words
-- value DOUBLE: the partner's value
-- reference DOUBLE: the value of the average partner
-- coefficient DOUBLE: change of the logit for one unit
-- contribution DOUBLE: what the feature adds to the logit; with the average partner's logit they add up to the partner's
-- effect VARCHAR: raises or lowers the risk
-- param: partner_id: partner
WITH final AS (
    SELECT
        feature,
        reason,
        value,
        reference,
        coefficient,
        contribution,
        CASE WHEN contribution > 0 THEN 'raises' WHEN contribution < 0 THEN 'lowers' ELSE 'neither' END AS effect
    FROM score_churn_contribution
    WHERE partner_id = CAST($1 AS VARCHAR)
)

SELECT feature, reason, value, reference, coefficient, contribution, effect
FROM final
ORDER BY contribution DESC, feature
