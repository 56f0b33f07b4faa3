-- int_engagement_window: what each partner's people did, said and asked for before each snapshot, as known then.
-- grain: partner in the programme x snapshot
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- people_active_30 BIGINT: people active in portal or LMS in 30 days
-- people_months BIGINT: how many of the twelve 30-day windows before those lie after the partner's first activity
-- people_active_year_before BIGINT: sum of the people active in each of these windows
-- last_active_on DATE: last day with activity in portal or LMS
-- content_events_90 BIGINT: qualifying content events in 90 days
-- content_score DECIMAL(18,6): the same, each halved every 30 days of age
-- meetings_90 BIGINT: meetings held in 90 days
-- meeting_weeks BIGINT: 7-day slots of the last 84 days with a meeting; only those that lie whole after the signature
-- meeting_months BIGINT: 30-day slots of the last 90 days with a meeting; only those that lie whole after the signature
-- cases_escalated_90 BIGINT: escalated cases opened in 90 days
-- fund_requests_180 BIGINT: fund requests and claims made in 180 days; rejected ones do not count
-- psat_answers BIGINT: PSAT answers of the latest wave answered in 180 days, one per person; the latest counts
-- psat_top2 BIGINT: those in the top two of five boxes
-- psat_score_sum DECIMAL(18,4): sum of these answers, each scaled to 0 to 1
WITH settings AS (
    SELECT as_of, as_of_end, timezone FROM run_settings
),

views AS (
    SELECT partner_id, snapshot_on, tenure_days
    FROM intermediate.int_partner_stage_at
    WHERE stage <> 'exited'
),

lags AS (
    SELECT CAST(unnest(range(0, 13)) AS INTEGER) AS months_back
),

people_views AS (
    SELECT views.partner_id, views.snapshot_on, lags.months_back, views.snapshot_on - 30 * lags.months_back AS window_end_on
    FROM views
    CROSS JOIN lags
),

people_counts AS (
    SELECT people_views.partner_id, people_views.snapshot_on, people_views.months_back, active.people
    FROM people_views
    ASOF INNER JOIN intermediate.int_active_people AS active
        ON people_views.partner_id = active.partner_id AND people_views.window_end_on >= active.from_on
),

people AS (
    SELECT
        partner_id,
        snapshot_on,
        coalesce(max(people) FILTER (WHERE months_back = 0), 0) AS people_active_30,
        count(*) FILTER (WHERE months_back > 0) AS people_months,
        coalesce(sum(people) FILTER (WHERE months_back > 0), 0) AS people_active_year_before
    FROM people_counts
    GROUP BY partner_id, snapshot_on
),

active_days AS (
    SELECT partner_id, greatest(day + 1, known_on) AS seen_on, max(day) AS day
    FROM intermediate.int_partner_day
    WHERE is_active
    GROUP BY partner_id, seen_on
),

last_active_days AS (
    SELECT
        partner_id,
        seen_on,
        max(day) OVER (PARTITION BY partner_id ORDER BY seen_on ROWS UNBOUNDED PRECEDING) AS last_active_on
    FROM active_days
),

moments AS (
    SELECT partner_id, 'meeting' AS kind, coalesce(started_at, scheduled_at) AS happened_at, known_at
    FROM canonical.activity
    WHERE
        partner_id IS NOT NULL
        AND NOT _deleted
        AND status = 'held'
        AND kind IN ('qbr', 'meeting', 'call', 'event', 'technical_validation')
    UNION ALL
    SELECT partner_id, 'escalation' AS kind, opened_at AS happened_at, known_at
    FROM canonical.support_case
    WHERE partner_id IS NOT NULL AND NOT _deleted AND is_escalated
    UNION ALL
    SELECT partner_id, 'fund' AS kind, created_at AS happened_at, known_at
    FROM canonical.fund_flow
    WHERE
        partner_id IS NOT NULL
        AND NOT _deleted
        AND kind IN ('request', 'claim')
        AND status NOT IN ('draft', 'rejected')
),

facts AS (
    SELECT
        moments.partner_id,
        moments.kind,
        CAST(((moments.happened_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS day,
        CAST(((moments.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS known_on,
        1 AS n
    FROM moments
    CROSS JOIN settings
    WHERE moments.happened_at < settings.as_of_end
    UNION ALL
    SELECT partner_id, 'content' AS kind, day, known_on, content_events AS n
    FROM intermediate.int_partner_day
    WHERE content_events > 0
),

daily_facts AS (
    SELECT partner_id, kind, day, known_on, sum(n) AS n
    FROM facts
    GROUP BY partner_id, kind, day, known_on
),

windows AS (
    SELECT
        f.partner_id,
        w.snapshot_on,
        sum(f.n) FILTER (WHERE f.kind = 'content' AND w.age_days <= 90) AS content_events_90,
        sum(f.n * w.decay_ppm) FILTER (WHERE f.kind = 'content' AND w.age_days <= 90) AS content_score_ppm,
        sum(f.n) FILTER (WHERE f.kind = 'meeting' AND w.age_days <= 90) AS meetings_90,
        sum(f.n) FILTER (WHERE f.kind = 'escalation' AND w.age_days <= 90) AS cases_escalated_90,
        sum(f.n) FILTER (WHERE f.kind = 'fund') AS fund_requests_180
    FROM daily_facts AS f
    INNER JOIN intermediate.int_snapshot_day AS w ON f.day = w.day AND f.known_on <= w.known_until
    WHERE w.age_days <= CASE WHEN f.kind = 'fund' THEN 180 ELSE 90 END
    GROUP BY f.partner_id, w.snapshot_on
),

meetings AS (
    SELECT f.partner_id, w.snapshot_on, w.age_days, (w.age_days - 1) // 7 AS week_no, (w.age_days - 1) // 30 AS month_no
    FROM daily_facts AS f
    INNER JOIN intermediate.int_snapshot_day AS w ON f.day = w.day AND f.known_on <= w.known_until
    WHERE f.kind = 'meeting' AND w.age_days <= 90
),

-- A slot that began before the signature is not due, and a meeting in it keeps none that is.
slots AS (
    SELECT
        meetings.partner_id,
        meetings.snapshot_on,
        count(DISTINCT meetings.week_no) FILTER (
            WHERE meetings.age_days <= 84 AND coalesce(meetings.week_no < views.tenure_days // 7, TRUE)
        ) AS meeting_weeks,
        count(DISTINCT meetings.month_no) FILTER (
            WHERE coalesce(meetings.month_no < views.tenure_days // 30, TRUE)
        ) AS meeting_months
    FROM meetings
    INNER JOIN views ON meetings.partner_id = views.partner_id AND meetings.snapshot_on = views.snapshot_on
    GROUP BY meetings.partner_id, meetings.snapshot_on
),

answers AS (
    SELECT
        r.partner_id,
        r.survey_code,
        coalesce(r.person_id, r.response_id) AS respondent,
        r.response_id,
        r.responded_at,
        CAST(((r.responded_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS day,
        CAST(((r.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS known_on,
        CAST(round((r.score - r.scale_min) / (r.scale_max - r.scale_min), 4) AS DECIMAL(18, 4)) AS scaled_score
    FROM canonical.survey_response AS r
    CROSS JOIN settings
    WHERE
        r.partner_id IS NOT NULL
        AND NOT r._deleted
        AND r.metric = 'psat'
        AND r.scale_max > r.scale_min
        AND r.responded_at < settings.as_of_end
),

seen_answers AS (
    SELECT answers.*, w.snapshot_on
    FROM answers
    INNER JOIN intermediate.int_snapshot_day AS w ON answers.day = w.day AND answers.known_on <= w.known_until
    WHERE w.age_days <= 180
    QUALIFY row_number() OVER (
        PARTITION BY answers.partner_id, w.snapshot_on, answers.survey_code, answers.respondent
        ORDER BY answers.responded_at DESC, answers.response_id DESC
    ) = 1
),

waves AS (
    SELECT
        partner_id,
        snapshot_on,
        survey_code,
        count(*) AS psat_answers,
        count(*) FILTER (WHERE scaled_score >= 0.75) AS psat_top2,
        sum(scaled_score) AS psat_score_sum,
        max(day) AS last_day
    FROM seen_answers
    GROUP BY partner_id, snapshot_on, survey_code
    QUALIFY row_number() OVER (PARTITION BY partner_id, snapshot_on ORDER BY last_day DESC, survey_code DESC) = 1
),

final AS (
    SELECT
        views.partner_id,
        views.snapshot_on,
        CAST(coalesce(people.people_active_30, 0) AS BIGINT) AS people_active_30,
        CAST(coalesce(people.people_months, 0) AS BIGINT) AS people_months,
        CAST(coalesce(people.people_active_year_before, 0) AS BIGINT) AS people_active_year_before,
        last_active_days.last_active_on,
        CAST(coalesce(windows.content_events_90, 0) AS BIGINT) AS content_events_90,
        CAST(CAST(coalesce(windows.content_score_ppm, 0) AS DECIMAL(18, 0)) * 0.000001 AS DECIMAL(18, 6)) AS content_score,
        CAST(coalesce(windows.meetings_90, 0) AS BIGINT) AS meetings_90,
        coalesce(slots.meeting_weeks, 0) AS meeting_weeks,
        coalesce(slots.meeting_months, 0) AS meeting_months,
        CAST(coalesce(windows.cases_escalated_90, 0) AS BIGINT) AS cases_escalated_90,
        CAST(coalesce(windows.fund_requests_180, 0) AS BIGINT) AS fund_requests_180,
        coalesce(waves.psat_answers, 0) AS psat_answers,
        coalesce(waves.psat_top2, 0) AS psat_top2,
        CAST(coalesce(waves.psat_score_sum, 0) AS DECIMAL(18, 4)) AS psat_score_sum
    FROM views
    LEFT JOIN people ON views.partner_id = people.partner_id AND views.snapshot_on = people.snapshot_on
    ASOF LEFT JOIN last_active_days
        ON views.partner_id = last_active_days.partner_id AND views.snapshot_on >= last_active_days.seen_on
    LEFT JOIN windows ON views.partner_id = windows.partner_id AND views.snapshot_on = windows.snapshot_on
    LEFT JOIN slots ON views.partner_id = slots.partner_id AND views.snapshot_on = slots.snapshot_on
    LEFT JOIN waves ON views.partner_id = waves.partner_id AND views.snapshot_on = waves.snapshot_on
)

SELECT * FROM final
