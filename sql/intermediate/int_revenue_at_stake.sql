-- int_revenue_at_stake: what we would lose with each partner: trailing-year revenue, and open pipeline times win rate.
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: partner
-- trailing_revenue_base DECIMAL(18,4): won in 365 days in a revenue role, in the reporting currency
-- open_pipeline_base DECIMAL(18,4): open deals that the partner sourced, in the reporting currency
-- win_rate DOUBLE: win rate of 365 days, shrunken to the segment's, and that to the programme's; 0 where nothing was closed
-- revenue_at_stake_base DECIMAL(18,4): trailing revenue + open pipeline x win rate
WITH closed AS (
    SELECT
        partner.partner_id,
        partner.segment,
        partner.trailing_revenue_base,
        partner.open_pipeline_base,
        coalesce(commercial.credited_won_365, 0) AS won,
        coalesce(commercial.credited_closed_365, 0) AS closed,
        s.shrink_m
    FROM dim_partner AS partner
    CROSS JOIN run_settings AS s
    LEFT JOIN (
        SELECT commercial_window.*
        FROM intermediate.int_commercial_window AS commercial_window
        INNER JOIN intermediate.int_snapshot AS snapshot ON commercial_window.snapshot_on = snapshot.snapshot_on
        WHERE snapshot.is_as_of
    ) AS commercial ON partner.partner_id = commercial.partner_id
),

programme_rates AS (
    SELECT
        *,
        coalesce(CAST(sum(won) OVER () AS DOUBLE) / nullif(sum(closed) OVER (), 0), 0) AS programme_rate,
        sum(won) OVER (PARTITION BY segment) AS segment_won,
        sum(closed) OVER (PARTITION BY segment) AS segment_closed
    FROM closed
),

rates AS (
    SELECT
        *,
        (won + shrink_m * (segment_won + shrink_m * programme_rate) / nullif(segment_closed + shrink_m, 0))
        / nullif(closed + shrink_m, 0) AS shrunken_rate
    FROM programme_rates
),

final AS (
    SELECT
        partner_id,
        trailing_revenue_base,
        open_pipeline_base,
        round(coalesce(shrunken_rate, programme_rate), 6) AS win_rate,
        CAST(
            trailing_revenue_base
            + CAST(round(CAST(open_pipeline_base AS DOUBLE) * coalesce(shrunken_rate, programme_rate), 4) AS DECIMAL(18, 4))
            AS DECIMAL(18, 4)
        ) AS revenue_at_stake_base
    FROM rates
)

SELECT * FROM final
