-- credit_models_agree: a deal that has credit in one attribution model has it in all three.
-- severity: error
-- table: fct_deal_credit
SELECT deal_id, count(DISTINCT model) AS models
FROM fct_deal_credit
GROUP BY deal_id
HAVING count(DISTINCT model) <> 3
