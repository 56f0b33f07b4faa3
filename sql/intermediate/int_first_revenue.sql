-- int_first_revenue: how long partners signed in the last 24 months took to their first revenue, or have waited so far
--   (M05).
-- grain: partner signed in the 24 months up to the as-of date
-- key: partner_id
-- partner_id VARCHAR: partner
-- cohort VARCHAR: fiscal quarter of the signature; null where it lies before the first quarter that is told
-- days INTEGER: days from signature to the first won deal in a revenue role, to the exit, or to the as-of date
-- event INTEGER: 1 first revenue, 2 exit before it, 0 still waiting
-- is_early BOOLEAN: the deal closed up to 30 days before the signature and counts as day 0
-- note: out are partners whose first deal closed more than 30 days before the signature (existing business) and
--   partners signed before the first deal on record (their past is not known)
WITH history AS (
    SELECT min(created_on) AS starts_on FROM intermediate.int_deal
),

first_wins AS (
    SELECT partner_id, min(event_on) AS won_on
    FROM intermediate.int_commercial_event
    WHERE kind = 'won_deal'
    GROUP BY partner_id
),

signed AS (
    SELECT
        partner.partner_id,
        partner.signed_on,
        partner.exited_on,
        first_wins.won_on,
        s.as_of
    FROM intermediate.int_partner AS partner
    CROSS JOIN run_settings AS s
    CROSS JOIN history
    LEFT JOIN first_wins ON partner.partner_id = first_wins.partner_id
    WHERE
        -- From the day after the as-of date: 24 months before February 28 may be no end of a month.
        partner.signed_on >= CAST(s.as_of + 1 - INTERVAL '24' MONTH AS DATE)
        AND partner.signed_on >= history.starts_on
        AND coalesce(first_wins.won_on >= partner.signed_on - 30, TRUE)
),

ended AS (
    SELECT
        *,
        CASE
            WHEN won_on IS NOT NULL AND coalesce(won_on <= exited_on, TRUE) THEN 1
            WHEN exited_on IS NOT NULL THEN 2
            ELSE 0
        END AS event
    FROM signed
),

final AS (
    SELECT
        ended.partner_id,
        period.period AS cohort,
        CAST(greatest(
            CASE ended.event WHEN 1 THEN ended.won_on WHEN 2 THEN ended.exited_on ELSE ended.as_of END - ended.signed_on, 0
        ) AS INTEGER) AS days,
        CAST(ended.event AS INTEGER) AS event,
        ended.event = 1 AND ended.won_on < ended.signed_on AS is_early
    FROM ended
    -- Periods begin with the first business of any partner: who signed before it has waited all the same.
    LEFT JOIN intermediate.int_fiscal_period AS period
        ON
            period.period_kind = 'quarter'
            AND ended.signed_on >= period.period_start
            AND ended.signed_on < period.period_end
)

SELECT * FROM final
