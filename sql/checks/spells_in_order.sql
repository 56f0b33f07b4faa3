-- spells_in_order: a partner's spells follow each other, end after they began, and none ended in the future.
-- severity: error
-- table: fct_partner_month_feature
WITH spells AS (
    SELECT
        *,
        lag(ended_on) OVER (PARTITION BY partner_id ORDER BY spell_no) AS previous_ended_on,
        lag(started_on) OVER (PARTITION BY partner_id ORDER BY spell_no) AS previous_started_on
    FROM intermediate.int_partner_spell
)

SELECT spells.partner_id, spells.spell_no, spells.started_on, spells.ended_on, spells.previous_ended_on
FROM spells
CROSS JOIN run_settings AS s
WHERE
    spells.ended_on > s.as_of
    OR spells.started_on > s.as_of
    OR spells.ended_on < spells.last_event_on
    OR spells.last_event_on < spells.started_on
    OR (spells.spell_no > 1 AND (spells.previous_ended_on IS NULL OR spells.previous_ended_on > spells.started_on))
    OR spells.previous_started_on >= spells.started_on
