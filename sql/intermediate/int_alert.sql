-- int_alert: the alarms that stand tonight, with the night on which each was raised (M39).
-- grain: partner x cause in alarm
-- key: partner_id, cause
-- partner_id VARCHAR: partner
-- cause VARCHAR: cause
-- stage VARCHAR: lifecycle stage
-- value DOUBLE: what was measured on the last night
-- reference DOUBLE: what it is compared with
-- raised_on DATE: as-of date of the night on which it was raised: the second night running on which the condition held
-- is_new BOOLEAN: raised tonight, and not in the 14 nights before
-- last_good_value DOUBLE: what was measured on the last night without the condition, within the 28 nights before
-- last_good_on DATE: as-of date of that night
-- is_exited BOOLEAN: the partner left the programme since; the alarm is of its last night
-- note: an alarm stands until its cause is over (re-arm), not only until the condition fails for a night; all of it is read
--   from the recomputed nights, so that a night that was not run changes nothing
WITH nights AS (
    SELECT
        *,
        coalesce(is_on AND lag(is_on) OVER history, FALSE) AS is_raised
    FROM intermediate.int_alert_night
    WINDOW history AS (PARTITION BY partner_id, cause ORDER BY snapshot_on)
),

alarms AS (
    SELECT
        *,
        coalesce(last_value(CASE WHEN is_raised THEN TRUE WHEN is_clear THEN FALSE END IGNORE NULLS) OVER (
            PARTITION BY partner_id, cause ORDER BY snapshot_on ROWS UNBOUNDED PRECEDING
        ), FALSE) AS is_in_alarm
    FROM nights
),

starts AS (
    SELECT
        *,
        is_in_alarm AND NOT coalesce(lag(is_in_alarm) OVER history, FALSE) AS is_start
    FROM alarms
    WINDOW history AS (PARTITION BY partner_id, cause ORDER BY snapshot_on)
),

episodes AS (
    SELECT
        partner_id,
        cause,
        max(snapshot_on) AS last_on,
        max(snapshot_on) FILTER (WHERE is_start) AS raised_snapshot_on,
        max(snapshot_on) FILTER (WHERE NOT is_on AND NOT is_in_alarm) AS good_on
    FROM starts
    GROUP BY partner_id, cause
),

earlier_starts AS (
    SELECT starts.partner_id, starts.cause, max(starts.snapshot_on) AS earlier_on
    FROM starts
    INNER JOIN episodes ON starts.partner_id = episodes.partner_id AND starts.cause = episodes.cause
    WHERE starts.is_start AND starts.snapshot_on < episodes.raised_snapshot_on
    GROUP BY starts.partner_id, starts.cause
),

tonight AS (
    SELECT snapshot_on FROM intermediate.int_snapshot WHERE is_as_of
),

final AS (
    SELECT
        last_night.partner_id,
        last_night.cause,
        last_night.stage,
        last_night.value,
        last_night.reference,
        episodes.raised_snapshot_on - 1 AS raised_on,
        episodes.raised_snapshot_on = tonight.snapshot_on
        AND coalesce(earlier_starts.earlier_on < tonight.snapshot_on - 14, TRUE) AS is_new,
        good_night.value AS last_good_value,
        good_night.snapshot_on - 1 AS last_good_on,
        last_night.snapshot_on < tonight.snapshot_on AS is_exited
    FROM episodes
    CROSS JOIN tonight
    INNER JOIN starts AS last_night
        ON
            episodes.partner_id = last_night.partner_id
            AND episodes.cause = last_night.cause
            AND episodes.last_on = last_night.snapshot_on
    LEFT JOIN starts AS good_night
        ON
            episodes.partner_id = good_night.partner_id
            AND episodes.cause = good_night.cause
            AND episodes.good_on = good_night.snapshot_on
    LEFT JOIN earlier_starts
        ON episodes.partner_id = earlier_starts.partner_id AND episodes.cause = earlier_starts.cause
    INNER JOIN intermediate.int_partner AS partner ON episodes.partner_id = partner.partner_id
    WHERE
        last_night.is_in_alarm
        -- A partner that changed its stage took up other causes; only those of tonight's stage, or of a last night, stand.
        AND (last_night.snapshot_on = tonight.snapshot_on OR partner.exited_on IS NOT NULL)
)

SELECT * FROM final
