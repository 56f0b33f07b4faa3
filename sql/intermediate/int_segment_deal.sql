-- int_segment_deal: the size of a usual won deal in each segment at each snapshot, as known then.
-- grain: snapshot for churn features x segment
-- key: snapshot_on, segment
-- snapshot_on DATE: snapshot
-- segment VARCHAR: segment; empty for partners without one
-- median_amount DOUBLE: median amount of the deals that its partners won in the 365 days before; the programme's where the
--   segment won none, and 1 where nobody did
-- deals BIGINT: won deals of the segment behind it
WITH won_deals AS (
    SELECT
        coalesce(partner.segment, '') AS segment,
        deal.closed_on AS day,
        greatest(CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE), role.seen_on) AS known_on,
        role.unseen_on,
        CAST(deal.amount_base AS DOUBLE) AS amount
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_deal_role_seen AS role ON deal.deal_id = role.deal_id
    INNER JOIN intermediate.int_partner AS partner ON role.partner_id = partner.partner_id
    CROSS JOIN run_settings AS s
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded AND role.is_revenue AND deal.amount_base IS NOT NULL
),

seen_deals AS (
    SELECT w.snapshot_on, won_deals.segment, won_deals.amount
    FROM won_deals
    INNER JOIN intermediate.int_snapshot_day AS w ON won_deals.day = w.day AND won_deals.known_on <= w.known_until
    WHERE
        w.is_feature
        AND w.age_days <= 365
        AND (won_deals.unseen_on IS NULL OR w.snapshot_on < won_deals.unseen_on)
),

segment_medians AS (
    SELECT snapshot_on, segment, quantile_cont(amount, 0.5) AS median_amount, count(*) AS deals
    FROM seen_deals
    GROUP BY snapshot_on, segment
),

programme_medians AS (
    SELECT snapshot_on, quantile_cont(amount, 0.5) AS median_amount
    FROM seen_deals
    GROUP BY snapshot_on
),

segments AS (
    SELECT DISTINCT coalesce(segment, '') AS segment FROM intermediate.int_partner
),

final AS (
    SELECT
        snapshot.snapshot_on,
        segments.segment,
        greatest(coalesce(own.median_amount, programme.median_amount, 1.0), 1.0) AS median_amount,
        coalesce(own.deals, 0) AS deals
    FROM intermediate.int_snapshot AS snapshot
    CROSS JOIN segments
    LEFT JOIN segment_medians AS own ON snapshot.snapshot_on = own.snapshot_on AND segments.segment = own.segment
    LEFT JOIN programme_medians AS programme ON snapshot.snapshot_on = programme.snapshot_on
    WHERE snapshot.is_month_start OR snapshot.is_as_of
)

SELECT * FROM final
