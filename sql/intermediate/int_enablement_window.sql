-- int_enablement_window: tasks, certificates, courses and people of each partner at each snapshot, as known then.
-- grain: partner in the programme x snapshot
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- tasks_required BIGINT: required onboarding tasks assigned
-- tasks_done BIGINT: those that are done
-- people_enabled BIGINT: people with an account that is not deactivated
-- courses_90 BIGINT: courses completed in 90 days, each person and course once
-- certificates_valid BIGINT: valid certificates, each person and certificate once; 30 days of grace after expiry
-- certificates_expiring_90 BIGINT: those that expire in the 90 days from the snapshot on
-- tier_code VARCHAR: tier as history tells it; null where no history covers the snapshot
-- tier_rank BIGINT: rank of that tier
-- note: revoked certificates count at no time: the day of revocation is not exported
-- note: a tier assumed back in time (backfilled) is not used: today's tier in an old snapshot would tell its future
WITH settings AS (
    SELECT as_of, as_of_end, timezone FROM run_settings
),

views AS (
    SELECT partner_id, snapshot_on
    FROM intermediate.int_partner_stage_at
    WHERE stage <> 'exited'
),

tasks AS (
    SELECT
        t.partner_id,
        greatest(
            CAST(((t.assigned_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) + 1,
            CAST(((t.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
        ) AS seen_on,
        CAST(((t.completed_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS completed_on
    FROM canonical.onboarding_task AS t
    CROSS JOIN settings
    WHERE
        t.partner_id IS NOT NULL
        AND NOT t._deleted
        AND t.is_required
        AND NOT coalesce(t.waived, FALSE)
        AND t.assigned_at < settings.as_of_end
),

task_counts AS (
    SELECT
        views.partner_id,
        views.snapshot_on,
        count(*) AS tasks_required,
        count(*) FILTER (WHERE tasks.completed_on < views.snapshot_on) AS tasks_done
    FROM views
    INNER JOIN tasks ON views.partner_id = tasks.partner_id AND views.snapshot_on >= tasks.seen_on
    GROUP BY views.partner_id, views.snapshot_on
),

person_days AS (
    SELECT
        p.partner_id,
        greatest(
            coalesce(
                CAST(((p.created_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) + 1, DATE '1970-01-01'
            ),
            CAST(((p.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
        ) AS seen_on,
        count(*) AS people
    FROM canonical.person AS p
    CROSS JOIN settings
    WHERE p.partner_id IS NOT NULL AND NOT p._deleted AND coalesce(p.is_active, TRUE)
    GROUP BY p.partner_id, seen_on
),

person_counts AS (
    SELECT
        partner_id,
        seen_on,
        sum(people) OVER (PARTITION BY partner_id ORDER BY seen_on ROWS UNBOUNDED PRECEDING) AS people_enabled
    FROM person_days
),

courses AS (
    SELECT
        l.partner_id,
        l.person_id || '|' || coalesce(l.course_code, l.course_name) AS completion,
        CAST(((l.completed_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS day,
        CAST(((l.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS known_on
    FROM canonical.learning_record AS l
    CROSS JOIN settings
    WHERE
        l.partner_id IS NOT NULL
        AND NOT l._deleted
        AND l.completed_at < settings.as_of_end
        AND l.status <> 'failed'
),

course_counts AS (
    SELECT courses.partner_id, w.snapshot_on, count(DISTINCT courses.completion) AS courses_90
    FROM courses
    INNER JOIN intermediate.int_snapshot_day AS w ON courses.day = w.day AND courses.known_on <= w.known_until
    WHERE w.age_days <= 90
    GROUP BY courses.partner_id, w.snapshot_on
),

awards AS (
    SELECT
        c.partner_id,
        coalesce(c.person_id, c.award_id) || '|' || c.cert_code AS certificate,
        greatest(
            CAST(((c.issued_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) + 1,
            CAST(((c.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
        ) AS seen_on,
        coalesce(
            CAST(((c.expires_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE), DATE '9999-01-01'
        ) AS expires_on
    FROM canonical.certification AS c
    CROSS JOIN settings
    WHERE
        c.partner_id IS NOT NULL
        AND NOT c._deleted
        AND c.status <> 'revoked'
        AND c.issued_at < settings.as_of_end
),

held_certificates AS (
    SELECT views.partner_id, views.snapshot_on, awards.certificate, max(awards.expires_on) AS expires_on
    FROM views
    INNER JOIN awards
        ON
            views.partner_id = awards.partner_id
            AND views.snapshot_on >= awards.seen_on
            AND views.snapshot_on <= awards.expires_on + 30
    GROUP BY views.partner_id, views.snapshot_on, awards.certificate
),

certificate_counts AS (
    SELECT
        partner_id,
        snapshot_on,
        count(*) AS certificates_valid,
        count(*) FILTER (WHERE expires_on < snapshot_on + 90) AS certificates_expiring_90
    FROM held_certificates
    GROUP BY partner_id, snapshot_on
),

tier_intervals AS (
    SELECT
        h.partner_id,
        h.value AS tier_code,
        h.rank AS tier_rank,
        CAST(((h.valid_from AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS from_on,
        CAST(((h.valid_to AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS to_on,
        CAST(((h.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS known_on,
        h.valid_from,
        h.partner_ref
    FROM canonical.partner_history AS h
    CROSS JOIN settings
    WHERE
        h.attribute = 'tier'
        AND h.basis <> 'backfilled'
        AND h.partner_id IS NOT NULL
        AND NOT h._deleted
        AND h.valid_from < settings.as_of_end
),

-- The start of the next tier ends one; until that is known, the partner is seen in the old one.
ended_tiers AS (
    SELECT
        *,
        lead(from_on) OVER history AS next_from_on,
        lead(known_on) OVER history AS next_known_on
    FROM tier_intervals
    WINDOW history AS (
        PARTITION BY partner_id ORDER BY valid_from, tier_code DESC, to_on NULLS LAST, known_on, tier_rank, partner_ref
    )
),

newest_tiers AS (
    SELECT views.partner_id, views.snapshot_on, ended_tiers.* EXCLUDE (partner_id)
    FROM views
    INNER JOIN ended_tiers
        ON
            views.partner_id = ended_tiers.partner_id
            AND views.snapshot_on > ended_tiers.from_on
            AND views.snapshot_on >= ended_tiers.known_on
    QUALIFY row_number() OVER (
        PARTITION BY views.partner_id, views.snapshot_on ORDER BY
            ended_tiers.valid_from DESC,
            ended_tiers.tier_code,
            ended_tiers.to_on DESC NULLS FIRST,
            ended_tiers.known_on DESC,
            ended_tiers.tier_rank DESC,
            ended_tiers.partner_ref DESC
    ) = 1
),

tiers AS (
    SELECT partner_id, snapshot_on, tier_code, tier_rank
    FROM newest_tiers
    WHERE
        snapshot_on <= coalesce(to_on, DATE '9999-12-31')
        OR (next_from_on <= to_on AND snapshot_on < next_known_on)
),

final AS (
    SELECT
        views.partner_id,
        views.snapshot_on,
        coalesce(task_counts.tasks_required, 0) AS tasks_required,
        coalesce(task_counts.tasks_done, 0) AS tasks_done,
        CAST(coalesce(person_counts.people_enabled, 0) AS BIGINT) AS people_enabled,
        coalesce(course_counts.courses_90, 0) AS courses_90,
        coalesce(certificate_counts.certificates_valid, 0) AS certificates_valid,
        coalesce(certificate_counts.certificates_expiring_90, 0) AS certificates_expiring_90,
        tiers.tier_code,
        tiers.tier_rank
    FROM views
    LEFT JOIN task_counts ON views.partner_id = task_counts.partner_id AND views.snapshot_on = task_counts.snapshot_on
    ASOF LEFT JOIN person_counts ON views.partner_id = person_counts.partner_id AND views.snapshot_on >= person_counts.seen_on
    LEFT JOIN course_counts ON views.partner_id = course_counts.partner_id AND views.snapshot_on = course_counts.snapshot_on
    LEFT JOIN certificate_counts
        ON views.partner_id = certificate_counts.partner_id AND views.snapshot_on = certificate_counts.snapshot_on
    LEFT JOIN tiers ON views.partner_id = tiers.partner_id AND views.snapshot_on = tiers.snapshot_on
)

SELECT * FROM final
