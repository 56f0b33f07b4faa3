-- dim_partner: one partner with who it is, where it stands and what it has sold so far.
-- grain: surviving partner that is not a test account
-- key: partner_id
-- partner_id VARCHAR: native key of the surviving partner record
-- partner_name VARCHAR: name of the organisation
-- partner_type VARCHAR: what the partner does in the programme
-- segment VARCHAR: segment in which the programme compares the partner; its type where none is given
-- status VARCHAR: where the relationship stands, as the source states it
-- program_code VARCHAR: partner programme
-- tier_code VARCHAR: tier in the programme
-- tier_rank BIGINT: rank of the tier, 1 is the lowest
-- region VARCHAR: sales region
-- country VARCHAR: country, ISO 3166 two letters
-- owner_key VARCHAR: partner manager who owns the relationship
-- owner_name VARCHAR: name of the partner manager
-- parent_partner_id VARCHAR: organisation that this one belongs to, where it is a partner itself
-- family_id VARCHAR: head of the partner's family; the partner itself where it has no parent
-- signed_on DATE: first signature of a partnership agreement, else the day of joining; null where unknown
-- exited_on DATE: day on which the relationship ended; null while it lasts
-- exit_reason VARCHAR: why it ended
-- exit_kind VARCHAR: churn, or exit where the reason was not the partner's choice; null while it lasts
-- is_enrolled BOOLEAN: in the programme at the as-of date
-- first_commercial_on DATE: first registration, sourced deal or won deal
-- last_commercial_on DATE: the last of them
-- first_won_on DATE: first won deal in a revenue role (sourced, resold, fulfilled)
-- last_won_on DATE: the last of them
-- won_deals BIGINT: won deals in a revenue role, ever
-- won_amount_base DECIMAL(18,4): their amount in the reporting currency
-- trailing_revenue_base DECIMAL(18,4): of the deals won in the 365 days up to the as-of date
-- open_pipeline_base DECIMAL(18,4): amount of the open deals that the partner sourced
-- source_name VARCHAR: configured name of the source instance
-- source_file VARCHAR: path of the export inside its source
-- source_row BIGINT: record number in the export
-- note: amounts of several partners on one deal do not add up: each has the full amount of its deals; fct_deal_credit
--   adds up
WITH own_deals AS (
    SELECT DISTINCT role.partner_id, role.deal_id
    FROM intermediate.int_deal_partner AS role
    WHERE role.is_revenue_role
),

won AS (
    SELECT
        own_deals.partner_id,
        min(deal.closed_on) AS first_won_on,
        max(deal.closed_on) AS last_won_on,
        count(*) AS won_deals,
        sum(deal.amount_base) AS won_amount_base,
        sum(deal.amount_base) FILTER (WHERE deal.closed_on > s.as_of - 365) AS trailing_revenue_base
    FROM own_deals
    INNER JOIN intermediate.int_deal AS deal ON own_deals.deal_id = deal.deal_id
    CROSS JOIN run_settings AS s
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded
    GROUP BY own_deals.partner_id
),

pipeline AS (
    SELECT source_partner_id AS partner_id, sum(amount_base) AS open_pipeline_base
    FROM intermediate.int_deal
    WHERE outcome = 'open' AND NOT is_excluded AND source_partner_id IS NOT NULL
    GROUP BY source_partner_id
),

commercial AS (
    SELECT partner_id, min(event_on) AS first_commercial_on, max(event_on) AS last_commercial_on
    FROM intermediate.int_commercial_event
    GROUP BY partner_id
),

families AS (
    SELECT partner_id, ancestor_id AS family_id FROM intermediate.int_partner_family WHERE is_top
),

final AS (
    SELECT
        partner.partner_id,
        partner.partner_name,
        partner.partner_type,
        partner.segment,
        partner.status,
        partner.program_code,
        partner.tier_code,
        partner.tier_rank,
        partner.region,
        partner.country,
        partner.owner_key,
        partner.owner_name,
        partner.parent_partner_id,
        families.family_id,
        partner.signed_on,
        partner.exited_on,
        partner.exit_reason,
        partner.exit_kind,
        partner.is_enrolled,
        commercial.first_commercial_on,
        commercial.last_commercial_on,
        won.first_won_on,
        won.last_won_on,
        coalesce(won.won_deals, 0) AS won_deals,
        CAST(coalesce(won.won_amount_base, 0) AS DECIMAL(18, 4)) AS won_amount_base,
        CAST(coalesce(won.trailing_revenue_base, 0) AS DECIMAL(18, 4)) AS trailing_revenue_base,
        CAST(coalesce(pipeline.open_pipeline_base, 0) AS DECIMAL(18, 4)) AS open_pipeline_base,
        partner.source_name,
        partner.source_file,
        partner.source_row
    FROM intermediate.int_partner AS partner
    LEFT JOIN won ON partner.partner_id = won.partner_id
    LEFT JOIN pipeline ON partner.partner_id = pipeline.partner_id
    LEFT JOIN commercial ON partner.partner_id = commercial.partner_id
    LEFT JOIN families ON partner.partner_id = families.partner_id
)

SELECT * FROM final
