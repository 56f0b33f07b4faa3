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
-- note: not labelled by the churn date of M37: that date is last event + Q, so days since the last event would predict it by
--   construction
WITH settings AS (
    SELECT as_of, churn_horizon_days, churn_kind FROM run_settings
),

rhythms AS (
    SELECT rhythm.partner_id, rhythm.snapshot_on, rhythm.is_ended
    FROM intermediate.int_partner_rhythm AS rhythm
    INNER JOIN intermediate.int_snapshot AS snapshot ON rhythm.snapshot_on = snapshot.snapshot_on
    WHERE snapshot.is_month_start OR snapshot.is_as_of
),

event_days AS (
    SELECT DISTINCT event.partner_id, event.event_on
    FROM intermediate.int_commercial_event AS event
    INNER JOIN intermediate.int_partner AS partner ON event.partner_id = partner.partner_id
    CROSS JOIN settings
    WHERE event.event_on <= settings.as_of AND (partner.exited_on IS NULL OR event.event_on <= partner.exited_on)
),

contract_days AS (
    SELECT
        rhythms.partner_id,
        rhythms.snapshot_on,
        bool_or(contract.end_kind = 'contractual') AS has_contract_churn,
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
        coalesce(event_days.event_on < rhythms.snapshot_on + settings.churn_horizon_days, FALSE) AS has_event,
        coalesce(contract_days.has_contract_churn, FALSE) AS has_contract_churn,
        coalesce(contract_days.has_exit, FALSE) AS has_exit,
        settings.churn_kind
    FROM rhythms
    CROSS JOIN settings
    ASOF LEFT JOIN event_days
        ON rhythms.partner_id = event_days.partner_id AND rhythms.snapshot_on <= event_days.event_on
    LEFT JOIN contract_days
        ON rhythms.partner_id = contract_days.partner_id AND rhythms.snapshot_on = contract_days.snapshot_on
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
        is_at_risk AND is_matured AND NOT has_exit AS is_usable,
        CASE WHEN is_at_risk AND is_matured AND NOT has_exit THEN
            CASE
                WHEN has_contract_churn AND churn_kind <> 'behavioural' THEN 1
                WHEN NOT has_event AND churn_kind <> 'contractual' THEN 1
                ELSE 0
            END
        END AS label
    FROM outcomes
)

SELECT * FROM final
