-- int_active_people: how many people of a partner were active in portal or LMS in the 30 days before a day.
-- grain: partner x day on which the number changes
-- key: partner_id, from_on
-- partner_id VARCHAR: partner
-- from_on DATE: first snapshot day for which the number holds; it holds until the next row
-- people BIGINT: distinct people active in the 30 days before, as known then
-- note: each active day is an interval of snapshots that see it; the union of a person's intervals counts the person
--   once, and a running sum over their ends counts people without a join of days and snapshots
WITH active_days AS (
    SELECT
        partner_id,
        person_id,
        -- The night runs on the morning's exports: what is received on the snapshot day is known.
        greatest(day + 1, known_on) AS seen_from_on,
        day + 30 AS seen_until_on
    FROM intermediate.int_partner_day
    WHERE is_active AND person_id <> ''
),

ordered_days AS (
    SELECT
        *,
        max(seen_until_on) OVER (
            PARTITION BY partner_id, person_id
            ORDER BY seen_from_on, seen_until_on
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_until_on
    FROM active_days
    WHERE seen_from_on <= seen_until_on
),

added_intervals AS (
    SELECT
        partner_id,
        greatest(seen_from_on, coalesce(covered_until_on + 1, seen_from_on)) AS added_from_on,
        seen_until_on
    FROM ordered_days
),

steps AS (
    SELECT partner_id, added_from_on AS from_on, 1 AS people
    FROM added_intervals
    WHERE added_from_on <= seen_until_on
    UNION ALL
    SELECT partner_id, seen_until_on + 1 AS from_on, -1 AS people
    FROM added_intervals
    WHERE added_from_on <= seen_until_on
),

changes AS (
    SELECT partner_id, from_on, sum(people) AS people
    FROM steps
    GROUP BY partner_id, from_on
    HAVING sum(people) <> 0
),

final AS (
    SELECT
        partner_id,
        from_on,
        CAST(sum(people) OVER (PARTITION BY partner_id ORDER BY from_on ROWS UNBOUNDED PRECEDING) AS BIGINT) AS people
    FROM changes
)

SELECT * FROM final
