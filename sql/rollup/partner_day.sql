-- partner_day: one row per day, person and kind of event: raw portal and learning events condensed to what they prove.
-- grain: day x exported partner reference x person x kind x channel x receipt
-- key: day, partner_ref, person_id, kind, channel, source, object, received_at
-- day DATE: day of the events in the programme's time zone
-- partner_ref VARCHAR: partner as the portal groups the person, as exported; empty where the event names none
-- person_id VARCHAR: who did it; empty where the event names nobody
-- kind VARCHAR: what happened
-- channel VARCHAR: where it happened
-- source VARCHAR: source instance that exported the events
-- object VARCHAR: object of that source
-- received_at TIMESTAMP: when the export that brought them first was received
-- events BIGINT: distinct events made by people; machines and integrations are out
-- objects BIGINT: distinct objects among them
-- content_events BIGINT: qualifying content events, one per person, asset and day: downloads, shares, searches and views
--   of at least 5 seconds
-- note: an event that two exports bring is one event, told by the export that was received first; one that its source
--   voids is none
-- note: a view whose length the source does not measure qualifies; missing is not zero
-- note: references stay as exported, so that a corrected identity map needs no new rollup; intermediate.int_partner_day
--   resolves them
-- note: written in SQL that Trino accepts too; the zone of AT TIME ZONE is a column here, where Trino asks for
--   at_timezone(value, zone)
WITH raw_events AS (
    SELECT
        e.event_id,
        e.occurred_at,
        COALESCE(e.partner_id, '') AS partner_ref,
        COALESCE(e.person_id, '') AS person_id,
        e.kind,
        e.channel,
        COALESCE(e.object_type, '') AS object_type,
        COALESCE(e.object_id, e.object_name, '') AS object_id,
        CASE
            WHEN e.kind IN ('content_download', 'share', 'search') THEN 1
            WHEN e.kind = 'content_view' AND COALESCE(e.value, 5) >= 5 THEN 1
            ELSE 0
        END AS is_content,
        COALESCE(e.is_interactive, TRUE) AS is_interactive,
        e._source AS source,
        e._object AS object,
        e._file,
        e._row,
        e._row_hash,
        e._loaded_at AS received_at
    FROM lake.engagement_event AS e
),

-- Copies are few: only they are sorted.
repeated_ids AS (
    SELECT event_id, MAX(CASE WHEN _deleted THEN 1 ELSE 0 END) AS is_voided
    FROM lake.engagement_event
    GROUP BY event_id
    HAVING COUNT(*) > 1 OR MAX(CASE WHEN _deleted THEN 1 ELSE 0 END) = 1
),

repeated_events AS (
    SELECT
        raw_events.*,
        ROW_NUMBER() OVER (
            PARTITION BY raw_events.event_id
            ORDER BY raw_events.received_at, raw_events._file, raw_events._row, raw_events._row_hash
        ) AS copy_no
    FROM raw_events
    INNER JOIN repeated_ids ON raw_events.event_id = repeated_ids.event_id
    WHERE repeated_ids.is_voided = 0
),

events AS (
    SELECT
        occurred_at, partner_ref, person_id, kind, channel, object_type, object_id, is_content, source, object, received_at
    FROM raw_events
    WHERE is_interactive AND event_id NOT IN (SELECT event_id FROM repeated_ids)
    UNION ALL
    SELECT
        occurred_at, partner_ref, person_id, kind, channel, object_type, object_id, is_content, source, object, received_at
    FROM repeated_events
    WHERE is_interactive AND copy_no = 1
),

object_days AS (
    SELECT
        CAST(((events.occurred_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS day,
        events.partner_ref,
        events.person_id,
        events.kind,
        events.channel,
        events.source,
        events.object,
        events.received_at,
        events.object_type,
        events.object_id,
        COUNT(*) AS events,
        MIN(CASE WHEN events.is_content = 1 THEN events.occurred_at END) AS content_at
    FROM events
    CROSS JOIN run_settings AS s
    GROUP BY
        CAST(((events.occurred_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE),
        events.partner_ref,
        events.person_id,
        events.kind,
        events.channel,
        events.source,
        events.object,
        events.received_at,
        events.object_type,
        events.object_id
),

-- The first qualifying event of a person with an asset on a day is the one that counts. Receipt comes first in the
-- order, so that an event that arrives late never takes the count away from one that was known.
capped_days AS (
    SELECT
        object_days.*,
        CASE
            WHEN ROW_NUMBER() OVER (
                PARTITION BY day, person_id, object_id, partner_ref, object_type
                ORDER BY received_at, content_at, kind, channel, source, object
            ) = 1 THEN 1
            ELSE 0
        END AS content_events
    FROM object_days
    WHERE content_at IS NOT NULL
    UNION ALL
    SELECT object_days.*, 0 AS content_events
    FROM object_days
    WHERE content_at IS NULL
),

final AS (
    SELECT
        day,
        partner_ref,
        person_id,
        kind,
        channel,
        source,
        object,
        received_at,
        CAST(SUM(events) AS BIGINT) AS events,
        CAST(SUM(CASE WHEN object_id <> '' THEN 1 ELSE 0 END) AS BIGINT) AS objects,
        CAST(SUM(content_events) AS BIGINT) AS content_events
    FROM capped_days
    GROUP BY day, partner_ref, person_id, kind, channel, source, object, received_at
)

SELECT * FROM final
