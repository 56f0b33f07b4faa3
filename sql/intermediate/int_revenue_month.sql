-- int_revenue_month: what each partner won in each whole month, by when we knew of it.
-- grain: partner x month of closing x month start at which it was known
-- key: partner_id, month_on, known_month_on
-- partner_id VARCHAR: partner; a parent has the deals of everyone below it, each once
-- month_on DATE: first day of the month in which the deals closed
-- known_month_on DATE: first month start at which the night could know of them
-- revenue_base DOUBLE: won in a revenue role, in the reporting currency
-- note: the same deals as the bookings of rpt_qbr_partner_quarter (M18), so that three months of a fiscal quarter add
--   up to its line; deals with a missing or negative amount are out of the sum
-- note: amounts and roles are those of the as-of date: what a deal was worth, and whose it was, before it was corrected is
--   not looked at
-- note: only months that are over at the as-of date: a month in progress looks like a fall
WITH settings AS (
    SELECT as_of, timezone, CAST(date_trunc('month', as_of + 1) AS DATE) AS this_month_on FROM run_settings
),

families AS (
    SELECT DISTINCT scope_id AS partner_id FROM intermediate.int_partner_scope WHERE scope_kind = 'partner_family'
),

won AS (
    SELECT
        scope.scope_id AS partner_id,
        CAST(date_trunc('month', deal.closed_on) AS DATE) AS month_on,
        deal.amount_base,
        greatest(
            CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE),
            CAST(date_trunc('month', deal.closed_on) + INTERVAL '1' MONTH AS DATE)
        ) AS known_on
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_deal_scope AS scope ON deal.deal_id = scope.deal_id
    CROSS JOIN settings
    LEFT JOIN families ON scope.scope_id = families.partner_id
    WHERE
        deal.outcome = 'won'
        AND NOT deal.is_excluded
        AND scope.is_revenue
        AND scope.scope_kind = CASE WHEN families.partner_id IS NULL THEN 'partner' ELSE 'partner_family' END
        AND deal.amount_base IS NOT NULL
        AND deal.closed_on < settings.this_month_on
),

final AS (
    SELECT
        partner_id,
        month_on,
        CASE
            WHEN day(known_on) = 1 THEN known_on
            ELSE CAST(date_trunc('month', known_on) + INTERVAL '1' MONTH AS DATE)
        END AS known_month_on,
        CAST(sum(amount_base) AS DOUBLE) AS revenue_base
    FROM won
    GROUP BY ALL
)

SELECT * FROM final
