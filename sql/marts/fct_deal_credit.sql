-- fct_deal_credit: what each partner is credited of a won deal, by attribution model.
-- grain: won deal x partner x model
-- key: deal_id, partner_id, model
-- deal_id VARCHAR: native key of the deal
-- partner_id VARCHAR: partner on the deal's path
-- model VARCHAR: first, last or linear
-- credit_amount DECIMAL(18,4): credit in the deal's currency
-- credit_base DECIMAL(18,4): credit in the reporting currency; null where the rate is missing
-- credit_margin_base DECIMAL(18,4): credit of the gross margin in the reporting currency; null where no cost is known
-- note: M20. First and last give all to the first and last touch of the path, linear the same to every partner on it.
--   The credits of a deal and model sum to its amount, to the last digit
-- note: amounts are split in whole minor units, the units left over one each in the order of partner ids; what the
--   amount has below the minor unit goes to the first of them
-- note: won deals with a missing or negative amount, or without a touch, have no row; the latter are the metric
--   unattributed_revenue
WITH deals AS (
    SELECT
        deal.*,
        coalesce(unit.unit, 100) AS unit,
        base_unit.unit AS base_unit
    FROM intermediate.int_deal AS deal
    CROSS JOIN run_settings AS s
    INNER JOIN intermediate.int_currency_unit AS base_unit ON s.currency_base = base_unit.currency
    LEFT JOIN intermediate.int_currency_unit AS unit ON deal.currency = unit.currency
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded AND deal.amount >= 0
),

path AS (
    SELECT touch.deal_id, touch.partner_id, touch.touch_no, max(touch.touch_no) OVER (PARTITION BY touch.deal_id) AS touches
    FROM intermediate.int_deal_touch AS touch
    INNER JOIN deals ON touch.deal_id = deals.deal_id
),

shares AS (
    SELECT deal_id, partner_id, 'first' AS model FROM path WHERE touch_no = 1
    UNION ALL
    SELECT deal_id, partner_id, 'last' AS model FROM path WHERE touch_no = touches
    UNION
    SELECT deal_id, partner_id, 'linear' AS model FROM path
),

ranked AS (
    SELECT
        shares.*,
        row_number() OVER (PARTITION BY shares.deal_id, shares.model ORDER BY shares.partner_id) AS share_no,
        count(*) OVER (PARTITION BY shares.deal_id, shares.model) AS partners,
        CAST(deals.amount * 10000 AS BIGINT) AS amount,
        CAST(deals.amount_base * 10000 AS BIGINT) AS base,
        CAST(deals.margin_base * 10000 AS BIGINT) AS margin,
        deals.unit,
        deals.base_unit
    FROM shares
    INNER JOIN deals ON shares.deal_id = deals.deal_id
),

-- Ten-thousandths of each sum that whole minor units cannot carry; a margin can be negative.
residues AS (
    SELECT
        *,
        amount % unit AS amount_residue,
        base % base_unit AS base_residue,
        ((margin % base_unit) + base_unit) % base_unit AS margin_residue
    FROM ranked
),

units AS (
    SELECT
        *,
        (amount - amount_residue) // unit AS amount_units,
        (base - base_residue) // base_unit AS base_units,
        (margin - margin_residue) // base_unit AS margin_units
    FROM residues
),

leftovers AS (
    SELECT
        *,
        amount_units % partners AS amount_left,
        base_units % partners AS base_left,
        ((margin_units % partners) + partners) % partners AS margin_left
    FROM units
),

credits AS (
    SELECT
        deal_id,
        partner_id,
        model,
        ((amount_units - amount_left) // partners + CASE WHEN share_no <= amount_left THEN 1 ELSE 0 END) * unit
        + CASE WHEN share_no = 1 THEN amount_residue ELSE 0 END AS amount,
        ((base_units - base_left) // partners + CASE WHEN share_no <= base_left THEN 1 ELSE 0 END) * base_unit
        + CASE WHEN share_no = 1 THEN base_residue ELSE 0 END AS base,
        ((margin_units - margin_left) // partners + CASE WHEN share_no <= margin_left THEN 1 ELSE 0 END) * base_unit
        + CASE WHEN share_no = 1 THEN margin_residue ELSE 0 END AS margin
    FROM leftovers
),

final AS (
    SELECT
        deal_id,
        partner_id,
        model,
        CAST(amount * 0.0001 AS DECIMAL(18, 4)) AS credit_amount,
        CAST(base * 0.0001 AS DECIMAL(18, 4)) AS credit_base,
        CAST(margin * 0.0001 AS DECIMAL(18, 4)) AS credit_margin_base
    FROM credits
)

SELECT * FROM final
