-- credits_sum_to_deal: the credits of a won deal sum to its amount, base amount and margin in every attribution model.
-- severity: error
-- table: fct_deal_credit
WITH credits AS (
    SELECT
        deal_id,
        model,
        sum(credit_amount) AS credit_amount,
        sum(credit_base) AS credit_base,
        sum(credit_margin_base) AS credit_margin_base
    FROM fct_deal_credit
    GROUP BY deal_id, model
)

SELECT credits.deal_id, credits.model, credits.credit_amount, deal.amount
FROM credits
LEFT JOIN fct_deal AS deal ON credits.deal_id = deal.deal_id
WHERE
    credits.credit_amount IS DISTINCT FROM deal.amount
    OR credits.credit_base IS DISTINCT FROM deal.amount_base
    OR credits.credit_margin_base IS DISTINCT FROM deal.margin_base
