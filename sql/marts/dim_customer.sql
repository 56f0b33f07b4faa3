-- dim_customer: one customer with what it bought and is offered through partners and otherwise.
-- grain: customer named by a deal
-- key: customer_key
-- customer_key VARCHAR: native key of the customer
-- customer_domain VARCHAR: registrable domain; the smallest where deals name several
-- deals BIGINT: deals, ever
-- won_deals BIGINT: deals won
-- won_amount_base DECIMAL(18,4): their amount in the reporting currency
-- open_pipeline_base DECIMAL(18,4): amount of the open deals
-- first_won_on DATE: first deal won
-- last_won_on DATE: last deal won
-- partners BIGINT: partners with a role on a deal of the customer
WITH deals AS (
    SELECT deal.*, exported.customer_domain
    FROM intermediate.int_deal AS deal
    INNER JOIN canonical.opportunity AS exported ON deal.deal_id = exported.opportunity_id
    WHERE deal.customer_key IS NOT NULL AND NOT deal.is_excluded
),

partners AS (
    SELECT deals.customer_key, count(DISTINCT role.partner_id) AS partners
    FROM deals
    INNER JOIN intermediate.int_deal_partner AS role ON deals.deal_id = role.deal_id
    GROUP BY deals.customer_key
),

final AS (
    SELECT
        deals.customer_key,
        min(deals.customer_domain) AS customer_domain,
        count(*) AS deals,
        count(*) FILTER (WHERE deals.outcome = 'won') AS won_deals,
        CAST(coalesce(sum(deals.amount_base) FILTER (WHERE deals.outcome = 'won'), 0) AS DECIMAL(18, 4)) AS won_amount_base,
        CAST(coalesce(sum(deals.amount_base) FILTER (WHERE deals.outcome = 'open'), 0) AS DECIMAL(18, 4)) AS open_pipeline_base,
        min(deals.closed_on) FILTER (WHERE deals.outcome = 'won') AS first_won_on,
        max(deals.closed_on) FILTER (WHERE deals.outcome = 'won') AS last_won_on,
        coalesce(max(partners.partners), 0) AS partners
    FROM deals
    LEFT JOIN partners ON deals.customer_key = partners.customer_key
    GROUP BY deals.customer_key
)

SELECT * FROM final
