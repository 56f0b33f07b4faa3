-- int_deal: one deal as it stood at the as-of date, with its amount in the reporting currency, outcome and source partner.
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
-- note: a deal closed after the as-of date is open; closed_basis of canonical.opportunity says how the closing is known
WITH deals AS (
    SELECT deal.*, s.as_of, s.as_of_end, s.timezone
    FROM canonical.opportunity AS deal
    CROSS JOIN run_settings AS s
    WHERE NOT deal._deleted AND deal.created_at < s.as_of_end
),

events AS (
    SELECT
        event.opportunity_id,
        event.to_stage,
        event.stage_class,
        event.amount,
        event.changed_at,
        event.seq
    FROM canonical.opportunity_stage_event AS event
    CROSS JOIN run_settings AS s
    WHERE NOT event._deleted AND event.changed_at < s.as_of_end
),

history AS (
    SELECT
        opportunity_id,
        min({'changed_at': changed_at, 'seq': seq, 'amount': amount}) AS first_event,
        max({'changed_at': changed_at, 'seq': seq, 'stage': to_stage}) AS last_event
    FROM events
    GROUP BY opportunity_id
),

lines AS (
    SELECT
        line.opportunity_id,
        CAST(sum(line.amount) AS DECIMAL(18, 4)) AS amount,
        CASE WHEN count(*) FILTER (WHERE line.amount IS NOT NULL AND line.cost IS NULL) = 0
            THEN CAST(sum(line.cost) AS DECIMAL(18, 4))
        END AS cost,
        min(coalesce(line.currency, deals.currency)) AS currency,
        count(DISTINCT coalesce(line.currency, deals.currency)) AS currencies
    FROM canonical.opportunity_line AS line
    INNER JOIN deals ON line.opportunity_id = deals.opportunity_id
    WHERE NOT line._deleted
    GROUP BY line.opportunity_id
),

sources AS (
    SELECT deal_id, partner_id, rule FROM intermediate.int_deal_claim WHERE is_source
),

stage_orders AS (
    SELECT pipeline, stage_raw, max(stage_order) AS stage_order
    FROM canonical.opportunity
    WHERE NOT is_closed AND stage_order IS NOT NULL
    GROUP BY pipeline, stage_raw
),

-- The furthest open stage that a deal is known to have been in.
furthest AS (
    SELECT events.opportunity_id, max(stage_orders.stage_order) AS stage_order
    FROM events
    INNER JOIN deals ON events.opportunity_id = deals.opportunity_id
    INNER JOIN stage_orders
        ON events.to_stage = stage_orders.stage_raw AND deals.pipeline IS NOT DISTINCT FROM stage_orders.pipeline
    WHERE events.stage_class = 'open'
    GROUP BY events.opportunity_id
),

exclude_reasons AS (
    SELECT lower(trim(value)) AS reason FROM setting_list WHERE setting = 'winrate.exclude_reasons'
),

closings AS (
    SELECT
        deals.*,
        history.first_event,
        history.last_event,
        CASE WHEN deals.is_closed THEN deals.closed_at END AS source_closed_at
    FROM deals
    LEFT JOIN history ON deals.opportunity_id = history.opportunity_id
),

outcomes AS (
    SELECT
        *,
        CASE
            WHEN source_closed_at IS NULL OR source_closed_at >= as_of_end THEN 'open'
            WHEN is_won THEN 'won'
            ELSE 'lost'
        END AS outcome,
        CASE WHEN source_closed_at < as_of_end THEN source_closed_at END AS final_closed_at,
        CASE
            WHEN first_event.changed_at <= created_at + INTERVAL '1' DAY THEN first_event.amount
        END AS first_recorded_amount
    FROM closings
),

dated AS (
    SELECT
        *,
        CAST(((created_at AT TIME ZONE 'UTC') AT TIME ZONE timezone) AS DATE) AS created_on,
        CAST(((final_closed_at AT TIME ZONE 'UTC') AT TIME ZONE timezone) AS DATE) AS closed_on
    FROM outcomes
),

-- A deal without an amount takes the sum of its lines, where they are in its currency.
amounts AS (
    SELECT
        dated.*,
        coalesce(dated.currency, CASE WHEN lines.currencies = 1 THEN lines.currency END) AS deal_currency,
        coalesce(
            dated.amount,
            CASE WHEN lines.currencies = 1 AND lines.currency = coalesce(dated.currency, lines.currency) THEN lines.amount END
        ) AS deal_amount,
        CASE WHEN lines.currencies = 1 THEN lines.cost END AS cost,
        lines.currency AS cost_currency,
        coalesce(dated.closed_on, dated.as_of) AS rate_on
    FROM dated
    LEFT JOIN lines ON dated.opportunity_id = lines.opportunity_id
),

rated AS (
    SELECT
        amounts.*,
        CASE WHEN coalesce(amount_rate.valid_to > amounts.rate_on, TRUE) THEN amount_rate.rate END AS amount_rate,
        CASE WHEN coalesce(cost_rate.valid_to > amounts.rate_on, TRUE) THEN cost_rate.rate END AS cost_rate,
        CASE WHEN coalesce(created_rate.valid_to > amounts.created_on, TRUE) THEN created_rate.rate END AS created_rate
    FROM amounts
    ASOF LEFT JOIN intermediate.int_fx AS amount_rate
        ON amounts.deal_currency = amount_rate.currency AND amounts.rate_on >= amount_rate.valid_from
    ASOF LEFT JOIN intermediate.int_fx AS cost_rate
        ON amounts.cost_currency = cost_rate.currency AND amounts.rate_on >= cost_rate.valid_from
    ASOF LEFT JOIN intermediate.int_fx AS created_rate
        ON amounts.deal_currency = created_rate.currency AND amounts.created_on >= created_rate.valid_from
),

converted AS (
    SELECT
        *,
        CASE
            WHEN deal_amount < 0 THEN NULL
            WHEN amount_rate = 1 THEN deal_amount
            ELSE CAST(round(CAST(deal_amount AS DOUBLE) / amount_rate, 4) AS DECIMAL(18, 4))
        END AS amount_base,
        CASE
            WHEN cost_rate = 1 THEN cost
            ELSE CAST(round(CAST(cost AS DOUBLE) / cost_rate, 4) AS DECIMAL(18, 4))
        END AS cost_base,
        coalesce(amount_at_creation, first_recorded_amount, deal_amount) AS created_amount
    FROM rated
),

final AS (
    SELECT
        deal.opportunity_id AS deal_id,
        deal.name AS deal_name,
        deal.customer_key,
        deal.deal_type,
        deal.outcome,
        coalesce(
            deal.outcome = 'lost' AND lower(trim(deal.lost_reason)) IN (SELECT reason FROM exclude_reasons), FALSE
        )
        OR (deal.outcome = 'open' AND deal.stage_class = 'omitted') AS is_excluded,
        CASE
            WHEN deal.outcome = 'open' AND deal.source_closed_at IS NOT NULL THEN deal.last_event.stage
            ELSE deal.stage_raw
        END AS stage,
        CASE WHEN deal.outcome <> 'open' OR deal.source_closed_at IS NULL THEN deal.stage_order END AS stage_order,
        deal.created_at,
        deal.created_on,
        deal.final_closed_at AS closed_at,
        deal.closed_on,
        deal.known_at,
        CASE WHEN deal.outcome <> 'open' THEN greatest(deal.final_closed_at, deal.known_at, deal.closed_seen_at) END AS closed_known_at,
        deal.deal_currency AS currency,
        deal.deal_amount AS amount,
        deal.amount_base,
        CASE
            WHEN deal.created_amount < 0 THEN NULL
            WHEN deal.created_rate = 1 THEN deal.created_amount
            ELSE CAST(round(CAST(deal.created_amount AS DOUBLE) / deal.created_rate, 4) AS DECIMAL(18, 4))
        END AS created_amount_base,
        deal.cost_base,
        CAST(deal.amount_base - deal.cost_base AS DECIMAL(18, 4)) AS margin_base,
        deal.deal_amount IS NOT NULL AND deal.amount_rate IS NULL AS is_fx_missing,
        sources.partner_id AS source_partner_id,
        sources.rule AS source_rule,
        deal.owner_key,
        deal.lost_reason,
        deal.outcome = 'lost' AND coalesce(
            regexp_matches(lower(deal.lost_reason), '(no[ _-]?decision|abandon|timed?[ _-]?out|(went|gone)[ _-]dark)'), FALSE
        ) AS is_no_decision,
        deal.outcome = 'won'
        OR s.winrate_qualified_stage_order IS NULL
        OR coalesce(furthest.stage_order >= s.winrate_qualified_stage_order, TRUE) AS is_qualified,
        deal._source AS source_name,
        deal._file AS source_file,
        deal._row AS source_row
    FROM converted AS deal
    CROSS JOIN run_settings AS s
    LEFT JOIN furthest ON deal.opportunity_id = furthest.opportunity_id
    LEFT JOIN sources ON deal.opportunity_id = sources.deal_id
)

SELECT * FROM final
