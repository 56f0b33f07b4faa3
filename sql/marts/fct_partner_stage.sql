-- fct_partner_stage: where each partner stands in its lifecycle tonight, and whether it is stuck there (M44).
-- grain: partner
-- key: partner_id
-- partner_id VARCHAR: partner
-- stage VARCHAR: recruit, onboard, enable, sell, grow or exited
-- entered_on DATE: day on which the stage was entered; null where the source gives no date
-- days_in_stage INTEGER: days since then
-- last_progress_on DATE: last day with progress that counts in the stage; null for none
-- stage_p75_days INTEGER: days after which a stay is long: Kaplan-Meier 75th percentile of the stays, or the fallback
-- is_stalled BOOLEAN: longer in the stage than that, and no progress for 30 days
-- stall_reason VARCHAR: the same in words; null where not stalled
-- basis VARCHAR: segment, programme or fallback: whose stays the limit comes from; null after exit
-- is_enrolled BOOLEAN: in the programme tonight
-- commercial_state VARCHAR: never (no commercial event yet), live, churned or exited (M37)
-- note: grow is the last stage: its stay is measured from the last progress, so that success is never called a stall
WITH tonight AS (
    SELECT snapshot_on, night_on FROM intermediate.int_snapshot WHERE is_as_of
),

stages AS (
    SELECT stage_at.*, tonight.night_on
    FROM intermediate.int_partner_stage_at AS stage_at
    INNER JOIN tonight ON stage_at.snapshot_on = tonight.snapshot_on
),

stalls AS (
    SELECT stall.*
    FROM intermediate.int_stage_stall AS stall
    INNER JOIN tonight ON stall.snapshot_on = tonight.snapshot_on
),

rhythms AS (
    SELECT rhythm.*
    FROM intermediate.int_partner_rhythm AS rhythm
    INNER JOIN tonight ON rhythm.snapshot_on = tonight.snapshot_on
),

open_tasks AS (
    SELECT
        task.partner_id,
        count(*) AS tasks,
        min({'due_at': coalesce(task.due_at, task.assigned_at), 'task': task.task_code}).task AS next_task
    FROM canonical.onboarding_task AS task
    CROSS JOIN run_settings AS s
    WHERE
        NOT task._deleted
        AND task.is_required
        AND NOT coalesce(task.waived, FALSE)
        AND coalesce(task.assigned_at < s.as_of_end, TRUE)
        AND coalesce(task.completed_at >= s.as_of_end, TRUE)
    GROUP BY task.partner_id
),

final AS (
    SELECT
        partner.partner_id,
        coalesce(stages.stage, 'recruit') AS stage,
        stages.stage_entered_on AS entered_on,
        CAST(stages.night_on - stages.stage_entered_on AS INTEGER) AS days_in_stage,
        stalls.last_progress_on,
        stalls.limit_days AS stage_p75_days,
        coalesce(stalls.is_stalled, FALSE) AS is_stalled,
        CASE
            WHEN stalls.is_stalled AND stalls.stage = 'grow'
                THEN
                    'no deal won, renewal or move for ' || stalls.stay_days || ' days, where ' || stalls.limit_days
                    || ' is long'
            WHEN stalls.is_stalled
                THEN
                    'day ' || stalls.stay_days || ' in ' || stalls.stage || ', where most move on within '
                    || stalls.limit_days || '; no progress for ' || stalls.idle_days || ' days'
                    || CASE
                        WHEN stalls.stage IN ('onboard', 'enable') AND open_tasks.tasks > 0
                            THEN '; open task: ' || open_tasks.next_task
                        ELSE ''
                    END
        END AS stall_reason,
        stalls.basis,
        coalesce(stages.is_enrolled, FALSE) AS is_enrolled,
        CASE
            WHEN stages.stage = 'exited' THEN 'exited'
            WHEN rhythms.partner_id IS NULL THEN 'never'
            WHEN rhythms.end_kind = 'exit' THEN 'exited'
            WHEN rhythms.is_ended THEN 'churned'
            ELSE 'live'
        END AS commercial_state
    FROM intermediate.int_partner AS partner
    LEFT JOIN stages ON partner.partner_id = stages.partner_id
    LEFT JOIN stalls ON partner.partner_id = stalls.partner_id
    LEFT JOIN rhythms ON partner.partner_id = rhythms.partner_id
    LEFT JOIN open_tasks ON partner.partner_id = open_tasks.partner_id
)

SELECT * FROM final
