-- int_deal_touch: the path of a deal: the touches that can earn credit, in order.
-- grain: deal x touch on its path
-- key: deal_id, touch_no
-- deal_id VARCHAR: native key of the deal
-- touch_no BIGINT: position on the path, from 1
-- partner_id VARCHAR: partner that touched the deal
-- touched_at TIMESTAMP: when
-- touch_type VARCHAR: sourcing, registration, joint_meeting, technical_validation, reference_call, partner_role or
--   funded_event
-- touch_id VARCHAR: native key of the record behind the touch
-- note: M20. From attribution.lookback_days before creation up to and with the closing (the as-of date while open);
--   touches of one partner, type and day are one, the first; ordered by time, then touch id
-- note: a closing that the source only knows by day lasts until that day's end
WITH deals AS (
    SELECT
        deal.deal_id,
        deal.created_on - s.attribution_lookback_days AS path_from,
        CASE
            WHEN deal.closed_at IS NULL THEN s.as_of_end
            WHEN CAST(((deal.closed_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS TIME) = TIME '00:00:00'
                THEN ((CAST(deal.closed_on + 1 AS TIMESTAMP) AT TIME ZONE s.timezone) AT TIME ZONE 'UTC') - INTERVAL '1' MICROSECOND
            ELSE deal.closed_at
        END AS path_to
    FROM intermediate.int_deal AS deal
    CROSS JOIN run_settings AS s
),

within AS (
    SELECT touch.*
    FROM intermediate.int_touch AS touch
    INNER JOIN deals ON touch.deal_id = deals.deal_id
    WHERE touch.touched_on >= deals.path_from AND touch.touched_at <= deals.path_to
),

collapsed AS (
    SELECT *
    FROM within
    QUALIFY row_number() OVER (
        PARTITION BY deal_id, partner_id, touch_type, touched_on ORDER BY touched_at, touch_id
    ) = 1
),

final AS (
    SELECT
        deal_id,
        row_number() OVER (PARTITION BY deal_id ORDER BY touched_at, touch_id, touch_type, partner_id) AS touch_no,
        partner_id,
        touched_at,
        touch_type,
        touch_id
    FROM collapsed
)

SELECT * FROM final
