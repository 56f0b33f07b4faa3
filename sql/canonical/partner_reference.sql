-- partner_reference: which partner every reference that facts carry means, by which rule, and when.
-- grain: reference text x interval; one interval unless it names a person who changed partners
-- key: ref, valid_from
-- ref VARCHAR: reference as exported: identifiers <source>:<id_type>:<value>, one a line, in order of preference
-- partner_id VARCHAR: surviving partner; null where no rule gives exactly one
-- method VARCHAR: rule that gave the answer: declared, manual, exact_key, merge_alias, parent, person or domain; null
--   where none did
-- confidence DOUBLE: 1 for certain
-- part VARCHAR: the identifier that decided; the first one where none did
-- note VARCHAR: why there is no answer, where more is known than that the identifiers are new
-- valid_from TIMESTAMP: start of the interval
-- valid_to TIMESTAMP: end of the interval, exclusive; null for the last
-- is_current BOOLEAN: the interval in which the as-of date lies; one row a reference
-- note: the resolver of the canonical layer: every canonical table joins its references here; readers above take
--   int_partner_identity
-- note: the parts are tried in order and the first that answers wins; a person answers with the partner of the time
WITH parts AS (
    SELECT * FROM canonical.partner_reference_part
),

refs AS (
    SELECT
        ref,
        min(part) FILTER (WHERE part_no = 1) AS first_part,
        min({'part_no': part_no, 'note': note}) FILTER (WHERE note IS NOT NULL) AS first_note
    FROM parts
    GROUP BY ref
),

answers AS (
    SELECT ref, part_no, part, partner_id, method, confidence FROM parts WHERE is_answer
),

persons AS (
    SELECT ref, part_no, part, id_value AS person_id
    FROM parts
    WHERE id_type = 'person'
    QUALIFY row_number() OVER (PARTITION BY ref ORDER BY part_no) = 1
),

timed AS (
    SELECT
        refs.ref,
        coalesce(worked.partner_id, answers.partner_id) AS partner_id,
        CASE WHEN worked.partner_id IS NOT NULL THEN 'person' ELSE answers.method END AS method,
        CASE WHEN worked.partner_id IS NOT NULL THEN worked.confidence ELSE answers.confidence END AS confidence,
        CASE
            WHEN worked.partner_id IS NOT NULL THEN persons.part
            ELSE coalesce(answers.part, refs.first_part)
        END AS part,
        refs.first_note.note AS note,
        coalesce(worked.valid_from, TIMESTAMP '1970-01-01') AS valid_from,
        worked.valid_to
    FROM refs
    LEFT JOIN answers ON refs.ref = answers.ref
    LEFT JOIN persons ON refs.ref = persons.ref AND coalesce(persons.part_no < answers.part_no, TRUE)
    LEFT JOIN canonical.person_partner AS worked ON persons.person_id = worked.person_id
),

final AS (
    SELECT
        timed.ref,
        timed.partner_id,
        timed.method,
        timed.confidence,
        timed.part,
        CASE WHEN timed.partner_id IS NULL THEN timed.note END AS note,
        timed.valid_from,
        timed.valid_to,
        timed.valid_from < s.as_of_end AND coalesce(timed.valid_to >= s.as_of_end, TRUE) AS is_current
    FROM timed
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
