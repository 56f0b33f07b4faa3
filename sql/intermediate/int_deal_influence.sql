-- int_deal_influence: which partners influenced a deal without having sourced it, and by which touch first.
-- grain: deal x influencing partner
-- key: deal_id, partner_id
-- deal_id VARCHAR: native key of the deal
-- partner_id VARCHAR: partner with at least one qualifying touch
-- influenced_at TIMESTAMP: the first qualifying touch
-- touch_type VARCHAR: what that touch was
-- touch_id VARCHAR: record behind that touch
-- touches BIGINT: qualifying touches
-- note: M19. A touch qualifies from influence.lookback_days before creation until just before the closing (until the
--   as-of date while open); a role added later does not count
-- note: with influence.exclusive the source partner is left out of its own deal
WITH deals AS (
    SELECT * FROM intermediate.int_deal
),

qualifying AS (
    SELECT touch.*
    FROM intermediate.int_touch AS touch
    INNER JOIN deals ON touch.deal_id = deals.deal_id
    CROSS JOIN run_settings AS s
    WHERE
        touch.touch_type <> 'sourcing'
        AND touch.touched_on >= deals.created_on - s.influence_lookback_days
        AND touch.touched_at < coalesce(deals.closed_at, s.as_of_end)
        AND NOT (s.influence_exclusive AND touch.partner_id IS NOT DISTINCT FROM deals.source_partner_id)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY deal_id, partner_id ORDER BY touched_at, touch_id, touch_type) AS touch_rank,
        count(*) OVER (PARTITION BY deal_id, partner_id) AS touches
    FROM qualifying
),

final AS (
    SELECT deal_id, partner_id, touched_at AS influenced_at, touch_type, touch_id, touches
    FROM ranked
    WHERE touch_rank = 1
)

SELECT * FROM final
