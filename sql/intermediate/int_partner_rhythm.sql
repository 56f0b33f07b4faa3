-- int_partner_rhythm: how each partner that ever sold stood commercially at each snapshot, as known then.
-- grain: partner x snapshot from its first commercial event
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- last_event_on DATE: last commercial event
-- days_since INTEGER: days from there to the night of the snapshot
-- events BIGINT: days with a commercial event so far
-- median_gap_days DOUBLE: median of the gaps between them; null under two
-- usual_gap_days DOUBLE: the gap to measure silence by: the median from three commercial days on, at least a third of
--   churn.silence_min_days; else a third of churn.silence_max_days
-- silence_days INTEGER: silence after which the partner counts as gone (Q of M37)
-- first_event_on DATE: first commercial event
-- spell_no BIGINT: spell; above 1 the partner came back
-- spell_started_on DATE: first commercial event of the spell
-- grow_on DATE: day of the spell's second won deal
-- is_ended BOOLEAN: the spell ended before the snapshot: churned or exited
-- ended_on DATE: day on which it ended
-- end_kind VARCHAR: contractual, behavioural or exit
-- version_on DATE: version of int_commercial_day that the snapshot sees, as far as visible_on reaches
WITH days AS (
    SELECT
        *,
        min(event_on) OVER (PARTITION BY partner_id, version_on) AS first_event_on,
        CASE WHEN version_on = DATE '9999-12-31' THEN visible_on ELSE version_on END AS seen_on
    FROM intermediate.int_commercial_day
),

-- Of days that became visible together only the last one is ever the last event.
last_days AS (
    SELECT *
    FROM days
    WHERE
        next_visible_on IS NULL
        OR (version_on = DATE '9999-12-31' AND next_visible_on > visible_on)
),

versions AS (
    SELECT DISTINCT partner_id, version_on FROM last_days
),

own_views AS (
    SELECT partner_id, version_on, version_on AS snapshot_on
    FROM versions
    WHERE version_on < DATE '9999-12-31'
),

views AS (
    SELECT partner_id, version_on, snapshot_on FROM own_views
    UNION ALL
    SELECT versions.partner_id, versions.version_on, snapshot.snapshot_on
    FROM versions
    CROSS JOIN intermediate.int_snapshot AS snapshot
    ANTI JOIN own_views
        ON versions.partner_id = own_views.partner_id AND snapshot.snapshot_on = own_views.snapshot_on
    WHERE versions.version_on = DATE '9999-12-31'
),

final AS (
    SELECT
        views.partner_id,
        views.snapshot_on,
        last_days.event_on AS last_event_on,
        CAST(views.snapshot_on - 1 - last_days.event_on AS INTEGER) AS days_since,
        last_days.event_no AS events,
        last_days.median_gap_days,
        CASE
            WHEN last_days.event_no >= 3 THEN greatest(last_days.median_gap_days, s.churn_silence_min_days / 3.0)
            ELSE s.churn_silence_max_days / 3.0
        END AS usual_gap_days,
        last_days.silence_days,
        last_days.first_event_on,
        last_days.spell_no,
        last_days.spell_started_on,
        last_days.grow_on,
        coalesce(last_days.ended_on < views.snapshot_on, FALSE) AS is_ended,
        CASE WHEN last_days.ended_on < views.snapshot_on THEN last_days.ended_on END AS ended_on,
        CASE WHEN last_days.ended_on < views.snapshot_on THEN last_days.end_kind END AS end_kind,
        views.version_on
    FROM views
    ASOF INNER JOIN last_days
        ON
            views.partner_id = last_days.partner_id
            AND views.version_on = last_days.version_on
            AND views.snapshot_on >= last_days.seen_on
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
