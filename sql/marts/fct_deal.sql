-- fct_deal: one deal as it stood at the as-of date, with its amount in the reporting currency, outcome and source partner.
-- grain: deal that exists at the as-of date
-- key: deal_id
-- deal_id VARCHAR: native key of the deal
-- deal_name VARCHAR: name of the deal
-- customer_key VARCHAR: native key of the customer
-- deal_type VARCHAR: kind of deal
-- outcome VARCHAR: open, won or lost at the as-of date
-- is_excluded BOOLEAN: never a real deal: closed for a reason of winrate.exclude_reasons, or left out of the forecast
--   while open; out of every metric
-- stage VARCHAR: stage as the source names it, at the as-of date; null where the source only keeps what came later
-- stage_order BIGINT: position of that stage in its process
-- created_at TIMESTAMP: creation
-- created_on DATE: local day of creation
-- closed_at TIMESTAMP: closing; null while open
-- closed_on DATE: local day of closing; null while open
-- known_at TIMESTAMP: when we knew of the deal
-- closed_known_at TIMESTAMP: when we knew of the closing; null while open
-- currency VARCHAR: currency of amount, ISO 4217
-- amount DECIMAL(18,4): amount as exported, else the sum of the lines
-- amount_base DECIMAL(18,4): amount in the reporting currency; null where the amount is missing or negative or the
--   rate is missing, and so out of money sums
-- created_amount_base DECIMAL(18,4): amount at creation in the reporting currency, at the rate of the creation day;
--   the current amount where the source keeps no other
-- cost_base DECIMAL(18,4): our cost of the lines in the reporting currency; null where a line lacks it
-- margin_base DECIMAL(18,4): amount_base less cost_base
-- is_fx_missing BOOLEAN: has an amount that no rate converts
-- source_partner_id VARCHAR: the one partner that sourced the deal; null for none
-- source_rule VARCHAR: how the source is known: registration, crm_field, crm_role, the latter two with _undated
-- owner_key VARCHAR: who owns the deal on our side
-- lost_reason VARCHAR: reason of a loss as exported
-- is_no_decision BOOLEAN: lost because nobody decided: no decision, abandoned, timed out
-- is_qualified BOOLEAN: in the win rate as far as winrate.qualified_stage_order is concerned: won, or not known to
--   have stopped before that stage
-- source_name VARCHAR: configured name of the source instance
-- source_file VARCHAR: path of the export inside its source
-- source_row BIGINT: record number in the export
-- note: rate date (G3): day of closing for closed deals, the as-of date for open ones; a missing rate is never taken as 1
-- note: closing is the moment that the source keeps, else the recorded entry into the closed stage, else the start of
--   the stated close date, else the last change; a deal closed after the as-of date is open
WITH final AS (
    SELECT
        deal_id,
        deal_name,
        customer_key,
        deal_type,
        outcome,
        is_excluded,
        stage,
        stage_order,
        created_at,
        created_on,
        closed_at,
        closed_on,
        known_at,
        closed_known_at,
        currency,
        amount,
        amount_base,
        created_amount_base,
        cost_base,
        margin_base,
        is_fx_missing,
        source_partner_id,
        source_rule,
        owner_key,
        lost_reason,
        is_no_decision,
        is_qualified,
        source_name,
        source_file,
        source_row
    FROM intermediate.int_deal
)

SELECT * FROM final
