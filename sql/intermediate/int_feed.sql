-- int_feed: how fresh each canonical table is tonight (G13).
-- grain: canonical table that has received an export
-- key: table_name
-- table_name VARCHAR: canonical table
-- newest_on DATE: day on which the newest export of the table's oldest source was received
-- age_days INTEGER: days from there to the as-of date; 0 where it came later
-- is_stale BOOLEAN: older than freshness.max_age_days
-- is_held BOOLEAN: a newer export of one of its objects was refused whole, so that the last good one counts
-- is_lost BOOLEAN: older still by more than freshness.carry_days, so that not even the last good value is carried
-- note: a table that two sources feed is as fresh as the older of them: its sums lack what that one did not send
WITH feeds AS (
    SELECT
        -- Learning that is told in statements is learning.
        CASE f.table_name WHEN 'learning_statement' THEN 'learning_record' ELSE f.table_name END AS table_name,
        f.source,
        f.object,
        f.refused_at IS NOT NULL AS is_held,
        CAST(((f.received_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS received_on,
        s.as_of,
        s.freshness_max_age_days,
        s.freshness_carry_days
    FROM source_feed AS f
    CROSS JOIN run_settings AS s
),

newest AS (
    SELECT
        table_name,
        source,
        max(received_on) AS newest_on,
        bool_or(is_held) AS is_held,
        max(as_of) AS as_of,
        max(freshness_max_age_days) AS max_age_days,
        max(freshness_carry_days) AS carry_days
    FROM feeds
    GROUP BY table_name, source
),

ages AS (
    SELECT
        table_name,
        min(newest_on) AS newest_on,
        bool_or(is_held) AS is_held,
        greatest(max(as_of) - min(newest_on), 0) AS age_days,
        max(max_age_days) AS max_age_days,
        max(carry_days) AS carry_days
    FROM newest
    GROUP BY table_name
),

final AS (
    SELECT
        table_name,
        newest_on,
        CAST(age_days AS INTEGER) AS age_days,
        age_days > max_age_days AS is_stale,
        is_held,
        age_days > max_age_days + carry_days AS is_lost
    FROM ages
)

SELECT * FROM final
