-- int_partner_milestone: the days on which a partner applied, signed and finished onboarding.
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: partner
-- applied_on DATE: first application
-- signed_on DATE: agreement signed; null where the source gives no date
-- tasks_done_on DATE: first day on which every required onboarding task assigned by then was done
-- enabled_on DATE: end of onboarding: tasks done, or the deadline after signing, whichever came first
-- exited_on DATE: end of the relationship
-- note: a task assigned later never undoes the end of onboarding; waived tasks are not required
WITH partners AS (
    SELECT * FROM intermediate.int_partner
),

applications AS (
    SELECT
        a.partner_id,
        min(CAST(((a.submitted_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE)) AS applied_on
    FROM canonical.partner_application AS a
    CROSS JOIN run_settings AS s
    WHERE a.partner_id IS NOT NULL AND NOT a._deleted AND a.submitted_at < s.as_of_end
    GROUP BY a.partner_id
),

tasks AS (
    SELECT
        t.partner_id,
        CAST(((t.assigned_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS assigned_on,
        CASE WHEN t.completed_at < s.as_of_end THEN
            CAST(((t.completed_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE)
        END AS completed_on
    FROM canonical.onboarding_task AS t
    CROSS JOIN run_settings AS s
    WHERE
        t.partner_id IS NOT NULL
        AND NOT t._deleted
        AND t.is_required
        AND NOT coalesce(t.waived, FALSE)
        AND t.assigned_at < s.as_of_end
),

steps AS (
    SELECT partner_id, assigned_on AS on_day, 1 AS open_tasks FROM tasks
    UNION ALL
    SELECT partner_id, greatest(completed_on, assigned_on) AS on_day, -1 AS open_tasks
    FROM tasks
    WHERE completed_on IS NOT NULL
),

daily_steps AS (
    SELECT partner_id, on_day, sum(open_tasks) AS open_tasks
    FROM steps
    GROUP BY partner_id, on_day
),

open_counts AS (
    SELECT
        partner_id,
        on_day,
        sum(open_tasks) OVER (PARTITION BY partner_id ORDER BY on_day ROWS UNBOUNDED PRECEDING) AS open_tasks
    FROM daily_steps
),

tasks_done AS (
    SELECT partner_id, min(on_day) AS tasks_done_on
    FROM open_counts
    WHERE open_tasks = 0
    GROUP BY partner_id
),

final AS (
    SELECT
        partners.partner_id,
        applications.applied_on,
        partners.signed_on,
        tasks_done.tasks_done_on,
        CASE
            WHEN partners.signed_on IS NOT NULL
                THEN least(
                    CASE WHEN tasks_done.tasks_done_on IS NOT NULL
                        THEN greatest(tasks_done.tasks_done_on, partners.signed_on) END,
                    partners.signed_on + s.onboarding_deadline_days
                )
        END AS enabled_on,
        partners.exited_on
    FROM partners
    CROSS JOIN run_settings AS s
    LEFT JOIN applications ON partners.partner_id = applications.partner_id
    LEFT JOIN tasks_done ON partners.partner_id = tasks_done.partner_id
)

SELECT * FROM final
