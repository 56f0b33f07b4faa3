-- fct_partner_state: the state of each partner at each month's end and tonight, beside the one before (M27).
-- grain: partner x month end, and the as-of date
-- key: partner_id, state_on
-- partner_id VARCHAR: partner
-- state_on DATE: last day of the month, or the as-of date
-- state VARCHAR: the first that fits: exited; new (signed less than active.min_tenure_days before); active (won a deal within
--   state.active_days; active.events may name registrations too); warm (within these days a registration, a sourced deal
--   created that is still open, a course completed and not failed, or a certificate); at_risk (active within twice these
--   days); dormant
-- previous_state VARCHAR: state at the month's end before; null where the partner had not signed yet
-- is_enrolled BOOLEAN: in the programme; shares are taken over these
-- is_month_end BOOLEAN: the day closes a month; the as-of date may not
-- note: count the rows of one month by previous_state and state for the flow between month ends
WITH states AS (
    SELECT state.*, snapshot.night_on, snapshot.is_month_start
    FROM intermediate.int_partner_state AS state
    INNER JOIN intermediate.int_snapshot AS snapshot ON state.snapshot_on = snapshot.snapshot_on
),

final AS (
    SELECT
        partner_id,
        night_on AS state_on,
        state,
        lag(state) OVER (PARTITION BY partner_id ORDER BY snapshot_on) AS previous_state,
        is_enrolled,
        is_month_start AS is_month_end
    FROM states
)

SELECT * FROM final
