-- int_churn_label: what became of each partner within the horizon after each month's snapshot (M43).
-- grain: partner x snapshot for churn features from its first commercial event
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot s
-- is_at_risk BOOLEAN: a commercial event before s, and not churned or exited before s as known then (M37)
-- is_matured BOOLEAN: the horizon [s, s + churn.horizon_days) is over at the as-of date, for both labels alike
-- has_event BOOLEAN: a commercial event fell into the horizon
-- has_contract_churn BOOLEAN: the agreement ended in the horizon for a reason that is churn
-- has_exit BOOLEAN: the partner left in the horizon for a reason that is not churn
-- is_usable BOOLEAN: the row may train: at risk, matured, and not cut short by an exit
-- label INTEGER: 1 churned: agreement ended, or no commercial event in the horizon; 0 stayed; null where not usable
-- churned_on DATE: day on which a partner of label 1 was lost: the end of its agreement, or the day on which its silence
--   had lasted as long as its rhythm allows (M37: last commercial event + Q, as known at s); the earlier of the two where
--   nothing was sold in the horizon; null for the others
-- outcome_known_on DATE: first snapshot whose night knew the label as it stands: the end of the horizon; for a partner
--   that stayed because of events received only after that, the receipt of the first of them: until then it passed for
--   churned; null where not usable
-- note: the end of an agreement counts as known on its day; exports do not say when it was first told
-- note: not labelled by the churn date of M37: that date is last event + Q, so days since the last event would predict it by
--   construction
WITH settings AS (
    SELECT as_of, churn_horizon_days, churn_kind FROM run_settings
),

rhythms AS (
    SELECT rhythm.partner_id, rhythm.snapshot_on, rhythm.is_ended, rhythm.last_event_on + rhythm.silence_days AS silent_on
    FROM intermediate.int_partner_rhythm AS rhythm
    INNER JOIN intermediate.int_snapshot AS snapshot ON rhythm.snapshot_on = snapshot.snapshot_on
    WHERE snapshot.is_month_start OR snapshot.is_as_of
),

-- The commercial days of each partner as the night knows them, each with the first snapshot that saw it.
event_days AS (
    SELECT day.partner_id, day.event_on, day.known_on
    FROM intermediate.int_commercial_day AS day
    INNER JOIN intermediate.int_partner_rhythm AS rhythm
        ON
            day.partner_id = rhythm.partner_id
            AND day.version_on = rhythm.version_on
            AND day.visible_on <= rhythm.snapshot_on
    CROSS JOIN settings
    WHERE rhythm.snapshot_on = settings.as_of + 1
),

horizon_events AS (
    SELECT rhythms.partner_id, rhythms.snapshot_on, min(event_days.known_on) AS known_on
    FROM rhythms
    CROSS JOIN settings
    INNER JOIN event_days
        ON
            rhythms.partner_id = event_days.partner_id
            AND event_days.event_on >= rhythms.snapshot_on
            AND event_days.event_on < rhythms.snapshot_on + settings.churn_horizon_days
    GROUP BY rhythms.partner_id, rhythms.snapshot_on
),

contract_days AS (
    SELECT
        rhythms.partner_id,
        rhythms.snapshot_on,
        bool_or(contract.end_kind = 'contractual') AS has_contract_churn,
        min(contract.ended_on) FILTER (WHERE contract.end_kind = 'contractual') AS contract_ended_on,
        bool_or(contract.end_kind = 'exit') AS has_exit
    FROM rhythms
    CROSS JOIN settings
    INNER JOIN intermediate.int_contract_end AS contract
        ON
            rhythms.partner_id = contract.partner_id
            AND contract.ended_on >= rhythms.snapshot_on
            AND contract.ended_on < rhythms.snapshot_on + settings.churn_horizon_days
    GROUP BY rhythms.partner_id, rhythms.snapshot_on
),

outcomes AS (
    SELECT
        rhythms.partner_id,
        rhythms.snapshot_on,
        NOT rhythms.is_ended AS is_at_risk,
        rhythms.snapshot_on + settings.churn_horizon_days <= settings.as_of + 1 AS is_matured,
        rhythms.snapshot_on + settings.churn_horizon_days AS horizon_end_on,
        horizon_events.known_on IS NOT NULL AS has_event,
        horizon_events.known_on AS event_known_on,
        coalesce(contract_days.has_contract_churn, FALSE) AS has_contract_churn,
        coalesce(contract_days.has_exit, FALSE) AS has_exit,
        CASE WHEN settings.churn_kind <> 'behavioural' THEN contract_days.contract_ended_on END AS contract_ended_on,
        -- At risk means that the silence had not lasted that long yet.
        CASE WHEN settings.churn_kind <> 'contractual' AND horizon_events.known_on IS NULL
            THEN greatest(rhythms.silent_on, rhythms.snapshot_on)
        END AS silent_on,
        settings.churn_kind
    FROM rhythms
    CROSS JOIN settings
    LEFT JOIN horizon_events
        ON rhythms.partner_id = horizon_events.partner_id AND rhythms.snapshot_on = horizon_events.snapshot_on
    LEFT JOIN contract_days
        ON rhythms.partner_id = contract_days.partner_id AND rhythms.snapshot_on = contract_days.snapshot_on
),

labels AS (
    SELECT
        *,
        is_at_risk AND is_matured AND NOT has_exit AS is_usable,
        CASE WHEN is_at_risk AND is_matured AND NOT has_exit THEN
            CASE
                WHEN has_contract_churn AND churn_kind <> 'behavioural' THEN 1
                WHEN NOT has_event AND churn_kind <> 'contractual' THEN 1
                ELSE 0
            END
        END AS label
    FROM outcomes
),

final AS (
    SELECT
        partner_id,
        snapshot_on,
        is_at_risk,
        is_matured,
        has_event,
        has_contract_churn,
        has_exit,
        is_usable,
        label,
        CASE WHEN label = 1 THEN least(contract_ended_on, silent_on) END AS churned_on,
        CASE
            WHEN label = 0 AND churn_kind <> 'contractual' THEN greatest(horizon_end_on, event_known_on)
            WHEN label IS NOT NULL THEN horizon_end_on
        END AS outcome_known_on
    FROM labels
)

SELECT * FROM final
