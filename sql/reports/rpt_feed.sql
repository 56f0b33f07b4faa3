-- rpt_feed: how fresh each export is tonight, for the overview.
-- grain: source x object
-- key: source, object
-- source VARCHAR: configured name of the source instance
-- object VARCHAR: object of the source
-- received_at TIMESTAMP: when its newest export was received
-- age_days INTEGER: days from there to the as-of date; 0 where it came later
-- is_stale BOOLEAN: older than freshness.max_age_days
WITH feeds AS (
    SELECT source, object, max(received_at) AS received_at FROM source_feed GROUP BY source, object
),

final AS (
    SELECT
        feeds.source,
        feeds.object,
        feeds.received_at,
        CAST(greatest(s.as_of - CAST((feeds.received_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone AS DATE), 0) AS INTEGER) AS age_days,
        s.as_of - CAST((feeds.received_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone AS DATE) > s.freshness_max_age_days AS is_stale
    FROM feeds
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
