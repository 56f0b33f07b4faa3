-- int_stage_stay: how long each partner stayed, or has stayed so far, in each lifecycle stage (M44).
-- grain: partner x spell x stage
-- key: partner_id, spell_no, stage
-- partner_id VARCHAR: partner
-- spell_no BIGINT: 1 up to the first churn; a win-back stays in sell and grow again
-- stage VARCHAR: recruit, onboard, enable, sell or grow
-- segment VARCHAR: segment in which the programme compares the partner
-- entered_on DATE: first day in the stage
-- left_on DATE: day on which a later stage was entered; null where none was
-- days INTEGER: days in the stage until it was left, or until exit, churn or the as-of date
-- is_completed BOOLEAN: a later stage was entered; the others are censored
-- is_truncated BOOLEAN: entered before the first commercial event of the programme that the exports tell of: nobody knows
--   what came before, so the stay says nothing about usual lengths
-- note: a stage that is entered no earlier than a later one was skipped and has no stay
WITH milestones AS (
    SELECT m.*, p.segment
    FROM intermediate.int_partner_milestone AS m
    INNER JOIN intermediate.int_partner AS p ON m.partner_id = p.partner_id
),


entries AS (
    SELECT partner_id, 1 AS spell_no, 'recruit' AS stage, 1 AS stage_no, applied_on AS entered_on FROM milestones
    UNION ALL
    SELECT partner_id, 1 AS spell_no, 'onboard' AS stage, 2 AS stage_no, signed_on AS entered_on FROM milestones
    UNION ALL
    SELECT partner_id, 1 AS spell_no, 'enable' AS stage, 3 AS stage_no, enabled_on AS entered_on FROM milestones
    UNION ALL
    SELECT partner_id, spell_no, 'sell' AS stage, 4 AS stage_no, started_on AS entered_on
    FROM intermediate.int_partner_spell
    UNION ALL
    SELECT partner_id, spell_no, 'grow' AS stage, 5 AS stage_no, grow_on AS entered_on
    FROM intermediate.int_partner_spell
),

dated_entries AS (
    SELECT
        entries.*,
        min(entries.entered_on) OVER (
            PARTITION BY entries.partner_id, entries.spell_no
            ORDER BY entries.stage_no
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_entered_on
    FROM entries
    CROSS JOIN run_settings AS s
    WHERE entries.entered_on <= s.as_of
),

stays AS (
    SELECT
        e.partner_id,
        CAST(e.spell_no AS BIGINT) AS spell_no,
        e.stage,
        m.segment,
        e.entered_on,
        e.next_entered_on AS left_on,
        least(
            coalesce(e.next_entered_on, s.as_of),
            coalesce(CASE WHEN e.stage IN ('sell', 'grow') THEN spell.ended_on END, s.as_of),
            coalesce(m.exited_on, s.as_of)
        ) AS until_on
    FROM dated_entries AS e
    INNER JOIN milestones AS m ON e.partner_id = m.partner_id
    LEFT JOIN intermediate.int_partner_spell AS spell
        ON e.partner_id = spell.partner_id AND e.spell_no = spell.spell_no
    CROSS JOIN run_settings AS s
    WHERE e.next_entered_on IS NULL OR e.next_entered_on > e.entered_on
),

first_events AS (
    SELECT min(event_on) AS first_event_on FROM intermediate.int_commercial_event
),

final AS (
    SELECT
        partner_id,
        spell_no,
        stage,
        segment,
        entered_on,
        left_on,
        CAST(greatest(until_on - entered_on, 0) AS INTEGER) AS days,
        left_on IS NOT NULL AS is_completed,
        coalesce(entered_on < first_events.first_event_on, FALSE) AS is_truncated
    FROM stays
    CROSS JOIN first_events
)

SELECT * FROM final
