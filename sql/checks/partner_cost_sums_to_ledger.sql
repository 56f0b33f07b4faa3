-- partner_cost_sums_to_ledger: what partners cost, own and shared, sums to the costs of the ledger.
-- severity: error
-- table: fct_partner_cost
WITH partners AS (
    SELECT period, cost_start, cost_end, sum(cost_base) AS cost
    FROM fct_partner_cost
    GROUP BY period, cost_start, cost_end
),

ledger AS (
    SELECT partners.period, sum(entry.amount_base) AS cost
    FROM partners
    INNER JOIN intermediate.int_ledger AS entry
        ON entry.incurred_on >= partners.cost_start AND entry.incurred_on < partners.cost_end
    WHERE entry.direction = 'cost'
    GROUP BY partners.period
)

SELECT partners.period, partners.cost, ledger.cost AS ledger_cost
FROM partners
LEFT JOIN ledger ON partners.period = ledger.period
WHERE partners.cost IS DISTINCT FROM coalesce(ledger.cost, 0)
