-- partner_states_cover_enrolled: tonight every enrolled partner has one state other than exited, and only enrolled ones do.
-- severity: error
-- table: fct_partner_state
WITH states AS (
    SELECT state.partner_id, state.state
    FROM fct_partner_state AS state
    INNER JOIN run_settings AS s ON state.state_on = s.as_of
    WHERE state.is_enrolled AND state.state <> 'exited'
),

enrolled AS (
    SELECT partner_id FROM dim_partner WHERE is_enrolled
)

SELECT coalesce(enrolled.partner_id, states.partner_id) AS partner_id, states.state
FROM enrolled
FULL JOIN states ON enrolled.partner_id = states.partner_id
WHERE enrolled.partner_id IS NULL OR states.partner_id IS NULL
