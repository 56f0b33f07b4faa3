-- int_open_deal: the open pipeline and the lost streak of each partner at each snapshot for churn features, as known then.
-- grain: partner x snapshot with an open deal or a loss after the last win
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- open_deals BIGINT: open deals in a revenue role
-- open_amount DECIMAL(18,4): their amount at creation
-- open_age_days BIGINT: sum of their ages in days
-- lost_streak BIGINT: deals lost since the last won one, any credited role, in 730 days
-- note: amounts at creation, because later ones would tell an old snapshot what became of the deal
WITH settings AS (
    SELECT timezone, winrate_no_decision FROM run_settings
),

snapshots AS (
    SELECT snapshot_on, known_until FROM intermediate.int_snapshot WHERE is_month_start OR is_as_of
),

deals AS (
    SELECT
        role.partner_id,
        role.is_revenue,
        role.unseen_on,
        deal.outcome,
        deal.is_no_decision AND settings.winrate_no_decision <> 'lost' AS is_undecided,
        deal.created_on,
        coalesce(deal.created_amount_base, 0) AS created_amount_base,
        greatest(
            deal.created_on + 1,
            CAST(((deal.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE),
            role.seen_on
        ) AS seen_from_on,
        CASE WHEN deal.closed_on IS NOT NULL
            THEN greatest(
                deal.closed_on + 1,
                CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
            )
        END AS seen_closed_on,
        deal.closed_on
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_deal_role_seen AS role ON deal.deal_id = role.deal_id
    CROSS JOIN settings
    -- A deal that was lost as one that never was real is unseen from its closing on.
    WHERE NOT deal.is_excluded OR deal.outcome = 'lost'
),

open_deals AS (
    SELECT
        deals.partner_id,
        snapshots.snapshot_on,
        count(*) AS open_deals,
        sum(deals.created_amount_base) AS open_amount,
        sum(snapshots.snapshot_on - 1 - deals.created_on) AS open_age_days
    FROM deals
    INNER JOIN snapshots
        ON
            snapshots.snapshot_on >= deals.seen_from_on
            AND snapshots.snapshot_on < coalesce(least(deals.seen_closed_on, deals.unseen_on), DATE '9999-12-31')
    WHERE deals.is_revenue
    GROUP BY deals.partner_id, snapshots.snapshot_on
),

lost_deals AS (
    SELECT deals.partner_id, snapshots.snapshot_on, count(*) AS lost_streak
    FROM deals
    INNER JOIN snapshots
        ON
            snapshots.snapshot_on >= greatest(deals.seen_closed_on, deals.seen_from_on)
            AND snapshots.snapshot_on <= deals.closed_on + 730
            AND snapshots.snapshot_on < coalesce(deals.unseen_on, DATE '9999-12-31')
    LEFT JOIN intermediate.int_commercial_window AS commercial
        ON deals.partner_id = commercial.partner_id AND snapshots.snapshot_on = commercial.snapshot_on
    WHERE
        deals.outcome = 'lost'
        AND NOT deals.is_undecided
        AND NOT deals.is_revenue
        AND deals.closed_on > coalesce(commercial.last_won_on, DATE '1900-01-01')
    GROUP BY deals.partner_id, snapshots.snapshot_on
),

final AS (
    SELECT
        coalesce(open_deals.partner_id, lost_deals.partner_id) AS partner_id,
        coalesce(open_deals.snapshot_on, lost_deals.snapshot_on) AS snapshot_on,
        coalesce(open_deals.open_deals, 0) AS open_deals,
        CAST(coalesce(open_deals.open_amount, 0) AS DECIMAL(18, 4)) AS open_amount,
        CAST(coalesce(open_deals.open_age_days, 0) AS BIGINT) AS open_age_days,
        coalesce(lost_deals.lost_streak, 0) AS lost_streak
    FROM open_deals
    FULL JOIN lost_deals
        ON open_deals.partner_id = lost_deals.partner_id AND open_deals.snapshot_on = lost_deals.snapshot_on
)

SELECT * FROM final
