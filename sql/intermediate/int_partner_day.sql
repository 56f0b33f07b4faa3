-- int_partner_day: what each partner person did on each day in portal and LMS, with the partner that it counts for.
-- grain: partner x person x day x day of receipt
-- key: partner_id, person_id, day, known_on
-- partner_id VARCHAR: partner that the person worked for on that day; else the partner that the event names
-- person_id VARCHAR: person; empty where the event names nobody
-- day DATE: day in the programme's time zone
-- known_on DATE: day from which it was known: the day itself where the first export told it, else its receipt
-- events BIGINT: events made by people
-- logins BIGINT: logins
-- views BIGINT: pages and content viewed
-- downloads BIGINT: content downloaded
-- searches BIGINT: searches
-- course_events BIGINT: activity in courses; starts and completions from learning records among them
-- content_events BIGINT: qualifying content events, one per person, asset and day
-- is_active BOOLEAN: the person did something in portal or LMS; failed logins and opened mails do not count
-- note: later changes of a learning record have no day of their own, so only its start and completion count
WITH first_exports AS (
    SELECT source, object, min(received_at) AS first_export_at
    FROM lake.input
    WHERE table_name = 'engagement_event'
    GROUP BY source, object
),

-- The day on which a person changed partners counts for the new one.
persons AS (
    SELECT
        worked.person_id,
        worked.partner_id,
        CAST(((worked.valid_from AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS from_on,
        coalesce(CAST(((worked.valid_to AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE), DATE '9999-12-31') AS to_on
    FROM canonical.person_partner AS worked
    CROSS JOIN run_settings AS s
    WHERE worked.partner_id IS NOT NULL
),

events AS (
    SELECT
        coalesce(persons.partner_id, identity.partner_id) AS partner_id,
        e.person_id,
        e.day,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN e.received_at < coalesce(first_exports.first_export_at, e.received_at) + INTERVAL '12' HOUR THEN e.day
            ELSE greatest(e.day, CAST(((e.received_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE))
        END AS known_on,
        e.events,
        e.content_events,
        e.kind,
        e.channel IN ('portal', 'lms') AND e.kind NOT IN ('login_failed', 'email_open') AS is_active
    FROM rollup.partner_day AS e
    CROSS JOIN run_settings AS s
    LEFT JOIN first_exports ON e.source = first_exports.source AND e.object = first_exports.object
    LEFT JOIN persons ON e.person_id = persons.person_id AND e.day >= persons.from_on AND e.day < persons.to_on
    LEFT JOIN intermediate.int_partner_identity AS identity ON e.partner_ref = identity.ref
    WHERE e.day <= s.as_of
),

learning_times AS (
    SELECT
        l.partner_id,
        l.person_id,
        unnest([l.started_at, l.completed_at]) AS happened_at,
        l.known_at
    FROM canonical.learning_record AS l
    WHERE l.partner_id IS NOT NULL AND NOT l._deleted
),

learning AS (
    SELECT
        t.partner_id,
        t.person_id,
        CAST(((t.happened_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS day,
        CAST(((t.known_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS received_on
    FROM learning_times AS t
    CROSS JOIN run_settings AS s
    WHERE t.happened_at < s.as_of_end
),

facts AS (
    SELECT
        partner_id,
        person_id,
        day,
        known_on,
        events,
        CASE WHEN kind = 'login' THEN events ELSE 0 END AS logins,
        CASE WHEN kind IN ('page_view', 'content_view') THEN events ELSE 0 END AS views,
        CASE WHEN kind = 'content_download' THEN events ELSE 0 END AS downloads,
        CASE WHEN kind = 'search' THEN events ELSE 0 END AS searches,
        CASE WHEN kind = 'course_activity' THEN events ELSE 0 END AS course_events,
        content_events,
        is_active
    FROM events
    WHERE partner_id IS NOT NULL
    UNION ALL
    SELECT
        partner_id,
        coalesce(person_id, '') AS person_id,
        day,
        greatest(day, received_on) AS known_on,
        1 AS events,
        0 AS logins,
        0 AS views,
        0 AS downloads,
        0 AS searches,
        1 AS course_events,
        0 AS content_events,
        TRUE AS is_active
    FROM learning
),

final AS (
    SELECT
        partner_id,
        person_id,
        day,
        known_on,
        CAST(sum(events) AS BIGINT) AS events,
        CAST(sum(logins) AS BIGINT) AS logins,
        CAST(sum(views) AS BIGINT) AS views,
        CAST(sum(downloads) AS BIGINT) AS downloads,
        CAST(sum(searches) AS BIGINT) AS searches,
        CAST(sum(course_events) AS BIGINT) AS course_events,
        CAST(sum(content_events) AS BIGINT) AS content_events,
        bool_or(is_active) AS is_active
    FROM facts
    GROUP BY partner_id, person_id, day, known_on
)

SELECT * FROM final
