-- int_next_quarter: which partners have a next quarter to expect revenue in, and since when their months count.
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: partner
-- segment VARCHAR: segment in which the programme compares the partner
-- from_month_on DATE: first whole month that counts: after the signature or the first win, whichever came first, and
--   after the first month of the programme's history; null where the partner has neither
-- exited_on DATE: day on which the relationship ended; null while it lasts
-- is_enrolled BOOLEAN: in the programme at the as-of date
-- has_won BOOLEAN: won a deal in a revenue role, in a whole month or since
-- this_month_on DATE: first day of the month that is running: the months before it are over
-- quarter VARCHAR: the fiscal quarter that begins next
-- quarter_start DATE: its first day
-- quarter_end DATE: the day after its last
WITH settings AS (
    SELECT
        as_of,
        fiscal_start_month,
        fiscal_label,
        CAST(date_trunc('month', as_of + 1) AS DATE) AS this_month_on,
        CAST(date_trunc('month', as_of) AS DATE) AS last_month_on
    FROM run_settings
),

-- The quarter after the one that holds the as-of date.
starts AS (
    SELECT
        *,
        CAST(
            last_month_on + to_months(3 - (month(last_month_on) - fiscal_start_month + 12) % 3) AS DATE
        ) AS quarter_start
    FROM settings
),

quarters AS (
    SELECT
        *,
        CAST(quarter_start + INTERVAL '3' MONTH AS DATE) AS quarter_end,
        (
            year(quarter_start)
            - CASE WHEN month(quarter_start) < fiscal_start_month THEN 1 ELSE 0 END
            + CASE WHEN fiscal_label = 'end_year' AND fiscal_start_month > 1 THEN 1 ELSE 0 END
        ) || 'Q' || ((month(quarter_start) - fiscal_start_month + 12) % 12 // 3 + 1) AS quarter
    FROM starts
),

history AS (
    SELECT min(month_on) AS starts_on FROM intermediate.int_deal_month
),

wins AS (
    SELECT partner_id, min(month_on) AS month_on FROM intermediate.int_revenue_month GROUP BY partner_id
),

won AS (
    SELECT DISTINCT partner_id FROM intermediate.int_commercial_event WHERE kind = 'won_deal'
),

final AS (
    SELECT
        partner.partner_id,
        partner.segment,
        greatest(
            CASE
                WHEN least(partner.signed_on, wins.month_on) IS NOT NULL
                    THEN CAST(date_trunc('month', least(partner.signed_on, wins.month_on)) + INTERVAL '1' MONTH AS DATE)
            END,
            CASE
                WHEN least(partner.signed_on, wins.month_on) IS NOT NULL
                    THEN CAST(history.starts_on + INTERVAL '1' MONTH AS DATE)
            END
        ) AS from_month_on,
        partner.exited_on,
        partner.is_enrolled,
        wins.partner_id IS NOT NULL OR won.partner_id IS NOT NULL AS has_won,
        quarters.this_month_on,
        quarters.quarter,
        quarters.quarter_start,
        quarters.quarter_end
    FROM intermediate.int_partner AS partner
    CROSS JOIN quarters
    CROSS JOIN history
    LEFT JOIN wins ON partner.partner_id = wins.partner_id
    LEFT JOIN won ON partner.partner_id = won.partner_id
)

SELECT * FROM final
