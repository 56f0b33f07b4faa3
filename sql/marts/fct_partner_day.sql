-- fct_partner_day: what each partner's people did on each day in portal and LMS.
-- grain: partner x day with activity
-- key: partner_id, day
-- partner_id VARCHAR: partner
-- day DATE: day in the programme's time zone
-- people BIGINT: distinct people active in portal or LMS
-- events BIGINT: events made by people; machines are out
-- logins BIGINT: logins
-- views BIGINT: pages and content viewed
-- downloads BIGINT: content downloaded
-- searches BIGINT: searches
-- course_events BIGINT: activity in courses
-- content_events BIGINT: qualifying content events, one per person, asset and day
WITH days AS (
    SELECT * FROM intermediate.int_partner_day
),

final AS (
    SELECT
        partner_id,
        day,
        CAST(count(DISTINCT CASE WHEN is_active AND person_id <> '' THEN person_id END) AS BIGINT) AS people,
        CAST(sum(events) AS BIGINT) AS events,
        CAST(sum(logins) AS BIGINT) AS logins,
        CAST(sum(views) AS BIGINT) AS views,
        CAST(sum(downloads) AS BIGINT) AS downloads,
        CAST(sum(searches) AS BIGINT) AS searches,
        CAST(sum(course_events) AS BIGINT) AS course_events,
        CAST(sum(content_events) AS BIGINT) AS content_events
    FROM days
    GROUP BY partner_id, day
)

SELECT * FROM final
