-- int_partner_spell: the stretches in which a partner did business with us, from first commercial event to churn (M37).
-- grain: partner x spell
-- key: partner_id, spell_no
-- partner_id VARCHAR: partner
-- spell_no BIGINT: 1 for the first; a win-back starts a new one
-- started_on DATE: first commercial event of the spell
-- last_event_on DATE: last commercial event of the spell
-- events BIGINT: days with a commercial event
-- grow_on DATE: day of the second won deal; null without one
-- ended_on DATE: day of churn or exit; null where the spell goes on at the as-of date
-- silence_days INTEGER: silence after which the partner counts as gone (Q of M37)
-- end_kind VARCHAR: contractual or behavioural, both churn; exit, which is not; null where the spell goes on
-- end_reason VARCHAR: reason that the source states; null for a behavioural end
-- is_win_back BOOLEAN: the partner came back after churn
-- note: behavioural churn is dated last event + silence_days; the spell is known to have ended only from that day on
WITH days AS (
    SELECT d.*
    FROM intermediate.int_commercial_day AS d
    INNER JOIN intermediate.int_partner_rhythm AS rhythm
        ON
            d.partner_id = rhythm.partner_id
            AND d.version_on = rhythm.version_on
            AND d.visible_on <= rhythm.snapshot_on
    CROSS JOIN run_settings AS s
    WHERE rhythm.snapshot_on = s.as_of + 1
),

last_days AS (
    SELECT *
    FROM days
    QUALIFY row_number() OVER (PARTITION BY partner_id, spell_no ORDER BY event_on DESC) = 1
),

final AS (
    SELECT
        d.partner_id,
        d.spell_no,
        d.spell_started_on AS started_on,
        d.event_on AS last_event_on,
        d.spell_events AS events,
        d.grow_on,
        CASE WHEN d.ended_on <= s.as_of THEN d.ended_on END AS ended_on,
        d.silence_days,
        CASE WHEN d.ended_on <= s.as_of THEN d.end_kind END AS end_kind,
        CASE WHEN d.ended_on <= s.as_of THEN d.end_reason END AS end_reason,
        d.spell_no > 1 AS is_win_back
    FROM last_days AS d
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
