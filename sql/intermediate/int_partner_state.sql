-- int_partner_state: the one state of each partner at each month's end and at the as-of date (M27).
-- grain: partner x snapshot at a month's start or tonight, from signature
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: the state holds at the end of the day before
-- state VARCHAR: first match of exited, new (tenure under active.min_tenure_days), active (event of active.events within
--   state.active_days), warm (registration, sourced deal created and still open, course completed and not failed, or
--   certificate, within state.active_days), at_risk (event of active.events within twice state.active_days), dormant
-- is_enrolled BOOLEAN: in the programme; shares are taken over these
-- note: by event time as known tonight, as all metrics are
WITH settings AS (
    SELECT as_of_end, timezone, state_active_days, active_min_tenure_days, active_events FROM run_settings
),

snapshots AS (
    SELECT snapshot_on FROM intermediate.int_snapshot WHERE is_month_start OR is_as_of
),

members AS (
    SELECT
        partner.partner_id,
        snapshots.snapshot_on,
        partner.signed_on,
        coalesce(partner.exited_on < snapshots.snapshot_on, FALSE) AS is_exited
    FROM intermediate.int_partner AS partner
    CROSS JOIN snapshots
    WHERE
        (partner.is_enrolled OR partner.exited_on IS NOT NULL)
        AND (partner.signed_on IS NULL OR partner.signed_on < snapshots.snapshot_on)
),

events AS (
    SELECT partner_id, event_on AS happened_on, event_on + settings.state_active_days AS active_until_on, 'active' AS kind
    FROM intermediate.int_commercial_event
    CROSS JOIN settings
    WHERE
        (kind = 'won_deal' AND settings.active_events IN ('won', 'won_or_registered'))
        OR (kind = 'registration' AND settings.active_events IN ('registered', 'won_or_registered'))
    UNION ALL
    SELECT partner_id, event_on AS happened_on, event_on + settings.state_active_days AS active_until_on, 'warm' AS kind
    FROM intermediate.int_commercial_event
    CROSS JOIN settings
    WHERE kind = 'registration'
    UNION ALL
    SELECT
        deal.source_partner_id AS partner_id,
        deal.created_on AS happened_on,
        -- A deal that closes stops keeping its partner warm.
        least(deal.created_on + settings.state_active_days, coalesce(deal.closed_on, DATE '9999-12-31')) AS active_until_on,
        'warm' AS kind
    FROM intermediate.int_deal AS deal
    CROSS JOIN settings
    WHERE deal.source_partner_id IS NOT NULL AND NOT deal.is_excluded
    UNION ALL
    SELECT
        completion.partner_id,
        CAST(((completion.happened_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS happened_on,
        CAST(((completion.happened_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
        + settings.state_active_days AS active_until_on,
        'warm' AS kind
    FROM (
        SELECT partner_id, completed_at AS happened_at
        FROM canonical.learning_record
        WHERE NOT _deleted AND status IS DISTINCT FROM 'failed'
        UNION ALL
        SELECT partner_id, issued_at AS happened_at FROM canonical.certification WHERE NOT _deleted
    ) AS completion
    CROSS JOIN settings
    WHERE completion.happened_at < settings.as_of_end
),

marks AS (
    SELECT
        events.partner_id,
        snapshots.snapshot_on,
        bool_or(events.kind = 'active' AND snapshots.snapshot_on <= events.active_until_on) AS is_active,
        bool_or(events.kind = 'warm' AND snapshots.snapshot_on <= events.active_until_on) AS is_warm,
        bool_or(events.kind = 'active') AS was_active
    FROM events
    CROSS JOIN settings
    INNER JOIN snapshots
        ON
            events.happened_on < snapshots.snapshot_on
            AND events.happened_on >= snapshots.snapshot_on - 2 * settings.state_active_days
    GROUP BY events.partner_id, snapshots.snapshot_on
),

final AS (
    SELECT
        members.partner_id,
        members.snapshot_on,
        CASE
            WHEN members.is_exited THEN 'exited'
            WHEN members.snapshot_on - members.signed_on <= settings.active_min_tenure_days THEN 'new'
            WHEN marks.is_active THEN 'active'
            WHEN marks.is_warm THEN 'warm'
            WHEN marks.was_active THEN 'at_risk'
            ELSE 'dormant'
        END AS state,
        NOT members.is_exited AS is_enrolled
    FROM members
    CROSS JOIN settings
    LEFT JOIN marks ON members.partner_id = marks.partner_id AND members.snapshot_on = marks.snapshot_on
)

SELECT * FROM final
